//! The ledger of requests, for those who ask and those who look.
//!
//! Not here: what is in it (`ledger`).

use super::{App, Provider};
use crate::chat::Error;
use crate::ledger::Ledger;
use crate::ledger::error::LedgerError;
use crate::ledger::health::Check;
use crate::ledger::read::Reader;
use crate::provider::limits::{Dimension, RateLimit};
use crate::provider::{Client, Health};

impl App {
    /// Opens the ledger for requests that are about to be asked.
    ///
    /// # Errors
    ///
    /// [`LedgerError`]: nothing may be asked then.
    pub fn ledger(&self) -> Result<Ledger, LedgerError> {
        self.sources.ledger()
    }

    /// Looks at a provider with each of its keys, and puts on record how it was found, where there is a
    /// record.
    pub async fn look_at(
        &self,
        provider: &Provider,
        ledger: Option<&Ledger>,
    ) -> Vec<(String, Result<Health, Error>)> {
        let mut found = Vec::new();
        for (key, client) in &provider.clients {
            let began = self.clock.monotonic();
            let health = client.check().await;
            let took = self.clock.monotonic().saturating_sub(began);
            if let Some(ledger) = ledger {
                let latency_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                let at_ms = self.now_ms();
                ledger.check(Check { at_ms, latency_ms, ..check(provider, client, &health) });
            }
            found.push((key.clone(), health));
        }
        found
    }

    /// Opens the ledger to read it; nothing if no model was ever asked.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    pub fn requests(&self) -> Result<Option<Reader>, LedgerError> {
        Reader::open(&self.config.home.value, self.now_ms())
    }

    /// Returns what time it is, in milliseconds of wall time.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }
}

/// Writes what was found, without the times.
fn check(provider: &Provider, client: &Client, health: &Result<Health, Error>) -> Check {
    let limits = client.rate_limits();
    let of_requests = |it: &&RateLimit| it.dimension == Dimension::Requests;
    let requests = limits.rows.iter().find(of_requests);
    Check {
        provider: provider.config.name.clone(),
        at_ms: 0,
        is_probe: true,
        is_well: health.is_ok(),
        latency_ms: 0,
        remaining: requests.and_then(|it| it.remaining),
        reset_ms: requests.and_then(|it| it.reset_at_ms),
        error: health.as_ref().err().map(|error| error.code.clone()),
    }
}
