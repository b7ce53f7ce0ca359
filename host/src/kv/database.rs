//! The file `AX_HOME/plugins.db` and the connection to it.
//!
//! ```text
//! absent ── made under another name, whole ── link ──► there ── probe ──► connection
//!                                       (the first one wins)   (reading only)
//! ```
//!
//! Invariants: nothing is read or made before the first use; a database appears whole, however
//! many processes make it at once; it is readable by its owner alone. After a panic in the middle
//! of something the connection is replaced, which undoes what was not committed.
//!
//! The file is never opened except by SQLite: closing it a second time would release the locks
//! that this process holds on it (POSIX).
//!
//! Not here: what is done with the connection (`rows`, `state`, `account`).

use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use fs_err as fs;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use rusqlite::limits::Limit;
use tempfile::TempPath;

use crate::kv::entry::VALUE_BYTES_MAX;
use crate::kv::error::Failure;
use crate::kv::error::KvError;
use crate::kv::schema::APPLICATION_ID;
use crate::kv::schema::SCHEMA;
use crate::kv::schema::SCHEMA_VERSION;
use crate::kv::schema::probe;

/// How long a write waits for another process. A write of the most that is possible takes well
/// under a second, so five mean that the other process hangs or copies a very large state.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Mode of the folder: the owner's alone.
const PRIVATE_DIR: u32 = 0o700;

/// Mode of the database. SQLite gives its own files beside it the same one.
const PRIVATE_FILE: u32 = 0o600;

/// Pages (4 KiB) the write-ahead log may grow to before SQLite folds it into the database: 4 MiB,
/// so that a fold is short and comes every few hundred writes.
const WAL_PAGES_MAX: i32 = 1_000;

/// Bytes the write-ahead log keeps on disk after a large write let it grow.
const WAL_KEPT_BYTES_MAX: i32 = 64 * 1_024 * 1_024;

/// Statements kept compiled: all there are in `rows`, `state` and `account`, with room for more.
const STATEMENTS_MAX: usize = 48;

/// Bytes of the longest row that is read or written, so that a forged one takes no more memory.
const ROW_BYTES_MAX: i32 = 2 * VALUE_BYTES_MAX as i32;

/// The database, opened at the first use.
#[derive(Debug)]
pub(super) struct Database {
    home: PathBuf,
    path: PathBuf,
    busy_timeout: Duration,
    connection: Mutex<Option<Connection>>,
}

impl Database {
    /// Names the database below `home`, which is `AX_HOME`. Costs no I/O.
    pub(super) fn at(home: &Path, busy_timeout: Duration) -> Self {
        Self {
            home: home.to_owned(),
            path: home.join("plugins.db"),
            busy_timeout,
            connection: Mutex::new(None),
        }
    }

    /// Runs `work`, which only reads, by one statement or without needing two to agree.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, KvError> {
        let mut guard = self.lock();
        let connection = self.open(&mut guard)?;
        work(connection).map_err(|failure| self.error("read", failure))
    }

    /// Runs `work` as one transaction: on disk when this returns, or without a trace if it fails.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, KvError> {
        let mut guard = self.lock();
        let connection = self.open(&mut guard)?;
        connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(Failure::Sql)
            .and_then(|transaction| {
                let result = work(&transaction)?;
                transaction.commit()?;
                Ok(result)
            })
            .map_err(|failure| self.error("write", failure))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(|poisoned| {
            self.connection.clear_poison();
            let mut guard = poisoned.into_inner();
            *guard = None;
            guard
        })
    }

    fn open<'a>(&self, slot: &'a mut Option<Connection>) -> Result<&'a mut Connection, KvError> {
        if slot.is_none() {
            *slot = Some(self.connect()?);
        }
        Ok(slot.as_mut().expect("it has just been filled"))
    }

    fn connect(&self) -> Result<Connection, KvError> {
        if !self.path.exists() {
            self.make()?;
        }
        probe(&self.open_with(OpenFlags::SQLITE_OPEN_READ_ONLY)?, &self.path)?;
        self.make_private()?;
        let connection = self.open_with(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mode = configure(&connection).map_err(|source| self.sql("configure", source))?;
        if mode == "wal" {
            return Ok(connection);
        }
        let why = format!("its folder is on no local disk (journal mode `{mode}`)");
        Err(self.io("share", std::io::Error::other(why)))
    }

    fn open_with(&self, access: OpenFlags) -> Result<Connection, KvError> {
        Connection::open_with_flags(&self.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .and_then(|connection| connection.busy_timeout(self.busy_timeout).map(|()| connection))
            .map_err(|source| self.sql("open", source))
    }

    /// Makes the database beside its place and puts it there if nobody was faster.
    fn make(&self) -> Result<(), KvError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(PRIVATE_DIR)
            .create(&self.home)
            .map_err(|source| self.io("make the folder of", source))?;
        let unfinished = tempfile::Builder::new()
            .prefix("plugins.db.")
            .permissions(std::fs::Permissions::from_mode(PRIVATE_FILE))
            .tempfile_in(&self.home)
            .map_err(|source| self.io("make", source))?
            .into_temp_path();
        fill(&unfinished).map_err(|source| self.sql("make", source))?;
        self.publish(unfinished).map_err(|source| self.io("make", source))
    }

    fn publish(&self, unfinished: TempPath) -> std::io::Result<()> {
        match unfinished.persist_noclobber(&self.path) {
            // Another process was faster; ours is removed with the error.
            Err(refused) if refused.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(refused) => Err(refused.error),
            // The name is durable once the folder is.
            Ok(()) => fs::File::open(&self.home)?.sync_all(),
        }
    }

    /// Takes from others what a copied or restored database may have given them.
    fn make_private(&self) -> Result<(), KvError> {
        let tighten = || {
            let mut permissions = fs::metadata(&self.path)?.permissions();
            if permissions.mode() & 0o077 == 0 {
                return Ok(());
            }
            permissions.set_mode(PRIVATE_FILE);
            fs::set_permissions(&self.path, permissions)
        };
        tighten().map_err(|source| self.io("protect", source))
    }

    fn error(&self, doing: &'static str, failure: Failure) -> KvError {
        match failure {
            Failure::Sql(source) => self.sql(doing, source),
            Failure::Refused(error) => error,
        }
    }

    fn sql(&self, doing: &'static str, source: rusqlite::Error) -> KvError {
        KvError::from_sqlite(&self.path, doing, source)
    }

    fn io(&self, doing: &'static str, source: std::io::Error) -> KvError {
        KvError::Io { path: self.path.clone(), doing, source: Box::new(source) }
    }
}

/// Sets what holds for a connection, and returns the journal mode that results.
fn configure(connection: &Connection) -> rusqlite::Result<String> {
    let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    // A write that was answered is kept through a power cut, and so is the copy of a state before
    // a generation names it.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES_MAX)?;
    connection.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES_MAX)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, ROW_BYTES_MAX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(mode)
}

/// Makes the tables in the empty file at `path`.
///
/// The mode is switched at the end: so all is in the file itself when the connection is closed,
/// whether or not SQLite then manages to fold a write-ahead log into it.
fn fill(path: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Only possible while there are no tables: room that is no longer needed can be given back.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for statement in SCHEMA {
        transaction.execute_batch(statement)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.close().map_err(|(_, source)| source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_left_in_a_transaction_by_a_panic_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let database = Database::at(home.path(), Duration::ZERO);
        let count = || {
            database.read(|connection| {
                let sql = "SELECT count(*) FROM account";
                Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?)
            })
        };
        assert_eq!(count().unwrap(), 0);
        let panicking = || {
            let guard = database.lock();
            let insert = "BEGIN IMMEDIATE; INSERT INTO account VALUES ('a', 1, 1)";
            guard.as_ref().unwrap().execute_batch(insert).unwrap();
            panic!("in the middle");
        };
        assert!(std::thread::scope(|scope| scope.spawn(panicking).join()).is_err());
        assert!(database.connection.is_poisoned());
        assert_eq!(count().unwrap(), 0);
        assert!(!database.connection.is_poisoned(), "once is enough");
    }
}
