//! Fills the key-value store, and asks it what it should not be asked.

use crate::Hoarder;
use crate::bindings::ax::kv::store;
use crate::bindings::ax::kv::store::Change;
use crate::bindings::ax::kv::store::Condition;
use crate::bindings::ax::kv::store::Put;
use crate::bindings::ax::kv::store::Remove;
use crate::bindings::ax::types::types::Error;
use crate::bindings::ax::types::types::ErrorKind;
use crate::bindings::exports::test::hoarder::keys as wit;

/// Changes of one write, as `ax:kv` allows.
const CHANGES_MAX: u32 = 1_000;

impl wit::Guest for Hoarder {
    fn write(changes: Vec<wit::Change>) -> Result<u64, String> {
        let changes: Vec<Change> = changes.into_iter().map(change).collect();
        store::write(&changes).map_err(said)
    }

    fn write_many(prefix: String, first: u32, count: u32, bytes: u32) -> Result<u64, String> {
        let mut version = 0;
        for start in (first..first + count).step_by(CHANGES_MAX as usize) {
            let end = (first + count).min(start + CHANGES_MAX);
            let changes: Vec<Change> =
                (start..end).map(|n| put(format!("{prefix}{n}"), filler(bytes))).collect();
            version = store::write(&changes).map_err(said)?;
        }
        Ok(version)
    }

    fn write_flood(changes: u32) -> Result<u64, String> {
        let remove = |_| Change::Remove(Remove { key: String::new(), when: Condition::Always });
        let changes: Vec<Change> = (0..changes).map(remove).collect();
        store::write(&changes).map_err(said)
    }

    fn write_text(key: String, text: String) -> Result<u64, String> {
        store::write(&[put(key, text.into_bytes())]).map_err(said)
    }

    fn get(key: String) -> Result<Option<(u64, u64)>, String> {
        let found = store::get(&key).map_err(said)?;
        Ok(found.map(|entry| (entry.value.len() as u64, entry.version)))
    }

    #[expect(unsafe_code, reason = "a text that is none is what is tried")]
    fn get_raw(key: Vec<u8>) -> Result<bool, String> {
        // SAFETY: there is none; the host is to find out before it makes a text of it.
        let key = unsafe { str::from_utf8_unchecked(&key) };
        store::get(key).map(|found| found.is_some()).map_err(said)
    }

    fn scan(prefix: String, limit: u32, cursor: Option<String>) -> Result<wit::Page, String> {
        let page = store::scan(&prefix, limit, cursor.as_deref()).map_err(said)?;
        let keys = page.entries.into_iter().map(|entry| entry.key).collect();
        Ok(wit::Page { keys, next: page.next })
    }

    fn scan_endlessly() {
        let mut cursor = None;
        while let Ok(page) = store::scan("", CHANGES_MAX, cursor.as_deref()) {
            cursor = page.next;
        }
    }

    fn usage() -> Result<(u32, u64, u32, u64), String> {
        let used = store::usage().map_err(said)?;
        Ok((used.keys, used.bytes, used.keys_max, used.bytes_max))
    }

    fn count_up(key: String, times: u32) -> Result<u32, String> {
        let mut conflicts = 0;
        for _ in 0..times {
            while !count_once(&key)? {
                conflicts += 1;
            }
        }
        Ok(conflicts)
    }

    fn write_endlessly(key: String) {
        let mut turn = 0_u64;
        // Two keys that always say the same, in one write.
        let other = format!("{key}-too");
        loop {
            turn += 1;
            let value = turn.to_le_bytes().repeat(512);
            let both = [put(key.clone(), value.clone()), put(other.clone(), value)];
            if store::write(&both).is_err() {
                return;
            }
        }
    }
}

/// Adds one to a number; false when somebody else was faster.
fn count_once(key: &str) -> Result<bool, String> {
    let found = store::get(key).map_err(said)?;
    let text = found.as_ref().map_or("0", |entry| str::from_utf8(&entry.value).unwrap_or("?"));
    let number: u32 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    let when = found.map_or(Condition::Absent, |entry| Condition::AtVersion(entry.version));
    let value = (number + 1).to_string().into_bytes();
    match store::write(&[Change::Put(Put { key: key.to_owned(), value, when })]) {
        Ok(_) => Ok(true),
        Err(Error { kind: ErrorKind::Conflict, .. }) => Ok(false),
        Err(error) => Err(said(error)),
    }
}

fn change(wanted: wit::Change) -> Change {
    let when = match wanted.when {
        None => Condition::Always,
        Some(0) => Condition::Absent,
        Some(version) => Condition::AtVersion(version),
    };
    match wanted.bytes {
        Some(bytes) => Change::Put(Put { key: wanted.key, value: filler(bytes), when }),
        None => Change::Remove(Remove { key: wanted.key, when }),
    }
}

pub(crate) fn put(key: String, value: Vec<u8>) -> Change {
    Change::Put(Put { key, value, when: Condition::Always })
}

fn filler(bytes: u32) -> Vec<u8> {
    vec![b'x'; bytes as usize]
}

/// Says a failure in one word or two.
pub(crate) fn said(error: Error) -> String {
    let kind = match error.kind {
        ErrorKind::Invalid => "invalid",
        ErrorKind::Denied => "denied",
        ErrorKind::Exhausted => "exhausted",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Failed => "failed",
        _ => "other",
    };
    format!("{kind} {}", error.code).trim_end().to_owned()
}
