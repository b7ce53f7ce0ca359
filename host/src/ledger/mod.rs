//! The ledger, `AX_HOME/router.db`: what was asked of models, what came of it, and what it cost.
//!
//! ```text
//! router ── intend, end ──► log ─────► queue ──► writer thread ──► router.db (SQLite, WAL)
//!              ▲             │        (what gathers within 20 ms      │ requests ── trigger ──► daily
//!              └─ on record ─┘         is one transaction)            │ health, responses, chunks
//!                            ▼                                        ▼
//! AX_HOME/router.live/PROCESS (flock) ── is it alive? no: ──► Reader: list, show, usage, account
//! ```
//!
//! | file       | answers                                                    |
//! |------------|------------------------------------------------------------|
//! | `entry`    | what is written of a request?                              |
//! | `names`    | was it asked before under that name?                       |
//! | `queue`    | who waits, and what is given up when there is too much?    |
//! | `log`      | what survives this process before it is in the database?   |
//! | `writer`   | when is it written?                                        |
//! | `store`    | which SQL changes it?                                      |
//! | `prune`    | what is old enough to go?                                  |
//! | `schema`   | which tables are there, and is this database ours?         |
//! | `database` | how is it opened and made?                                 |
//! | `alive`    | is the process still there that asked?                     |
//! | `orphans`  | what did processes leave that are gone?                    |
//! | `read`     | which requests were there? (`list`, `show`)                |
//! | `account`  | what became of all of them, and what did they cost?        |
//! | `health`   | how did a provider do?                                     |
//!
//! A request is one row, which ends once: `completed`, `failed` (those whom nobody waited for among them),
//! or, when its process is gone, `orphaned` with the most that it can have cost. Before anything is sent,
//! and before the end is told, that is appended to the log of this process: one write, and a few millionths
//! of a second. So it survives the end of this process at once, `kill -9` too: whoever looks next puts into
//! the database what is in the log alone. A power cut may take the last seconds, since the disk is not
//! waited for: the newest first. Whoever looks at a process that lives may miss its last moment.
//!
//! Invariants: a row that is not `requesting` never changes; the row of a living process is ended by no
//! other; `daily` is the sum over the rows that ended, kept by the database itself in the same
//! transaction. No key is in any row, and what was said only if the operator wants it kept.
//!
//! Not here: what is asked of whom (`router`), and showing it (`cli`).

pub mod account;
mod alive;
mod database;
pub mod entry;
pub mod error;
pub mod health;
mod log;
mod names;
mod orphans;
mod prune;
mod queue;
pub mod read;
mod schema;
mod store;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread::JoinHandle;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::chat::Chunk;
use crate::chat::Error;
use crate::chat::RequestId;
use crate::clock::Clock;
use crate::ledger::alive::Alive;
use crate::ledger::database::Database;
use crate::ledger::entry::Ended;
use crate::ledger::entry::Intended;
use crate::ledger::entry::Piece;
use crate::ledger::error::LedgerError;
use crate::ledger::health::Check;
use crate::ledger::names::Names;
use crate::ledger::queue::Job;
use crate::ledger::queue::Queue;
use crate::ledger::queue::Told;
use crate::ledger::store::Store;
use crate::ledger::writer::Writer;
use crate::router::keeper;
use crate::router::keeper::Ending;
use crate::router::keeper::Intent;
use crate::router::keeper::Keeper;

/// How much of what is said is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// Nothing: who was asked, when, and what it cost.
    #[default]
    Nothing,
    /// Whole answers, too.
    Responses,
    /// And streams as they came, piece by piece.
    Chunks,
}

impl Keep {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Responses, Self::Chunks];

    /// The word for it, as it is set.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Responses => "responses",
            Self::Chunks => "chunks",
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How much of what is said.
    pub keep: Keep,
    /// Days that a request is kept after its end. What a day came to is kept for ever.
    pub keep_days: u32,
    /// Bytes of one answer that are kept.
    pub body_bytes_max: usize,
    /// Answers that are kept.
    pub bodies_max: u64,
    /// Bytes of answers, and again of pieces, that are kept.
    pub bytes_max: u64,
    /// Pieces that are kept.
    pub chunks_max: u64,
}

impl Default for Settings {
    /// Nothing of what is said; 90 days. Of answers, if they are wanted: 256 KiB of each, 10,000 of them,
    /// 100,000 pieces, and 256 MiB of either.
    fn default() -> Self {
        Self {
            keep: Keep::Nothing,
            keep_days: 90,
            body_bytes_max: 256 << 10,
            bodies_max: 10_000,
            bytes_max: 256 << 20,
            chunks_max: 100_000,
        }
    }
}

/// A handle that writes, cheap to clone. When the last one goes, what is queued is written, which blocks
/// for a few milliseconds.
#[derive(Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Arc<Queue>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    /// The name of this process in its rows.
    owner: Arc<str>,
    names: Mutex<Names>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("owner", &self.shared.owner).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens the ledger below `home`, which is `AX_HOME`, makes it if it is absent, ends what processes
    /// left that are gone, and starts its writer. Blocks for a few milliseconds.
    ///
    /// # Errors
    ///
    /// Refuses a database that is damaged, newer or not ours, and leaves it as it is.
    pub fn open(
        home: &Path,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, LedgerError> {
        let database = Database::at(home);
        let connection = database.open_or_make()?;
        let alive = Alive::new(home)?;
        let mut store = Store::new(connection, database, Arc::clone(alive.name()));
        store.end_orphans(clock.now_ms())?;
        let (queue, owner) = (Arc::new(Queue::new(alive.log()?)), Arc::clone(alive.name()));
        let writer = Writer::new(Arc::clone(&queue), store, alive, Arc::clone(&clock), settings);
        let thread = std::thread::Builder::new()
            .name("ax-ledger".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| LedgerError::Spawn { source })?;
        let (names, thread) = (Mutex::default(), Mutex::new(Some(thread)));
        Ok(Self { shared: Arc::new(Shared { queue, clock, settings, owner, names, thread }) })
    }

    /// Writes down how a provider was found when somebody looked. Returns at once; dropped when there is
    /// too much to write.
    pub fn check(&self, check: Check) {
        self.shared.queue.offer(Job::Check(check));
    }

    /// Returns once everything handed over so far is in the database or known not to be.
    pub async fn flush(&self) {
        // Only a writer that is gone does not answer.
        self.shared.queue.flush().await.ok();
    }

    /// Writes what is queued and ends the writer; blocks until it has ended. Every clone of this handle is
    /// closed with it.
    pub fn close(&self) {
        self.shared.close();
    }
}

impl Shared {
    fn close(&self) {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A writer that panicked has closed the queue, and everybody was told.
            thread.join().unwrap_or_default();
        }
    }
}

/// Says what is waited for: nothing, if it is on record.
fn told(taken: Result<Option<Told>, Error>) -> BoxFuture<'static, Result<(), Error>> {
    match taken {
        Ok(None) => futures_util::future::ready(Ok(())).boxed(),
        Ok(Some(told)) => told
            .map(|told| told.unwrap_or_else(|_| Err(keeper::unkept("the ledger is closed"))))
            .boxed(),
        Err(error) => futures_util::future::ready(Err(error)).boxed(),
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

impl Keeper for Ledger {
    fn intend(&self, intent: &Intent<'_>) -> BoxFuture<'static, Result<(), Error>> {
        if intent.attempt == 1 {
            let names = self.shared.names.lock();
            if !names.unwrap_or_else(PoisonError::into_inner).take(intent.id) {
                let why = format!("`id` is `{}`, which was used before", intent.id);
                return told(Err(Error::invalid(why)));
            }
        }
        told(self.shared.queue.intend(Intended::of(intent)))
    }

    fn end(&self, ending: &Ending<'_>) -> BoxFuture<'static, Result<(), Error>> {
        let with_body = self.shared.settings.keep >= Keep::Responses && self.shared.queue.is_calm();
        let ended = Ended::of(ending, with_body.then_some(self.shared.settings.body_bytes_max));
        told(self.shared.queue.end(Box::new(ended)))
    }

    fn piece(&self, id: RequestId, index: u64, chunk: &Chunk) {
        if self.shared.settings.keep >= Keep::Chunks && self.shared.queue.is_quiet() {
            let at_ms = self.shared.clock.now_ms();
            if let Some(piece) = Piece::of(id, index, at_ms, chunk) {
                self.shared.queue.offer(Job::Piece(piece));
            }
        }
    }
}
