//! What OpenAI's errors mean, and those of servers that write them alike.
//!
//! ```text
//! {"error": {"message", "type", "param", "code"}}     OpenAI, llama.cpp (whose code is the status)
//! {"object": "error", "message", "type", "code"}      older vLLM
//! {"error": "message"}                                older Ollama
//! ```
//!
//! A code says more than a type, a type more than a status, and a message is read only where servers
//! have no code for it. Facts: developers.openai.com/docs/guides/error-codes; `ResponseError` of the
//! Python package 3.54; the sources of the three servers.

use http::HeaderMap;
use serde_json::Value;

use crate::chat::{Class, Error};
use crate::provider::dialect::refusal;

/// The header that names a request.
const REQUEST_ID: &str = "x-request-id";

/// What a message says where there is no code for it.
const TOO_LONG: [&str; 8] = [
    "context length",
    "context window",
    "context_length",
    "available context size",
    "maximum number of tokens",
    "prompt is too long",
    "input is too long",
    // A request that is above the limit of a minute fits in no minute.
    "request too large",
];

/// Reads a failure.
pub(in crate::provider) fn refused(status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
    let error = match serde_json::from_slice::<Value>(body) {
        Ok(said) => {
            let inner = said.get("error").filter(|error| !error.is_null());
            self::said(Some(status), inner.unwrap_or(&said))
        }
        Err(_) => unread(status),
    };
    let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    Error { provider_request_id: id.map(str::to_owned).or(error.provider_request_id), ..error }
}

/// Reads what an error says; in a stream there is no status but that of the answer that had begun.
pub(in crate::provider) fn said(status: Option<u16>, error: &Value) -> Error {
    let text = |field: &str| error.get(field).and_then(Value::as_str).unwrap_or_default();
    let number = error.get("code").and_then(Value::as_u64);
    let number = number.and_then(|code| u16::try_from(code).ok());
    let status = status.or(number.filter(|code| (400..600).contains(code)));
    let message = error.as_str().unwrap_or_else(|| text("message"));
    let (code, kind) = (text("code"), text("type"));
    let class = by_word(code)
        .or_else(|| by_word(kind))
        .or_else(|| by_message(message))
        .or_else(|| [code, kind].iter().any(|it| is_of_rates(it)).then_some(Class::RateLimit))
        .or_else(|| status.is_none().then(|| unstated(&[code, kind])).flatten())
        .unwrap_or_else(|| by_status(status));
    let word = if code.is_empty() { kind } else { code };
    let message = without_keys(message);
    match status {
        Some(status) => refusal(class, status, word, &message),
        None => {
            let word = if word.is_empty() { "in-stream" } else { word };
            Error { status: None, ..refusal(class, 0, word, &message_or(&message)) }
        }
    }
}

fn message_or(message: &str) -> String {
    if message.trim().is_empty() {
        "the provider broke its answer off with an error".to_owned()
    } else {
        message.to_owned()
    }
}

/// A status without an error that can be read: some other server, or something between.
fn unread(status: u16) -> Error {
    let class = by_status(Some(status));
    let message = match status {
        300..400 | 404 | 405 => {
            format!(
                "there is no such interface at this address (status {status}): check the base URL"
            )
        }
        _ => String::new(),
    };
    refusal(class, status, "", &message)
}

/// What a code or a type means.
fn by_word(word: &str) -> Option<Class> {
    Some(match word {
        "insufficient_quota"
        | "credit_balance_exhausted"
        | "billing_hard_limit_reached"
        | "billing_not_active"
        | "account_deactivated" => Class::Quota,
        "invalid_api_key"
        | "invalid_organization"
        | "ip_not_authorized"
        | "mismatched_organization"
        | "authentication_error"
        | "permission_error" => Class::Auth,
        "model_not_found"
        | "model_not_available"
        | "model_not_supported"
        | "invalid_model"
        | "NotFoundError" => Class::ModelGone,
        "unsupported_country_region_territory" | "data_residency_mismatch" => Class::Region,
        "context_length_exceeded"
        | "string_above_max_length"
        | "exceed_context_size_error"
        | "request_too_large" => Class::ContextTooLong,
        "content_policy_violation"
        | "content_filter"
        | "invalid_prompt"
        | "bio_policy"
        | "misalignment_policy_violation"
        | "image_content_policy_violation"
        | "cyber_policy_violation" => Class::Policy,
        "server_error" | "server_is_overloaded" | "service_unavailable_error" => Class::Transient,
        "invalid_image"
        | "invalid_image_format"
        | "invalid_base64_image"
        | "image_too_large"
        | "image_too_small"
        | "image_parse_error"
        | "invalid_image_mode"
        | "image_file_too_large"
        | "unsupported_image_media_type"
        | "empty_image_file" => Class::CallerFault,
        _ => return None,
    })
}

/// What a word means that is used for several things, where there is no status that says which.
fn unstated(words: &[&str]) -> Option<Class> {
    words.contains(&"invalid_request_error").then_some(Class::CallerFault)
}

/// Answers whether it is the word for too much in too short a time. It is asked after the message: what
/// is above the limit of a minute has the same word.
fn is_of_rates(word: &str) -> bool {
    matches!(word, "rate_limit_exceeded" | "rate_limit_error" | "slow_down")
}

/// What a message means where no code says it.
fn by_message(message: &str) -> Option<Class> {
    let message = message.to_ascii_lowercase();
    let says = |what: &str| message.contains(what);
    if TOO_LONG.iter().any(|what| says(what)) {
        return Some(Class::ContextTooLong);
    }
    let is_missing = says("does not exist") || says("not found");
    if says("model") && is_missing {
        return Some(Class::ModelGone);
    }
    says("country, region, or territory not supported").then_some(Class::Region)
}

/// What a status means. None is an error inside an answer that had begun well.
fn by_status(status: Option<u16>) -> Class {
    match status {
        Some(401 | 403) => Class::Auth,
        Some(402) => Class::Quota,
        Some(429) => Class::RateLimit,
        // Nothing is there: the model, or the whole interface, and then the base URL is wrong.
        Some(300..400 | 404 | 405 | 410) => Class::ModelGone,
        Some(413) => Class::ContextTooLong,
        Some(451) => Class::Region,
        Some(408 | 409 | 425) => Class::Transient,
        Some(400..500) => Class::CallerFault,
        Some(_) | None => Class::Transient,
    }
}

/// Leaves out what looks like a key: the message of a refused one quotes its ends.
fn without_keys(message: &str) -> String {
    let is_key = |word: &str| word.contains("sk-") || word.contains("***");
    if !is_key(message) {
        return message.to_owned();
    }
    let words = message.split(' ').map(|word| if is_key(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
