//! The one thread that writes the queue to the database.
//!
//! What the queue hands out is one transaction. Nobody waits for it but those for whom the log had no room.
//!
//! Invariant: it is told to be on record after the commit. What the log has is tried again, in its order,
//! until it is in the database; for what could not be written otherwise whoever waits is told, and the end
//! of a request is tried again, too, since whoever looks would take it for one that goes on.
//! Not here: SQL (`store`), and what is given up when there is too much (`queue`).

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::ledger::Settings;
use crate::ledger::alive::Alive;
use crate::ledger::error::LedgerError;
use crate::ledger::prune;
use crate::ledger::queue::Job;
use crate::ledger::queue::Queue;
use crate::ledger::store::Store;
use crate::router::keeper;

/// Jobs that wait to be written again before ends that are not in the log are given up: the disk has been
/// full for long then. Their requests are orphaned once this process is gone. Those of the log are bounded
/// by it.
const UNWRITTEN_MAX: usize = 10_000;

/// How long it is waited before they are written again when nothing else is.
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
    unwritten: Vec<Job>,
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
                // The last try: what is still not written is found in the log.
                self.write(&mut batch);
                if self.unwritten.is_empty() {
                    self.queue.empty_log();
                }
                return;
            }
            self.write(&mut batch);
            if self.ends_since_prune >= PRUNE_ENDS {
                self.prune();
            }
        }
    }

    /// Writes a batch, after what could not be written before, and tells those who wait.
    fn write(&mut self, batch: &mut Vec<Job>) {
        let written = self.write_again().and_then(|()| self.commit(batch));
        if let Err(error) = written {
            self.fail(batch, &error);
        }
    }

    /// Writes a batch as one transaction.
    fn commit(&mut self, batch: &mut Vec<Job>) -> Result<(), LedgerError> {
        if batch.is_empty() {
            return Ok(());
        }
        let results = self.store.write(|store| {
            batch.iter().map(|job| store.take(job)).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        for (job, result) in batch.drain(..).zip(results) {
            self.ends_since_prune += u64::from(matches!(job, Job::End(..)));
            if let Some(kept) = job.kept() {
                kept.tell(result);
            }
        }
        Ok(())
    }

    /// Writes what could not be written, before anything that may need it to be there.
    fn write_again(&mut self) -> Result<(), LedgerError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        // Refused, it is there already, or its intent never was.
        let unwritten = &self.unwritten;
        self.store.write(|store| unwritten.iter().try_for_each(|job| store.take(job).map(drop)))?;
        self.unwritten.clear();
        Ok(())
    }

    /// Tells everybody who waits, and keeps what the log has, and ends.
    fn fail(&mut self, batch: &mut Vec<Job>, error: &LedgerError) {
        let why = error.to_string();
        for job in batch.drain(..) {
            if job.is_logged() {
                self.unwritten.push(job);
                continue;
            }
            let told = match job {
                Job::End(ended, kept) => {
                    if self.unwritten.len() < UNWRITTEN_MAX {
                        self.unwritten.push(Job::End(ended, None));
                    }
                    kept
                }
                other => other.kept(),
            };
            if let Some(kept) = told {
                kept.tell(Err(keeper::unkept(&why)));
            }
        }
    }

    /// Removes what is old, a little at a time. A failure waits for the next time.
    fn prune(&mut self) {
        self.ends_since_prune = 0;
        let now_ms = self.clock.now_ms();
        // First what others left is written down: a row that is gone would be made again.
        let is_done = self.store.end_orphans(now_ms).and_then(|_| {
            self.store.write(|store| prune::some(store.connection(), now_ms, &self.settings))
        });
        if is_done.is_ok_and(|is_done| !is_done) {
            // Some more after the next batch.
            self.ends_since_prune = PRUNE_ENDS;
        }
    }
}

/// Closes the queue when the thread ends, so that nobody waits for ever, by a panic too.
struct Abandon(Arc<Queue>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
