//! Data when releases come and go: what goes out of sight is told, stays, and can be come back to.

use std::time::Duration;

use ax_host::kv::Kv;
use ax_host::kv::Quota;
use ax_host::kv::Space;
use ax_tests::components;
use ax_tests::home::Home;
use ax_tests::home::Run;
use ax_tests::program;
use rusqlite::Connection;
use serde_json::Value;
use serde_json::json;

use crate::update::add_notes;
use crate::update::hoarder_manifest;
use crate::update::notes;
use crate::update::states;
use crate::update::with_old_notes;
use crate::update::write_notes;

/// Longer than anything young stays.
const TWO_HOURS: Duration = Duration::from_secs(2 * 60 * 60);

fn titles(home: &Home) -> Vec<String> {
    let listed = notes(home, "list", &json!({}));
    let listed = listed["notes"].as_array().expect("notes").iter();
    listed.map(|note| note["title"].as_str().expect("a title").to_owned()).collect()
}

#[track_caller]
fn install_notes(home: &Home, release: &str) -> Run {
    write_notes(home, release);
    add_notes(home).ok()
}

/// The lines that tell what an installation leaves behind.
fn told(run: &Run) -> String {
    run.stderr
        .lines()
        .filter(|line| line.contains("behind") || line.contains("--own-data"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Three old notes; 0.2 with one more, `precious`; and 0.1 again.
fn gone_back() -> (Home, Run) {
    let home = with_old_notes();
    install_notes(&home, "0.2");
    notes(&home, "add", &json!({ "title": "precious" }));
    let run = install_notes(&home, "0.1");
    (home, run)
}

#[test]
fn a_step_back_tells_what_it_leaves_and_finds_what_was_left() {
    let (home, run) = gone_back();
    assert_eq!(titles(&home), ["x", "Räume", "Budget"]);
    insta::assert_snapshot!(told(&run), @r"
      leaves     1 change by 0.2.0 behind
    warning: 1 change by 0.2.0 is not in the data of ax:notes 0.1.0; to go on with it, install 0.2.0 with --own-data
    ");
    // Nothing is out of sight that was not told before.
    assert_eq!(told(&add_notes(&home).ok()), "");
}

#[test]
fn forward_again_what_the_release_left_is_told_and_can_be_come_back_to() {
    let (home, _) = gone_back();
    notes(&home, "add", &json!({ "title": "later" }));
    let run = install_notes(&home, "0.2");
    assert_eq!(titles(&home), ["later", "x", "Räume", "Budget"], "the data in use went along");
    insta::assert_snapshot!(told(&run), @r"
      leaves     1 change by 0.2.0 behind
    warning: 1 change by 0.2.0 is not in the data of ax:notes 0.2.0; to go on with it, install 0.2.0 with --own-data
    ");
    let own = home.ax(&["plugin", "add", "notes", "--allow", "kv", "--own-data", "--json"]).ok();
    assert_eq!(titles(&home), ["precious", "x", "Räume", "Budget"]);
    assert_eq!(own.json()["leftBehind"], json!([{ "version": "0.1.0", "changes": 1 }]));
    // And to and fro, as often as anybody likes.
    home.ax(&["plugin", "add", "notes", "--allow", "kv", "--own-data"]).ok();
    assert_eq!(titles(&home), ["later", "x", "Räume", "Budget"]);
}

#[test]
fn the_audit_says_what_was_left_behind() {
    let (home, _) = gone_back();
    let last = home.ax(&["audit", "tail", "-n", "20", "--json"]).ok().stdout;
    let row = last.lines().rfind(|line| line.contains("plugin.add")).expect("a row");
    let row: Value = serde_json::from_str(row).expect("JSON");
    let left = &row["body"]["detail"]["data"]["leftBehind"];
    assert_eq!(left, &json!([{ "version": "0.2.0", "changes": 1 }]), "{row}");
}

#[test]
fn pruning_keeps_what_is_out_of_sight() {
    let (home, _) = gone_back();
    install_notes(&home, "0.2");
    home.age(TWO_HOURS);
    home.ax(&["plugin", "prune", "--keep", "1"]).ok();
    home.ax(&["plugin", "add", "notes", "--allow", "kv", "--own-data"]).ok();
    assert_eq!(titles(&home), ["precious", "x", "Räume", "Budget"]);
    // An older release finds what it left, whatever is pruned.
    home.age(TWO_HOURS);
    home.ax(&["plugin", "prune", "--keep", "1"]).ok();
    install_notes(&home, "0.1");
    assert_eq!(titles(&home), ["x", "Räume", "Budget"]);
    home.age(TWO_HOURS);
    let asked = home.ax(&["plugin", "prune", "--keep", "1", "--data"]).exits(2);
    assert!(asked.stderr.contains("ax:notes"), "{}", asked.stderr);
    home.ax(&["plugin", "prune", "--keep", "1", "--data", "--yes"]).ok();
    assert_eq!(states(&home).len(), 1);
}

#[test]
fn own_data_of_a_release_that_left_none_are_an_error() {
    let home = with_old_notes();
    let refused = home.ax(&["plugin", "add", "notes", "--allow", "kv", "--own-data"]).exits(1);
    assert!(
        refused.stderr.contains("`ax:notes` 0.1.0 left no data of its own here"),
        "{refused:?}"
    );
    assert_eq!(refused.hint(), "leave out --own-data");
}

/// Puts a release of `test:hoarder` into its folder.
fn write_hoarder(home: &Home, version: &str) {
    home.write_plugin("hoarder", &hoarder_manifest(version), &program::guest("hoarder"));
}

#[track_caller]
fn add_hoarder(home: &Home) {
    home.ax(&["plugin", "add", "hoarder", "--allow", "kv"]).ok();
}

/// Reads what `test:hoarder` keeps in a state.
fn kept(home: &Home, state: u64, key: &str) -> String {
    let kv = Kv::at(home.path());
    let owner = kv.states().expect("the store").remove(0).0;
    let space = Space { owner: owner.into(), state, quota: Quota { keys_max: 0, bytes_max: 0 } };
    let entry = kv.get(&space, key).expect("the state").expect("the key");
    String::from_utf8(entry.value).expect("text")
}

/// Release 1 kept something; release 3 keeps nothing itself, and many commits followed.
fn carried() -> Home {
    let home = Home::new();
    write_hoarder(&home, "1.0.0");
    add_hoarder(&home);
    let input = json!({ "key": "a", "text": "mine" }).to_string();
    home.ax(&["tool", "call", "test:hoarder.write-text", &input]).ok();
    let manifest = hoarder_manifest("3.0.0").replace("kv = { bytes = \"2 MiB\" }", "");
    home.write_plugin("hoarder", &manifest, &components::calc());
    home.ax(&["plugin", "add", "hoarder", "--grant-nothing"]).ok();
    home.age(TWO_HOURS);
    for verb in ["disable", "enable"].into_iter().cycle().take(12) {
        home.ax(&["plugin", verb, "test:hoarder"]).ok();
    }
    home
}

#[test]
fn who_wrote_data_is_known_however_many_changes_follow() {
    let home = carried();
    write_hoarder(&home, "1.0.0");
    add_hoarder(&home);
    assert_eq!(states(&home), [(1, 1)], "they are its own, as they are");
    let home = carried();
    write_hoarder(&home, "3.0.0");
    add_hoarder(&home);
    assert_eq!(states(&home), [(1, 1), (2, 2)]);
    assert_eq!(kept(&home, 2, "migrated"), "1.0.0 3.0.0");
}

/// Makes the database what an earlier host left, which did not write down whose data are.
fn forget_writers(home: &Home) {
    let database = Connection::open(home.path().join("plugins.db")).expect("it opens");
    let columns = ["reserved", "writer", "begun", "origin", "held"];
    let drops = columns.map(|name| format!("ALTER TABLE state DROP COLUMN {name};")).concat();
    database
        .execute_batch(&format!("DROP TABLE outcome; {drops} PRAGMA user_version = 1"))
        .expect("it is changed");
}

#[test]
fn what_an_earlier_host_did_not_write_down_is_read_from_what_was_installed() {
    let home = with_old_notes();
    forget_writers(&home);
    install_notes(&home, "0.2");
    assert_eq!(titles(&home), ["x", "Räume", "Budget"]);
    install_notes(&home, "0.1");
    assert_eq!(titles(&home), ["x", "Räume", "Budget"]);
}

#[test]
fn data_of_which_nobody_knows_whose_they_are_are_refused_and_stay() {
    let home = carried();
    forget_writers(&home);
    for number in 1..=2 {
        fs_err::remove_dir_all(home.path().join(format!("gen/00000{number}"))).ok();
    }
    for version in ["1.0.0", "4.0.0"] {
        write_hoarder(&home, version);
        let refused = home.ax(&["plugin", "add", "hoarder", "--allow", "kv"]).exits(1);
        let known = "it is not known which version wrote the data of `test:hoarder`";
        assert!(refused.stderr.contains(known), "{}", refused.stderr);
        assert!(!refused.stderr.contains("prune"), "{}", refused.stderr);
    }
    home.age(TWO_HOURS);
    home.ax(&["plugin", "prune", "--keep", "1"]).ok();
    assert_eq!(states(&home), [(1, 1)]);
}

#[test]
fn what_was_in_use_within_the_hour_stays_however_many_changes_follow() {
    let home = with_old_notes();
    let number = |home: &Home| {
        let current = fs_err::read_to_string(home.path().join("current")).expect("it is there");
        current.trim().parse::<u64>().expect("a number")
    };
    let toggle = |home: &Home| {
        for verb in ["disable", "enable"].into_iter().cycle().take(14) {
            home.ax(&["plugin", verb, "ax:notes"]).ok();
        }
    };
    let generations = |home: &Home| fs_err::read_dir(home.path().join("gen")).expect("it").count();
    toggle(&home);
    assert_eq!(generations(&home) as u64, number(&home), "all are of this hour");
    home.age(TWO_HOURS);
    toggle(&home);
    // The last before the hour was in use until its end; of the others the last ten stay.
    assert_eq!(generations(&home), 15, "{}", number(&home));
    assert_eq!(Kv::at(home.path()).states().expect("the store").len(), 1);
}
