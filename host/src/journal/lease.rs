//! The right to append to a task, and what is appended at once.
//!
//! ```text
//! claim ──► Lease { epoch, head } ── append ──► Lease { epoch, next head } ── … ──► release
//! ```
//!
//! An owner that is thought to be gone and is not has an older epoch than its successor; one whose write
//! failed does not know the head. Neither can append.
//!
//! Invariant: a lease moves on when something is handed over, before it is on record, so that more can be
//! handed over at once; should the first fail, so does the rest.
//! Not here: how long a lease lasts (the caller), and who is gone (`sqlite::alive`).

use ax_manifest::Digest;

use super::context::Message;
use super::entry::{Kept, TEXT_BYTES_MAX, Written, bound, conversation, genesis};
use super::error::JournalError;
use super::row::{About, Status};
use crate::workflow::{Answer, Asked, Event, Fact, TaskId};

/// How safe something is once it is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barrier {
    /// It survives the end of this process, however it ends; and a power cut after the next durable one.
    Ordinary,
    /// It survives a power cut, and so does all before it.
    Durable,
}

/// The right to append to a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub(super) run: TaskId,
    pub(super) epoch: u64,
    pub(super) head_seq: u64,
    pub(super) head_hash: Digest,
    pub(super) until_ms: u64,
}

impl Lease {
    /// Returns the task.
    #[must_use]
    pub fn run(&self) -> TaskId {
        self.run
    }

    /// Returns how often somebody set to work on it, this time included.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the number of the entry that was handed over last; the next has the next.
    #[must_use]
    pub fn head_seq(&self) -> u64 {
        self.head_seq
    }

    /// Returns its hash.
    #[must_use]
    pub fn head_hash(&self) -> Digest {
        self.head_hash
    }

    /// Returns until when nobody else may claim it while this process is alive.
    #[must_use]
    pub fn until_ms(&self) -> u64 {
        self.until_ms
    }
}

/// A task that is to be.
#[derive(Debug, Clone)]
pub struct NewRun<'a> {
    /// What never changes of it.
    pub about: About,
    /// What holds after its first entries.
    pub status: Status,
    /// Its first entries.
    pub events: &'a [Event],
    /// Until when it is held by this process, in milliseconds since the Unix epoch.
    pub until_ms: u64,
}

/// What is appended to a task at once, or not at all.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// What happened. None at all changes the row alone.
    pub events: &'a [Event],
    /// What holds of the task then.
    pub status: Status,
    /// Messages that the events name, each list in its order: at least those that are not kept yet.
    pub context: Vec<Message>,
    /// Letters that are dealt with then.
    pub letters: Vec<u64>,
}

impl<'a> Batch<'a> {
    /// Entries alone.
    #[must_use]
    pub fn new(events: &'a [Event], status: Status) -> Self {
        Self { events, status, context: Vec::new(), letters: Vec::new() }
    }
}

/// A batch in the form in which it is written.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) run: TaskId,
    pub(super) epoch: u64,
    /// The head on which it is put, and the one that follows.
    pub(super) from: (u64, Digest),
    pub(super) to: (u64, Digest),
    pub(super) status: Status,
    pub(super) entries: Vec<Written>,
    pub(super) kept: Vec<Kept>,
    pub(super) context: Vec<Message>,
    /// The conversations that the entries name.
    pub(super) conversations: Vec<Digest>,
    pub(super) gates: Vec<Turn>,
    pub(super) letters: Vec<u64>,
}

/// What an entry does to a question.
#[derive(Debug)]
pub(super) enum Turn {
    Opened(u64, Box<Asked>, u64),
    Closed { question: u64, answer: Answer, by: String },
}

impl Sealed {
    /// Puts a batch on a head.
    pub(super) fn new(
        run: TaskId,
        epoch: u64,
        from: (u64, Digest),
        batch: Batch<'_>,
    ) -> Result<Self, JournalError> {
        let mut sealed = Self {
            run,
            epoch,
            from,
            to: from,
            status: batch.status,
            entries: Vec::with_capacity(batch.events.len()),
            kept: Vec::new(),
            context: batch.context,
            conversations: Vec::new(),
            gates: Vec::new(),
            letters: batch.letters,
        };
        for message in &sealed.context {
            bound("a message", message.body.len(), TEXT_BYTES_MAX)?;
        }
        for event in batch.events {
            let seq = sealed.to.0 + 1;
            let entry = Written::of(event, seq, epoch, sealed.to.1, &mut sealed.kept)?;
            sealed.to = (seq, entry.hash(run));
            sealed.entries.push(entry);
            sealed.conversations.extend(conversation(&event.fact));
            match &event.fact {
                Fact::Asked(asked) => {
                    sealed.gates.push(Turn::Opened(seq, asked.clone(), event.at_ms));
                }
                Fact::Answered { question, answer, by } => {
                    let (question, answer, by) = (*question, answer.clone(), by.clone());
                    sealed.gates.push(Turn::Closed { question, answer, by });
                }
                _ => {}
            }
        }
        Ok(sealed)
    }

    /// That of a task that is to be.
    pub(super) fn first(new: &NewRun<'_>) -> Result<Self, JournalError> {
        let batch = Batch::new(new.events, new.status.clone());
        Self::new(new.about.run, 1, (0, genesis()), batch)
    }

    /// Returns the lease that holds once it is on record.
    pub(super) fn lease(&self, until_ms: u64) -> Lease {
        let (head_seq, head_hash) = self.to;
        Lease { run: self.run, epoch: self.epoch, head_seq, head_hash, until_ms }
    }

    /// Counts the bytes that are written, about.
    pub(super) fn bytes(&self) -> usize {
        let entries: usize = self.entries.iter().map(|it| it.body.len()).sum();
        let kept = self.kept.iter().filter_map(|it| it.text.as_ref()).map(|it| it.len());
        let context = self.context.iter().map(|it| it.body.len());
        entries + kept.sum::<usize>() + context.sum::<usize>()
    }
}
