//! The file `AX_HOME/plugins.db` and the two connections to it.
//!
//! ```text
//! absent ── made under another name, whole ── link ──► there ── probe ──► writer
//!                                       (the first one wins)   (reading only)  reader
//! ```
//!
//! A write waits for the disk; with one connection every read would wait with it. So reads have a
//! connection of their own, which can change nothing. It sees what was committed when a statement
//! begins: whoever reads after their write was answered, reads it.
//!
//! Invariants: nothing is read or made before the first use; a database appears whole, however
//! many processes make it at once; it is readable by its owner alone. After a panic in the middle
//! of something the connection is replaced, which undoes what was not committed.
//!
//! The file is never opened except by SQLite: closing it a second time would release the locks
//! that this process holds on it (POSIX).
//!
//! Not here: what is done with the connections (`rows`, `state`, `account`).

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
use crate::kv::schema::Age;
use crate::kv::schema::SCHEMA;
use crate::kv::schema::SCHEMA_VERSION;
use crate::kv::schema::probe;
use crate::kv::schema::upgrade;

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

/// How the name of a database begins that is being made; not as a copy would that a person made.
pub const UNFINISHED: &str = ".tmp-plugins.db-";

/// The database, opened at the first use.
#[derive(Debug)]
pub(super) struct Database {
    home: PathBuf,
    path: PathBuf,
    busy_timeout: Duration,
    writer: Mutex<Option<Connection>>,
    reader: Mutex<Option<Connection>>,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy)]
enum Use {
    Writing,
    Reading,
}

impl Database {
    /// Names the database below `home`, which is `AX_HOME`. Costs no I/O.
    pub(super) fn at(home: &Path, busy_timeout: Duration) -> Self {
        Self {
            home: home.to_owned(),
            path: home.join("plugins.db"),
            busy_timeout,
            writer: Mutex::new(None),
            reader: Mutex::new(None),
        }
    }

    /// Tells whether the file is there; the first use makes it.
    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// Runs `work`, which only reads, by one statement or without needing two to agree.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, KvError> {
        let mut guard = lock(&self.reader);
        let connection = self.open(&mut guard, Use::Reading)?;
        work(connection).map_err(|failure| self.error("read", failure))
    }

    /// Runs `work` as one transaction: on disk when this returns, or without a trace if it fails.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, KvError> {
        let mut guard = lock(&self.writer);
        let connection = self.open(&mut guard, Use::Writing)?;
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

    fn open<'a>(
        &self,
        slot: &'a mut Option<Connection>,
        used_for: Use,
    ) -> Result<&'a mut Connection, KvError> {
        if slot.is_none() {
            *slot = Some(self.connect(used_for)?);
        }
        Ok(slot.as_mut().expect("it has just been filled"))
    }

    fn connect(&self, used_for: Use) -> Result<Connection, KvError> {
        if !self.path.exists() {
            self.make()?;
        }
        let age = probe(&self.open_with(OpenFlags::SQLITE_OPEN_READ_ONLY)?, &self.path)?;
        self.make_private()?;
        if age == Age::Older {
            self.upgrade().map_err(|source| self.sql("upgrade", source))?;
        }
        let connection = self.open_with(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mode = configure(&connection, used_for);
        let mode = mode.map_err(|source| self.sql("configure", source))?;
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

    /// Brings the database to our version of the schema; on disk when this returns.
    fn upgrade(&self) -> rusqlite::Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        configure(&connection, Use::Writing)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        upgrade(&transaction)?;
        transaction.commit()
    }

    /// Makes the database beside its place and puts it there if nobody was faster.
    fn make(&self) -> Result<(), KvError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(PRIVATE_DIR)
            .create(&self.home)
            .map_err(|source| self.io("make the folder of", source))?;
        let unfinished = tempfile::Builder::new()
            .prefix(UNFINISHED)
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

/// Locks a connection; one in the middle of whose use a panic happened is given up.
fn lock(slot: &Mutex<Option<Connection>>) -> MutexGuard<'_, Option<Connection>> {
    slot.lock().unwrap_or_else(|poisoned| {
        slot.clear_poison();
        let mut guard = poisoned.into_inner();
        *guard = None;
        guard
    })
}

/// Sets what holds for a connection, and returns the journal mode that results.
fn configure(connection: &Connection, used_for: Use) -> rusqlite::Result<String> {
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
    if matches!(used_for, Use::Reading) {
        connection.pragma_update(None, "query_only", true)?;
    }
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
            let mut guard = lock(&database.writer);
            let insert = "BEGIN IMMEDIATE; INSERT INTO account VALUES ('a', 1, 1)";
            let connection = database.open(&mut guard, Use::Writing).unwrap();
            connection.execute_batch(insert).unwrap();
            panic!("in the middle");
        };
        assert!(std::thread::scope(|scope| scope.spawn(panicking).join()).is_err());
        assert!(database.writer.is_poisoned());
        assert_eq!(count().unwrap(), 0);
        let insert = |name: &'static str| {
            database.write(move |transaction| {
                Ok(transaction.execute("INSERT INTO account VALUES (?1, 1, 1)", [name])?)
            })
        };
        assert_eq!(insert("b").unwrap(), 1, "what the panic left does not stand in the way");
        assert!(!database.writer.is_poisoned(), "once is enough");
        assert_eq!(count().unwrap(), 1);

        let panicking = || database.read(|_| -> Result<(), Failure> { panic!("in the middle") });
        assert!(std::thread::scope(|scope| scope.spawn(panicking).join()).is_err());
        assert!(database.reader.is_poisoned());
        assert_eq!(count().unwrap(), 1);
        assert!(!database.reader.is_poisoned(), "once is enough");
    }

    #[test]
    fn a_read_does_not_wait_for_a_write_and_sees_nothing_of_it_before_it_is_answered() {
        let home = tempfile::tempdir().unwrap();
        let database = Database::at(home.path(), Duration::ZERO);
        let count = || {
            database.read(|connection| {
                let sql = "SELECT count(*) FROM account";
                Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?)
            })
        };
        for written in 0..3 {
            let name = written.to_string();
            let during = database.write(|transaction| {
                transaction.execute("INSERT INTO account VALUES (?1, 1, 1)", [&name])?;
                Ok(count()?)
            });
            assert_eq!(during.unwrap(), written);
            assert_eq!(count().unwrap(), written + 1);
        }
    }

    #[test]
    fn what_reads_can_change_nothing() {
        let home = tempfile::tempdir().unwrap();
        let database = Database::at(home.path(), Duration::ZERO);
        let refused = database.read(|connection| {
            Ok(connection.execute("INSERT INTO account VALUES ('a', 1, 1)", [])?)
        });
        assert!(matches!(refused, Err(KvError::Io { doing: "read", .. })), "{refused:?}");
    }
}
