//! The tables of `audit.db`, how an existing database is recognised, and how its rows are decoded.
//!
//! Invariant: a file that is not ours, or is newer than we are, is looked at through a read-only
//! connection only and so stays as it was; rows are decoded without conversions, which would hide
//! a changed value.
//!
//! Not here: writing (`store`); what rows mean (`read`, `verify`).

use std::path::Path;
use std::time::Duration;

use ax_manifest::Digest;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::types::ValueRef;

use crate::audit::checkpoint::Checkpoint;
use crate::audit::encode::RowFields;
use crate::audit::error::AuditError;
use crate::audit::files::Files;

/// Marks a database as an audit log: `AXAU`.
pub(super) const APPLICATION_ID: i32 = 0x4158_4155;

/// The schema below; a database with a higher number is refused.
pub(super) const SCHEMA_VERSION: i32 = 1;

/// How long a write waits for another process. A batch takes some 50 ms, so five seconds mean that
/// the other process hangs.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Names and statements of the schema, in the order they are made; `verify` compares them.
pub(super) const SCHEMA: [(&str, &str); 7] = [
    (
        "audit",
        "CREATE TABLE audit (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, \
         plugin TEXT NOT NULL, decision TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL) \
         STRICT",
    ),
    (
        "checkpoint",
        "CREATE TABLE checkpoint (seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, \
         at_ms INTEGER NOT NULL, key_id TEXT NOT NULL, signature TEXT NOT NULL) STRICT",
    ),
    (
        "audit_grows_at_the_end",
        "CREATE TRIGGER audit_grows_at_the_end BEFORE INSERT ON audit \
         WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM audit), 0) \
         BEGIN SELECT raise(ABORT, 'the audit log only grows at its end'); END",
    ),
    (
        "audit_no_update",
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit \
         BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END",
    ),
    (
        "audit_no_delete",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit \
         BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END",
    ),
    (
        "checkpoint_no_update",
        "CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint \
         BEGIN SELECT raise(ABORT, 'checkpoints are append-only'); END",
    ),
    (
        "checkpoint_no_delete",
        "CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint \
         BEGIN SELECT raise(ABORT, 'checkpoints are append-only'); END",
    ),
];

/// The columns of `audit`, in the order [`StoredRow::read`] expects.
pub(super) const ROW_COLUMNS: &str = "seq, at_ms, kind, plugin, decision, body, hash";

/// The columns of `checkpoint`, in the order [`read_checkpoint`] expects.
pub(super) const CHECKPOINT_COLUMNS: &str = "seq, hash, at_ms, key_id, signature";

/// Opens an existing audit log for reading.
///
/// # Errors
///
/// [`AuditError::Absent`] without a database, and refusals of databases that are not ours.
pub(super) fn open_existing(files: &Files) -> Result<Connection, AuditError> {
    let path = &files.database;
    if !path.exists() {
        return Err(AuditError::Absent { path: path.clone() });
    }
    let connection = open_read_only(path)?;
    match probe(&connection, path)? {
        Content::AuditLog => Ok(connection),
        Content::Empty => Err(AuditError::Absent { path: path.clone() }),
    }
}

/// Opens the database at `path` for reading, whatever it is.
pub(super) fn open_read_only(path: &Path) -> Result<Connection, AuditError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
        .and_then(|connection| connection.busy_timeout(BUSY_TIMEOUT).map(|()| connection))
        .map_err(|source| AuditError::from_sqlite(path, "open", source))
}

/// What a database that may be opened contains.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing yet.
    Empty,
    /// An audit log of our version.
    AuditLog,
}

/// Says what `connection` leads to, refusing what is not ours.
pub(super) fn probe(connection: &Connection, path: &Path) -> Result<Content, AuditError> {
    let read = |sql| {
        connection
            .query_row(sql, [], |row| row.get::<_, i32>(0))
            .map_err(|source| AuditError::from_sqlite(path, "read", source))
    };
    let application_id = read("PRAGMA application_id")?;
    let found = read("PRAGMA user_version")?;
    let is_empty = read("SELECT count(*) FROM sqlite_schema")? == 0;
    match (application_id, found) {
        (0, 0) if is_empty => Ok(Content::Empty),
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(Content::AuditLog),
        (APPLICATION_ID, _) if found > SCHEMA_VERSION => {
            Err(AuditError::Newer { path: path.to_owned(), found, supported: SCHEMA_VERSION })
        }
        _ => Err(AuditError::Foreign { path: path.to_owned(), application_id }),
    }
}

/// Reads a row of [`CHECKPOINT_COLUMNS`].
pub(super) fn read_checkpoint(row: &rusqlite::Row<'_>) -> rusqlite::Result<Checkpoint> {
    Ok(Checkpoint {
        seq: row.get(0)?,
        hash: Digest::from_bytes(row.get(1)?),
        at_ms: row.get(2)?,
        key_id: row.get(3)?,
        signature: row.get(4)?,
    })
}

/// A row as it lies in the database, borrowed from the statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredRow<'a> {
    pub(super) fields: RowFields<'a>,
    pub(super) hash: [u8; 32],
}

/// A column that does not hold what the schema says.
#[derive(Debug, Clone, Copy)]
pub(super) struct MalformedColumn(pub(super) &'static str);

impl<'a> StoredRow<'a> {
    /// Reads a row of [`ROW_COLUMNS`] without converting anything, since conversions would hide a
    /// changed value.
    pub(super) fn read(row: &'a rusqlite::Row<'_>) -> Result<Self, MalformedColumn> {
        let integer = |index, name| match row.get_ref(index) {
            Ok(ValueRef::Integer(value)) => Ok(value),
            _ => Err(MalformedColumn(name)),
        };
        let text = |index, name| match row.get_ref(index) {
            Ok(ValueRef::Text(bytes)) => {
                std::str::from_utf8(bytes).map_err(|_| MalformedColumn(name))
            }
            _ => Err(MalformedColumn(name)),
        };
        let hash = match row.get_ref(6) {
            Ok(ValueRef::Blob(bytes)) => bytes.try_into().map_err(|_| MalformedColumn("hash"))?,
            _ => return Err(MalformedColumn("hash")),
        };
        Ok(Self {
            fields: RowFields {
                seq: integer(0, "seq")?,
                at_ms: integer(1, "at_ms")?,
                kind: text(2, "kind")?,
                plugin: text(3, "plugin")?,
                decision: text(4, "decision")?,
                body: text(5, "body")?,
            },
            hash,
        })
    }
}
