//! Failures of requests in the words of `ax:types`, as `ax:http` promises them.

use ax_manifest::Method;

use super::super::limits::Limit;
use super::super::rights::DenialReason;
use super::super::send::SendError;
use super::bindings::ax::types::types::{Error, ErrorKind};
use super::failure;
use crate::egress::error::{EgressError, Phase};

/// Says a failure in the words of `ax:types`.
pub(super) fn told(error: &SendError, method: Method) -> Error {
    let message = error.to_string();
    let with = |kind, code: &str| failure::of(kind, code, &message);
    match error {
        SendError::Denied { permission, reason } => failure::denied(permission, *reason),
        SendError::Exhausted(limit) => with(ErrorKind::Exhausted, limit.word()),
        SendError::Redirects => with(ErrorKind::Exhausted, "redirects"),
        SendError::Leak { secret } => with(ErrorKind::Denied, &format!("secret:{secret}")),
        SendError::Late { .. } if is_unsafe(method) => with(ErrorKind::InDoubt, ""),
        SendError::Late { .. } => with(ErrorKind::Unavailable, ""),
        // Never reaches a guest: the call ends.
        SendError::Ended(_) => with(ErrorKind::Failed, ""),
        SendError::Egress(error) => told_exchange(error, method, &message),
    }
}

/// Answers whether sending it a second time may do something a second time (RFC 9110 §9.2.2).
fn is_unsafe(method: Method) -> bool {
    match method {
        Method::Post | Method::Patch => true,
        Method::Get | Method::Head | Method::Options | Method::Put | Method::Delete => false,
    }
}

fn told_exchange(error: &EgressError, method: Method, message: &str) -> Error {
    let with = |kind, code: &str| failure::of(kind, code, message);
    match error {
        // Not which one: a guest could map a private network by asking for names.
        EgressError::AddressRefused { host, .. } => {
            let message = format!("`{host}` is not reached: {}", DenialReason::Address.word());
            failure::of(ErrorKind::Denied, "address", &message)
        }
        EgressError::TooMuchOut { .. } => with(ErrorKind::Exhausted, Limit::BytesOut.word()),
        EgressError::TooMuchIn { .. } => with(ErrorKind::Exhausted, Limit::BytesIn.word()),
        EgressError::BodyTooLarge { .. } => with(ErrorKind::Exhausted, "body"),
        EgressError::Header { .. } | EgressError::RequestHeaders { .. } => {
            with(ErrorKind::Invalid, "headers")
        }
        EgressError::Target { .. } => with(ErrorKind::Invalid, "url"),
        EgressError::RequestBody { .. } => with(ErrorKind::Invalid, "body"),
        // The request was sent, whole or in part, and nobody knows what became of it.
        EgressError::Timeout { phase: Phase::FirstByte | Phase::BetweenBytes, .. }
        | EgressError::Cut { .. }
        | EgressError::Protocol { .. }
        | EgressError::AnswerHeaders { .. }
        | EgressError::Encoding { .. }
        | EgressError::Decode { .. }
            if is_unsafe(method) =>
        {
            with(ErrorKind::InDoubt, "")
        }
        error if error.is_transient() => with(ErrorKind::Unavailable, ""),
        _ => with(ErrorKind::Failed, ""),
    }
}
