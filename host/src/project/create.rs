//! Makes a new project.
//!
//! ```text
//! no folder yet ──→ filled beside its place ──→ renamed there
//! an empty one  ──→ filled inside of it     ──→ each entry renamed, the manifest last
//! ```
//!
//! Invariant: what is no project yet has no `plugin.toml`; nothing that is there is written over.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tempfile::TempDir;

use super::sdk;
use super::template::{Language, NewPlugin};
use crate::folder::OpenFolder;

/// What makes a folder a project, and so appears last.
const MANIFEST: &str = "plugin.toml";

/// Why a project cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Something is there.
    #[error("`{folder}` is there already and not empty", folder = .folder.display())]
    Exists {
        /// Where it was to be.
        folder: PathBuf,
    },
    /// Python could not find modules there.
    #[error("`{folder}` has a colon in it, which parts the folders where Python looks for modules", folder = .folder.display())]
    Colon {
        /// Where it was to be.
        folder: PathBuf,
    },
    /// It cannot be written.
    #[error("cannot make `{folder}`", folder = .folder.display())]
    Write {
        /// Where it was to be.
        folder: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl CreateError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { .. } | Self::Colon { .. } => {
                Some("name another folder: ax new NAME DIR".to_owned())
            }
            Self::Write { folder, .. } => {
                Some(format!("check who owns the folder of `{}`", folder.display()))
            }
        }
    }
}

/// A project that was made.
#[derive(Debug)]
pub struct Created {
    /// Where it lies.
    pub folder: PathBuf,
    /// Its files, as seen from there, in the order to read them.
    pub files: Vec<PathBuf>,
}

/// Makes a project in `folder`, which is not there yet or empty.
///
/// # Errors
///
/// [`CreateError`]; what was begun is taken back, except for an empty folder.
pub fn create(new: &NewPlugin, folder: &Path) -> Result<Created, CreateError> {
    let wrong = |source| CreateError::Write { folder: folder.to_owned(), source };
    let is_there = match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => true,
        Ok(false) => return Err(CreateError::Exists { folder: folder.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(wrong(error)),
    };
    let whole = std::path::absolute(folder).map_err(wrong)?;
    if new.language == Language::Python && whole.as_os_str().as_bytes().contains(&b':') {
        return Err(CreateError::Colon { folder: whole });
    }
    let around = match folder.parent() {
        _ if is_there => folder,
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(around).map_err(wrong)?;
    let making = temporary(around).map_err(wrong)?;
    let files = new.files();
    fill(making.path(), new, &files).map_err(wrong)?;
    match is_there {
        true => move_out(making.path(), folder).map_err(wrong)?,
        false => {
            fs::rename(making.path(), folder).map_err(wrong)?;
            drop(making.keep());
        }
    }
    let files = files.into_iter().map(|(name, _)| name).collect();
    Ok(Created { folder: folder.to_owned(), files })
}

/// Makes a folder that goes with its handle, as open as this person makes folders.
fn temporary(around: &Path) -> io::Result<TempDir> {
    let mode = std::fs::Permissions::from_mode(0o777);
    tempfile::Builder::new().prefix(".ax-new-").permissions(mode).tempdir_in(around)
}

fn fill(folder: &Path, new: &NewPlugin, files: &[(PathBuf, String)]) -> io::Result<()> {
    for (name, text) in files {
        let path = folder.join(name);
        if let Some(below) = path.parent() {
            fs::create_dir_all(below)?;
        }
        fs::write(path, text)?;
    }
    Ok(sdk::write(&OpenFolder::at(folder)?, new.language)?)
}

/// Moves all that lies in a folder into the one around it, the manifest last.
fn move_out(from: &Path, to: &Path) -> io::Result<()> {
    let names = fs::read_dir(from)?.map(|entry| entry.map(|entry| entry.file_name()));
    let mut names = names.collect::<io::Result<Vec<OsString>>>()?;
    names.sort_by_key(|name| name == MANIFEST);
    let mut moved = Vec::new();
    for name in names {
        let place = to.join(&name);
        // Somebody may have put something there since it was empty.
        let free = match fs::symlink_metadata(&place) {
            Ok(_) => Err(io::Error::from(io::ErrorKind::AlreadyExists)),
            Err(_) => fs::rename(from.join(&name), &place),
        };
        if let Err(error) = free {
            // Back to where they go with the rest.
            for (name, place) in moved {
                drop(fs::rename(place, from.join(name)));
            }
            return Err(error);
        }
        moved.push((name, place));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::template::Kind;
    use super::*;

    fn hello() -> NewPlugin {
        NewPlugin { name: "my:hello".parse().unwrap(), language: Language::Rust, kind: Kind::Tools }
    }

    #[test]
    fn a_project_appears_whole_and_nothing_else_does() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("deep/hello");
        let created = create(&hello(), &folder).unwrap();
        assert!(created.files.iter().all(|name| folder.join(name).is_file()));
        let manifest = fs::read_to_string(folder.join("plugin.toml")).unwrap();
        assert!(manifest.contains("name = \"my:hello\"") && !manifest.contains("{{"), "{manifest}");
        assert_eq!(fs::read_dir(home.path().join("deep")).unwrap().count(), 1);
    }

    /// Lists what lies in a folder.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn an_empty_folder_is_filled_also_through_a_link() {
        let home = tempfile::tempdir().unwrap();
        let whole = home.path().join("whole");
        create(&hello(), &whole).unwrap();
        let (empty, link) = (home.path().join("empty"), home.path().join("link"));
        fs::create_dir(&empty).unwrap();
        std::os::unix::fs::symlink(&empty, &link).unwrap();
        create(&hello(), &link).unwrap();
        assert_eq!(names(&empty), names(&whole));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        // As open as folders here are: nothing is opened that the person keeps closed.
        let beside = home.path().join("beside");
        fs::create_dir(&beside).unwrap();
        let mode = |folder: &Path| fs::metadata(folder).unwrap().permissions().mode();
        assert_eq!(mode(&whole), mode(&beside));
    }

    #[test]
    fn what_python_could_not_find_is_not_made() {
        let home = tempfile::tempdir().unwrap();
        let new = NewPlugin { language: Language::Python, ..hello() };
        let error = create(&new, &home.path().join("a:b/hello")).unwrap_err();
        assert!(matches!(error, CreateError::Colon { .. }), "{error}");
        assert_eq!(names(home.path()), Vec::<String>::new());
        create(&hello(), &home.path().join("a:b/hello")).unwrap();
    }

    #[test]
    fn what_is_there_is_never_written_over() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("mine"), "x").unwrap();
        let error = create(&hello(), home.path()).unwrap_err();
        assert!(matches!(error, CreateError::Exists { .. }), "{error}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
