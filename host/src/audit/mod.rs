//! The audit log: every call, every effect worth naming, and every operator's change, in an
//! append-only chain of hashes that anyone can check.
//!
//! ```text
//! caller ── Entry ──► queue ──► writer thread ──► audit.db ──► checkpoint ──► audit.head
//!          (< 1 µs)  (bounded)  (JSON, SHA-256,   (SQLite,     (Ed25519,
//!                                batches)          WAL)         each 10,000 rows,
//!                                                               flush, idle second)
//! ```
//!
//! | file         | answers                                                        |
//! |--------------|----------------------------------------------------------------|
//! | `entry`      | what does a record say?                                        |
//! | `encode`     | what are its bytes, and what is hashed?                        |
//! | `queue`      | who waits, and for what?                                       |
//! | `writer`     | when is it written and signed?                                 |
//! | `store`      | how does the database grow?                                    |
//! | `schema`     | which tables are there, and is this database ours?             |
//! | `checkpoint` | what is signed, and where is the latest mirrored?              |
//! | `key`        | with which key?                                                |
//! | `files`      | which files are there, and how are they replaced?              |
//! | `read`       | what happened? (`tail`, following, `export`)                   |
//! | `verify`     | is it all there, unchanged?                                    |
//!
//! # Checking it without us
//!
//! ```text
//! hash      = SHA-256( "ax.audit.row.v1" 00 | previous hash (32 bytes, zeros before row 1)
//!                    | seq (8, big endian) | at_ms (8, big endian)
//!                    | kind | plugin | decision | body   each: length (4, big endian), bytes )
//! signature = Ed25519( "ax.audit.checkpoint.v1" 00 | seq (8, big endian)
//!                    | at_ms (8, big endian) | hash of row seq (32 bytes) )
//! ```
//!
//! Invariants: the chain is one, however many processes write it; nothing is dropped; after a
//! failed write every later record is refused, so the host must refuse the call: no audit, no
//! call. A damaged, foreign or shortened log is refused, never repaired or overwritten.
//!
//! Rehearsals (`ax test`) are recorded as everything that runs here, since limits, denials and policies are
//! the real ones; their rows say `"rehearsal":true`, since what they reached was made for them.
//!
//! Not here: what is worth recording (the sandbox's chokepoint and `cli`), and showing it (`cli`).

mod checkpoint;
mod encode;
pub mod entry;
pub mod error;
mod files;
pub mod key;
mod queue;
pub mod read;
mod schema;
mod store;
mod trace_parent;
pub mod verify;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread::JoinHandle;

use crate::audit::checkpoint::Checkpoint;
use crate::audit::entry::Entry;
use crate::audit::error::AuditError;
use crate::audit::files::Files;
use crate::audit::key::Signer;
use crate::audit::queue::Pace;
use crate::audit::queue::Promise;
use crate::audit::queue::Queue;
use crate::audit::store::Stamped;
use crate::audit::store::Store;
use crate::audit::writer::Writer;
use crate::clock::Clock;

/// A handle to the log, cheap to clone. When the last one goes, what is queued is written and
/// signed, which blocks for a few milliseconds; [`Audit::close`] does the same and says whether it
/// worked.
#[derive(Clone)]
pub struct Audit {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Arc<Queue>,
    clock: Arc<dyn Clock>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").finish_non_exhaustive()
    }
}

impl Audit {
    /// Opens the log below `dir`, which is `AX_HOME`, and starts its writer; makes both folder and
    /// log if they are absent. Blocks for a few milliseconds.
    ///
    /// # Errors
    ///
    /// Refuses a database that is damaged, newer or not ours, a key that is missing or exposed,
    /// and a log that lacks what `audit.head` says was signed.
    pub fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, AuditError> {
        Self::open_at(dir, clock, Pace::NORMAL)
    }

    fn open_at(dir: &Path, clock: Arc<dyn Clock>, pace: Pace) -> Result<Self, AuditError> {
        let files = Files::of(dir);
        files.make_dir()?;
        let lock = files.lock()?;
        if !files.database.exists() && !files.head.exists() {
            // The key first: whoever dies in between leaves no log that nobody can check.
            Signer::open(&files, true)?;
        }
        let mut store = Store::open(&files)?;
        let signer = open_chain(&files, &mut store, clock.as_ref())?;
        drop(lock);
        let queue = Arc::new(Queue::new(pace));
        let writer =
            Writer { queue: Arc::clone(&queue), files, store, signer, clock: Arc::clone(&clock) };
        let thread = std::thread::Builder::new()
            .name("ax-audit".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| AuditError::Spawn { source })?;
        let thread = Mutex::new(Some(thread));
        Ok(Self { shared: Arc::new(Shared { queue, clock, thread }) })
    }

    /// Hands `entry` over and returns once it is queued; waits while the queue is full.
    ///
    /// It survives the end of this process some 5 ms later, and a power cut after the next
    /// durable record or checkpoint. If the future is dropped early, nothing is recorded.
    ///
    /// # Errors
    ///
    /// [`AuditError::Stopped`] after a failed write: refuse the call. [`AuditError::Closed`].
    pub async fn record(&self, entry: Entry) -> Result<(), AuditError> {
        self.shared.queue.admit(self.stamp(entry), Promise::Queued).await.map(drop)
    }

    /// Hands `entry` over and returns once it is on disk, with everything before it.
    ///
    /// For what must not be answered before it is on record: denials and external effects. Those
    /// that wait at the same time share one commit. If the future is dropped early, the entry may
    /// still be recorded.
    ///
    /// # Errors
    ///
    /// As [`Self::record`]; the entry must then be taken as not recorded.
    pub async fn record_durable(&self, entry: Entry) -> Result<(), AuditError> {
        let ticket = self.shared.queue.admit(self.stamp(entry), Promise::Synced).await?;
        self.shared.queue.wait(ticket, Promise::Synced).await
    }

    /// Answers whether the log still takes records, so that nothing is begun that cannot be
    /// recorded. Costs a lock and no I/O.
    ///
    /// # Errors
    ///
    /// [`AuditError::Stopped`], [`AuditError::Closed`].
    pub fn check(&self) -> Result<(), AuditError> {
        self.shared.queue.failure()
    }

    /// Returns once everything recorded so far is on disk and signed.
    ///
    /// # Errors
    ///
    /// [`AuditError::Stopped`] if any of it could not be written.
    pub async fn flush(&self) -> Result<(), AuditError> {
        let ticket = self.shared.queue.ask(Promise::Signed);
        self.shared.queue.wait(ticket, Promise::Signed).await
    }

    /// Blocking twin of [`Self::record`], for code that is not asynchronous.
    ///
    /// # Errors
    ///
    /// As [`Self::record`].
    pub fn record_blocking(&self, entry: Entry) -> Result<(), AuditError> {
        self.shared.queue.admit_blocking(self.stamp(entry), Promise::Queued).map(drop)
    }

    /// Blocking twin of [`Self::record_durable`].
    ///
    /// # Errors
    ///
    /// As [`Self::record_durable`].
    pub fn record_durable_blocking(&self, entry: Entry) -> Result<(), AuditError> {
        let ticket = self.shared.queue.admit_blocking(self.stamp(entry), Promise::Synced)?;
        self.shared.queue.wait_blocking(ticket, Promise::Synced)
    }

    /// Blocking twin of [`Self::flush`].
    ///
    /// # Errors
    ///
    /// As [`Self::flush`].
    pub fn flush_blocking(&self) -> Result<(), AuditError> {
        let ticket = self.shared.queue.ask(Promise::Signed);
        self.shared.queue.wait_blocking(ticket, Promise::Signed)
    }

    /// Writes and signs what is queued and ends the writer; blocks until it has ended. Every
    /// clone of this handle is closed with it.
    ///
    /// # Errors
    ///
    /// [`AuditError::Stopped`] if anything could not be written.
    pub fn close(&self) -> Result<(), AuditError> {
        self.shared.close()
    }

    fn stamp(&self, entry: Entry) -> Stamped {
        Stamped { at_ms: i64::try_from(self.shared.clock.now_ms()).unwrap_or(i64::MAX), entry }
    }
}

impl Shared {
    fn close(&self) -> Result<(), AuditError> {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A writer that panicked has said so in the queue.
            thread.join().unwrap_or_default();
        }
        self.queue.failure()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Nobody is left to be told; `close` is for those who want to know.
        self.close().ok();
    }
}

/// Checks that the database holds what was signed, and begins a new chain in an empty one.
/// The caller holds the files' lock.
fn open_chain(files: &Files, store: &mut Store, clock: &dyn Clock) -> Result<Signer, AuditError> {
    let last = store.head()?.seq;
    let last_signed = store.last_signed()?;
    let signer = Signer::open(files, last == 0 && last_signed.is_none())?;
    let head = Checkpoint::load_head(files, &signer.public())?;
    let path = files.database.clone();
    let signed = |seq| u64::try_from(seq).unwrap_or(0);
    match &head {
        Some(head) => match store.hash_at(head.seq)? {
            None => return Err(AuditError::TailMissing { path, signed: signed(head.seq) }),
            Some(hash) if hash != *head.hash.as_bytes() => {
                return Err(AuditError::SignedRowChanged { path, seq: signed(head.seq) });
            }
            Some(_) => {}
        },
        None if last > 0 => return Err(AuditError::HeadMissing { path: files.head.clone() }),
        None => {}
    }
    if let Some(seq) = last_signed.filter(|seq| *seq > last) {
        return Err(AuditError::TailMissing { path, signed: signed(seq) });
    }
    if head.is_none() || last_signed.is_none() {
        let now_ms = i64::try_from(clock.now_ms()).unwrap_or(i64::MAX);
        store.checkpoint(now_ms, &signer)?.mirror(files, &signer.public())?;
    }
    Ok(signer)
}
