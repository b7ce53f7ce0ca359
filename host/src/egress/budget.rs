//! How many bytes one call may still exchange, over all its requests.
//!
//! What counts: sent are request lines, headers, bodies and their framing, as they go on the wire
//! (a request that the host itself sends again counts once). Received are all bytes read from the
//! connection, headers, framing and read-ahead among them, and what decoding adds to that. TLS
//! records are not counted.
//!
//! Invariant: nothing is sent that was not taken from the budget before. At most one read buffer,
//! or one step of decoding, is received beyond it; then nothing more.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// What a call may exchange, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteBounds {
    /// Sent by all requests together.
    pub sent_bytes_max: u64,
    /// Received in all answers together.
    pub received_bytes_max: u64,
}

/// What is left of [`ByteBounds`].
#[derive(Debug)]
pub struct ByteBudget {
    sent_left: AtomicU64,
    received_left: AtomicU64,
}

/// There is not that much left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent;

impl ByteBudget {
    /// Creates a budget of which nothing is used.
    #[must_use]
    pub fn new(bounds: ByteBounds) -> Arc<Self> {
        Arc::new(Self {
            sent_left: AtomicU64::new(bounds.sent_bytes_max),
            received_left: AtomicU64::new(bounds.received_bytes_max),
        })
    }

    /// Returns how many bytes may still be sent.
    #[must_use]
    pub fn sent_left(&self) -> u64 {
        self.sent_left.load(Ordering::Relaxed)
    }

    /// Returns how many bytes may still be received.
    #[must_use]
    pub fn received_left(&self) -> u64 {
        self.received_left.load(Ordering::Relaxed)
    }

    /// Takes what is about to be sent. On failure nothing is taken, since nothing will be sent.
    pub(super) fn take_sent(&self, bytes: u64) -> Result<(), Spent> {
        take(&self.sent_left, bytes)
    }

    /// Takes what was received. On failure the rest is taken too: the bytes have come.
    pub(super) fn take_received(&self, bytes: u64) -> Result<(), Spent> {
        take(&self.received_left, bytes)
            .inspect_err(|_| self.received_left.store(0, Ordering::Release))
    }
}

fn take(left: &AtomicU64, bytes: u64) -> Result<(), Spent> {
    left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(bytes))
        .map(drop)
        .map_err(|_| Spent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(sent_bytes_max: u64, received_bytes_max: u64) -> Arc<ByteBudget> {
        ByteBudget::new(ByteBounds { sent_bytes_max, received_bytes_max })
    }

    #[test]
    fn exactly_the_budget_is_allowed_and_one_byte_more_is_not() {
        let budget = budget(10, 20);
        assert_eq!(budget.take_sent(10), Ok(()));
        assert_eq!(budget.take_sent(1), Err(Spent));
        assert_eq!(budget.take_received(20), Ok(()));
        assert_eq!(budget.take_received(1), Err(Spent));
    }

    #[test]
    fn what_was_not_sent_is_not_taken() {
        let budget = budget(10, 0);
        assert_eq!(budget.take_sent(11), Err(Spent));
        assert_eq!(budget.sent_left(), 10);
    }

    #[test]
    fn after_too_much_was_received_nothing_more_may_be() {
        let budget = budget(0, 10);
        assert_eq!(budget.take_received(11), Err(Spent));
        assert_eq!(budget.received_left(), 0);
        assert_eq!(budget.take_received(1), Err(Spent));
    }
}
