//! A store in memory with the rules of `ax:kv`, and what can be read off it.
//!
//! What the rules call `invalid` is a mistake in this plugin, so it panics.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;

use ax_sdk::Error;
use ax_sdk::ErrorKind;
use ax_sdk::Result;
use ax_sdk::kv::CHANGES_MAX;
use ax_sdk::kv::VALUE_BYTES_MAX;

use crate::block::Block;
use crate::layout;
use crate::note::Note;
use crate::notebook::Meta;
use crate::store::Change;
use crate::store::Entry;
use crate::store::Page;
use crate::store::Store;
use crate::store::When;

/// Keys and bytes that the store takes.
const KEYS_MAX: usize = 10_000;
const BYTES_MAX: usize = 10 << 20;
/// Bytes of a key.
const KEY_BYTES_MAX: usize = 512;
/// Bytes that the host takes from a guest in one call.
const CALL_BYTES_MAX: usize = 8 << 20;

/// The store.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<String, (Vec<u8>, u64)>,
    bytes: usize,
    writes: u64,
    largest_write: usize,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Puts a value as another release would have.
    pub(super) fn set(&self, key: &str, value: impl Into<Vec<u8>>) {
        let mut state = self.state();
        state.writes += 1;
        let (value, version) = (value.into(), state.writes);
        state.bytes += key.len() + value.len();
        if let Some((old, _)) = state.entries.insert(key.to_owned(), (value, version)) {
            state.bytes -= key.len() + old.len();
        }
    }

    /// All keys and values.
    pub(super) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        self.state().entries.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }

    /// How many writes were made.
    pub(super) fn writes(&self) -> u64 {
        self.state().writes
    }

    /// How many changes the largest write had.
    pub(super) fn largest_write(&self) -> usize {
        self.state().largest_write
    }

    /// All notes.
    pub(super) fn notes(&self) -> BTreeMap<u64, Note> {
        let contents = self.contents();
        let notes = contents.iter().filter_map(|(key, value)| {
            let id = u64::from_str_radix(key.strip_prefix(layout::NOTES)?, 16).unwrap();
            Some((id, Note::decode(key, value).unwrap()))
        });
        notes.collect()
    }

    /// Makes sure that there is nothing but notes, the index that follows from them, and a number
    /// above them all.
    pub(super) fn assert_whole(&self) {
        let notes = self.notes();
        let mut blocks: BTreeMap<u64, Block> = BTreeMap::new();
        let mut expected = BTreeMap::new();
        for (id, note) in &notes {
            blocks.entry(layout::block_of(*id)).or_default().put(*id, note);
            expected.insert(layout::note_key(*id), note.encode());
        }
        for (number, block) in blocks {
            expected.insert(layout::block_key(number), block.encode());
        }
        let (meta, _) = Meta::read(self).unwrap();
        assert!(notes.keys().all(|id| *id < meta.next), "{meta:?}");
        let mut contents = self.contents();
        contents.remove(layout::META);
        let texts = |map: BTreeMap<String, Vec<u8>>| -> BTreeMap<String, String> {
            map.into_iter().map(|(key, value)| (key, String::from_utf8(value).unwrap())).collect()
        };
        assert_eq!(texts(contents), texts(expected));
    }
}

impl Store for Memory {
    fn get(&self, key: &str) -> Result<Option<Entry>> {
        check_key(key);
        let state = self.state();
        Ok(state.entries.get(key).map(|(value, version)| Entry {
            key: key.to_owned(),
            value: value.clone(),
            version: *version,
        }))
    }

    fn scan(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page> {
        assert!((1..=1_000).contains(&limit), "a limit of {limit}");
        let state = self.state();
        let after = |key: &String| cursor.is_none_or(|cursor| key.as_str() > cursor);
        let mut all = state
            .entries
            .iter()
            .filter(|(key, _)| key.starts_with(prefix) && after(key))
            .peekable();
        let mut entries: Vec<Entry> = Vec::new();
        let mut bytes = 0;
        while let Some((_, (value, _))) = all.peek() {
            bytes += value.len();
            let is_full = entries.len() == limit as usize || bytes > VALUE_BYTES_MAX;
            if is_full && !entries.is_empty() {
                break;
            }
            if let Some((key, (value, version))) = all.next() {
                let (key, value) = (key.clone(), value.clone());
                entries.push(Entry { key, value, version: *version });
            }
        }
        let last = entries.last().map(|entry| entry.key.clone());
        let next = last.filter(|_| all.peek().is_some());
        Ok((entries, next))
    }

    fn write(&self, changes: Vec<Change>) -> Result<()> {
        assert!((1..=CHANGES_MAX).contains(&changes.len()), "{} changes", changes.len());
        let mut state = self.state();
        let mut puts: BTreeMap<String, Option<Vec<u8>>> = BTreeMap::new();
        let count = changes.len();
        for change in changes {
            let (key, value, when) = match change {
                Change::Put { key, value, when } => (key, Some(value), when),
                Change::Remove { key, when } => (key, None, when),
            };
            check_key(&key);
            let found = state.entries.get(&key).map(|(_, version)| *version);
            let holds = match when {
                When::Always => true,
                When::Absent => found.is_none(),
                When::AtVersion(version) => found == Some(version),
            };
            if !holds {
                return Err(conflict(&key));
            }
            let bytes = value.as_ref().map_or(0, Vec::len);
            assert!(bytes <= VALUE_BYTES_MAX, "`{key}`: {bytes} bytes");
            assert!(puts.insert(key.clone(), value).is_none(), "`{key}` twice");
        }
        let size = |key: &str, value: &Vec<u8>| key.len() + value.len();
        let new = puts.iter().filter_map(|(key, value)| Some(size(key, value.as_ref()?)));
        let (new_keys, new_bytes) = new.fold((0, 0), |(keys, sum), size| (keys + 1, sum + size));
        assert!(new_bytes <= CALL_BYTES_MAX, "{new_bytes} bytes in one write");
        let old = puts.keys().filter_map(|key| Some(size(key, &state.entries.get(key)?.0)));
        let (old_keys, old_bytes) = old.fold((0, 0), |(keys, sum), size| (keys + 1, sum + size));
        // What makes the store smaller is allowed when it is too full, too.
        if state.entries.len() + new_keys > KEYS_MAX + old_keys && new_keys > old_keys {
            return Err(full("kv-keys"));
        }
        if state.bytes + new_bytes > BYTES_MAX + old_bytes && new_bytes > old_bytes {
            return Err(full("kv-bytes"));
        }
        state.bytes = state.bytes + new_bytes - old_bytes;
        state.writes += 1;
        state.largest_write = state.largest_write.max(count);
        let version = state.writes;
        for (key, value) in puts {
            match value {
                Some(value) => drop(state.entries.insert(key, (value, version))),
                None => drop(state.entries.remove(&key)),
            }
        }
        Ok(())
    }
}

fn conflict(key: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("`{key}` was changed by another call")).code(key)
}

fn full(limit: &str) -> Error {
    Error::new(ErrorKind::Exhausted, "there is no room").code(limit)
}

fn check_key(key: &str) {
    assert!((1..=KEY_BYTES_MAX).contains(&key.len()), "a key of {} bytes", key.len());
    assert!(!key.contains(char::is_control), "{key:?}");
}

/// A store whose writes fail once `writes` have been made: what a process that dies leaves behind.
pub(super) struct Mortal<'a> {
    pub(super) memory: &'a Memory,
    pub(super) dies_at: u64,
}

impl Store for Mortal<'_> {
    fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.memory.get(key)
    }

    fn scan(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page> {
        self.memory.scan(prefix, limit, cursor)
    }

    fn write(&self, changes: Vec<Change>) -> Result<()> {
        if self.memory.writes() >= self.dies_at {
            return Err(Error::new(ErrorKind::Unavailable, "it died"));
        }
        self.memory.write(changes)
    }
}

/// A store that refuses the first writes, as if another call had been faster each time.
pub(super) struct Crowded<'a> {
    pub(super) memory: &'a Memory,
    pub(super) refusals: std::cell::Cell<u32>,
}

impl Store for Crowded<'_> {
    fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.memory.get(key)
    }

    fn scan(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page> {
        self.memory.scan(prefix, limit, cursor)
    }

    fn write(&self, changes: Vec<Change>) -> Result<()> {
        match self.refusals.get() {
            0 => self.memory.write(changes),
            left => {
                self.refusals.set(left - 1);
                let (Change::Put { key, .. } | Change::Remove { key, .. }) =
                    changes.into_iter().next().unwrap();
                Err(conflict(&key))
            }
        }
    }
}
