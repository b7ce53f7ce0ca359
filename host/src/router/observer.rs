//! Who is told what the router does.
//!
//! Invariant: for one request there is one routing decision, then for each attempt an attempt, at most one
//! error and at most one fallback, and one success at most; so their number is bounded by the attempts.
//! Being told is quick: an observer that stores puts it in a bounded queue of its own.

use std::time::Duration;

use serde::Serialize;

use super::candidates::Degradation;
use super::candidates::Misfit;
use super::catalogue::Cost;
use super::lifecycle::Lifecycle;
use super::targets::Target;
use super::verdict::Cause;
use crate::chat::Class;
use crate::chat::RequestId;
use crate::chat::Usage;

/// Is told.
pub trait Observer: Send + Sync + 'static {
    /// Hears of one fact. Must not wait.
    fn announce(&self, id: RequestId, fact: &Fact);

    /// Hears that a request is over; nothing more comes of it. Must not wait.
    fn settled(&self, life: &Lifecycle);
}

/// Names a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// The provider.
    pub provider: String,
    /// The name of the key.
    pub key: String,
    /// The model.
    pub model: String,
}

impl PartialEq<Target> for Named {
    fn eq(&self, other: &Target) -> bool {
        (&self.provider, &self.key, &self.model) == (&other.provider, &other.key, &other.model)
    }
}

/// Why a target stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "type", content = "value")]
pub enum Reason {
    /// It wrote what the conversation carries.
    OwnsState,
    /// The operator named it for such requests.
    Route,
    /// The operator's policy put it there.
    Policy,
    /// The caller named its model.
    NamedModel,
    /// Its priority.
    Priority(u8),
    /// It is not asked at the moment.
    Open(Cause),
    /// It cannot answer.
    Misfit(Misfit),
    /// Whoever asks may not have it asked.
    Refused,
}

/// What the router did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum Fact {
    /// It looked at its targets.
    RoutingDecision {
        /// In the order in which they are asked; those that are not come last.
        targets: Vec<(Named, Reason)>,
    },
    /// The operator's policy was not followed: it failed, was late or made no sense.
    Unranked {
        /// Why.
        why: String,
    },
    /// It asks.
    Attempt {
        /// From 1.
        number: u32,
        /// Whom.
        target: Named,
        /// What was left out for it.
        degradations: Vec<Degradation>,
    },
    /// There is an answer, to its end.
    Success {
        /// How long it took from the beginning.
        duration: Duration,
        /// What all attempts used; estimated where the cost says so.
        usage: Usage,
        /// What they cost, where prices are known.
        cost: Option<Cost>,
        /// How often anybody was asked.
        attempts: u32,
    },
    /// An attempt failed.
    Error {
        /// What kind of failure.
        class: Class,
        /// The status, where there was one.
        status: Option<u16>,
        /// The provider's word for it.
        code: String,
        /// What the target is blamed for.
        blame: Option<Cause>,
    },
    /// What came of the request may not be on record, so what it cost is not final.
    Unkept {
        /// Why.
        why: String,
    },
    /// Another target is asked.
    Fallback {
        /// Who was.
        from: Named,
        /// Who is.
        to: Named,
        /// The code of what went wrong.
        reason: String,
    },
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Observer for Nobody {
    fn announce(&self, _: RequestId, _: &Fact) {}

    fn settled(&self, _: &Lifecycle) {}
}
