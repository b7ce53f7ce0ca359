//! What a component is made of: the author's files, the SDK, the world, packages and the toolchain.
//!
//! Invariant: two projects with the same text here give components that behave alike.

use std::io;
use std::path::Path;

use ax_manifest::Digest;
use fs_err as fs;

use super::super::sdk;
use super::{FOLDER, VENDOR};

/// Files of a project that nothing is made of.
const NOT_PART: &[&str] = &["README.md", "plugin.toml", "pyproject.toml", "tests", "__pycache__"];

/// Ours in a project that a component is made of.
const OURS: &[&str] = &[sdk::FOLDER, ".ax/wit", VENDOR];

/// Depth of folders that is looked into.
const DEPTH_MAX: usize = 32;

/// Lists every file with its digest, and the toolchain.
pub(super) fn of(project: &Path, pins: &str) -> io::Result<String> {
    let mut lines = vec![pins.to_owned()];
    list(project, "", DEPTH_MAX, &mut lines)?;
    for folder in OURS {
        if project.join(folder).is_dir() {
            list(&project.join(folder), &format!("{folder}/"), DEPTH_MAX, &mut lines)?;
        }
    }
    debug_assert!(!lines.iter().any(|line| line.starts_with(FOLDER)));
    Ok(lines.join("\n"))
}

fn list(folder: &Path, below: &str, depth: usize, lines: &mut Vec<String>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs_err::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_made = [".wasm", ".axp", ".pyc"].iter().any(|end| name.ends_with(end));
        if name.starts_with('.') || is_made || NOT_PART.contains(&name.as_str()) {
            continue;
        }
        // Follows links, as Python does.
        let Ok(kind) = fs::metadata(entry.path()) else { continue };
        if kind.is_dir() && depth > 0 {
            list(&entry.path(), &format!("{below}{name}/"), depth - 1, lines)?;
        } else if kind.is_file() {
            lines.push(format!("{below}{name} {}", Digest::of(&fs::read(entry.path())?)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_may_read_counts_and_nothing_else() {
        let project = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = project.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let of = || of(project.path(), "tool==1").unwrap();
        write("tools.py", "1");
        let before = of();
        for other in [
            "README.md",
            "tests/cases.toml",
            "plugin.wasm",
            ".ax/python/inputs",
            ".git/HEAD",
            "__pycache__/tools.pyc",
        ] {
            write(other, "x");
            assert_eq!(of(), before, "{other}");
        }
        for part in ["tools.py", "words.txt", "part/a.py", ".ax/sdk/ax/x.py", ".ax/vendor/y.py"] {
            let before = of();
            write(part, "2");
            assert_ne!(of(), before, "{part}");
        }
    }
}
