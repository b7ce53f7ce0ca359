//! Turns the text of a path into an absolute path.
//!
//! ```text
//! flag             relative to the current folder (or `-C`)
//! file, variable   absolute only: they outlive the folder they were written in
//! everywhere       `~/` is the home folder, since no one means a folder called `~`
//! ```
//!
//! Invariant: pure; nothing is looked up, `..` and links stay as they are.
//! Not here: whether something is there (`workspace`, `file`, and who opens it).

use std::path::Path;
use std::path::PathBuf;

/// What a path may be relative to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bases<'a> {
    /// What a relative path starts from; nothing where it has to be absolute.
    pub(super) directory: Option<&'a Path>,
    /// What `~` stands for.
    pub(super) home: Option<&'a Path>,
}

/// Why a text is not the path of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFlaw {
    /// There is no text. Joined to a folder it would mean that folder.
    #[error("it is empty")]
    Empty,
    /// A file or variable holds a relative path.
    #[error("it is not absolute")]
    Relative,
    /// It starts with `~/` and there is no home folder.
    #[error("`~` stands for HOME, which is not set")]
    NoHome,
    /// It holds a character that no path can hold.
    #[error("it holds a NUL character")]
    Nul,
}

impl PathFlaw {
    /// Says what the user can do, to follow a "write" of the caller.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Empty | Self::Nul => "a path, like `/srv/data` or `~/data`",
            Self::Relative => "the whole path, like `/srv/data` or `~/data`",
            Self::NoHome => "the whole path, like `/srv/data`",
        }
    }
}

/// Converts `path` into an absolute path without `.` and doubled slashes.
///
/// # Errors
///
/// [`PathFlaw`] for an empty path, one with a NUL, a relative one when `bases` has no directory,
/// one that starts with `~/` when it has no home.
pub(super) fn resolve(path: &Path, bases: Bases<'_>) -> Result<PathBuf, PathFlaw> {
    if path.as_os_str().is_empty() {
        return Err(PathFlaw::Empty);
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(PathFlaw::Nul);
    }
    let whole = match path.strip_prefix("~") {
        Ok(rest) => bases.home.ok_or(PathFlaw::NoHome)?.join(rest),
        Err(_) if path.is_absolute() => path.to_owned(),
        Err(_) => bases.directory.ok_or(PathFlaw::Relative)?.join(path),
    };
    Ok(whole.components().collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Bases, PathFlaw, resolve};

    fn of_flag(path: &str) -> Result<String, PathFlaw> {
        let bases = Bases { directory: Some(Path::new("/work")), home: Some(Path::new("/home/u")) };
        resolve(Path::new(path), bases).map(|path| path.display().to_string())
    }

    fn of_file(path: &str, home: Option<&str>) -> Result<String, PathFlaw> {
        let bases = Bases { directory: None, home: home.map(Path::new) };
        resolve(Path::new(path), bases).map(|path| path.display().to_string())
    }

    #[test]
    fn an_empty_path_never_means_the_current_folder() {
        assert_eq!(of_flag(""), Err(PathFlaw::Empty));
        assert_eq!(of_file("", None), Err(PathFlaw::Empty));
    }

    #[test]
    fn a_relative_path_is_refused_in_a_file() {
        for path in ["data", "./data", "../data", ".", "~user/data", "~data"] {
            assert_eq!(of_file(path, Some("/home/u")), Err(PathFlaw::Relative), "{path}");
        }
        assert_eq!(of_file("~/data", None), Err(PathFlaw::NoHome));
        assert_eq!(of_file("/a\0b", None), Err(PathFlaw::Nul));
    }

    #[test]
    fn a_flag_is_relative_to_the_current_folder() {
        assert_eq!(of_flag("data").as_deref(), Ok("/work/data"));
        assert_eq!(of_flag(".").as_deref(), Ok("/work"));
        assert_eq!(of_flag("../data").as_deref(), Ok("/work/../data"));
        assert_eq!(of_flag("/srv//x/./y/").as_deref(), Ok("/srv/x/y"));
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        assert_eq!(of_flag("~/data").as_deref(), Ok("/home/u/data"));
        assert_eq!(of_file("~/data", Some("/home/u")).as_deref(), Ok("/home/u/data"));
        assert_eq!(of_file("~", Some("/home/u")).as_deref(), Ok("/home/u"));
    }
}
