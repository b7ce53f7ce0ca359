//! `ax plugin prune`: what goes and what never does.
//!
//! What was written within the last hour never goes, so each test first makes its home look older.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ax_host::kv::Change;
use ax_host::kv::Condition;
use ax_host::kv::Kv;
use ax_host::kv::Quota;
use ax_host::kv::Space;
use ax_tests::components;
use ax_tests::home::Home;
use semver::Version;
use serde_json::Value;
use serde_json::json;

/// Longer than anything young stays.
const TWO_HOURS: Duration = Duration::from_secs(2 * 60 * 60);

const ADD: [&str; 4] = ["tool", "call", "test:calc.add", r#"{"a": 1, "b": 2}"#];

/// Another release of `test:calc`, of other bytes.
const CALC_2_MANIFEST: &str = r#"[plugin]
name = "test:calc"
version = "2.0.0"
description = "Adds numbers"
host = "^0.1"
"#;

/// A plugin that keeps something.
const KEEPER_MANIFEST: &str = r#"[plugin]
name = "test:keeper"
version = "1.0.0"
description = "Keeps numbers"
host = "^0.1"

[permissions]
kv = { bytes = "1 MiB", reason = "To keep them" }
"#;

/// A home where `test:calc` was replaced by another release from the same folder: generations 1
/// and 2, and some switching off and on up to 4.
fn replaced() -> Home {
    let home = Home::new();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    home.ax(&["plugin", "add", "calc"]).ok();
    home.write_plugin("calc", CALC_2_MANIFEST, &components::calc_rebuilt());
    home.ax(&["plugin", "add", "calc"]).ok();
    home.ax(&["plugin", "disable", "test:calc"]).ok();
    home.ax(&["plugin", "enable", "test:calc"]).ok();
    home
}

/// Installs `test:keeper` and lets it keep one entry; gives whose data they are.
fn keep_something(home: &Home) -> Space {
    home.write_plugin("keeper", KEEPER_MANIFEST, &components::calc());
    home.ax(&["plugin", "add", "keeper", "--grant-nothing"]).ok();
    let folder = home.work().join("keeper");
    let space = Space {
        owner: format!("test:keeper from folder:{}", folder.display()).into(),
        state: 1,
        quota: Quota { keys_max: 10, bytes_max: 1_000 },
    };
    let change = Change::Put { key: "a".into(), value: b"12345".into(), when: Condition::Always };
    Kv::at(home.path()).write(&space, &[change]).expect("it keeps it");
    space
}

fn kept(home: &Home, space: &Space) -> Option<Vec<u8>> {
    let entry = Kv::at(home.path()).get(space, "a").ok().flatten()?;
    Some(entry.value)
}

/// Lists the files below `AX_HOME` with their content, but for what every command may touch.
fn files(home: &Home) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut next = vec![home.path().to_owned()];
    while let Some(folder) = next.pop() {
        for entry in fs_err::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                next.push(path);
            } else if !name.starts_with("plugins.db-") {
                let content = fs_err::read(&path).expect("a file");
                found.insert(path, content);
            }
        }
    }
    found
}

fn generations(home: &Home) -> Vec<String> {
    let entries = fs_err::read_dir(home.path().join("gen")).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn blobs(home: &Home) -> usize {
    fs_err::read_dir(home.path().join("store/blobs/sha256")).expect("a folder").count()
}

fn compiled(home: &Home) -> usize {
    fs_err::read_dir(home.path().join("cache")).expect("a folder").count()
}

fn prune(home: &Home, flags: &[&str]) -> Value {
    home.ax(&[&["plugin", "prune", "--json"], flags].concat()).ok().json()
}

/// How many rows of the audit are about pruning.
fn recorded(home: &Home) -> usize {
    let told = home.ax(&["audit", "tail", "-n", "1000", "--json"]).ok().stdout;
    told.lines().filter(|line| line.contains("plugin.prune")).count()
}

#[test]
fn a_dry_run_says_what_would_go_and_removes_nothing() {
    let home = replaced();
    home.age(TWO_HOURS);
    let before = files(&home);
    let told = prune(&home, &["--keep", "1", "--dry-run"]);
    assert_eq!(told["dryRun"], true);
    assert_eq!(told["removed"]["generations"]["count"], 3);
    assert_eq!(told["removed"]["blobs"]["count"], 3);
    assert_eq!(told["removed"]["compiled"]["count"], 1);
    assert!(told["bytes"].as_u64().expect("a number") > 1_000, "{told}");
    assert_eq!(files(&home), before);
    assert_eq!(recorded(&home), 0);
    let shown = home.ax(&["plugin", "prune", "--keep", "1", "--dry-run"]).ok();
    assert!(shown.stdout.starts_with("REMOVED"), "{}", shown.stdout);
    assert_eq!(shown.stderr, "nothing was removed: --dry-run\n");
}

#[test]
fn older_generations_go_with_what_they_alone_name_and_the_current_one_works() {
    let home = replaced();
    home.age(TWO_HOURS);
    let (blobs_before, compiled_before) = (blobs(&home), compiled(&home));
    let told = prune(&home, &["--keep", "1"]);
    assert_eq!(told["kept"], json!([{ "generation": 4, "why": "it is the current one" }]));
    assert_eq!(generations(&home), ["000004"]);
    assert_eq!((blobs_before, blobs(&home)), (6, 3));
    assert_eq!((compiled_before, compiled(&home)), (4, 2));
    assert_eq!(home.ax(&ADD).ok().stdout, "3\n");
    home.ax(&["plugin", "verify"]).ok();
    home.ax(&["audit", "verify"]).ok();
    // Installing what is gone from the store brings it back.
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    home.ax(&["plugin", "add", "calc"]).ok();
    assert_eq!(home.ax(&ADD).ok().stdout, "3\n");
    home.ax(&["plugin", "verify"]).ok();
}

#[test]
fn a_second_time_there_is_nothing_to_do_and_nothing_recorded() {
    let home = replaced();
    home.age(TWO_HOURS);
    prune(&home, &["--keep", "1"]);
    assert_eq!(recorded(&home), 1);
    home.age(TWO_HOURS);
    let told = prune(&home, &["--keep", "1"]);
    assert_eq!(
        (&told["removed"], &told["bytes"], &told["young"]),
        (&json!({}), &json!(0), &json!(0))
    );
    assert_eq!(recorded(&home), 1);
    insta::assert_snapshot!(home.told(&["plugin", "prune", "--keep", "1"]), @r"
    exit 0
    --- stdout
    nothing to remove
    ");
}

#[test]
fn the_generation_to_go_back_to_stays_with_its_package() {
    let home = replaced();
    home.age(TWO_HOURS);
    let told = prune(&home, &["--keep", "3"]);
    assert_eq!(told["removed"]["generations"]["count"], 1);
    assert_eq!(generations(&home), ["000002", "000003", "000004"]);
    assert_eq!(
        told["removed"]["blobs"]["count"], 3,
        "of the release that only the first one names"
    );
    let home = replaced();
    home.age(TWO_HOURS);
    let told = prune(&home, &[]);
    assert_eq!(told["removed"], json!({}), "ten stay unless told otherwise");
    assert_eq!(blobs(&home), 6);
}

#[test]
fn what_is_young_or_was_in_use_within_the_hour_stays() {
    let home = replaced();
    let before = files(&home);
    let told = prune(&home, &["--keep", "1"]);
    assert_eq!(told["removed"], json!({}));
    assert_eq!(files(&home), before);
    // The third one was made long ago, and in use until a moment ago.
    home.age(TWO_HOURS);
    home.ax(&["plugin", "disable", "test:calc"]).ok();
    let told = home.ax(&["plugin", "prune", "--keep", "1", "-v"]).ok();
    insta::assert_snapshot!(told.stderr, @r"
    kept generation 000005: it is the current one
    kept generation 000004: it was current less than an hour ago
    ");
    assert_eq!(generations(&home), ["000004", "000005"]);
}

#[test]
fn a_removed_plugin_gets_its_data_back_however_much_was_pruned() {
    let home = replaced();
    let space = keep_something(&home);
    home.ax(&["plugin", "remove", "test:keeper", "--yes"]).ok();
    for verb in ["disable", "enable"].into_iter().cycle().take(12) {
        home.ax(&["plugin", verb, "test:calc"]).ok();
    }
    home.age(TWO_HOURS);
    let told = prune(&home, &["--keep", "1"]);
    assert_eq!(told["kept"][1]["why"].as_str().map(|why| why.contains("test:keeper")), Some(true));
    assert_eq!(generations(&home).len(), 2, "{told}");
    assert_eq!(kept(&home, &space).as_deref(), Some(b"12345".as_slice()));
    home.ax(&["plugin", "add", "keeper", "--grant-nothing"]).ok();
    let current = fs_err::read_to_string(home.path().join("current")).expect("it is there");
    let lock = home.path().join(format!("gen/{}/plugins.lock", current.trim()));
    let lock = fs_err::read_to_string(lock).expect("it is there");
    assert!(lock.contains("state = 1\n"), "{lock}");
    assert_eq!(kept(&home, &space).as_deref(), Some(b"12345".as_slice()));
}

#[test]
fn data_of_a_removed_plugin_go_when_asked_for_and_confirmed() {
    let home = replaced();
    let space = keep_something(&home);
    home.ax(&["plugin", "remove", "test:keeper", "--yes"]).ok();
    home.age(TWO_HOURS);
    let asked = home.ax(&["plugin", "prune", "--keep", "1", "--data"]).exits(2);
    assert!(asked.stderr.contains("test:keeper") && asked.hint() == "--yes", "{}", asked.stderr);
    assert!(kept(&home, &space).is_some());
    let told = prune(&home, &["--keep", "1", "--data", "--yes"]);
    assert_eq!(told["removed"]["states"], json!({ "count": 1, "bytes": 6 }));
    assert_eq!(generations(&home).len(), 1);
    assert_eq!(kept(&home, &space), None);
    // Nothing is left to lose, so nothing is asked.
    prune(&home, &["--keep", "1", "--data"]);
    home.ax(&["plugin", "add", "keeper", "--grant-nothing"]).ok();
    assert_eq!(kept(&home, &Space { state: 2, ..space }), None, "it begins with nothing");
}

#[test]
fn data_of_an_installed_plugin_stay_whatever_is_asked_for() {
    let home = replaced();
    let space = keep_something(&home);
    // A handle for each use: none must be open while the files are made to look old.
    let kv = || Kv::at(home.path());
    let copy = kv().fork(&space.owner, Some(1)).expect("a copy").state;
    let newest = kv().fork(&space.owner, Some(1)).expect("the newest").state;
    kv().settle(&space.owner, newest, &Version::new(2, 0, 0)).expect("it is there");
    kv().add_file_usage(&format!("{}\nworkspace\n/w\n1", space.owner), 5, 1).expect("an account");
    home.age(TWO_HOURS);
    let told = prune(&home, &["--keep", "1"]);
    // Neither the one in use nor one of another version: what an update that died left behind.
    assert_eq!(told["removed"]["states"], json!({ "count": 1, "bytes": 6 }));
    assert_eq!(told["removed"]["accounts"]["count"], 1);
    let numbers = || -> Vec<u64> {
        kv().states().expect("states").into_iter().map(|(_, number, _)| number).collect()
    };
    assert_eq!(numbers(), [1, 3]);
    assert_ne!(copy, 3);
    prune(&home, &["--keep", "1", "--data", "--yes"]);
    assert_eq!(numbers(), [1]);
    assert_eq!(kept(&home, &space).as_deref(), Some(b"12345".as_slice()));
}

#[test]
fn what_killed_commands_left_goes_once_it_is_old() {
    let home = replaced();
    let left = [
        ".tmp-current-abc123",
        ".tmp-plugins.db-abc123",
        ".secret-abc123",
        "gen/.tmp-000009/plugins.lock",
        "store/blobs/sha256/.tmp-0123-abc123",
        "cache/.compiling-abc123",
        "cache/.sum-abc123",
    ];
    fs_err::create_dir(home.path().join("gen/.tmp-000009")).expect("a folder");
    for name in left {
        fs_err::write(home.path().join(name), "half").expect("written");
    }
    // What a person put there is nobody's to remove.
    let strangers = ["notes.txt", "plugins.db.backup", "store/blobs/sha256/notes", "cache/notes"];
    for name in strangers {
        fs_err::write(home.path().join(name), "mine").expect("written");
    }
    assert_eq!(prune(&home, &[])["removed"], json!({}));
    home.age(TWO_HOURS);
    let told = prune(&home, &[]);
    assert_eq!(told["removed"], json!({ "leftovers": { "count": 7, "bytes": 28 } }));
    let is_there = |name: &&&str| home.path().join(name).exists();
    assert_eq!(left.iter().filter(is_there).count(), 0);
    assert_eq!(strangers.iter().filter(is_there).count(), strangers.len());
}

#[test]
fn code_of_another_engine_goes() {
    let home = replaced();
    let other = format!("cache/{}-0123456789ab.cwasm", "0".repeat(64));
    for name in [other.clone(), format!("{other}.sha256")] {
        fs_err::write(home.path().join(name), "code").expect("written");
    }
    home.age(TWO_HOURS);
    let told = prune(&home, &[]);
    assert_eq!(told["removed"], json!({ "compiled": { "count": 1, "bytes": 8 } }));
    assert_eq!(compiled(&home), 4);
}

#[test]
fn a_damaged_generation_is_told_and_keeps_all_that_it_may_name() {
    let home = replaced();
    fs_err::write(home.path().join("gen/000002/plugins.lock"), "version = ").expect("written");
    home.age(TWO_HOURS);
    let blobs_before = blobs(&home);
    let told = home.ax(&["plugin", "prune", "--keep", "1"]).ok();
    let told = home.tell_text(&told.stderr);
    insta::assert_snapshot!(told, @r"
    warning: generation 000002 is damaged: `HOME/gen/000002/plugins.lock` is not a lock file
    all that it may name stays: mend it, or move it away, `mv 'HOME/gen/000002' 'HOME/gen/000002.damaged'`
    ");
    assert_eq!(generations(&home), ["000002", "000004"]);
    assert_eq!(blobs(&home), blobs_before);
    // Once it is away, the rest goes.
    fs_err::rename(home.path().join("gen/000002"), home.work().join("away")).expect("moved");
    let told = prune(&home, &["--keep", "1"]);
    assert_eq!((&told["removed"]["blobs"]["count"], &told["inTheWay"]), (&json!(3), &json!([])));
}

#[test]
fn a_damaged_current_generation_stops_it() {
    let home = replaced();
    fs_err::write(home.path().join("gen/000004/plugins.lock"), "version = ").expect("written");
    home.age(TWO_HOURS);
    let before = generations(&home);
    for flags in [&["--dry-run"][..], &[]] {
        let refused = home.ax(&[&["plugin", "prune", "--keep", "1"], flags].concat()).exits(1);
        assert!(refused.stderr.starts_with("error[AX-L002]: generation 000004"), "{refused:?}");
        assert!(refused.hint().starts_with("go back to generation 000003: "), "{refused:?}");
    }
    assert_eq!(generations(&home), before);
}

#[test]
fn a_package_that_cannot_be_read_keeps_all_packages() {
    let home = replaced();
    let shown = home.ax(&["plugin", "show", "test:calc", "--json"]).ok().json();
    let package = shown["package"].as_str().expect("a digest");
    let package = package.strip_prefix("sha256:").expect("a digest");
    fs_err::remove_file(home.path().join("store/blobs/sha256").join(package)).expect("removed");
    home.age(TWO_HOURS);
    let told = prune(&home, &["--keep", "1"]);
    assert_eq!(told["removed"]["generations"]["count"], 3);
    assert_eq!(told["removed"]["blobs"], Value::Null);
    assert_eq!(told["inTheWay"].as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(blobs(&home), 5);
}

#[test]
fn an_empty_home_stays_empty() {
    let home = Home::new();
    for flags in [&["--dry-run"][..], &[], &["--data"]] {
        home.ax(&[&["plugin", "prune"], flags].concat()).ok();
    }
    assert_eq!(home.entries(), Vec::<String>::new());
}

#[test]
fn none_is_not_a_number_of_generations_to_keep() {
    let home = replaced();
    let refused = home.ax(&["plugin", "prune", "--keep", "0"]).exits(2);
    assert!(refused.stderr.starts_with("error[AX-U001]"), "{}", refused.stderr);
    assert_eq!(generations(&home).len(), 4);
}
