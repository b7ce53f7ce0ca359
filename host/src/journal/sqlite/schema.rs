//! The tables of `journal.db`, and how an existing database is recognised.
//!
//! ```text
//! run 1 ─── n journal ─── names ──► blob        long texts, once each
//!  │ └───── n gate                  context     messages, each with the one before
//!  ├─────── n inbox                 └─ `uses` counts who names it: nobody, and it goes
//!  └─────── n label
//! ```
//!
//! All of `run` but owner and lease, and all of `gate`, follows from `journal`. There is no table of
//! effects or steps: only their task asks for them, which has them when its entries are folded.
//!
//! Texts and messages lie in tables of their own rows, with an index beside them: in the index itself a
//! row of two KiB would take a page of its own and a part of another.
//!
//! Invariant: a file that is not ours, or is newer than we are, is looked at through a read-only connection
//! only and so stays as it was.

use std::path::Path;

use rusqlite::Connection;

use crate::journal::error::JournalError;

/// Marks a database as journals: `AXJN`.
pub(super) const APPLICATION_ID: i32 = 0x4158_4a4e;

/// The schema below; a database with a higher number is refused.
pub(super) const SCHEMA_VERSION: i32 = 1;

/// The statements that make the schema.
pub(super) const SCHEMA: [&str; 10] = [
    "CREATE TABLE run (id BLOB PRIMARY KEY, root BLOB NOT NULL, parent BLOB, depth INTEGER NOT NULL, \
     title TEXT NOT NULL, work TEXT NOT NULL, name TEXT NOT NULL, spec BLOB, by_whom TEXT NOT NULL, \
     labels TEXT NOT NULL, created_ms INTEGER NOT NULL, state TEXT NOT NULL, resume_to TEXT, \
     why TEXT, component BLOB, engine BLOB, spent TEXT NOT NULL, budget TEXT NOT NULL, \
     deadline_ms INTEGER, wake_ms INTEGER, done INTEGER NOT NULL, total INTEGER NOT NULL, \
     told_seq INTEGER NOT NULL, updated_ms INTEGER NOT NULL, owner TEXT, epoch INTEGER NOT NULL, \
     lease_until_ms INTEGER NOT NULL, head_seq INTEGER NOT NULL, head_hash BLOB NOT NULL, \
     is_deleted INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID",
    "CREATE INDEX run_by_parent ON run (parent) WHERE parent IS NOT NULL",
    "CREATE INDEX run_by_root ON run (root) WHERE parent IS NOT NULL",
    "CREATE TABLE journal (run BLOB NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, \
     at_ms INTEGER NOT NULL, kind TEXT NOT NULL, correlation INTEGER, before_hash BLOB NOT NULL, \
     body BLOB NOT NULL, PRIMARY KEY (run, seq)) STRICT, WITHOUT ROWID",
    "CREATE TABLE blob (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, uses INTEGER NOT NULL, \
     codec INTEGER NOT NULL, data BLOB NOT NULL) STRICT",
    "CREATE TABLE context (id INTEGER PRIMARY KEY, node BLOB NOT NULL UNIQUE, parent BLOB, \
     uses INTEGER NOT NULL, message BLOB NOT NULL) STRICT",
    "CREATE TABLE gate (run BLOB NOT NULL, seq INTEGER NOT NULL, is_form INTEGER NOT NULL, \
     bound_to BLOB NOT NULL, text TEXT NOT NULL, asked_ms INTEGER NOT NULL, \
     expires_ms INTEGER NOT NULL, answer TEXT, answered_by TEXT, PRIMARY KEY (run, seq)) \
     STRICT, WITHOUT ROWID",
    "CREATE INDEX gate_open ON gate (asked_ms) WHERE answer IS NULL",
    "CREATE TABLE inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, run BLOB NOT NULL, \
     kind TEXT NOT NULL, by_whom TEXT NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT",
    "CREATE TABLE label (key TEXT NOT NULL, value TEXT NOT NULL, run BLOB NOT NULL, \
     PRIMARY KEY (key, value, run)) STRICT, WITHOUT ROWID",
];

/// The text as it is.
pub(super) const CODEC_PLAIN: i64 = 0;

/// Refuses what is not a database of ours, or newer than we are.
pub(super) fn probe(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let read = |sql| connection.query_row(sql, [], |row| row.get::<_, i32>(0));
    let read = |sql| read(sql).map_err(|source| JournalError::from_sqlite(path, "read", source));
    match (read("PRAGMA application_id")?, read("PRAGMA user_version")?) {
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(()),
        (APPLICATION_ID, found) if found > SCHEMA_VERSION => {
            Err(JournalError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION })
        }
        // An empty file too: ours appears whole, so that something else has emptied it.
        _ => Err(JournalError::Foreign { path: path.to_owned(), source: None }),
    }
}
