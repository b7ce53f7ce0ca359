//! The ledger of requests, for those who ask and those who look.
//!
//! Not here: what is in it (`ledger`).

use super::App;
use crate::ledger::Ledger;
use crate::ledger::error::LedgerError;
use crate::ledger::read::Reader;

impl App {
    /// Opens the ledger for requests that are about to be asked.
    ///
    /// # Errors
    ///
    /// [`LedgerError`]: nothing may be asked then.
    pub fn ledger(&self) -> Result<Ledger, LedgerError> {
        self.sources.ledger()
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
