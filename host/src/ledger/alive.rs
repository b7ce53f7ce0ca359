//! Which processes that asked are still there.
//!
//! Each that writes holds a file of its own below `AX_HOME/router.live`, whose lock the system takes away
//! when the process ends, however it ends. Its name is in the rows of its requests, and in it is its log.
//!
//! Invariant: the file of a living process cannot be locked by another; a file that is not there, or that
//! can be locked, is of one that is gone. What cannot be decided counts as alive. A file with something in
//! it is removed only by whoever put that into the database.
//! Not here: what is in a log (`log`), and what is done with that of a process that is gone (`orphans`).

use std::fs::File;
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fs_err as fs;

use crate::ledger::database::make_folder;
use crate::ledger::error::LedgerError;
use crate::ledger::log::Log;

/// The folder, below `AX_HOME`.
const FOLDER: &str = "router.live";

/// The file whose lock is held while the database is being made.
const TURN: &str = "making";

/// Looks whether the database is made, and the pause between two: five seconds, as for every other lock of
/// it.
const TURN_TRIES: u32 = 500;
const TURN_PAUSE: Duration = Duration::from_millis(10);

/// What is appended to the name of a log that is damaged, so that it is of no process any more.
const DAMAGED: &str = ".damaged";

/// Tries to make a file that is not taken for one that was left. One is enough, unless somebody looks
/// between its making and its lock.
const TRIES: u32 = 100;

/// This process, as long as it is held.
#[derive(Debug)]
pub(super) struct Alive {
    name: Arc<str>,
    path: PathBuf,
    /// Its lock is ours until it is closed.
    file: File,
}

impl Alive {
    /// Makes the file of this process and takes its lock.
    pub(super) fn new(home: &Path) -> Result<Self, LedgerError> {
        let folder = home.join(FOLDER);
        let held = make_folder(&folder).and_then(|()| hold(&folder));
        let (path, file) = held.map_err(|source| io(&folder, "make a file in", source))?;
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        Ok(Self { name: Arc::from(name), path: path.clone(), file })
    }

    /// Returns the name of this process in its rows.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns the file to append to. The lock lasts until both are closed.
    pub(super) fn log(&self) -> Result<Log, LedgerError> {
        let file = self.file.try_clone().map_err(|source| io(&self.path, "open", source))?;
        Ok(Log::new(file))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // What stays is removed by whoever finds that nobody holds it.
        if self.file.metadata().is_ok_and(|it| it.len() == 0) {
            fs::remove_file(&self.path).ok();
        }
    }
}

/// Makes a file and locks it.
fn hold(folder: &Path) -> std::io::Result<(PathBuf, File)> {
    let prefix = format!("{}-", std::process::id());
    for _ in 0..TRIES {
        let file = tempfile::Builder::new().prefix(&prefix).append(true).tempfile_in(folder)?;
        file.as_file().lock()?;
        let (file, path) = file.keep().map_err(|refused| refused.error)?;
        if file.metadata()?.nlink() > 0 {
            return Ok((path, file));
        }
        // Whoever looked before it was locked removed it.
    }
    Err(std::io::Error::other("it is removed again and again"))
}

/// The file of a process that is gone. While it is held, nobody takes the process for one that is back.
#[derive(Debug)]
pub(super) struct Grave {
    path: PathBuf,
    file: Option<File>,
}

impl Grave {
    /// Finds that of a process; nothing if it is not gone.
    pub(super) fn of(home: &Path, name: &str) -> Option<Self> {
        let path = home.join(FOLDER).join(name);
        if !is_name(name) {
            return Some(Self { path, file: None });
        }
        match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Some(Self { path, file: None }),
            Err(_) => None,
            // Shared, so that two who look at once do not take each other for it.
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => Some(Self { path, file: Some(file) }),
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
            },
        }
    }

    /// Returns what the process told and may not have written.
    pub(super) fn log(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// Removes it: what is in it is in the database.
    pub(super) fn close(self) {
        if self.file.is_some() {
            fs::remove_file(&self.path).ok();
        }
    }

    /// Keeps it for a person to look at, since not all of it could be read.
    pub(super) fn set_aside(self) {
        let mut path = self.path.clone().into_os_string();
        path.push(DAMAGED);
        fs::rename(&self.path, path).ok();
    }
}

/// Answers whether a row names a file that we make, and not another place.
fn is_name(name: &str) -> bool {
    let is_ours = |it: u8| it.is_ascii_alphanumeric() || it == b'-';
    name.contains('-') && name.bytes().all(is_ours)
}

/// Lists the processes that have a file, whether or not they are still there.
pub(super) fn names(home: &Path) -> Vec<String> {
    listed(home).into_iter().filter(|it| is_name(it)).collect()
}

/// Lists the logs that could not be read to their end.
pub(super) fn damaged(home: &Path) -> Vec<PathBuf> {
    let is_damaged = |it: &String| it.strip_suffix(DAMAGED).is_some_and(is_name);
    let damaged = listed(home).into_iter().filter(is_damaged);
    damaged.map(|it| home.join(FOLDER).join(it)).collect()
}

/// Lists the files of the folder; none if there is no folder.
fn listed(home: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(home.join(FOLDER)) else { return Vec::new() };
    let files = entries.flatten().filter(|it| it.file_type().is_ok_and(|it| it.is_file()));
    files.filter_map(|it| it.file_name().into_string().ok()).collect()
}

/// Waits for the right to make the database; it ends when the file is closed. Whoever has it needs
/// milliseconds; one that was stopped in the middle is not waited for.
pub(super) fn turn(home: &Path) -> Result<File, LedgerError> {
    let folder = home.join(FOLDER);
    let taken = || -> std::io::Result<File> {
        make_folder(&folder)?;
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(false).open(folder.join(TURN))?;
        for _ in 0..TURN_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => std::thread::sleep(TURN_PAUSE),
                Err(TryLockError::Error(source)) => return Err(source),
            }
        }
        Err(ErrorKind::TimedOut.into())
    };
    taken().map_err(|source| io(&folder.join(TURN), "lock", source))
}

fn io(path: &Path, doing: &'static str, source: std::io::Error) -> LedgerError {
    LedgerError::Io { path: path.to_owned(), doing, source: Box::new(source) }
}
