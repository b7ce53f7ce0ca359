//! The SDKs that this program carries, written into projects.
//!
//! Invariant: each table names every file of its folder that a project needs; a test compares.

mod javascript;
mod python;
mod rust;
mod wit;

use std::path::Path;

use fs_err as fs;

use super::Language;
use crate::folder::{FileError, OpenFolder};

/// A file: its place and its text.
type File = (&'static str, &'static str);

/// Where an SDK lies in a project.
pub(super) const FOLDER: &str = ".ax/sdk";

/// Where the packages lie that a project's world names, beside the world itself.
const PACKAGES: &str = ".ax/wit/deps";

/// Where all of that lies.
const WIT: &str = ".ax/wit";

/// Where a project's world lies.
pub(super) const WORLD: &str = ".ax/wit/world.wit";

/// Writes the SDK of a language and the WIT packages into a project.
///
/// # Errors
///
/// [`FileError`].
pub(super) fn write(project: &OpenFolder, language: Language) -> Result<(), FileError> {
    let files = match language {
        Language::Rust => rust::FILES,
        Language::TypeScript => javascript::FILES,
        Language::Python => python::FILES,
    };
    write_all(project, FOLDER, files)?;
    write_all(project, PACKAGES, wit::FILES)?;
    let packages = wit::FILES.iter().map(|(name, _)| format!("deps/{name}"));
    let mut of_world: Vec<String> = packages.collect();
    of_world.push("world.wit".to_owned());
    let of_world: Vec<&str> = of_world.iter().map(String::as_str).collect();
    project.keep_only(Path::new(WIT), &of_world)
}

/// Writes the world of a project.
///
/// # Errors
///
/// [`FileError`].
pub(super) fn write_world(project: &OpenFolder, world: &str) -> Result<(), FileError> {
    write_one(project, Path::new(WORLD), world)
}

/// Writes the packages and a world into a folder of this program's own.
///
/// # Errors
///
/// What the operating system says.
pub(super) fn write_wit(folder: &Path, world: &str) -> std::io::Result<()> {
    for (name, text) in wit::FILES {
        let path = folder.join("deps").join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text)?;
    }
    fs::write(folder.join("world.wit"), world)
}

/// Writes these files into a folder, and removes others: a compiler would take them for ours.
fn write_all(project: &OpenFolder, folder: &str, files: &[File]) -> Result<(), FileError> {
    let folder = Path::new(folder);
    project.make(folder)?;
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    project.keep_only(folder, &names)?;
    files.iter().try_for_each(|(name, text)| write_one(project, &folder.join(name), text))
}

/// Writes one file. What is there and as it should be is left, so that nothing is compiled again for
/// it.
fn write_one(project: &OpenFolder, name: &Path, text: &str) -> Result<(), FileError> {
    let held = project.read(name, text.len() as u64);
    match held.is_ok_and(|held| held == text.as_bytes()) {
        true => Ok(()),
        false => project.replace(name, text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn walk(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            match entry.file_type().unwrap().is_dir() {
                true => walk(&entry.path(), &format!("{name}/"), found),
                false => drop(found.insert(name)),
            }
        }
    }

    fn in_folder(folder: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), "", &mut found);
        found
    }

    fn carried(files: &[File]) -> BTreeSet<String> {
        files.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    #[test]
    fn every_file_of_an_sdk_is_carried() {
        let mut rust = in_folder("sdk/rust");
        // What the bindings are generated from and the SDK's own tests are of no use to authors.
        rust.retain(|name| name != "worlds.wit" && !name.starts_with("tests/"));
        assert_eq!(carried(rust::FILES), rust);
        let mut javascript = in_folder("sdk/js");
        javascript.retain(|name| !name.starts_with("tests/"));
        assert_eq!(carried(javascript::FILES), javascript);
        let mut python = in_folder("sdk/python");
        python.retain(|name| name.starts_with("ax/") && !name.contains("__pycache__"));
        assert_eq!(carried(python::FILES), python);
        assert_eq!(carried(wit::FILES), in_folder("wit/deps"));
    }

    fn open(project: &tempfile::TempDir) -> OpenFolder {
        OpenFolder::at(project.path()).unwrap()
    }

    #[test]
    fn what_is_as_it_should_be_is_not_touched() {
        let project = tempfile::tempdir().unwrap();
        write(&open(&project), Language::Rust).unwrap();
        let path = project.path().join(FOLDER).join("src/lib.rs");
        let times = || fs::metadata(&path).unwrap().modified().unwrap();
        let before = times();
        write(&open(&project), Language::Rust).unwrap();
        assert_eq!(times(), before);
        fs::write(&path, "changed").unwrap();
        write(&open(&project), Language::Rust).unwrap();
        assert_ne!(fs::read_to_string(&path).unwrap(), "changed");
    }

    #[test]
    fn what_is_not_ours_is_removed() {
        let project = tempfile::tempdir().unwrap();
        write(&open(&project), Language::Rust).unwrap();
        let foreign = ["build.rs", "src/foreign.rs", "foreign/lib.rs", "../wit/foreign.wit"];
        let path = |name: &str| project.path().join(FOLDER).join(name);
        fs::create_dir(path("foreign")).unwrap();
        foreign.iter().for_each(|name| fs::write(path(name), "x").unwrap());
        write(&open(&project), Language::Rust).unwrap();
        assert!(!foreign.iter().any(|name| path(name).exists()) && path("src/lib.rs").is_file());
    }
}
