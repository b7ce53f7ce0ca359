//! What a guest is told when a request fails: whether to ask again, and whether it may have worked.

use std::sync::Arc;
use std::sync::Barrier;

use ax_host::plugin::limits;
use ax_tests::server::Answer;
use ax_tests::server::Server;
use ax_tests::server::ok;
use serde_json::json;

use super::ground::PUBLIC;
use super::ground::arena;
use super::ground::caller;
use super::ground::get;
use super::ground::name;
use super::ground::outcomes;
use super::ground::value;
use super::ground::wasi_get;
use super::ground::with;
use super::ground::word;
use super::ground::word_of;
use crate::arena::Guest;
use crate::verdict::settle;

fn anything() -> Guest {
    caller(&["net:*"])
}

#[test]
fn a_request_that_is_cut_is_in_doubt_unless_it_may_be_repeated() {
    let server = Server::at(PUBLIC, |_| Answer::Close(Vec::new()));
    for (method, expected) in [
        ("GET", "unavailable"),
        ("HEAD", "unavailable"),
        ("OPTIONS", "unavailable"),
        ("PUT", "unavailable"),
        ("DELETE", "unavailable"),
        ("POST", "in-doubt"),
        ("PATCH", "in-doubt"),
    ] {
        let got = word_of(&anything(), with(get(&server.url("/")), &json!({ "method": method })));
        settle(&format!("cut-{}", method.to_lowercase()), expected, &got);
    }
    let posts = server.heard().iter().filter(|heard| heard.method == "POST").count();
    assert_eq!(posts, 1, "it is not sent a second time");
}

#[test]
fn a_server_that_does_not_answer_in_time_is_given_up() {
    let server = Server::at(PUBLIC, |_| Answer::Hold(Vec::new()));
    for (attack, method, expected) in
        [("silent-to-get", "GET", "unavailable"), ("silent-to-post", "POST", "in-doubt")]
    {
        let request = with(get(&server.url("/")), &json!({ "method": method, "timeout-ms": 50 }));
        let got = word_of(&anything(), request);
        server.await_all_ended();
        settle(attack, expected, &got);
    }
    let body = Server::at(PUBLIC, |_| {
        Answer::Hold(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec())
    });
    let request = with(get(&body.url("/")), &json!({ "timeout-ms": 50 }));
    let got = word_of(&anything(), request);
    body.await_all_ended();
    settle("silent-in-body", "unavailable", &got);
    let at_once = with(get(&server.url("/")), &json!({ "timeout-ms": 0 }));
    assert_eq!(word_of(&anything(), at_once), "unavailable");
}

#[test]
fn what_was_never_sent_is_not_in_doubt() {
    // A port that nobody listens on any more.
    let nobody = std::net::TcpListener::bind((PUBLIC, 0)).expect("a port");
    let address = nobody.local_addr().expect("it has one");
    drop(nobody);
    let request = with(get(&format!("http://{address}/")), &json!({ "method": "POST" }));
    settle("nobody-listens", "unavailable", &word_of(&anything(), request));
    name("nowhere.test", &[&[]]);
    let request = with(get("http://nowhere.test/"), &json!({ "method": "POST" }));
    settle("no-address", "unavailable", &word_of(&anything(), request));
}

#[test]
fn requests_of_one_call_run_at_the_same_time() {
    let all = limits::REQUESTS as usize;
    let together = Arc::new(Barrier::new(all));
    let server = Server::at(PUBLIC, move |_| {
        // Nobody is answered before all have asked.
        together.wait();
        ok("ok")
    });
    let input = json!({ "request": get(&server.url("/")), "times": all, "together": true });
    let report = arena().call(&anything(), "many", &input);
    assert_eq!(value(&report), &json!(vec!["200"; all]));
    assert_eq!(server.connections(), all);
    let wasi = vec![wasi_get(&server.url("/")); all];
    let report = arena().call(&anything(), "wasi", &json!({ "requests": wasi }));
    let words: Vec<String> = outcomes(&report).iter().map(word).collect();
    assert_eq!(words, vec!["200"; all]);
    settle("requests-in-parallel", "200", &words[0]);
}

#[test]
fn answers_stand_in_the_order_of_the_requests() {
    // The first is answered only when the last has been.
    let turn = Arc::new(Barrier::new(2));
    let server = Server::at(PUBLIC, move |heard| {
        if matches!(heard.target.as_str(), "/0" | "/3") {
            turn.wait();
        }
        ok(&heard.target)
    });
    let requests: Vec<_> = (0..4).map(|at| get(&server.url(&format!("/{at}")))).collect();
    let report = arena().call(&anything(), "together", &json!({ "requests": requests }));
    let bodies: Vec<_> = outcomes(&report).iter().map(|it| it["ok"]["body"].clone()).collect();
    assert_eq!(bodies, ["/0", "/1", "/2", "/3"]);
    settle("answers-in-order", "ok", "ok");
}
