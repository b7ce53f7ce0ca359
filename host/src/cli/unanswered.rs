//! A request to a model that brought no answer: its code, and what programs are told of it.
//!
//! Not here: what an operator can type (`provider::hint`).

use serde_json::{Value, json};

use super::codes::{self, Code};
use super::fault::exit;
use crate::app::Unanswered;
use crate::chat::{Class, Error};
use crate::router::keeper::UNKEPT;

/// What a provider, or the router for all of them, says.
pub(super) fn verdict(error: &Error) -> (Code, u8) {
    if error.code == UNKEPT && error.provider.is_none() {
        return (codes::LEDGER, exit::FAILED);
    }
    match error.class {
        Class::Transient if error.code.starts_with("timeout") || error.code == "deadline" => {
            (codes::UNANSWERED, exit::TIMEOUT)
        }
        Class::Transient => (codes::UNANSWERED, exit::FAILED),
        Class::RateLimit => (codes::MODEL_LIMIT, exit::FAILED),
        Class::Quota => (codes::MODEL_QUOTA, exit::FAILED),
        Class::Auth => (codes::MODEL_KEY, exit::FAILED),
        Class::ModelGone | Class::Region => (codes::MODEL_GONE, exit::NOT_FOUND),
        Class::ContextTooLong => (codes::MODEL_CONTEXT, exit::FAILED),
        Class::Policy => (codes::MODEL_POLICY, exit::FAILED),
        Class::CallerFault => (codes::MODEL_REQUEST, exit::USAGE),
        Class::Cancelled => (codes::CANCELLED, exit::INTERRUPTED),
    }
}

/// What a provider said, for programs.
pub(super) fn details(unanswered: &Unanswered) -> Value {
    let Unanswered { id, error, trail, .. } = unanswered;
    json!({
        "request": id,
        "class": error.class,
        "code": error.code,
        "status": error.status,
        "provider": error.provider,
        "providerRequestId": error.provider_request_id,
        "retryAfterMs": error.retry_after.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
        "attempts": trail.steps,
    })
}

/// Answers whether the same may be answered later.
pub(super) fn is_retryable(unanswered: &Unanswered) -> bool {
    matches!(unanswered.error.class, Class::Transient | Class::RateLimit)
}
