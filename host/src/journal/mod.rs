//! REMEMBER: what happened to tasks, in `AX_HOME/journal.db`.
//!
//! ```text
//! runtime ── Batch ──► Journal ──► queue ──► one writer, a commit for all that wait ──► Receipt
//!                      Archive ◄── connections of their own ◄──┘
//! others ── Request ─► Inbox ──► whoever owns the task ──► Batch that deals with it
//! ```
//!
//! | file       | answers                                                     |
//! |------------|-------------------------------------------------------------|
//! | `entry`    | how is a fact written, and how is a change of it found?     |
//! | `lease`    | who may append, and what is appended at once?               |
//! | `row`      | what is known of a task without reading its entries?        |
//! | `context`  | how are conversations kept that share their beginning?      |
//! | `inbox`    | what do others want of a task?                              |
//! | `receipt`  | when is it on record?                                       |
//! | `memory`   | the same for tests, without files                           |
//! | `sqlite`   | the same on disk, for any number of processes               |
//!
//! Invariants: entries are only added, each on the one that its writer knew to be the last, by the one
//! owner there is; an entry that was damaged is found, named and not handed out; nothing is repaired.
//! Text that a kept task names is never removed.
//! Not here: what facts mean (`workflow`), and when they are written (`runtime`).

mod context;
mod entry;
mod error;
mod inbox;
mod lease;
mod memory;
mod receipt;
mod row;
mod sqlite;
#[cfg(test)]
mod tests;

pub use context::Message;
pub use entry::{BODY_BYTES_MAX, Entry, TEXT_BYTES_MAX};
pub use error::{Damage, JournalError};
pub use inbox::{LETTERS_MAX, Letter, Question, Request};
pub use lease::{Barrier, Batch, Lease, NewRun};
pub use memory::MemoryJournal;
pub use receipt::Receipt;
pub use row::{About, Filter, Kind, LIST_MAX, Phase, Row, Status};
pub use sqlite::{Fault, Point, SqliteJournal};

use ax_manifest::Digest;

use crate::workflow::TaskId;

/// Entries that are read at once.
pub const PAGE_ENTRIES_MAX: usize = 1_000;

/// Bytes after which no more entries are read at once, their texts counted.
pub const PAGE_BYTES_MAX: usize = 16 << 20;

/// What owns tasks and appends to them.
pub trait Journal: Send + Sync {
    /// Makes a task, which is then held by this process. Durable.
    fn create(&self, new: &NewRun<'_>) -> Receipt<Lease>;

    /// Takes a task that nobody holds, or whose owner is gone or let its lease run out.
    fn claim(&self, run: TaskId, now_ms: u64, until_ms: u64) -> Receipt<Lease>;

    /// Appends a batch, and moves the lease on at once.
    ///
    /// # Errors
    ///
    /// Nothing was handed over, and the lease is as it was: too long, or too much waits. What the receipt
    /// says later leaves a lease that is good for nothing any more: the task is read and claimed anew.
    fn append(
        &self,
        lease: &mut Lease,
        batch: Batch<'_>,
        barrier: Barrier,
    ) -> Result<Receipt<()>, JournalError>;

    /// Makes a lease last longer.
    fn renew(&self, lease: &mut Lease, until_ms: u64) -> Receipt<()>;

    /// Gives a task back, so that anybody may claim it.
    fn release(&self, lease: Lease) -> Receipt<()>;
}

/// What tasks are known by.
pub trait Archive: Send + Sync {
    /// Reads the row of a task.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    fn row(&self, run: TaskId) -> Result<Option<Row>, JournalError>;

    /// Lists tasks, newest first, without reading any entry.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    fn list(&self, filter: &Filter) -> Result<Vec<Row>, JournalError>;

    /// Reads the entries after one, in their order, [`PAGE_ENTRIES_MAX`] at most; none is the end.
    ///
    /// # Errors
    ///
    /// There is no such task, or it is damaged: none of the page is handed out then.
    fn entries(&self, run: TaskId, after: u64) -> Result<Vec<Entry>, JournalError>;

    /// Reads a conversation, oldest message first.
    ///
    /// # Errors
    ///
    /// It is not there or damaged.
    fn messages(&self, node: Digest) -> Result<Vec<Vec<u8>>, JournalError>;

    /// Answers whether a process is at work on a task: the owner of its row is there, and its lease holds.
    fn is_held(&self, row: &Row, now_ms: u64) -> bool;

    /// Lists the questions that nobody has answered, oldest first; of one task, or of all.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    fn questions(&self, run: Option<TaskId>) -> Result<Vec<Question>, JournalError>;
}

/// What others want of tasks.
pub trait Inbox: Send + Sync {
    /// Writes to a task. Returns the letter's number.
    fn send(&self, run: TaskId, request: &Request, by: &str, at_ms: u64) -> Receipt<u64>;

    /// Lists letters, oldest first; to one task, or to all.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    fn letters(&self, run: Option<TaskId>) -> Result<Vec<Letter>, JournalError>;
}

/// What is forgotten.
pub trait Retention: Send + Sync {
    /// Removes the entries of a task that is over, and of those that are part of it; their rows stay, and
    /// say so. Returns how many tasks that were.
    fn delete(&self, run: TaskId) -> Receipt<usize>;

    /// Deletes tasks that are part of no other and were over before a time, but for the newest; some at a
    /// time. Returns how many, with those that were part of them: none is the end.
    fn prune(&self, before_ms: u64, newest_kept: usize) -> Receipt<usize>;
}

/// All of a journal.
pub trait Store: Journal + Archive + Inbox + Retention {}

impl<T: Journal + Archive + Inbox + Retention> Store for T {}

/// Finds a task by its name, or by the beginning or end of it.
///
/// # Errors
///
/// None or more than one is called that, or the journal cannot be read.
pub fn find<A: Archive + ?Sized>(archive: &A, name: &str) -> Result<Row, JournalError> {
    if let Ok(run) = name.parse::<TaskId>() {
        let unknown = || JournalError::Unknown { name: name.to_owned() };
        return archive.row(run)?.ok_or_else(unknown);
    }
    let filter = Filter { named: Some(name.to_owned()), limit: 2, ..Filter::default() };
    // Nothing is the beginning of every name, and nobody means that.
    let is_nothing = name.chars().all(|it| it == '-');
    let mut found = if is_nothing { Vec::new() } else { archive.list(&filter)? };
    match (found.pop(), found.pop()) {
        (Some(row), None) => Ok(row),
        (Some(other), Some(one)) => Err(JournalError::Ambiguous {
            name: name.to_owned(),
            one: one.about.run,
            other: other.about.run,
        }),
        (None, _) => Err(JournalError::Unknown { name: name.to_owned() }),
    }
}

/// Reads all of a task and answers how many entries it has.
///
/// # Errors
///
/// [`JournalError::Damaged`] says where and how it is damaged; or there is no such task.
pub fn verify<A: Archive + ?Sized>(archive: &A, run: TaskId) -> Result<u64, JournalError> {
    let mut after = 0;
    loop {
        let page = archive.entries(run, after)?;
        let Some(last) = page.last() else { return Ok(after) };
        after = last.seq;
        let conversations = page.iter().filter_map(|it| entry::conversation(&it.event.fact));
        for node in conversations {
            archive.messages(node)?;
        }
    }
}
