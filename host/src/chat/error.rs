//! Why there is no answer, or no more of one.
//!
//! A class is what a caller can do about it. Whether it is tried again, elsewhere, and who is to blame are
//! three functions of it (`router`).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Bytes of a provider's message that are kept: they quote what was sent.
const MESSAGE_BYTES_MAX: usize = 2 << 10;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Nobody's fault that lasts: a server's error, a broken connection, an answer that makes no sense.
    Transient,
    /// Too much in too short a time.
    RateLimit,
    /// Nothing is left of what was paid for.
    Quota,
    /// The key does not open.
    Auth,
    /// There is no such model, or no more.
    ModelGone,
    /// Not from here.
    Region,
    /// The conversation does not fit the model.
    ContextTooLong,
    /// The provider does not answer such things.
    Policy,
    /// What was asked cannot be asked.
    CallerFault,
    /// Whoever asked wants no answer any more.
    Cancelled,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct Error {
    /// What kind of failure it is.
    pub class: Class,
    /// The HTTP status, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The provider's word for it, or ours: `overloaded_error`, `timeout-first-token`.
    pub code: String,
    /// What happened, in one line; never a key.
    pub message: String,
    /// The provider that said so; none if it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The provider's name of the request, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_request_id: Option<String>,
    /// How long to wait before it is tried again, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// It was sent, and the provider may have answered what did not come, or not in time: it may bill that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_cost: bool,
}

impl Class {
    /// The word for it, as it is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::RateLimit => "rate-limit",
            Self::Quota => "quota",
            Self::Auth => "auth",
            Self::ModelGone => "model-gone",
            Self::Region => "region",
            Self::ContextTooLong => "context-too-long",
            Self::Policy => "policy",
            Self::CallerFault => "caller-fault",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Error {
    /// Makes one. What is more than one line or too long of `message` is left out.
    #[must_use]
    pub fn new(class: Class, code: impl Into<String>, message: &str) -> Self {
        let line: String = message.split(char::is_control).collect::<Vec<_>>().join(" ");
        let mut end = line.len().min(MESSAGE_BYTES_MAX);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            class,
            status: None,
            code: code.into(),
            message: line[..end].to_owned(),
            provider: None,
            provider_request_id: None,
            retry_after: None,
            may_cost: false,
        }
    }

    /// Says that a request must not be sent.
    #[must_use]
    pub fn invalid(why: String) -> Self {
        Self::new(Class::CallerFault, "invalid", &why)
    }

    /// Says that nobody waits for the answer any more.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(Class::Cancelled, "cancelled", "the request was cancelled")
    }
}
