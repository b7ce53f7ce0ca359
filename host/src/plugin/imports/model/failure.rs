//! Failures of questions to models in the words of `ax:types`, as `ax:model` promises them.

use std::sync::Arc;

use serde_json::json;

use super::super::super::error::NO_MODELS;
use super::super::super::exchange::Fault;
use super::super::super::limits::{self, Limit};
use super::super::super::purse::Short;
use super::super::bindings::ax::types::types::{Error, ErrorKind};
use super::super::failure::of;
use crate::chat::{self, Class};
use crate::secret::leak::LeakScan;

/// Says that a budget does not suffice.
pub(super) fn short(short: &Short) -> Error {
    let Short { limit, bound, left, needed, .. } = short;
    let unit = match limit {
        Limit::Cost => "micro-usd",
        Limit::Calls => "calls",
        _ => "tokens",
    };
    let data = json!({ "bound": bound, "left": left, "needed": needed, "unit": unit });
    let error = of(ErrorKind::Exhausted, limit.word(), &short.to_string());
    Error { data: Some(data.to_string()), ..error }
}

/// Says that a limit that is no budget is reached.
pub(super) fn exhausted(limit: Limit) -> Error {
    let message = match limit {
        Limit::Streams => format!("{} answers are open already", limits::MODEL_STREAMS),
        _ => format!("at most {} requests begin together", limits::MODEL_BATCH),
    };
    of(ErrorKind::Exhausted, limit.word(), &message)
}

/// Says that nobody can be asked.
pub(super) fn no_models() -> Error {
    of(ErrorKind::Unavailable, NO_MODELS, "no model is set up on this host")
}

/// Says that what a request names is no model.
pub(super) fn model() -> Error {
    let why = "the model is no name of 1 to 100 letters, digits and `-._/:@+`";
    of(ErrorKind::Invalid, "model", why)
}

/// Says that a member of a request is wrong.
pub(super) fn member(member: &str, why: &str) -> Error {
    of(ErrorKind::Invalid, member, why)
}

/// Says what is wrong with a request; its words name the member.
pub(super) fn invalid(error: &chat::Error) -> Error {
    let named = error.message.split('`').nth(1).unwrap_or_default();
    let mut code = String::new();
    for letter in named.chars() {
        if letter.is_ascii_uppercase() {
            code.push('-');
        }
        code.push(letter.to_ascii_lowercase());
    }
    of(ErrorKind::Invalid, &code, &error.message.replacen(named, &code, 1))
}

/// Says that `what` held a secret.
pub(super) fn leak(secret: &Arc<str>, what: &str) -> Error {
    let message = format!("{what} held the secret `{secret}` and was withheld");
    of(ErrorKind::Denied, &format!("secret:{secret}"), &message)
}

/// Says that an answer did not come; a defect of the host.
pub(super) fn lost() -> Error {
    of(ErrorKind::Failed, "", "the request was given up")
}

/// Says why `name` did not answer. What a provider says may repeat what it was told.
pub(super) fn told(fault: &Fault, name: &str, scan: &LeakScan) -> Error {
    let error = match fault {
        Fault::Chat(error) => error,
        Fault::Leak(secret) => return leak(secret, "the answer"),
        Fault::TooLong => return of(ErrorKind::Exhausted, "answer", &fault.to_string()),
    };
    let message = scan.redact(&error.message);
    let with = |kind, code: &str| of(kind, code, &message);
    let operators = |code: &str| {
        of(ErrorKind::Failed, code, &format!("the provider of `{name}` refused the host: {code}"))
    };
    let told = match error.class {
        Class::Transient => with(ErrorKind::Unavailable, ""),
        Class::RateLimit => with(ErrorKind::Unavailable, "rate-limit"),
        Class::ContextTooLong => with(ErrorKind::Invalid, "context-too-long"),
        Class::CallerFault if error.provider.is_none() => invalid(error),
        Class::CallerFault => with(ErrorKind::Invalid, &error.code),
        Class::ModelGone => with(ErrorKind::NotFound, name),
        Class::Policy => with(ErrorKind::Failed, "policy"),
        Class::Cancelled => with(ErrorKind::Cancelled, ""),
        // The account of the operator is nothing to a plugin.
        Class::Auth | Class::Quota | Class::Region => operators(error.class.word()),
    };
    let wait = error.retry_after.map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX));
    Error { retry_after_ms: wait.map(|ms| ms.min(DAY_MS)), ..told }
}

/// Milliseconds of the longest wait, as `ax:types` promises.
const DAY_MS: u32 = 86_400_000;
