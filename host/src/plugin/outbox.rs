//! What one call has sent: for the bound on requests, and for the audit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ax_manifest::Method;

use super::limits;
use crate::egress::{ByteBounds, ByteBudget};

/// The requests of one call.
#[derive(Default)]
pub(super) struct Outbox {
    sent: Vec<Arc<Sent>>,
    budget: Option<Arc<ByteBudget>>,
}

impl Outbox {
    /// Answers whether there is room for one more request.
    pub(super) fn has_room(&self) -> bool {
        self.sent.len() < limits::REQUESTS as usize
    }

    /// Keeps a request that is about to be sent.
    pub(super) fn push(&mut self, sent: Arc<Sent>) {
        self.sent.push(sent);
    }

    /// Returns the bytes all requests of the call share.
    pub(super) fn budget(&mut self) -> Arc<ByteBudget> {
        let bounds = ByteBounds {
            sent_bytes_max: limits::SENT_BYTES,
            received_bytes_max: limits::RECEIVED_BYTES,
        };
        let fresh = || ByteBudget::new(bounds);
        Arc::clone(self.budget.get_or_insert_with(fresh))
    }

    /// Ends the outbox: what was sent, in order.
    pub(super) fn take(&mut self) -> Vec<Arc<Sent>> {
        std::mem::take(&mut self.sent)
    }
}

/// One request that went out, redirects each by themselves.
#[derive(Debug)]
pub struct Sent {
    /// The method.
    pub method: Method,
    /// The URL without its query.
    pub url: String,
    /// The permission it needed.
    pub permission: String,
    /// The rule that allowed it.
    pub rule: Arc<str>,
    /// Names of the secrets that were put in.
    pub secrets: Vec<String>,
    /// Bytes of the body, as far as they were known beforehand.
    pub bytes_out: u64,
    bytes_in: AtomicU64,
    took_us: AtomicU64,
    end: Mutex<SentEnd>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SentEnd {
    /// The call ended before the answer was there.
    #[default]
    Unanswered,
    /// There was an answer of this status.
    Answered(u16),
    /// It failed on the way; a word for it.
    Failed(&'static str),
    /// The host led to this address, which no rule names; nothing was sent.
    Refused(String),
    /// The answer held this secret and was withheld.
    Leaked(Arc<str>),
}

impl SentEnd {
    /// Says the end as one word, for the audit; none when all went well.
    #[must_use]
    pub fn failure(&self) -> Option<&'static str> {
        match self {
            Self::Answered(_) => None,
            Self::Unanswered => Some("unanswered"),
            Self::Failed(word) => Some(word),
            Self::Refused(_) => Some("address"),
            Self::Leaked(_) => Some("leak"),
        }
    }
}

impl Sent {
    pub(super) fn new(
        method: Method,
        url: String,
        permission: String,
        rule: Arc<str>,
        bytes_out: u64,
    ) -> Self {
        Self {
            method,
            url,
            permission,
            rule,
            secrets: Vec::new(),
            bytes_out,
            bytes_in: AtomicU64::new(0),
            took_us: AtomicU64::new(0),
            end: Mutex::new(SentEnd::default()),
        }
    }

    /// Returns the decoded bytes of the answer's body that the guest got.
    #[must_use]
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Ordering::Relaxed)
    }

    /// Returns the microseconds until the head of the answer was there, or the failure.
    #[must_use]
    pub fn took_us(&self) -> u64 {
        self.took_us.load(Ordering::Relaxed)
    }

    /// Returns how it ended.
    #[must_use]
    pub fn end(&self) -> SentEnd {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers whether it may have changed something outside.
    #[must_use]
    pub fn may_change(&self) -> bool {
        !matches!(self.method, Method::Get | Method::Head | Method::Options)
    }

    /// Returns the host, for messages.
    pub(super) fn host(&self) -> String {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest).to_owned()
    }

    pub(super) fn received(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn took(&self, took: std::time::Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.took_us.store(us, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, end: SentEnd) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}
