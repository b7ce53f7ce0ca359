//! Which owners of tasks are still there.
//!
//! Each process that writes holds a file of its own below `AX_HOME/journal.live`, whose lock the system
//! takes away when the process ends, however it ends. The rows of its tasks name the file.
//!
//! Invariant: a file that is not there, or that can be locked, is of a process that is gone. What cannot be
//! decided counts as alive: then the lease has to run out.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::database::make_folder;
use crate::journal::error::JournalError;

/// The folder, below `AX_HOME`.
const FOLDER: &str = "journal.live";

/// Tries to make a file that is not taken for one that was left. One is enough, unless somebody looks
/// between its making and its lock.
const TRIES: u32 = 100;

/// This process, as long as it is held.
#[derive(Debug)]
pub(super) struct Alive {
    path: PathBuf,
    /// Its lock is ours until it is closed.
    _file: File,
}

impl Alive {
    /// Makes the file of this process, takes its lock, and sweeps up what others left.
    pub(super) fn new(home: &Path) -> Result<Self, JournalError> {
        let folder = home.join(FOLDER);
        let held = make_folder(&folder).and_then(|()| hold(&folder));
        let (path, file) =
            held.map_err(|source| JournalError::io(&folder, "make a file in", source))?;
        sweep(home);
        Ok(Self { path, _file: file })
    }

    /// Returns the name of this process in its rows.
    pub(super) fn name(&self) -> &str {
        self.path.file_name().and_then(|it| it.to_str()).unwrap_or_default()
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // What stays is removed by whoever finds that nobody holds it.
        fs::remove_file(&self.path).ok();
    }
}

/// Makes a file and locks it.
fn hold(folder: &Path) -> std::io::Result<(PathBuf, File)> {
    let prefix = format!("{}-", std::process::id());
    for _ in 0..TRIES {
        let file = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder)?;
        file.as_file().lock()?;
        let (file, path) = file.keep().map_err(|refused| refused.error)?;
        if file.metadata()?.nlink() > 0 {
            return Ok((path, file));
        }
        // Whoever looked before it was locked removed it.
    }
    Err(std::io::Error::other("it is removed again and again"))
}

/// Answers whether a process is known to be gone.
pub(super) fn is_gone(home: &Path, name: &str) -> bool {
    // A row that names another place was not written by us, and nobody lives there.
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

/// Answers whether it is the name of a file that we make.
fn is_name(name: &str) -> bool {
    let is_ours = |it: u8| it.is_ascii_alphanumeric() || it == b'-';
    name.contains('-') && name.bytes().all(is_ours)
}

/// Removes the files of processes that are gone.
fn sweep(home: &Path) {
    let folder = home.join(FOLDER);
    let Ok(entries) = std::fs::read_dir(&folder) else { return };
    for name in entries.flatten().filter_map(|it| it.file_name().into_string().ok()) {
        if is_name(&name) && is_gone(home, &name) {
            fs::remove_file(folder.join(name)).ok();
        }
    }
}
