//! Finds the files to measure below a folder, in the order of their paths.
//!
//! Invariant: no symbolic link is followed, so the walk ends and stays inside the folder.
//! Not here: reading the files (`report`).

use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::glob::Patterns;
use crate::language::Language;

/// Most files of known languages in one tree: their paths alone take about 10 MiB.
pub const FILES_MAX: usize = 100_000;
/// Most folders inside one another: more is no source tree, and each level holds its patterns.
pub const DEPTH_MAX: usize = 64;
/// Most bytes of an ignore file that are read; the rest of a longer one is not seen.
pub const IGNORE_FILE_BYTES_MAX: u64 = 256 * 1024;
/// Bytes read to see whether a file without extension is a script.
const SCRIPT_LINE_BYTES: u64 = 64;
/// Names of ignore files; a later one wins over an earlier one.
const IGNORE_FILES: [&str; 3] = [".gitignore", ".ignore", ".tokeignore"];

/// A file to measure.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Path below the root, with `/` between names.
    pub path: String,
    /// Its language.
    pub language: Language,
}

/// Why a tree cannot be walked.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The folder to measure is not there or not readable.
    #[error("cannot open the folder `{path}`")]
    Root {
        /// The folder as the caller named it.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// More than [`FILES_MAX`].
    #[error("the tree has more than {FILES_MAX} files of known languages")]
    TooManyFiles,
    /// More than [`DEPTH_MAX`].
    #[error("`{path}` is nested more than {DEPTH_MAX} folders deep")]
    TooDeep {
        /// The folder that is too deep.
        path: String,
    },
}

/// Which files are wanted beyond their language.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only these, when there is any.
    pub include: Patterns,
    /// Not these.
    pub exclude: Patterns,
}

/// Patterns and the folder they apply to: its path with a `/` at the end, or empty for the root.
struct Layer {
    prefix: String,
    patterns: Patterns,
}

/// Lists the files of known languages below `root`, sorted by path.
///
/// # Errors
///
/// [`WalkError`]. A folder below `root` that cannot be read is left out.
pub fn walk(root: &Path, filter: &Filter) -> Result<Vec<Found>, WalkError> {
    let mut walker = Walker { root, filter, layers: Vec::new(), found: Vec::new() };
    let entries = fs::read_dir(root)
        .map_err(|source| WalkError::Root { path: root.display().to_string(), source })?;
    let exclude = read_patterns(&root.join(".git/info/exclude"));
    walker.layers.push(Layer { prefix: String::new(), patterns: exclude });
    walker.folder(entries, "", 0)?;
    let mut found = walker.found;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

struct Walker<'a> {
    root: &'a Path,
    filter: &'a Filter,
    layers: Vec<Layer>,
    found: Vec<Found>,
}

impl Walker<'_> {
    fn folder(
        &mut self,
        entries: fs::ReadDir,
        prefix: &str,
        depth: usize,
    ) -> Result<(), WalkError> {
        if depth > DEPTH_MAX {
            return Err(WalkError::TooDeep { path: prefix.to_owned() });
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
            if name.starts_with('.') || self.is_excluded(&path, kind.is_dir()) {
                continue;
            }
            if kind.is_dir() {
                if let Ok(entries) = fs::read_dir(entry.path()) {
                    self.folder(entries, &format!("{path}/"), depth + 1)?;
                }
            } else if kind.is_file() && self.is_included(&path) {
                self.file(path, name)?;
            }
        }
        self.layers.truncate(layers);
        Ok(())
    }

    fn file(&mut self, path: String, name: &str) -> Result<(), WalkError> {
        let by_name = Language::of_file(name);
        let language = by_name.or_else(|| script_language(&self.root.join(&path), name));
        if let Some(language) = language {
            if self.found.len() == FILES_MAX {
                return Err(WalkError::TooManyFiles);
            }
            self.found.push(Found { path, language });
        }
        Ok(())
    }

    fn is_excluded(&self, path: &str, is_folder: bool) -> bool {
        if self.filter.exclude.decide(path, is_folder) == Some(true) {
            return true;
        }
        let inner_first = self.layers.iter().rev();
        let decided = inner_first.filter_map(|layer| {
            let below = path.strip_prefix(layer.prefix.as_str())?;
            layer.patterns.decide(below, is_folder)
        });
        decided.take(1).any(|excluded| excluded)
    }

    fn is_included(&self, path: &str) -> bool {
        self.filter.include.is_empty() || self.filter.include.decide(path, false) == Some(true)
    }
}

/// Reads an ignore file; one that is absent or no text has no patterns.
fn read_patterns(path: &Path) -> Patterns {
    let mut text = String::new();
    match fs::File::open(path) {
        Ok(file) => match file.take(IGNORE_FILE_BYTES_MAX).read_to_string(&mut text) {
            Ok(_) => Patterns::parse(text.lines()),
            Err(_) => Patterns::default(),
        },
        Err(_) => Patterns::default(),
    }
}

/// Returns the language that the first line of a file without extension asks for.
fn script_language(path: &Path, name: &str) -> Option<Language> {
    if name.contains('.') {
        return None;
    }
    let mut start = Vec::new();
    fs::File::open(path).ok()?.take(SCRIPT_LINE_BYTES).read_to_end(&mut start).ok()?;
    let line = start.split(|byte| *byte == b'\n').next()?;
    let interpreter = std::str::from_utf8(line).ok()?.strip_prefix("#!/usr/bin/env ")?;
    interpreter.starts_with("python").then_some(Language::Python)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use fs_err as fs;

    use super::DEPTH_MAX;
    use super::Filter;
    use super::WalkError;
    use super::walk;
    use crate::glob::Patterns;

    /// Makes a tree of files with their text.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    fn paths(root: &Path, filter: &Filter) -> Vec<String> {
        let found = walk(root, filter).expect("a tree");
        found.into_iter().map(|file| file.path).collect()
    }

    fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        Filter {
            include: Patterns::parse(include.iter().copied()),
            exclude: Patterns::parse(exclude.iter().copied()),
        }
    }

    #[test]
    fn files_come_sorted_by_path() {
        let root = tree(&[("b.rs", ""), ("a/z.py", ""), ("a.md", ""), ("c.txt", "")]);
        assert_eq!(paths(root.path(), &Filter::default()), ["a.md", "a/z.py", "b.rs"]);
    }

    #[test]
    fn hidden_and_ignored_files_are_left_out() {
        let root = tree(&[
            (".gitignore", "target/\n*.gen.rs\n!keep.gen.rs\n"),
            (".git/info/exclude", "private.rs\n"),
            (".git/a.rs", ""),
            (".hidden/a.rs", ""),
            ("a/.ignore", "b.rs\n"),
            ("a/b.rs", ""),
            ("a/c.rs", ""),
            ("b.rs", ""),
            ("keep.gen.rs", ""),
            ("private.rs", ""),
            ("target/a.rs", ""),
            ("x.gen.rs", ""),
        ]);
        assert_eq!(paths(root.path(), &Filter::default()), ["a/c.rs", "b.rs", "keep.gen.rs"]);
    }

    #[test]
    fn the_request_narrows_the_tree() {
        let root = tree(&[("a/x.rs", ""), ("a/y.py", ""), ("b/x.rs", "")]);
        assert_eq!(paths(root.path(), &filter(&["*.rs"], &[])), ["a/x.rs", "b/x.rs"]);
        assert_eq!(paths(root.path(), &filter(&["a/**"], &["*.py"])), ["a/x.rs"]);
        assert_eq!(paths(root.path(), &filter(&[], &["a/"])), ["b/x.rs"]);
    }

    #[test]
    fn a_script_is_known_by_its_first_line() {
        let root = tree(&[
            ("tool", "#!/usr/bin/env python3\n"),
            ("shell", "#!/usr/bin/env bash\n"),
            ("empty", ""),
            ("x.unknown", "#!/usr/bin/env python3\n"),
        ]);
        assert_eq!(paths(root.path(), &Filter::default()), ["tool"]);
    }

    #[cfg(unix)]
    #[test]
    fn no_symbolic_link_is_followed() {
        let root = tree(&[("a/x.rs", "")]);
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(to, root.path().join(name)).expect("a link");
        };
        link("a/x.rs", "link.rs");
        link("..", "a/up");
        assert_eq!(paths(root.path(), &Filter::default()), ["a/x.rs"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let root = tree(&[]);
        let result = walk(&root.path().join("none"), &Filter::default());
        assert!(matches!(result, Err(WalkError::Root { .. })), "{result:?}");
    }

    #[test]
    fn a_tree_may_be_as_deep_as_the_limit_and_no_deeper() {
        let path = format!("{}x.rs", "a/".repeat(DEPTH_MAX));
        let root = tree(&[(&path, "")]);
        assert_eq!(paths(root.path(), &Filter::default()).len(), 1);
        let path = format!("a/{path}");
        let root = tree(&[(&path, "")]);
        let result = walk(root.path(), &Filter::default());
        assert!(matches!(result, Err(WalkError::TooDeep { .. })), "{result:?}");
    }
}
