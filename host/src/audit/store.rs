//! The writing connection to `audit.db`, and the only SQL that changes it.
//!
//! Invariant: rows are only ever added, each after the newest, in one transaction that reads the
//! newest first; so any number of processes extend one chain.
//!
//! Not here: when to write (`writer`), the tables (`schema`), and reading rows back (`read`,
//! `verify`).

use std::path::Path;
use std::path::PathBuf;

use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::OptionalExtension as _;
use rusqlite::TransactionBehavior;
use rusqlite::params;

use crate::audit::checkpoint::ChainHead;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::encode::GENESIS;
use crate::audit::encode::RowFields;
use crate::audit::encode::clean;
use crate::audit::encode::row_hash;
use crate::audit::encode::write_body;
use crate::audit::entry::Entry;
use crate::audit::error::AuditError;
use crate::audit::files::Files;
use crate::audit::files::make_private;
use crate::audit::key::Signer;
use crate::audit::schema::APPLICATION_ID;
use crate::audit::schema::BUSY_TIMEOUT;
use crate::audit::schema::CHECKPOINT_COLUMNS;
use crate::audit::schema::Content;
use crate::audit::schema::SCHEMA;
use crate::audit::schema::SCHEMA_VERSION;
use crate::audit::schema::open_read_only;
use crate::audit::schema::probe;
use crate::audit::schema::read_checkpoint;

/// Pages (4 KiB) the write-ahead log may grow to before SQLite folds it into the database.
/// 16 MiB keeps the fold to a few per million rows and the extra file small.
const WAL_PAGES_MAX: i32 = 4_096;

/// Bytes the write-ahead log keeps on disk after a long reader let it grow.
const WAL_KEPT_BYTES_MAX: i32 = 64 * 1_024 * 1_024;

/// An entry with the time it was handed over.
#[derive(Debug)]
pub(super) struct Stamped {
    pub(super) at_ms: i64,
    pub(super) entry: Entry,
}

/// When a commit has reached the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Survives the end of this process at once, and a power cut after the next [`Self::Disk`].
    Process,
    /// Survives a power cut, and so does everything before it.
    Disk,
}

/// The writing connection.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
    path: PathBuf,
    durability: Durability,
    /// Reused from row to row.
    body: String,
}

impl Store {
    /// Opens the database, making it if it is absent or empty. The caller holds the files' lock.
    pub(super) fn open(files: &Files) -> Result<Self, AuditError> {
        let path = &files.database;
        if path.metadata().map_or(true, |data| data.len() == 0) {
            Self::make(files)?;
        }
        let is_new = probe(&open_read_only(path)?, path)? == Content::Empty;
        let mut store = Self::connect(path)?;
        if is_new {
            store.create().map_err(|source| store.error("set up", source))?;
        }
        Ok(store)
    }

    /// Makes the database under another name and gives it its own when it is whole. A process that
    /// dies before that leaves no log; one that died in the middle of `audit.db` itself would leave
    /// a journal that no reader may roll back.
    fn make(files: &Files) -> Result<(), AuditError> {
        files.discard(&files.unfinished)?;
        // A log of its own would be taken for the new one's.
        files.discard(&files.database)?;
        make_private_file(&files.unfinished)?;
        let mut store = Self::connect(&files.unfinished)?;
        store.create().map_err(|source| store.error("set up", source))?;
        // The last to close folds the write-ahead log into the file.
        let Self { connection, path, .. } = store;
        connection
            .close()
            .map_err(|(_, source)| AuditError::from_sqlite(&path, "set up", source))?;
        files.publish_database()
    }

    fn connect(path: &Path) -> Result<Self, AuditError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|source| AuditError::from_sqlite(path, "open", source))?;
        let store = Self {
            connection,
            path: path.to_owned(),
            durability: Durability::Disk,
            body: String::new(),
        };
        store.configure()?;
        Ok(store)
    }

    fn configure(&self) -> Result<(), AuditError> {
        let settings = || -> rusqlite::Result<String> {
            self.connection.busy_timeout(BUSY_TIMEOUT)?;
            let mode = self.connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
            self.connection.pragma_update(None, "synchronous", "FULL")?;
            self.connection.pragma_update(None, "trusted_schema", false)?;
            self.connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES_MAX)?;
            self.connection.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES_MAX)?;
            mode
        };
        let mode = settings().map_err(|source| self.error("configure", source))?;
        if mode == "wal" {
            return Ok(());
        }
        Err(AuditError::NotShared { path: self.path.clone(), mode })
    }

    fn create(&mut self) -> rusqlite::Result<()> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (_, statement) in SCHEMA {
            transaction.execute_batch(statement)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()
    }

    /// The newest row, whoever wrote it.
    pub(super) fn head(&self) -> Result<ChainHead, AuditError> {
        read_head(&self.connection).map_err(|source| self.error("read", source))
    }

    /// The hash of row `seq`; row 0 is the empty chain.
    pub(super) fn hash_at(&self, seq: i64) -> Result<Option<[u8; 32]>, AuditError> {
        if seq == 0 {
            return Ok(Some(GENESIS));
        }
        self.connection
            .query_row("SELECT hash FROM audit WHERE seq = ?1", [seq], |row| row.get(0))
            .optional()
            .map_err(|source| self.error("read", source))
    }

    /// The last row that a checkpoint in the database covers.
    pub(super) fn last_signed(&self) -> Result<Option<i64>, AuditError> {
        read_last_signed(&self.connection).map_err(|source| self.error("read", source))
    }

    /// Appends `batch` in one transaction and returns how many of the newest rows no checkpoint
    /// covers. Nothing is appended on failure.
    pub(super) fn append(
        &mut self,
        batch: &[Stamped],
        durability: Durability,
    ) -> Result<i64, AuditError> {
        self.set_durability(durability)?;
        self.try_append(batch).map_err(|source| self.error("append to", source))
    }

    fn try_append(&mut self, batch: &[Stamped]) -> rusqlite::Result<i64> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut head = read_head(&transaction)?;
        let mut insert = transaction.prepare(
            "INSERT INTO audit (seq, at_ms, kind, plugin, decision, body, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for Stamped { at_ms, entry } in batch {
            write_body(entry, &mut self.body);
            let plugin = clean(&entry.plugin);
            let row = RowFields {
                seq: head.seq + 1,
                at_ms: *at_ms,
                kind: entry.record.kind(),
                plugin: &plugin,
                decision: entry.decision.word(),
                body: &self.body,
            };
            head = ChainHead { seq: row.seq, hash: row_hash(&head.hash, &row) };
            insert.execute(params![
                row.seq,
                row.at_ms,
                row.kind,
                row.plugin,
                row.decision,
                row.body,
                &head.hash[..]
            ])?;
        }
        drop(insert);
        let signed = read_last_signed(&transaction)?.unwrap_or(0);
        transaction.commit()?;
        Ok(head.seq.saturating_sub(signed))
    }

    /// Signs the newest row, durably with everything before it, and returns the checkpoint; the
    /// existing one if it is signed already.
    pub(super) fn checkpoint(
        &mut self,
        at_ms: i64,
        signer: &Signer,
    ) -> Result<Checkpoint, AuditError> {
        self.set_durability(Durability::Disk)?;
        let signed = self
            .try_checkpoint(at_ms, signer)
            .map_err(|source| self.error("add a checkpoint to", source))?;
        if signed.is_signed_by(&signer.public()) {
            return Ok(signed);
        }
        let seq = u64::try_from(signed.seq).unwrap_or(0);
        Err(AuditError::SignedRowChanged { path: self.path.clone(), seq })
    }

    fn try_checkpoint(&mut self, at_ms: i64, signer: &Signer) -> rusqlite::Result<Checkpoint> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let head = read_head(&transaction)?;
        let existing = transaction
            .query_row(
                &format!("SELECT {CHECKPOINT_COLUMNS} FROM checkpoint WHERE seq = ?1"),
                [head.seq],
                read_checkpoint,
            )
            .optional()?;
        if let Some(existing) = existing {
            return Ok(existing);
        }
        let made = Checkpoint::sign(head, at_ms, signer);
        transaction.execute(
            "INSERT INTO checkpoint (seq, hash, at_ms, key_id, signature) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![made.seq, &head.hash[..], made.at_ms, made.key_id, made.signature],
        )?;
        transaction.commit()?;
        Ok(made)
    }

    /// Takes effect with the next transaction, so it is set before one begins.
    fn set_durability(&mut self, wanted: Durability) -> Result<(), AuditError> {
        if self.durability == wanted {
            return Ok(());
        }
        let level = match wanted {
            Durability::Process => "NORMAL",
            Durability::Disk => "FULL",
        };
        self.connection
            .pragma_update(None, "synchronous", level)
            .map_err(|source| self.error("configure", source))?;
        self.durability = wanted;
        Ok(())
    }

    fn error(&self, doing: &'static str, source: rusqlite::Error) -> AuditError {
        AuditError::from_sqlite(&self.path, doing, source)
    }
}

/// Makes an empty file only its owner can read; SQLite gives its own files the same mode.
fn make_private_file(path: &Path) -> Result<(), AuditError> {
    match make_private(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(AuditError::File { path: path.to_owned(), doing: "make", source }),
    }
}

fn read_head(connection: &Connection) -> rusqlite::Result<ChainHead> {
    let newest = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";
    let head = connection
        .query_row(newest, [], |row| Ok(ChainHead { seq: row.get(0)?, hash: row.get(1)? }))
        .optional()?;
    Ok(head.unwrap_or(ChainHead { seq: 0, hash: GENESIS }))
}

fn read_last_signed(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection.query_row("SELECT max(seq) FROM checkpoint", [], |row| row.get(0))
}
