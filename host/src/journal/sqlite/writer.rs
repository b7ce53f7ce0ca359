//! The one thread that writes: all that wait become one commit.
//!
//! ```text
//! queue ──► begin ── work ── work ── work ── commit ──► everybody is told
//!                      └ fails: undone, it alone is told, the others are done again
//! ```
//!
//! A commit is forced to disk if anybody in it wants that. What forces a commit out forces out all before.
//!
//! Invariant: nobody is told that something is on record before the commit that puts it there. After a
//! commit of which nobody knows how much is on disk, nothing is written any more.
//! Not here: SQL (`append`, `claim`, `retain`), and folding the log into the database (`folder`).

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::alive::Alive;
use super::database::{Database, PAGE_BYTES, Use, Watched};
use super::fold::Folder;
use crate::journal::error::JournalError;
use crate::journal::lease::Barrier;
use crate::journal::receipt::{Receipt, Told};

/// What may wait: each run waits for its own, so that this many are at work at once.
pub(super) const QUEUE_MAX: usize = 4_096;

/// What is committed at once: some milliseconds of writing.
const BATCH_MAX: usize = 512;

/// Bytes after which no more is taken into a commit, so that whoever reads is not kept long.
const BATCH_BYTES_MAX: usize = 32 << 20;

/// What was committed at once before, and so is likely to come at once again.
const CROWD: usize = 4;

/// How long a commit that is forced out waits for as many as came with the last: less than forcing it out
/// takes, which then is done once for all.
const LINGER: Duration = Duration::from_micros(150);

/// Pages that a piece of work changes beside what it holds, about.
const WORK_PAGES: usize = 4;

/// Where a test lets a write fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A commit begins.
    Begin,
    /// A piece of work of it was done.
    Work,
    /// It is about to be committed.
    Commit,
    /// It is committed, and nobody was told.
    Committed,
}

/// Lets writes fail.
pub type Fault = Arc<dyn Fn(Point) -> rusqlite::Result<()> + Send + Sync>;

/// One transaction.
pub(super) struct Writing<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) database: &'a Database,
    pub(super) owner: &'a str,
}

impl Writing<'_> {
    pub(super) fn error(&self, source: rusqlite::Error) -> JournalError {
        self.database.error("write", source)
    }
}

/// Something to write, with whoever waits for it.
trait Work: Send {
    /// Does it; what it wrote is undone should it fail. May be done again.
    fn run(&mut self, writing: &Writing<'_>) -> Result<(), JournalError>;
    fn tell(self: Box<Self>, result: Result<(), JournalError>);
}

struct Piece<T, F> {
    work: F,
    done: Option<T>,
    told: Told<T>,
}

impl<T: Send, F: FnMut(&Writing<'_>) -> Result<T, JournalError> + Send> Work for Piece<T, F> {
    fn run(&mut self, writing: &Writing<'_>) -> Result<(), JournalError> {
        self.done = Some((self.work)(writing)?);
        Ok(())
    }

    fn tell(self: Box<Self>, result: Result<(), JournalError>) {
        let Self { done, told, .. } = *self;
        told.tell(result.and_then(|()| done.ok_or(JournalError::Closed)));
    }
}

struct Job {
    work: Box<dyn Work>,
    barrier: Barrier,
    bytes: usize,
}

/// The way to the writer; its end is the writer's.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(database: Database, fault: Option<Fault>) -> Result<Self, JournalError> {
        let connection = database.open(Use::Writing)?;
        let alive = Alive::new(database.home())?;
        let watched = Watched::new(&database);
        let folder = Folder::start(&database)?;
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let path = database.path().to_owned();
        let state = Thread {
            connection,
            database,
            alive,
            watched,
            folder,
            fault,
            is_durable: false,
            stopped: None,
        };
        let thread = std::thread::Builder::new()
            .name("ax-journal".to_owned())
            .spawn(move || state.run(&jobs))
            .map_err(|source| JournalError::io(&path, "start the writer of", source))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Hands something over.
    ///
    /// # Errors
    ///
    /// Too much waits, or the writer is gone: nothing was handed over.
    pub(super) fn hand<T: Send + 'static>(
        &self,
        barrier: Barrier,
        bytes: usize,
        work: impl FnMut(&Writing<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<Receipt<T>, JournalError> {
        let (told, receipt) = Receipt::new();
        let job = Job { work: Box::new(Piece { work, done: None, told }), barrier, bytes };
        match self.queue.as_ref().map(|queue| queue.try_send(job)) {
            Some(Ok(())) => Ok(receipt),
            Some(Err(TrySendError::Full(_))) => {
                Err(JournalError::Full { what: "the writer of the journal", max: QUEUE_MAX })
            }
            Some(Err(TrySendError::Disconnected(_))) | None => Err(JournalError::Closed),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // What waits is written first.
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The thread's side.
struct Thread {
    connection: Connection,
    database: Database,
    alive: Alive,
    watched: Watched,
    folder: Folder,
    fault: Option<Fault>,
    /// Whether commits are forced out, as the connection has it now.
    is_durable: bool,
    stopped: Option<JournalError>,
}

/// Why nothing of a batch was committed.
struct Undone {
    error: JournalError,
    /// The one whose fault it is; none if it is nobody's.
    at: Option<usize>,
    /// Nobody knows what is on disk.
    is_fatal: bool,
}

impl Thread {
    fn run(mut self, jobs: &Receiver<Job>) {
        let (mut batch, mut crowd) = (Vec::new(), 0);
        while let Ok(first) = jobs.recv() {
            let mut bytes = first.bytes;
            let mut is_durable = first.barrier == Barrier::Durable;
            batch.push(first);
            while batch.len() < BATCH_MAX && bytes < BATCH_BYTES_MAX {
                let lingers = is_durable && crowd >= CROWD && batch.len() < crowd;
                let next = jobs.try_recv().ok();
                let next = match next {
                    None if lingers => jobs.recv_timeout(LINGER).ok(),
                    next => next,
                };
                let Some(next) = next else { break };
                bytes += next.bytes;
                is_durable |= next.barrier == Barrier::Durable;
                batch.push(next);
            }
            crowd = batch.len();
            self.write(&mut batch);
        }
    }

    /// Writes a batch and tells everybody.
    fn write(&mut self, batch: &mut Vec<Job>) {
        while !batch.is_empty() {
            if let Some(source) = &self.stopped {
                let stopped = JournalError::Stopped { source: Arc::new(source.clone()) };
                return tell(batch, &Err(stopped));
            }
            match self.commit(batch) {
                Ok(()) => {
                    let bytes: usize = batch.iter().map(|it| it.bytes).sum();
                    let pages = batch.len().saturating_mul(WORK_PAGES * PAGE_BYTES as usize);
                    tell(batch, &Ok(()));
                    self.folder.wrote(&self.connection, bytes.saturating_add(pages));
                }
                Err(Undone { error, at: Some(at), .. }) => {
                    batch.remove(at).work.tell(Err(error));
                }
                Err(Undone { error, at: None, is_fatal }) => {
                    if is_fatal {
                        self.stopped = Some(error.clone());
                    }
                    tell(batch, &Err(error));
                }
            }
        }
    }

    fn commit(&mut self, batch: &mut [Job]) -> Result<(), Undone> {
        let is_durable = batch.iter().any(|it| it.barrier == Barrier::Durable);
        let Self { connection, database, alive, watched, fault, .. } = self;
        let mark = |point| fault.as_ref().map_or(Ok(()), |fault| fault(point));
        let nobody = |source| Undone::by_nobody(database.error("write", source));
        if is_durable != self.is_durable {
            let sql = if is_durable { "PRAGMA synchronous = 2" } else { "PRAGMA synchronous = 1" };
            connection.execute_batch(sql).map_err(nobody)?;
            self.is_durable = is_durable;
        }
        mark(Point::Begin).map_err(nobody)?;
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(nobody)?;
        let writing = Writing { transaction: &transaction, database, owner: alive.name() };
        for (at, job) in batch.iter_mut().enumerate() {
            let done = job.work.run(&writing);
            let done =
                done.and_then(|()| mark(Point::Work).map_err(|source| writing.error(source)));
            done.map_err(|error| Undone::by(at, error))?;
        }
        let committed = mark(Point::Commit).and_then(|()| transaction.commit());
        let committed = committed.and_then(|()| mark(Point::Committed));
        committed.map_err(|source| {
            let is_fatal = is_unknown(&source);
            Undone { is_fatal, ..nobody(source) }
        })?;
        watched.check().map_err(|error| Undone { error, at: None, is_fatal: true })
    }
}

impl Undone {
    fn by_nobody(error: JournalError) -> Self {
        Self { error, at: None, is_fatal: false }
    }

    /// Sorts a failure of a piece of work: a disk is nobody's fault.
    fn by(at: usize, error: JournalError) -> Self {
        match error {
            JournalError::Io { .. } | JournalError::Busy { .. } => Self::by_nobody(error),
            _ => Self { error, at: Some(at), is_fatal: false },
        }
    }
}

/// Answers whether nobody knows what is on disk: the system may have forgotten what it could not write, so
/// that trying again would succeed without it (`fsync` after EIO).
fn is_unknown(source: &rusqlite::Error) -> bool {
    source.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure)
}

fn tell(batch: &mut Vec<Job>, result: &Result<(), JournalError>) {
    for job in batch.drain(..) {
        job.work.tell(result.clone());
    }
}
