//! Folds the write-ahead log into the database, away from those who write.
//!
//! Invariant: the log is bounded: where the thread does not keep up, the writer folds itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::database::{Database, PAGE_BYTES, Use};
use crate::journal::error::JournalError;

/// Bytes that are written before the log is folded: 16 MiB, some thousand steps of agents.
const FOLD_AFTER_BYTES: usize = 16 << 20;

/// Pages of the log from which the writer folds what is left, after which it begins the log anew: 128 MiB.
const LOG_PAGES_MAX: i64 = (128 << 20) / PAGE_BYTES as i64;

/// The thread that folds, as the writer sees it.
#[derive(Debug)]
pub(super) struct Folder {
    nudge: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    is_behind: Arc<AtomicBool>,
    bytes: usize,
}

impl Folder {
    /// Starts the thread.
    pub(super) fn start(database: &Database) -> Result<Self, JournalError> {
        let connection = database.open(Use::Writing)?;
        // One that is on its way is enough.
        let (nudge, nudged) = sync_channel(1);
        let is_behind = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_behind);
        let fold_all = move || {
            while nudged.recv().is_ok() {
                // What fails is tried again after some more was written.
                let pages = fold(&connection).unwrap_or(0);
                told.store(pages > LOG_PAGES_MAX, Ordering::Relaxed);
            }
        };
        let thread = std::thread::Builder::new().name("ax-journal-fold".to_owned()).spawn(fold_all);
        let thread = thread
            .map_err(|source| JournalError::io(database.path(), "start a thread for", source))?;
        Ok(Self { nudge: Some(nudge), thread: Some(thread), is_behind, bytes: 0 })
    }

    /// Counts what was written, between two commits.
    pub(super) fn wrote(&mut self, writer: &Connection, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes < FOLD_AFTER_BYTES {
            return;
        }
        self.bytes = 0;
        if self.is_behind.swap(false, Ordering::Relaxed) {
            // Nobody else writes now in this process, so that the next commit finds all of it folded.
            fold(writer).ok();
        }
        if let Some(nudge) = &self.nudge {
            // Full, it is nudged already.
            nudge.try_send(()).ok();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.nudge = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Folds what nobody reads any more; returns the pages of the log.
fn fold(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}
