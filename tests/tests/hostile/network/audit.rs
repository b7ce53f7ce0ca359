//! What requests leave in the audit: one row each, without what may be secret.

use ax_host::audit::read::Filter;
use ax_host::audit::read::Reader;
use ax_host::audit::read::Row;
use ax_tests::server::Server;
use ax_tests::server::ok;
use ax_tests::server::redirect;
use serde_json::json;

use super::ground::OTHER;
use super::ground::PUBLIC;
use super::ground::arena;
use super::ground::caller;
use super::ground::get;
use super::ground::holder;
use super::ground::post;
use super::ground::send;
use super::ground::send_wasi;
use super::ground::wasi_get;
use super::ground::with;
use super::ground::word;
use crate::arena::Arena;
use crate::arena::Guest;
use crate::arena::config;
use crate::verdict::settle;

/// Gives a guest a name of its own, so that its rows can be told apart.
fn named(mut guest: Guest, name: &str) -> Guest {
    guest.release.identity.name = name.parse().expect("a name");
    guest
}

/// Reads the rows of a plugin as they are on disk now.
fn rows(plugin: &str) -> Vec<Row> {
    let filter = Filter { plugin: Some(plugin.to_owned()), ..Filter::default() };
    let reader = Reader::open(&config().home).expect("the log is there");
    reader.tail(&filter, 100).expect("the log is read").rows
}

/// Says a row in a line, with the server's port as `PORT`.
fn line(row: &Row, server: &Server) -> String {
    let body = row.body_json();
    let target = body["target"].as_str().unwrap_or("-");
    let line = format!("{} {} {target}", row.kind, row.decision);
    line.replace(&server.port().to_string(), "PORT")
}

#[test]
fn every_request_has_a_row_without_its_query() {
    let server = Server::at(PUBLIC, |heard| match heard.target.split('?').next() {
        Some("/moved") => redirect(302, "/a?token=second"),
        _ => ok("12345"),
    });
    let rule = format!("net:{}:GET:/a,/moved", server.origin());
    let guest = named(caller(&[&rule]), "test:asker");
    let moved = with(get(&server.url("/moved?token=first")), &json!({ "redirects": 1 }));
    assert_eq!(word(&send(&guest, moved).1), "200");
    drop(send_wasi(&guest, wasi_get(&server.url("/b?token=third"))));
    Arena::written();
    let rows = rows("test:asker");
    assert!(!format!("{rows:?}").contains("token="), "{rows:?}");
    let lines: Vec<String> = rows.iter().map(|row| line(row, &server)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    effect allowed GET http://127.1.0.1:PORT/moved
    effect allowed GET http://127.1.0.1:PORT/a
    call allowed -
    effect denied wasi:http/outgoing-handler
    call allowed -
    ");
    settle("request-in-audit", "ok", "ok");
}

#[test]
fn a_request_that_may_have_changed_something_is_on_disk_before_the_answer() {
    let server = Server::at(PUBLIC, |_| ok("ok"));
    let guest = named(caller(&[&format!("net:{}:POST", server.origin())]), "test:changer");
    let plugin = arena().load(&guest).expect("it loads");
    let input = json!({ "requests": [post(&server.url("/"))] }).to_string();
    let report = arena().run(&plugin, ax_host::plugin::Call::new("in-turn", &input));
    assert!(report.changed_outside);
    // Nothing was flushed by this test.
    let kinds: Vec<String> = rows("test:changer").into_iter().map(|row| row.kind).collect();
    settle("post-durable", "effect call", &kinds.join(" "));
}

#[test]
fn a_leak_and_a_closed_address_are_rows_that_deny() {
    let server = Server::at(PUBLIC, |_| ok(OTHER));
    let inside = Server::new(|_| ok("inside"));
    let guest = holder(&["net:http://*:GET", &format!("secret:other@{}", server.origin())]);
    let guest = named(guest, "test:refused");
    drop(send(&guest, get(&server.url("/"))));
    drop(send(&guest, get(&inside.url("/"))));
    let rows = rows("test:refused");
    assert!(!format!("{rows:?}").contains(OTHER));
    let told: Vec<String> =
        rows.iter().map(|row| format!("{} {}", row.kind, row.decision)).collect();
    settle(
        "denials-in-audit",
        "effect denied, call allowed, effect denied, call allowed",
        &told.join(", "),
    );
}
