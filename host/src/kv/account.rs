//! Accounts of written files: how much of a grant to write has been used.
//!
//! An account is a text that whoever grants has chosen; one that is not there has used nothing.
//!
//! Not here: how much a grant allows, and measuring files (`plugin`).

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::Transaction;
use rusqlite::params;

use crate::kv::error::Failure;
use crate::kv::state::stored;
use crate::kv::state::unsigned;

/// What was written under one account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileUsage {
    /// The lengths of the files, in bytes.
    pub bytes: u64,
    /// How many files.
    pub files: u64,
}

/// Reads an account.
pub(super) fn get(connection: &Connection, account: &str) -> Result<FileUsage, Failure> {
    let found = connection
        .prepare_cached("SELECT bytes, files FROM account WHERE name = ?1")?
        .query_row([account], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((bytes, files)) = found else {
        return Ok(FileUsage::default());
    };
    Ok(FileUsage { bytes: unsigned(bytes)?, files: unsigned(files)? })
}

/// Adds to an account and returns what it then says; it stops at zero and at SQLite's integers.
pub(super) fn add(
    transaction: &Transaction<'_>,
    account: &str,
    bytes: i64,
    files: i64,
) -> Result<FileUsage, Failure> {
    let before = get(transaction, account)?;
    let add = |before, change| stored(before).saturating_add(change).max(0);
    let (bytes, files) = (add(before.bytes, bytes), add(before.files, files));
    transaction
        .prepare_cached("INSERT OR REPLACE INTO account (name, bytes, files) VALUES (?1, ?2, ?3)")?
        .execute(params![account, bytes, files])?;
    Ok(FileUsage { bytes: unsigned(bytes)?, files: unsigned(files)? })
}

/// Lists the names of all accounts.
pub(super) fn names(connection: &Connection) -> Result<Vec<String>, Failure> {
    let mut statement = connection.prepare_cached("SELECT name FROM account ORDER BY name")?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Removes an account, and tells whether it was there.
pub(super) fn remove(transaction: &Transaction<'_>, account: &str) -> Result<bool, Failure> {
    let removed =
        transaction.prepare_cached("DELETE FROM account WHERE name = ?1")?.execute([account])?;
    Ok(removed > 0)
}
