//! Makes a new project.

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::sdk;
use super::template::NewPlugin;

/// Why a project cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Something is there.
    #[error("`{folder}` is there already and not empty", folder = .folder.display())]
    Exists {
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
            Self::Exists { .. } => Some("name another folder: ax new NAME DIR".to_owned()),
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
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => return Err(CreateError::Exists { folder: folder.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(wrong(error)),
    }
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(wrong)?;
    // Whoever looks sees nothing or the whole of it.
    let making = tempfile::Builder::new().prefix(".ax-new-").tempdir_in(parent).map_err(wrong)?;
    let files = new.files();
    for (name, text) in &files {
        let path = making.path().join(name);
        if let Some(below) = path.parent() {
            fs::create_dir_all(below).map_err(wrong)?;
        }
        fs::write(path, text).map_err(wrong)?;
    }
    sdk::write(making.path(), new.language).map_err(wrong)?;
    open_to_all(making.path()).map_err(wrong)?;
    // A rename replaces an empty folder and no other.
    fs::rename(making.path(), folder).map_err(wrong)?;
    drop(making.keep());
    let files = files.into_iter().map(|(name, _)| name).collect();
    Ok(Created { folder: folder.to_owned(), files })
}

/// A temporary folder is for its owner alone; a project is as open as what is beside it.
fn open_to_all(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::super::template::{Kind, Language};
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

    #[test]
    fn what_is_there_is_never_written_over() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("mine"), "x").unwrap();
        let error = create(&hello(), home.path()).unwrap_err();
        assert!(matches!(error, CreateError::Exists { .. }), "{error}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
