//! Finds files below a folder, in the order of their paths.
//!
//! Invariant: no symbolic link is followed, so the walk ends and stays inside the folder. What is hidden,
//! or left out by `.gitignore` and `.ignore`, is not seen.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use ax_sdk::prelude::*;

use crate::glob::Patterns;

/// Most files that are looked at: their paths alone take about 10 MiB.
pub const FILES_MAX: usize = 100_000;
/// Most folders inside one another: more is no source tree.
pub const DEPTH_MAX: usize = 64;
/// Most bytes of an ignore file that are read; the rest of a longer one is not seen.
const IGNORE_FILE_BYTES_MAX: u64 = 256 * 1024;
/// Names of ignore files; a later one wins over an earlier one.
const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];

/// A file that was found.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Path below the folder that was asked for, with `/` between names.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Patterns and the folder they apply to: its path with a `/` at the end, or empty for the root.
struct Layer {
    prefix: String,
    patterns: Patterns,
}

struct Walker<'a> {
    root: &'a Path,
    wanted: &'a Patterns,
    layers: Vec<Layer>,
    found: Vec<Found>,
}

/// Lists the files below `root` that match `wanted`, all if there is no pattern, sorted by path.
///
/// # Errors
///
/// `not-found` when there is no such folder, `exhausted` when there are too many files. A folder below that
/// cannot be read is left out.
pub fn walk(root: &Path, wanted: &Patterns) -> Result<Vec<Found>> {
    if !root.is_dir() {
        return Err(Error::not_found("path", "there is no such folder in the workspace"));
    }
    let mut walker = Walker { root, wanted, layers: Vec::new(), found: Vec::new() };
    walker.folder("", 0)?;
    let mut found = walker.found;
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

impl Walker<'_> {
    fn folder(&mut self, prefix: &str, depth: usize) -> Result<()> {
        let Ok(entries) = fs::read_dir(self.root.join(prefix)) else { return Ok(()) };
        if depth > DEPTH_MAX {
            let message = format!("`{prefix}` is nested more than {DEPTH_MAX} folders deep");
            return Err(Error::new(ErrorKind::Exhausted, message).code("depth"));
        }
        let layers = self.layers.len();
        for name in IGNORE_FILES {
            let patterns = read_patterns(&self.root.join(prefix).join(name));
            if !patterns.is_empty() {
                self.layers.push(Layer { prefix: prefix.to_owned(), patterns });
            }
        }
        for entry in entries.flatten() {
            let name = entry.file_name();
            let (Some(name), Ok(kind)) = (name.to_str(), entry.file_type()) else { continue };
            let path = format!("{prefix}{name}");
            if name.starts_with('.') || self.is_ignored(&path, kind.is_dir()) {
                continue;
            }
            if kind.is_dir() {
                self.folder(&format!("{path}/"), depth + 1)?;
            } else if kind.is_file() && self.is_wanted(&path) {
                let bytes = entry.metadata().map_or(0, |about| about.len());
                self.keep(Found { path, bytes })?;
            }
        }
        self.layers.truncate(layers);
        Ok(())
    }

    fn keep(&mut self, found: Found) -> Result<()> {
        if self.found.len() == FILES_MAX {
            let message = format!("there are more than {FILES_MAX} files; ask for one folder");
            return Err(Error::new(ErrorKind::Exhausted, message).code("files"));
        }
        self.found.push(found);
        Ok(())
    }

    fn is_ignored(&self, path: &str, is_folder: bool) -> bool {
        let decided = self.layers.iter().rev().find_map(|layer| {
            let below = path.strip_prefix(layer.prefix.as_str())?;
            layer.patterns.decide(below, is_folder)
        });
        decided == Some(true)
    }

    fn is_wanted(&self, path: &str) -> bool {
        self.wanted.is_empty() || self.wanted.decide(path, false) == Some(true)
    }
}

/// Reads an ignore file; one that is absent or no text has no patterns.
fn read_patterns(path: &Path) -> Patterns {
    let Ok(file) = fs::File::open(path) else { return Patterns::default() };
    let mut text = String::new();
    match file.take(IGNORE_FILE_BYTES_MAX).read_to_string(&mut text) {
        Ok(_) => Patterns::parse(text.lines()),
        Err(_) => Patterns::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

    #[test]
    fn hidden_and_ignored_files_are_left_out_and_the_rest_is_sorted() {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in [
            (".gitignore", "target/\n*.log\n!keep.log\n"),
            (".git/config", ""),
            ("b.rs", "b"),
            ("a/c.md", "abc"),
            ("a/x.log", ""),
            ("keep.log", ""),
            ("target/a.rs", ""),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let paths = |patterns: &[&str]| {
            let found = walk(folder.path(), &Patterns::parse(patterns.iter().copied()));
            found.expect("a tree").into_iter().map(|it| (it.path, it.bytes)).collect::<Vec<_>>()
        };
        let of = |all: &[(&str, u64)]| {
            all.iter().map(|(path, bytes)| ((*path).to_owned(), *bytes)).collect::<Vec<_>>()
        };
        assert_eq!(paths(&[]), of(&[("a/c.md", 3), ("b.rs", 1), ("keep.log", 0)]));
        assert_eq!(paths(&["*.rs", "*.md"]), of(&[("a/c.md", 3), ("b.rs", 1)]));
        let none = walk(&folder.path().join("none"), &Patterns::default());
        assert_eq!(none.expect_err("it is not there").kind, ErrorKind::NotFound);
    }
}
