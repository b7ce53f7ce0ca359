//! Folders an operator bound to names, so that a permission can speak of `workspace`.
//!
//! A folder is opened once, when the host starts: later renames and symlinks in its path change
//! nothing. Which plugin may use it is decided by `gate`; escapes are refused by cap-std beneath
//! `wasi:filesystem`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ax_manifest::{Access, Permission};
use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::text;

/// A folder bound to a name.
#[derive(Debug, Clone)]
pub struct Folder {
    name: String,
    path: PathBuf,
    dir: Arc<File>,
    read: Permission,
    write: Permission,
}

/// Why a folder cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the folder `{name}` at `{path}`", path = .path.display())]
pub struct FolderError {
    /// The name it was to be bound to.
    pub name: String,
    /// Where it was looked for.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: std::io::Error,
}

impl Folder {
    /// Opens the folder at `path` and binds it to `name`.
    ///
    /// # Errors
    ///
    /// When there is no folder there, or it may not be opened.
    pub fn bind(name: &str, path: &Path) -> Result<Self, FolderError> {
        let fail = |source| FolderError { name: name.to_owned(), path: path.to_owned(), source };
        let path = path.canonicalize().map_err(fail)?;
        // The path stands on the card that a person agrees to: it must read as what it is.
        if !path.to_str().is_some_and(|text| text.chars().all(text::is_shown_on_a_line)) {
            let why = "its path holds characters that cannot be shown";
            return Err(fail(std::io::Error::new(std::io::ErrorKind::InvalidInput, why)));
        }
        let dir = Dir::open_ambient_dir(&path, ambient_authority()).map_err(fail)?;
        let permission = |access| Permission::Fs { folder: name.to_owned(), access };
        Ok(Self {
            name: name.to_owned(),
            path,
            dir: Arc::new(dir.into_std_file()),
            read: permission(Access::Read),
            write: permission(Access::Write),
        })
    }

    /// Returns the name permissions use.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the absolute path, without symlinks.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where a guest sees the folder.
    pub(super) fn guest_path(&self) -> String {
        format!("/{}", self.name)
    }

    /// Returns the permission for reading it, or for writing it.
    pub(super) fn permission(&self, access: Access) -> &Permission {
        match access {
            Access::Read => &self.read,
            Access::Write => &self.write,
        }
    }

    /// Returns another handle of the opened folder.
    pub(super) fn handle(&self) -> std::io::Result<File> {
        self.dir.try_clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_and_a_file_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs_err::write(&file, "x").unwrap();
        assert!(Folder::bind("workspace", &file).is_err());
        let error = Folder::bind("workspace", &home.path().join("none")).unwrap_err();
        assert!(error.to_string().contains("the folder `workspace`"), "{error}");
    }

    #[test]
    fn a_path_that_cannot_be_shown_is_refused() {
        use std::os::unix::ffi::OsStrExt;
        let home = tempfile::tempdir().unwrap();
        for name in [b"w\xff".as_slice(), b"a\x1b[1Ab", "a\u{202e}b".as_bytes(), b"a\nb"] {
            let path = home.path().join(std::ffi::OsStr::from_bytes(name));
            fs_err::create_dir(&path).unwrap();
            assert!(Folder::bind("workspace", &path).is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_path_shown_is_the_real_one() {
        let home = tempfile::tempdir().unwrap();
        let real = home.path().join("real");
        fs_err::create_dir(&real).unwrap();
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let folder = Folder::bind("workspace", &link).unwrap();
        assert_eq!(folder.path(), real.canonicalize().unwrap());
        assert_eq!(folder.guest_path(), "/workspace");
    }
}
