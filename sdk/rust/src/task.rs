//! What is going on around the running call.

use std::time::Duration;

/// The running call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Info {
    /// Names it in the operator's audit.
    pub id: String,
    /// The task it is a step of; none outside tasks.
    pub task: Option<String>,
    /// Counts from 1.
    pub attempt: u32,
    /// Plugins between this call and whoever began it.
    pub depth: u32,
    /// What is left of its wall clock; none where nothing ends it.
    pub left: Option<Duration>,
}

/// Returns what is known of the running call.
pub fn current() -> Info {
    host::current()
}

/// Says how far the call is: units done, units in all where known, and one line for people.
pub fn progress(done: u64, total: Option<u64>, note: &str) {
    host::progress(done, total, note);
}

/// Answers whether somebody asked to stop. A call that does not has little time left then.
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
