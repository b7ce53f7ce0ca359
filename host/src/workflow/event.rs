//! The facts of a task, as a journal holds them.
//!
//! An entry of a journal is one fact with its time. Facts name each other by the number of their entry
//! (`seq`, from 1): an answer says which question it belongs to.
//!
//! Invariant: a fact holds no secret, and nothing that would have to be looked up elsewhere to be
//! understood, but the text behind a digest.
//! Not here: what a fact changes (`step`).

use std::collections::BTreeMap;

use ax_manifest::{Digest, EffectClass, PluginName, ToolId};
use serde::{Deserialize, Serialize};

use super::budget::{Budget, Spent};
use super::failure::Failure;
use super::id::TaskId;
use super::state::{Reason, Signal, Why};
use super::text::Text;

/// A fact and its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Milliseconds since the Unix epoch. Never smaller than that of the entry before.
    pub at_ms: u64,
    /// What happened.
    pub fact: Fact,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// The task was begun.
    Started(Box<Started>),
    /// Its plan was made.
    Planned(Planned),
    /// It set to work.
    Executing,
    /// Another program took it on, since the one before is gone. What passed meanwhile is no time at work.
    TakenOver,
    /// It rests.
    Paused {
        /// Why.
        why: Why,
    },
    /// It goes on.
    Resumed {
        /// Who wanted it.
        by: String,
    },
    /// It is done.
    Completed {
        /// What came of it.
        output: Text,
    },
    /// It failed.
    Failed {
        /// Why.
        reason: Reason,
        /// What went wrong.
        failure: Failure,
    },
    /// Somebody cancelled it.
    Cancelled {
        /// Who.
        by: String,
    },
    /// It is tried again.
    Retried {
        /// Who wanted it.
        by: String,
        /// Whether what an agent did before is forgotten, or done again from the record up to its end.
        anew: bool,
    },
    /// An effect is about to be performed. On disk before it is.
    Intended(Box<Intended>),
    /// An effect came to its end.
    Returned(Box<Returned>),
    /// The end of an effect is not known, it may be performed again, and now is: what was set aside for the
    /// attempt before counts as spent.
    Resent {
        /// The entry of the intent.
        intent: u64,
    },
    /// A person said what became of an effect that was in doubt.
    Settled {
        /// The entry of the intent.
        intent: u64,
        /// What they said.
        verdict: Verdict,
        /// Who.
        by: String,
    },
    /// A person is asked.
    Asked(Box<Asked>),
    /// A person answered, or the time for it is over.
    Answered {
        /// The entry of the question.
        question: u64,
        /// What they said.
        answer: Answer,
        /// Who.
        by: String,
    },
    /// An agent sleeps.
    Slept {
        /// Which of its calls this is.
        call: u64,
        /// What it asked for.
        arguments: Digest,
        /// When it goes on, in milliseconds since the Unix epoch.
        until_ms: u64,
        /// Fuel the agent used since its call before.
        #[serde(default)]
        fuel: u64,
    },
    /// A time that was waited for has come.
    TimerFired {
        /// Whose.
        timer: Timer,
    },
    /// Something from outside that a step waits for.
    Signalled {
        /// Its name.
        name: String,
        /// What came with it.
        data: Text,
        /// Who sent it.
        by: String,
    },
    /// An agent asked or said something that needs no effect.
    Noted(Box<Noted>),
    /// Lines of a log.
    Logged {
        /// The lines, oldest first.
        lines: Vec<Line>,
    },
    /// A person allowed more.
    Raised {
        /// What holds from now on.
        budget: Budget,
        /// The deadline from now on, in milliseconds since the Unix epoch.
        deadline_ms: Option<u64>,
        /// Who.
        by: String,
    },
}

/// How a task begins. Everything it depends on is named here, or recorded when it is met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Started {
    /// Which task.
    pub task: TaskId,
    /// A few words for people.
    pub title: String,
    /// What is done.
    pub work: Work,
    /// What it is done with.
    pub input: Text,
    /// From which all chance in it is drawn.
    pub seed: u64,
    /// What it may use.
    pub budget: Budget,
    /// Whether it fails when its budget is used up, rather than asking for more.
    #[serde(default)]
    pub fails_at_limit: bool,
    /// When its time is up, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// The task it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// What whoever began it wrote on it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Who began it: `person`, `mcp:…`.
    pub by: String,
}

/// The task that a task is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parent {
    /// It.
    pub task: TaskId,
    /// The one that is part of no other.
    pub root: TaskId,
    /// Tasks above this one.
    pub depth: u8,
}

/// What a task does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// The steps of a spec.
    Workflow {
        /// The file's text, as a JSON string.
        spec: Text,
        /// The digest of the file's text.
        digest: Digest,
        /// The files it names as steps, by the path they are named with, as JSON strings.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        nested: BTreeMap<String, Text>,
    },
    /// A program that a plugin offers.
    Agent(Program),
}

/// A programmed agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Program {
    /// The plugin.
    pub plugin: PluginName,
    /// The name of the agent within it.
    pub agent: String,
    /// Its code.
    pub component: Digest,
    /// What the operator set for it.
    pub settings: Text,
    /// What it is to reach, in words.
    pub goal: String,
}

/// The plan of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Planned {
    /// What distinguishes the engine that runs its guests.
    pub engine: Digest,
    /// The code of the plugins it names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<PluginName, Digest>,
}

/// Where in a task something comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A call of an agent to the host, counted from 0 in each attempt of the task.
    Agent {
        /// Its number.
        call: u64,
    },
    /// A step of a spec.
    Step {
        /// Its place in the spec, from 0.
        step: u32,
        /// Which of the things it is done for, from 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
        /// Which try, from 1.
        attempt: u32,
    },
    /// What settles another effect: the question whether it happened, or its undoing.
    Mend {
        /// The entry of its intent.
        intent: u64,
    },
}

/// What is asked for by an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// A call of a tool.
    Tool {
        /// Which.
        tool: ToolId,
        /// Its input, one JSON document.
        input: Text,
    },
    /// A question to a model.
    Model {
        /// The newest message; each names the one before ([`crate::journal`]).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        messages: Option<Digest>,
        /// All of the request but its messages.
        request: Text,
    },
    /// A task of its own.
    Child {
        /// Which.
        task: TaskId,
        /// What it does, in words.
        title: String,
    },
}

/// An effect that is about to be performed.
///
/// Its key is made of the task and the number of this entry ([`super::EffectKey`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Intended {
    /// Who asks.
    pub origin: Origin,
    /// For what.
    pub ask: Ask,
    /// The digest of what was asked, by which a replay knows it again.
    pub arguments: Digest,
    /// What is known of it when it is interrupted.
    pub class: EffectClass,
    /// The code that performs it, where it is a plugin's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Digest>,
    /// What is set aside for it.
    #[serde(default)]
    pub reserved: Spent,
    /// Fuel the agent used since its call before.
    #[serde(default)]
    pub fuel: u64,
}

/// The end of an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Returned {
    /// The entry of the intent.
    pub intent: u64,
    /// What came of it.
    pub outcome: Result<Text, Failure>,
    /// What it used.
    #[serde(default)]
    pub spent: Spent,
    /// Whether something outside was changed, as far as the host saw.
    #[serde(default)]
    pub changed_outside: bool,
}

/// What a person says of an effect of which nobody knows whether it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It happened, and this came of it.
    Happened(Text),
    /// It did not happen: it is performed now.
    Again,
    /// It counts as failed.
    Failed,
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Asked {
    /// Who asks.
    pub origin: Origin,
    /// For what kind of answer.
    pub gate: Gate,
    /// The digest of what was asked, by which a replay knows it again.
    pub arguments: Digest,
    /// The digest of all the answer holds for: arguments, code and policy. An answer to something else is
    /// void.
    pub bound_to: Digest,
    /// The question, one line.
    pub text: String,
    /// What is to be looked at before answering.
    pub details: Text,
    /// When no answer is a refusal, in milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
    /// Fuel the agent used since its call before.
    #[serde(default)]
    pub fuel: u64,
}

/// Which kind of answer is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Yes or no.
    Approval,
    /// A form to be filled in.
    Form {
        /// JSON Schema of what is asked for, an object of flat fields.
        schema: Text,
    },
}

/// What a person answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It may be done.
    Yes,
    /// It may not.
    No,
    /// The form, filled in.
    Filled(Text),
    /// Nobody answered in time, which is a refusal.
    TimedOut,
    /// What was asked for has changed, so the question is asked anew.
    Void,
}

/// What is waited for with a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timer {
    /// The sleep of an agent.
    Sleep {
        /// The entry in which it began.
        entry: u64,
    },
    /// A step that waits, or the next try of one.
    Step {
        /// Its place in the spec, from 0.
        step: u32,
        /// Which of the things it is done for, from 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
    },
}

/// What an agent asked or said that needs no effect; see `docs/agents.md` for the calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Noted {
    /// Which of its calls this is, counted from 0 in each attempt.
    pub call: u64,
    /// The function: `task.set`, `task.emit`, `tools.available` and so on.
    pub import: String,
    /// The digest of what was asked, by which a replay knows it again.
    pub arguments: Digest,
    /// What was asked, where it is of use to people or to the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Text>,
    /// What it was answered.
    pub answer: Result<Text, Failure>,
    /// Fuel the agent used since its call before.
    #[serde(default)]
    pub fuel: u64,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Line {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// One line, scrubbed.
    pub text: String,
}

impl Fact {
    /// Returns its kind, a word of the journal.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Planned(_) => "planned",
            Self::Executing => "executing",
            Self::TakenOver => "taken-over",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::Completed { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::Retried { .. } => "retried",
            Self::Intended(_) => "intended",
            Self::Returned(_) => "returned",
            Self::Resent { .. } => "resent",
            Self::Settled { .. } => "settled",
            Self::Asked(_) => "asked",
            Self::Answered { .. } => "answered",
            Self::Slept { .. } => "slept",
            Self::TimerFired { .. } => "timer-fired",
            Self::Signalled { .. } => "signalled",
            Self::Noted(_) => "noted",
            Self::Logged { .. } => "logged",
            Self::Raised { .. } => "raised",
        }
    }

    /// Returns what it is to the public state of a task; none if it leaves that alone.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        Some(match self {
            Self::Started(_) => Signal::Start,
            Self::Planned(_) => Signal::Plan,
            Self::Executing => Signal::Execute,
            Self::Paused { why } => Signal::Pause(*why),
            Self::Resumed { .. } => Signal::Resume,
            Self::Completed { .. } => Signal::Complete,
            Self::Failed { reason, .. } => Signal::Fail(*reason),
            Self::Cancelled { .. } => Signal::Cancel,
            Self::Retried { .. } => Signal::Retry,
            Self::Intended(_) | Self::Resent { .. } | Self::Asked(_) => Signal::Act,
            Self::Slept { .. } | Self::TimerFired { .. } | Self::Noted(_) => Signal::Act,
            Self::Returned(_) | Self::Settled { .. } | Self::Answered { .. } => Signal::Learn,
            Self::Signalled { .. } => Signal::Learn,
            Self::Logged { .. } | Self::Raised { .. } | Self::TakenOver => return None,
        })
    }

    /// Returns the documents in it that may be kept by their digest.
    pub fn texts_mut(&mut self) -> Vec<&mut Text> {
        fn of_outcome(outcome: &mut Result<Text, Failure>) -> Option<&mut Text> {
            match outcome {
                Ok(text) => Some(text),
                Err(failure) => failure.data.as_mut(),
            }
        }
        match self {
            Self::Started(it) => {
                let Started { work, input, .. } = &mut **it;
                match work {
                    Work::Workflow { spec, nested, .. } => {
                        nested.values_mut().chain([spec, input]).collect()
                    }
                    Work::Agent(program) => vec![&mut program.settings, input],
                }
            }
            Self::Completed { output } => vec![output],
            Self::Failed { failure, .. } => failure.data.iter_mut().collect(),
            Self::Intended(it) => match &mut it.ask {
                Ask::Tool { input, .. } => vec![input],
                Ask::Model { request, .. } => vec![request],
                Ask::Child { .. } => Vec::new(),
            },
            Self::Returned(it) => of_outcome(&mut it.outcome).into_iter().collect(),
            Self::Settled { verdict: Verdict::Happened(text), .. } => vec![text],
            Self::Asked(it) => match &mut it.gate {
                Gate::Form { schema } => vec![schema, &mut it.details],
                Gate::Approval => vec![&mut it.details],
            },
            Self::Answered { answer: Answer::Filled(text), .. } => vec![text],
            Self::Signalled { data, .. } => vec![data],
            Self::Noted(it) => it.said.iter_mut().chain(of_outcome(&mut it.answer)).collect(),
            Self::Planned(_)
            | Self::Executing
            | Self::TakenOver
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::Cancelled { .. }
            | Self::Retried { .. }
            | Self::Resent { .. }
            | Self::Settled { .. }
            | Self::Answered { .. }
            | Self::Slept { .. }
            | Self::TimerFired { .. }
            | Self::Logged { .. }
            | Self::Raised { .. } => Vec::new(),
        }
    }
}
