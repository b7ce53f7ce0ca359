//! What cases are read with: the files beside them, the permissions that their plugin asks for, and how
//! much of all may be read.
//!
//! Invariant: what lies outside the folder of the cases is not read, and all that is read together is
//! bounded, however often a file is named.

use std::cell::Cell;
use std::path::Path;

use ax_manifest::PermissionSet;
use serde_json::Value;

use super::case::CaseError;
use super::tree::{Tree, TreeError};

/// Bytes of a file of cases, and of each file that a case names.
pub(super) const FILE_BYTES_MAX: u64 = 4 << 20;

/// Bytes of all files of cases and of what they name, counted as often as it is named. All of it is held
/// while cases run, as values of up to some twenty times that.
pub(super) const ALL_BYTES_MAX: u64 = 64 << 20;

/// What cases are read with.
pub(super) struct Given<'a> {
    /// The folder of the cases, if there is one.
    pub(super) tests: Option<&'a Tree>,
    /// What the manifest asks for.
    pub(super) asked: PermissionSet,
    bytes_left: Cell<u64>,
}

impl<'a> Given<'a> {
    pub(super) fn new(tests: Option<&'a Tree>, asked: PermissionSet) -> Self {
        Self { tests, asked, bytes_left: Cell::new(ALL_BYTES_MAX) }
    }

    /// Reads a file of the folder.
    pub(super) fn read(&self, name: &Path) -> Result<String, CaseError> {
        let absent = || TreeError::System {
            name: name.display().to_string(),
            done: "read",
            source: std::io::ErrorKind::NotFound.into(),
        };
        let text = self.tests.ok_or_else(absent)?.read(name, FILE_BYTES_MAX)?;
        let left = self.bytes_left.get().checked_sub(text.len() as u64);
        self.bytes_left.set(left.ok_or(CaseError::TooMuch)?);
        Ok(text)
    }

    /// Reads a file that a case names.
    pub(super) fn text(&self, name: &str) -> Result<String, String> {
        if !is_below(name) {
            return Err(format!("`{name}` does not lie beside it"));
        }
        self.read(Path::new(name)).map_err(|error| match error {
            CaseError::File(error) => error.in_full(),
            other => format!("`{name}`: {other}"),
        })
    }

    /// Reads a file of JSON that a case names.
    pub(super) fn json(&self, name: &str) -> Result<Value, String> {
        let text = self.text(name)?;
        serde_json::from_str(&text).map_err(|error| format!("`{name}` is no JSON: {error}"))
    }

    /// Looks whether there is a folder of this name.
    pub(super) fn look_for_folder(&self, name: &str) -> Result<(), String> {
        let none = || format!("there is no folder `{name}` beside it");
        let tests = self.tests.filter(|_| is_below(name)).ok_or_else(none)?;
        tests.folder(Path::new(name)).map(drop).map_err(|error| match error {
            TreeError::Link { .. } => error.to_string(),
            _ => none(),
        })
    }
}

/// Answers whether a path leads to something below where it begins.
pub(super) fn is_below(path: &str) -> bool {
    use std::path::Component;
    let mut parts = Path::new(path).components().peekable();
    !path.contains('\0')
        && parts.peek().is_some()
        && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_again_and_again_counts_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = fs_err::File::create(folder.path().join("large.txt")).unwrap();
        file.set_len(FILE_BYTES_MAX).unwrap();
        let tree = Tree::at(folder.path()).unwrap();
        let given = Given::new(Some(&tree), PermissionSet::new());
        for _ in 0..ALL_BYTES_MAX / FILE_BYTES_MAX {
            assert!(given.text("large.txt").is_ok());
        }
        let refused = given.text("large.txt").unwrap_err();
        assert_eq!(
            refused,
            "`large.txt`: all cases and what they name have more than 64 MiB together"
        );
        file.set_len(FILE_BYTES_MAX + 1).unwrap();
        assert_eq!(given.text("large.txt").unwrap_err(), "`large.txt` has more than 4 MiB");
    }

    #[test]
    fn what_is_not_beside_the_cases_is_not_named() {
        for stray in ["", "/etc/passwd", "../a", "a/../../b", ".", "a\0b"] {
            assert!(!is_below(stray), "{stray:?}");
        }
        assert!(is_below("a/b.txt"));
    }
}
