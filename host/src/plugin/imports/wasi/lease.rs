//! What an open stream of a file holds: a place among the open files of its instance, and the call
//! it was made in.
//!
//! The engine asks nobody when a stream is used, so a stream would keep the right it was made under
//! for as long as a warm instance lives.
//!
//! Invariant: a stream moves nothing once its call is over, what was begun and waits for its turn
//! included. The file itself may stay open; whoever makes a new stream of it is asked for the right
//! anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use wasmtime_wasi::p2::{StreamError, StreamResult};

/// Held by a stream for as long as it is open.
pub(super) struct Lease {
    streamed: Arc<AtomicU64>,
    term: Arc<Term>,
}

/// The call that leases were given out in.
#[derive(Default)]
pub(super) struct Term {
    is_over: AtomicBool,
    /// Whether a stream found the quota used up.
    is_full: AtomicBool,
}

/// Gives leases out; one per instance.
#[derive(Default)]
pub(super) struct Leases {
    /// Bytes that streams moved since they were last charged. Held once by this and once by each
    /// open stream, which is how open streams are counted.
    streamed: Arc<AtomicU64>,
    /// The call that runs now.
    term: Arc<Term>,
}

impl Leases {
    /// Gives one out for a stream of the call that runs.
    pub(super) fn give(&self) -> Lease {
        Lease { streamed: Arc::clone(&self.streamed), term: Arc::clone(&self.term) }
    }

    /// Counts the streams that are open, those of calls before included.
    pub(super) fn count(&self) -> usize {
        Arc::strong_count(&self.streamed) - 1
    }

    /// Ends every lease that was given out.
    pub(super) fn end(&self) {
        self.term.is_over.store(true, Ordering::Release);
    }

    /// Begins the next call; answers whether a stream of the last one found the quota used up.
    pub(super) fn renew(&mut self) -> bool {
        let is_full = self.term.is_full();
        match Arc::get_mut(&mut self.term) {
            Some(unused) => *unused = Term::default(),
            None => self.term = Arc::default(),
        }
        is_full
    }

    /// Takes the bytes that were moved since the last time.
    pub(super) fn take_bytes(&self) -> u64 {
        self.streamed.swap(0, Ordering::Relaxed)
    }
}

impl Lease {
    /// Returns the call it was given out in.
    pub(super) fn term(&self) -> &Arc<Term> {
        &self.term
    }

    /// Refuses to go on after the end of the call.
    pub(super) fn check(&self) -> StreamResult<()> {
        self.term.check()
    }

    /// Notes what the stream moved.
    pub(super) fn note(&self, bytes: u64) {
        self.streamed.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Term {
    /// Refuses to go on after the end of the call.
    pub(super) fn check(&self) -> StreamResult<()> {
        if self.is_over.load(Ordering::Acquire) {
            let ended = std::io::Error::from(rustix::io::Errno::PERM);
            return Err(StreamError::LastOperationFailed(ended.into()));
        }
        Ok(())
    }

    /// Notes that a stream found the quota used up.
    pub(super) fn note_full(&self) {
        self.is_full.store(true, Ordering::Release);
    }

    /// Answers whether a stream found the quota used up.
    pub(super) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_counts_after_its_call_and_moves_nothing() {
        let mut leases = Leases::default();
        let first = leases.give();
        first.check().unwrap();
        first.note(3);
        first.term().note_full();
        leases.end();
        assert!(first.check().is_err() && leases.renew());
        let second = leases.give();
        assert!(first.check().is_err());
        second.check().unwrap();
        assert!(!second.term().is_full());
        assert_eq!((leases.count(), leases.take_bytes(), leases.take_bytes()), (2, 3, 0));
        drop(first);
        assert_eq!(leases.count(), 1);
        drop(second);
        leases.end();
        assert!(!leases.renew() && leases.give().check().is_ok());
    }
}
