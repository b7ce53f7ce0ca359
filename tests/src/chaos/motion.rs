//! Holds virtual time while something is under way.
//!
//! tokio's paused clock jumps to the next timer as soon as no task can go on, and does not see that bytes
//! are on their way through a socket. Whoever is under way is noted here, and while anybody is, a task that
//! always can go on keeps time where it is. So nothing is late because the machine was.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::Notify;

/// Turns of the runtime in which what was written is surely read: each looks at all sockets.
const TURNS: usize = 32;

/// Who is under way.
#[derive(Debug, Default)]
pub(super) struct Motion {
    under_way: Mutex<BTreeSet<u64>>,
    begun: Notify,
}

impl Motion {
    fn under_way(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something goes on.
    pub(super) fn stir(&self, it: u64) {
        self.under_way().insert(it);
        self.begun.notify_one();
    }

    /// Notes that it waits for time to pass, or is over.
    pub(super) fn rest(&self, it: u64) {
        self.under_way().remove(&it);
    }

    /// Lets everything that is on its way arrive.
    pub(super) async fn settle() {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
    }

    /// Holds time, for as long as it is polled.
    pub(super) async fn hold_time(&self) {
        loop {
            if self.under_way().is_empty() {
                self.begun.notified().await;
            } else {
                tokio::task::yield_now().await;
            }
        }
    }
}
