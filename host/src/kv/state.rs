//! States: numbered copies of everything a plugin keeps.
//!
//! ```text
//! update:    1 ── fork ──► 2 ── migrate 2 ──► a generation names 2    (1 stays, for a rollback)
//! failure:   1 ── fork ──► 2 ── drop 2                                (the next copy is 3)
//! ```
//!
//! Invariant: a number is given once per owner, even if its state is dropped, so that an `ax` that
//! still runs an earlier generation can never write into what another one made.
//!
//! Not here: which state is in use, which the generation says; the entries (`rows`).

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::Transaction;
use rusqlite::params;

use crate::kv::error::Failure;
use crate::kv::error::KvError;
use crate::kv::error::impossible;
use crate::kv::space::Usage;

/// A state that was just made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forked {
    /// Its number.
    pub state: u64,
    /// The last write it contains; zero if it was made empty. While [`crate::kv::Kv::revision`] of
    /// the state it was copied from says the same, nothing was written there since.
    pub revision: u64,
}

/// What the database says about a state.
#[derive(Debug)]
pub(super) struct StateRow {
    pub(super) id: i64,
    /// The number of the last write.
    pub(super) revision: u64,
    pub(super) usage: Usage,
}

/// Returns how a number is stored. Those beyond SQLite's integers, which were never given, become
/// the highest of these, which will not be.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns a stored number, which is never negative.
pub(super) fn unsigned(number: i64) -> Result<u64, Failure> {
    u64::try_from(number).map_err(|_| impossible(number))
}

pub(super) fn no_state(owner: &str, state: u64) -> Failure {
    KvError::NoState { owner: owner.to_owned(), state }.into()
}

/// Finds a state.
pub(super) fn find(connection: &Connection, owner: &str, state: u64) -> Result<StateRow, Failure> {
    let found = connection
        .prepare_cached(
            "SELECT state.id, state.revision, state.keys, state.bytes \
             FROM owner JOIN state ON state.owner = owner.id AND state.number = ?2 \
             WHERE owner.name = ?1",
        )?
        .query_row(params![owner, stored(state)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((id, revision, keys, bytes)) = found else {
        return Err(no_state(owner, state));
    };
    Ok(StateRow { id, revision: unsigned(revision)?, usage: usage(keys, bytes)? })
}

/// Writes the sums and the revision of a state.
pub(super) fn update(transaction: &Transaction<'_>, row: &StateRow) -> Result<(), Failure> {
    transaction
        .prepare_cached("UPDATE state SET revision = ?2, keys = ?3, bytes = ?4 WHERE id = ?1")?
        .execute(params![row.id, stored(row.revision), row.usage.keys, stored(row.usage.bytes)])?;
    Ok(())
}

/// Returns the highest number of a state of `owner` that is there.
pub(super) fn newest(connection: &Connection, owner: &str) -> Result<Option<u64>, Failure> {
    let newest: Option<i64> = connection
        .prepare_cached(
            "SELECT max(state.number) FROM owner JOIN state ON state.owner = owner.id \
             WHERE owner.name = ?1",
        )?
        .query_row([owner], |row| row.get(0))?;
    newest.map(unsigned).transpose()
}

/// Lists all states, by owner and number.
pub(super) fn list(connection: &Connection) -> Result<Vec<(String, u64, Usage)>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT owner.name, state.number, state.keys, state.bytes \
         FROM state JOIN owner ON owner.id = state.owner ORDER BY owner.name, state.number",
    )?;
    let mut rows = statement.query([])?;
    let mut states = Vec::new();
    while let Some(row) = rows.next()? {
        let usage = usage(row.get(2)?, row.get(3)?)?;
        states.push((row.get(0)?, unsigned(row.get(1)?)?, usage));
    }
    Ok(states)
}

/// Makes the next state of `owner`: a copy of `from`, or an empty one.
pub(super) fn fork(
    transaction: &Transaction<'_>,
    owner: &str,
    from: Option<u64>,
) -> Result<Forked, Failure> {
    let source = from.map(|number| find(transaction, owner, number)).transpose()?;
    let (owner, number) = next_number(transaction, owner)?;
    let empty = StateRow { id: 0, revision: 0, usage: Usage::default() };
    let StateRow { revision, usage, .. } = source.as_ref().unwrap_or(&empty);
    transaction
        .prepare_cached(
            "INSERT INTO state (owner, number, revision, keys, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![owner, number, stored(*revision), usage.keys, stored(usage.bytes)])?;
    if let Some(source) = &source {
        transaction
            .prepare_cached(
                "INSERT INTO entry (state, key, version, value) \
                 SELECT ?1, key, version, value FROM entry WHERE state = ?2 ORDER BY key",
            )?
            .execute(params![transaction.last_insert_rowid(), source.id])?;
    }
    Ok(Forked { state: unsigned(number)?, revision: *revision })
}

/// Takes the next number of `owner`, and returns it after the owner's row.
fn next_number(transaction: &Transaction<'_>, owner: &str) -> Result<(i64, i64), Failure> {
    let taken = transaction
        .prepare_cached(
            "INSERT INTO owner (name, newest_state) VALUES (?1, 1) \
             ON CONFLICT (name) DO UPDATE SET newest_state = newest_state + 1 \
             RETURNING id, newest_state",
        )?
        .query_row([owner], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(taken)
}

/// Removes a state with its entries, and returns what it held.
pub(super) fn remove(
    transaction: &Transaction<'_>,
    owner: &str,
    state: u64,
) -> Result<Usage, Failure> {
    let row = find(transaction, owner, state)?;
    transaction.prepare_cached("DELETE FROM entry WHERE state = ?1")?.execute([row.id])?;
    transaction.prepare_cached("DELETE FROM state WHERE id = ?1")?.execute([row.id])?;
    Ok(row.usage)
}

fn usage(keys: i64, bytes: i64) -> Result<Usage, Failure> {
    let keys = u32::try_from(keys).map_err(|_| impossible(keys))?;
    Ok(Usage { keys, bytes: unsigned(bytes)? })
}
