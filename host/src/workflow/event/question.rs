//! Questions to people, and their answers.

use ax_manifest::Digest;
use serde::{Deserialize, Serialize};

use super::super::text::Text;
use super::Origin;

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
