//! `ax audit tail | verify | export`: what happened, and proof that nobody changed it.

use ax_tests::home::Home;
use rusqlite::Connection;
use serde_json::Value;

use crate::setup;

/// A home with five rows: two changes, two calls, one denial.
fn with_rows() -> Home {
    let home = setup::with_env();
    home.ax(&["tool", "call", "test:env.count"]).exits(5);
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    home.ax_with(setup::LANG, &["tool", "call", "test:env.count"]).ok();
    home
}

/// Changes the database as somebody would who can write the file.
fn tamper(home: &Home, statements: &str) {
    let database = Connection::open(home.path().join("audit.db")).expect("the log opens");
    let triggers = [
        "audit_no_update",
        "audit_no_delete",
        "audit_grows_at_the_end",
        "checkpoint_no_update",
        "checkpoint_no_delete",
    ];
    let mut script = String::new();
    let mut restore = String::new();
    for trigger in triggers {
        let sql: String = database
            .query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [trigger], |row| row.get(0))
            .expect("the trigger is there");
        script.push_str(&format!("DROP TRIGGER {trigger};"));
        restore.push_str(&format!("{sql};"));
    }
    script.push_str(statements);
    script.push_str(&restore);
    database.execute_batch(&script).expect("the log is changed");
}

#[test]
fn what_happened_is_listed_in_order() {
    let home = with_rows();
    let told = home.ax(&["audit", "tail", "--json"]).ok().stdout;
    let line = |row: &str| {
        let row: Value = serde_json::from_str(row).expect("a row of JSON");
        let body = &row["body"];
        let what = ["action", "permission", "tool"].iter().find_map(|name| body[name].as_str());
        let outcome = body["outcome"].as_str().or(body["rule"].as_str()).unwrap_or_default();
        let (kind, decision) = (row["kind"].as_str(), row["decision"].as_str());
        [kind, what, decision, Some(outcome)].map(Option::unwrap_or_default).join(" | ")
    };
    let lines: Vec<String> = told.lines().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    change | plugin.add | allowed | 
    effect | env:LANG | denied | error:denied
    call | count | allowed | error:failed
    change | permission.grant | allowed | 
    call | count | allowed | ok
    ");
}

#[test]
fn the_tail_is_narrowed_by_count_kind_plugin_and_decision() {
    let home = with_rows();
    let count = |flags: &[&str]| {
        let told = home.ax(&[&["audit", "tail", "--json"], flags].concat()).ok();
        told.stdout.lines().count()
    };
    assert_eq!(count(&[]), 5);
    assert_eq!(count(&["-n", "2"]), 2);
    assert_eq!(count(&["-n", "0"]), 0);
    assert_eq!(count(&["--kind", "call"]), 2);
    assert_eq!(count(&["--kind", "change"]), 2);
    assert_eq!(count(&["--decision", "denied"]), 1);
    assert_eq!(count(&["--plugin", "test:none"]), 0);
    home.ax(&["audit", "tail", "--kind", "calls"]).exits(2);
}

#[test]
fn a_call_is_listed_with_what_it_used() {
    let home = with_rows();
    let rows = home.ax(&["audit", "tail", "--kind", "call"]).ok().stdout;
    assert!(rows.lines().skip(1).all(|row| row.contains(" fuel, ")), "{rows}");
}

#[test]
fn an_untouched_log_is_unbroken() {
    let home = with_rows();
    let report = home.ax(&["audit", "verify"]).ok().stdout;
    assert!(report.starts_with("5 rows, ") && report.ends_with("; unbroken\n"), "{report}");
}

#[test]
fn a_changed_a_missing_and_a_moved_row_are_found() {
    let ways = [
        ("changed", "UPDATE audit SET decision = 'allowed' WHERE decision = 'denied';"),
        ("changed", "UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 1;"),
        ("missing", "DELETE FROM audit WHERE seq = 2;"),
        ("cut off", "DELETE FROM audit WHERE seq = 5;"),
        (
            "moved",
            "UPDATE audit SET seq = -1 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; \
             UPDATE audit SET seq = 3 WHERE seq = -1;",
        ),
        (
            "added",
            "INSERT INTO audit SELECT 6, at_ms, kind, plugin, decision, body, hash FROM audit \
             WHERE seq = 5;",
        ),
    ];
    for (what, statements) in ways {
        let home = with_rows();
        tamper(&home, statements);
        let found = home.ax(&["audit", "verify"]).exits(6);
        assert!(found.stderr.contains("error[AX-A002]"), "{what}: {}", found.stderr);
        assert!(found.stdout.lines().count() > 1, "{what}: {}", found.stdout);
        let found = home.ax(&["audit", "verify", "--json"]).exits(6);
        assert!(!found.stdout.is_empty(), "{what}");
        let doctor = home.ax(&["doctor"]).exits(6).stdout;
        assert!(doctor.contains("FAIL  audit"), "{what}: {doctor}");
    }
}

#[test]
fn a_log_that_is_gone_is_not_started_anew_in_silence() {
    let home = with_rows();
    for name in ["audit.db", "audit.db-wal", "audit.db-shm"] {
        fs_err::remove_file(home.path().join(name)).ok();
    }
    let refused = home.ax(&["tool", "call", "test:env.count"]).exits(1);
    assert!(refused.stderr.contains("error[AX-A001]"), "{}", refused.stderr);
}

#[test]
fn nothing_runs_that_cannot_be_recorded() {
    let home = with_rows();
    fs_err::write(home.path().join("audit.db"), "this is no database, and nobody said so")
        .expect("written");
    let refused = home.ax_with(setup::LANG, &["tool", "call", "test:env.count"]).exits(1);
    assert!(refused.stderr.contains("error[AX-A001]"), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
}

#[test]
fn an_export_holds_the_key_every_row_and_the_checkpoints() {
    let home = with_rows();
    let exported = home.ax(&["audit", "export"]).ok().stdout;
    let lines: Vec<Value> =
        exported.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let kind = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((kind("key"), kind("row")), (1, 5));
    assert!(kind("checkpoint") > 0);
    let written = home.ax(&["audit", "export", "--output", "log.jsonl"]).ok();
    assert_eq!(written.stdout, "");
    let file = fs_err::read_to_string(home.work().join("log.jsonl")).expect("the file");
    assert_eq!(file, exported);
}

#[test]
fn an_export_into_a_folder_that_is_not_there_is_refused() {
    let home = with_rows();
    let refused = home.ax(&["audit", "export", "-o", "none/log.jsonl"]).exits(3);
    let expected = "error[AX-U001]: cannot use `none/log.jsonl`\ncaused by: No such file";
    assert!(refused.stderr.starts_with(expected), "{}", refused.stderr);
    assert!(!refused.stderr.contains(".ax-export-"), "{}", refused.stderr);
}

#[test]
fn without_a_log_there_is_nothing_to_show() {
    let home = Home::new();
    insta::assert_snapshot!(home.told(&["audit", "tail"]), @r"
    exit 1
    --- stderr
    error[AX-A001]: there is no audit log at `HOME/audit.db`

    hint: it begins with the first call: `ax tool call PLUGIN.TOOL`
    ");
    insta::assert_snapshot!(home.told(&["audit", "verify"]), @r"
    exit 1
    --- stderr
    error[AX-A001]: there is no audit log at `HOME/audit.db`

    hint: it begins with the first call: `ax tool call PLUGIN.TOOL`
    ");
}
