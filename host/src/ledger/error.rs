//! Why the ledger cannot be read or written.
//!
//! Invariant: a file that is not understood is left as it is.

use std::path::Path;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A newer host wrote the database.
    #[error("`{path}` has schema version {found}, and this host knows {known}")]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// Ours.
        known: i32,
    },
    /// The file is not a database of ours.
    #[error("`{path}` does not hold what was asked of models")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What SQLite says, where it says something.
        source: Option<rusqlite::Error>,
    },
    /// The database contradicts itself.
    #[error("`{path}` is damaged")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// How.
        source: rusqlite::Error,
    },
    /// Another process held the database for longer than the host waits.
    #[error("`{path}` stayed locked by another process")]
    Busy {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A file cannot be read or written.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A process is gone, and what it left cannot be read to its end.
    #[error("`{path}` is damaged, so that some of what a process asked last may be missing")]
    Log {
        /// What it left.
        path: PathBuf,
    },
    /// The system gives no thread.
    #[error("cannot start the writer of the ledger")]
    Spawn {
        /// Why not.
        source: std::io::Error,
    },
}

impl LedgerError {
    /// Answers whether trying again later can succeed without anyone's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Newer { .. } => Some("use the newer `ax` that wrote it".to_owned()),
            Self::Foreign { path, .. } => Some(format!(
                "move it away, `mv {0} {0}.other`, or set AX_HOME to another folder",
                path.display()
            )),
            Self::Damaged { path, .. } => Some(format!(
                "end every `ax` and restore `{0}` with its `-wal` from a backup, or move them away, `mv {0} {0}.damaged`",
                path.display()
            )),
            Self::Busy { .. } => {
                Some("end or resume the other `ax`, then run this again".to_owned())
            }
            Self::Io { path, .. } => {
                Some(format!("check who owns `{}`, and the space on its disk", path.display()))
            }
            Self::Log { path } => {
                Some(format!("look what is in it, a request a line, then `rm {}`", path.display()))
            }
            Self::Spawn { .. } => Some("end some processes, then run this again".to_owned()),
        }
    }

    /// Sorts a failure of SQLite while `doing` something to the database at `path`.
    pub(super) fn from_sqlite(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy { path, source }
            }
            Some(ErrorCode::NotADatabase) => Self::Foreign { path, source: Some(source) },
            // Statements are fixed and values checked: a missing table or a column of another kind was
            // not made by us.
            Some(
                ErrorCode::DatabaseCorrupt
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::TooBig
                | ErrorCode::Unknown,
            )
            | None => Self::Damaged { path, source },
            Some(_) => Self::Io { path, doing, source: Box::new(source) },
        }
    }
}
