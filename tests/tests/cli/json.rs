//! `--json`: one JSON document on standard output, whatever happens.

use ax_tests::home::Home;
use serde_json::Value;

use crate::setup;

#[test]
fn success_is_one_json_document_and_nothing_else() {
    let home = setup::with_env();
    setup::write_env(&home);
    let commands: [&[&str]; 18] = [
        &["plugin", "list"],
        &["plugin", "show", "test:env"],
        &["plugin", "add", "env", "--grant-nothing"],
        &["plugin", "disable", "test:env"],
        &["plugin", "enable", "test:env"],
        &["plugin", "verify"],
        &["permission", "show"],
        &["permission", "grant", "test:env", "env:LANG"],
        &["permission", "revoke", "test:env", "env:LANG"],
        &["policy", "check"],
        &["policy", "explain", "test:env", "env:LANG"],
        &["policy", "test"],
        &["secret", "list"],
        &["tool", "list"],
        &["audit", "verify"],
        &["config", "show", "--sources"],
        &["doctor"],
        &["explain", "AX-P012"],
    ];
    for command in commands {
        let run = home.ax(&[command, &["--json"]].concat()).ok();
        assert!(!run.json().is_null(), "{command:?}");
        assert_eq!(run.stdout.lines().count(), 1, "{command:?}");
        assert_eq!(run.stderr, "", "{command:?}");
    }
}

#[test]
fn an_error_is_one_json_document_and_nothing_else() {
    let home = setup::with_env();
    let commands: [(&[&str], &str); 9] = [
        (&["plugin", "show", "test:none"], "AX-P001"),
        (&["plugin", "add", "missing"], "AX-P003"),
        (&["plugin", "remove", "test:env"], "AX-U002"),
        (&["permission", "grant", "test:env", "kv"], "AX-P014"),
        (&["tool", "call", "test:env.none"], "AX-T001"),
        (&["tool", "call", "test:env.count"], "AX-P012"),
        (&["tool", "call", "test:env.count", "{"], "AX-T002"),
        (&["explain", "nonsense"], "AX-U004"),
        (&["plugin", "frobnicate"], "AX-U001"),
    ];
    for (command, code) in commands {
        let run = home.ax(&[command, &["--json"]].concat());
        assert_ne!(run.code, 0, "{command:?}");
        let fault = run.json();
        assert_eq!(fault["code"], code, "{fault}");
        assert!(fault["message"].as_str().is_some_and(|text| !text.is_empty()), "{fault}");
        assert!(fault["retryable"].is_boolean(), "{fault}");
        assert_eq!(run.stdout.lines().count(), 1, "{command:?}");
        assert_eq!(run.stderr, "", "{command:?}");
    }
}

#[test]
fn the_variable_counts_like_the_flag() {
    let home = Home::new();
    let run = home.ax_with(("AX_JSON", "1"), &["plugin", "list"]).ok();
    assert_eq!(run.json(), serde_json::json!([]));
    let run = home.ax_with(("AX_JSON", "1"), &["plugin", "show", "test:none"]).exits(3);
    assert_eq!(run.json()["code"], "AX-P001");
}

#[test]
fn rows_of_the_audit_are_json_lines() {
    let home = setup::with_env();
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    let run = home.ax(&["audit", "tail", "--json"]).ok();
    let rows: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    let actions: Vec<&str> = rows.iter().filter_map(|row| row["body"]["action"].as_str()).collect();
    assert_eq!(actions, ["plugin.add", "permission.grant"]);
}

#[test]
fn the_card_is_in_the_error_that_asks_for_consent() {
    let home = Home::new();
    setup::write_env(&home);
    let fault = home.ax(&["plugin", "add", "env", "--json"]).exits(2).json();
    let card = &fault["details"]["card"];
    assert_eq!(card["plugin"], "test:env");
    assert_eq!(card["permissions"][0]["permission"], "env:LANG");
    assert_eq!(card["network"], false);
}
