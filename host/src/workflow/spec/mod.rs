//! A workflow file: what it says, and whether it is right.
//!
//! ```text
//! text ──→ reading ──→ order ──→ Spec            Known ──┐
//!             │           │        └──→ check ───────────┴──→ mistakes, every one with its place
//!             └───────────┴───────────→ mistakes ────────────────────┘
//! ```
//!
//! | file      | answers                                                     |
//! |-----------|-------------------------------------------------------------|
//! | `reading` | what was read, and what was wrong with it so far?           |
//! | `header`  | what does the file say above its steps?                     |
//! | `entry`   | what does one `[[step]]` say?                               |
//! | `kind`    | what does that step do?                                     |
//! | `value`   | which templates stand in it?                                |
//! | `order`   | which step needs which, and is that without a circle?       |
//! | `known`   | which tools, agents and models are there?                   |
//! | `check`   | does the file fit them?                                     |
//! | `types`   | what can be told of a value before it is there?             |
//! | `shape`   | does a value fit a schema, as far as that can be told?      |
//! | `graph`   | how do the steps hang together, for people and programs?    |
//! | `error`   | what is wrong, and where?                                   |
//! | `hint`    | what is to be typed there?                                  |
//!
//! Invariant: a [`Spec`] that was parsed has steps whose names are unique, whose needs are steps of it
//! without a circle, and whose templates were read. The same text gives the same spec.
//! Not here: which step may begin now (`plan`); reading files and asking what is installed (`app`).

mod check;
mod entry;
mod error;
mod graph;
mod header;
mod hint;
mod kind;
mod known;
mod order;
mod reading;
mod shape;
#[cfg(test)]
mod tests;
mod types;
mod value;

use std::collections::BTreeSet;

use ax_manifest::{Digest, ToolId};
use serde_json::Value as Json;

use super::budget::Budget;
use super::expression::Template;

pub use check::{Checked, check};
pub use error::{Group, SpecError, SpecFlaw};
pub use graph::Graph;
pub use known::{Known, KnownAgent, KnownFile, KnownTool};

use reading::Reading;

/// Bytes of a workflow file: 200 steps with long prompts fit.
pub const SPEC_BYTES_MAX: usize = 256 << 10;

/// Steps of one workflow. Each is looked at after every event; what is larger is made of workflows.
pub const STEPS_MAX: usize = 200;

/// Things one step does at once, and steps one workflow does at once: a guest each.
pub const PARALLEL_MAX: usize = 64;

/// Steps at once when nothing is said: as many as a small machine has cores, and a provider takes.
pub const PARALLEL_DEFAULT: usize = 8;

/// Further tries of one step. What failed twenty times fails again.
pub const RETRIES_MAX: u32 = 20;

/// Milliseconds before the first further try when nothing is said: long enough for a hiccup to pass.
pub const BACKOFF_DEFAULT_MS: u64 = 1_000;

/// Milliseconds between two tries, a wait, or a time limit at most: 30 days, in which people notice.
pub const TIME_MAX_MS: u64 = 30 * 24 * 3_600_000;

/// Milliseconds for an answer to a question when nothing is said: a day, so that one asked in the evening
/// is answered in the morning.
pub const EXPIRES_DEFAULT_MS: u64 = 24 * 3_600_000;

/// Mistakes that are told of one file; who has more made one mistake many times.
pub const MISTAKES_MAX: usize = 100;

/// What a workflow file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The digest of the text.
    pub digest: Digest,
    /// Its name, kebab-case.
    pub name: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What it does, for people and models.
    pub summary: Option<String>,
    /// JSON Schema of what it is given, an object.
    pub input: Option<Json>,
    /// What it gives; what its last steps give, by their names, if nothing is said.
    pub output: Option<Template>,
    /// What it may use.
    pub budget: Budget,
    /// Whether it fails when its budget is used up, rather than asking for more.
    pub fails_at_limit: bool,
    /// Steps, and things that steps are done for, that are done at once.
    pub max_parallel: usize,
    /// The steps, in the order of the file.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name, kebab-case, unique in the file.
    pub id: String,
    /// Byte offset of the step in the file.
    pub at: usize,
    /// What it does.
    pub kind: StepKind,
    /// Byte offset in the file of the name of what it does.
    pub kind_at: usize,
    /// The places of the steps that have to end before, sorted: those it lists and those it mentions.
    pub needs: Vec<usize>,
    /// Whether it is done at all.
    pub when: Option<Template>,
    /// The list of what it is done for.
    pub for_each: Option<Template>,
    /// For how many of these at once.
    pub max_parallel: usize,
    /// How often it is tried again.
    pub retry: Retry,
    /// How long each try may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// What becomes of the workflow when it fails.
    pub on_error: OnError,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// Calls a tool.
    Tool {
        /// Which, with which input.
        call: ToolCall,
        /// A call that says whether the first one happened, and what came of it: it answers
        /// `{"happened": true, "output": …}`.
        happened: Option<ToolCall>,
        /// A call that undoes it.
        undo: Option<ToolCall>,
    },
    /// Lets an agent work.
    Agent {
        /// Which.
        agent: AgentName,
        /// What it is to reach, in words.
        goal: Option<Template>,
        /// What it is given, an object.
        with: Template,
    },
    /// Asks a model.
    Model {
        /// The model or the tier.
        model: String,
        /// What holds for all it says.
        system: Option<Template>,
        /// What it is asked.
        prompt: Template,
        /// JSON Schema of its answer; a text if there is none.
        schema: Option<Json>,
        /// Tokens of its answer at most.
        max_tokens: Option<u32>,
    },
    /// Asks a person to allow what follows.
    Approve {
        /// The question, one line.
        text: Template,
        /// What is to be looked at before answering.
        details: Option<Template>,
        /// After how many milliseconds no answer is a refusal.
        expires_in_ms: u64,
    },
    /// Waits.
    Wait(Wait),
    /// Does the steps of another file.
    Workflow {
        /// The file, from the folder of this one, with `/` between folders.
        file: String,
        /// What it is given, an object.
        with: Template,
    },
    /// Gives a value.
    Set {
        /// It.
        value: Template,
    },
}

impl StepKind {
    /// Returns the word by which a file says it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Tool { .. } => "tool",
            Self::Agent { .. } => "agent",
            Self::Model { .. } => "model",
            Self::Approve { .. } => "approve",
            Self::Wait(Wait::Time { .. }) => "wait",
            Self::Wait(Wait::Until(_)) => "wait-until",
            Self::Wait(Wait::Signal { .. }) => "wait-for",
            Self::Workflow { .. } => "workflow",
            Self::Set { .. } => "set",
        }
    }
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// Byte offset in the file of the tool's name.
    pub at: usize,
    /// Which.
    pub tool: ToolId,
    /// Its input, an object.
    pub with: Template,
}

/// Which agent works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentName {
    /// One that is declared in a file, by its name.
    Declared(String),
    /// One that is a program of a plugin.
    Programmed(ToolId),
}

impl std::fmt::Display for AgentName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Declared(name) => f.write_str(name),
            Self::Programmed(id) => id.fmt(f),
        }
    }
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wait {
    /// That some time passes.
    Time {
        /// Milliseconds.
        ms: u64,
    },
    /// A point of time: text as RFC 3339 has it, or milliseconds since the Unix epoch. [`instant_ms`]
    /// reads both.
    Until(Template),
    /// Something from outside. It gives what came with it.
    Signal {
        /// Its name, kebab-case.
        name: String,
    },
}

/// How often a step is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Further tries after the first.
    pub max: u32,
    /// Milliseconds before the first of them; each further one waits twice as long.
    pub backoff_ms: u64,
}

impl Retry {
    /// No further try.
    pub const NONE: Self = Self { max: 0, backoff_ms: BACKOFF_DEFAULT_MS };
}

/// What becomes of a workflow when a step fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnError {
    /// It fails too.
    #[default]
    Fail,
    /// The step gives null, and those that need it are done.
    Continue,
    /// The step gives null, and those that need it are skipped.
    Skip,
}

impl OnError {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Fail, Self::Continue, Self::Skip];

    /// Returns the word by which a file says it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Continue => "continue",
            Self::Skip => "skip",
        }
    }
}

impl Spec {
    /// Parses the text of a workflow file.
    ///
    /// # Errors
    ///
    /// Every [`SpecError`] of the text, in its order, at most [`MISTAKES_MAX`]. Whether the tools and agents
    /// it names exist is another question ([`check`]).
    pub fn parse(text: &str) -> Result<Self, Vec<SpecError>> {
        let (draft, wrongs) = read(text);
        match draft {
            Some(draft) if wrongs.is_empty() => Ok(draft.spec),
            _ => Err(error::in_text(wrongs, text)),
        }
    }

    /// Finds the place of a step by its name.
    #[must_use]
    pub fn place_of(&self, id: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.id == id)
    }

    /// Lists the steps that no other step needs: the last ones.
    pub fn last(&self) -> impl Iterator<Item = usize> {
        let mut is_needed = vec![false; self.steps.len()];
        for need in self.steps.iter().flat_map(|step| &step.needs) {
            is_needed[*need] = true;
        }
        is_needed.into_iter().enumerate().filter(|(_, is_needed)| !is_needed).map(|(at, _)| at)
    }

    /// Lists the calls of tools in it, those that find out about others or undo them too.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.steps.iter().flat_map(|step| match &step.kind {
            StepKind::Tool { call, happened, undo } => {
                std::iter::once(call).chain(happened).chain(undo).collect()
            }
            _ => Vec::new(),
        })
    }

    /// Lists the other files it does the steps of, each once.
    #[must_use]
    pub fn files(&self) -> BTreeSet<&str> {
        self.steps
            .iter()
            .filter_map(|step| match &step.kind {
                StepKind::Workflow { file, .. } => Some(file.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Lists what a value does not have of what [`Spec::input`] asks for; nothing if it may be given.
    #[must_use]
    pub fn refusals(&self, input: &Json) -> Vec<String> {
        match &self.input {
            Some(schema) => shape::Shape::of(schema).refusals("input", input),
            None => Vec::new(),
        }
    }
}

impl Step {
    /// Lists every template of the step.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.when.iter().chain(&self.for_each).chain(self.kind.templates())
    }
}

impl StepKind {
    fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Tool { call, happened, undo } => {
                let more = happened.iter().chain(undo);
                std::iter::once(call).chain(more).map(|call| &call.with).collect()
            }
            Self::Agent { goal, with, .. } => goal.iter().chain([with]).collect(),
            Self::Model { system, prompt, .. } => system.iter().chain([prompt]).collect(),
            Self::Approve { text, details, .. } => [text].into_iter().chain(details).collect(),
            Self::Wait(Wait::Until(until)) => vec![until],
            Self::Wait(Wait::Time { .. } | Wait::Signal { .. }) => Vec::new(),
            Self::Workflow { with, .. } => vec![with],
            Self::Set { value } => vec![value],
        }
    }
}

/// Reads a point of time, in milliseconds since the Unix epoch: a text as RFC 3339 has it, or such a
/// number.
#[must_use]
pub fn instant_ms(value: &Json) -> Option<u64> {
    match value {
        Json::Number(number) => number.as_u64(),
        Json::String(text) => {
            let instant: jiff::Timestamp = text.parse().ok()?;
            u64::try_from(instant.as_millisecond()).ok()
        }
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// A spec of which parts may be missing.
struct Draft {
    spec: Spec,
    /// Places of the steps of which it is not known what they do.
    unread: Vec<usize>,
}

/// Reads as much of a text as can be.
fn read(text: &str) -> (Option<Draft>, Vec<error::Wrong>) {
    let mut reading = Reading::of(text);
    let draft = header::read(&mut reading, text);
    (draft, reading.into_wrongs())
}
