//! Calls that end while something of theirs is on the network: nothing is left of it.

use std::time::Duration;

use ax_host::plugin::Call;
use ax_host::plugin::SentEnd;
use ax_manifest::Reuse;
use ax_tests::server::Answer;
use ax_tests::server::Server;
use ax_tests::server::ok;
use serde_json::json;
use tokio::sync::watch;

use super::ground::PUBLIC;
use super::ground::arena;
use super::ground::caller;
use super::ground::get;
use super::ground::value;
use super::ground::wasi_get;
use super::ground::with;
use crate::arena::Guest;
use crate::verdict::of_call;
use crate::verdict::settle;

fn anything() -> Guest {
    caller(&["net:*"])
}

/// Hears a request and says nothing.
fn silent() -> Server {
    Server::at(PUBLIC, |_| Answer::Hold(Vec::new()))
}

/// Says the beginning of an answer.
fn half() -> Server {
    Server::at(PUBLIC, |_| {
        Answer::Hold(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec())
    })
}

/// The call that sends one request, by the interface's tool.
fn asking(tool: &str, server: &Server) -> Call {
    let request = match tool {
        "wasi" => wasi_get(&server.url("/")),
        _ => get(&server.url("/")),
    };
    Call::new(tool, &json!({ "requests": [request] }).to_string())
}

#[test]
fn a_call_that_is_cancelled_closes_its_connections() {
    let plugin = arena().load(&anything()).expect("it loads");
    for (attack, tool) in [("cancel-waiting", "in-turn"), ("cancel-waiting-wasi", "wasi")] {
        let server = silent();
        let (ask, cancel) = watch::channel(false);
        let call = Call { cancel: Some(cancel), ..asking(tool, &server) };
        let report = std::thread::scope(|scope| {
            let calling = scope.spawn(|| arena().run(&plugin, call));
            server.await_heard(1);
            ask.send(true).expect("somebody listens");
            calling.join().expect("it ends")
        });
        server.await_all_ended();
        assert_eq!(report.sent.len(), 1);
        assert_eq!(report.sent[0].end(), SentEnd::Unanswered);
        settle(attack, "cancelled", &of_call(&report));
    }
    arena().still_serves();
}

#[test]
fn a_call_that_nobody_waits_for_closes_its_connections() {
    let plugin = arena().load(&anything()).expect("it loads");
    for (attack, tool) in [("abandoned-waiting", "in-turn"), ("abandoned-waiting-wasi", "wasi")] {
        for server in [silent(), half()] {
            arena().host.block_on(async {
                let call = arena().host.call(&plugin, asking(tool, &server));
                let heard = async { server.await_heard(1) };
                let mut call = Box::pin(call);
                let first = std::future::poll_fn(|context| {
                    std::task::Poll::Ready(call.as_mut().poll(context).is_pending())
                });
                assert!(first.await, "it was sent on its way");
                heard.await;
            });
            server.await_all_ended();
        }
        settle(attack, "closed", "closed");
    }
    arena().still_serves();
}

#[test]
fn a_call_whose_time_is_over_closes_its_connections() {
    let plugin = arena().load(&anything()).expect("it loads");
    for (attack, tool) in [("deadline-waiting", "in-turn"), ("deadline-waiting-wasi", "wasi")] {
        for server in [silent(), half()] {
            let deadline = Some(Duration::from_millis(200));
            let report = arena().run(&plugin, Call { deadline, ..asking(tool, &server) });
            server.await_all_ended();
            assert_eq!(of_call(&report), "exhausted(time)");
            assert_eq!(report.sent.len(), 1);
        }
        settle(attack, "exhausted(time)", "exhausted(time)");
    }
    arena().still_serves();
}

#[test]
fn what_a_guest_leaves_behind_ends_with_its_call() {
    for (attack, how, server, expected) in [
        ("left-unasked", "unasked", silent(), "left"),
        ("left-unread", "unread", half(), "200"),
        ("left-begun", "begun", half(), "200"),
        ("left-unsent", "unsent", silent(), "left"),
    ] {
        let request = match how {
            "unsent" => with(wasi_get(&server.url("/")), &json!({ "method": "POST", "body": "x" })),
            _ => wasi_get(&server.url("/")),
        };
        let input = json!({ "requests": vec![request; 8], "how": how });
        let report = arena().call(&anything(), "wasi-leave", &input);
        assert_eq!(value(&report), &json!(vec![expected; 8]), "{attack}");
        assert_eq!(report.sent.len(), 8);
        server.await_all_ended();
        arena().still_serves();
        settle(attack, expected, expected);
    }
}

#[test]
fn an_instance_that_left_something_open_serves_no_other_call() {
    let mut guest = anything();
    guest.release.reuse = Reuse::Task;
    let plugin = arena().load(&guest).expect("it loads");
    let good = || Call::new("good", &json!({ "text": "x" }).to_string());
    let kept = |call: Call| {
        let report = arena().run(&plugin, call);
        assert_eq!(of_call(&report), "ok");
        arena().host.warm_instances()
    };
    let server = Server::at(PUBLIC, |_| ok("ok"));
    assert_eq!(kept(good()), 1);
    assert_eq!(kept(asking("in-turn", &server)), 1, "all was read");
    assert_eq!(kept(asking("wasi", &server)), 1, "all was read");
    for how in ["unasked", "unread", "begun", "unsent"] {
        let server = if how == "unasked" { silent() } else { half() };
        let input = json!({ "requests": [wasi_get(&server.url("/"))], "how": how });
        assert_eq!(kept(Call::new("wasi-leave", &input.to_string())), 0, "{how}");
        server.await_all_ended();
        assert_eq!(kept(good()), 1);
    }
    settle("warm-with-open-answer", "not-kept", "not-kept");
}
