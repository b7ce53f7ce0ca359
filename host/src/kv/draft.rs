//! What a call with a key writes, until it has ended and all of it is written at once.
//!
//! ```text
//! get, scan, usage ──► draft over base ──► noted: what of the base was seen
//! write ─────────────► draft               (conditions judged by draft over base)
//! commit ────────────► what was seen is still so? ── yes ─► all changes + the outcome, one write
//!                                                └── no ──► conflict, nothing is changed
//! ```
//!
//! Versions are numbers that were reserved for the draft, so that what a write returned holds: no
//! other write is given them, and each is higher than all the draft has seen. What was written to
//! the same key under a higher number before the commit is a conflict.
//!
//! Invariant: before the commit nobody else sees anything of a draft; what it holds is bounded by the
//! quota and [`DRAFT_BYTES_MAX`].
//!
//! Not here: what of the base was seen (`seen`), when a draft is committed, and what becomes of a conflict (`plugin`).

use std::collections::BTreeMap;
use std::ops::Bound;
use std::ops::Range;

use rusqlite::Transaction;

use crate::kv::Kv;
use crate::kv::cursor;
use crate::kv::entry::Change;
use crate::kv::entry::Condition;
use crate::kv::entry::Entry;
use crate::kv::entry::PAGE_BYTES_MAX;
use crate::kv::entry::Page;
use crate::kv::entry::check_changes;
use crate::kv::entry::check_key;
use crate::kv::entry::check_limit;
use crate::kv::entry::check_prefix;
use crate::kv::error::Failure;
use crate::kv::error::KvError;
use crate::kv::outcome;
use crate::kv::outcome::Outcome;
use crate::kv::rows;
use crate::kv::rows::Planned;
use crate::kv::rows::Present;
use crate::kv::seen::Seen;
use crate::kv::seen::Stretch;
use crate::kv::space::Space;
use crate::kv::space::Usage;
use crate::kv::state;

/// Bytes of keys and values that one draft holds in memory. Twenty calls of this size at once still
/// leave a small machine its memory; whoever writes more at once keeps files, not entries.
pub const DRAFT_BYTES_MAX: u64 = 64 * 1_024 * 1_024;

/// Numbers of writes that are reserved at once: more than most calls need, and gaps cost nothing.
const NUMBERS: u32 = 16;

/// What a call with a key has changed and seen.
#[derive(Debug)]
pub struct Draft {
    kv: Kv,
    pub(super) space: Space,
    changed: BTreeMap<String, Changed>,
    /// Bytes of the keys and values in `changed`.
    bytes: u64,
    /// By how much more it keeps than the base.
    more: Sum,
    seen: Seen,
    /// Reserved, and not given to a write yet.
    numbers: Range<u64>,
}

/// What a draft makes of one key.
#[derive(Debug)]
struct Changed {
    /// What will be there, if anything.
    value: Option<Vec<u8>>,
    version: u64,
    /// Bytes of the value that the base had when it was first changed.
    base_bytes: Option<u64>,
}

/// What came of a commit.
#[derive(Debug, PartialEq, Eq)]
pub enum Committed {
    /// All of it is there, and on disk.
    Now,
    /// A call with this key was committed before, and this is what it came to. Nothing was changed.
    Before(Outcome),
}

impl Draft {
    /// Begins an empty draft. Costs no I/O.
    #[must_use]
    pub fn new(kv: Kv, space: Space) -> Self {
        let (changed, seen, numbers) = (BTreeMap::new(), Seen::default(), 0..0);
        Self { kv, space, changed, bytes: 0, more: Sum::default(), seen, numbers }
    }

    /// Answers whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// As [`Kv::get`], of the draft over the base.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn get(&mut self, key: &str) -> Result<Option<Entry>, KvError> {
        check_key(key)?;
        if let Some(changed) = self.changed.get(key) {
            return Ok(changed.entry(key));
        }
        self.begin()?;
        let found = self.kv.get(&self.space, key)?;
        self.seen.key(key, found.as_ref().map(|entry| entry.version));
        Ok(found)
    }

    /// As [`Kv::scan`], of the draft over the base.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn scan(
        &mut self,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page, KvError> {
        check_prefix(prefix)?;
        check_limit(limit)?;
        let mut after = cursor.map(|cursor| cursor::decode(prefix, cursor)).transpose()?;
        self.begin()?;
        let (mut filling, mut entries) = (Filling::new(limit), Vec::<Entry>::new());
        loop {
            let cursor = after.as_deref().map(|after| cursor::encode(prefix, after));
            let base = self.kv.scan(&self.space, prefix, limit, cursor.as_deref())?;
            let last = base.entries.last().filter(|_| base.next.is_some());
            let until = last.map(|last| last.key.clone());
            let stretch = Stretch { prefix: prefix.to_owned(), after, until };
            self.seen.page(&stretch, &base.entries);
            for entry in self.over(&stretch, base.entries, limit) {
                if !filling.takes(entry.value.len()) {
                    let next = entries.last().map(|last| cursor::encode(prefix, &last.key));
                    return Ok(Page { entries, next });
                }
                entries.push(entry);
            }
            if stretch.until.is_none() {
                return Ok(Page { entries, next: None });
            }
            after = stretch.until;
        }
    }

    /// As [`Kv::write`], into the draft. What it returns is the version of what was put from the
    /// commit on, too.
    ///
    /// # Errors
    ///
    /// As there, and [`KvError::DraftFull`].
    pub fn write(&mut self, changes: &[Change]) -> Result<u64, KvError> {
        check_changes(changes)?;
        self.begin()?;
        let base = self.present(changes)?;
        for (change, base) in changes.iter().zip(&base) {
            let changed = self.changed.get(change.key());
            let version = match changed {
                Some(changed) => changed.value.as_ref().map(|_| changed.version),
                None => base.map(|present| present.version),
            };
            if changed.is_none() && change.when() != Condition::Always {
                self.seen.key(change.key(), version);
            }
            if !change.when().holds(version) {
                return Err(KvError::Conflict { key: change.key().to_owned() });
            }
        }
        self.admit(changes, &base)?;
        let newest = base.iter().flatten().map(|present| present.version).max();
        self.seen.newest = self.seen.newest.max(newest.unwrap_or(0));
        let version = self.number()?;
        for (change, base) in changes.iter().zip(base) {
            self.change(change, version, base.map(|present| present.value_bytes));
        }
        Ok(version)
    }

    /// As [`Kv::usage`], of the draft over the base.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn usage(&self) -> Result<Usage, KvError> {
        let base = Sum::of(self.kv.usage(&self.space)?);
        let Sum { keys, bytes } = self.more;
        Ok(Sum { keys: base.keys + keys, bytes: base.bytes + bytes }.usage())
    }

    /// As [`Kv::outcome`], of the owner of the draft.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn outcome(&self, key: &str) -> Result<Option<Outcome>, KvError> {
        self.kv.outcome(&self.space.owner, key)
    }

    /// Writes all of it together with what the call came to, unless something of what the draft
    /// stands on has changed. On disk when it returns.
    ///
    /// # Errors
    ///
    /// [`KvError::Conflict`] with a key that has changed, or that there is no more room for;
    /// [`KvError::NoState`].
    pub fn commit(&self, outcome: &Outcome) -> Result<Committed, KvError> {
        self.kv.database.write(|transaction| {
            match outcome::get(transaction, &self.space.owner, &outcome.key)? {
                Some(before) => Ok(Committed::Before(before)),
                None => {
                    self.apply(transaction)?;
                    outcome::put(transaction, &self.space.owner, outcome)?;
                    Ok(Committed::Now)
                }
            }
        })
    }

    fn apply(&self, transaction: &Transaction<'_>) -> Result<(), Failure> {
        let conflict = |key: &str| Failure::from(KvError::Conflict { key: key.to_owned() });
        let state = state::find(transaction, &self.space.owner, self.space.state)?;
        if let Some(key) = self.seen.stale(transaction, &state)? {
            return Err(conflict(&key));
        }
        let mut planned = Vec::with_capacity(self.changed.len());
        for (key, changed) in &self.changed {
            let (value, version) = (changed.value.as_deref(), changed.version);
            let present = Present::find(transaction, state.id, key)?;
            // What is there was given its number later, so it stays in the order of the numbers.
            if present.is_some_and(|present| present.version >= version) {
                return Err(conflict(key));
            }
            planned.push(Planned { key, value, version, present });
        }
        let revision = state::next_number_of(&state)?;
        match rows::make(transaction, &self.space, state, revision, &planned) {
            // There was room when it was written into the draft.
            Err(Failure::Refused(KvError::Full { .. })) => {
                Err(conflict(planned.first().map_or("", |first| first.key)))
            }
            made => made,
        }
    }

    /// Notes at the first look which write was the last one.
    fn begin(&mut self) -> Result<(), KvError> {
        if self.seen.begun.is_none() {
            self.seen.begun = Some(self.kv.revision(&self.space.owner, self.space.state)?);
        }
        Ok(())
    }

    /// Looks up what the base has under the keys that are to change.
    fn present(&self, changes: &[Change]) -> Result<Vec<Option<Present>>, KvError> {
        self.kv.database.read(|connection| {
            let state = state::find(connection, &self.space.owner, self.space.state)?;
            let find = |change: &Change| Present::find(connection, state.id, change.key());
            changes.iter().map(find).collect()
        })
    }

    /// Refuses changes by which there would be too much.
    fn admit(&self, changes: &[Change], base: &[Option<Present>]) -> Result<(), KvError> {
        let before = self.usage()?;
        let mut after = Sum::of(before);
        let mut held = Sum::of(Usage { keys: 0, bytes: self.bytes });
        for (change, base) in changes.iter().zip(base) {
            let key = change.key();
            let value = change.value().map(<[u8]>::len);
            let changed = self.changed.get(key);
            let present = match changed {
                Some(changed) => changed.value_bytes(),
                None => base.map(|present| present.value_bytes),
            };
            after.swap(key, present, value);
            let mine = changed.map(|changed| changed.value_bytes().unwrap_or(0));
            held.swap(key, mine, Some(value.unwrap_or(0)));
        }
        self.space.quota.admit(before, after.usage())?;
        if held.usage().bytes > DRAFT_BYTES_MAX {
            return Err(KvError::DraftFull { max: DRAFT_BYTES_MAX });
        }
        Ok(())
    }

    /// Returns a number that no other write has, higher than all that was seen.
    fn number(&mut self) -> Result<u64, KvError> {
        if self.numbers.start <= self.seen.newest || self.numbers.is_empty() {
            self.numbers = self.kv.database.write(|transaction| {
                let state = state::find(transaction, &self.space.owner, self.space.state)?;
                state::reserve(transaction, &state, NUMBERS)
            })?;
        }
        let number = self.numbers.start;
        self.numbers.start += 1;
        Ok(number)
    }

    fn change(&mut self, change: &Change, version: u64, base_bytes: Option<u64>) {
        let (key, value) = (change.key(), change.value().map(<[u8]>::to_vec));
        let before = self.changed.remove(key);
        let held = before.as_ref().map_or(base_bytes, Changed::value_bytes);
        self.more.swap(key, held, value.as_ref().map(Vec::len));
        self.bytes -= before.as_ref().map_or(0, |before| before.bytes(key));
        let base_bytes = before.map_or(base_bytes, |before| before.base_bytes);
        let changed = Changed { value, version, base_bytes };
        // Removing what the base never had leaves nothing to do.
        if changed.value.is_some() || base_bytes.is_some() {
            self.bytes += changed.bytes(key);
            self.changed.insert(key.to_owned(), changed);
        }
    }

    /// Puts what is changed over some entries of the base, as far as a page can reach.
    fn over(&self, stretch: &Stretch, base: Vec<Entry>, limit: u32) -> Vec<Entry> {
        let begin = match &stretch.after {
            Some(after) => Bound::Excluded(after.as_str()),
            None => Bound::Included(stretch.prefix.as_str()),
        };
        let mut merged: BTreeMap<String, Entry> =
            base.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
        let mut page = Filling::new(limit);
        for (key, changed) in self.changed.range::<str, _>((begin, Bound::Unbounded)) {
            if !stretch.holds(key) {
                break;
            }
            let Some(entry) = changed.entry(key) else {
                merged.remove(key);
                continue;
            };
            let has_room = page.takes(entry.value.len());
            merged.insert(key.clone(), entry);
            // No page reaches further, and to copy what none has room for costs a multiple of what it gives.
            if !has_room {
                break;
            }
        }
        merged.into_values().collect()
    }
}

impl Changed {
    fn value_bytes(&self) -> Option<u64> {
        self.value.as_ref().map(|value| value.len() as u64)
    }

    /// Counts what is held of it.
    fn bytes(&self, key: &str) -> u64 {
        key.len() as u64 + self.value_bytes().unwrap_or(0)
    }

    fn entry(&self, key: &str) -> Option<Entry> {
        let (value, version) = (self.value.clone()?, self.version);
        Some(Entry { key: key.to_owned(), value, version })
    }
}

/// How much of a page is filled, as [`Kv::scan`] fills one.
struct Filling {
    limit: u32,
    entries: u32,
    bytes: usize,
}

impl Filling {
    fn new(limit: u32) -> Self {
        Self { limit, entries: 0, bytes: 0 }
    }

    /// Counts an entry; answers whether there was room for it.
    fn takes(&mut self, value_bytes: usize) -> bool {
        self.entries += 1;
        self.bytes += value_bytes;
        self.entries == 1 || (self.entries <= self.limit && self.bytes <= PAGE_BYTES_MAX)
    }
}

/// What is kept, on the way from one value to another, or a difference of it.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    keys: i128,
    bytes: i128,
}

impl Sum {
    fn of(usage: Usage) -> Self {
        Self { keys: usage.keys.into(), bytes: usage.bytes.into() }
    }

    /// Takes away what was under a key and adds what will be there, both in bytes of the value.
    fn swap(&mut self, key: &str, before: Option<u64>, after: Option<usize>) {
        let whole = |bytes: u64| i128::from(bytes) + key.len() as i128;
        self.keys += i128::from(after.is_some()) - i128::from(before.is_some());
        self.bytes += after.map_or(0, |after| whole(after as u64)) - before.map_or(0, whole);
    }

    /// What others change meanwhile may make it less than nothing for a moment.
    fn usage(&self) -> Usage {
        let keys = u32::try_from(self.keys.max(0)).unwrap_or(u32::MAX);
        Usage { keys, bytes: u64::try_from(self.bytes.max(0)).unwrap_or(u64::MAX) }
    }
}
