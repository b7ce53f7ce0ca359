//! States: numbered copies of everything a plugin keeps.
//!
//! ```text
//! update:    1 ── fork ──► 2 ── migrate 2, settle ──► a generation names 2   (1 stays)
//! failure:   1 ── fork ──► 2 ── drop 2                                       (the next copy is 3)
//! ```
//!
//! Invariant: a number is given once per owner, even if its state is dropped, so that an `ax` that
//! still runs an earlier generation can never write into what another one made. A state is nobody's
//! until it is settled, and one version's from then on.
//!
//! Not here: which state is in use, which the generation says; the entries (`rows`); what the states
//! of a plugin hold of each other (`lineage`).

use std::collections::BTreeMap;
use std::ops::Range;

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::Transaction;
use rusqlite::params;
use rusqlite::types::Type;
use semver::Version;

use crate::kv::error::Failure;
use crate::kv::error::KvError;
use crate::kv::error::impossible;
use crate::kv::lineage::Kept;
use crate::kv::lineage::Lineage;
use crate::kv::lineage::Writer;
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
    /// The highest number that was given to a draft.
    pub(super) reserved: u64,
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
            "SELECT state.id, state.revision, state.keys, state.bytes, state.reserved \
             FROM owner JOIN state ON state.owner = owner.id AND state.number = ?2 \
             WHERE owner.name = ?1",
        )?
        .query_row(params![owner, stored(state)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    let Some((id, revision, keys, bytes, reserved)) = found else {
        return Err(no_state(owner, state));
    };
    let (revision, reserved) = (unsigned(revision)?, unsigned(reserved)?);
    Ok(StateRow { id, revision, reserved, usage: usage(keys, bytes)? })
}

/// Returns the number of the next write; there is none after the highest one that can be stored.
pub(super) fn next_number_of(row: &StateRow) -> Result<u64, Failure> {
    let last = stored(row.revision.max(row.reserved));
    unsigned(last.checked_add(1).ok_or_else(|| impossible(i64::MAX))?)
}

/// Takes `count` numbers of writes that nothing else is given, and returns them.
pub(super) fn reserve(
    transaction: &Transaction<'_>,
    row: &StateRow,
    count: u32,
) -> Result<Range<u64>, Failure> {
    let first = next_number_of(row)?;
    let last = first.saturating_add(u64::from(count)) - 1;
    if stored(last) == i64::MAX {
        return Err(impossible(i64::MAX));
    }
    transaction
        .prepare_cached("UPDATE state SET reserved = ?2 WHERE id = ?1")?
        .execute(params![row.id, stored(last)])?;
    Ok(first..last + 1)
}

/// Writes the sums and the revision of a state.
pub(super) fn update(transaction: &Transaction<'_>, row: &StateRow) -> Result<(), Failure> {
    transaction
        .prepare_cached("UPDATE state SET revision = ?2, keys = ?3, bytes = ?4 WHERE id = ?1")?
        .execute(params![row.id, stored(row.revision), row.usage.keys, stored(row.usage.bytes)])?;
    Ok(())
}

/// What stands for a writer while the state is being made.
const NOBODY: &str = "";

/// Reads which states there are and how they came to be, by owner.
pub(super) fn lineages(connection: &Connection) -> Result<BTreeMap<String, Lineage>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT owner.name, state.number, state.writer, state.revision, state.begun, state.origin, \
         state.held FROM state JOIN owner ON owner.id = state.owner",
    )?;
    let mut rows = statement.query([])?;
    let mut lineages: BTreeMap<String, Lineage> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let writer = match row.get::<_, Option<String>>(2)? {
            None => Writer::Unknown,
            Some(text) if text == NOBODY => Writer::Unfinished,
            Some(text) => Writer::Release(version(&text)?),
        };
        let origin: Option<i64> = row.get(5)?;
        let held = unsigned(row.get(6)?)?;
        let kept = Kept {
            writer,
            revision: unsigned(row.get(3)?)?,
            begun: unsigned(row.get(4)?)?,
            origin: origin.map(unsigned).transpose()?.map(|origin| (origin, held)),
        };
        lineages.entry(row.get(0)?).or_default().0.insert(unsigned(row.get(1)?)?, kept);
    }
    Ok(lineages)
}

fn version(text: &str) -> Result<Version, Failure> {
    let no_version =
        |error| rusqlite::Error::FromSqlConversionFailure(2, Type::Text, Box::new(error));
    Ok(text.parse().map_err(no_version)?)
}

/// Gives a state that was made to a version: what is written from now on is its own.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    owner: &str,
    state: u64,
    version: &Version,
) -> Result<(), Failure> {
    let row = find(transaction, owner, state)?;
    transaction
        .prepare_cached("UPDATE state SET writer = ?2, begun = revision WHERE id = ?1")?
        .execute(params![row.id, version.to_string()])?;
    Ok(())
}

/// Writes down whose a state is of which that is not known; all in it counts as written by them.
pub(super) fn attribute(
    transaction: &Transaction<'_>,
    owner: &str,
    state: u64,
    version: &Version,
) -> Result<(), Failure> {
    let row = find(transaction, owner, state)?;
    transaction
        .prepare_cached("UPDATE state SET writer = ?2 WHERE id = ?1 AND writer IS NULL")?
        .execute(params![row.id, version.to_string()])?;
    Ok(())
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
    let origin = from.map(stored);
    let empty = StateRow { id: 0, revision: 0, reserved: 0, usage: Usage::default() };
    let StateRow { revision, usage, .. } = source.as_ref().unwrap_or(&empty);
    transaction
        .prepare_cached(
            "INSERT INTO state (owner, number, revision, keys, bytes, writer, begun, origin, held) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?3, ?7, ?3)",
        )?
        .execute(params![
            owner,
            number,
            stored(*revision),
            usage.keys,
            stored(usage.bytes),
            NOBODY,
            origin
        ])?;
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

/// Removes a state with its entries, and returns what it held. Copies of it then stem from what it
/// was a copy of, of which they hold no less. With the last one what calls came to is forgotten.
pub(super) fn remove(
    transaction: &Transaction<'_>,
    owner: &str,
    state: u64,
) -> Result<Usage, Failure> {
    let row = find(transaction, owner, state)?;
    transaction
        .prepare_cached(
            "UPDATE state SET (origin, held) = (SELECT origin, held FROM state WHERE id = ?1) \
             WHERE owner = (SELECT owner FROM state WHERE id = ?1) AND origin = ?2",
        )?
        .execute(params![row.id, stored(state)])?;
    transaction.prepare_cached("DELETE FROM entry WHERE state = ?1")?.execute([row.id])?;
    transaction.prepare_cached("DELETE FROM state WHERE id = ?1")?.execute([row.id])?;
    transaction
        .prepare_cached(
            "DELETE FROM outcome WHERE owner = (SELECT id FROM owner WHERE name = ?1) \
             AND NOT EXISTS (SELECT 1 FROM state WHERE state.owner = outcome.owner)",
        )?
        .execute([owner])?;
    Ok(row.usage)
}

fn usage(keys: i64, bytes: i64) -> Result<Usage, Failure> {
    let keys = u32::try_from(keys).map_err(|_| impossible(keys))?;
    Ok(Usage { keys, bytes: unsigned(bytes)? })
}
