//! Runs `ax:guest/routing.rank`: a plugin says in which order models are asked.
//!
//! ```text
//! what the router knows ──→ JSON ──→ fresh instance, empty-handed ──→ row in the audit ──→ numbers
//! ```
//!
//! It runs before each request that more than one could answer, so it has little of everything, and its
//! row is queued rather than waited for: nothing that it does stays.
//! Not here: what is in the JSON, and what numbers make sense (`router`); which plugin it is (`app`).

use std::sync::Arc;
use std::time::Duration;

use ax_manifest::{ByteSize, ComponentFacts};
use serde_json::Value;

use super::errand::Errand;
use super::error::CallError;
use super::exports;
use super::guest::World;
use super::limits::Limits;
use super::rights::Rights;
use super::{Plugin, PluginHost};

/// Numbers that are taken: more than there can be who answer.
pub const RANKS_MAX: usize = 1_024;

/// The interface, whatever its patch version.
const ROUTING: &str = "ax:guest/routing@0.1";

/// Fuel for one order; sorting a thousand takes a hundredth of it.
const FUEL: u64 = 50_000_000;
/// Memory for one order, in bytes: more than the largest input and what is read of it.
const MEMORY_BYTES: u64 = 16 << 20;
/// Wall clock for one order. A person waits behind it; the router gives up a little later.
const DEADLINE: Duration = Duration::from_millis(200);

/// Why a plugin gave no order.
#[derive(Debug, thiserror::Error)]
pub enum RankError {
    /// There is more to tell than it is told at once.
    #[error("there is more to tell it than {max}", max = ByteSize(*.bytes_max))]
    TooMuch {
        /// The bound.
        bytes_max: u64,
    },
    /// Its answer is longer than it may be.
    #[error("it gave {count} numbers, at most {RANKS_MAX} are taken")]
    TooMany {
        /// How many it gave.
        count: usize,
    },
    /// It did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Plugin {
    /// Answers whether it says in which order models are asked.
    #[must_use]
    pub fn ranks(&self) -> bool {
        exports::ranks(self.ready.component())
    }
}

impl PluginHost {
    /// Answers whether a component says in which order models are asked.
    #[must_use]
    pub fn can_rank(facts: &ComponentFacts) -> bool {
        facts.guest_interfaces.iter().any(|interface| interface.starts_with(ROUTING))
    }

    /// Asks a plugin in which order `candidates` are asked, on the guest threads: numbers from 0, whose sense
    /// nobody has looked at yet. If the returned future is dropped, the guest ends by its own limits.
    ///
    /// # Errors
    ///
    /// [`RankError`].
    pub async fn rank(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        request: &Value,
        candidates: &Value,
    ) -> Result<Vec<u32>, RankError> {
        let told = (request.to_string(), candidates.to_string());
        let limits = limits_of(plugin);
        let bytes_max = limits.input_bytes;
        if (told.0.len() + told.1.len()) as u64 > bytes_max {
            return Err(RankError::TooMuch { bytes_max });
        }
        let (host, plugin) = (Arc::clone(self), Arc::clone(plugin));
        let work = async move { host.ranked(&plugin, &limits, told).await };
        let ranked = self.executor.run(work).await.unwrap_or(Err(CallError::Lost))?;
        match ranked.len() {
            0..=RANKS_MAX => Ok(ranked),
            count => Err(RankError::TooMany { count }),
        }
    }

    async fn ranked(
        &self,
        plugin: &Plugin,
        limits: &Limits,
        told: (String, String),
    ) -> Result<Vec<u32>, CallError> {
        let input = format!("{}\n{}", told.0, told.1);
        let errand = Errand {
            name: "routing.rank",
            plugin: &plugin.release.identity.name,
            component: plugin.release.component,
            limits,
            world: World::Real,
            // With its settings, which are the operator's word to it; without a right to use the rest.
            holdings: Arc::clone(&plugin.holdings),
            rights: Rights::default(),
            input: &input,
            is_kept: false,
        };
        let work = self.run_errand(errand, &plugin.ready, async |store, instance| {
            exports::rank(store, instance, plugin.ready.component(), told).await.map(Ok)
        });
        work.await.map_err(|ended| ended.error)
    }
}

/// Returns the limits of one order: fixed ones, and those of a policy that are lower.
fn limits_of(plugin: &Plugin) -> Limits {
    let limits =
        Limits { fuel: FUEL, memory_bytes: MEMORY_BYTES, deadline: DEADLINE, ..Limits::default() };
    match &plugin.release.policy {
        Some(policies) => limits.at_most(&policies.limits()),
        None => limits,
    }
}
