//! What builds of a project leave behind, outside of it.
//!
//! ```text
//! <toolchains>/projects/<digest of its path>/path         which project
//!                                            lock         held while it is built
//!                                            plugin.wasm  what its toolchain made last
//!                                            inputs       of what that was made
//!                                            debug/       the same with DWARF, by what is run
//! ```
//!
//! In the project it could have come with it, from whoever made that: what lies here, this program has
//! made of the sources itself.
//!
//! Invariant: one build of a project at a time. What belongs to projects that are gone is removed.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ax_manifest::{COMPONENT_BYTES_MAX, Digest};
use fs_err as fs;

use super::build::BuildError;
use super::hold::Hold;
use crate::folder::replace;

/// Where the folders of all projects lie, beside the toolchains.
const PROJECTS: &str = "projects";

/// The file that names the project.
const PATH: &str = "path";

/// The file that is held.
const LOCK: &str = "lock";

/// What the toolchain made.
const COMPONENT: &str = "plugin.wasm";

/// Of what it was made.
const INPUTS: &str = "inputs";

/// Where components with debug info lie.
const DEBUG: &str = "debug";

/// The folder of a project that is being built; it is held until this is gone.
#[derive(Debug)]
pub struct BuildFolder {
    folder: PathBuf,
    hold: Hold,
}

impl BuildFolder {
    /// Takes hold of the folder of `project`, whose path is whole. `note` is told if another build has
    /// to end first.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub(super) fn of(toolchains: &Path, project: &Path, note: &dyn Fn(&str)) -> io::Result<Self> {
        let folder = folder(toolchains, project);
        let waiting = || note("waiting for another build of this project to end");
        let hold = Hold::of(&folder.join(LOCK), waiting)?;
        // Others read it without the lock.
        if !folder.join(PATH).is_file() {
            replace(&folder.join(PATH), project.as_os_str().as_bytes())?;
        }
        // Nobody else's build is hindered by what cannot be removed.
        forget_the_gone(toolchains).ok();
        Ok(Self { folder, hold })
    }

    /// Names a file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where the toolchain puts the component.
    pub(super) fn component(&self) -> PathBuf {
        self.file(COMPONENT)
    }

    /// Answers whether the component that is there was made of these inputs.
    pub(super) fn has_made(&self, inputs: &str) -> bool {
        self.component().is_file()
            && fs::read_to_string(self.file(INPUTS)).is_ok_and(|held| held == inputs)
    }

    /// Has the component made of these inputs, unless it was; returns where it is.
    ///
    /// # Errors
    ///
    /// What `make` says, or the operating system.
    pub(super) fn made_of(
        &self,
        inputs: &str,
        make: impl FnOnce() -> Result<(), BuildError>,
    ) -> Result<PathBuf, BuildError> {
        if !self.has_made(inputs) {
            // What is broken off is not to be taken for whole.
            match fs::remove_file(self.file(INPUTS)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                Ok(()) | Err(_) => {}
            }
            make()?;
            fs::write(self.file(INPUTS), inputs)?;
        }
        Ok(self.component())
    }

    /// What programs are given to read while they build: nothing, and the lock with it.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub(super) fn as_input(&self) -> io::Result<Stdio> {
        self.hold.as_input()
    }

    /// Keeps a component with debug info for the one that was made of it, and forgets those before.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn keep_debug_info(&self, ran: &Digest, with_debug_info: &[u8]) -> io::Result<()> {
        let folder = self.file(DEBUG);
        let path = folder.join(file_of(ran));
        if fs::read(&path).is_ok_and(|held| held == with_debug_info) {
            return Ok(());
        }
        if folder.is_dir() {
            fs::remove_dir_all(&folder)?;
        }
        // Others read it without the lock.
        replace(&path, with_debug_info)
    }
}

/// Reads the component with debug info that goes with the one that ran, if it was the last to be built
/// in this project.
#[must_use]
pub fn debug_info(toolchains: &Path, project: &Path, ran: &Digest) -> Option<Vec<u8>> {
    let path = folder(toolchains, project).join(DEBUG).join(file_of(ran));
    let bytes = fs::metadata(&path).ok()?.len();
    (bytes <= COMPONENT_BYTES_MAX).then(|| fs::read(path).ok())?
}

fn folder(toolchains: &Path, project: &Path) -> PathBuf {
    let digest = Digest::of(project.as_os_str().as_bytes()).to_string();
    let name = digest.rsplit(':').next().unwrap_or_default();
    toolchains.join(PROJECTS).join(name)
}

fn file_of(component: &Digest) -> String {
    format!("{}.wasm", component.to_string().replace(':', "-"))
}

/// Removes the folders of projects that are not there any more.
fn forget_the_gone(toolchains: &Path) -> io::Result<()> {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;
    for entry in fs::read_dir(toolchains.join(PROJECTS))? {
        let folder = entry?.path();
        // Without a note it is being made at this moment.
        let Ok(path) = fs::read(folder.join(PATH)) else { continue };
        let project = PathBuf::from(OsString::from_vec(path));
        if !project.try_exists().unwrap_or(true) {
            fs::remove_dir_all(folder)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(toolchains: &Path, project: &Path) -> BuildFolder {
        BuildFolder::of(toolchains, project, &|_| ()).unwrap()
    }

    #[test]
    fn what_was_made_counts_for_the_same_inputs_only() {
        let home = tempfile::tempdir().unwrap();
        let folder = of(home.path(), home.path());
        assert!(!folder.has_made(""));
        let make = || Ok(fs::write(folder.component(), "component")?);
        make().unwrap();
        assert!(!folder.has_made(""), "nothing says of what it was made");
        folder.made_of("a", make).unwrap();
        assert!(folder.has_made("a") && !folder.has_made("b"));
        folder.made_of("a", || Err(BuildError::NoTarget)).unwrap();
        for _ in 0..2 {
            folder.made_of("b", || Err(BuildError::NoTarget)).unwrap_err();
            assert!(!folder.has_made("a") && !folder.has_made("b"));
        }
    }

    #[test]
    fn debug_info_is_found_by_project_and_by_what_ran() {
        let home = tempfile::tempdir().unwrap();
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        let (here, there) = (home.path().join("here"), home.path().join("there"));
        fs::create_dir(&here).unwrap();
        let folder = of(home.path(), &here);
        folder.keep_debug_info(&one, b"1").unwrap();
        assert_eq!(debug_info(home.path(), &here, &one).unwrap(), b"1");
        assert_eq!(debug_info(home.path(), &there, &one), None);
        folder.keep_debug_info(&other, b"2").unwrap();
        assert_eq!(debug_info(home.path(), &here, &one), None);
        assert_eq!(debug_info(home.path(), &here, &other).unwrap(), b"2");
    }

    #[test]
    fn what_belongs_to_a_project_that_is_gone_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let gone = home.path().join("gone");
        fs::create_dir(&gone).unwrap();
        drop(of(home.path(), &gone));
        let count = || fs::read_dir(home.path().join(PROJECTS)).unwrap().count();
        drop(of(home.path(), home.path()));
        assert_eq!(count(), 2);
        fs::remove_dir(&gone).unwrap();
        drop(of(home.path(), home.path()));
        assert_eq!(count(), 1);
    }
}
