//! What is kept under a key, and what a write changes.
//!
//! Invariant: a key that passed [`check_key`] is text of 1 to 512 bytes in one line, so that it
//! can be named in an error and printed as it is.
//!
//! Not here: how much a plugin may keep (`space`), and how it is stored (`rows`).

use std::collections::HashSet;
use std::fmt;

use crate::kv::error::KvError;

/// Bytes of the longest key. With it a cell of the index still fits a page of the database four
/// times, without which SQLite reads further pages to compare two keys.
pub const KEY_BYTES_MAX: usize = 512;

/// Bytes of the longest value: what a call may pass at once without being noticed by others.
pub const VALUE_BYTES_MAX: usize = 1_024 * 1_024;

/// Changes of one write. They are one transaction, during which no other plugin writes.
pub const CHANGES_MAX: usize = 1_000;

/// Entries of one page: some 512 KiB of keys, beside the values.
pub const PAGE_ENTRIES_MAX: u32 = 1_000;

/// Bytes of the values of one page, so that one that holds the longest value holds nothing else.
pub const PAGE_BYTES_MAX: usize = VALUE_BYTES_MAX;

/// A key with its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where the value is kept.
    pub key: String,
    /// What the plugin gave; it means nothing to the host.
    pub value: Vec<u8>,
    /// The number of the write that put it there: higher than that of every earlier one.
    pub version: u64,
}

/// Some entries of a scan, in the order of the bytes of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At most as many as asked for, and at most [`PAGE_BYTES_MAX`] of values.
    pub entries: Vec<Entry>,
    /// The cursor of the page after this one, if there are more entries.
    pub next: Option<String>,
}

/// What must hold for a change to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// There is no such key.
    Absent,
    /// The key is there, last written by this write.
    AtVersion(u64),
}

impl Condition {
    /// Tells whether this holds for a key last written by `version`, or for an absent one.
    pub(super) fn holds(self, version: Option<u64>) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => version.is_none(),
            Self::AtVersion(wanted) => version == Some(wanted),
        }
    }
}

/// One change of a write.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Keeps `value` under `key`, in place of what is there.
    Put { key: String, value: Vec<u8>, when: Condition },
    /// Removes `key`; an absent one is no error, unless `when` says so.
    Remove { key: String, when: Condition },
}

impl Change {
    /// Returns the key that is changed.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Put { key, .. } | Self::Remove { key, .. } => key,
        }
    }

    /// Returns what must hold for the change to be made.
    pub(super) fn when(&self) -> Condition {
        match self {
            Self::Put { when, .. } | Self::Remove { when, .. } => *when,
        }
    }

    /// Returns the value that will be there, if any.
    pub(super) fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Put { value, .. } => Some(value),
            Self::Remove { .. } => None,
        }
    }
}

/// What a plugin keeps may be secret, so that only its length is shown.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("value_bytes", &self.value.len())
            .field("version", &self.version)
            .finish()
    }
}

/// As for [`Entry`].
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { key, value, when } => f
                .debug_struct("Put")
                .field("key", key)
                .field("value_bytes", &value.len())
                .field("when", when)
                .finish(),
            Self::Remove { key, when } => {
                f.debug_struct("Remove").field("key", key).field("when", when).finish()
            }
        }
    }
}

/// Refuses what cannot be a key.
pub(super) fn check_key(key: &str) -> Result<(), KvError> {
    if key.is_empty() {
        return Err(KvError::Key { why: "it is empty" });
    }
    check_prefix(key)
}

/// Refuses what no key can begin with; every key begins with the empty text.
pub(super) fn check_prefix(prefix: &str) -> Result<(), KvError> {
    if prefix.len() > KEY_BYTES_MAX {
        return Err(KvError::Key { why: "it is longer than 512 bytes" });
    }
    if prefix.chars().any(char::is_control) {
        return Err(KvError::Key { why: "it holds a control character" });
    }
    Ok(())
}

/// Refuses a page of no entries or of too many.
pub(super) fn check_limit(limit: u32) -> Result<(), KvError> {
    if (1..=PAGE_ENTRIES_MAX).contains(&limit) {
        return Ok(());
    }
    Err(KvError::Limit { given: limit, max: PAGE_ENTRIES_MAX })
}

/// Refuses changes that no state of the database could make acceptable.
pub(super) fn check_changes(changes: &[Change]) -> Result<(), KvError> {
    if changes.is_empty() || changes.len() > CHANGES_MAX {
        return Err(KvError::TooManyChanges { given: changes.len(), max: CHANGES_MAX });
    }
    let mut keys = HashSet::with_capacity(changes.len());
    for change in changes {
        let key = change.key();
        check_key(key)?;
        let bytes = change.value().map_or(0, <[u8]>::len);
        if bytes > VALUE_BYTES_MAX {
            return Err(KvError::Value { bytes, max: VALUE_BYTES_MAX });
        }
        if !keys.insert(key) {
            return Err(KvError::TwoChanges { key: key.to_owned() });
        }
    }
    Ok(())
}
