//! Why a journal cannot be read or written.
//!
//! Invariant: what is damaged, foreign or newer is left as it is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ax_manifest::Digest;
use rusqlite::ErrorCode;

use crate::workflow::TaskId;

/// Why a journal cannot be read or written. Cheap to copy, since everybody in a batch is told the same.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// There is no such task.
    #[error("there is no task `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// More than one task has such a name.
    #[error("more than one task is called `{name}`: `{one}` and `{other}`")]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The newest of them.
        one: TaskId,
        /// The next.
        other: TaskId,
    },
    /// A task of this name is there already.
    #[error("task `{run}` is there already")]
    Exists {
        /// The task.
        run: TaskId,
    },
    /// Its entries were deleted.
    #[error("task `{run}` was deleted")]
    Deleted {
        /// The task.
        run: TaskId,
    },
    /// Somebody else is at work on it.
    #[error("task `{run}` is held by process `{owner}`")]
    Held {
        /// The task.
        run: TaskId,
        /// The process, as its rows name it.
        owner: String,
        /// When its lease is over, in milliseconds since the Unix epoch.
        until_ms: u64,
    },
    /// Whoever appends does not own the task any more, or does not know what was appended last.
    #[error("task `{run}` went on without this process, so that nothing was appended")]
    Stale {
        /// The task.
        run: TaskId,
        /// Of what was refused.
        epoch: u64,
        /// What holds now.
        held_epoch: u64,
        /// The last entry that the refused knew.
        head_seq: u64,
        /// The last one there is.
        held_seq: u64,
    },
    /// It is not over, so it cannot be deleted.
    #[error("task `{run}` is not over")]
    NotOver {
        /// The task, or one that is part of it.
        run: TaskId,
    },
    /// An entry names what is not kept.
    #[error("task `{run}` names `{digest}`, which is not kept")]
    NotKept {
        /// The task.
        run: TaskId,
        /// What.
        digest: Digest,
    },
    /// There is no such question, or it is not open.
    #[error("task `{run}` asks no question `{question}`")]
    NotAsked {
        /// The task.
        run: TaskId,
        /// The entry.
        question: u64,
    },
    /// The question was answered before.
    #[error("question `{question}` of task `{run}` was answered before: {answer} by `{by}`")]
    Answered {
        /// The task.
        run: TaskId,
        /// The entry.
        question: u64,
        /// What was said: `yes`, `no`, `filled`, `timed-out` or `void`.
        answer: String,
        /// By whom.
        by: String,
    },
    /// What is asked is not what was looked at.
    #[error(
        "question `{question}` of task `{run}` is about something else than what was looked at"
    )]
    Changed {
        /// The task.
        run: TaskId,
        /// The entry.
        question: u64,
    },
    /// The time for an answer is over.
    #[error("the time to answer question `{question}` of task `{run}` is over")]
    Expired {
        /// The task.
        run: TaskId,
        /// The entry.
        question: u64,
    },
    /// More is waiting than may.
    #[error("too much waits for {what}: {max} at most")]
    Full {
        /// For whom.
        what: &'static str,
        /// How many may.
        max: usize,
    },
    /// Something is longer than what is kept.
    #[error("{what} has {bytes} bytes, and {max} are kept at most")]
    TooLong {
        /// What.
        what: &'static str,
        /// What it has.
        bytes: usize,
        /// What it may have.
        max: usize,
    },
    /// A journal contradicts itself.
    #[error("the journal of task `{run}` is damaged at entry {seq}: {what}")]
    Damaged {
        /// The task.
        run: TaskId,
        /// The entry; one after the last where something is missing there.
        seq: u64,
        /// How.
        what: Damage,
    },
    /// A conversation that is kept contradicts itself.
    #[error("the message `{node}` is damaged: {what}")]
    Context {
        /// The message.
        node: Digest,
        /// How.
        what: Damage,
    },
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
    #[error("`{path}` does not hold journals")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What SQLite says, where it says something.
        source: Option<Arc<rusqlite::Error>>,
    },
    /// The database contradicts itself.
    #[error("`{path}` is damaged")]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// How.
        source: Arc<rusqlite::Error>,
    },
    /// Another process held the database for longer than the host waits.
    #[error("`{path}` stayed locked by another process")]
    Busy {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: Arc<rusqlite::Error>,
    },
    /// A file cannot be read or written.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// Why not.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody removed or replaced a file that is in use.
    #[error("`{path}` was removed or replaced while it was in use")]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// The disk failed in the middle, so that nobody knows what of the last writing is on it.
    #[error("the journal stopped, since nobody knows what is on disk after a failed write")]
    Stopped {
        /// The failure.
        source: Arc<Self>,
    },
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

/// What is wrong with a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The entry is not there.
    Missing,
    /// The entry is not what the next one, or the row of its task, says.
    Altered,
    /// There are entries after the one that the row of the task says is the last.
    Beyond,
    /// Its bytes are right, and no fact that this host knows.
    Unknown,
    /// A text that it names is not there.
    TextMissing,
    /// A text that it names is not what it was.
    TextAltered,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "it is missing",
            Self::Altered => "it is not what was written",
            Self::Beyond => "it comes after the last",
            Self::Unknown => "this host does not know what it says",
            Self::TextMissing => "a text of it is missing",
            Self::TextAltered => "a text of it is not what was written",
        })
    }
}

impl JournalError {
    /// Answers whether trying again later can succeed without anyone's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Full { .. } | Self::Held { .. })
    }

    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Unknown { .. } | Self::Deleted { .. } => "see `ax task list`".to_owned(),
            Self::Ambiguous { one, .. } => format!("write more of it: `ax task show {one}`"),
            Self::Held { run, .. } => format!("watch it: `ax task watch {run}`"),
            Self::NotOver { run } => format!("cancel it first: `ax task cancel {run}`"),
            Self::NotAsked { .. } | Self::Changed { .. } => "see `ax approve list`".to_owned(),
            Self::Damaged { .. } | Self::Context { .. } => {
                "restore `journal.db` with its `-wal` from a backup, or delete the task".to_owned()
            }
            Self::Newer { .. } => "use the newer `ax` that wrote it".to_owned(),
            Self::Foreign { path, .. } => format!(
                "move it away, `mv {0} {0}.other`, or set AX_HOME to another folder",
                path.display()
            ),
            Self::Corrupt { path, .. } => format!(
                "end every `ax` and restore `{0}` with its `-wal` from a backup, or move them away, `mv {0} {0}.damaged`",
                path.display()
            ),
            Self::Busy { .. } => "end or resume the other `ax`, then run this again".to_owned(),
            Self::Io { path, .. } => {
                format!("check who owns `{}`, and the space on its disk", path.display())
            }
            Self::Gone { .. } | Self::Stopped { .. } => {
                "end this `ax`, look after the disk, then `ax task resume`".to_owned()
            }
            Self::Full { .. } => "run this again in a moment".to_owned(),
            Self::Exists { .. }
            | Self::Stale { .. }
            | Self::NotKept { .. }
            | Self::Answered { .. }
            | Self::Expired { .. }
            | Self::TooLong { .. }
            | Self::Closed => return None,
        };
        Some(text)
    }

    /// Sorts a failure of SQLite while `doing` something to the database at `path`.
    pub(super) fn from_sqlite(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let code = source.sqlite_error_code();
        let source = Arc::new(source);
        match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy { path, source }
            }
            Some(ErrorCode::NotADatabase) => Self::Foreign { path, source: Some(source) },
            // Statements are fixed and values checked: what does not fit was not made by us.
            Some(
                ErrorCode::DatabaseCorrupt
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::TooBig
                | ErrorCode::Unknown,
            )
            | None => Self::Corrupt { path, source },
            Some(_) => Self::Io { path, doing, source },
        }
    }

    pub(super) fn io(path: &Path, doing: &'static str, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), doing, source: Arc::new(source) }
    }
}
