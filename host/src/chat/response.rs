//! A whole answer.

use serde::{Deserialize, Serialize};

use super::message::Message;

/// Why an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// It is complete.
    Stop,
    /// There was no room for more.
    Length,
    /// Tools are to be called.
    ToolCalls,
    /// The provider held the rest back.
    ContentFilter,
    /// The model does not answer such things.
    Refusal,
}

impl Finish {
    /// The word for it, as it is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool-calls",
            Self::ContentFilter => "content-filter",
            Self::Refusal => "refusal",
        }
    }
}

/// Tokens that were used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Read in all, those of the cache among them.
    pub input: u64,
    /// Written in all, thoughts among them.
    pub output: u64,
    /// Of `input`, those that came from the provider's cache.
    pub cache_read: u64,
    /// Of `input`, those that were written into it.
    pub cache_write: u64,
    /// Of `output`, those of thoughts.
    pub reasoning: u64,
}

impl Usage {
    /// Read and written.
    #[must_use]
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// Adds what another used.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Who answered.
    pub provider: String,
    /// Which model, as the provider calls it.
    pub model: String,
    /// What it says.
    pub message: Message,
    /// Why it ends.
    pub finish: Finish,
    /// What it used, where the provider told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The provider's name of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_request_id: Option<String>,
}
