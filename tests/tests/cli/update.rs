//! Updates of a plugin that keeps data: the data follow, or everything stays as it was.

use ax_host::kv::Kv;
use ax_tests::home::Home;
use ax_tests::home::Run;
use ax_tests::program;
use serde_json::Value;
use serde_json::json;

/// Writes a release of `ax:notes` into the folder `notes`, in place of what is there: a plugin is
/// its name and its folder.
pub(crate) fn write_notes(home: &Home, release: &str) {
    let (manifest, component) = match release {
        "0.1" => ("tests/guests/notes-0.1/plugin.toml", program::guest("notes-0.1")),
        _ => {
            let folder = program::plugin("notes");
            ("plugins/notes/plugin.toml", fs_err::read(folder.join("plugin.wasm")).expect("built"))
        }
    };
    let manifest = fs_err::read_to_string(program::repository().join(manifest)).expect("text");
    home.write_plugin("notes", &manifest, &component);
}

/// Adds what is in the folder `notes`.
pub(crate) fn add_notes(home: &Home) -> Run {
    home.ax(&["plugin", "add", "notes", "--allow", "kv"])
}

/// Calls a tool of `ax:notes`.
#[track_caller]
pub(crate) fn notes(home: &Home, tool: &str, input: &Value) -> Value {
    let tool = format!("ax:notes.{tool}");
    home.ax(&["tool", "call", &tool, &input.to_string(), "--json"]).answer()
}

/// A home with release 0.1 and three notes.
pub(crate) fn with_old_notes() -> Home {
    let home = Home::new();
    write_notes(&home, "0.1");
    add_notes(&home).ok();
    for (title, body) in [("Budget", "Ask for bread ovens"), ("Räume", "größer\n\tals"), ("x", "")]
    {
        notes(&home, "add", &json!({ "title": title, "body": body }));
    }
    home
}

#[test]
fn an_update_brings_every_note_along() {
    let home = with_old_notes();
    write_notes(&home, "0.2");
    add_notes(&home).ok();
    let listed = notes(&home, "list", &json!({}));
    let titles: Vec<_> =
        listed["notes"].as_array().expect("notes").iter().map(|n| &n["title"]).collect();
    assert_eq!(titles, ["x", "Räume", "Budget"]);
    let note = notes(&home, "get", &json!({ "id": 2 }));
    assert_eq!((&note["title"], &note["body"]), (&json!("Räume"), &json!("größer\n\tals")));
    for (query, id) in [("ovens", 1), ("RÄUME", 2), ("größ", 2)] {
        let found = notes(&home, "search", &json!({ "query": query }));
        assert_eq!((&found["found"], &found["hits"][0]["id"]), (&json!(1), &json!(id)), "{query}");
    }
    assert_eq!(
        notes(&home, "add", &json!({ "title": "new" }))["id"],
        4,
        "no number is given twice"
    );
}

#[test]
fn whoever_goes_back_to_the_release_before_finds_its_data() {
    let home = with_old_notes();
    let current = home.path().join("current");
    let before = fs_err::read_to_string(&current).expect("a generation");
    write_notes(&home, "0.2");
    add_notes(&home).ok();
    notes(&home, "add", &json!({ "title": "later" }));
    notes(&home, "remove", &json!({ "id": 1 }));
    fs_err::write(&current, before).expect("it is ours");
    let listed = notes(&home, "list", &json!({}));
    assert_eq!(listed["notes"].as_array().map(Vec::len), Some(3));
    assert_eq!(notes(&home, "get", &json!({ "id": 1 }))["title"], "Budget");
}

#[test]
fn what_a_removed_plugin_kept_is_there_for_its_next_release() {
    let home = with_old_notes();
    home.ax(&["plugin", "remove", "ax:notes", "--yes"]).ok();
    write_notes(&home, "0.2");
    add_notes(&home).ok();
    assert_eq!(notes(&home, "search", &json!({ "query": "ovens" }))["found"], 1);
}

#[test]
fn the_same_release_again_keeps_its_data_where_they_are() {
    let home = with_old_notes();
    add_notes(&home).ok();
    assert_eq!(states(&home).len(), 1);
    assert_eq!(notes(&home, "list", &json!({}))["notes"].as_array().map(Vec::len), Some(3));
}

/// Three old notes, and release 0.2 in another folder.
fn with_notes_elsewhere() -> Home {
    let home = with_old_notes();
    write_notes(&home, "0.2");
    let other = home.work().join("elsewhere");
    fs_err::rename(home.work().join("notes"), &other).expect("it is ours");
    home
}

const ADD_ELSEWHERE: [&str; 5] = ["plugin", "add", "elsewhere", "--allow", "kv"];

#[test]
fn what_keeps_data_is_not_replaced_by_what_does_not_see_them() {
    let home = with_notes_elsewhere();
    let refused = home.ax(&ADD_ELSEWHERE).exits(1);
    insta::assert_snapshot!(home.tell(&refused), @r"
    exit 1
    --- stderr
    error[AX-P018]: `ax:notes` from `folder:WORK/notes` keeps data, which one from `folder:WORK/elsewhere` would not see

    hint: if it is a release of the same plugin, add `--data-of 'folder:WORK/notes'`; to start with nothing: ax plugin remove ax:notes
    ");
    assert_eq!(notes(&home, "list", &json!({}))["notes"].as_array().map(Vec::len), Some(3));
    // What is removed is not replaced; what it left is told, and stays where it was.
    home.ax(&["plugin", "remove", "ax:notes", "--yes"]).ok();
    let told = home.ax(&ADD_ELSEWHERE).ok();
    let told: Vec<_> = told.stderr.lines().filter(|line| line.contains("the data of")).collect();
    insta::assert_snapshot!(home.tell_text(&told.join("\n")), @r"
      leaves     the data of the one from folder:WORK/notes
    warning: ax:notes 0.2.0 does not see the data of the one from folder:WORK/notes; if they are its own, add it with --data-of 'folder:WORK/notes'
    ");
    assert_eq!(notes(&home, "list", &json!({})), json!({ "notes": [], "next": null }));
    let again = home.ax(&[&ADD_ELSEWHERE[..], &["--json"]].concat()).ok().json();
    let old = format!("folder:{}", home.work().join("notes").display());
    assert_eq!(again["unseenDataOf"], json!([old]));
    home.ax(&[&ADD_ELSEWHERE[..], &["--data-of", &old]].concat()).ok();
    assert_eq!(notes(&home, "list", &json!({}))["notes"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_release_in_another_file_goes_on_with_the_data_of_the_first() {
    let home = with_notes_elsewhere();
    let old = format!("folder:{}", home.work().join("notes").display());
    let added = home.ax(&[&ADD_ELSEWHERE[..], &["--data-of", &old]].concat()).ok();
    assert!(added.stderr.contains(&format!("  data of    {old}\n")), "{}", added.stderr);
    assert_eq!(notes(&home, "search", &json!({ "query": "ovens" }))["found"], 1, "migrated");
    // Its next file is a release of the same, and so is its first, to go back to.
    fs_err::rename(home.work().join("elsewhere"), home.work().join("third")).expect("it is ours");
    home.ax(&["plugin", "add", "third", "--allow", "kv"]).exits(1);
    home.ax(&["plugin", "add", "third", "--allow", "kv", "--data-of", &old]).ok();
    write_notes(&home, "0.1");
    add_notes(&home).ok();
    assert_eq!(notes(&home, "list", &json!({}))["notes"].as_array().map(Vec::len), Some(3));
}

#[test]
fn data_of_what_was_never_here_are_refused() {
    let home = with_notes_elsewhere();
    let asked = |source: &str| {
        let refused = home.ax(&[&ADD_ELSEWHERE[..], &["--data-of", source]].concat());
        let hint = refused.hint().to_owned();
        (refused.code, home.tell_text(&hint))
    };
    let right = "--data-of 'folder:WORK/notes'".to_owned();
    assert_eq!(asked("file:/nowhere/hello.axp"), (1, right));
    assert_eq!(asked("publisher:abc"), (1, "leave out --data-of".to_owned()));
    assert_eq!(asked("hello.axp").0, 2);
}

/// The states in the store: owner, number, keys.
pub(crate) fn states(home: &Home) -> Vec<(u64, u32)> {
    let states = Kv::at(home.path()).states().expect("the store");
    states.into_iter().map(|(_, number, usage)| (number, usage.keys)).collect()
}

/// The manifest of `test:hoarder`: small limits, so that its updates end soon.
pub(crate) fn hoarder_manifest(version: &str) -> String {
    format!(
        r#"[plugin]
name = "test:hoarder"
version = "{version}"
description = "Keeps what it can"
host = "^0.2"

[permissions]
kv = {{ bytes = "2 MiB" }}

[limits]
fuel = 50_000_000
deadline = "1 s"
"#
    )
}

/// A home with release 1 of `test:hoarder`, which will migrate as `how` says, and release 2 in its
/// folder.
pub(crate) fn with_hoarder(how: &str) -> Home {
    let home = Home::new();
    let component = program::guest("hoarder");
    home.write_plugin("hoarder", &hoarder_manifest("1.0.0"), &component);
    home.ax(&["plugin", "add", "hoarder", "--allow", "kv"]).ok();
    let input = json!({ "key": "how", "text": how }).to_string();
    home.ax(&["tool", "call", "test:hoarder.write-text", &input]).ok();
    home.write_plugin("hoarder", &hoarder_manifest("2.0.0"), &component);
    home
}

/// Insists that an update is refused and everything is as it was.
#[track_caller]
fn is_refused(how: &str, code: i32) -> String {
    let home = with_hoarder(how);
    let (states_before, shown) = (states(&home), home.ax(&["plugin", "show", "test:hoarder"]).ok());
    let refused = home.ax(&["plugin", "add", "hoarder", "--allow", "kv"]).exits(code);
    assert_eq!(states(&home), states_before, "{how}: the copy is gone");
    assert_eq!(home.ax(&["plugin", "show", "test:hoarder"]).ok().stdout, shown.stdout);
    let got = home.ax(&["tool", "call", "test:hoarder.get", r#"{"key": "migrated"}"#]).ok();
    assert_eq!(got.stdout, "", "{how}: the old data are as they were");
    home.tell(&refused)
}

#[test]
fn an_update_that_fails_leaves_everything_as_it_was() {
    for (how, words) in [
        ("fail", "as it was told to"),
        ("trap", "crashed"),
        ("spin", "fuel"),
        ("sleep", "1 s"),
        ("leave", "exit"),
        ("fill", "may keep 2097152 bytes"),
        ("flood", "1 s"),
    ] {
        let told = is_refused(how, 1);
        assert!(told.contains("AX-P018") && told.contains(words), "{how}: {told}");
    }
}

#[test]
fn an_update_that_succeeds_gives_the_new_release_its_copy() {
    let home = with_hoarder("well");
    home.ax(&["plugin", "add", "hoarder", "--allow", "kv"]).ok();
    assert_eq!(states(&home), [(1, 1), (2, 2)]);
    let got = home.ax(&["tool", "call", "test:hoarder.get", r#"{"key": "migrated"}"#]).ok();
    assert_ne!(got.stdout, "", "the copy was brought to the new form");
}

/// The rows of the audit about runs and installations of `test:hoarder`, the last ones last.
fn rows(home: &Home) -> Vec<Value> {
    let told = home.ax(&["audit", "tail", "-n", "100", "--json"]).ok().stdout;
    let rows = told.lines().map(|line| serde_json::from_str::<Value>(line).expect("a row"));
    rows.filter(|row| row["plugin"] == "test:hoarder").collect()
}

fn told(row: &Value) -> [&str; 4] {
    let body = &row["body"];
    let what = body["tool"].as_str().or(body["action"].as_str());
    let outcome = body["outcome"].as_str().unwrap_or_default();
    let (decision, rule) = (row["decision"].as_str(), body["rule"].as_str());
    [what, decision, rule, Some(outcome)].map(Option::unwrap_or_default)
}

#[test]
fn a_migration_has_a_row_and_so_has_the_update_that_failed_by_it() {
    let why = "its data could not be migrated";
    for (how, run, ended) in [
        ("fail", ["lifecycle.migrate", "allowed", "", "error:failed"], true),
        ("spin", ["lifecycle.migrate", "stopped", "fuel", "error:exhausted"], true),
        ("well", ["lifecycle.migrate", "allowed", "", "ok"], false),
    ] {
        let home = with_hoarder(how);
        drop(home.ax(&["plugin", "add", "hoarder", "--allow", "kv"]));
        let rows = rows(&home);
        let [.., ran, change] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(told(ran), run);
        assert!(ran["body"]["fuel"].as_u64() > Some(1_000), "{ran}");
        let effect = &ran["body"]["effects"][0];
        assert_eq!(
            (&effect["permission"], effect["count"].as_u64() > Some(1)),
            (&json!("kv"), true)
        );
        match ended {
            true => assert_eq!(told(change), ["plugin.add", "stopped", why, ""]),
            false => assert_eq!(told(change), ["plugin.add", "allowed", "", ""]),
        }
        home.ax(&["audit", "verify"]).ok();
    }
}

/// The error of a run, without the card before it.
fn error(home: &Home, run: &Run) -> String {
    let at = run.stderr.find("error[").expect("an error");
    home.tell_text(&run.stderr[at..])
}

#[test]
fn what_may_not_use_its_data_does_not_migrate_them() {
    let home = with_hoarder("well");
    let refused = home.ax(&["plugin", "add", "hoarder", "--grant-nothing"]).exits(5);
    insta::assert_snapshot!(error(&home, &refused), @r"
    error[AX-P018]: 2.0.0 has to migrate the data that 1.0.0 of `test:hoarder` left, and may not use `kv`

    hint: add --allow kv, or stay with 1.0.0: all is as it was
    ");
    assert_eq!(states(&home), [(1, 1)]);
    let rows = rows(&home);
    let last = told(rows.last().expect("a row"));
    assert_eq!(last, ["plugin.add", "denied", "it may not migrate its data", ""]);
    assert!(!rows.iter().any(|row| row["body"]["tool"] == "lifecycle.migrate"), "nothing ran");
    // The old release goes on.
    home.ax(&["tool", "call", "test:hoarder.get", r#"{"key": "how"}"#]).ok();
    // Without data there is nothing to migrate.
    let empty = Home::new();
    empty.write_plugin("hoarder", &hoarder_manifest("1.0.0"), &program::guest("hoarder"));
    empty.ax(&["plugin", "add", "hoarder", "--grant-nothing"]).ok();
}

#[test]
fn what_a_policy_keeps_from_its_data_does_not_migrate_them() {
    let home = with_hoarder("well");
    let policy = home.path().join("policy.toml");
    fs_err::write(&policy, "version = 1\npermissions.deny = [\"kv\"]\n").expect("written");
    let card = home.ax(&["plugin", "add", "hoarder"]).exits(2);
    let card = card.hint().split_whitespace().find(|word| word.starts_with("sha256:"));
    let card = card.expect("a digest").trim_matches(|it| it == '`' || it == ',').to_owned();
    let refused = home.ax(&["plugin", "add", "hoarder", "--accept-card", &card]).exits(5);
    insta::assert_snapshot!(error(&home, &refused), @r"
    error[AX-Y002]: 2.0.0 has to migrate the data that 1.0.0 of `test:hoarder` left, and may not use `kv`
    caused by: the policy forbids `kv` for `test:hoarder`: `permissions.deny kv` (HOME/policy.toml:2)

    hint: ax policy explain test:hoarder 'kv'
    ");
    assert_eq!(states(&home), [(1, 1)]);
    let rule = format!("`permissions.deny kv` ({}:2)", policy.display());
    assert_eq!(told(rows(&home).last().expect("a row")), ["plugin.add", "denied", &rule, ""]);
    // One that is to be asked about is allowed by whoever installs, for this run.
    fs_err::write(&policy, "version = 1\npermissions.ask = [\"kv\"]\n").expect("written");
    home.ax(&["plugin", "add", "hoarder", "--allow", "kv"]).ok();
    assert_eq!(states(&home), [(1, 1), (2, 2)]);
}

#[test]
fn an_update_without_the_permission_leaves_the_data_alone() {
    let home = with_hoarder("trap");
    let manifest = hoarder_manifest("2.0.0").replace("kv = { bytes = \"2 MiB\" }", "");
    home.write("hoarder/plugin.toml", manifest);
    let refused = home.ax(&["plugin", "add", "hoarder"]);
    // It imports what it does not ask for.
    assert!(refused.code != 0, "{}", refused.stdout);
    assert_eq!(states(&home), [(1, 1)]);
}
