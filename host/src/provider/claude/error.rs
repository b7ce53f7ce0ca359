//! What Claude's failures mean (API reference, "Errors").
//!
//! `error.details.error_code` is meant for machines and goes first, then the type, then the status; the
//! wording counts only where there is nothing else to tell by, as for a prompt that is too long.

use http::HeaderMap;

use super::wire;
use crate::chat::{Class, Error};
use crate::provider::dialect::{parse, refusal};

/// The codes of a spent budget; waiting does not help within any request's time.
const SPENT: [&str; 5] = [
    "enforced_spend_limit_reached",
    "contract_spend_limit_reached",
    "linked_organization_spend_limit_reached",
    "linked_organization_billing_unavailable",
    "storage_quota_exceeded",
];

/// Reads a failure that came with a status.
pub(super) fn of_body(status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
    let request_id = headers.get("request-id").and_then(|id| id.to_str().ok());
    let request_id = request_id.map(str::to_owned);
    match parse::<wire::ErrorBody>(body) {
        Ok(body) => Error {
            provider_request_id: request_id.or(body.request_id),
            ..of_failure(status, &body.error)
        },
        Err(_) => Error {
            provider_request_id: request_id,
            ..refusal(class_of_status(status), status, "", "")
        },
    }
}

/// Reads a failure that came in a stream, after a status of success.
pub(super) fn of_event(failure: &wire::Failure, request_id: Option<String>) -> Error {
    let status = status_of_type(&failure.kind);
    Error { provider_request_id: request_id, ..of_failure(status, failure) }
}

fn of_failure(status: u16, failure: &wire::Failure) -> Error {
    let detail = failure.details.as_ref().and_then(|details| details.error_code.as_deref());
    let class = class(status, &failure.kind, detail, &failure.message);
    refusal(class, status, detail.unwrap_or(&failure.kind), &failure.message)
}

fn class(status: u16, kind: &str, detail: Option<&str>, message: &str) -> Class {
    match detail {
        Some(code) if SPENT.contains(&code) => return Class::Quota,
        Some("ramp_limit_exceeded") => return Class::RateLimit,
        Some("organization_on_hold") => return Class::Auth,
        Some(_) | None => {}
    }
    match kind {
        "invalid_request_error" => class_of_invalid(status, message),
        "authentication_error" => Class::Auth,
        "billing_error" => Class::Quota,
        "permission_error" => Class::Auth,
        "not_found_error" => Class::ModelGone,
        "request_too_large" => Class::ContextTooLong,
        "rate_limit_error" => Class::RateLimit,
        "api_error" | "timeout_error" | "overloaded_error" | "conflict_error" => Class::Transient,
        _ => class_of_status(status),
    }
}

/// Tells apart what the API calls invalid: a prompt that does not fit, a spending limit that somebody
/// set, and everything else.
fn class_of_invalid(status: u16, message: &str) -> Class {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["prompt is too long", "exceed context limit", "context window"]) {
        Class::ContextTooLong
    } else if says(&["credit balance is too low", "usage limits", "spend limit"]) {
        Class::Quota
    } else if status == 413 {
        Class::ContextTooLong
    } else {
        Class::CallerFault
    }
}

fn class_of_status(status: u16) -> Class {
    match status {
        401 | 403 => Class::Auth,
        402 => Class::Quota,
        404 => Class::ModelGone,
        413 => Class::ContextTooLong,
        429 => Class::RateLimit,
        451 => Class::Region,
        408 | 409 => Class::Transient,
        400..=499 => Class::CallerFault,
        _ => Class::Transient,
    }
}

/// The status that goes with a type.
fn status_of_type(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "conflict_error" => 409,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}
