//! The tables of `plugins.db`, and how an existing database is recognised.
//!
//! ```text
//! owner 1 ──── n state 1 ──── n entry          account
//! newest_state   revision,       version,      what a grant to write
//! (never goes    keys, bytes     value         files has used
//!  back)
//! ```
//!
//! Invariant: a file that is not ours, or is newer than we are, is looked at through a read-only
//! connection only and so stays as it was.
//!
//! Not here: making and opening the file (`database`).

use std::path::Path;

use rusqlite::Connection;

use crate::kv::error::KvError;

/// Marks a database as what plugins keep: `AXKV`.
pub(super) const APPLICATION_ID: i32 = 0x4158_4b56;

/// The schema below; a database with a higher number is refused.
pub(super) const SCHEMA_VERSION: i32 = 1;

/// The statements that make the schema.
///
/// Entries are rows with an index beside them rather than the index itself: in an index SQLite
/// reads whole rows to compare their keys, a megabyte each. The value comes last, since what
/// stands after it is only found by reading over it.
pub(super) const SCHEMA: [&str; 5] = [
    "CREATE TABLE owner (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, \
     newest_state INTEGER NOT NULL) STRICT",
    "CREATE TABLE state (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, \
     number INTEGER NOT NULL, revision INTEGER NOT NULL, keys INTEGER NOT NULL, \
     bytes INTEGER NOT NULL, UNIQUE (owner, number)) STRICT",
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, key TEXT NOT NULL, \
     version INTEGER NOT NULL, value BLOB NOT NULL) STRICT",
    "CREATE UNIQUE INDEX entry_by_key ON entry (state, key)",
    "CREATE TABLE account (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL, \
     files INTEGER NOT NULL) STRICT, WITHOUT ROWID",
];

/// Refuses what is not a database of ours, of our version.
pub(super) fn probe(connection: &Connection, path: &Path) -> Result<(), KvError> {
    let read = |sql| {
        connection
            .query_row(sql, [], |row| row.get::<_, i32>(0))
            .map_err(|source| KvError::from_sqlite(path, "read", source))
    };
    let application_id = read("PRAGMA application_id")?;
    let found = read("PRAGMA user_version")?;
    match (application_id, found) {
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(()),
        (APPLICATION_ID, _) if found > SCHEMA_VERSION => {
            Err(KvError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION })
        }
        // An empty file too: ours appears whole, so that something else has emptied it.
        _ => Err(KvError::Foreign { path: path.to_owned(), source: None }),
    }
}
