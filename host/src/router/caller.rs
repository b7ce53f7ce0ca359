//! Who asks: the name under which it is counted, and who says what it may.
//!
//! A router has one caller; [`Router::of`](super::Router::of) gives the same router to another, so that a
//! chat and every plugin share breakers and limits while each has its own budget.
//!
//! Not here: what is on record of a caller's requests (`keeper`).

use std::sync::Arc;

use super::spent::Spent;
use super::targets::Target;
use crate::chat::Error;
use crate::chat::Request;
use crate::chat::RequestId;

/// Whoever asks.
#[derive(Clone)]
pub struct Caller {
    /// What makes it ask: `chat`, `plugin:ax:summarise`, `test`.
    pub trigger: String,
    /// Who allows.
    pub governor: Arc<dyn Governor>,
}

/// Says whether a request may go to a target: budgets and permissions. Asked before each attempt, so that
/// falling back never goes around it.
pub trait Governor: Send + Sync + 'static {
    /// Allows it. `micro_usd` is the most that the request is estimated to cost with it, attempts before among
    /// that, where prices are known. Asked more than once for one request and target, also for targets that
    /// are not asked in the end.
    ///
    /// # Errors
    ///
    /// What the caller is told if no target is left.
    fn admit(
        &self,
        request: &Request,
        target: &Target,
        micro_usd: Option<u64>,
    ) -> Result<(), Error>;

    /// Hears what came of a request that was admitted: once, also when it failed or was dropped. Must not
    /// wait.
    fn settled(&self, _id: RequestId, _spent: &Spent) {}
}

/// Allows everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anything;

impl Governor for Anything {
    fn admit(&self, _: &Request, _: &Target, _: Option<u64>) -> Result<(), Error> {
        Ok(())
    }
}
