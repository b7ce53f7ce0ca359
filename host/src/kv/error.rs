//! Why something cannot be kept, found or changed.
//!
//! Invariant: each refusal left the database as it was, and none is met by overwriting a file that
//! is not understood. No variant carries a value, and a key only after its form was checked.
//!
//! Not here: what a guest is told (`plugin`); codes and exit statuses (`cli`).

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// How many keys there are.
    Keys,
    /// The lengths of all keys and values together.
    Bytes,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keys => "keys",
            Self::Bytes => "bytes",
        })
    }
}

/// Why something cannot be kept, found or changed.
#[derive(Debug, thiserror::Error)]
pub enum KvError {
    /// A newer host wrote the database.
    #[error("`{path}` has schema version {found}, and this host knows {known}")]
    Newer { path: PathBuf, found: i32, known: i32 },
    /// The file is not a database of ours.
    #[error("`{path}` does not hold what plugins keep")]
    Foreign { path: PathBuf, source: Option<rusqlite::Error> },
    /// The database contradicts itself.
    #[error("`{path}` is damaged")]
    Damaged { path: PathBuf, source: rusqlite::Error },
    /// Another process held the database for longer than the host waits.
    #[error("`{path}` stayed locked by another process")]
    Busy { path: PathBuf, source: rusqlite::Error },
    /// A file cannot be read or written.
    #[error("cannot {doing} `{path}`")]
    Io { path: PathBuf, doing: &'static str, source: Box<dyn Error + Send + Sync> },
    /// The plugin would keep more than it may.
    #[error("the plugin may keep {max} {what}, and this would be more")]
    Full { what: Counted, max: u64 },
    /// A call in a task would change more than is held until it ends.
    #[error("a call in a task may change {max} bytes, and this would be more")]
    DraftFull { max: u64 },
    /// The condition of a change does not hold.
    #[error("`{key}` is not as the change expects")]
    Conflict { key: String },
    /// The text cannot be a key or the beginning of one.
    #[error("not a key: {why}")]
    Key { why: &'static str },
    /// The value is too long.
    #[error("the value has {bytes} bytes, and {max} are the most")]
    Value { bytes: usize, max: usize },
    /// The cursor does not come from a scan of this prefix.
    #[error("the cursor is not from a scan of this prefix")]
    Cursor,
    /// A page of no entries, or of more than a scan gives.
    #[error("a page of {given} entries was asked for; 1 to {max} are possible")]
    Limit { given: u32, max: u32 },
    /// A write of no changes, or of more than one transaction takes.
    #[error("the write has {given} changes; 1 to {max} are possible")]
    TooManyChanges { given: usize, max: usize },
    /// One write changes a key twice.
    #[error("the write changes `{key}` twice")]
    TwoChanges { key: String },
    /// The state was never made, or has been dropped.
    #[error("`{owner}` has no state {state}")]
    NoState { owner: String, state: u64 },
}

impl KvError {
    /// Whether trying again later can succeed without anyone's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Newer { .. }
            | Self::Foreign { .. }
            | Self::Damaged { .. }
            | Self::Io { .. }
            | Self::Full { .. }
            | Self::DraftFull { .. }
            | Self::Conflict { .. }
            | Self::Key { .. }
            | Self::Value { .. }
            | Self::Cursor
            | Self::Limit { .. }
            | Self::TooManyChanges { .. }
            | Self::TwoChanges { .. }
            | Self::NoState { .. } => false,
        }
    }

    /// Says what the user, or the author of the plugin, can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Newer { .. } => Some("use the newer `ax` that wrote it".to_owned()),
            Self::Foreign { path, .. } => Some(format!(
                "move it away, `mv {0} {0}.other`, or set AX_HOME to another folder",
                path.display()
            )),
            Self::Damaged { path, .. } => Some(format!(
                "end every `ax`, keep a copy of `{0}` and its `-wal`, and restore both from a backup",
                path.display()
            )),
            Self::Busy { .. } => {
                Some("end or resume the other `ax`, then run this again".to_owned())
            }
            Self::Io { path, .. } => {
                Some(format!("check who owns `{}`, and the space on its disk", path.display()))
            }
            Self::Full { .. } => Some("remove keys that are no longer needed".to_owned()),
            Self::DraftFull { .. } => Some("write it in several steps of the task".to_owned()),
            Self::Conflict { key } => Some(format!("read `{key}` again, then write anew")),
            Self::Value { .. } => Some("spread it over several keys".to_owned()),
            Self::Cursor => Some("pass `next` of the page before, with the same prefix".to_owned()),
            Self::TooManyChanges { .. } => Some("write in several steps".to_owned()),
            Self::TwoChanges { .. } => Some("write only the last of the two".to_owned()),
            Self::NoState { .. } => {
                Some("run it again; `ax doctor` says what to do if it fails as before".to_owned())
            }
            Self::Key { .. } | Self::Limit { .. } => None,
        }
    }

    /// Sorts an SQLite failure while `doing` something to the database at `path`.
    pub(super) fn from_sqlite(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy { path, source }
            }
            Some(ErrorCode::NotADatabase) => Self::Foreign { path, source: Some(source) },
            // Statements are fixed and values checked, so that a missing table, a row of a second
            // kind or a value beyond every bound was not written by us; neither was a column that
            // is not what the schema says, which has no code.
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

/// What can go wrong between the statements of one piece of work; [`KvError`] once the file is
/// named.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite, or a row that cannot be read.
    Sql(rusqlite::Error),
    /// The caller asked for what cannot be.
    Refused(KvError),
}

impl From<rusqlite::Error> for Failure {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sql(source)
    }
}

impl From<KvError> for Failure {
    fn from(error: KvError) -> Self {
        Self::Refused(error)
    }
}

/// A number in the database that no host of ours has written.
pub(super) fn impossible(number: i64) -> Failure {
    Failure::Sql(rusqlite::Error::IntegralValueOutOfRange(0, number))
}
