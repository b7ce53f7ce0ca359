//! Codes and exit codes of tasks.

use super::super::codes;
use super::super::fault::exit;
use super::super::unfinished::Unfinished;
use super::{Code, app, change, policy, tools};
use crate::app::TaskError;
use crate::journal::JournalError;
use crate::runtime::RuntimeError;
use crate::workflow::{Reason, Why};

/// Why a task cannot begin or go on.
pub(super) fn task(error: &TaskError) -> (Code, u8) {
    match error {
        TaskError::Read { .. } | TaskError::TooLong { .. } | TaskError::TooManyFiles { .. } => {
            (codes::WORKFLOW, exit::USAGE)
        }
        TaskError::Spec { .. } | TaskError::NotPinned { .. } => (codes::WORKFLOW, exit::FINDINGS),
        TaskError::Input { .. } => (codes::INPUT, exit::USAGE),
        TaskError::NoAgent { .. } => (codes::NO_AGENT, exit::NOT_FOUND),
        TaskError::Change(error) => change(error),
        TaskError::Tools(error) => tools(error),
        TaskError::Policy(error) => policy(error),
        TaskError::App(error) => app(error),
        TaskError::Runtime(RuntimeError::Journal(error)) | TaskError::Journal(error) => {
            journal(error)
        }
        TaskError::Runtime(RuntimeError::Illegal(_)) => (codes::JOURNAL, exit::FAILED),
        TaskError::Runtime(RuntimeError::State { .. }) => (codes::TASK_STATE, exit::FAILED),
        TaskError::Random(_) => (codes::SYSTEM, exit::FAILED),
    }
}

fn journal(error: &JournalError) -> (Code, u8) {
    use JournalError as E;
    match error {
        E::Unknown { .. } | E::Deleted { .. } => (codes::NO_TASK, exit::NOT_FOUND),
        E::Ambiguous { .. } => (codes::NO_TASK, exit::USAGE),
        E::NotAsked { .. } => (codes::NO_TASK, exit::NOT_FOUND),
        E::Held { .. } | E::Stale { .. } => (codes::TASK_HELD, exit::FAILED),
        E::NotOver { .. } | E::Answered { .. } | E::Changed { .. } | E::Expired { .. } => {
            (codes::TASK_STATE, exit::FAILED)
        }
        _ => (codes::JOURNAL, exit::FAILED),
    }
}

/// A task that is not done.
pub(super) fn unfinished(unfinished: &Unfinished) -> (Code, u8) {
    match unfinished {
        Unfinished::Failed { reason, .. } => match reason {
            Reason::Deadline => (codes::TASK_FAILED, exit::TIMEOUT),
            Reason::Nondeterminism => (codes::TASK_DIVERGED, exit::FAILED),
            Reason::Cancelled | Reason::Error | Reason::Budget | Reason::InDoubt => {
                (codes::TASK_FAILED, exit::FAILED)
            }
        },
        Unfinished::Paused { was_stopped: true, .. } => (codes::TASK_RESTS, exit::INTERRUPTED),
        Unfinished::Paused { why: Why::Approval | Why::Form, .. } => {
            (codes::TASK_RESTS, exit::USAGE)
        }
        Unfinished::Paused { why: Why::InDoubt, .. } => (codes::TASK_IN_DOUBT, exit::FAILED),
        Unfinished::Paused { why: Why::Person | Why::Budget, .. } | Unfinished::Left { .. } => {
            (codes::TASK_RESTS, exit::FAILED)
        }
        Unfinished::Unfit { .. } => (codes::TASK_STATE, exit::FAILED),
        Unfinished::Diverged { .. } => (codes::TASK_DIVERGED, exit::FINDINGS),
    }
}
