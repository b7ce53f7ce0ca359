//! The files of the audit log, and the two ways they are replaced.
//!
//! ```text
//! AX_HOME/audit.db     rows and checkpoints (SQLite; `-wal` and `-shm` beside it)
//!         audit.key    signing key, mode 0600, 64 hex digits
//!         audit.pub    its public half: `ed25519:` and 64 hex digits
//!         audit.head   the latest checkpoint, so that a cut-off end is noticed
//!         audit.lock   held while any of the last three is replaced
//!         audit.tmp    what is about to become one of them
//!         audit.new    what is about to become `audit.db`, with SQLite's files beside it
//! ```
//!
//! Invariant: a file is replaced whole, by rename, after its bytes have reached the disk.
//!
//! Not here: what the files say (`key`, `checkpoint`, `store`).

use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;

use crate::audit::error::AuditError;

/// Mode of the folder: the owner's alone.
const PRIVATE_DIR: u32 = 0o700;
/// Mode of the lock: who can open it could hold it.
const PRIVATE_FILE: u32 = 0o600;
/// Tries for the lock: ten seconds, as for every lock of the home folder.
const LOCK_TRIES: u32 = 1_000;
/// Time between two tries; kernels offer no wait with a deadline for this lock.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Bytes read of a key or head file. The longest holds about 400.
const SMALL_FILE_BYTES_MAX: u64 = 4_096;

/// Where the files of one audit log are.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) dir: PathBuf,
    pub(super) database: PathBuf,
    pub(super) key: PathBuf,
    pub(super) public_key: PathBuf,
    pub(super) head: PathBuf,
    /// The database until it is whole.
    pub(super) unfinished: PathBuf,
    lock: PathBuf,
    temporary: PathBuf,
}

impl Files {
    /// Names the files below `dir`, which is `AX_HOME`.
    pub(super) fn of(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            database: dir.join("audit.db"),
            key: dir.join("audit.key"),
            public_key: dir.join("audit.pub"),
            head: dir.join("audit.head"),
            unfinished: dir.join("audit.new"),
            lock: dir.join("audit.lock"),
            temporary: dir.join("audit.tmp"),
        }
    }

    /// Makes the folder if it is missing, for this user alone: the signing key lies in it.
    pub(super) fn make_dir(&self) -> Result<(), AuditError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(PRIVATE_DIR)
            .create(&self.dir)
            .map_err(|source| self.error(&self.dir, "make", source))
    }

    /// Waits for the lock that serialises replacing files; it is held until the result is dropped.
    ///
    /// Everyone holds it for a few milliseconds; who waits longer than [`LOCK_TRIES`] is told so.
    pub(super) fn lock(&self) -> Result<fs::File, AuditError> {
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(PRIVATE_FILE)
            .open(&self.lock)
            .map_err(|source| self.error(&self.lock, "open", source))?;
        for _ in 0..LOCK_TRIES {
            match file.file().try_lock() {
                Ok(()) => return Ok(file),
                Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(std::fs::TryLockError::Error(source)) => {
                    return Err(self.error(&self.lock, "lock", source));
                }
            }
        }
        let source = std::io::Error::from(std::io::ErrorKind::TimedOut);
        Err(self.error(&self.lock, "lock", source))
    }

    /// Reads a small text file; none if it does not exist.
    pub(super) fn read_small(&self, path: &Path) -> Result<Option<String>, AuditError> {
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.error(path, "open", source)),
        };
        let mut bytes = Vec::new();
        file.take(SMALL_FILE_BYTES_MAX)
            .read_to_end(&mut bytes)
            .map_err(|source| self.error(path, "read", source))?;
        // Whoever parses the text refuses the replacement characters of bytes that are no text.
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Replaces `path` by `text`, durably; the new file has mode 0600. The caller holds the lock.
    pub(super) fn replace(&self, path: &Path, text: &str) -> Result<(), AuditError> {
        self.try_replace(path, text).map_err(|source| self.error(path, "write", source))
    }

    fn try_replace(&self, path: &Path, text: &str) -> std::io::Result<()> {
        // One name is enough under the lock, and what a crash leaves of it is removed here.
        match fs::remove_file(&self.temporary) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = make_private(&self.temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&self.temporary, path)?;
        // The rename itself is durable once the folder is.
        fs::File::open(&self.dir)?.sync_all()
    }

    /// Removes what SQLite kept beside a database, and the database itself.
    pub(super) fn discard(&self, database: &Path) -> Result<(), AuditError> {
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let mut path = database.as_os_str().to_owned();
            path.push(suffix);
            let path = PathBuf::from(path);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(self.error(&path, "remove", error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Gives the unfinished database its name, durably.
    pub(super) fn publish_database(&self) -> Result<(), AuditError> {
        let published = fs::File::open(&self.unfinished)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&self.unfinished, &self.database))
            .and_then(|()| fs::File::open(&self.dir)?.sync_all());
        published.map_err(|source| self.error(&self.database, "make", source))
    }

    fn error(&self, path: &Path, doing: &'static str, source: std::io::Error) -> AuditError {
        AuditError::File { path: path.to_owned(), doing, source }
    }
}

/// Makes a file that only its owner can read; fails if it exists.
pub(super) fn make_private(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
