//! Programmed agents: guests whose every effect is a question to whoever carries their task.
//!
//! ```text
//! run_agent ──→ fresh instance ──→ ax:tools, ax:task, ax:model ──→ Question ──→ Companion
//!                  ▲                                                              │ records, performs,
//!                  └────────────── Told::Answer ◀─────────────────────────────────┘ or plays back
//!                                  Told::Park | Stop: the instance is dropped
//! ```
//!
//! Arguments and answers are JSON, members in camel case:
//!
//! | import               | arguments                          | answer                                   |
//! |----------------------|------------------------------------|------------------------------------------|
//! | `tools.available`    | `{}`                               | a list of [`Offered`]                    |
//! | `tools.call`         | `{"name", "input"}`                | [`answer_of`] an output of the tool      |
//! | `model.complete`     | [`Request`](crate::chat::Request)  | [`Completed`]                            |
//! | `model.count-tokens` | [`Request`](crate::chat::Request)  | a number                                 |
//! | `model.models`       | `{}`                               | a list of [`Listed`](super::Listed)      |
//! | `task.approve`       | `{"action", "details"}`            | `true` or `false`                        |
//! | `task.ask`           | `{"question", "schema"}`           | what was entered, an object              |
//! | `task.sleep`         | `{"ms"}`                           | `null`                                   |
//! | `task.get`           | `{"key"}`                          | the value, or `null`                     |
//! | `task.set`           | `{"key", "value"}`, `null` removes | `null`                                   |
//! | `task.emit`          | `{"text"}`                         | `null`                                   |
//! | `task.budget`        | `{}`                               | [`Remaining`]                            |
//! | `task.agents`        | `{}`                               | a list of names                          |
//! | `task.delegate`      | `{"agent", "goal", "input"}`       | the agent's result; see [`no_delegation`] |
//!
//! An answer may be a failure instead; where the function of the guest has no error it is as if there were
//! nothing. What is wrong whatever was recorded before (a name that is none, a text that is too long) is
//! answered here and is no question.
//!
//! Invariant: given the same component, arguments, settings, limits, seed and answers, a guest asks the
//! same questions with the same arguments and the same fuel, whenever and wherever it runs.
//! Not here: what an answer is, when to park, what is recorded (`runtime`); which functions there are
//! (`imports/tools`, `imports/task`, `imports/model`).

mod run;
mod seat;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::backtrace::Frame;
use super::error::CallError;
use super::exports::{Content, Output};
use super::log::Line;
use crate::chat::{RequestId, Response, Usage};
use crate::workflow::{Failure, FailureKind, TaskId, Text};

pub use run::RUN;
pub(super) use seat::{Answer, Seat, Wanted};

/// A function of a guest that is a question to the companion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Import {
    /// `ax:tools/tools.available`.
    ToolsAvailable,
    /// `ax:tools/tools.call`, and each invocation of `call-all`.
    ToolsCall,
    /// `ax:model/chat.complete` and `begin`, and each request of `complete-all`.
    ModelComplete,
    /// `ax:model/chat.count-tokens`.
    ModelCountTokens,
    /// `ax:model/chat.models`.
    ModelModels,
    /// `ax:task/task.approve`.
    TaskApprove,
    /// `ax:task/task.ask`.
    TaskAsk,
    /// `ax:task/task.sleep`.
    TaskSleep,
    /// `ax:task/task.get`.
    TaskGet,
    /// `ax:task/task.set`.
    TaskSet,
    /// `ax:task/task.emit`.
    TaskEmit,
    /// `ax:task/task.budget`.
    TaskBudget,
    /// `ax:task/task.agents`.
    TaskAgents,
    /// `ax:task/task.delegate`, and each request of `delegate-all`.
    TaskDelegate,
}

impl Import {
    /// Every one.
    pub const ALL: [Self; 14] = [
        Self::ToolsAvailable,
        Self::ToolsCall,
        Self::ModelComplete,
        Self::ModelCountTokens,
        Self::ModelModels,
        Self::TaskApprove,
        Self::TaskAsk,
        Self::TaskSleep,
        Self::TaskGet,
        Self::TaskSet,
        Self::TaskEmit,
        Self::TaskBudget,
        Self::TaskAgents,
        Self::TaskDelegate,
    ];

    /// Returns its word in the journal.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ToolsAvailable => "tools.available",
            Self::ToolsCall => "tools.call",
            Self::ModelComplete => "model.complete",
            Self::ModelCountTokens => "model.count-tokens",
            Self::ModelModels => "model.models",
            Self::TaskApprove => "task.approve",
            Self::TaskAsk => "task.ask",
            Self::TaskSleep => "task.sleep",
            Self::TaskGet => "task.get",
            Self::TaskSet => "task.set",
            Self::TaskEmit => "task.emit",
            Self::TaskBudget => "task.budget",
            Self::TaskAgents => "task.agents",
            Self::TaskDelegate => "task.delegate",
        }
    }

    /// Finds it by its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|import| import.word() == word)
    }
}

/// What a guest asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Of which function.
    pub import: Import,
    /// With what, a JSON object.
    pub arguments: String,
    /// What the gate says against it. A question that is not on record is answered with this, which is
    /// recorded like any answer, and performed never; for one that is on record the record counts,
    /// whatever was granted or revoked since.
    pub refused: Option<Failure>,
    /// Fuel the guest used since its previous question; of several together the first has all of it.
    pub fuel: u64,
    /// What it said since then; nothing while it is played back.
    pub log: Vec<Line>,
}

/// What a guest is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// The answer. A text that is not here counts as a failure.
    Answer(Result<Text, Failure>),
    /// Nothing yet: the instance is dropped, and the agent is run again when there is an answer.
    Park,
    /// Nothing, ever: the task ended, or the guest asks something else than it did before.
    Stop,
}

/// Whoever carries the task of an agent.
pub trait Companion: Send + Sync {
    /// Answers questions that a guest asks together, each, in their order.
    fn ask(&self, questions: Vec<Question>) -> BoxFuture<'_, Vec<Told>>;

    /// Returns what the guest's clock shows, in milliseconds since the Unix epoch. It is read once before
    /// the guest runs and once after each [`Companion::ask`], and has to depend on nothing but what is on
    /// record up to there. It never makes the guest's clock go back.
    fn now_ms(&self) -> u64;

    /// Returns what random numbers are made of, the same for the whole task.
    fn seed(&self) -> u64;

    /// Answers whether the next question is on record already.
    fn is_replaying(&self) -> bool;
}

/// One run of an agent, from its beginning.
pub struct AgentRun {
    /// The task.
    pub task: TaskId,
    /// The agent's name within its plugin.
    pub agent: String,
    /// What is wanted of it, in a sentence.
    pub goal: String,
    /// Its input, a JSON document.
    pub input: String,
    /// The plugin's settings as they were when the task began, an object.
    pub settings: Value,
    /// Who answers it.
    pub companion: Arc<dyn Companion>,
    /// Turns true when the guest is to be dropped.
    pub cancel: watch::Receiver<bool>,
}

/// How a run of an agent ended.
#[derive(Debug)]
pub enum AgentEnd {
    /// It came to its end.
    Done {
        /// What it returned, a JSON document, or the error it returned.
        result: Result<Text, Failure>,
        /// Fuel since its last question.
        fuel: u64,
        /// What it said since then.
        log: Vec<Line>,
    },
    /// It was told to wait; it is run again later.
    Parked,
    /// It was told to end, or [`AgentRun::cancel`] turned true.
    Stopped,
    /// It could not be started, crashed, or ran into a limit.
    Failed {
        /// Why; one that [`CallError::is_transient`] may be tried again.
        error: CallError,
        /// Fuel since its last question.
        fuel: u64,
        /// What it said since then.
        log: Vec<Line>,
        /// Where it was when the engine ended it, the innermost function first.
        backtrace: Vec<Frame>,
    },
}

/// A tool, as an agent is shown it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offered {
    /// The whole name, as `ax:fetch.get`.
    pub name: String,
    /// A few words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does.
    pub description: String,
    /// JSON Schema of its input.
    pub input_schema: Value,
    /// JSON Schema of its answer for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Whether it says that it changes nothing.
    pub read_only: bool,
    /// Whether it may remove or overwrite.
    pub destructive: bool,
    /// Whether a second call changes nothing more.
    pub idempotent: bool,
    /// Whether it reaches things outside of this host.
    pub open_world: bool,
}

impl Offered {
    /// Shows a tool of a plugin.
    #[must_use]
    pub fn new(plugin: &ax_manifest::PluginName, tool: &ax_manifest::Tool) -> Self {
        Self {
            name: format!("{plugin}.{}", tool.name),
            title: tool.title.clone(),
            description: tool.description.clone(),
            input_schema: tool.input_schema.clone(),
            output_schema: tool.output_schema.clone(),
            read_only: tool.annotations.read_only,
            destructive: tool.annotations.destructive,
            idempotent: tool.annotations.idempotent,
            open_world: tool.annotations.open_world,
        }
    }
}

/// A whole answer of a model, and what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Completed {
    /// Names the request.
    pub id: RequestId,
    /// What was answered.
    pub response: Response,
    /// The tokens it took.
    pub usage: Usage,
    /// Whether they were guessed.
    #[serde(default)]
    pub is_estimated: bool,
    /// What it cost in millionths of a US dollar, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<u64>,
}

/// What a task may still use; nothing where nothing bounds it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Remaining {
    /// Tokens of models.
    pub tokens: Option<u64>,
    /// Millionths of a US dollar.
    pub cost_micro_usd: Option<u64>,
    /// Calls of tools.
    pub calls: Option<u64>,
    /// Milliseconds until the task's deadline.
    pub ms: Option<u64>,
}

/// What a tool answered, as an agent reads it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    /// Pieces in reading order.
    #[serde(default)]
    pub(super) content: Vec<Content>,
    /// The answer for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) structured: Option<Value>,
}

/// Writes what a tool answered as the answer to `tools.call`: `{"content": […], "structured": …}`. A value
/// of a typed tool is its structured part, whatever its type.
#[must_use]
pub fn answer_of(output: &Output) -> Text {
    let answer = match output {
        Output::Value(value) => json!({ "content": [], "structured": value }),
        Output::Content { content, structured: None } => json!({ "content": content }),
        Output::Content { content, structured: Some(structured) } => {
            json!({ "content": content, "structured": structured })
        }
    };
    Text::new(answer.to_string())
}

/// Says that this host does not delegate: the answer to `task.delegate`.
#[must_use]
pub fn no_delegation() -> Failure {
    let message = "this host does not hand work to other agents yet; call their tools instead";
    Failure::new(FailureKind::Unavailable, message).coded("delegate")
}

/// Says why a call gave no answer, as it is recorded.
#[must_use]
pub fn failure_of(error: &CallError) -> Failure {
    let kind = FailureKind::parse(error.kind().word()).unwrap_or(FailureKind::Other);
    let data = match error {
        CallError::Tool { data: Some(data), .. } => Some(Text::new(data.to_string())),
        _ => None,
    };
    Failure { data, ..Failure::new(kind, error).coded(error.code()) }
}
