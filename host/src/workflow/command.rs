//! What a step orders.

use ax_manifest::ToolId;

use super::event::{Gate, Origin, Timer};
use super::failure::Failure;
use super::state::{Reason, Why};
use super::text::Text;

/// Orders, in the order in which they are to be begun.
pub type Commands = Vec<Command>;

/// An order to whoever drives the task.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Looks up what the work depends on, and records the plan.
    Plan,
    /// Records that the task is at work.
    Execute,
    /// Starts the agent, or starts it again: it is answered from the record as far as that goes.
    RunAgent,
    /// Performs an effect: its intent first.
    Perform(Box<Effect>),
    /// Performs an effect once more whose intent is on record, with the same key.
    Resend {
        /// The entry of the intent.
        intent: u64,
    },
    /// Puts a question to a person.
    Ask(Box<Inquiry>),
    /// Records at that time that it has come.
    Wake {
        /// Whose time.
        timer: Timer,
        /// Milliseconds since the Unix epoch.
        at_ms: u64,
    },
    /// Records that nothing goes on until a person does something.
    Pause(Why),
    /// Records that what was waited for has come.
    Resume,
    /// Stops what is being performed: nobody needs it any more.
    Stop,
    /// Records the end.
    Finish(Ending),
}

/// An effect that is to be performed.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Who asks.
    pub origin: Origin,
    /// For what.
    pub order: Order,
    /// Milliseconds it may take; what performs it has bounds of its own besides.
    pub timeout_ms: Option<u64>,
    /// How it is found out whether it happened, if it is interrupted.
    pub happened: Option<Call>,
    /// What undoes it, if it is interrupted.
    pub undo: Option<Call>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Which.
    pub tool: ToolId,
    /// Its input.
    pub input: Text,
}

/// What is to be performed.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// A call of a tool.
    Tool(Call),
    /// A question to a model.
    Model {
        /// A request without a name of its own, in the words of [`crate::chat::Request`].
        request: Text,
    },
    /// A task of its own, that runs an agent.
    Agent {
        /// Its plugin and name.
        agent: ToolId,
        /// What it is to reach.
        goal: String,
        /// What it is given.
        input: Text,
    },
    /// A task of its own, that runs the steps of another file.
    Workflow {
        /// The path it is named with.
        file: String,
        /// What it is given.
        input: Text,
    },
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Inquiry {
    /// Who asks.
    pub origin: Origin,
    /// For what kind of answer.
    pub gate: Gate,
    /// One line.
    pub text: String,
    /// What is to be looked at before answering.
    pub details: Text,
    /// Milliseconds after which no answer is a refusal.
    pub expires_in_ms: Option<u64>,
}

/// How a task ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// Done.
    Completed {
        /// What came of it.
        output: Text,
    },
    /// Not done.
    Failed {
        /// Why.
        reason: Reason,
        /// What went wrong.
        failure: Failure,
    },
}
