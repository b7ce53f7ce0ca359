//! What is on record before somebody is asked, and before its cost is told as final.
//!
//! ```text
//! intend ── on record ──→ send ──→ … ──→ end ── on record ──→ the last of the answer
//!    └── cannot be ──→ nothing is sent     └── cannot be ──→ handed on, its cost an estimate
//! ```
//!
//! Invariant: for one request any number of intents, then one end at most; nothing is sent without an
//! intent on record, so whoever reads the record after a crash finds every request that may cost.
//! Not here: where it is kept.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::lifecycle::Lifecycle;
use super::spent::Spent;
use super::trail::Trail;
use crate::chat::Chunk;
use crate::chat::Class;
use crate::chat::Error;
use crate::chat::RequestId;

/// The code of [`unkept`]: nobody who was to be asked is to blame for it.
pub const UNKEPT: &str = "ledger";

/// Somebody is about to be asked.
#[derive(Debug, Clone, Copy)]
pub struct Intent<'a> {
    /// The request.
    pub id: RequestId,
    /// What makes it ask; see [`Caller`](super::caller::Caller).
    pub trigger: &'a str,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Who.
    pub provider: &'a str,
    /// By the name of which key.
    pub key: &'a str,
    /// The model.
    pub model: &'a str,
    /// When the request began, in wall time.
    pub began_ms: u64,
    /// When this is, in wall time.
    pub at_ms: u64,
    /// Millionths of a dollar that the request costs at most, this attempt and those before; nothing if a
    /// price or a bound is not known. What is read is an estimate.
    pub bound_micro_usd: Option<u64>,
}

/// A request is over.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// What made it ask.
    pub trigger: &'a str,
    /// How many intents there were.
    pub intents: u32,
    /// When it began, in wall time.
    pub began_ms: u64,
    /// When this is, in wall time.
    pub at_ms: u64,
    /// What became of it; not settled yet.
    pub life: &'a Lifecycle,
    /// What was tried.
    pub trail: &'a Trail,
    /// What that cost.
    pub spent: &'a Spent,
}

/// Keeps a record. What it returns is done within a bounded time, whether or not it succeeds.
pub trait Keeper: Send + Sync + 'static {
    /// Puts on record that somebody is about to be asked, before they are.
    ///
    /// # Errors
    ///
    /// What the caller is told; nothing is sent then.
    fn intend(&self, intent: &Intent<'_>) -> BoxFuture<'static, Result<(), Error>>;

    /// Puts on record that a request is over. It is taken over when this returns: dropping the future
    /// takes nothing back.
    ///
    /// # Errors
    ///
    /// Why it may not be on record.
    fn end(&self, ending: &Ending<'_>) -> BoxFuture<'static, Result<(), Error>>;

    /// Hears a piece of a stream that is handed on, by its number from 0. Must not wait.
    fn piece(&self, _id: RequestId, _index: u64, _chunk: &Chunk) {}
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forgetful;

impl Keeper for Forgetful {
    fn intend(&self, _: &Intent<'_>) -> BoxFuture<'static, Result<(), Error>> {
        futures_util::future::ready(Ok(())).boxed()
    }

    fn end(&self, _: &Ending<'_>) -> BoxFuture<'static, Result<(), Error>> {
        futures_util::future::ready(Ok(())).boxed()
    }
}

/// Says that no record can be kept, so that nothing is sent.
#[must_use]
pub fn unkept(why: &str) -> Error {
    Error::new(Class::Transient, UNKEPT, why)
}

/// Answers whether a failure is of the record, whoever would be asked.
pub(super) fn is_unkept(error: &Error) -> bool {
    error.code == UNKEPT && error.provider.is_none()
}
