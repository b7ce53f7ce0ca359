//! The text of a lock, written.
//!
//! Invariant: what is written can be read back; a lock that could not is refused here, before it is
//! on any disk.
//! Not here: the file (`generation`).

use super::LOCK_VERSION;
use super::LockError;
use super::Lockfile;
use crate::printable::printable;

/// What a person who opens the file should know.
const PREFACE: &str = "# Written by `ax`; not edited by hand. `ax plugin list` shows it.\n";

impl Lockfile {
    /// Writes the one text of this lock.
    ///
    /// # Errors
    ///
    /// [`LockError::Newer`] or [`LockError::UnknownVersion`] when the version is not
    /// [`LOCK_VERSION`], [`LockError::Unwritable`], [`LockError::TooLarge`].
    pub fn to_text(&self) -> Result<String, LockError> {
        match self.version {
            LOCK_VERSION => {}
            found if found > LOCK_VERSION => return Err(LockError::Newer { found }),
            found => return Err(LockError::UnknownVersion { found }),
        }
        let unwritable = |why: String| LockError::Unwritable { why: printable(&why) };
        let body = toml::to_string(self).map_err(|error| unwritable(error.to_string()))?;
        let text = format!("{PREFACE}{body}");
        // A folder, for one, may have a name that the strict reader refuses.
        match Self::parse(&text) {
            Ok(read) if read == *self => Ok(text),
            Ok(_) => Err(unwritable("it would not be read back as it is".to_owned())),
            Err(LockError::Malformed { why, .. }) => Err(unwritable(why)),
            Err(other) => Err(other),
        }
    }
}
