//! Instances kept between calls, for plugins that ask `reuse = "task"`.
//!
//! ```text
//! take(lane) ──→ Warm or nothing ──→ the call ──→ put(lane) if it ended well and has calls left
//! ```
//!
//! A lane is one release as it was loaded, the secrets it may use, one principal and one task (or
//! this process, outside tasks): an instance never crosses lanes, so nothing one principal's call
//! left in a guest's memory is seen by another's, and none outlives the limits it was made under.
//! An instance that trapped, ran into a limit or was given up is never put back.
//!
//! Invariant: what is idle here counts as live in the host's meter, and is the first to go when
//! there is no room for another instance.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ax_manifest::Digest;
use wasmtime::Store;
use wasmtime::component::Instance;

use super::guest::Guest;
use super::limits;

/// Whose calls may share an instance.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    /// The plugin: name and source, in the one copy that belongs to its load. A release that is loaded
    /// anew, as after a change of its limits, has lanes of its own: an instance knows the functions
    /// of the load it came from and keeps its limits.
    pub(super) owner: Arc<str>,
    /// Its code.
    pub(super) component: Digest,
    /// Its data: after a rollback an instance must not remember what is not there.
    pub(super) state: u64,
    /// The principal.
    pub(super) who: Arc<str>,
    /// The task; none outside tasks.
    pub(super) task: Option<Arc<str>>,
    /// The secrets its calls may use: one that a guest got to know by a grant that ended since would
    /// no longer be looked for.
    pub(super) secrets: Box<[String]>,
}

/// What has to be the same. A place in memory is not given again while a lane holds it.
type Key<'a> = (*const u8, &'a Digest, u64, &'a str, Option<&'a str>, &'a [String]);

impl Lane {
    fn key(&self) -> Key<'_> {
        let (owner, task) = (self.owner.as_ptr(), self.task.as_deref());
        (owner, &self.component, self.state, &self.who, task, &self.secrets)
    }
}

impl PartialEq for Lane {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Lane {}

impl Hash for Lane {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.key().hash(hasher);
    }
}

/// An instance between two calls.
pub(super) struct Warm {
    pub(super) store: Store<Guest>,
    pub(super) instance: Instance,
    /// Calls it has served.
    pub(super) calls: u32,
    /// When the last one ended, on the clock's monotonic time.
    pub(super) idle_since: Duration,
}

/// How often all lanes are searched for what has been idle too long.
const SWEEP: Duration = Duration::from_secs(10);

/// All idle instances of a host.
#[derive(Default)]
pub(super) struct WarmInstances(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    /// In each the one that has been idle longest comes first. Empty ones are dropped by the sweep,
    /// not at once: the next call of a lane is often near.
    lanes: HashMap<Lane, Vec<Warm>>,
    swept_at: Duration,
}

impl WarmInstances {
    /// Takes the instance of a lane that was used last.
    pub(super) fn take(&self, lane: &Lane, now: Duration) -> Option<Warm> {
        let mut gone = Vec::new();
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = guard.lanes.get_mut(lane).and_then(|idle| {
            gone = split_expired(idle, now);
            idle.pop()
        });
        drop(guard);
        // Instances are torn down outside the lock.
        drop(gone);
        taken
    }

    /// Keeps an instance for the lane's next call, unless it served its number of them or there are
    /// enough.
    pub(super) fn put(&self, lane: Lane, warm: Warm) {
        if warm.calls >= limits::WARM_CALLS {
            return;
        }
        self.sweep(warm.idle_since);
        let mut gone = Vec::new();
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = guard.lanes.entry(lane).or_default();
        if idle.len() < limits::WARM_INSTANCES {
            idle.push(warm);
        } else {
            gone.push(warm);
        }
        drop(guard);
        drop(gone);
    }

    /// Gives up what has been idle too long, in every lane; looks only now and then.
    pub(super) fn sweep(&self, now: Duration) {
        let mut gone = Vec::new();
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(guard.swept_at) < SWEEP {
            return;
        }
        guard.swept_at = now;
        for idle in guard.lanes.values_mut() {
            gone.extend(split_expired(idle, now));
        }
        guard.lanes.retain(|_, idle| !idle.is_empty());
        drop(guard);
        drop(gone);
    }

    /// Gives up the instance that has been idle longest; false when there is none.
    pub(super) fn evict(&self) -> bool {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lanes = &mut guard.lanes;
        let oldest = lanes
            .iter()
            .filter_map(|(lane, idle)| Some((idle.first()?.idle_since, lane.clone())))
            .min_by_key(|(since, _)| *since);
        let Some((_, lane)) = oldest else { return false };
        let gone = lanes.get_mut(&lane).map(|idle| idle.remove(0));
        drop(guard);
        gone.is_some()
    }

    /// Gives up every instance of a task that has ended.
    pub(super) fn end_task(&self, task: &str) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lanes = &mut guard.lanes;
        let ended: Vec<Lane> =
            lanes.keys().filter(|lane| lane.task.as_deref() == Some(task)).cloned().collect();
        let gone: Vec<_> = ended.iter().filter_map(|lane| lanes.remove(lane)).collect();
        drop(guard);
        drop(gone);
    }

    /// Counts the idle instances.
    pub(super) fn len(&self) -> usize {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.lanes.values().map(Vec::len).sum()
    }
}

/// Takes out what has been idle too long; the oldest stand first.
fn split_expired(idle: &mut Vec<Warm>, now: Duration) -> Vec<Warm> {
    let fresh = |warm: &Warm| now.saturating_sub(warm.idle_since) < limits::WARM_IDLE;
    let keep_from = idle.iter().position(fresh).unwrap_or(idle.len());
    idle.drain(..keep_from).collect()
}
