//! The facts of a task, as a journal holds them.
//!
//! An entry of a journal is one fact with its time. Facts name each other by the number of their entry
//! (`seq`, from 1): an answer says which question it belongs to.
//!
//! Invariant: a fact holds no secret, and nothing that would have to be looked up elsewhere to be
//! understood, but the text behind a digest.
//! Not here: what a fact changes (`step`).

mod begin;
mod effect;
mod question;

use ax_manifest::Digest;
use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::failure::Failure;
use super::state::{Reason, Signal, Why};
use super::text::Text;

pub use begin::{Parent, Planned, Program, Started, Work};
pub use effect::{Ask, Intended, Origin, Returned, Verdict};
pub use question::{Answer, Asked, Gate};

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
