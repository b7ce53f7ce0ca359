//! The file `AX_HOME/journal.db` and connections to it.
//!
//! Invariant: a database appears whole, however many processes make it at once; it is readable by its
//! owner alone. It is never opened except by SQLite: closing it a second time would release the locks that
//! this process holds on it (POSIX).
//! Not here: what is done with a connection (`writer`, `read`).

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::schema::{APPLICATION_ID, SCHEMA, SCHEMA_VERSION, probe};
use crate::journal::error::JournalError;

/// How long a write waits for another process. A batch takes milliseconds, so five seconds mean that the
/// other process hangs.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Mode of folders: the owner's alone.
const PRIVATE_DIR: u32 = 0o700;

/// Mode of the database. SQLite gives its own files beside it the same one.
const PRIVATE_FILE: u32 = 0o600;

/// Bytes the write-ahead log keeps on disk after a long reader let it grow.
const WAL_KEPT_BYTES_MAX: i32 = 64 << 20;

/// Bytes of the longest row that is read or written, so that a forged one takes no more memory.
const ROW_BYTES_MAX: i32 = 32 << 20;

/// Bytes of a page of the database: three texts of two KiB fit into one, so that less of it is empty than
/// of the usual four KiB, of which each would fill half.
pub(super) const PAGE_BYTES: i32 = 8_192;

/// KiB of the database that a writer keeps in memory: the last pages of some hundred tasks at work, so that
/// none is read again for each entry.
const WRITER_CACHE_KIB: i32 = 16 << 10;

/// Statements kept compiled: all there are, with room for more.
const STATEMENTS_MAX: usize = 64;

/// How the name of a database begins that is being made.
const UNFINISHED: &str = ".tmp-journal.db-";

/// Where the database is.
#[derive(Debug, Clone)]
pub(super) struct Database {
    home: PathBuf,
    path: PathBuf,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Writing,
    Reading,
}

impl Database {
    /// Names it below `home`, which is `AX_HOME`. Costs no I/O.
    pub(super) fn at(home: &Path) -> Self {
        Self { home: home.to_owned(), path: home.join("journal.db") }
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether the file is there; the first write makes it.
    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// Opens it, and makes it if it is not there.
    pub(super) fn open(&self, used_for: Use) -> Result<Connection, JournalError> {
        if !self.is_there() {
            self.make()?;
        }
        // Looked at without a right to write, so that what is not ours stays as it is.
        probe(&self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?, &self.path)?;
        self.make_private().map_err(|source| self.io("protect", source))?;
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mode = configure(&connection, used_for);
        let mode = mode.map_err(|source| self.error("configure", source))?;
        if mode == "wal" {
            return Ok(connection);
        }
        let why = format!("its folder is on no local disk (journal mode `{mode}`)");
        Err(self.io("share", std::io::Error::other(why)))
    }

    fn connect(&self, access: OpenFlags) -> Result<Connection, JournalError> {
        Connection::open_with_flags(&self.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .and_then(|connection| connection.busy_timeout(BUSY_TIMEOUT).map(|()| connection))
            .map_err(|source| self.error("open", source))
    }

    /// Makes the database beside its place and puts it there if nobody was faster.
    fn make(&self) -> Result<(), JournalError> {
        make_folder(&self.home).map_err(|source| self.io("make the folder of", source))?;
        let unfinished = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .permissions(std::fs::Permissions::from_mode(PRIVATE_FILE))
            .tempfile_in(&self.home)
            .map_err(|source| self.io("make", source))?
            .into_temp_path();
        fill(&unfinished).map_err(|source| self.error("make", source))?;
        let published = match unfinished.persist_noclobber(&self.path) {
            // Another process was faster; ours is removed with the error.
            Err(refused) if refused.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(refused) => Err(refused.error),
            // The name is durable once the folder is.
            Ok(()) => fs::File::open(&self.home).and_then(|folder| folder.sync_all()),
        };
        published.map_err(|source| self.io("make", source))
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

    pub(super) fn error(&self, doing: &'static str, source: rusqlite::Error) -> JournalError {
        JournalError::from_sqlite(&self.path, doing, source)
    }

    fn io(&self, doing: &'static str, source: std::io::Error) -> JournalError {
        JournalError::io(&self.path, doing, source)
    }
}

/// Makes a folder that only its owner can look into.
pub(super) fn make_folder(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(path)
}

/// Sets what holds for a connection, and returns the journal mode that results.
fn configure(connection: &Connection, used_for: Use) -> rusqlite::Result<String> {
    let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // Nobody who writes waits for that: it is done by a thread of its own.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES_MAX)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, ROW_BYTES_MAX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    match used_for {
        Use::Reading => connection.pragma_update(None, "query_only", true)?,
        // Negative, it is KiB and not pages.
        Use::Writing => connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?,
    }
    Ok(mode)
}

/// Makes the tables in the empty file at `path`.
fn fill(path: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for statement in SCHEMA {
        transaction.execute_batch(statement)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    // At the end, so that all is in the file itself when the connection is closed.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.close().map_err(|(_, source)| source)
}

/// The files that are in use, by which it is noticed that somebody took them away: what SQLite writes into a
/// file without a name is lost.
#[derive(Debug)]
pub(super) struct Watched {
    files: [(PathBuf, Option<(u64, u64)>); 2],
}

impl Watched {
    pub(super) fn new(database: &Database) -> Self {
        let mut log = database.path.clone().into_os_string();
        log.push("-wal");
        let named = |path: PathBuf| (path, None);
        Self { files: [named(database.path.clone()), named(log.into())] }
    }

    /// Answers which is not the one that it was the first time it was seen.
    pub(super) fn check(&mut self) -> Result<(), JournalError> {
        for (path, seen) in &mut self.files {
            let now = path.metadata().map(|it| (it.dev(), it.ino())).ok();
            match (*seen, now) {
                (None, Some(_)) => *seen = now,
                (Some(before), Some(now)) if before == now => {}
                (_, None) | (Some(_), Some(_)) => {
                    return Err(JournalError::Gone { path: path.clone() });
                }
            }
        }
        Ok(())
    }
}
