//! The layer rule: a module of `ax-host` uses only the modules below it.
//!
//! [`LAYERS`] is the one place where the direction is written; the pictures in `host/src/lib.rs`
//! and in the documentation are drawn from it.

use std::path::Path;

use ax_tests::program;

use crate::source;
use crate::source::Source;

/// Lowest first. Modules of one line do not use each other.
const LAYERS: &[&[&str]] = &[
    &["chat", "clock", "failpoint", "folder"],
    &["audit", "egress", "kv", "project", "secret", "workflow"],
    &["journal", "provider"],
    &["plugin", "router"],
    &["ledger"],
    &["runtime"],
    &["config"],
    &["app"],
    &["server"],
    &["cli"],
];

/// Files at the root that belong to no layer: they only name or start the others.
const ROOTS: &[&str] = &["lib", "main"];

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Lists every use that points up, sideways or hides where it points, as `file: owner -> used`.
fn violations(src: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for source in source::sources(src) {
        let owner = source.owner();
        if ROOTS.contains(&owner) {
            continue;
        }
        let Some(own_layer) = layer_of(owner) else {
            found.push(format!("{}: {owner} is in no layer", source.file));
            continue;
        };
        for used in used_modules(&source) {
            let is_below = layer_of(&used).is_some_and(|layer| layer < own_layer);
            let is_hidden = used == "{" || used == "*";
            if used != owner && !is_below && (is_hidden || layer_of(&used).is_some()) {
                found.push(format!("{}: {owner} -> {used}", source.file));
            }
        }
    }
    found.dedup();
    found
}

/// Lists what a file names right below the root of the crate, tests included. `{` and `*` stand for
/// a group and a glob, which hide it.
fn used_modules(source: &Source) -> Vec<String> {
    let code = &source.with_tests;
    let home = module_path(&source.file);
    let mut used = Vec::new();
    for at in source::find_word(code, "crate::") {
        used.push(next_name(&code[at + "crate::".len()..]));
    }
    for at in source::find_word(code, "super::") {
        let before = code[..at].trim_end();
        if before.ends_with("super::") {
            continue;
        }
        let mut rest = &code[at..];
        let mut climbed = 0;
        while let Some(after) = rest.strip_prefix("super::") {
            rest = after.trim_start();
            climbed += 1;
        }
        // `pub(in super::super)` ends in a bare one.
        let mut path = home.clone();
        path.extend(inline_modules(code, at));
        if climbed == path.len() {
            used.push(next_name(rest));
        }
        // Inside a group `super::` climbs from where the group stands, which a reader misses.
        if before.ends_with(['{', ',']) && inside_use(before) {
            used.push("{".to_owned());
        }
    }
    used
}

/// Tells whether a text ends inside the braces of a `use`.
fn inside_use(before: &str) -> bool {
    let statement = before.rfind(';').map_or(before, |end| &before[end + 1..]);
    source::find_word(statement, "use").last().is_some_and(|at| {
        let group = &statement[*at..];
        group.matches('{').count() > group.matches('}').count() && !group.contains(['(', '='])
    })
}

/// Gives the modules that a file is, from the root: `plugin/imports/mod.rs` → `plugin`, `imports`.
fn module_path(file: &str) -> Vec<String> {
    let file = file.strip_suffix(".rs").unwrap_or(file);
    let file = file.strip_suffix("/mod").unwrap_or(file);
    file.split('/').map(str::to_owned).collect()
}

/// Gives the modules written in braces around an offset.
fn inline_modules(code: &str, at: usize) -> Vec<String> {
    let is_around = |start: &usize| *start < at && at < source::end_of_item(code, *start);
    source::find_word(code, "mod")
        .into_iter()
        .filter(is_around)
        .filter(|start| code[*start..at].contains('{'))
        .map(|start| next_name(code[start + "mod".len()..].trim_start()))
        .collect()
}

/// Reads the name at the beginning of a text, or the sign that stands for many.
fn next_name(text: &str) -> String {
    let text = text.trim_start();
    match text.chars().next() {
        Some(sign @ ('{' | '*')) => sign.to_string(),
        _ => text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect(),
    }
}

fn fixture(name: &str) -> Vec<String> {
    violations(&program::repository().join("tests/fixtures/layers").join(name))
}

#[test]
fn dependencies_point_down() {
    assert_eq!(violations(&program::repository().join("host/src")), Vec::<String>::new());
}

#[test]
fn a_tree_that_points_down_passes() {
    assert_eq!(fixture("good"), Vec::<String>::new());
}

#[test]
fn a_use_that_points_up_or_hides_is_found() {
    assert_eq!(
        fixture("bad"),
        [
            "audit/mod.rs: audit -> plugin",
            "audit/store.rs: audit -> config",
            "clock.rs: clock -> {",
            "config.rs: config -> app",
            "config.rs: config -> *",
            "helpers.rs: helpers is in no layer",
            "plugin/imports/mod.rs: plugin -> app",
            "plugin/imports/mod.rs: plugin -> {",
            "plugin/mod.rs: plugin -> cli",
        ]
    );
}
