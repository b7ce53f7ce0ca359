//! What Gemini's failures mean (google.rpc.Status, and the guide "Troubleshooting").
//!
//! ```text
//! {"error": {"code", "message", "status", "details": [ErrorInfo, QuotaFailure, RetryInfo, …]}}
//! [{"error": …}]      the same, as a stream of one
//! ```
//!
//! A detail says more than a status, and a message is read only where one status has several meanings.

use std::time::Duration;

use serde_json::Value;

use crate::chat::{Class, Error};
use crate::provider::dialect::{later, refusal};
use crate::provider::limits::duration;

/// Reads a failure that came with a status.
pub(super) fn of_body(status: u16, body: &[u8]) -> Error {
    match serde_json::from_slice::<Value>(body) {
        Ok(body) => said(Some(status), &body),
        Err(_) => {
            let message = match status {
                300..400 | 404 | 405 => format!(
                    "there is no such interface at this address (status {status}): check the base URL, which ends in a version"
                ),
                _ => String::new(),
            };
            refusal(class_of_status(status), status, "", &message)
        }
    }
}

/// Reads what an error says: itself, in its field, in a list of one; in a stream with no status but
/// its own.
pub(super) fn said(status: Option<u16>, said: &Value) -> Error {
    let said = said.get(0).unwrap_or(said);
    let error = said.get("error").unwrap_or(said);
    let text = |field: &str| error.get(field).and_then(Value::as_str).unwrap_or_default();
    let number = error.get("code").and_then(Value::as_u64);
    let number = number.and_then(|code| u16::try_from(code).ok());
    let status = status.or(number.filter(|code| (400..600).contains(code))).unwrap_or(500);
    let (word, message) = (text("status"), text("message"));
    let details = error.get("details").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let class = class(status, word, message, details);
    later(refusal(class, status, word, message), wait(details, message))
}

fn class(status: u16, word: &str, message: &str, details: &[Value]) -> Class {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let reasons = details.iter().filter_map(|detail| detail.get("reason")?.as_str());
    for reason in reasons {
        match reason {
            "API_KEY_INVALID" | "API_KEY_SERVICE_BLOCKED" | "SERVICE_DISABLED" => {
                return Class::Auth;
            }
            "BILLING_DISABLED" => return Class::Quota,
            _ => {}
        }
    }
    match word {
        "INVALID_ARGUMENT" | "OUT_OF_RANGE" if says(&["api key"]) => Class::Auth,
        "INVALID_ARGUMENT" | "OUT_OF_RANGE"
            if says(&["token count", "context window"]) && says(&["exceed"]) =>
        {
            Class::ContextTooLong
        }
        "FAILED_PRECONDITION" | "INVALID_ARGUMENT" if says(&["location is not supported"]) => {
            Class::Region
        }
        "FAILED_PRECONDITION" if says(&["billing"]) => Class::Quota,
        "PERMISSION_DENIED" | "UNAUTHENTICATED" => Class::Auth,
        "NOT_FOUND" => Class::ModelGone,
        "RESOURCE_EXHAUSTED" if is_spent(details) || says(&["credits are depleted"]) => {
            Class::Quota
        }
        "RESOURCE_EXHAUSTED" => Class::RateLimit,
        "ABORTED" | "CANCELLED" | "DEADLINE_EXCEEDED" | "INTERNAL" | "UNAVAILABLE" | "UNKNOWN" => {
            Class::Transient
        }
        _ => class_of_status(status),
    }
}

/// Answers whether what is exhausted comes back tomorrow, or never: the limits of a day, and those
/// that are zero.
fn is_spent(details: &[Value]) -> bool {
    let violations = details.iter().filter_map(|detail| detail.get("violations")?.as_array());
    violations.flatten().any(|violation| {
        let text = |field: &str| violation.get(field).and_then(Value::as_str).unwrap_or_default();
        text("quotaId").contains("PerDay") || text("quotaValue") == "0"
    })
}

/// Reads how long to wait, of `RetryInfo` or else of the message ("Please retry in 34.07s.").
fn wait(details: &[Value], message: &str) -> Option<Duration> {
    let told = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str());
    if let Some(wait) = told.and_then(duration) {
        return Some(wait);
    }
    let (_, after) = message.split_once("retry in ")?;
    let is_of_it = |it: char| it.is_ascii_alphanumeric() || it == '.';
    let end = after.find(|it| !is_of_it(it)).unwrap_or(after.len());
    duration(after[..end].trim_end_matches('.'))
}

fn class_of_status(status: u16) -> Class {
    match status {
        401 | 403 => Class::Auth,
        402 => Class::Quota,
        // Nothing is there: the model, or the whole interface, and then the base URL is wrong.
        300..400 | 404 | 405 => Class::ModelGone,
        413 => Class::ContextTooLong,
        429 => Class::RateLimit,
        451 => Class::Region,
        408 | 409 | 499 => Class::Transient,
        400..500 => Class::CallerFault,
        _ => Class::Transient,
    }
}
