//! The running call: how far it is, and whether it should stop; and in an agent its durable task: waits,
//! approvals, its own record.
//!
//! ```
//! use ax_sdk::{Error, ErrorKind, Result, task};
//!
//! fn add_up(numbers: &[u64]) -> Result<u64> {
//!     let mut sum = 0;
//!     for (done, number) in numbers.iter().enumerate() {
//!         if done % 1_000 == 0 {
//!             task::progress(done as u64, Some(numbers.len() as u64), "adding up");
//!             if task::cancelled() {
//!                 return Err(Error::new(ErrorKind::Cancelled, format!("stopped after {done}")));
//!             }
//!         }
//!         sum += number;
//!     }
//!     Ok(sum)
//! }
//! assert_eq!(add_up(&[1, 2, 3]).unwrap(), 6);
//! # ax_sdk::fake::cancel();
//! # assert!(add_up(&[1]).is_err());
//! ```

use std::time::Duration;

pub use crate::durable::{
    Remaining, agents, approve, ask, budget, delegate, emit, get, set, sleep,
};

/// The running call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Info {
    /// Names it in the operator's audit: ASCII, at most 64 bytes, never used twice.
    pub id: String,
    /// The task it is a step of; none outside tasks.
    pub task: Option<String>,
    /// 1 for the first try, one more for each retry of the same step.
    pub attempt: u32,
    /// Plugins between this call and whoever began it, at most 8.
    pub depth: u32,
    /// Wall-clock time until the host ends it, waiting included; none where only fuel does.
    pub left: Option<Duration>,
}

/// Returns what is known of the running call. Only [`Info::left`] differs between two answers.
pub fn current() -> Info {
    host::current()
}

/// Says how far the call is: units done, units in all where known, and one line for people, cut after
/// 256 bytes. It never fails and never waits.
pub fn progress(done: u64, total: Option<u64>, note: &str) {
    host::progress(done, total, note);
}

/// Answers whether somebody asked to stop; it stays so. A loop asks about ten times a second and then
/// gives back [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled): 2 s after the question the host ends
/// the call.
pub fn cancelled() -> bool {
    host::cancelled()
}

#[cfg(target_arch = "wasm32")]
mod host {
    use std::time::Duration;

    use super::Info;
    use crate::bindings::ax::task::call;

    pub(super) fn current() -> Info {
        let call::Info { id, task, attempt, depth, deadline_ms, .. } = call::current();
        Info { id, task, attempt, depth, left: deadline_ms.map(Duration::from_millis) }
    }

    pub(super) fn progress(done: u64, total: Option<u64>, note: &str) {
        call::progress(done, total, note);
    }

    pub(super) fn cancelled() -> bool {
        call::cancelled()
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use super::Info;
    use crate::fake;

    pub(super) fn current() -> Info {
        fake::with(|world| world.call.clone())
    }

    pub(super) fn progress(done: u64, total: Option<u64>, note: &str) {
        fake::with(|world| world.progress.push((done, total, note.to_owned())));
    }

    pub(super) fn cancelled() -> bool {
        fake::with(|world| world.cancelled)
    }
}
