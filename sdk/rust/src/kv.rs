//! Data that the plugin keeps between calls. The manifest asks for `kv`.
//!
//! ```
//! use ax_sdk::kv;
//!
//! # fn main() -> ax_sdk::Result<()> {
//! kv::put("greeted/ada", &3)?;
//! let times: Option<u32> = kv::get("greeted/ada")?;
//! assert_eq!(times, Some(3));
//! # Ok(())
//! # }
//! ```
//!
//! [`get`], [`put`], [`update`] and [`remove`] keep any type that serializes, as JSON; [`read`],
//! [`scan`] and [`write`](fn@write) keep bytes. A write is made wholly or not at all, and is on disk
//! when it returns. Calls run side by side: what was read may have changed when it is written, unless
//! [`update`] or [`When::AtVersion`] makes sure that it has not.
//!
//! | What | At most |
//! |---|---|
//! | a key | 512 bytes of UTF-8 without control characters, and 1 at least |
//! | a value | 1 MiB |
//! | changes of one write, entries of one scan | 1,000 |
//! | all keys | 10,000 |
//! | all keys and values together | what the manifest asks for, 10 MiB by default |

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Result};

/// Bytes that a key may have.
pub const KEY_BYTES_MAX: usize = 512;
/// Bytes that a value may have.
pub const VALUE_BYTES_MAX: usize = 1 << 20;
/// Changes of one [`write`](fn@write), and entries of one [`scan`].
pub const CHANGES_MAX: usize = 1_000;

/// Times that [`update`] tries before it gives up.
const TRIES_MAX: u32 = 16;

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// At most 512 bytes.
    pub key: String,
    /// At most 1 MiB.
    pub value: Vec<u8>,
    /// The number of the write that put it there. Numbers grow and are never used twice.
    pub version: u64,
}

/// What must hold for a change to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// Nothing.
    #[default]
    Always,
    /// There is no such key.
    Absent,
    /// The key is as it was read.
    AtVersion(u64),
}

impl When {
    /// The key is as [`read`] found it: of this version still, or still absent.
    #[must_use]
    pub fn as_read(entry: Option<&Entry>) -> Self {
        entry.map_or(Self::Absent, |entry| Self::AtVersion(entry.version))
    }
}

/// One change of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets a key.
    Put {
        /// The key.
        key: String,
        /// Its value.
        value: Vec<u8>,
        /// What must hold.
        when: When,
    },
    /// Removes a key.
    Remove {
        /// The key.
        key: String,
        /// What must hold.
        when: When,
    },
}

/// What is used, and how much there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Keys in use.
    pub keys: u32,
    /// Bytes of keys and values in use.
    pub bytes: u64,
    /// Keys there may be.
    pub keys_max: u32,
    /// Bytes there may be.
    pub bytes_max: u64,
}

/// Returns a value as it was [`put`]; none if there is no such key.
///
/// ```
/// # fn main() -> ax_sdk::Result<()> {
/// let greeting = ax_sdk::kv::get("greeting")?.unwrap_or_else(|| "Hello".to_owned());
/// assert_eq!(greeting, "Hello");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`ErrorKind::Denied`] when `kv` is not granted, [`ErrorKind::Invalid`] for a key that can be none,
/// [`ErrorKind::Failed`] when what is there is no JSON of this type.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    read(key)?.map(|entry| value_of(&entry)).transpose()
}

/// Keeps a value as JSON, in place of what was there.
///
/// # Errors
///
/// [`ErrorKind::Denied`] when `kv` is not granted, [`ErrorKind::Exhausted`] with `kv-keys` or `kv-bytes`
/// when there is no room, [`ErrorKind::Invalid`] when key or value is too long.
pub fn put<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<()> {
    let value = serde_json::to_vec(value)?;
    write(vec![Change::Put { key: key.to_owned(), value, when: When::Always }]).map(drop)
}

/// Removes a key; content when there is none.
///
/// # Errors
///
/// When `kv` is not granted.
pub fn remove(key: &str) -> Result<()> {
    write(vec![Change::Remove { key: key.to_owned(), when: When::Always }]).map(drop)
}

/// Reads a value, changes it and keeps it; again when another call came in between, 16 times at most.
/// Returns what was kept. A value that is not there begins as its default.
///
/// ```
/// # fn main() -> ax_sdk::Result<()> {
/// let visits = ax_sdk::kv::update("visits", |visits: &mut u32| *visits += 1)?;
/// assert_eq!(visits, 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`get`] and [`put`]; [`ErrorKind::Conflict`] when others came in between every time.
pub fn update<T>(key: &str, change: impl Fn(&mut T)) -> Result<T>
where
    T: Default + Serialize + DeserializeOwned,
{
    for _ in 0..TRIES_MAX {
        let entry = read(key)?;
        let when = When::as_read(entry.as_ref());
        let mut value: T = entry.as_ref().map(value_of).transpose()?.unwrap_or_default();
        change(&mut value);
        let bytes = serde_json::to_vec(&value)?;
        match write(vec![Change::Put { key: key.to_owned(), value: bytes, when }]) {
            Ok(_) => return Ok(value),
            Err(error) if error.kind == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    let message = format!("`{key}` was changed by others each time it was read");
    Err(Error::new(ErrorKind::Conflict, message).code(key))
}

/// Returns the keys that begin with `prefix`, sorted, all of them: at most 10,000 by default.
///
/// # Errors
///
/// When `kv` is not granted.
pub fn keys(prefix: &str) -> Result<Vec<String>> {
    Ok(entries(prefix)?.into_iter().map(|entry| entry.key).collect())
}

/// Returns the entries whose keys begin with `prefix`, sorted by key, all of them.
///
/// # Errors
///
/// When `kv` is not granted.
pub fn entries(prefix: &str) -> Result<Vec<Entry>> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let (entries, next) = scan(prefix, 1_000, cursor.as_deref())?;
        all.extend(entries);
        match next {
            Some(next) => cursor = Some(next),
            None => return Ok(all),
        }
    }
}

/// Returns an entry as it is kept, with its version.
///
/// # Errors
///
/// When `kv` is not granted.
pub fn read(key: &str) -> Result<Option<Entry>> {
    host::get(key)
}

/// Returns entries whose keys begin with `prefix`, sorted by key, and where to go on if there are more:
/// at most `limit` of them (1 to 1,000) and 1 MiB of values. [`entries`] and [`keys`] go on by
/// themselves.
///
/// ```
/// # fn main() -> ax_sdk::Result<()> {
/// # use ax_sdk::kv;
/// for name in ["a", "b", "c"] {
///     kv::put(&format!("user/{name}"), name)?;
/// }
/// let (first, next) = kv::scan("user/", 2, None)?;
/// let (rest, end) = kv::scan("user/", 2, next.as_deref())?;
/// assert_eq!((first.len(), rest.len(), end), (2, 1, None));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`ErrorKind::Denied`] when `kv` is not granted, [`ErrorKind::Invalid`] for a limit or a cursor that
/// can be none.
pub fn scan(
    prefix: &str,
    limit: u32,
    cursor: Option<&str>,
) -> Result<(Vec<Entry>, Option<String>)> {
    host::scan(prefix, limit, cursor)
}

/// Makes all changes or none: 1 to 1,000 of them, no key twice. Returns the version that the changed keys
/// have.
///
/// ```
/// # fn main() -> ax_sdk::Result<()> {
/// use ax_sdk::kv::{self, Change, When};
///
/// # kv::put("draft", "text")?;
/// let draft = kv::read("draft")?.expect("it was put");
/// let when = When::AtVersion(draft.version);
/// kv::write(vec![
///     Change::Put { key: "sent".to_owned(), value: draft.value, when: When::Absent },
///     Change::Remove { key: draft.key, when },
/// ])?;
/// assert_eq!(kv::keys("")?, ["sent"]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`ErrorKind::Conflict`] with the first key whose condition did not hold; [`ErrorKind::Exhausted`]
/// with `kv-keys` or `kv-bytes`, unless the changes make what is kept smaller; [`ErrorKind::Denied`];
/// [`ErrorKind::Invalid`].
pub fn write(changes: Vec<Change>) -> Result<u64> {
    host::write(changes)
}

/// Returns what is used, and how much there may be.
///
/// # Errors
///
/// When `kv` is not granted.
pub fn usage() -> Result<Usage> {
    host::usage()
}

fn value_of<T: DeserializeOwned>(entry: &Entry) -> Result<T> {
    serde_json::from_slice(&entry.value).map_err(|error| {
        Error::failed(format!("what is kept as `{}` does not fit: {error}", entry.key))
    })
}

#[cfg(target_arch = "wasm32")]
mod host {
    use super::{Change, Entry, Usage, When};
    use crate::Result;
    use crate::bindings::ax::kv::store;
    use crate::guest::error;

    fn shown(entry: store::Entry) -> Entry {
        let store::Entry { key, value, version } = entry;
        Entry { key, value, version }
    }

    fn condition(when: When) -> store::Condition {
        match when {
            When::Always => store::Condition::Always,
            When::Absent => store::Condition::Absent,
            When::AtVersion(version) => store::Condition::AtVersion(version),
        }
    }

    pub(super) fn get(key: &str) -> Result<Option<Entry>> {
        store::get(key).map(|found| found.map(shown)).map_err(error)
    }

    pub(super) fn scan(
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<(Vec<Entry>, Option<String>)> {
        let page = store::scan(prefix, limit, cursor).map_err(error)?;
        Ok((page.entries.into_iter().map(shown).collect(), page.next))
    }

    pub(super) fn write(changes: Vec<Change>) -> Result<u64> {
        let change = |change| match change {
            Change::Put { key, value, when } => {
                store::Change::Put(store::Put { key, value, when: condition(when) })
            }
            Change::Remove { key, when } => {
                store::Change::Remove(store::Remove { key, when: condition(when) })
            }
        };
        let changes: Vec<store::Change> = changes.into_iter().map(change).collect();
        store::write(&changes).map_err(error)
    }

    pub(super) fn usage() -> Result<Usage> {
        let store::Quota { keys, bytes, keys_max, bytes_max } = store::usage().map_err(error)?;
        Ok(Usage { keys, bytes, keys_max, bytes_max })
    }
}

#[cfg(not(target_arch = "wasm32"))]
use crate::fake::kv as host;
