//! What a component is made of: the author's files, the SDK, the world, packages and the toolchain.
//!
//! Invariant: two projects with the same text here give components that behave alike.

use std::io;
use std::path::Path;

use ax_manifest::{COMPONENT_BYTES_MAX, Digest};
use fs_err as fs;

use super::super::sdk;
use super::VENDOR;

/// Files of a project that nothing is made of, at its top.
const NOT_PART: &[&str] = &["README.md", "plugin.toml", "pyproject.toml"];

/// Where the tests lie: of them only what could be imported counts.
const TESTS: &str = "tests/";

/// Files that mark a folder as a toolchain's own: an environment, a cache.
const MARKS: [&str; 2] = ["pyvenv.cfg", "CACHEDIR.TAG"];

/// Ours in a project that a component is made of.
const OURS: &[&str] = &[sdk::FOLDER, ".ax/wit", VENDOR];

/// Depth of folders that is looked into.
const DEPTH_MAX: usize = 32;

/// Files that are looked at; the standard library has 1,500.
const FILES_MAX: usize = 20_000;

/// Bytes of a file: no more than a whole component has.
const FILE_BYTES_MAX: u64 = COMPONENT_BYTES_MAX;

/// Lists every file with its digest, and the toolchain.
pub(super) fn of(project: &Path, pins: &str) -> io::Result<String> {
    let mut lines = vec![pins.to_owned()];
    list(project, "", DEPTH_MAX, &mut lines)?;
    for folder in OURS {
        lines.extend(below(project, folder)?);
    }
    Ok(lines.join("\n"))
}

/// Lists every file below one folder of a project; nothing if it is not there.
pub(super) fn below(project: &Path, folder: &str) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    if project.join(folder).is_dir() {
        list(&project.join(folder), &format!("{folder}/"), DEPTH_MAX, &mut lines)?;
    }
    Ok(lines)
}

fn list(folder: &Path, below: &str, depth: usize, lines: &mut Vec<String>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs_err::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_made = [".wasm", ".axp", ".pyc"].iter().any(|end| name.ends_with(end));
        let is_top = below.is_empty() && NOT_PART.contains(&name.as_str());
        if name.starts_with('.') || name == "__pycache__" || is_made || is_top {
            continue;
        }
        let kind = entry.file_type()?;
        let is_marked = || MARKS.iter().any(|mark| entry.path().join(mark).is_file());
        let is_case = below.starts_with(TESTS) && !name.ends_with(".py");
        if kind.is_dir() && depth > 0 && !is_marked() {
            list(&entry.path(), &format!("{below}{name}/"), depth - 1, lines)?;
        } else if kind.is_symlink() {
            // What it leads to counts where it lies: the sandbox follows none out of the project.
            let target = fs::read_link(entry.path())?;
            lines.push(format!("{below}{name} -> {}", target.display()));
        } else if kind.is_file() && !is_case {
            lines.push(format!("{below}{name} {}", digest_of(&entry.path())?));
        }
        if lines.len() > FILES_MAX {
            let why = format!("there are more than {FILES_MAX} files beside tools.py");
            return Err(io::Error::other(why));
        }
    }
    Ok(())
}

fn digest_of(path: &Path) -> io::Result<Digest> {
    let bytes = fs::metadata(path)?.len();
    if bytes > FILE_BYTES_MAX {
        let why = format!("`{}` has {bytes} bytes, and no component can hold them", path.display());
        return Err(io::Error::other(why));
    }
    Ok(Digest::of(&fs::read(path)?))
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
            ".ax/toolchain",
            ".git/HEAD",
            "__pycache__/tools.pyc",
            "venv/pyvenv.cfg",
            "venv/lib/x.py",
        ] {
            write(other, "x");
            assert_eq!(of(), before, "{other}");
        }
        for part in [
            "tools.py",
            "words.txt",
            "part/a.py",
            "build/words.py",
            "tests/part.py",
            ".ax/sdk/ax/x.py",
            ".ax/vendor/y.py",
            ".ax/vendor/y/build/z.py",
        ] {
            let before = of();
            write(part, "2");
            assert_ne!(of(), before, "{part}");
        }
    }

    #[test]
    fn links_are_named_and_not_followed() {
        use fs_err::os::unix::fs::symlink;
        let project = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            symlink(".", project.path().join(name)).unwrap();
        }
        assert_eq!(of(project.path(), "tool==1").unwrap(), "tool==1\na -> .\nb -> .");
    }
}
