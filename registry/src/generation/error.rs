//! Why the current generation cannot be told, read or replaced.
//!
//! Invariant: an error about a damaged generation says which earlier one is whole.
//! Not here: errors inside a lock's text (`lock`).

use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::lock::LockError;

/// What is wrong with a file of a generation.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It is not there.
    #[error("`{path}` is missing")]
    Missing { path: PathBuf },
    /// It is larger than it may be.
    #[error("`{path}` has more than {max} bytes")]
    TooLarge { path: PathBuf, max: u64 },
    /// It is not UTF-8.
    #[error("`{path}` is not text")]
    NotText { path: PathBuf },
    /// The lock in it cannot be read.
    #[error("`{path}` is not a lock file")]
    Lock { path: PathBuf, source: LockError },
    /// The grants in it cannot be read; line and column count from 1.
    #[error("`{path}` does not hold grants: line {line}, column {column}: {why}")]
    Grants { path: PathBuf, line: usize, column: usize, why: String },
}

impl Damage {
    /// Returns the file, which lies in the folder of its generation.
    fn path(&self) -> &Path {
        match self {
            Self::Missing { path }
            | Self::TooLarge { path, .. }
            | Self::NotText { path }
            | Self::Lock { path, .. }
            | Self::Grants { path, .. } => path,
        }
    }
}

/// Says how to name a generation that is whole, or how to begin anew.
fn way_back(home: Option<&Path>, intact: Option<u64>) -> String {
    let home = home.unwrap_or(Path::new("AX_HOME")).display();
    match intact {
        Some(number) => {
            format!("go back to generation {number:06}: echo {number:06} > {home}/current")
        }
        None => format!(
            "none is whole; restore `{home}/gen` from a backup, or begin anew with nothing installed: \
             mv {home}/gen {home}/gen.old && rm -f {home}/current"
        ),
    }
}

/// Why a generation could not be read or committed.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// The file `current` names no generation.
    #[error("`{path}` does not name a generation: {why}")]
    Current { path: PathBuf, why: String, intact: Option<u64> },
    /// The generation is not whole.
    #[error("generation {number:06} is damaged")]
    Damaged { number: u64, intact: Option<u64>, source: Damage },
    /// There is no such generation: it was never committed, or removed as too old.
    #[error("there is no generation {number:06}")]
    Unknown { number: u64 },
    /// A file cannot be read for a reason of the system's.
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    /// A file cannot be written. The current generation is the old or, when only the last step
    /// failed, the new one.
    #[error("cannot write generation {number:06} in `{path}`")]
    Write { number: u64, path: PathBuf, source: io::Error },
    /// The lock to be written is refused.
    #[error("generation {number:06} cannot be written")]
    Unwritable { number: u64, source: LockError },
    /// The grants to be written have no form in TOML, or too long a one.
    #[error("the grants of generation {number:06} cannot be written: {why}")]
    UnwritableGrants { number: u64, why: String },
    /// The lock shown is that of another folder.
    #[error("the lock held is not that of `{home}`")]
    WrongLock { home: PathBuf },
}

impl GenerationError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Damaged { source: Damage::Lock { source, .. }, .. }
                if matches!(source, LockError::Newer { .. }) =>
            {
                source.hint()
            }
            Self::Current { path, intact, .. } => Some(way_back(path.parent(), *intact)),
            Self::Damaged { intact, source, .. } => {
                Some(way_back(source.path().ancestors().nth(3), *intact))
            }
            Self::Read { path, .. } => Some(format!("look whose it is: ls -ld {}", path.display())),
            Self::Unwritable { source, .. } => source.hint(),
            Self::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free some space, then type this again".to_owned())
            }
            Self::Unknown { .. }
            | Self::Write { .. }
            | Self::UnwritableGrants { .. }
            | Self::WrongLock { .. } => None,
        }
    }
}
