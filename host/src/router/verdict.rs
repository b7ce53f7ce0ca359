//! What follows from a failure: three questions, each with an answer of its own.
//!
//! | class            | tried again        | elsewhere | to blame            |
//! |------------------|--------------------|-----------|---------------------|
//! | transient, 529   | with the same key  | yes       | the model: outage   |
//! | rate-limit       | with another key   | yes       | the model: limit    |
//! | quota            | no                 | yes       | the key: billing    |
//! | auth             | no                 | yes       | the key: auth       |
//! | model-gone       | no                 | yes       | the model: gone     |
//! | region           | no                 | yes       | the model: region   |
//! | context-too-long | no                 | yes       | nobody              |
//! | policy           | no                 | yes       | nobody              |
//! | caller-fault     | no                 | no        | nobody              |
//! | cancelled        | no                 | no        | nobody              |
//!
//! Invariant: pure functions of one error; what was tried before does not count here (`backoff`).

use serde::Deserialize;
use serde::Serialize;

use crate::chat::Class;
use crate::chat::Error;

/// Words of providers for an account that is spent, whatever the status: OpenAI answers 429 with the
/// first two, Claude with the third, and waiting helps with none.
const SPENT_CODES: [&str; 3] =
    ["insufficient_quota", "credit_balance_exhausted", "enforced_spend_limit_reached"];

/// Claude's status for a server that has too much to do: it is not about the key.
const OVERLOADED: u16 = 529;

/// Whether the same thing is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would fail again.
    Never,
    /// After a while, with the same key.
    SameKey,
    /// At once with another key, if there is one; after a while with the same.
    OtherKey,
}

/// What is wrong with whoever is to blame. A breaker stands for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It does not work.
    Outage,
    /// It was asked too much.
    RateLimit,
    /// The model is not there.
    ModelGone,
    /// It does not answer from here.
    Region,
    /// Nothing is left of what was paid for.
    Billing,
    /// The key does not open.
    Auth,
}

impl Cause {
    /// All of them, in the order of the breakers.
    pub const ALL: [Self; 6] =
        [Self::Outage, Self::RateLimit, Self::ModelGone, Self::Region, Self::Billing, Self::Auth];

    /// Answers whether every model of the key shares it.
    #[must_use]
    pub fn is_of_key(self) -> bool {
        matches!(self, Self::Billing | Self::Auth)
    }
}

/// Answers whether the same target is asked again.
#[must_use]
pub fn retry(error: &Error) -> Retry {
    if is_spent(error) {
        return Retry::Never;
    }
    match error.class {
        Class::Transient => Retry::SameKey,
        Class::RateLimit if error.status == Some(OVERLOADED) => Retry::SameKey,
        Class::RateLimit => Retry::OtherKey,
        Class::Quota
        | Class::Auth
        | Class::ModelGone
        | Class::Region
        | Class::ContextTooLong
        | Class::Policy
        | Class::CallerFault
        | Class::Cancelled => Retry::Never,
    }
}

/// Answers whether another target is asked.
#[must_use]
pub fn falls_back(error: &Error) -> bool {
    match error.class {
        Class::Transient
        | Class::RateLimit
        | Class::Quota
        | Class::Auth
        | Class::ModelGone
        | Class::Region
        | Class::ContextTooLong
        | Class::Policy => true,
        Class::CallerFault | Class::Cancelled => false,
    }
}

/// Answers what the target is blamed for; nothing if it did its part.
#[must_use]
pub fn blame(error: &Error) -> Option<Cause> {
    if is_spent(error) {
        return Some(Cause::Billing);
    }
    match error.class {
        Class::Transient => Some(Cause::Outage),
        Class::RateLimit if error.status == Some(OVERLOADED) => Some(Cause::Outage),
        Class::RateLimit => Some(Cause::RateLimit),
        Class::Quota => Some(Cause::Billing),
        Class::Auth => Some(Cause::Auth),
        Class::ModelGone => Some(Cause::ModelGone),
        Class::Region => Some(Cause::Region),
        Class::ContextTooLong | Class::Policy | Class::CallerFault | Class::Cancelled => None,
    }
}

fn is_spent(error: &Error) -> bool {
    SPENT_CODES.contains(&error.code.as_str())
}
