//! The one thread that writes the queue to the database and signs what it wrote.
//!
//! Invariant: a promise is reported only after the commit that keeps it; the first failure ends
//! the thread and fails the queue.
//!
//! Not here: SQL (`store`), and who waits for what (`queue`).

use std::sync::Arc;
use std::time::Duration;

use crate::audit::error::AuditError;
use crate::audit::files::Files;
use crate::audit::key::Signer;
use crate::audit::queue::Queue;
use crate::audit::store::Durability;
use crate::audit::store::Store;
use crate::clock::Clock;

/// The writer's side: owns the connection and the key.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) files: Files,
    pub(super) store: Store,
    pub(super) signer: Signer,
    pub(super) clock: Arc<dyn Clock>,
}

impl Writer {
    /// Writes until the queue is closed or writing fails.
    pub(super) fn run(mut self) {
        let _obituary = Obituary(Arc::clone(&self.queue));
        if let Err(error) = self.try_run() {
            self.queue.fail(error);
        }
    }

    fn try_run(&mut self) -> Result<(), AuditError> {
        let queue = Arc::clone(&self.queue);
        let mut batch = Vec::new();
        // When the oldest row that no checkpoint of ours covers was written.
        let mut unsigned_since: Option<Duration> = None;
        loop {
            let order = queue.take(&mut batch, unsigned_since.is_some());
            let mut is_due = order.sign;
            // A checkpoint syncs everything before it, so one sync serves both.
            let durability =
                if order.sync && !order.sign { Durability::Disk } else { Durability::Process };
            if !batch.is_empty() {
                let unsigned_rows = self.store.append(&batch, durability)?;
                batch.clear();
                let now = self.clock.monotonic();
                let since = *unsigned_since.get_or_insert(now);
                is_due |= unsigned_rows >= queue.pace.checkpoint_rows
                    || now.saturating_sub(since) >= queue.pace.unsigned_max;
            }
            if is_due && unsigned_since.is_some() {
                self.sign()?;
                unsigned_since = None;
            }
            let is_signed = unsigned_since.is_none();
            queue.report(order.newest, is_signed || durability == Durability::Disk, is_signed);
            if order.is_last {
                return Ok(());
            }
        }
    }

    fn sign(&mut self) -> Result<(), AuditError> {
        let now_ms = i64::try_from(self.clock.now_ms()).unwrap_or(i64::MAX);
        let checkpoint = self.store.checkpoint(now_ms, &self.signer)?;
        let _lock = self.files.lock()?;
        checkpoint.mirror(&self.files, &self.signer.public())
    }
}

/// Fails the queue if the writer's thread ends by a panic, so that nobody waits for ever.
struct Obituary(Arc<Queue>);

impl Drop for Obituary {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(AuditError::WriterGone);
        }
    }
}
