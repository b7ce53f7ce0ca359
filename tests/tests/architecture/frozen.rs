//! A WIT package that was released never changes: `wit/frozen.lock` holds its digest.
//!
//! ```text
//! ax:log@0.1.0 sha256:…        one line for each package that this host serves, sorted
//! ```
//!
//! The digest is over each file's name, length and bytes, files sorted by name. To change what is
//! served, write a new version beside the old one (`docs`: additive changes a patch version with
//! `@since`, others a new folder) and freeze that: `AX_FREEZE_WIT=1 cargo test -p ax-tests --test
//! architecture frozen`.

use std::path::Path;
use std::path::PathBuf;

use ax_manifest::Digest;
use ax_tests::program;

/// The folders below `wit/deps` whose host part has shipped.
const SERVED: &[&str] = &[
    "ax-config",
    "ax-guest",
    "ax-http",
    "ax-kv",
    "ax-log",
    "ax-model",
    "ax-secrets",
    "ax-task",
    "ax-tools",
    "ax-types",
];

/// Those whose host part comes later; they may still change.
const DRAFTS: &[&str] = &[];

/// The variable that makes the test write the file instead of comparing it.
const FREEZE: &str = "AX_FREEZE_WIT";

fn wit() -> PathBuf {
    program::repository().join("wit")
}

/// Gives the names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs_err::DirEntry>| {
        entry.expect("an entry").file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// Gives the line of a package: its id, which its text says, and the digest of its folder.
fn line(folder: &Path) -> String {
    let mut hasher = Digest::hasher();
    let mut ids = Vec::new();
    for name in names(folder) {
        let text = fs_err::read_to_string(folder.join(&name)).expect("WIT is text");
        hasher.update(format!("{name}\n{}\n", text.len()).as_bytes());
        hasher.update(text.as_bytes());
        let id = text.lines().find_map(|line| line.strip_prefix("package "));
        ids.extend(id.and_then(|id| id.split(';').next()).map(str::to_owned));
    }
    assert_eq!(ids.len(), 1, "`{}` holds one package: {ids:?}", folder.display());
    format!("{} {}\n", ids[0], hasher.finish())
}

fn expected() -> String {
    SERVED.iter().map(|name| line(&wit().join("deps").join(name))).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a person says so to the test, not to the program")]
fn frozen_packages_are_as_they_were_released() {
    let path = wit().join("frozen.lock");
    let expected = expected();
    if std::env::var(FREEZE).is_ok_and(|set| set == "1") {
        fs_err::write(&path, &expected).expect("the lock is written");
        return;
    }
    let frozen = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(
        frozen == expected,
        "`{}` is not what the text of the packages says.\nit holds:\n{frozen}\nthe text says:\n\
         {expected}\nA released package never changes: write a new version beside it. To freeze \
         one that was not released yet, {FREEZE}=1.",
        path.display()
    );
}

#[test]
fn every_package_beside_the_served_ones_is_named_here() {
    let mut known = [SERVED, DRAFTS].concat();
    known.sort_unstable();
    assert_eq!(names(&wit().join("deps")), known);
}
