//! Effects: what is asked for, where in the task, and what came of it.

use ax_manifest::{Digest, EffectClass, ToolId};
use serde::{Deserialize, Serialize};

use super::super::budget::Spent;
use super::super::failure::Failure;
use super::super::id::TaskId;
use super::super::text::Text;

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
/// Its key is made of the task and the number of this entry ([`super::super::EffectKey`]).
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
