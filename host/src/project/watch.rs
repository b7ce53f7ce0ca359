//! What a project's files look like, to tell that somebody saved one.
//!
//! Invariant: what builds make is not looked at, so that a build is no reason to build.
//! Not here: waiting, and what is done then (`cli::dev`).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fs_err as fs;

/// Folders that toolchains make; hidden ones are left out besides.
const MADE: [&str; 5] = ["target", "node_modules", "dist", "__pycache__", "venv"];

/// Kinds of files that `ax build` and `ax pack` make.
const MADE_KINDS: [&str; 2] = ["wasm", "axp"];

/// Files that are looked at. A project with more has folders in it that are none of its sources.
const FILES_MAX: usize = 20_000;

/// The files of a project, as they were at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, (SystemTime, u64)>);

impl Snapshot {
    /// Looks at a project.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read, or there are more than 20,000 files.
    pub fn of(project: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        walk(project, &mut files)?;
        Ok(Self(files))
    }

    /// Returns a file that is not as it was in `earlier`, if there is one.
    #[must_use]
    pub fn changed_since<'a>(&'a self, earlier: &'a Self) -> Option<&'a Path> {
        let changed = self.0.iter().find(|(path, seen)| earlier.0.get(*path) != Some(seen));
        let gone = earlier.0.keys().find(|path| !self.0.contains_key(*path));
        changed.map(|(path, _)| path).or(gone).map(PathBuf::as_path)
    }
}

fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, (SystemTime, u64)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        // What went away between the listing and now is seen the next time.
        let Ok(data) = entry.metadata() else { continue };
        if name.starts_with('.') {
            continue;
        }
        if data.is_dir() && !MADE.contains(&&*name) {
            walk(&path, files)?;
        }
        let is_made =
            path.extension().is_some_and(|kind| MADE_KINDS.iter().any(|made| kind == *made));
        if data.is_file() && !is_made {
            files.insert(path, (data.modified()?, data.len()));
        }
        if files.len() > FILES_MAX {
            let why = format!("there are more than {FILES_MAX} files to watch");
            return Err(io::Error::other(why));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_file_is_seen_and_what_a_build_makes_is_not() {
        let project = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = project.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("src/lib.rs", "a");
        let before = Snapshot::of(project.path()).unwrap();
        for made in ["target/x", ".ax/sdk/lib.rs", "node_modules/a/b.js", "plugin.wasm", "a.axp"] {
            write(made, "made");
        }
        assert_eq!(Snapshot::of(project.path()).unwrap().changed_since(&before), None);
        write("src/lib.rs", "ab");
        let after = Snapshot::of(project.path()).unwrap();
        assert_eq!(after.changed_since(&before), Some(&*project.path().join("src/lib.rs")));
        fs::remove_file(project.path().join("src/lib.rs")).unwrap();
        let gone = Snapshot::of(project.path()).unwrap();
        assert_eq!(gone.changed_since(&after), Some(&*project.path().join("src/lib.rs")));
    }
}
