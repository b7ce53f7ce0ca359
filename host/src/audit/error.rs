//! Why the audit log cannot be written, read or trusted.
//!
//! Invariant: each variant says which file it is about and what to do; none is fixed by
//! overwriting a file, because that is what an attacker would want the host to do.
//!
//! Not here: what `verify` finds (`verify::Finding`); codes and exit statuses (`cli`).

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

/// Why the audit log cannot be written, read or trusted.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is no audit log yet.
    #[error("there is no audit log at `{path}`")]
    Absent { path: PathBuf },
    /// A file beside the database cannot be read or written.
    #[error("cannot {doing} `{path}`")]
    File { path: PathBuf, doing: &'static str, source: std::io::Error },
    /// The file is no SQLite database.
    #[error("`{path}` is not a database")]
    NotADatabase { path: PathBuf, source: rusqlite::Error },
    /// The file is a database, but no audit log.
    #[error("`{path}` is a database of another program (application id {application_id:#x})")]
    Foreign { path: PathBuf, application_id: i32 },
    /// A newer host wrote the file.
    #[error("`{path}` has schema version {found}, and this host knows {supported}")]
    Newer { path: PathBuf, found: i32, supported: i32 },
    /// The database's pages contradict each other.
    #[error("`{path}` is damaged")]
    Corrupt { path: PathBuf, source: rusqlite::Error },
    /// The file system cannot hold a database that several processes write.
    #[error("`{path}` cannot be shared between processes (journal mode `{mode}`)")]
    NotShared { path: PathBuf, mode: String },
    /// Another process held the database for longer than the host waits.
    #[error("`{path}` stayed locked by another process")]
    Busy { path: PathBuf, source: rusqlite::Error },
    /// The disk is full.
    #[error("no space is left for `{path}`")]
    Full { path: PathBuf, source: rusqlite::Error },
    /// SQLite refused for another reason.
    #[error("cannot {doing} `{path}`")]
    Sql { path: PathBuf, doing: &'static str, source: rusqlite::Error },
    /// The signing key is gone, but checkpoints made with it remain.
    #[error("the key `{path}` that signed this audit log is missing")]
    KeyMissing { path: PathBuf },
    /// The signing key can be read by others.
    #[error("the key `{path}` is open to other users (mode {mode:03o})")]
    KeyExposed { path: PathBuf, mode: u32 },
    /// A key file does not hold a key.
    #[error("`{path}` does not hold an Ed25519 key")]
    KeyInvalid { path: PathBuf },
    /// The public key is not the one of the signing key.
    #[error("`{path}` is not the public half of the signing key beside it")]
    KeyMismatch { path: PathBuf },
    /// The mirror of the latest checkpoint is gone.
    #[error("`{path}` is missing although the audit log has rows")]
    HeadMissing { path: PathBuf },
    /// The mirror of the latest checkpoint is not one this host signed.
    #[error("`{path}` does not hold a checkpoint signed by this host: {why}")]
    HeadInvalid { path: PathBuf, why: &'static str },
    /// Rows that were signed are gone.
    #[error("`{path}` ends before row {signed}, which a checkpoint has signed")]
    TailMissing { path: PathBuf, signed: u64 },
    /// A signed row has another hash than was signed.
    #[error("row {seq} of `{path}` is not the one that was signed")]
    SignedRowChanged { path: PathBuf, seq: u64 },
    /// A column does not hold what the schema says.
    #[error("row {seq} of `{path}` has a malformed `{column}`")]
    RowMalformed { path: PathBuf, seq: i64, column: &'static str },
    /// The writer has stopped because of an earlier failure.
    #[error("the audit log has stopped, so nothing may run")]
    Stopped { source: Arc<AuditError> },
    /// The writer's thread ended without saying why.
    #[error("the audit writer ended unexpectedly")]
    WriterGone,
    /// The writer's thread could not be started.
    #[error("cannot start the audit writer")]
    Spawn { source: std::io::Error },
    /// The log was closed.
    #[error("the audit log is closed")]
    Closed,
    /// An export could not be written to its destination.
    #[error("cannot write the export")]
    Output { source: std::io::Error },
}

impl AuditError {
    /// Whether trying again later can succeed without anyone's help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Stopped { source } => source.is_transient(),
            Self::Absent { .. }
            | Self::File { .. }
            | Self::NotADatabase { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Corrupt { .. }
            | Self::NotShared { .. }
            | Self::Full { .. }
            | Self::Sql { .. }
            | Self::KeyMissing { .. }
            | Self::KeyExposed { .. }
            | Self::KeyInvalid { .. }
            | Self::KeyMismatch { .. }
            | Self::HeadMissing { .. }
            | Self::HeadInvalid { .. }
            | Self::TailMissing { .. }
            | Self::SignedRowChanged { .. }
            | Self::RowMalformed { .. }
            | Self::WriterGone
            | Self::Spawn { .. }
            | Self::Closed
            | Self::Output { .. } => false,
        }
    }

    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Absent { .. } => {
                Some("it begins with the first call: `ax tool call PLUGIN.TOOL`".to_owned())
            }
            Self::File { path, .. } => {
                Some(format!("check who owns `{}` and its folder", path.display()))
            }
            Self::NotADatabase { path, .. } | Self::Foreign { path, .. } => Some(format!(
                "move it away, `mv {0} {0}.other`, or set AX_HOME to another folder",
                path.display()
            )),
            Self::Newer { .. } => Some("use the newer `ax` that wrote it".to_owned()),
            Self::Corrupt { path, .. } => Some(format!(
                "keep a copy and restore a backup, or begin anew: {}",
                begin_anew(path)
            )),
            Self::NotShared { .. } => Some("set AX_HOME to a folder on a local disk".to_owned()),
            Self::Busy { .. } => {
                Some("end or resume the other `ax`, then run this again".to_owned())
            }
            Self::Full { path, .. } => {
                Some(format!("free space on the disk of `{}`", path.display()))
            }
            Self::Sql { .. } | Self::RowMalformed { .. } => {
                Some("run `ax audit verify`".to_owned())
            }
            Self::KeyMissing { path } | Self::KeyInvalid { path } | Self::KeyMismatch { path } => {
                Some(format!(
                    "restore `{}` from a backup, or begin anew: {}",
                    path.display(),
                    begin_anew(path)
                ))
            }
            Self::KeyExposed { path, .. } => Some(format!("chmod 600 {}", path.display())),
            Self::HeadMissing { path }
            | Self::HeadInvalid { path, .. }
            | Self::TailMissing { path, .. }
            | Self::SignedRowChanged { path, .. } => Some(format!(
                "run `ax audit verify` and keep a copy; once it is understood, begin anew: {}",
                begin_anew(path)
            )),
            Self::Stopped { source } => source.hint(),
            Self::WriterGone | Self::Closed => Some("start `ax` again".to_owned()),
            Self::Spawn { .. } => Some("raise the limit on processes: `ulimit -u`".to_owned()),
            Self::Output { .. } => None,
        }
    }

    /// Sorts an SQLite failure while `doing` something to the database at `path`.
    pub(super) fn from_sqlite(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy { path, source }
            }
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, source },
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path, source },
            Some(ErrorCode::DiskFull) => Self::Full { path, source },
            Some(_) | None => Self::Sql { path, doing, source },
        }
    }
}

/// The command that sets all files of the log aside, so that a new chain begins.
fn begin_anew(path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new("."));
    format!("cd {} && mkdir audit.old && mv audit.[dhkp]* audit.old/", folder.display())
}
