//! The file `AX_HOME/router.db` and connections to it.
//!
//! Invariant: the database has all its tables or none, however many processes make it at once; it is
//! readable by its owner alone. It is never opened except by SQLite once it is there: closing it a second
//! time would release the locks that this process holds on it (POSIX).
//!
//! Not here: what is done with a connection (`store`, `read`).

use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use fs_err as fs;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::TransactionBehavior;
use rusqlite::limits::Limit;

use crate::ledger::alive;
use crate::ledger::error::LedgerError;
use crate::ledger::schema::APPLICATION_ID;
use crate::ledger::schema::Content;
use crate::ledger::schema::SCHEMA;
use crate::ledger::schema::SCHEMA_VERSION;
use crate::ledger::schema::probe;

/// How long a write waits for another process. A batch takes milliseconds, so five seconds mean that the
/// other process hangs.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Mode of folders: the owner's alone.
const PRIVATE_DIR: u32 = 0o700;

/// Mode of the database. SQLite gives its own files beside it the same one.
const PRIVATE_FILE: u32 = 0o600;

/// Pages (4 KiB) the write-ahead log may grow to before SQLite folds it into the database: 16 MiB, so
/// that one request in a thousand or so waits for a fold.
const WAL_PAGES_MAX: i32 = 4_096;

/// Bytes the write-ahead log keeps on disk after a long reader let it grow.
const WAL_KEPT_BYTES_MAX: i32 = 64 << 20;

/// Bytes of the longest row that is read or written, so that a forged one takes no more memory.
const ROW_BYTES_MAX: i32 = 32 << 20;

/// Where the database is.
#[derive(Debug, Clone)]
pub(super) struct Database {
    home: PathBuf,
    path: PathBuf,
}

impl Database {
    /// Names it below `home`, which is `AX_HOME`. Costs no I/O.
    pub(super) fn at(home: &Path) -> Self {
        Self { home: home.to_owned(), path: home.join("router.db") }
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Opens it, and makes it if it is not there or empty.
    pub(super) fn open_or_make(&self) -> Result<Connection, LedgerError> {
        make_folder(&self.home).map_err(|source| self.io("make the folder of", source))?;
        if self.path.metadata().map_or(true, |it| it.len() == 0) {
            self.make()?;
        }
        self.open()
    }

    /// Opens it if it is there.
    pub(super) fn open_existing(&self) -> Result<Option<Connection>, LedgerError> {
        if self.path.exists() { self.open().map(Some) } else { Ok(None) }
    }

    fn open(&self) -> Result<Connection, LedgerError> {
        // Looked at without a right to write, so that what is not ours stays as it is.
        if probe(&self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?, &self.path)? == Content::Empty {
            self.make()?;
        }
        self.make_private().map_err(|source| self.io("protect", source))?;
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        self.configure(&connection)?;
        Ok(connection)
    }

    fn connect(&self, access: OpenFlags) -> Result<Connection, LedgerError> {
        Connection::open_with_flags(&self.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .and_then(|connection| connection.busy_timeout(BUSY_TIMEOUT).map(|()| connection))
            .map_err(|source| self.error("open", source))
    }

    fn configure(&self, connection: &Connection) -> Result<(), LedgerError> {
        let settings = || -> rusqlite::Result<String> {
            let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "trusted_schema", false)?;
            connection.pragma_update(None, "cell_size_check", true)?;
            connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES_MAX)?;
            connection.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES_MAX)?;
            connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, ROW_BYTES_MAX)?;
            mode
        };
        let mode = settings().map_err(|source| self.error("configure", source))?;
        if mode == "wal" {
            return Ok(());
        }
        let why = format!("its folder is on no local disk (journal mode `{mode}`)");
        Err(self.io("share", std::io::Error::other(why)))
    }

    /// Makes the tables, unless another process was faster.
    fn make(&self) -> Result<(), LedgerError> {
        // Two that switch an empty database to another journal at once stand in each other's way.
        let _turn = alive::turn(&self.home)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(PRIVATE_FILE);
        match options.open(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(self.io("make", error));
            }
            Ok(_) | Err(_) => {}
        }
        let mut connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        if probe(&connection, &self.path)? == Content::Ours {
            return Ok(());
        }
        self.configure(&connection)?;
        fill(&mut connection).map_err(|source| self.error("make", source))?;
        connection.close().map_err(|(_, source)| self.error("make", source))
    }

    /// Takes from others what a copied or restored database may have given them.
    fn make_private(&self) -> std::io::Result<()> {
        let mut permissions = fs::metadata(&self.path)?.permissions();
        if permissions.mode() & 0o077 == 0 {
            return Ok(());
        }
        permissions.set_mode(PRIVATE_FILE);
        fs::set_permissions(&self.path, permissions)
    }

    pub(super) fn error(&self, doing: &'static str, source: rusqlite::Error) -> LedgerError {
        LedgerError::from_sqlite(&self.path, doing, source)
    }

    fn io(&self, doing: &'static str, source: std::io::Error) -> LedgerError {
        LedgerError::Io { path: self.path.clone(), doing, source: Box::new(source) }
    }
}

/// Makes a folder that only its owner can look into.
pub(super) fn make_folder(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(path)
}

fn fill(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for statement in SCHEMA {
        transaction.execute_batch(statement)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}
