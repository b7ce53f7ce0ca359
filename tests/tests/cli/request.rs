//! `ax request`, `ax usage` and `ax provider sla`: what was asked, what came of it, what it cost.

use std::os::unix::fs::PermissionsExt as _;

use ax_tests::home::Home;
use ax_tests::server::{Answer, Server, answer};
use serde_json::json;

use crate::chat::{asking, says};

#[test]
fn what_was_asked_is_on_record() {
    let server = Server::new(|_| says("Hello."));
    let home = asking(Home::new(), &server);
    home.ax(&["chat", "my own secret"]).ok();
    let listed = home.ax(&["request", "list", "--json"]).ok().json();
    let (row, id) = (&listed[0], listed[0]["id"].as_str().expect("an id"));
    assert_eq!((&row["state"], &row["provider"]), (&json!("completed"), &json!("local")));
    assert_eq!((&row["trigger"], &row["tokens"]), (&json!("chat"), &json!([7, 3, 0, 0, 0])));
    let shown = home.ax(&["request", "show", id]).ok().stdout;
    assert!(shown.contains("local/m-1") && !shown.contains("secret"), "{shown}");
    let shown = home.ax(&["request", "show", id, "--json"]).ok().json();
    assert_eq!(shown["trail"][0]["provider"], "local");
    let table = home.ax(&["request", "list", "--state", "completed", "--since", "1h"]).ok().stdout;
    assert!(table.contains(id), "{table}");
    let none = home.ax(&["request", "list", "--provider", "claude"]).ok().stdout;
    assert_eq!(none, "no requests\n");
    for by in ["day", "model", "provider", "trigger"] {
        let sums = home.ax(&["usage", "--by", by, "--json"]).ok().json();
        assert_eq!((&sums[0]["requests"], &sums[0]["unpriced"]), (&json!(1), &json!(1)), "{by}");
    }
    let sla = home.ax(&["provider", "sla", "--json"]).ok().json();
    assert_eq!(sla[0]["spans"][0]["availabilityPpm"], 1_000_000);
    assert!(home.ax(&["provider", "sla"]).ok().stdout.contains("100.00%"));
    let mode = fs_err::metadata(home.path().join("router.db")).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[test]
fn what_failed_is_on_record_and_what_is_not_there_is_said() {
    let server = Server::new(|_| {
        let body = json!({ "error": { "message": "no", "type": "invalid_request_error" } });
        Answer::Keep(answer(400, &[("content-type", "application/json")], body.to_string()))
    });
    let home = asking(Home::new(), &server);
    assert_ne!(home.ax(&["chat", "Hi"]).code, 0);
    let listed = home.ax(&["request", "list", "--state", "failed", "--json"]).ok().json();
    assert_eq!(listed[0]["error"]["status"], 400);
    let run = home.ax(&["request", "show", "nobody"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("AX-M013") && run.stderr.contains("ax request list"));
    home.ax(&["request", "list", "--limit", "0"]).exits(2);
    home.ax(&["request", "list", "--since", "yesterday"]).exits(2);
}

#[test]
fn nothing_is_asked_that_cannot_be_recorded() {
    let server = Server::new(|_| says("Hello."));
    let home = asking(Home::new(), &server);
    assert_eq!(home.ax(&["request", "list"]).ok().stdout, "no requests\n");
    assert_eq!(home.ax(&["usage"]).ok().stdout, "no requests\n");
    assert_eq!(home.ax(&["provider", "sla"]).ok().stdout, "no provider was asked\n");
    assert!(!home.path().join("router.db").exists(), "looking makes nothing");
    fs_err::write(home.path().join("router.db"), "something else").expect("written");
    let run = home.ax(&["chat", "Hi"]);
    assert!(run.code == 1 && run.stderr.contains("AX-M012"), "{}", run.stderr);
    assert_eq!(server.heard().len(), 0);
    let kept = fs_err::read_to_string(home.path().join("router.db")).expect("it is there");
    assert_eq!(kept, "something else");
}
