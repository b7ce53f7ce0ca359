//! The entries of one state: reading, scanning, and the one way they change.
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

/// Makes all `changes` or none, and returns the number of this write.
pub(super) fn write(
    transaction: &Transaction<'_>,
    space: &Space,
    changes: &[Change],
) -> Result<u64, Failure> {
    let state = state::find(transaction, &space.owner, space.state)?;
    let mut planned = Vec::with_capacity(changes.len());
    for change in changes {
        let present = Present::find(transaction, state.id, change.key())?;
        if !change.when().holds(present.as_ref().map(|present| present.version)) {
            return Err(KvError::Conflict { key: change.key().to_owned() }.into());
        }
        planned.push((change, present));
    }
    let usage = usage_after(state.usage, &planned)?;
    space.quota.admit(state.usage, usage)?;
    let revision = next_revision(state.revision)?;
    for (change, present) in &planned {
        apply(transaction, state.id, revision, change, present.as_ref())?;
    }
    state::update(transaction, &StateRow { revision, usage, ..state })?;
    Ok(revision)
}

/// What is under a key before a write.
struct Present {
    id: i64,
    version: u64,
    value_bytes: u64,
}

impl Present {
    fn find(transaction: &Transaction<'_>, state: i64, key: &str) -> Result<Option<Self>, Failure> {
        let found = transaction
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
fn usage_after(before: Usage, planned: &[(&Change, Option<Present>)]) -> Result<Usage, Failure> {
    let (mut keys, mut bytes) = (u64::from(before.keys), before.bytes);
    let (mut fewer_keys, mut fewer_bytes) = (0_u64, 0_u64);
    for (change, present) in planned {
        let key_bytes = change.key().len() as u64;
        if let Some(value) = change.value() {
            keys += 1;
            bytes = bytes.saturating_add(key_bytes + value.len() as u64);
        }
        if let Some(present) = present {
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

/// Returns the number after `revision`; there is none after the highest one that can be stored.
fn next_revision(revision: u64) -> Result<u64, Failure> {
    let next = stored(revision).checked_add(1).ok_or_else(|| impossible(i64::MAX))?;
    unsigned(next)
}

fn apply(
    transaction: &Transaction<'_>,
    state: i64,
    revision: u64,
    change: &Change,
    present: Option<&Present>,
) -> Result<(), Failure> {
    let run = |sql, values: &[&dyn rusqlite::ToSql]| {
        transaction.prepare_cached(sql)?.execute(values).map(drop)
    };
    match (change.value(), present) {
        (Some(value), Some(present)) => run(
            "UPDATE entry SET version = ?2, value = ?3 WHERE id = ?1",
            params![present.id, stored(revision), value],
        )?,
        (Some(value), None) => run(
            "INSERT INTO entry (state, key, version, value) VALUES (?1, ?2, ?3, ?4)",
            params![state, change.key(), stored(revision), value],
        )?,
        (None, Some(present)) => run("DELETE FROM entry WHERE id = ?1", params![present.id])?,
        (None, None) => {}
    }
    Ok(())
}
