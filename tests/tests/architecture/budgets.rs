//! How long a file and a function may be. Tests are not counted.

use ax_tests::program;

use crate::source;
use crate::source::Source;

/// Lines of a file; longer ones hold more than one idea.
const FILE_LINES_MAX: usize = 500;

/// Lines of a function; longer ones do not fit a screen.
const FUNCTION_LINES_MAX: usize = 70;

/// Longer files, and why each stays whole.
const LONG_FILES: &[(&str, &str)] = &[
    ("host/src/plugin/imports/wasi/files.rs", "one trait with a method for each function of WASI"),
    ("tests/tests/cli/policy.rs", "each printed answer stands beside its test"),
];

/// Longer functions, and why each stays whole: one `match` used as a table, in most cases.
const LONG_FUNCTIONS: &[(&str, &str)] = &[
    ("host/src/plugin/imports/wasi/mod.rs: link", "one match, a line for each interface"),
    ("manifest/src/manifest/error.rs: hint", "one match, a line for each error"),
    ("xtask/src/accept/calls.rs: calls", "one table, a line for each call"),
];

/// Where code of ours is; fixtures and guests are not.
const FOLDERS: &[&str] = &[
    "fuzz/entries/src",
    "fuzz/entries/tests",
    "host/src",
    "manifest/src",
    "registry/src",
    "plugins/cheapest/src",
    "plugins/echo/src",
    "plugins/fetch/src",
    "plugins/files/src",
    "plugins/metrics/src",
    "plugins/notes/src",
    "plugins/repo-report/src",
    "plugins/summarise/src",
    "plugins/text/src",
    "sdk/rust/macros/src",
    "sdk/rust/src",
    "sdk/rust/test/src",
    "tests/src",
    "tests/tests",
    "xtask/src",
];

/// Files that a generator wrote (`bindings.rs`).
const GENERATED: &str = "bindings/";

fn all() -> Vec<(String, Source)> {
    let mut all = Vec::new();
    for folder in FOLDERS {
        let written = source::sources(&program::repository().join(folder)).into_iter();
        for source in written.filter(|source| !source.file.starts_with(GENERATED)) {
            all.push((format!("{folder}/{}", source.file), source));
        }
    }
    all
}

/// Checks what is too long against what may be: neither more nor less.
fn check(found: &[(String, usize)], allowed: &[(&str, &str)], max: usize) {
    let unknown: Vec<String> = found
        .iter()
        .filter(|(subject, _)| !allowed.iter().any(|(known, _)| known == subject))
        .map(|(subject, lines)| format!("{subject}: {lines} lines, at most {max}"))
        .collect();
    let stale: Vec<String> = allowed
        .iter()
        .filter(|(known, _)| !found.iter().any(|(subject, _)| subject == known))
        .map(|(known, _)| format!("{known}: no longer too long; take it off the list"))
        .collect();
    assert_eq!((unknown, stale), (Vec::new(), Vec::new()));
}

/// Lists the functions of a file with the lines from `fn` to the closing brace.
fn functions(source: &Source) -> Vec<(String, usize)> {
    let code = &source.code;
    let mut found = Vec::new();
    for at in source::find_word(code, "fn") {
        let name: String = code[at + 2..]
            .trim_start()
            .chars()
            .take_while(|character| character.is_alphanumeric() || *character == '_')
            .collect();
        // The type of a function pointer has no name.
        if !name.is_empty() {
            let end = source::end_of_item(code, at);
            found.push((name, code[at..end].matches('\n').count() + 1));
        }
    }
    found
}

#[test]
fn files_hold_one_idea() {
    let long: Vec<(String, usize)> = all()
        .into_iter()
        .filter(|(_, source)| !source.is_test())
        .map(|(path, source)| (path, source.lines))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .collect();
    check(&long, LONG_FILES, FILE_LINES_MAX);
}

#[test]
fn functions_fit_a_screen() {
    let mut long = Vec::new();
    for (path, source) in all().iter().filter(|(_, source)| !source.is_test()) {
        for (name, lines) in functions(source) {
            if lines > FUNCTION_LINES_MAX {
                long.push((format!("{path}: {name}"), lines));
            }
        }
    }
    check(&long, LONG_FUNCTIONS, FUNCTION_LINES_MAX);
}
