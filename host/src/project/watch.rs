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

/// Files that toolchains write into folders of theirs, whatever these are called: cargo's, for one.
const MADE_MARKS: [&str; 2] = ["CACHEDIR.TAG", ".rustc_info.json"];

/// Kinds of files that components are built from.
const SOURCE_KINDS: [&str; 8] = ["rs", "ts", "mts", "js", "mjs", "py", "wit", "lock"];

/// Other files that components are built from.
const SOURCES: [&str; 3] = ["Cargo.toml", "package.json", "pyproject.toml"];

/// Files that are looked at. A project with more has folders in it that are none of its sources.
const FILES_MAX: usize = 20_000;

/// The files of a project, as they were at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, (SystemTime, u64)>);

impl Snapshot {
    /// Looks at a project whose component is made at `component`, a path below it.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read, or there are more than 20,000 files.
    pub fn of(project: &Path, component: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        // Whether the project itself is there is not passed over.
        walk(fs::read_dir(project)?, &project.join(component), &mut files)?;
        Ok(Self(files))
    }

    /// Returns a source that was saved after `moment`, if there is one.
    #[must_use]
    pub fn source_after(&self, moment: SystemTime) -> Option<&Path> {
        let is_source = |path: &Path| {
            let kind = path.extension().unwrap_or_default();
            let name = path.file_name().unwrap_or_default();
            SOURCE_KINDS.iter().any(|it| kind == *it) || SOURCES.iter().any(|it| name == *it)
        };
        let is_test = |path: &Path| path.iter().any(|part| part == "tests");
        let mut saved = self.0.iter().filter(|(_, (at, _))| *at > moment);
        saved.find(|(path, _)| is_source(path) && !is_test(path)).map(|(path, _)| path.as_path())
    }

    /// Returns a file that is not as it was in `earlier`, if there is one.
    #[must_use]
    pub fn changed_since<'a>(&'a self, earlier: &'a Self) -> Option<&'a Path> {
        let changed = self.0.iter().find(|(path, seen)| earlier.0.get(*path) != Some(seen));
        let gone = earlier.0.keys().find(|path| !self.0.contains_key(*path));
        changed.map(|(path, _)| path).or(gone).map(PathBuf::as_path)
    }
}

fn walk(
    folder: fs::ReadDir,
    component: &Path,
    files: &mut BTreeMap<PathBuf, (SystemTime, u64)>,
) -> io::Result<()> {
    for entry in folder {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        // What went away between the listing and now is seen the next time.
        let Ok(data) = entry.metadata() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let is_marked = || MADE_MARKS.iter().any(|mark| path.join(mark).exists());
        if data.is_dir() && !MADE.contains(&&*name) && !is_marked() {
            match fs::read_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                below => walk(below?, component, files)?,
            }
        }
        let is_made = path == component
            || path.extension().is_some_and(|kind| MADE_KINDS.iter().any(|made| kind == *made));
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
        let look = || Snapshot::of(project.path(), Path::new("lib/plugin.component")).unwrap();
        write("src/lib.rs", "a");
        let before = look();
        for made in [
            "target/x",
            ".ax/sdk/lib.rs",
            "node_modules/a/b.js",
            "plugin.wasm",
            "a.axp",
            "lib/plugin.component",
            "elsewhere/CACHEDIR.TAG",
            "elsewhere/release/x",
            "built/.rustc_info.json",
            "built/debug/x",
        ] {
            write(made, "made");
        }
        assert_eq!(look().changed_since(&before), None);
        write("src/lib.rs", "ab");
        let after = look();
        assert_eq!(after.changed_since(&before), Some(&*project.path().join("src/lib.rs")));
        fs::remove_file(project.path().join("src/lib.rs")).unwrap();
        let gone = look();
        assert_eq!(gone.changed_since(&after), Some(&*project.path().join("src/lib.rs")));
        fs::remove_dir_all(project.path()).unwrap();
        let error = Snapshot::of(project.path(), Path::new("plugin.wasm")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_no_component_is_built_from_is_no_source() {
        let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let names = ["README.md", "plugin.toml", "src/lib.rs", "tests/a.rs", "tests/cases.toml"];
        let files = names.map(|name| (PathBuf::from(name), (at(5), 1)));
        let snapshot = Snapshot(BTreeMap::from(files));
        assert_eq!(snapshot.source_after(at(4)), Some(Path::new("src/lib.rs")));
        assert_eq!(snapshot.source_after(at(5)), None);
    }
}
