//! Which processes that asked are still there.
//!
//! Each that writes holds a file of its own below `AX_HOME/router.live`, whose lock the system takes away
//! when the process ends, however it ends. Its name is in the rows of its requests.
//!
//! Invariant: the file of a living process cannot be locked by another; a file that is not there, or that
//! can be locked, is of one that is gone. What cannot be decided counts as alive.

use std::fs::File;
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use fs_err as fs;

use crate::ledger::database::make_folder;
use crate::ledger::error::LedgerError;

/// The folder, below `AX_HOME`.
const FOLDER: &str = "router.live";

/// The file whose lock is held while the database is being made.
const TURN: &str = "making";

/// This process, as long as it is held.
#[derive(Debug)]
pub(super) struct Alive {
    name: Arc<str>,
    path: PathBuf,
    /// Its lock is ours until it is closed.
    _file: File,
}

impl Alive {
    /// Makes the file of this process and takes its lock.
    pub(super) fn new(home: &Path) -> Result<Self, LedgerError> {
        let folder = home.join(FOLDER);
        let held = || -> std::io::Result<(PathBuf, File)> {
            make_folder(&folder)?;
            let prefix = format!("{}-", std::process::id());
            let file = tempfile::Builder::new().prefix(&prefix).tempfile_in(&folder)?;
            file.as_file().lock()?;
            let (file, path) = file.keep().map_err(|refused| refused.error)?;
            Ok((path, file))
        };
        let (path, file) = held().map_err(|source| io(&folder, "make a file in", source))?;
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        Ok(Self { name: Arc::from(name), path: path.clone(), _file: file })
    }

    /// Returns the name of this process in its rows.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // What stays is removed by whoever finds that nobody holds it.
        fs::remove_file(&self.path).ok();
    }
}

/// Answers whether the process of that name is gone.
pub(super) fn is_gone(home: &Path, name: &str) -> bool {
    if !is_name(name) {
        return true;
    }
    match File::open(home.join(FOLDER).join(name)) {
        Err(error) => error.kind() == ErrorKind::NotFound,
        // Shared, so that two who look at once do not take each other for it.
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
    }
}

/// Answers whether a row names a file that we make, and not another place.
fn is_name(name: &str) -> bool {
    let is_ours = |it: u8| it.is_ascii_alphanumeric() || it == b'-';
    name.contains('-') && name.bytes().all(is_ours)
}

/// Removes the file of a process that is gone.
pub(super) fn bury(home: &Path, name: &str) {
    if is_name(name) && is_gone(home, name) {
        fs::remove_file(home.join(FOLDER).join(name)).ok();
    }
}

/// Waits for the right to make the database; it ends when the file is closed.
pub(super) fn turn(home: &Path) -> Result<File, LedgerError> {
    let folder = home.join(FOLDER);
    let taken = || -> std::io::Result<File> {
        make_folder(&folder)?;
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(false).open(folder.join(TURN))?;
        file.lock()?;
        Ok(file)
    };
    taken().map_err(|source| io(&folder.join(TURN), "lock", source))
}

fn io(path: &Path, doing: &'static str, source: std::io::Error) -> LedgerError {
    LedgerError::Io { path: path.to_owned(), doing, source: Box::new(source) }
}
