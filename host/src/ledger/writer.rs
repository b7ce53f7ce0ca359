//! The one thread that writes the queue to the database.
//!
//! Everything that waits is one transaction, and nobody lingers for more: alone, a request waits for one
//! commit, which is no more than a write to the system's cache.
//!
//! Invariant: it is told to be on record after the commit. What could not be written is told, too, and the
//! end of a request is tried again with the next batch, since whoever looks would take it for one that
//! goes on.
//! Not here: SQL (`store`), and what is given up when there is too much (`queue`).

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::ledger::Settings;
use crate::ledger::alive::Alive;
use crate::ledger::entry::Ended;
use crate::ledger::error::LedgerError;
use crate::ledger::prune;
use crate::ledger::queue::Job;
use crate::ledger::queue::Kept;
use crate::ledger::queue::Queue;
use crate::ledger::store::Store;
use crate::router::keeper;

/// Ends that wait to be written again: with more the disk has been full for long. What is beyond them
/// is orphaned once this process is gone.
const UNWRITTEN_MAX: usize = 10_000;

/// How long it is waited before ends are written again when nothing else is.
const AGAIN: Duration = Duration::from_secs(1);

/// Ends after which something may be old enough to go.
const PRUNE_ENDS: u64 = 1_000;

/// The writer's side: owns the connection.
pub(super) struct Writer {
    queue: Arc<Queue>,
    store: Store,
    /// Held until everything is written: who is not alive leaves orphans.
    _alive: Alive,
    clock: Arc<dyn Clock>,
    settings: Settings,
    unwritten: Vec<Ended>,
    ends_since_prune: u64,
}

impl Writer {
    pub(super) fn new(
        queue: Arc<Queue>,
        store: Store,
        alive: Alive,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        let (unwritten, ends_since_prune) = (Vec::new(), PRUNE_ENDS);
        Self { queue, store, _alive: alive, clock, settings, unwritten, ends_since_prune }
    }

    /// Writes until the queue is closed.
    pub(super) fn run(mut self) {
        let _abandon = Abandon(Arc::clone(&self.queue));
        let mut batch = Vec::new();
        loop {
            let patience = (!self.unwritten.is_empty()).then_some(AGAIN);
            if !self.queue.take(&mut batch, patience) {
                // The last try: what is still not written is orphaned.
                self.write(&mut batch);
                return;
            }
            self.write(&mut batch);
            if self.ends_since_prune >= PRUNE_ENDS {
                self.prune();
            }
        }
    }

    /// Writes a batch as one transaction, and tells those who wait.
    fn write(&mut self, batch: &mut Vec<Job>) {
        self.write_again();
        if batch.is_empty() {
            return;
        }
        let mut waiting = Vec::with_capacity(batch.len());
        let written = self.store.write(|store| {
            for job in batch.iter() {
                waiting.push(store.take(job)?);
            }
            Ok(())
        });
        match written {
            Ok(()) => {
                for (job, result) in batch.drain(..).zip(waiting) {
                    if let Some((kept, is_end)) = parts(job, |_| {}) {
                        self.ends_since_prune += u64::from(is_end);
                        kept.tell(result);
                    }
                }
            }
            Err(error) => self.fail(batch, &error),
        }
    }

    /// Writes what could not be written. It has a transaction of its own, so that nothing in it keeps
    /// others from being written.
    fn write_again(&mut self) {
        if self.unwritten.is_empty() {
            return;
        }
        let written = self.store.write(|store| {
            // Refused, it is there already, or its intent never was.
            self.unwritten.iter().try_for_each(|ended| store.end(ended).map(drop))
        });
        if written.is_ok() {
            self.unwritten.clear();
        }
    }

    /// Tells everybody, and keeps the ends.
    fn fail(&mut self, batch: &mut Vec<Job>, error: &LedgerError) {
        let why = error.to_string();
        for job in batch.drain(..) {
            let keep = |ended: Box<Ended>| {
                if self.unwritten.len() < UNWRITTEN_MAX {
                    self.unwritten.push(*ended);
                }
            };
            if let Some((kept, _)) = parts(job, keep) {
                kept.tell(Err(keeper::unkept(&why)));
            }
        }
    }

    /// Removes what is old, a little at a time. A failure waits for the next time.
    fn prune(&mut self) {
        self.ends_since_prune = 0;
        let now_ms = self.clock.now_ms();
        let is_done =
            self.store.write(|store| prune::some(store.connection(), now_ms, &self.settings));
        if is_done.is_ok_and(|is_done| !is_done) {
            // Some more after the next batch.
            self.ends_since_prune = PRUNE_ENDS;
        }
    }
}

/// Takes a job apart: who waits for it, and whether it was an end.
fn parts(job: Job, end: impl FnOnce(Box<Ended>)) -> Option<(Kept, bool)> {
    match job {
        Job::Intend(_, kept) | Job::Flush(kept) => Some((kept, false)),
        Job::End(ended, kept) => {
            end(ended);
            Some((kept, true))
        }
        Job::Piece(_) | Job::Check(_) => None,
    }
}

/// Closes the queue when the thread ends, so that nobody waits for ever, by a panic too.
struct Abandon(Arc<Queue>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
