//! Failures of host functions, as guests see them: `ax:types/types.error`.

use super::super::limits;
use super::super::rights::DenialReason;
use super::super::text;
use super::bindings::ax::types::types::{Error, ErrorKind};
use crate::workflow::{Failure, FailureKind};

/// Bytes of a code, as `ax:types` promises.
const CODE_BYTES: usize = 256;

/// Makes a failure of this kind.
pub(super) fn of(kind: ErrorKind, code: &str, message: &str) -> Error {
    Error {
        kind,
        message: text::scrub(message, limits::ERROR_TEXT_BYTES),
        code: text::scrub(code, CODE_BYTES),
        retry_after_ms: None,
        data: None,
    }
}

/// Says that a permission is missing.
pub(super) fn denied(permission: &str, reason: DenialReason) -> Error {
    let message = format!("`{permission}` is not permitted: {}", reason.word());
    of(ErrorKind::Denied, permission, &message)
}

/// Milliseconds to wait before asking again, at most, as `ax:types` promises: a day.
const RETRY_AFTER_MS: u64 = 86_400_000;

/// Says that there is no task: the guest is no agent.
pub(super) fn no_task() -> Error {
    let message = "this is served to agents alone, in a task: `ax agent run`";
    of(ErrorKind::Unavailable, "task", message)
}

/// Says that there are more than may begin together.
pub(super) fn too_many(most: usize, what: &str) -> Error {
    let message = format!("at most {most} {what} begin together");
    of(ErrorKind::Exhausted, "calls", &message)
}

/// Says that an answer is none of those there can be.
pub(super) fn garbled() -> Error {
    of(ErrorKind::Failed, "", "the answer on record cannot be read")
}

/// Tells a failure as it was recorded.
pub(super) fn recorded(failure: Failure) -> Error {
    let kind = match failure.kind {
        FailureKind::Invalid => ErrorKind::Invalid,
        FailureKind::Denied => ErrorKind::Denied,
        FailureKind::Exhausted => ErrorKind::Exhausted,
        FailureKind::NotFound => ErrorKind::NotFound,
        FailureKind::Conflict => ErrorKind::Conflict,
        FailureKind::Unavailable => ErrorKind::Unavailable,
        FailureKind::Failed => ErrorKind::Failed,
        FailureKind::InDoubt => ErrorKind::InDoubt,
        FailureKind::Cancelled => ErrorKind::Cancelled,
        FailureKind::Other => ErrorKind::Other,
    };
    let retry_after = failure.retry_after_ms.map(|ms| ms.min(RETRY_AFTER_MS));
    Error {
        retry_after_ms: retry_after.and_then(|ms| u32::try_from(ms).ok()),
        data: failure.data.and_then(|data| data.here().map(ToString::to_string)),
        ..of(kind, &failure.code, &failure.message)
    }
}
