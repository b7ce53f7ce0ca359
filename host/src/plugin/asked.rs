//! What one call has asked of models: for the bounds, and for the audit.
//!
//! Invariant: every request that was passed on has one [`Asked`], whatever became of it; it holds no word
//! of what was said.
//! Not here: asking (`exchange`), budgets (`purse`), the rows that are made of it (`account`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::limits;
use super::purse::{Budget, Purse};
use crate::chat::Usage;

/// The requests of one call to models.
#[derive(Default)]
pub(super) struct Asking {
    asked: Vec<Arc<Asked>>,
    /// None until the first request.
    purse: Option<Arc<Purse>>,
    /// One holder more for each answer that is read as it comes.
    streams: Arc<()>,
}

impl Asking {
    /// Returns what the requests of the call may use together.
    pub(super) fn purse(&mut self, budgets: &[Budget]) -> Arc<Purse> {
        Arc::clone(self.purse.get_or_insert_with(|| Purse::new(budgets)))
    }

    /// Counts the requests so far.
    pub(super) fn count(&self) -> usize {
        self.asked.len()
    }

    /// Keeps a request that is about to be sent.
    pub(super) fn keep(&mut self, asked: Arc<Asked>) {
        self.asked.push(asked);
    }

    /// Takes a place for an answer that is read as it comes, until what is returned is dropped; none if
    /// there is no room.
    pub(super) fn stream(&self) -> Option<Arc<()>> {
        (Arc::strong_count(&self.streams) <= limits::MODEL_STREAMS)
            .then(|| Arc::clone(&self.streams))
    }

    /// Answers whether no answer is awaited or held by the guest.
    pub(super) fn is_over(&self) -> bool {
        self.asked.iter().all(|asked| Arc::strong_count(asked) == 1)
    }

    /// Ends it: what was asked, in order.
    pub(super) fn take(&mut self) -> Vec<Arc<Asked>> {
        std::mem::take(&mut self.asked)
    }
}

/// One request to a model that was passed on.
#[derive(Debug)]
pub struct Asked {
    permission: String,
    rule: Arc<str>,
    interface: &'static str,
    so_far: Mutex<SoFar>,
}

/// What is known of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Who answered: `claude/claude-sonnet-5-5`; none if nobody did.
    pub by: Option<String>,
    /// Tokens that it used, estimated where the provider did not tell.
    pub usage: Usage,
    /// Millionths of a US dollar that it cost, where that is known.
    pub micro_usd: Option<u64>,
    /// Bytes of what was asked.
    pub bytes_out: u64,
    /// Bytes of the answer that came.
    pub bytes_in: u64,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub end: AskedEnd,
}

/// How a request to a model ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AskedEnd {
    /// The call ended, or the guest left, before the answer was whole.
    #[default]
    Unanswered,
    /// There was a whole answer.
    Answered,
    /// It failed; a word for it.
    Failed(&'static str),
    /// Question or answer held this secret.
    Leaked(Arc<str>),
}

impl Asked {
    pub(super) fn new(permission: String, rule: Arc<str>, interface: &'static str) -> Self {
        Self { permission, rule, interface, so_far: Mutex::default() }
    }

    /// Returns the permission it needed.
    #[must_use]
    pub fn permission(&self) -> &str {
        &self.permission
    }

    /// Returns the rule that allowed it.
    #[must_use]
    pub fn rule(&self) -> &Arc<str> {
        &self.rule
    }

    /// Returns the interface it came through.
    #[must_use]
    pub fn interface(&self) -> &'static str {
        self.interface
    }

    /// Returns what is known of it.
    #[must_use]
    pub fn so_far(&self) -> SoFar {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says who answered, how many tokens it took, and if so that nobody knows what they cost, on a line.
    #[must_use]
    pub fn target(&self) -> String {
        let SoFar { by, usage, micro_usd, .. } = self.so_far();
        let Usage { input, output, .. } = usage;
        let by = by.as_deref().unwrap_or("nobody");
        let cost = match micro_usd {
            None if usage.total() > 0 => ", at a cost that is not known",
            None | Some(_) => "",
        };
        format!("{by} ({input} tokens read, {output} written{cost})")
    }

    pub(super) fn note(&self, note: impl FnOnce(&mut SoFar)) {
        note(&mut self.so_far.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
