//! Our own plugins, from their folders: the first thing a newcomer does.

use ax_tests::home::Home;
use ax_tests::program;
use serde_json::Value;
use serde_json::json;

/// A home with one of our plugins, its permissions granted.
fn with(plugin: &str) -> Home {
    let home = Home::new();
    let folder = program::plugin(plugin);
    let folder = folder.to_str().expect("text");
    let flags: &[&str] = match plugin {
        "metrics" => &["--allow", "fs:workspace:read"],
        "notes" => &["--allow", "kv"],
        _ => &[],
    };
    home.ax(&[&["plugin", "add", folder], flags].concat()).ok();
    home
}

#[test]
fn echo_says_back_what_it_is_told() {
    let home = with("echo");
    let said = home.ax(&["tool", "call", "ax:echo.say", "--arg", "text=hello"]).ok();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("hello\n", ""));
    let said = home.ax(&["tool", "call", "ax:echo.say", r#"{"text": "é \u0000 \"x\""}"#, "--json"]);
    assert_eq!(said.ok().json()["output"]["structuredContent"]["text"], "é \0 \"x\"");
}

#[test]
fn a_tool_that_fails_says_why_and_shows_its_log() {
    let home = with("echo");
    let failed = home.ax(&["tool", "call", "ax:echo.fail", "--arg", "message=no luck"]);
    insta::assert_snapshot!(home.tell(&failed), @r"
    exit 1
    --- stderr
     info | echo was called tool=fail
    error[AX-T005]: no luck
    ");
}

#[test]
fn verbose_shows_the_log_and_the_cost() {
    let home = with("echo");
    let said = home.ax(&["tool", "call", "ax:echo.say", "--arg", "text=x", "-v"]).ok();
    assert!(said.stderr.contains(" info | echo was called tool=say\n"), "{}", said.stderr);
    assert!(said.stderr.contains("used ") && said.stderr.contains(" fuel, "), "{}", said.stderr);
}

#[test]
fn metrics_measures_the_workspace() {
    let home = with("metrics");
    home.write("project/ax.toml", "");
    home.write("project/src/main.rs", "// one\nfn main() {\n    if true {}\n}\n\n");
    home.write("outside.rs", "fn outside() {}\n");
    let arguments = ["tool", "call", "ax:metrics.measure", "--json", "--workspace", "project"];
    let measured = home.ax(&arguments).answer();
    // The Rust file and `ax.toml`.
    assert_eq!(measured["totals"]["files"], 2, "{measured}");
    assert_eq!(measured["totals"]["functions"], 1, "{measured}");
    let text = measured.to_string();
    assert!(text.contains("Rust") && !text.contains("outside"), "{text}");
}

#[test]
fn metrics_without_its_grant_is_denied_with_the_line_to_type() {
    let home = with("metrics");
    home.write("ax.toml", "");
    home.ax(&["permission", "revoke", "ax:metrics", "fs:workspace:read"]).ok();
    let denied = home.ax(&["tool", "call", "ax:metrics.measure"]).exits(5);
    insta::assert_snapshot!(home.tell(&denied), @r"
    exit 5
    --- stderr
    error[AX-P012]: plugin `ax:metrics` may not read files in the folder `workspace`
    caused by: `fs:workspace:read` is declared, but not granted
    caused by: the tool then failed: the folder `workspace` is not granted to this plugin

    hint: ax permission grant ax:metrics fs:workspace:read
    ");
    let words: Vec<&str> = denied.hint().split(' ').skip(1).collect();
    home.ax(&words).ok();
    home.ax(&["tool", "call", "ax:metrics.measure"]).ok();
}

#[test]
fn metrics_without_a_workspace_says_how_to_name_one() {
    let home = with("metrics");
    let refused = home.ax(&["tool", "call", "ax:metrics.measure"]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("--workspace"), "{}", refused.stderr);
}

#[test]
fn metrics_does_not_leave_the_workspace() {
    let home = with("metrics");
    home.write("project/ax.toml", "");
    home.write("secret/key.rs", "fn secret() {}\n");
    std::os::unix::fs::symlink("../secret", home.work().join("project/link")).expect("a link");
    for folder in ["..", "/", "../secret", "link", "link/../../secret"] {
        let folder = format!("folder={folder}");
        let arguments =
            ["tool", "call", "ax:metrics.measure", "--arg", &folder, "--workspace", "project"];
        let run = home.ax(&arguments);
        assert!(run.code != 0 || !run.stdout.contains("Rust"), "{folder}: {}", run.stdout);
    }
}

/// Calls a tool; its answer.
#[track_caller]
fn call(home: &Home, tool: &str, input: &Value) -> Value {
    home.ax(&["tool", "call", tool, &input.to_string(), "--json"]).answer()
}

#[test]
fn text_asks_for_nothing_and_compares() {
    let home = with("text");
    assert_eq!(home.granted("ax:text"), Vec::<String>::new());
    let compared = call(&home, "ax:text.diff", &json!({ "old": "a\nb\n", "new": "a\nc\n" }));
    assert_eq!(compared["unified"], "--- old\n+++ new\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
    assert_eq!((&compared["added"], &compared["hunks"][0]["old-lines"]), (&json!(1), &json!(2)));
}

#[test]
fn text_finds_and_replaces() {
    let home = with("text");
    let input =
        json!({ "text": "x\né=1", "pattern": "(?<name>\\w)=(\\d)", "flags": ["ignore-case"] });
    let found = call(&home, "ax:text.search", &input);
    assert_eq!(found["matches"][0]["start"], json!({ "byte": 2, "line": 2, "column": 1 }));
    assert_eq!(found["matches"][0]["groups"][0]["name"], "name");
    let input = json!({ "text": "2024-05", "pattern": "(?<year>\\d+)-(\\d+)", "replacement": "$2/${year}" });
    assert_eq!(call(&home, "ax:text.replace", &input), json!({ "text": "05/2024", "count": 1 }));
}

#[test]
fn text_fills_in_and_queries() {
    let home = with("text");
    let data = json!({ "items": [{ "name": "a" }, { "name": "b" }] }).to_string();
    let template = "{{#items}}\n- {{name}}\n{{/items}}\n";
    let filled = call(&home, "ax:text.template", &json!({ "template": template, "data": data }));
    assert_eq!(filled, json!({ "text": "- a\n- b\n" }));
    let input = json!({ "document": data, "query": "$.items[?@.name == 'b'].name" });
    let found = call(&home, "ax:text.json-path", &input);
    let node = json!({ "path": "$['items'][1]['name']", "value": "\"b\"" });
    assert_eq!(found, json!({ "nodes": [node], "more": false }));
}

#[test]
fn text_reads_tables_and_writes_what_it_reads() {
    let home = with("text");
    let input = json!({ "text": "id,zip\n1,007\n2,010\n", "shape": "records" });
    let read = call(&home, "ax:text.csv", &input);
    assert_eq!(read["records"], r#"[{"id":1,"zip":"007"},{"id":2,"zip":"010"}]"#);
    let written = call(&home, "ax:text.csv-write", &json!({ "records": read["records"] }));
    assert_eq!(written["text"], "id,zip\n1,007\n2,010\n");
    let columns =
        call(&home, "ax:text.csv", &json!({ "text": "id;ok\n1;true\n", "delimiter": ";" }));
    assert_eq!(columns["columns"][1]["values"], json!({ "tag": "booleans", "val": [true] }));
}

#[test]
fn text_says_which_member_is_wrong() {
    let home = with("text");
    let input = json!({ "text": "x", "pattern": "(" }).to_string();
    let refused = home.ax(&["tool", "call", "ax:text.search", &input, "--json"]).exits(1).json();
    assert!(refused.to_string().contains("pattern"), "{refused}");
    let long = json!({ "text": "x".repeat(2 << 20), "pattern": "x" });
    let path = home.write("long.json", long.to_string());
    let file = format!("@{}", path.display());
    // The bound of the input comes before that of the text.
    home.ax(&["tool", "call", "ax:text.search", &file]).exits(2);
}

#[test]
fn notes_are_kept_from_process_to_process() {
    let home = with("notes");
    let input = json!({ "title": "Budget", "body": "Ask for bread ovens", "tags": ["Work"] });
    assert_eq!(call(&home, "ax:notes.add", &input), json!({ "id": 1, "version": 1 }));
    call(&home, "ax:notes.add", &json!({ "title": "Other" }));
    let note = call(&home, "ax:notes.get", &json!({ "id": 1 }));
    assert_eq!((&note["body"], &note["tags"]), (&json!("Ask for bread ovens"), &json!(["work"])));
    let change = json!({ "id": 1, "version": 1, "tags": ["work", "money"] });
    assert_eq!(call(&home, "ax:notes.update", &change)["version"], 2);
    let listed = call(&home, "ax:notes.list", &json!({ "tag": "money" }));
    assert_eq!(listed["notes"][0]["id"], 1);
    let found = call(&home, "ax:notes.search", &json!({ "query": "oven" }));
    assert_eq!((&found["found"], &found["hits"][0]["title"]), (&json!(1), &json!("Budget")));
    let tags = call(&home, "ax:notes.tags", &json!({}));
    assert_eq!(tags["tags"][0], json!({ "tag": "money", "notes": 1 }));
    assert_eq!(
        call(&home, "ax:notes.remove", &json!({ "id": 1 })),
        json!({ "id": 1, "version": 2 })
    );
    let gone = home.ax(&["tool", "call", "ax:notes.get", r#"{"id": 1}"#]);
    assert!(gone.code != 0 && gone.stderr.contains("there is no note 1"), "{}", gone.stderr);
}

#[test]
fn a_note_that_somebody_changed_is_a_conflict() {
    let home = with("notes");
    call(&home, "ax:notes.add", &json!({ "title": "one" }));
    let change = json!({ "id": 1, "version": 1, "title": "two" }).to_string();
    home.ax(&["tool", "call", "ax:notes.update", &change]).ok();
    let refused = home.ax(&["tool", "call", "ax:notes.update", &change, "--json"]);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert!(refused.stdout.contains("conflict"), "{}", refused.stdout);
}

#[test]
fn notes_without_its_grant_is_denied_with_the_line_to_type() {
    let home = with("notes");
    home.ax(&["permission", "revoke", "ax:notes", "kv"]).ok();
    let denied = home.ax(&["tool", "call", "ax:notes.list"]).exits(5);
    let words: Vec<&str> = denied.hint().split(' ').skip(1).collect();
    assert_eq!(words, ["permission", "grant", "ax:notes", "kv"]);
    home.ax(&words).ok();
    home.ax(&["tool", "call", "ax:notes.list"]).ok();
}

#[test]
fn only_a_call_that_looked_for_the_workspace_is_told_that_there_is_none() {
    let home = with("metrics");
    let absolute = ["tool", "call", "ax:metrics.measure", "--arg", "folder=/absolute"];
    let refused = home.ax(&absolute).exits(1);
    assert!(!refused.stderr.contains("--workspace"), "{}", refused.stderr);
}

#[test]
fn notes_that_are_gone_or_damaged_are_told_to_the_person_and_found_by_the_doctor() {
    let home = with("notes");
    assert_eq!(home.ax(&["doctor", "--json"]).json()[5]["found"], "of 1 plugin");
    let database = home.path().join("plugins.db");
    for name in ["plugins.db", "plugins.db-wal", "plugins.db-shm"] {
        fs_err::remove_file(home.path().join(name)).ok();
    }
    let doctor = home.ax(&["doctor"]).exits(6).stdout;
    assert!(!database.exists(), "the doctor made it anew");
    let at = doctor.find("FAIL  data").expect("it is found");
    let found: Vec<&str> = doctor[at..].lines().take(2).collect();
    insta::assert_snapshot!(found.join("\n"), @r"
    FAIL  data       the data of `ax:notes` are gone from `plugins.db`
          restore `plugins.db` from a backup; to start empty: ax plugin remove ax:notes, then ax plugin add FOLDER
    ");
    let folder = program::plugin("notes");
    let folder = folder.to_str().expect("text");
    let told = home.told(&["tool", "call", "ax:notes.list"]);
    insta::assert_snapshot!(told.replace(folder, "FOLDER"), @r"
    exit 1
    --- stderr
    error[AX-T005]: the key-value store cannot be used
    caused by: `ax:notes from folder:FOLDER` has no state 1

    hint: run it again; `ax doctor` says what to do if it fails as before
    ");
    fs_err::write(&database, "not a database").expect("written");
    insta::assert_snapshot!(home.told(&["tool", "call", "ax:notes.list"]), @r"
    exit 1
    --- stderr
    error[AX-T005]: the key-value store cannot be used
    caused by: `HOME/plugins.db` does not hold what plugins keep
    caused by: file is not a database
    caused by: Error code 26: file is not a database

    hint: move it away, `mv HOME/plugins.db HOME/plugins.db.other`, or set AX_HOME to another folder
    ");
    let doctor = home.ax(&["doctor"]).exits(6).stdout;
    assert!(doctor.contains("FAIL  data"), "{doctor}");
    fs_err::remove_file(&database).expect("it was there");
    // As the doctor says.
    home.ax(&["plugin", "remove", "ax:notes", "--yes"]).ok();
    home.ax(&["plugin", "add", folder, "--allow", "kv"]).ok();
    home.ax(&["tool", "call", "ax:notes.list"]).ok();
    home.ax(&["doctor"]).ok();
}

#[test]
fn the_explanation_knows_that_no_folder_is_the_workspace() {
    let home = with("metrics");
    let explain = ["policy", "explain", "ax:metrics", "fs:workspace:read"];
    let told = home.ax(&explain).ok().stdout;
    let expected =
        "so        a call may not here: no folder is the workspace here: --workspace DIR";
    assert!(told.trim_end().ends_with(expected), "{told}");
    assert_eq!(home.ax(&[&explain[..], &["--json"]].concat()).ok().json()["allowed"], false);
    let bound = [&explain[..], &["--workspace", "."]].concat();
    assert!(home.ax(&bound).ok().stdout.contains("a call may do it"));
}
