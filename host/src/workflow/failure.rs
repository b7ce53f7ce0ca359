//! A failure as it is recorded: what a program can act on, and a sentence for a person.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::text::Text;

/// The code of an effect that was stopped since its task ended: what came of it is no answer, and a retry
/// performs it again.
pub const CLOSED: &str = "closed";

/// What can be done about a failure: the kinds of `ax:types/types.error-kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The request is wrong and stays wrong.
    Invalid,
    /// Not granted.
    Denied,
    /// Granted, but a limit is used up.
    Exhausted,
    /// There is no such tool, agent or thing.
    NotFound,
    /// A condition did not hold.
    Conflict,
    /// Failed, and may succeed later.
    Unavailable,
    /// Failed, and will not succeed if asked the same again.
    Failed,
    /// Whether the effect happened is not known.
    InDoubt,
    /// Somebody asked to stop.
    Cancelled,
    /// A kind of its own; the code says which.
    Other,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Invalid,
        Self::Denied,
        Self::Exhausted,
        Self::NotFound,
        Self::Conflict,
        Self::Unavailable,
        Self::Failed,
        Self::InDoubt,
        Self::Cancelled,
        Self::Other,
    ];

    /// Reads the word of the WIT enum.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Returns the word of the WIT enum.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Denied => "denied",
            Self::Exhausted => "exhausted",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
            Self::InDoubt => "in-doubt",
            Self::Cancelled => "cancelled",
            Self::Other => "other",
        }
    }
}

/// What went wrong with an effect, a step or a task. Without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[error("{message}")]
pub struct Failure {
    /// What to do about it.
    pub kind: FailureKind,
    /// A word for programs: the permission, the limit, the member; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// One line for a person.
    pub message: String,
    /// Milliseconds after which asking again may help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Details for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Text>,
}

impl Failure {
    /// A failure without code and details.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl fmt::Display) -> Self {
        let message = message.to_string();
        Self { kind, code: String::new(), message, retry_after_ms: None, data: None }
    }

    /// Answers whether an effect was stopped since its task ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.kind == FailureKind::Cancelled && self.code == CLOSED
    }

    /// The same with a word for programs.
    #[must_use]
    pub fn coded(self, code: impl Into<String>) -> Self {
        Self { code: code.into(), ..self }
    }
}
