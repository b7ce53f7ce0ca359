//! How many calls of one plugin run at once, and how many may wait.
//!
//! Invariant: a call from inside another call never waits. If it could, eight plugins calling each
//! other would wait for slots that only their own end would free.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::limits::{self, Limit};

/// The slots of one plugin.
#[derive(Debug)]
pub(super) struct CallSlots {
    free: Semaphore,
    waiting: AtomicU32,
}

impl CallSlots {
    pub(super) fn new(at_once: u32) -> Self {
        Self { free: Semaphore::new(at_once as usize), waiting: AtomicU32::new(0) }
    }

    /// Takes a slot if one is free.
    pub(super) fn try_take(&self) -> Option<SemaphorePermit<'_>> {
        self.free.try_acquire().ok()
    }

    /// Waits for a slot, if the call comes from outside.
    pub(super) async fn take(&self, depth: u8) -> Result<SemaphorePermit<'_>, Limit> {
        if depth > 0 {
            return Err(Limit::Concurrency);
        }
        let _place = self.queue()?;
        self.free.acquire().await.map_err(|_| Limit::Concurrency)
    }

    fn queue(&self) -> Result<Waiting<'_>, Limit> {
        self.waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| {
                (waiting < limits::QUEUE).then_some(waiting + 1)
            })
            .map(|_| Waiting(&self.waiting))
            .map_err(|_| Limit::Concurrency)
    }
}

/// A place in the queue, given back when the wait ends or is given up.
struct Waiting<'a>(&'a AtomicU32);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn a_nested_call_never_waits() {
        let slots = CallSlots::new(1);
        let held = slots.try_take().unwrap();
        assert_eq!(poll(pin!(slots.take(1))).unwrap().unwrap_err(), Limit::Concurrency);
        drop(held);
        assert!(slots.try_take().is_some());
    }

    #[test]
    fn the_queue_ends_at_its_bound_and_places_are_given_back() {
        let slots = CallSlots::new(1);
        let _held = slots.try_take().unwrap();
        let mut queue: Vec<_> = (0..limits::QUEUE).map(|_| Box::pin(slots.take(0))).collect();
        assert!(queue.iter_mut().all(|waiting| poll(waiting.as_mut()).is_none()));
        assert_eq!(poll(pin!(slots.take(0))).unwrap().unwrap_err(), Limit::Concurrency);
        queue.pop();
        assert!(poll(pin!(slots.take(0))).is_none(), "one place is free again");
    }
}
