//! The text of a lock, read strictly.
//!
//! Invariant: a lock of a newer form is recognised before anything else in it is judged, so that an
//! older `ax` never calls it broken and never writes over it.
//! Not here: opening the file (`generation`).

use serde::Deserialize;

use super::LOCK_VERSION;
use super::Lockfile;
use crate::printable::printable;

/// Most bytes of a lock's text: ten thousand plugins of 800 bytes.
pub const LOCK_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The oldest version of the form that is read; what it lacks has a default.
const OLDEST_VERSION: u32 = 1;

/// Why a lock could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// A newer `ax` wrote it.
    #[error("the lock has version {found}, but this `ax` knows {LOCK_VERSION}")]
    Newer { found: u32 },
    /// No `ax` wrote it: there was no version before 1.
    #[error("the lock has version {found}, which never existed")]
    UnknownVersion { found: u32 },
    /// It is not the TOML of a lock; line and column count from 1.
    #[error("plugins.lock:{line}:{column}: {why}")]
    Malformed { line: usize, column: usize, why: String },
    /// It is larger than any lock may be.
    #[error("the lock has {bytes} bytes, more than {max}")]
    TooLarge { bytes: u64, max: u64 },
    /// A value could not be read back, such as a source folder with a line break in its name.
    #[error("the lock cannot be written: {why}")]
    Unwritable { why: String },
}

impl LockError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Newer { .. } => Some("upgrade `ax`; nothing was changed".to_owned()),
            Self::UnknownVersion { .. } | Self::Malformed { .. } | Self::TooLarge { .. } => {
                Some("`plugins.lock` is not edited by hand; type `ax doctor`".to_owned())
            }
            Self::Unwritable { .. } => None,
        }
    }
}

/// The one key that every version of the form has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Lockfile {
    /// Reads the text of a lock.
    ///
    /// # Errors
    ///
    /// [`LockError::Newer`] for a later form whatever else it holds; [`LockError::UnknownVersion`],
    /// [`LockError::Malformed`], [`LockError::TooLarge`].
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let bytes = text.len() as u64;
        if bytes > LOCK_BYTES_MAX {
            return Err(LockError::TooLarge { bytes, max: LOCK_BYTES_MAX });
        }
        let malformed = |error: toml::de::Error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            LockError::Malformed { line, column, why: printable(error.message()) }
        };
        let Versioned { version: found } = toml::from_str(text).map_err(malformed)?;
        match found {
            OLDEST_VERSION..=LOCK_VERSION => {
                let lock: Self = toml::from_str(text).map_err(malformed)?;
                Ok(Self { version: LOCK_VERSION, ..lock })
            }
            newer if newer > LOCK_VERSION => Err(LockError::Newer { found }),
            _ => Err(LockError::UnknownVersion { found }),
        }
    }
}

/// Gives line and column of a byte, both from 1; the column counts characters.
pub(crate) fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..text.floor_char_boundary(byte)).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}
