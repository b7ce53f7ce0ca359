//! What hostile calls leave in the audit: one row each, however they ended.

use std::time::Duration;

use ax_host::audit::read::Filter;
use ax_host::audit::read::Reader;
use ax_host::plugin::Call;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::verdict::of_call;
use crate::verdict::settle;

/// The hostile guest under a name of its own, so that its rows can be told apart.
fn named(name: &str) -> Guest {
    let mut guest = Arena::shared().hostile();
    guest.release.identity.name = name.parse().expect("a name");
    guest
}

/// Reads the rows of a plugin, each as its kind and decision.
fn rows(plugin: &str) -> Vec<String> {
    let home = Arena::written();
    let filter = Filter { plugin: Some(plugin.to_owned()), ..Filter::default() };
    let page = Reader::open(&home).and_then(|reader| reader.tail(&filter, 100));
    let rows = page.expect("the log is read").rows;
    rows.into_iter().map(|row| format!("{} {}", row.kind, row.decision)).collect()
}

#[test]
fn every_call_leaves_one_row_and_every_denial_one_more() {
    let arena = Arena::shared();
    let plugin = arena.load(&named("test:trail")).expect("it loads");
    let call = |tool: &str, input: &str| of_call(&arena.run(&plugin, Call::new(tool, input)));
    assert_eq!(call("good", r#"{"text": "x"}"#), "ok");
    assert_eq!(call("spin", "{}"), "exhausted(fuel)");
    assert_eq!(call("trap", "{}"), "trapped");
    assert_eq!(call("connect", r#"{"address": "127.0.0.1:1"}"#), "tool(failed)");
    assert_eq!(call("not-there", "{}"), "no-such-tool");
    assert_eq!(call("good", "{"), "json");
    let expected = [
        "call allowed",
        "call stopped",
        "call allowed",
        "effect denied",
        "call allowed",
        "call allowed",
        "call allowed",
    ];
    assert_eq!(rows("test:trail"), expected);
    settle("audit-trail", "ok", "ok");
}

#[test]
fn a_call_that_nobody_waits_for_leaves_its_row() {
    let arena = Arena::shared();
    let guest = named("test:abandoned").limited(|limits| {
        limits.fuel = 1_000_000_000_000_000;
        limits.concurrency = 1;
    });
    let plugin = arena.load(&guest).expect("it loads");
    arena.host.block_on(async {
        let call = arena.host.call(&plugin, Call::new("spin", "{}"));
        let waited = tokio::time::timeout(Duration::from_millis(200), call).await;
        assert!(waited.is_err(), "nobody waits any more");
    });
    // The slot is free again, so the call is recorded.
    let one = json!({ "text": "x" }).to_string();
    assert_eq!(of_call(&arena.run(&plugin, Call::new("good", &one))), "ok");
    let got = format!("{}-rows", rows("test:abandoned").len());
    settle("abandoned-call-trail", "2-rows", &got);
}
