//! The public states of a task, and which signal may follow which.
//!
//! ```text
//! Idle --Start--> Planning --Plan--> Planning --Execute--> Executing --Complete--> Completed
//! Planning, Executing --Pause--> Paused --Resume--> where it was
//! any but terminal --Fail | Cancel--> Failed --Retry--> Planning
//! ```
//!
//! Invariant: every cell of states and signals is written out in [`State::after`]; what is not allowed
//! there is refused everywhere.
//! Not here: what a task does while it is executing (`step`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a paused task was, and goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resting {
    /// Its plan was not made yet.
    Planning,
    /// It was at work.
    Executing,
}

/// Why a task is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// A person asked for it.
    Person,
    /// It waits for a person to allow something.
    Approval,
    /// It waits for a person to fill in a form.
    Form,
    /// Its budget is used up.
    Budget,
    /// Nobody knows whether one of its effects happened.
    InDoubt,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Person, Self::Approval, Self::Form, Self::Budget, Self::InDoubt];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Approval => "approval",
            Self::Form => "form",
            Self::Budget => "budget",
            Self::InDoubt => "in-doubt",
        }
    }
}

/// Why a task failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Something it needed failed.
    Error,
    /// Somebody cancelled it.
    Cancelled,
    /// Its budget was used up, and it was told to fail then.
    Budget,
    /// A person said that what is in doubt cannot be settled.
    InDoubt,
    /// It did something else than what is on record of it.
    Nondeterminism,
    /// Its time was up.
    Deadline,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Error,
        Self::Cancelled,
        Self::Budget,
        Self::InDoubt,
        Self::Nondeterminism,
        Self::Deadline,
    ];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Budget => "budget",
            Self::InDoubt => "in-doubt",
            Self::Nondeterminism => "nondeterminism",
            Self::Deadline => "deadline",
        }
    }
}

/// The public state of a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing has happened.
    #[default]
    Idle,
    /// It is being decided what is to be done.
    Planning,
    /// It is at work, or waits for something that comes by itself.
    Executing,
    /// It waits for a person.
    Paused {
        /// Where it goes on.
        resume_to: Resting,
        /// What it waits for.
        why: Why,
    },
    /// It is done.
    Completed,
    /// It ended without being done.
    Failed {
        /// Why.
        reason: Reason,
    },
}

/// What may happen to a task, as far as its public state is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// It is begun.
    Start,
    /// Its plan is made.
    Plan,
    /// It sets to work.
    Execute,
    /// It rests.
    Pause(Why),
    /// It goes on.
    Resume,
    /// It is done.
    Complete,
    /// It fails.
    Fail(Reason),
    /// Somebody cancels it.
    Cancel,
    /// Somebody wants it tried again.
    Retry,
    /// Something happens inside of it that only work can bring about.
    Act,
    /// Something that it began has come to its end, or an answer has come.
    Learn,
}

impl State {
    /// Answers whether nothing but a retry can follow.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed { .. })
    }

    /// Returns the state that follows, or none where the signal cannot come.
    #[must_use]
    pub fn after(self, signal: Signal) -> Option<Self> {
        use {Resting as R, Signal as E, State as S};
        match (self, signal) {
            (S::Idle, E::Start) => Some(S::Planning),
            (S::Idle, E::Fail(reason)) => Some(S::Failed { reason }),
            (S::Idle, E::Cancel) => Some(S::Failed { reason: Reason::Cancelled }),
            (S::Idle, E::Plan | E::Execute | E::Pause(_) | E::Resume) => None,
            (S::Idle, E::Complete | E::Retry | E::Act | E::Learn) => None,

            (S::Planning, E::Plan) => Some(S::Planning),
            (S::Planning, E::Execute) => Some(S::Executing),
            (S::Planning, E::Pause(why)) => Some(S::Paused { resume_to: R::Planning, why }),
            (S::Planning, E::Fail(reason)) => Some(S::Failed { reason }),
            (S::Planning, E::Cancel) => Some(S::Failed { reason: Reason::Cancelled }),
            (S::Planning, E::Start | E::Resume | E::Complete | E::Retry) => None,
            (S::Planning, E::Act | E::Learn) => None,

            (S::Executing, E::Act | E::Learn) => Some(S::Executing),
            (S::Executing, E::Pause(why)) => Some(S::Paused { resume_to: R::Executing, why }),
            (S::Executing, E::Complete) => Some(S::Completed),
            (S::Executing, E::Fail(reason)) => Some(S::Failed { reason }),
            (S::Executing, E::Cancel) => Some(S::Failed { reason: Reason::Cancelled }),
            (S::Executing, E::Start | E::Plan | E::Execute) => None,
            (S::Executing, E::Resume | E::Retry) => None,

            (S::Paused { resume_to: R::Planning, .. }, E::Resume) => Some(S::Planning),
            (S::Paused { resume_to: R::Executing, .. }, E::Resume) => Some(S::Executing),
            // What was begun before ends while it rests; the answer it waits for comes.
            (S::Paused { resume_to: R::Executing, .. }, E::Learn) => Some(self),
            (S::Paused { resume_to: R::Planning, .. }, E::Learn) => None,
            // Another reason to rest replaces the first: a person's word, mostly.
            (S::Paused { resume_to, .. }, E::Pause(why)) => Some(S::Paused { resume_to, why }),
            (S::Paused { .. }, E::Fail(reason)) => Some(S::Failed { reason }),
            (S::Paused { .. }, E::Cancel) => Some(S::Failed { reason: Reason::Cancelled }),
            (S::Paused { .. }, E::Start | E::Plan | E::Execute) => None,
            (S::Paused { .. }, E::Complete | E::Retry | E::Act) => None,

            (S::Completed, E::Start | E::Plan | E::Execute | E::Pause(_) | E::Resume) => None,
            (S::Completed, E::Complete | E::Fail(_) | E::Cancel) => None,
            (S::Completed, E::Retry | E::Act | E::Learn) => None,

            (S::Failed { .. }, E::Retry) => Some(S::Planning),
            (S::Failed { .. }, E::Start | E::Plan | E::Execute | E::Pause(_)) => None,
            (S::Failed { .. }, E::Resume | E::Complete | E::Fail(_) | E::Cancel) => None,
            (S::Failed { .. }, E::Act | E::Learn) => None,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => write!(f, "idle"),
            Self::Planning => write!(f, "planning"),
            Self::Executing => write!(f, "executing"),
            Self::Paused { why, .. } => write!(f, "paused ({})", why.word()),
            Self::Completed => write!(f, "completed"),
            Self::Failed { reason } => write!(f, "failed ({})", reason.word()),
        }
    }
}
