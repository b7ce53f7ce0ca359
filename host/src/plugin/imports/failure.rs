//! Failures of host functions, as guests see them: `ax:types/types.error`.

use super::super::limits;
use super::super::rights::DenialReason;
use super::super::text;
use super::bindings::ax::types::types::{Error, ErrorKind};

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
