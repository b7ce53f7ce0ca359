//! The seam to `ax:kv/store`: the words of that interface without its bindings.
//!
//! Invariant: an implementation makes all changes of a write or none.
//! Not here: the bindings (`export`), which keys there are (`layout`).

use thiserror::Error;

/// Changes in one write that the store takes.
pub const CHANGES_MAX: usize = 1_000;
/// Bytes of one value that the store takes.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

/// Keys and bytes, belonging to this plugin alone.
pub trait Store {
    /// Returns a value, or none.
    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError>;

    /// Lists what starts with `prefix`, in the order of the bytes of the keys: at most `limit`
    /// entries and 1 MiB of values. `cursor` is [`Page::next`] of the same prefix.
    fn scan(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page, StoreError>;

    /// Makes all changes or none: 1 to [`CHANGES_MAX`] of them, no key twice.
    fn write(&self, changes: Vec<Change>) -> Result<(), StoreError>;
}

/// One piece of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub value: Vec<u8>,
    /// The number of the write that put it there; never used twice.
    pub version: u64,
}

/// A part of a listing.
#[derive(Debug)]
pub struct Page {
    /// The entries, in the order of the bytes of their keys.
    pub entries: Vec<Entry>,
    /// Where to read on; absent at the end.
    pub next: Option<String>,
}

/// What has to hold for a change to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The key has no value.
    Absent,
    /// The value is the one of this write.
    AtVersion(u64),
}

impl Condition {
    /// Requires that the key is as it was read.
    pub fn as_read(entry: Option<&Entry>) -> Self {
        entry.map_or(Self::Absent, |entry| Self::AtVersion(entry.version))
    }
}

/// One change of a write. There is none without a condition: whatever changes was read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Gives a key a value.
    Put {
        /// The key.
        key: String,
        /// Its new value.
        value: Vec<u8>,
        /// When to do so.
        when: Condition,
    },
    /// Takes a key's value away.
    Remove {
        /// The key.
        key: String,
        /// When to do so.
        when: Condition,
    },
}

/// What a full store has too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Keys.
    Keys,
    /// Bytes of keys and values.
    Bytes,
}

impl Resource {
    /// Returns the name of the limit, as the store gives it.
    pub fn limit(self) -> &'static str {
        match self {
            Self::Keys => "kv-keys",
            Self::Bytes => "kv-bytes",
        }
    }
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// A condition did not hold, since somebody else wrote in between.
    #[error("`{key}` was changed by another call")]
    Conflict {
        /// The first key whose condition did not hold.
        key: String,
    },
    /// There is no room.
    #[error("the store of notes is full (`{}`)", .what.limit())]
    Full {
        /// What there is too much of.
        what: Resource,
    },
    /// The permission is missing.
    #[error("{message}")]
    Denied {
        /// What the host said.
        message: String,
        /// The permission.
        permission: String,
    },
    /// It may work later.
    #[error("{message}")]
    Unavailable {
        /// What the host said.
        message: String,
        /// Milliseconds to wait.
        retry_after_ms: Option<u32>,
    },
    /// It will not work.
    #[error("{message}")]
    Failed {
        /// What the host said.
        message: String,
        /// The host's word for it.
        code: String,
    },
}

impl StoreError {
    /// Says what the caller can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Full { .. } => {
                Some("remove notes that are no longer needed, or shorten long ones".to_owned())
            }
            Self::Conflict { .. }
            | Self::Denied { .. }
            | Self::Unavailable { .. }
            | Self::Failed { .. } => None,
        }
    }
}
