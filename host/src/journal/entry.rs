//! Entries as they are written: a fact as JSON, its long texts apart, chained by hashes.
//!
//! ```text
//! hash(n) = SHA-256(tag, hash(n-1), run, n, epoch, time, kind, correlation, digest of the body)
//! ```
//!
//! Each entry holds the hash of the one before, and the row of the task that of the last: what was changed
//! is found, and where.
//!
//! Invariant: an entry is handed out only after the next one, or the row, has said what its hash is.
//! Not here: where entries are kept (`sqlite`, `memory`).

use std::borrow::Cow;
use std::sync::Arc;

use ax_manifest::Digest;

use super::error::{Damage, JournalError};
use crate::workflow::{Ask, Event, Fact, KEPT_FROM, TaskId, Text, Timer};

/// What distinguishes the hashes of a chain from others.
const TAG: &[u8] = b"ax journal entry\0";

/// Bytes of the longest body. Its texts are apart, so what is left is names, numbers and lines of a log.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// Bytes of the longest text or message: what a tool or a model may answer, with room.
pub const TEXT_BYTES_MAX: usize = 24 << 20;

/// The hash before the first entry.
#[must_use]
pub(super) fn genesis() -> Digest {
    Digest::from_bytes([0; 32])
}

/// An entry, read and understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// Which of the owners wrote it, from 1.
    pub epoch: u64,
    /// The entry of the intent, question or sleep that it belongs to.
    pub correlation: Option<u64>,
    /// What it says, with all texts.
    pub event: Event,
}

/// An entry as it lies on disk.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) seq: u64,
    pub(super) epoch: u64,
    pub(super) at_ms: u64,
    pub(super) kind: Cow<'static, str>,
    pub(super) correlation: Option<u64>,
    /// The hash of the entry before.
    pub(super) before: Digest,
    pub(super) body: Vec<u8>,
}

/// A long text, by its digest.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) digest: Digest,
    /// The text; none where the entry only named it, so that it must be there.
    pub(super) text: Option<Arc<str>>,
}

impl Written {
    /// Writes an event, and takes its long texts out of it.
    pub(super) fn of(
        event: &Event,
        seq: u64,
        epoch: u64,
        before: Digest,
        kept: &mut Vec<Kept>,
    ) -> Result<Self, JournalError> {
        let mut fact = event.fact.clone();
        for text in fact.texts_mut() {
            let digest = match &*text {
                Text::Here(here) if here.len() < KEPT_FROM => continue,
                Text::Here(here) => {
                    bound("a text", here.len(), TEXT_BYTES_MAX)?;
                    let digest = Digest::of(here.as_bytes());
                    kept.push(Kept { digest, text: Some(Arc::clone(here)) });
                    digest
                }
                Text::Kept(digest) => {
                    kept.push(Kept { digest: *digest, text: None });
                    *digest
                }
            };
            *text = Text::Kept(digest);
        }
        let body = serde_json::to_vec(&fact).expect("a fact is JSON: its keys are texts");
        bound("an entry", body.len(), BODY_BYTES_MAX)?;
        let (kind, correlation) = (Cow::Borrowed(fact.kind()), correlation(&fact));
        Ok(Self { seq, epoch, at_ms: event.at_ms, kind, correlation, before, body })
    }

    /// Computes its hash.
    pub(super) fn hash(&self, run: TaskId) -> Digest {
        let mut hasher = Digest::hasher();
        hasher.update(TAG);
        hasher.update(self.before.as_bytes());
        hasher.update(run.as_bytes());
        for number in [self.seq, self.epoch, self.at_ms] {
            hasher.update(&number.to_be_bytes());
        }
        // Of a length that is known, so that no two entries hash the same bytes.
        hasher.update(&(self.kind.len() as u64).to_be_bytes());
        hasher.update(self.kind.as_bytes());
        // Numbers of entries begin at 1.
        hasher.update(&self.correlation.unwrap_or(0).to_be_bytes());
        hasher.update(Digest::of(&self.body).as_bytes());
        hasher.finish()
    }

    /// Reads the fact; its long texts stay where they are.
    pub(super) fn fact(&self) -> Option<Fact> {
        let fact: Fact = serde_json::from_slice(&self.body).ok()?;
        (fact.kind() == self.kind && correlation(&fact) == self.correlation).then_some(fact)
    }

    /// Reads it all. `find` looks for a text.
    pub(super) fn read(
        &self,
        run: TaskId,
        mut find: impl FnMut(&Digest) -> Result<Option<Vec<u8>>, JournalError>,
    ) -> Result<Entry, JournalError> {
        let damaged = |what| JournalError::Damaged { run, seq: self.seq, what };
        let mut fact = self.fact().ok_or_else(|| damaged(Damage::Unknown))?;
        for text in fact.texts_mut() {
            let Text::Kept(digest) = text else { continue };
            let bytes = find(digest)?.ok_or_else(|| damaged(Damage::TextMissing))?;
            if Digest::of(&bytes) != *digest {
                return Err(damaged(Damage::TextAltered));
            }
            let found = String::from_utf8(bytes).map_err(|_| damaged(Damage::TextAltered))?;
            *text = Text::new(found);
        }
        let event = Event { at_ms: self.at_ms, fact };
        Ok(Entry { seq: self.seq, epoch: self.epoch, correlation: self.correlation, event })
    }
}

/// Refuses what is too long.
pub(super) fn bound(what: &'static str, bytes: usize, max: usize) -> Result<(), JournalError> {
    if bytes > max { Err(JournalError::TooLong { what, bytes, max }) } else { Ok(()) }
}

/// Returns the entry that a fact belongs to.
fn correlation(fact: &Fact) -> Option<u64> {
    match fact {
        Fact::Returned(it) => Some(it.intent),
        Fact::Resent { intent } | Fact::Settled { intent, .. } => Some(*intent),
        Fact::Answered { question, .. } => Some(*question),
        Fact::TimerFired { timer: Timer::Sleep { entry } } => Some(*entry),
        _ => None,
    }
}

/// Returns the conversation that a fact names.
pub(super) fn conversation(fact: &Fact) -> Option<Digest> {
    match fact {
        Fact::Intended(it) => match &it.ask {
            Ask::Model { messages, .. } => *messages,
            Ask::Tool { .. } | Ask::Child { .. } => None,
        },
        _ => None,
    }
}

/// Checks entries in their order.
#[derive(Debug)]
pub(super) struct Chain {
    run: TaskId,
    /// The last entry there is, and its hash.
    head: (u64, Digest),
    /// The number of the next.
    next_seq: u64,
    /// The one that nobody has vouched for yet.
    pending: Option<Written>,
}

impl Chain {
    /// Begins after an entry.
    pub(super) fn new(run: TaskId, head: (u64, Digest), after: u64) -> Self {
        Self { run, head, next_seq: after.saturating_add(1), pending: None }
    }

    /// Takes an entry, and hands out the one before, for which it vouches.
    pub(super) fn take(&mut self, entry: Written) -> Result<Option<Written>, JournalError> {
        let seq = self.next_seq;
        if entry.seq > self.head.0 {
            self.end()?;
            return Err(self.damaged(entry.seq, Damage::Beyond));
        }
        if entry.seq != seq {
            return Err(self.damaged(seq, Damage::Missing));
        }
        let is_first_wrong = seq == 1 && entry.before != genesis();
        let before = self.pending.take();
        if is_first_wrong {
            return Err(self.damaged(1, Damage::Altered));
        }
        if let Some(before) = before.as_ref().filter(|it| it.hash(self.run) != entry.before) {
            return Err(self.damaged(before.seq, Damage::Altered));
        }
        self.next_seq += 1;
        self.pending = Some(entry);
        Ok(before)
    }

    /// Hands out the last one, for which the row of the task vouches.
    pub(super) fn end(&mut self) -> Result<Option<Written>, JournalError> {
        if self.next_seq <= self.head.0 {
            return Err(self.damaged(self.next_seq, Damage::Missing));
        }
        let last = self.pending.take();
        match last.as_ref().filter(|it| it.hash(self.run) != self.head.1) {
            Some(last) => Err(self.damaged(last.seq, Damage::Altered)),
            None => Ok(last),
        }
    }

    fn damaged(&self, seq: u64, what: Damage) -> JournalError {
        JournalError::Damaged { run: self.run, seq, what }
    }
}
