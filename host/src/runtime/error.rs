//! Why a task could not be carried.

use crate::journal::JournalError;
use crate::workflow::{IllegalEvent, TaskId};

/// Why a task could not be carried. What is on record stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// Its journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Its journal says something that cannot be.
    #[error("the journal does not make sense")]
    Illegal(#[from] IllegalEvent),
    /// What is asked for cannot be done with a task in this state.
    #[error("task `{task}` is {state}, so it cannot be {wanted}")]
    State {
        /// Which.
        task: TaskId,
        /// How it is.
        state: String,
        /// What was wanted.
        wanted: &'static str,
    },
}

impl RuntimeError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Journal(error) => error.hint(),
            Self::Illegal(_) => Some("ax task show TASK; the task was left as it is".to_owned()),
            Self::State { task, .. } => Some(format!("ax task show {task}")),
        }
    }
}
