//! What a draft has seen of what was there before, and whether it is still so.
//!
//! Invariant: whatever a draft answered from is noted here, one by one or, beyond [`NOTES_MAX`], by the
//! number of the last write.
//!
//! Not here: what the draft changes (`draft`).

use std::collections::BTreeMap;

use ax_manifest::Digest;
use rusqlite::Connection;

use crate::kv::entry::Entry;
use crate::kv::error::Failure;
use crate::kv::rows;
use crate::kv::rows::Present;
use crate::kv::state::StateRow;

/// Things that are noted one by one: twice as many as a plugin may have keys, so that all of them can be
/// listed, and few enough to be looked at while other writes wait. From then on nothing at all may have
/// changed when the draft is committed.
pub(super) const NOTES_MAX: usize = 20_000;

/// What the call has learnt of the base.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The number of the last write when the draft was begun; none before the first look.
    pub(super) begun: Option<u64>,
    /// Versions by key, and of absent ones that they were.
    keys: BTreeMap<String, Option<u64>>,
    /// How many keys each stretch held, and a digest of them with their versions.
    pages: BTreeMap<Stretch, (usize, Digest)>,
    /// How many notes these are; a stretch counts with its keys.
    notes: usize,
    /// Whether there was more than is noted.
    is_overfull: bool,
    /// The highest version seen.
    pub(super) newest: u64,
}

/// Some keys of the base that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stretch {
    pub(super) prefix: String,
    pub(super) after: Option<String>,
    /// The last key; none if it goes on to the end of the prefix.
    pub(super) until: Option<String>,
}

impl Stretch {
    /// Answers whether a key that comes after its beginning is still in it.
    pub(super) fn holds(&self, key: &str) -> bool {
        key.starts_with(&self.prefix) && self.until.as_deref().is_none_or(|until| key <= until)
    }
}

impl Seen {
    /// Takes room for notes that replace so many others.
    fn takes(&mut self, notes: usize, instead: usize) -> bool {
        let notes = self.notes - instead + notes;
        self.is_overfull |= notes > NOTES_MAX;
        if !self.is_overfull {
            self.notes = notes;
        }
        !self.is_overfull
    }

    /// Notes the version of a key, in place of an earlier one: the call knows now.
    pub(super) fn key(&mut self, key: &str, version: Option<u64>) {
        self.newest = self.newest.max(version.unwrap_or(0));
        let instead = usize::from(self.keys.contains_key(key));
        if self.takes(1, instead) {
            self.keys.insert(key.to_owned(), version);
        }
    }

    /// Notes what a stretch holds.
    pub(super) fn page(&mut self, stretch: &Stretch, entries: &[Entry]) {
        let newest = entries.iter().map(|entry| entry.version).max();
        self.newest = self.newest.max(newest.unwrap_or(0));
        let instead = self.pages.get(stretch).map_or(0, |(count, _)| count + 1);
        if self.takes(entries.len() + 1, instead) {
            let held = entries.iter().map(|entry| (entry.key.as_str(), entry.version));
            self.pages.insert(stretch.clone(), (entries.len(), fingerprint(held)));
        }
    }

    /// Returns a key that is not as it was seen, or the beginning of a stretch.
    pub(super) fn stale(
        &self,
        connection: &Connection,
        state: &StateRow,
    ) -> Result<Option<String>, Failure> {
        if self.is_overfull && self.begun != Some(state.revision) {
            return Ok(Some(String::new()));
        }
        for (key, version) in &self.keys {
            let present = Present::find(connection, state.id, key)?;
            if present.map(|present| present.version) != *version {
                return Ok(Some(key.clone()));
            }
        }
        for (stretch, (count, held)) in &self.pages {
            if fingerprint_of(connection, state.id, stretch, *count)? != Some(*held) {
                return Ok(Some(stretch.prefix.clone()));
            }
        }
        Ok(None)
    }
}

/// Sums up keys with their versions.
fn fingerprint<'k>(entries: impl Iterator<Item = (&'k str, u64)>) -> Digest {
    let mut hasher = Digest::hasher();
    for (key, version) in entries {
        hasher.update(key.as_bytes());
        // No key holds a control character, so this ends it.
        hasher.update(b"\0");
        hasher.update(&version.to_be_bytes());
    }
    hasher.finish()
}

/// Sums up what a stretch holds now; nothing if that is more than `count` keys.
fn fingerprint_of(
    connection: &Connection,
    state: i64,
    stretch: &Stretch,
    count: usize,
) -> Result<Option<Digest>, Failure> {
    let (prefix, after) = (stretch.prefix.as_str(), stretch.after.as_deref());
    let keys =
        rows::versions(connection, state, (prefix, after), count + 1, |key| stretch.holds(key))?;
    let held = || fingerprint(keys.iter().map(|(key, version)| (key.as_str(), *version)));
    Ok((keys.len() <= count).then(held))
}
