//! Requests of calls with a key, and of tools that say they only read.

use ax_host::plugin::Call;
use ax_host::plugin::Report;
use ax_tests::server::Server;
use ax_tests::server::ok;
use ax_tests::server::redirect;
use serde_json::Value;
use serde_json::json;

use super::ground::PUBLIC;
use super::ground::arena;
use super::ground::caller;
use super::ground::get;
use super::ground::outcomes;
use super::ground::post;
use super::ground::wasi_get;
use super::ground::with;
use super::ground::word;
use crate::arena::Guest;
use crate::once::key;
use crate::verdict::settle;

/// A server that leads `/moved` elsewhere, repeating the request.
fn server() -> Server {
    Server::at(PUBLIC, |heard| match heard.target.as_str() {
        "/moved" => redirect(307, "/orders/moved"),
        _ => ok("done"),
    })
}

fn run(guest: &Guest, call: Call) -> Report {
    let plugin = arena().load(guest).expect("it loads");
    arena().run(&plugin, call)
}

fn keyed(tool: &str, requests: &[Value]) -> Call {
    let input = json!({ "requests": requests }).to_string();
    Call { key: Some(key(1)), ..Call::new(tool, &input) }
}

/// What was heard: method, target and the key without the call's part.
fn heard(server: &Server) -> Vec<String> {
    let prefix = format!("\"{}-", key(1));
    let mut heard: Vec<String> = server
        .heard()
        .iter()
        .map(|heard| {
            let keys: Vec<_> =
                heard.headers.iter().filter(|(name, _)| name == "idempotency-key").collect();
            assert!(keys.len() < 2, "one header at most: {keys:?}");
            let key = heard.header("idempotency-key");
            let number = key.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix('"'));
            format!("{} {} {}", heard.method, heard.target, number.unwrap_or(key))
        })
        .collect();
    heard.sort();
    heard
}

fn of(method: &str, url: &str) -> Value {
    with(get(url), &json!({ "method": method, "redirects": 2 }))
}

#[test]
fn each_request_that_changes_something_has_a_key_of_its_own() {
    let server = server();
    let origin = server.origin();
    let guest = caller(&[
        &format!("net:{origin}:GET,POST,PUT,DELETE"),
        &format!("net:{origin}:POST,PATCH,idempotency-key:/orders/**,/moved"),
    ]);
    let own = json!({ "headers": [["Idempotency-Key", "mine"]] });
    let requests = [
        of("GET", &server.url("/a")),
        of("PUT", &server.url("/b")),
        of("POST", &server.url("/c")),
        of("POST", &server.url("/orders/d")),
        with(of("PUT", &server.url("/e")), &own),
        of("DELETE", &server.url("/f")),
        of("PATCH", &server.url("/orders/g")),
    ];
    let report = run(&guest, keyed("in-turn", &requests));
    assert!(outcomes(&report).iter().all(|outcome| word(outcome) == "200"), "{report:?}");
    let shown = heard(&server);
    assert_eq!(
        shown,
        [
            "DELETE /f 3",
            "GET /a ",
            "PATCH /orders/g 4",
            "POST /c ",
            "POST /orders/d 2",
            "PUT /b 1",
            "PUT /e mine",
        ]
    );
    // The same call again: the same keys.
    run(&guest, keyed("in-turn", &requests));
    let twice: Vec<String> = shown.iter().flat_map(|one| [one.clone(), one.clone()]).collect();
    assert_eq!(heard(&server), twice);
    settle("key-per-request", "4", &shown[2][shown[2].len() - 1..]);
}

#[test]
fn a_redirect_goes_on_under_the_key_of_its_request() {
    let server = server();
    let origin = server.origin();
    let guest = caller(&[&format!("net:{origin}:POST,PUT,idempotency-key")]);
    let requests = [of("POST", &server.url("/moved")), of("PUT", &server.url("/b"))];
    run(&guest, keyed("together", &requests));
    assert_eq!(heard(&server), ["POST /moved 1", "POST /orders/moved 1", "PUT /b 2"]);
}

#[test]
fn a_request_over_wasi_has_a_key_too() {
    let server = server();
    let guest = caller(&[&format!("net:{}:PUT", server.origin())]);
    let put = with(wasi_get(&server.url("/b")), &json!({ "method": "PUT" }));
    let report = run(&guest, keyed("wasi", &[put.clone(), put]));
    assert_eq!(outcomes(&report).len(), 2);
    assert_eq!(heard(&server), ["PUT /b 1", "PUT /b 2"]);
}

#[test]
fn without_a_key_nothing_is_added() {
    let server = server();
    let guest = caller(&[&format!("net:{}:POST,PUT,idempotency-key", server.origin())]);
    let requests = [of("POST", &server.url("/orders/a")), of("PUT", &server.url("/b"))];
    run(&guest, Call { key: None, ..keyed("in-turn", &requests) });
    assert_eq!(heard(&server), ["POST /orders/a ", "PUT /b "]);
}

#[test]
fn a_tool_that_says_it_only_reads_sends_no_post_and_may_get() {
    let server = server();
    let guest = caller(&[&format!("net:{}:GET,POST,idempotency-key", server.origin())]);
    let requests = [get(&server.url("/a")), post(&server.url("/orders/a"))];
    let report = run(&guest, Call { reads_only: true, ..keyed("in-turn", &requests) });
    let words: Vec<String> = outcomes(&report).iter().map(word).collect();
    assert_eq!(words[0], "200");
    assert_eq!(heard(&server), ["GET /a "]);
    let denied = format!("denied(net:{}:POST:/orders/a)", server.origin());
    assert_eq!(words[1], denied);
    assert!(!report.changed_outside);
    settle("post-while-reading", "denied", &words[1][..6]);
}
