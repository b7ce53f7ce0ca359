//! The direction between crates, read from their `Cargo.toml`s and the lock file.
//!
//! ```text
//! ax-tests → ax-host → ax-registry → ax-manifest → nothing of ours
//! ax-fuzz  → ax-host, ax-registry, ax-manifest
//! ax-sdk   → ax-sdk-macros → nothing of ours
//! plugins/* → ax-sdk: what they share with the host is the text in `wit/`
//! ```

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use ax_tests::program;

use crate::source;

/// Every member and which of ours it may use, also in its own tests.
const CRATES: &[(&str, &str, &[&str])] = &[
    ("manifest", "ax-manifest", &[]),
    ("registry", "ax-registry", &["ax-manifest"]),
    ("host", "ax-host", &["ax-manifest", "ax-registry"]),
    ("plugins/cheapest", "ax-plugin-cheapest", &["ax-sdk"]),
    ("plugins/echo", "ax-plugin-echo", &["ax-sdk"]),
    ("plugins/fetch", "ax-plugin-fetch", &["ax-sdk"]),
    ("plugins/files", "ax-plugin-files", &["ax-sdk"]),
    ("plugins/metrics", "ax-plugin-metrics", &["ax-sdk"]),
    ("plugins/notes", "ax-plugin-notes", &["ax-sdk"]),
    ("plugins/repo-report", "ax-plugin-repo-report", &["ax-sdk"]),
    ("plugins/summarise", "ax-plugin-summarise", &["ax-sdk"]),
    ("plugins/text", "ax-plugin-text", &["ax-sdk"]),
    ("sdk/rust", "ax-sdk", &["ax-sdk-macros"]),
    ("sdk/rust/macros", "ax-sdk-macros", &[]),
    ("sdk/rust/test", "ax-sdk-test", &[]),
    ("tests", "ax-tests", &["ax-host", "ax-manifest", "ax-registry"]),
    ("fuzz/entries", "ax-fuzz", &["ax-host", "ax-manifest", "ax-registry"]),
    ("xtask", "xtask", &["ax-host", "ax-manifest", "ax-registry"]),
];

/// What a crate must not bring along, by whatever path, and why it stays out.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "ax-manifest",
        &["tokio", "wasmtime", "rusqlite", "reqwest", "hyper", "ureq", "curl", "http"],
        "it is pure: parse, compare, inspect",
    ),
    (
        "ax-registry",
        &["tokio", "wasmtime", "rusqlite"],
        "a registry's server and its clients work without a sandbox",
    ),
];

/// Modules of the host that may name the registry's crate.
const REGISTRY_USERS: &[&str] = &["app", "cli"];

/// What a crate needs to be built.
const BUILT_WITH: &[&str] = &["dependencies", "build-dependencies"];
/// The same, and what its own tests need.
const TESTED_WITH: &[&str] = &["dependencies", "build-dependencies", "dev-dependencies"];

/// Returns the names of dependencies in a `Cargo.toml`, those for targets included.
fn dependencies(manifest: &toml::Table, sections: &[&str]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut tables = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    for table in tables {
        for section in sections {
            let Some(found) = table.get(*section).and_then(toml::Value::as_table) else { continue };
            for (name, value) in found {
                let package = value.get("package").and_then(toml::Value::as_str);
                names.insert(package.unwrap_or(name).to_owned());
            }
        }
    }
    names
}

fn read(path: &str) -> toml::Table {
    let text = fs_err::read_to_string(program::repository().join(path)).expect("the file is there");
    text.parse().expect("the file is TOML")
}

/// Returns what each package of a lock file uses directly.
fn locked(path: &str) -> BTreeMap<String, BTreeSet<String>> {
    let lock = read(path);
    let packages = lock["package"].as_array().expect("packages");
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages {
        let name = package["name"].as_str().expect("a name").to_owned();
        let listed = package.get("dependencies").and_then(toml::Value::as_array);
        // Several versions of one name count as one: what must stay out stays out in any version.
        let names = listed.into_iter().flatten().filter_map(toml::Value::as_str);
        let names = names.map(|text| text.split(' ').next().unwrap_or(text).to_owned());
        uses.entry(name).or_default().extend(names);
    }
    uses
}

fn brought_along(uses: &BTreeMap<String, BTreeSet<String>>, root: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next = vec![root.to_owned()];
    while let Some(name) = next.pop() {
        let direct = uses.get(&name).into_iter().flatten();
        next.extend(direct.filter(|used| found.insert((*used).clone())).cloned());
    }
    found
}

#[test]
fn crates_use_only_the_crates_below_them() {
    let ours: BTreeSet<&str> = CRATES.iter().map(|(_, name, _)| *name).collect();
    for (folder, name, allowed) in CRATES {
        let manifest = read(&format!("{folder}/Cargo.toml"));
        assert_eq!(manifest["package"]["name"].as_str(), Some(*name), "{folder}");
        for used in
            dependencies(&manifest, TESTED_WITH).iter().filter(|used| ours.contains(used.as_str()))
        {
            assert!(allowed.contains(&used.as_str()), "{folder}/Cargo.toml: {name} -> {used}");
        }
    }
}

#[test]
fn the_fuzz_targets_are_locked_to_what_our_crates_use() {
    let uses = locked("fuzz/Cargo.lock");
    for (folder, name, _) in CRATES {
        let Some(locked) = uses.get(*name) else { continue };
        let wanted = dependencies(&read(&format!("{folder}/Cargo.toml")), BUILT_WITH);
        assert_eq!(
            *locked, wanted,
            "{name}; run: cargo update --workspace --manifest-path fuzz/Cargo.toml"
        );
    }
    assert!(uses.contains_key("ax-fuzz"));
}

#[test]
fn every_member_of_the_workspace_has_its_place() {
    let workspace = read("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().expect("members");
    for member in members.iter().filter_map(toml::Value::as_str) {
        let is_known = CRATES.iter().any(|(folder, ..)| *folder == member);
        assert!(is_known, "`{member}` has no place in {}", file!());
    }
}

#[test]
fn what_must_stay_out_of_a_crate_comes_in_by_no_path() {
    let uses = locked("Cargo.lock");
    for (name, forbidden, why) in FORBIDDEN {
        assert!(uses.contains_key(*name), "{name} is in the lock file");
        let found = brought_along(&uses, name);
        for banned in *forbidden {
            assert!(!found.contains(*banned), "{name} brings {banned} along; {why}");
        }
    }
}

#[test]
fn the_host_knows_the_registry_only_where_things_are_put_together() {
    let mut found = Vec::new();
    for source in source::sources(&program::repository().join("host/src")) {
        for at in source::find_word(&source.with_tests, "ax_registry") {
            if !REGISTRY_USERS.contains(&source.owner()) {
                found.push(format!("{}:{}", source.file, source::line_of(&source.code, at)));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new(), "allowed in {REGISTRY_USERS:?} alone");
}
