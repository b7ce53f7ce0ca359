//! A task that a command leaves before it is done, as a person reads it.
//!
//! Not here: its code (`verdict::tasks`).

use crate::workflow::{Failure, Reason, TaskId, Why};

/// What became of a task that is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfinished {
    /// It ended without being done.
    #[error("task `{task}` failed ({word})", word = .reason.word())]
    Failed {
        /// Which.
        task: TaskId,
        /// Why, in a word.
        reason: Reason,
        /// What went wrong.
        source: Failure,
    },
    /// It rests until a person does something.
    #[error("task `{task}` rests: {words}", words = resting(*.why))]
    Paused {
        /// Which.
        task: TaskId,
        /// What it waits for.
        why: Why,
        /// Whether it rests because of a Ctrl-C.
        was_stopped: bool,
    },
    /// It was left as it is.
    #[error("task `{task}` is {state}")]
    Left {
        /// Which.
        task: TaskId,
        /// How it is.
        state: String,
    },
    /// What was wanted cannot be done with it.
    #[error("task `{task}` is {state}, so it cannot be {wanted}")]
    Unfit {
        /// Which.
        task: TaskId,
        /// How it is.
        state: String,
        /// What was wanted.
        wanted: &'static str,
    },
    /// It went another way than on record.
    #[error("task `{task}` went another way than on record: {how}")]
    Diverged {
        /// Which.
        task: TaskId,
        /// How.
        how: String,
    },
}

impl Unfinished {
    /// Says what the user can do.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Failed { task, reason: Reason::Budget | Reason::Deadline, .. } => {
                format!("ax task retry {task} --calls 100 --usd 1 --minutes 60")
            }
            Self::Failed { task, .. } => format!("ax task show {task}, then ax task retry {task}"),
            Self::Paused { why: Why::Approval | Why::Form, .. } => "ax approve list".to_owned(),
            Self::Paused { task, why: Why::Budget, .. } => {
                format!("ax task resume {task} --calls 100 --usd 1 --minutes 60")
            }
            Self::Paused { task, why: Why::InDoubt, .. } => format!(
                "find out whether it happened, then ax task resume {task} with --happened JSON, \
                 --again or --failed"
            ),
            Self::Paused { task, why: Why::Person, .. } | Self::Left { task, .. } => {
                format!("ax task resume {task}")
            }
            Self::Unfit { task, .. } | Self::Diverged { task, .. } => {
                format!("ax task show {task}")
            }
        }
    }
}

/// Says what a task waits for.
fn resting(why: Why) -> &'static str {
    match why {
        Why::Person => "somebody asked for it",
        Why::Approval => "it waits for an approval",
        Why::Form => "it waits for a form to be filled in",
        Why::Budget => "its budget is used up",
        Why::InDoubt => "nobody knows whether one of its effects happened",
    }
}
