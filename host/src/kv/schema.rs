//! The tables of `plugins.db`, and how an existing database is recognised.
//!
//! ```text
//! owner 1 ──── n state 1 ──── n entry          account
//! newest_state   revision,       version,      what a grant to write
//! (never goes    reserved,       value         files has used
//!  back)         keys, bytes,
//!   1            writer, begun,
//!   └─── n outcome   origin, held
//! ```
//!
//! `writer` is the version whose releases write into a state, empty while it is being made, and
//! nothing where version 1 of the schema did not say. `begun` is the last write before they did.
//! `origin` is the number of the state it was copied from, `held` the last write it holds of that.
//! `reserved` is the highest number that was given to a draft; a write takes the next after it and
//! after `revision`. An `outcome` is what a call with a key came to, in parts of at most a value's
//! length, which all say the same besides.
//!
//! Invariant: a file that is not ours, or is newer than we are, is looked at through a read-only
//! connection only and so stays as it was. An older one becomes ours in one transaction.
//!
//! Not here: making and opening the file (`database`).

use std::path::Path;

use rusqlite::Connection;
use rusqlite::Transaction;

use crate::kv::error::KvError;

/// Marks a database as what plugins keep: `AXKV`.
pub(super) const APPLICATION_ID: i32 = 0x4158_4b56;

/// The schema below; a database with a higher number is refused.
pub(super) const SCHEMA_VERSION: i32 = 3;

/// The statements that make the schema.
///
/// Entries are rows with an index beside them rather than the index itself: in an index SQLite
/// reads whole rows to compare their keys, a megabyte each. The value comes last, since what
/// stands after it is only found by reading over it.
pub(super) const SCHEMA: [&str; 7] = [
    "CREATE TABLE owner (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, \
     newest_state INTEGER NOT NULL) STRICT",
    "CREATE TABLE state (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, \
     number INTEGER NOT NULL, revision INTEGER NOT NULL, keys INTEGER NOT NULL, \
     bytes INTEGER NOT NULL, writer TEXT, begun INTEGER NOT NULL DEFAULT 0, origin INTEGER, \
     held INTEGER NOT NULL DEFAULT 0, reserved INTEGER NOT NULL DEFAULT 0, \
     UNIQUE (owner, number)) STRICT",
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, key TEXT NOT NULL, \
     version INTEGER NOT NULL, value BLOB NOT NULL) STRICT",
    "CREATE UNIQUE INDEX entry_by_key ON entry (state, key)",
    "CREATE TABLE account (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL, \
     files INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    OUTCOME,
    OUTCOME_BY_AGE,
];

/// A part of what a call with a key came to.
const OUTCOME: &str = "CREATE TABLE outcome (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, \
     key TEXT NOT NULL, part INTEGER NOT NULL, question BLOB NOT NULL, at_ms INTEGER NOT NULL, \
     answer BLOB NOT NULL, UNIQUE (owner, key, part)) STRICT";

/// Finds those that are old.
const OUTCOME_BY_AGE: &str = "CREATE INDEX outcome_by_age ON outcome (at_ms)";

/// The statements that make version 2 of version 1. Hosts of version 1 that have it open go on: what
/// they do not name has a default.
const FROM_1: [&str; 4] = [
    "ALTER TABLE state ADD COLUMN writer TEXT",
    "ALTER TABLE state ADD COLUMN begun INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE state ADD COLUMN origin INTEGER",
    "ALTER TABLE state ADD COLUMN held INTEGER NOT NULL DEFAULT 0",
];

/// The statements that make version 3 of version 2, of which the same holds; only that what such a
/// host still writes may have a number that a draft was given.
const FROM_2: [&str; 3] =
    ["ALTER TABLE state ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0", OUTCOME, OUTCOME_BY_AGE];

/// How a database of ours stands to this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// It is of our version.
    Current,
    /// It is of a version that [`upgrade`] knows.
    Older,
}

/// Refuses what is not a database of ours, or newer than we are.
pub(super) fn probe(connection: &Connection, path: &Path) -> Result<Age, KvError> {
    let read =
        |sql| number(connection, sql).map_err(|source| KvError::from_sqlite(path, "read", source));
    let application_id = read("PRAGMA application_id")?;
    let found = read("PRAGMA user_version")?;
    match (application_id, found) {
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(Age::Current),
        (APPLICATION_ID, 1 | 2) => Ok(Age::Older),
        (APPLICATION_ID, _) if found > SCHEMA_VERSION => {
            Err(KvError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION })
        }
        // An empty file too: ours appears whole, so that something else has emptied it.
        _ => Err(KvError::Foreign { path: path.to_owned(), source: None }),
    }
}

/// Brings an older database to our version, unless another process was faster.
pub(super) fn upgrade(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let steps: &[&[&str]] = match number(transaction, "PRAGMA user_version")? {
        1 => &[&FROM_1, &FROM_2],
        2 => &[&FROM_2],
        _ => return Ok(()),
    };
    for statement in steps.iter().copied().flatten() {
        transaction.execute(statement, [])?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)
}

fn number(connection: &Connection, sql: &str) -> rusqlite::Result<i32> {
    connection.query_row(sql, [], |row| row.get(0))
}
