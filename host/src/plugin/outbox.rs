//! What one call has sent: for the bounds, and for the audit.
//!
//! Invariant: every request that was passed on has one [`Sent`], whatever became of it.
//! Not here: sending (`send`), the rows that are made of it (`account`).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ax_manifest::Method;

use super::limits;
use crate::egress::{ByteBounds, ByteBudget};

/// The requests of one call.
#[derive(Default)]
pub(super) struct Outbox {
    sent: Vec<Arc<Sent>>,
    budget: Option<Arc<ByteBudget>>,
    /// None until the first request.
    passage: Option<Arc<Passage>>,
}

/// What the bodies of one call share.
#[derive(Debug, Default)]
pub(super) struct Passage {
    /// Bytes of bodies that passed since they were last charged.
    moved: AtomicU64,
    /// Turns true when the call is over: a body that is open then will never be whole.
    closed: AtomicBool,
}

impl Passage {
    /// Counts bytes that a body moved.
    pub(super) fn count(&self, bytes: u64) {
        self.moved.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Answers whether the call is over.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.close();
    }
}

impl Outbox {
    /// Answers whether there is room for one more request.
    pub(super) fn has_room(&self) -> bool {
        self.sent.len() < limits::REQUESTS as usize
    }

    /// Counts the requests so far.
    pub(super) fn count(&self) -> usize {
        self.sent.len()
    }

    /// Keeps a request that is about to be sent.
    pub(super) fn keep(&mut self, sent: Arc<Sent>) {
        self.sent.push(sent);
    }

    /// Returns the bytes all requests of the call share.
    pub(super) fn budget(&mut self) -> Arc<ByteBudget> {
        let fresh = || {
            ByteBudget::new(ByteBounds {
                sent_bytes_max: limits::SENT_BYTES,
                received_bytes_max: limits::RECEIVED_BYTES,
            })
        };
        Arc::clone(self.budget.get_or_insert_with(fresh))
    }

    /// Returns what the bodies of the call share.
    pub(super) fn passage(&mut self) -> Arc<Passage> {
        Arc::clone(self.passage.get_or_insert_default())
    }

    /// Says that the call is over, before what the guest left open is dropped: the body of a request
    /// ends like a whole one when its writer goes.
    pub(super) fn close(&self) {
        if let Some(passage) = &self.passage {
            passage.closed.store(true, Ordering::Release);
        }
    }

    /// Takes the bytes that bodies moved since the last time.
    pub(super) fn take_moved_bytes(&self) -> u64 {
        self.passage.as_ref().map_or(0, |passage| passage.moved.swap(0, Ordering::Relaxed))
    }

    /// Answers whether nothing of the requests is still going on: no answer is awaited, and no body
    /// is held by the guest.
    pub(super) fn is_over(&self) -> bool {
        self.sent.iter().all(|sent| Arc::strong_count(sent) == 1)
    }

    /// Ends the outbox: what was sent, in order.
    pub(super) fn take(&mut self) -> Vec<Arc<Sent>> {
        std::mem::take(&mut self.sent)
    }
}

/// One request that was passed on, redirects each by themselves.
#[derive(Debug)]
pub struct Sent {
    method: Method,
    url: String,
    permission: String,
    rule: Arc<str>,
    interface: &'static str,
    pub(super) bytes_out: AtomicU64,
    pub(super) bytes_in: AtomicU64,
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
    /// The host is at this address, which no rule names; nothing was sent.
    Refused(String),
    /// The answer held this secret and was withheld.
    Leaked(Arc<str>),
}

/// What is known of a request before it is sent.
pub(super) struct Posting {
    pub(super) method: Method,
    /// The URL without its query, which may hold anything.
    pub(super) url: String,
    /// The permission it needed.
    pub(super) permission: String,
    /// The rule that allowed it.
    pub(super) rule: Arc<str>,
    pub(super) interface: &'static str,
}

impl Sent {
    pub(super) fn new(posting: Posting) -> Self {
        let Posting { method, url, permission, rule, interface } = posting;
        Self {
            method,
            url,
            permission,
            rule,
            interface,
            bytes_out: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            took_us: AtomicU64::new(0),
            end: Mutex::new(SentEnd::default()),
        }
    }

    /// Returns method and URL, the query left out.
    #[must_use]
    pub fn target(&self) -> String {
        format!("{} {}", self.method.word(), self.url)
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

    /// Returns the bytes of its body that were passed on.
    #[must_use]
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out.load(Ordering::Relaxed)
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

    /// Answers whether it may have changed something outside. A request whose address was refused
    /// was never sent.
    #[must_use]
    pub fn may_have_changed(&self) -> bool {
        let is_safe = matches!(self.method, Method::Get | Method::Head | Method::Options);
        !is_safe && !matches!(self.end(), SentEnd::Refused(_))
    }

    pub(super) fn took(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.took_us.store(us, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, end: SentEnd) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(method: Method) -> Arc<Sent> {
        Arc::new(Sent::new(Posting {
            method,
            url: "https://example.org/a".to_owned(),
            permission: String::new(),
            rule: Arc::from(""),
            interface: "ax:http/client",
        }))
    }

    #[test]
    fn there_is_room_for_as_many_requests_as_a_call_may_make() {
        let mut outbox = Outbox::default();
        for _ in 0..limits::REQUESTS {
            assert!(outbox.has_room());
            outbox.keep(sent(Method::Get));
        }
        assert!(!outbox.has_room());
        assert_eq!(outbox.take().len(), limits::REQUESTS as usize);
    }

    #[test]
    fn it_is_over_when_nobody_holds_a_request() {
        let mut outbox = Outbox::default();
        let held = sent(Method::Get);
        outbox.keep(Arc::clone(&held));
        assert!(!outbox.is_over());
        drop(held);
        assert!(outbox.is_over());
    }

    #[test]
    fn only_what_was_sent_and_is_no_reading_may_have_changed_something() {
        for (method, may) in [
            (Method::Get, false),
            (Method::Head, false),
            (Method::Options, false),
            (Method::Post, true),
            (Method::Put, true),
            (Method::Patch, true),
            (Method::Delete, true),
        ] {
            assert_eq!(sent(method).may_have_changed(), may, "{method:?}");
        }
        let refused = sent(Method::Post);
        refused.ended(SentEnd::Refused("127.0.0.1".to_owned()));
        assert!(!refused.may_have_changed());
    }
}
