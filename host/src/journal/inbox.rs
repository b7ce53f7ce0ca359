//! What others want of a task: they write it down, and whoever owns the task deals with it.
//!
//! Invariant: a question is answered once; who comes second is told what the first said. A letter is gone
//! when what came of it is on record, not before.
//! Not here: what is done with a letter (`runtime`).

use ax_manifest::Digest;
use serde::{Deserialize, Serialize};

use crate::workflow::{Answer, Budget, TaskId, Text, Verdict};

/// Letters that may wait for one task: more is a mistake in a loop.
pub const LETTERS_MAX: usize = 1_000;

/// What is wanted of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// That it rests.
    Pause,
    /// That it goes on.
    Resume,
    /// That it ends.
    Cancel,
    /// That it is tried again.
    Retry {
        /// Whether what an agent did before is forgotten.
        anew: bool,
    },
    /// That it takes an answer to a question.
    Answer {
        /// The entry of the question.
        question: u64,
        /// What the answer holds for, as it was looked at.
        bound_to: Digest,
        /// What they say.
        answer: Answer,
    },
    /// That an effect in doubt is settled.
    Settle {
        /// The entry of the intent.
        intent: u64,
        /// What they say.
        verdict: Verdict,
    },
    /// That it hears of something outside.
    Signal {
        /// Its name.
        name: String,
        /// What comes with it.
        data: Text,
    },
    /// That it may use more.
    Raise {
        /// What holds from now on.
        budget: Budget,
        /// The deadline from now on, in milliseconds since the Unix epoch.
        deadline_ms: Option<u64>,
    },
}

impl Request {
    /// Returns its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Retry { .. } => "retry",
            Self::Answer { .. } => "answer",
            Self::Settle { .. } => "settle",
            Self::Signal { .. } => "signal",
            Self::Raise { .. } => "raise",
        }
    }
}

/// What somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its number: later ones have larger ones.
    pub id: u64,
    /// To which task.
    pub run: TaskId,
    /// What they want.
    pub request: Request,
    /// Who.
    pub by: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// A question that nobody has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Of which task.
    pub run: TaskId,
    /// The entry.
    pub seq: u64,
    /// Whether it asks for a form to be filled in, rather than for yes or no. The form is in the entry.
    pub is_form: bool,
    /// What the answer holds for.
    pub bound_to: Digest,
    /// The question, one line.
    pub text: String,
    /// When it was asked, in milliseconds since the Unix epoch.
    pub asked_at_ms: u64,
    /// When no answer is a refusal, in milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
}

/// Returns the word of an answer.
pub(super) fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Filled(_) => "filled",
        Answer::TimedOut => "timed-out",
        Answer::Void => "void",
    }
}
