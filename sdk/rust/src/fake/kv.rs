//! What the host keeps, played: the same order, conditions and bounds.
//!
//! Not here: the grant; everything is permitted.

use std::collections::BTreeSet;

use super::with;
use crate::kv::{CHANGES_MAX, Change, Entry, KEY_BYTES_MAX, Usage, VALUE_BYTES_MAX, When};
use crate::{Error, ErrorKind, Result};

/// What the host keeps unless the operator says otherwise.
const KEYS_MAX: u32 = 10_000;
const BYTES_MAX: u64 = 10 << 20;

pub(crate) fn get(key: &str) -> Result<Option<Entry>> {
    check_key(key)?;
    Ok(with(|world| world.kv.get(key).cloned()))
}

pub(crate) fn scan(
    prefix: &str,
    limit: u32,
    cursor: Option<&str>,
) -> Result<(Vec<Entry>, Option<String>)> {
    if !(1..=CHANGES_MAX).contains(&(limit as usize)) {
        return Err(Error::invalid("limit", format!("a limit is 1 to {CHANGES_MAX}, not {limit}")));
    }
    Ok(with(|world| {
        let after = |entry: &&Entry| cursor.is_none_or(|cursor| entry.key.as_str() > cursor);
        let matching = world.kv.values().filter(|entry| entry.key.starts_with(prefix));
        let (mut page, mut bytes): (Vec<Entry>, usize) = (Vec::new(), 0);
        for entry in matching.filter(after) {
            bytes += entry.value.len();
            // One entry at least, however long it is.
            if page.len() == limit as usize || (bytes > VALUE_BYTES_MAX && !page.is_empty()) {
                let next = page.last().map(|entry| entry.key.clone());
                return (page, next);
            }
            page.push(entry.clone());
        }
        (page, None)
    }))
}

pub(crate) fn write(changes: Vec<Change>) -> Result<u64> {
    check_changes(&changes)?;
    with(|world| {
        for change in &changes {
            let (Change::Put { key, when, .. } | Change::Remove { key, when }) = change;
            let version = world.kv.get(key).map(|entry| entry.version);
            let holds = match when {
                When::Always => true,
                When::Absent => version.is_none(),
                When::AtVersion(wanted) => version == Some(*wanted),
            };
            if !holds {
                let message = format!("`{key}` is not as it was read");
                return Err(Error::new(ErrorKind::Conflict, message).code(key.clone()));
            }
        }
        let mut after = world.kv.clone();
        world.version += 1;
        let version = world.version;
        for change in changes {
            match change {
                Change::Put { key, value, .. } => {
                    after.insert(key.clone(), Entry { key, value, version });
                }
                Change::Remove { key, .. } => drop(after.remove(&key)),
            }
        }
        let (old, new) = (usage_of(world.kv.values()), usage_of(after.values()));
        // What makes it smaller is permitted when it is too full, too.
        let full = |limit: &str| {
            let message = format!("there is no room for more (`{limit}`)");
            Err(Error::new(ErrorKind::Exhausted, message).code(limit))
        };
        if new.keys > KEYS_MAX && new.keys > old.keys {
            return full("kv-keys");
        }
        if new.bytes > BYTES_MAX && new.bytes > old.bytes {
            return full("kv-bytes");
        }
        world.kv = after;
        Ok(version)
    })
}

pub(crate) fn usage() -> Result<Usage> {
    Ok(with(|world| usage_of(world.kv.values())))
}

fn usage_of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Usage {
    let none = Usage { keys: 0, bytes: 0, keys_max: KEYS_MAX, bytes_max: BYTES_MAX };
    entries.fold(none, |usage, entry| Usage {
        keys: usage.keys + 1,
        bytes: usage.bytes + (entry.key.len() + entry.value.len()) as u64,
        ..usage
    })
}

fn check_changes(changes: &[Change]) -> Result<()> {
    if !(1..=CHANGES_MAX).contains(&changes.len()) {
        let message = format!("a write has 1 to {CHANGES_MAX} changes, not {}", changes.len());
        return Err(Error::invalid("changes", message));
    }
    let mut known = BTreeSet::new();
    for change in changes {
        let (Change::Put { key, .. } | Change::Remove { key, .. }) = change;
        check_key(key)?;
        if !known.insert(key) {
            return Err(Error::invalid("changes", format!("`{key}` is changed twice")));
        }
        if let Change::Put { value, .. } = change
            && value.len() > VALUE_BYTES_MAX
        {
            let message = format!("a value has {} bytes, {VALUE_BYTES_MAX} at most", value.len());
            return Err(Error::invalid("value", message));
        }
    }
    Ok(())
}

fn check_key(key: &str) -> Result<()> {
    let why = match key.len() {
        0 => "a key is not empty".to_owned(),
        1..=KEY_BYTES_MAX if !key.contains(char::is_control) => return Ok(()),
        1..=KEY_BYTES_MAX => "a key has no control characters".to_owned(),
        bytes => format!("a key has {bytes} bytes, {KEY_BYTES_MAX} at most"),
    };
    Err(Error::invalid("key", why))
}
