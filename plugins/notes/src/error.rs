//! Why something could not be done with the notes.
//!
//! Not here: which kind of error each one is to a caller (`tool`).

use ax_sdk::ErrorKind;
use thiserror::Error;

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotesError {
    /// The request is wrong.
    #[error("`{member}` {why}")]
    Invalid {
        /// The member that is.
        member: &'static str,
        /// What is wrong with it, as the rest of a sentence.
        why: String,
    },
    /// There is no such note.
    #[error("there is no note {id}")]
    NoNote {
        /// Its number.
        id: u64,
    },
    /// The note has another version than the change was meant for.
    #[error("note {id} has version {found}, not {given}")]
    Version {
        /// Its number.
        id: u64,
        /// The version in the request.
        given: u64,
        /// The version it has.
        found: u64,
    },
    /// Other calls changed the same data, over and over.
    #[error("other calls changed the notes {attempts} times while this one tried to")]
    Contention {
        /// How often it tried.
        attempts: u32,
    },
    /// Somebody asked to stop.
    #[error("stopped after {blocks} blocks of the index")]
    Cancelled {
        /// What was read so far.
        blocks: u64,
    },
    /// What is kept there is not what this plugin writes.
    #[error("what is kept at `{key}` cannot be read: {why}")]
    Damaged {
        /// The key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// Data of that version cannot be brought to this one.
    #[error("notes of version `{from}` cannot be brought to `{to}`")]
    Origin {
        /// The version they are of.
        from: String,
        /// The version of this plugin.
        to: String,
    },
    /// There is no room.
    #[error("the store of notes is full (`{limit}`)")]
    Full {
        /// What there is too much of, as the store calls it.
        limit: String,
    },
    /// The store said no.
    #[error("{0}")]
    Store(ax_sdk::Error),
}

impl From<ax_sdk::Error> for NotesError {
    fn from(cause: ax_sdk::Error) -> Self {
        match cause.kind {
            ErrorKind::Exhausted if cause.code.starts_with("kv-") => {
                Self::Full { limit: cause.code }
            }
            _ => Self::Store(cause),
        }
    }
}

impl NotesError {
    /// Says what the caller can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Version { .. } => Some("read it again, then decide".to_owned()),
            Self::Contention { .. } => Some("ask again".to_owned()),
            Self::Origin { .. } => Some("this release reads notes of 0.1 and 0.2 only".to_owned()),
            Self::Full { .. } => {
                Some("remove notes that are no longer needed, or shorten long ones".to_owned())
            }
            Self::Store(_)
            | Self::Invalid { .. }
            | Self::NoNote { .. }
            | Self::Cancelled { .. }
            | Self::Damaged { .. } => None,
        }
    }
}

/// Makes the error for a member of a request.
pub(crate) fn invalid(member: &'static str, why: impl Into<String>) -> NotesError {
    NotesError::Invalid { member, why: why.into() }
}

/// Makes the error for data that cannot be read.
pub(crate) fn damaged(key: &str, why: impl ToString) -> NotesError {
    NotesError::Damaged { key: key.to_owned(), why: why.to_string() }
}
