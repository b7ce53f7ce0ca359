//! The entries of one state: reading, scanning, and the one way they change, a write or a draft that
//! is committed.
//!
//! Invariant: a write looks at every key it names before it changes any, so that what is refused
//! has written nothing; the sums in `state` change in the same transaction as the rows.
//!
//! Not here: transactions (`database`), and the form of keys and values (`entry`), which was
//! checked before.

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::Transaction;
use rusqlite::params;

use crate::kv::cursor;
use crate::kv::entry::Change;
use crate::kv::entry::Entry;
use crate::kv::entry::PAGE_BYTES_MAX;
use crate::kv::entry::Page;
use crate::kv::error::Failure;
use crate::kv::error::KvError;
use crate::kv::error::impossible;
use crate::kv::space::Space;
use crate::kv::space::Usage;
use crate::kv::state;
use crate::kv::state::StateRow;
use crate::kv::state::next_number_of;
use crate::kv::state::no_state;
use crate::kv::state::stored;
use crate::kv::state::unsigned;

/// One row if there is such a state, with nothing in it if there is no such key.
const GET: &str = "SELECT entry.version, entry.value \
     FROM owner JOIN state ON state.owner = owner.id AND state.number = ?2 \
     LEFT JOIN entry ON entry.state = state.id AND entry.key = ?3 \
     WHERE owner.name = ?1";

/// Reads the entry at `key`.
pub(super) fn get(
    connection: &Connection,
    space: &Space,
    key: &str,
) -> Result<Option<Entry>, Failure> {
    let mut statement = connection.prepare_cached(GET)?;
    let mut rows = statement.query(params![&*space.owner, stored(space.state), key])?;
    let Some(row) = rows.next()? else {
        return Err(no_state(&space.owner, space.state));
    };
    let Some(version) = row.get::<_, Option<i64>>(0)? else {
        return Ok(None);
    };
    Ok(Some(Entry { key: key.to_owned(), value: row.get(1)?, version: unsigned(version)? }))
}

/// The keys from `?3` on, in order; one empty row if there is such a state and no such key.
pub(super) const SCAN_FROM: &str = "SELECT entry.key, entry.version, entry.value \
     FROM owner JOIN state ON state.owner = owner.id AND state.number = ?2 \
     LEFT JOIN entry ON entry.state = state.id AND entry.key >= ?3 \
     WHERE owner.name = ?1 ORDER BY entry.key LIMIT ?4";

/// As [`SCAN_FROM`], without `?3` itself.
pub(super) const SCAN_AFTER: &str = "SELECT entry.key, entry.version, entry.value \
     FROM owner JOIN state ON state.owner = owner.id AND state.number = ?2 \
     LEFT JOIN entry ON entry.state = state.id AND entry.key > ?3 \
     WHERE owner.name = ?1 ORDER BY entry.key LIMIT ?4";

/// Reads a page of the entries that begin with `prefix`, after the key `after` if there is one.
pub(super) fn scan(
    connection: &Connection,
    space: &Space,
    prefix: &str,
    limit: u32,
    after: Option<&str>,
) -> Result<Page, Failure> {
    let sql = if after.is_some() { SCAN_AFTER } else { SCAN_FROM };
    let mut statement = connection.prepare_cached(sql)?;
    // One more than asked for tells whether there is another page.
    let rows_max = i64::from(limit) + 1;
    let bound = after.unwrap_or(prefix);
    let mut rows = statement.query(params![&*space.owner, stored(space.state), bound, rows_max])?;
    let mut page = Page { entries: Vec::new(), next: None };
    let (mut bytes, mut is_state) = (0, false);
    while let Some(row) = rows.next()? {
        is_state = true;
        let key: Option<String> = row.get(0)?;
        let Some(key) = key.filter(|key| key.starts_with(prefix)) else {
            break;
        };
        let value: Vec<u8> = row.get(2)?;
        bytes += value.len();
        if let Some(last) = page.entries.last()
            && (page.entries.len() >= limit as usize || bytes > PAGE_BYTES_MAX)
        {
            page.next = Some(cursor::encode(prefix, &last.key));
            break;
        }
        page.entries.push(Entry { key, value, version: unsigned(row.get(1)?)? });
    }
    if is_state { Ok(page) } else { Err(no_state(&space.owner, space.state)) }
}

/// Lists at most `max` keys with their versions, from a prefix on or after a key, as long as `holds`.
pub(super) fn versions(
    connection: &Connection,
    state: i64,
    (prefix, after): (&str, Option<&str>),
    max: usize,
    holds: impl Fn(&str) -> bool,
) -> Result<Vec<(String, u64)>, Failure> {
    let sql = match after {
        Some(_) => "SELECT key, version FROM entry WHERE state = ?1 AND key > ?2 ORDER BY key",
        None => "SELECT key, version FROM entry WHERE state = ?1 AND key >= ?2 ORDER BY key",
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![state, after.unwrap_or(prefix)])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        if versions.len() >= max || !holds(&key) {
            break;
        }
        versions.push((key, unsigned(row.get(1)?)?));
    }
    Ok(versions)
}

/// Makes all `changes` or none, and returns the number of this write.
pub(super) fn write(
    transaction: &Transaction<'_>,
    space: &Space,
    changes: &[Change],
) -> Result<u64, Failure> {
    let state = state::find(transaction, &space.owner, space.state)?;
    let version = next_number_of(&state)?;
    let mut planned = Vec::with_capacity(changes.len());
    for change in changes {
        let present = Present::find(transaction, state.id, change.key())?;
        if !change.when().holds(present.as_ref().map(|present| present.version)) {
            return Err(KvError::Conflict { key: change.key().to_owned() }.into());
        }
        planned.push(Planned { key: change.key(), value: change.value(), version, present });
    }
    make(transaction, space, state, version, &planned)?;
    Ok(version)
}

/// One key that is about to change.
pub(super) struct Planned<'a> {
    pub(super) key: &'a str,
    /// What will be there, if anything.
    pub(super) value: Option<&'a [u8]>,
    /// The version it will have.
    pub(super) version: u64,
    pub(super) present: Option<Present>,
}

/// Makes what was planned, as far as the quota allows; `revision` is the number of the last write
/// from then on.
pub(super) fn make(
    transaction: &Transaction<'_>,
    space: &Space,
    state: StateRow,
    revision: u64,
    planned: &[Planned<'_>],
) -> Result<(), Failure> {
    let usage = usage_after(state.usage, planned)?;
    space.quota.admit(state.usage, usage)?;
    for change in planned {
        apply(transaction, state.id, change)?;
    }
    state::update(transaction, &StateRow { revision, usage, ..state })
}

/// What is under a key before a write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present {
    id: i64,
    pub(super) version: u64,
    pub(super) value_bytes: u64,
}

impl Present {
    pub(super) fn find(
        connection: &Connection,
        state: i64,
        key: &str,
    ) -> Result<Option<Self>, Failure> {
        let found = connection
            .prepare_cached(
                "SELECT id, version, length(value) FROM entry WHERE state = ?1 AND key = ?2",
            )?
            .query_row(params![state, key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, version, value_bytes)) = found else {
            return Ok(None);
        };
        let (version, value_bytes) = (unsigned(version)?, unsigned(value_bytes)?);
        Ok(Some(Self { id, version, value_bytes }))
    }
}

/// Returns what will be kept. Adds before it takes away, so that no sum goes below zero on the way.
fn usage_after(before: Usage, planned: &[Planned<'_>]) -> Result<Usage, Failure> {
    let (mut keys, mut bytes) = (u64::from(before.keys), before.bytes);
    let (mut fewer_keys, mut fewer_bytes) = (0_u64, 0_u64);
    for change in planned {
        let key_bytes = change.key.len() as u64;
        if let Some(value) = change.value {
            keys += 1;
            bytes = bytes.saturating_add(key_bytes + value.len() as u64);
        }
        if let Some(present) = change.present {
            fewer_keys += 1;
            fewer_bytes = fewer_bytes.saturating_add(key_bytes + present.value_bytes);
        }
    }
    let keys = keys.checked_sub(fewer_keys).and_then(|keys| u32::try_from(keys).ok());
    match (keys, bytes.checked_sub(fewer_bytes)) {
        (Some(keys), Some(bytes)) => Ok(Usage { keys, bytes }),
        // The sums are less than what was found: they were changed by something else.
        _ => Err(impossible(-1)),
    }
}

fn apply(transaction: &Transaction<'_>, state: i64, change: &Planned<'_>) -> Result<(), Failure> {
    let run = |sql, values: &[&dyn rusqlite::ToSql]| {
        transaction.prepare_cached(sql)?.execute(values).map(drop)
    };
    let version = stored(change.version);
    match (change.value, change.present) {
        (Some(value), Some(present)) => run(
            "UPDATE entry SET version = ?2, value = ?3 WHERE id = ?1",
            params![present.id, version, value],
        )?,
        (Some(value), None) => run(
            "INSERT INTO entry (state, key, version, value) VALUES (?1, ?2, ?3, ?4)",
            params![state, change.key, version, value],
        )?,
        (None, Some(present)) => run("DELETE FROM entry WHERE id = ?1", params![present.id])?,
        (None, None) => {}
    }
    Ok(())
}
