//! Finds the folder a command works on: the nearest one upward that holds `ax.toml`.
//!
//! Invariant: a folder becomes the workspace because somebody named it or put `ax.toml` into it,
//! never because a command happened to run there.
//! Not here: reading `ax.toml` (`file`, `project`); opening the folder for plugins (`plugin`).

use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::config::error::ConfigError;
use crate::config::file::is_absence;
use crate::config::source::Source;

/// The name of a project's file, which makes its folder a workspace.
pub const PROJECT_FILE: &str = "ax.toml";

/// What looking for `ax.toml` in one folder found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Holds,
    Lacks,
    /// It lacks it, or hides whether, and may not be read: whoever owns what is above did not mean
    /// it for this user.
    Barred,
}

/// Returns the nearest folder from `start` upward that holds `ax.toml`, whatever that is. Stops at
/// the root of the file system and at a folder that may not be read.
///
/// # Errors
///
/// When a folder on the way cannot be looked into for another reason than missing rights.
pub(super) fn find(start: &Path) -> Result<Option<PathBuf>, ConfigError> {
    climb(start, look)
}

/// Climbs from `start`. The path is finite and each step shortens it.
fn climb(
    start: &Path,
    mut look: impl FnMut(&Path) -> Result<Look, ConfigError>,
) -> Result<Option<PathBuf>, ConfigError> {
    for folder in start.ancestors() {
        match look(folder)? {
            Look::Holds => return Ok(Some(folder.to_owned())),
            Look::Lacks => {}
            Look::Barred => return Ok(None),
        }
    }
    Ok(None)
}

fn look(folder: &Path) -> Result<Look, ConfigError> {
    let path = folder.join(PROJECT_FILE);
    match fs_err::symlink_metadata(&path) {
        Ok(_) => Ok(Look::Holds),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Look::Barred),
        Err(error) if is_absence(&error) => {
            Ok(if fs_err::read_dir(folder).is_ok() { Look::Lacks } else { Look::Barred })
        }
        Err(source) => Err(ConfigError::Unreadable { path, source }),
    }
}

/// Converts a folder that somebody named into its real path, so that a grant for it holds however
/// the next command reaches it.
///
/// # Errors
///
/// When there is no folder, or it cannot be reached.
pub(super) fn real_folder(path: PathBuf, named_by: &Source) -> Result<PathBuf, ConfigError> {
    let real = fs_err::canonicalize(&path).and_then(|real| {
        if fs_err::metadata(&real)?.is_dir() {
            Ok(real)
        } else {
            Err(io::Error::from(io::ErrorKind::NotADirectory))
        }
    });
    real.map_err(|source| ConfigError::Folder { path, named_by: named_by.clone(), source })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::path::PathBuf;

    use super::Look;
    use super::climb;
    use super::find;
    use super::real_folder;
    use crate::config::source::Source;

    /// Climbs from /a/b/c; returns what was found and how many folders were looked into.
    fn climbed(found: &[(&str, Look)]) -> (Option<PathBuf>, usize) {
        let mut looks = 0;
        let workspace = climb(Path::new("/a/b/c"), |folder| {
            looks += 1;
            let found = found.iter().find(|(path, _)| Path::new(path) == folder);
            Ok(found.map_or(Look::Lacks, |(_, look)| *look))
        });
        (workspace.expect("no errors"), looks)
    }

    #[test]
    fn nothing_above_a_folder_that_may_not_be_read_is_looked_at() {
        let above = ("/", Look::Holds);
        assert_eq!(climbed(&[("/a/b", Look::Barred), above]), (None, 2));
        assert_eq!(climbed(&[("/a/b/c", Look::Barred), above]), (None, 1));
    }

    #[test]
    fn the_search_ends_at_the_root() {
        assert_eq!(climbed(&[]), (None, 4));
        assert_eq!(climbed(&[("/", Look::Holds)]), (Some(PathBuf::from("/")), 4));
    }

    #[test]
    fn the_nearest_folder_wins() {
        let both = [("/a", Look::Holds), ("/a/b", Look::Holds)];
        assert_eq!(climbed(&both), (Some(PathBuf::from("/a/b")), 2));
    }

    #[test]
    fn a_folder_with_the_file_is_found_from_below() {
        let top = tempfile::tempdir().expect("a folder");
        let top = fs_err::canonicalize(top.path()).expect("real");
        let below = top.join("src/deep");
        fs_err::create_dir_all(&below).expect("made");
        fs_err::write(top.join("ax.toml"), "").expect("written");
        assert_eq!(find(&below).expect("found"), Some(top.clone()));
        assert_eq!(find(&top).expect("found"), Some(top));
    }

    #[test]
    fn a_named_folder_must_be_there_and_is_shown_without_links() {
        let top = tempfile::tempdir().expect("a folder");
        let top = fs_err::canonicalize(top.path()).expect("real");
        let flag = Source::Flag("--workspace");
        fs_err::create_dir(top.join("real")).expect("made");
        fs_err::write(top.join("file"), "").expect("written");
        fs_err::os::unix::fs::symlink("real", top.join("link")).expect("a link");
        fs_err::os::unix::fs::symlink("loop", top.join("loop")).expect("a link");
        for wrong in ["none", "file", "loop", "file/x"] {
            let error = real_folder(top.join(wrong), &flag).expect_err(wrong).to_string();
            assert!(error.ends_with("of flag --workspace"), "{error}");
        }
        assert_eq!(real_folder(top.join("link"), &flag).expect("there"), top.join("real"));
    }
}
