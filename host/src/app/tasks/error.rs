//! Why a task cannot begin or go on.

use std::path::PathBuf;

use ax_manifest::ByteSize;

use crate::app::{AppError, ChangeError, PolicyFileError, ToolsError};
use crate::journal::JournalError;
use crate::runtime::RuntimeError;
use crate::workflow::spec::{SPEC_BYTES_MAX, SpecError};

/// Why a task cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// A workflow file cannot be read.
    #[error("cannot read `{path}`", path = .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A workflow file is too long.
    #[error("`{path}` has {bytes}, at most {max} are read", path = .path.display(), bytes = ByteSize(*.bytes), max = ByteSize(SPEC_BYTES_MAX as u64))]
    TooLong {
        /// Which.
        path: PathBuf,
        /// How long it is.
        bytes: u64,
    },
    /// A workflow is made of too many files.
    #[error("the workflow is made of more than {max} files")]
    TooManyFiles {
        /// The bound.
        max: usize,
    },
    /// A workflow file is wrong.
    #[error("`{path}` has {count} mistakes", path = .path.display(), count = .errors.len())]
    Spec {
        /// Which.
        path: PathBuf,
        /// All of them.
        errors: Vec<SpecError>,
    },
    /// A file that a workflow names was not pinned with it.
    #[error("`{file}` is not among the files that the task began with")]
    NotPinned {
        /// Which.
        file: String,
    },
    /// What a task is given does not fit.
    #[error("the input of `{name}` does not fit: {all}", all = .refusals.join("; "))]
    Input {
        /// Of what.
        name: String,
        /// What does not fit.
        refusals: Vec<String>,
    },
    /// There is no such agent.
    #[error("there is no agent `{agent}`")]
    NoAgent {
        /// What was asked for.
        agent: String,
        /// What is called almost so.
        near: Option<String>,
    },
    /// What is installed cannot be read.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// What is installed cannot be used.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// A policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
    /// A part of the application cannot be built.
    #[error(transparent)]
    App(#[from] AppError),
    /// It cannot be carried.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] std::io::Error),
}

impl TaskError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some("name a workflow file: ax workflow run FILE".to_owned()),
            Self::Spec { path, .. } => Some(format!("ax workflow check {}", path.display())),
            Self::NoAgent { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::NoAgent { .. } => Some("ax agent list".to_owned()),
            Self::Input { .. } => Some("give it as JSON: --input '{…}'".to_owned()),
            Self::TooLong { .. } | Self::TooManyFiles { .. } => {
                Some("split it into several workflows".to_owned())
            }
            Self::NotPinned { .. } => Some("begin the task anew".to_owned()),
            Self::Change(error) => error.hint(),
            Self::Tools(error) => error.hint(),
            Self::Policy(error) => error.hint(),
            Self::App(error) => error.hint(),
            Self::Runtime(error) => error.hint(),
            Self::Journal(error) => error.hint(),
            Self::Random(_) => None,
        }
    }
}
