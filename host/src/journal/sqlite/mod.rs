//! Journals in a database on disk, shared by any number of processes.
//!
//! | file       | answers                                              |
//! |------------|------------------------------------------------------|
//! | `database` | where is the file, and how is it made and opened?    |
//! | `schema`   | which tables are there?                              |
//! | `alive`    | which processes that own tasks are still there?      |
//! | `writer`   | who writes, and what is one commit?                  |
//! | `fold`     | when is the log of SQLite folded into the database?  |
//! | `append`   | how is a task made, and added to?                    |
//! | `claim`    | whose is a task?                                     |
//! | `post`     | how do letters get to a task?                        |
//! | `retain`   | what is removed?                                     |
//! | `read`     | how is all of that read?                             |
//! | `columns`  | what is a row as a value?                            |
//! | `failing`  | where does a test let it fail?                       |
//!
//! Invariant: nothing is read or made on disk before the first use, and nothing is made by reading.

mod alive;
mod append;
mod claim;
mod columns;
mod database;
#[cfg(feature = "failpoints")]
mod failing;
mod fold;
mod post;
mod read;
mod retain;
mod schema;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ax_manifest::Digest;
use database::Database;
use read::Readers;
pub use writer::{Fault, Point};
use writer::{Writer, Writing};

use super::entry::Entry;
use super::error::JournalError;
use super::inbox::{Letter, Question, Request};
use super::lease::{Barrier, Batch, Lease, NewRun, Sealed};
use super::receipt::Receipt;
use super::row::{Filter, Row};
use super::{Archive, Inbox, Journal, Retention};
use crate::workflow::TaskId;

/// The journals of `AX_HOME`, and this process as an owner of tasks in them. When it is dropped, what waits
/// is written, and others may claim what it holds.
pub struct SqliteJournal {
    database: Database,
    readers: Readers,
    fault: Option<Fault>,
    /// Started by the first write.
    writer: Mutex<Option<Arc<Writer>>>,
}

impl fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteJournal").field("path", &self.database.path()).finish_non_exhaustive()
    }
}

impl SqliteJournal {
    /// Names them below `home`, which is `AX_HOME`. Costs no I/O.
    #[must_use]
    pub fn at(home: &Path) -> Self {
        let database = Database::at(home);
        let readers = Readers::new(database.clone());
        Self { database, readers, fault: armed(), writer: Mutex::new(None) }
    }

    /// The same, with writes that fail where a test wants it.
    #[must_use]
    pub fn failing(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    /// Returns the writer, and starts it if it is not.
    fn writer(&self) -> Result<Arc<Writer>, JournalError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = &*writer {
            return Ok(Arc::clone(writer));
        }
        let started = Arc::new(Writer::start(self.database.clone(), self.fault.clone())?);
        *writer = Some(Arc::clone(&started));
        Ok(started)
    }

    fn hand<T: Send + 'static>(
        &self,
        barrier: Barrier,
        bytes: usize,
        work: impl FnMut(&Writing<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Receipt<T> {
        let handed = self.writer().and_then(|writer| writer.hand(barrier, bytes, work));
        handed.unwrap_or_else(|error| Receipt::of(Err(error)))
    }
}

impl Journal for SqliteJournal {
    fn create(&self, new: &NewRun<'_>) -> Receipt<Lease> {
        let sealed = match Sealed::first(new) {
            Ok(sealed) => sealed,
            Err(error) => return Receipt::of(Err(error)),
        };
        let (about, until_ms) = (new.about.clone(), new.until_ms);
        self.hand(Barrier::Durable, sealed.bytes(), move |writing| {
            writing.create(&about, &sealed, until_ms)?;
            Ok(sealed.lease(until_ms))
        })
    }

    fn claim(&self, run: TaskId, now_ms: u64, until_ms: u64) -> Receipt<Lease> {
        self.hand(Barrier::Ordinary, 0, move |writing| writing.claim(run, now_ms, until_ms))
    }

    fn append(
        &self,
        lease: &mut Lease,
        batch: Batch<'_>,
        barrier: Barrier,
    ) -> Result<Receipt<()>, JournalError> {
        let from = (lease.head_seq, lease.head_hash);
        let sealed = Sealed::new(lease.run, lease.epoch, from, batch)?;
        let next = sealed.lease(lease.until_ms);
        let writer = self.writer()?;
        let receipt =
            writer.hand(barrier, sealed.bytes(), move |writing| writing.append(&sealed))?;
        *lease = next;
        Ok(receipt)
    }

    fn renew(&self, lease: &mut Lease, until_ms: u64) -> Receipt<()> {
        let Lease { run, epoch, head_seq, .. } = *lease;
        lease.until_ms = until_ms;
        self.hand(Barrier::Ordinary, 0, move |it| it.renew(run, epoch, head_seq, until_ms))
    }

    fn release(&self, lease: Lease) -> Receipt<()> {
        let Lease { run, epoch, head_seq, .. } = lease;
        self.hand(Barrier::Ordinary, 0, move |it| it.release(run, epoch, head_seq))
    }
}

impl Archive for SqliteJournal {
    fn row(&self, run: TaskId) -> Result<Option<Row>, JournalError> {
        self.readers.row(run)
    }

    fn list(&self, filter: &Filter) -> Result<Vec<Row>, JournalError> {
        self.readers.list(filter)
    }

    fn entries(&self, run: TaskId, after: u64) -> Result<Vec<Entry>, JournalError> {
        self.readers.entries(run, after)
    }

    fn messages(&self, node: Digest) -> Result<Vec<Vec<u8>>, JournalError> {
        self.readers.messages(node)
    }

    fn is_held(&self, row: &Row, now_ms: u64) -> bool {
        self.readers.is_held(row, now_ms)
    }

    fn questions(&self, run: Option<TaskId>) -> Result<Vec<Question>, JournalError> {
        self.readers.questions(run)
    }
}

impl Inbox for SqliteJournal {
    fn send(&self, run: TaskId, request: &Request, by: &str, at_ms: u64) -> Receipt<u64> {
        let (request, by) = (request.clone(), by.to_owned());
        self.hand(Barrier::Durable, 0, move |it| it.send(run, &request, &by, at_ms))
    }

    fn letters(&self, run: Option<TaskId>) -> Result<Vec<Letter>, JournalError> {
        self.readers.letters(run)
    }
}

impl Retention for SqliteJournal {
    fn delete(&self, run: TaskId) -> Receipt<usize> {
        self.hand(Barrier::Durable, 0, move |writing| writing.delete(run))
    }

    fn prune(&self, before_ms: u64, newest_kept: usize) -> Receipt<usize> {
        let before_ms = columns::number(before_ms);
        let newest_kept = i64::try_from(newest_kept).unwrap_or(i64::MAX);
        self.hand(Barrier::Ordinary, 0, move |writing| writing.prune(before_ms, newest_kept))
    }
}

#[cfg(feature = "failpoints")]
fn armed() -> Option<Fault> {
    failing::armed()
}

#[cfg(not(feature = "failpoints"))]
fn armed() -> Option<Fault> {
    None
}
