//! The same through `wasi:http`, for components that know nothing of `ax:http`.

use ax_host::plugin::Limit;
use ax_host::plugin::Output;
use ax_host::plugin::Report;
use ax_host::plugin::limits;
use ax_tests::server::Answer;
use ax_tests::server::Server;
use ax_tests::server::answer;
use ax_tests::server::ok;
use ax_tests::server::redirect;
use serde_json::Value;
use serde_json::json;

use super::ground::PUBLIC;
use super::ground::arena;
use super::ground::caller;
use super::ground::denials;
use super::ground::outcomes;
use super::ground::send_wasi;
use super::ground::wasi_get;
use super::ground::with;
use super::ground::word;
use crate::arena::Guest;
use crate::verdict::of_call;
use crate::verdict::settle;

fn granted(server: &Server) -> Guest {
    caller(&[&format!("net:{}:GET,POST:/a/**", server.origin())])
}

#[test]
fn what_is_granted_is_sent_and_the_answer_is_read() {
    let server = Server::at(PUBLIC, |heard| ok(&heard.body));
    let guest = granted(&server);
    let request = with(
        wasi_get(&server.url("/a/b?q=1")),
        &json!({ "method": "POST", "body": "begin", "filler": 100_000, "headers": [["x-a", "b"]] }),
    );
    let (report, outcome) = send_wasi(&guest, request);
    assert_eq!(word(&outcome), "200");
    let heard = &server.heard()[0];
    assert_eq!((heard.target.as_str(), heard.header("x-a")), ("/a/b?q=1", "b"));
    assert_eq!(heard.header("transfer-encoding"), "chunked");
    assert!(outcome["ok"]["bytes"].as_u64().is_some_and(|bytes| bytes > 100_000));
    assert_eq!(report.sent[0].bytes_out(), 100_005);
    settle("wasi-http-granted", "200", "200");
}

#[test]
fn what_is_not_granted_is_denied() {
    let server = Server::at(PUBLIC, |_| ok("ok"));
    let guest = granted(&server);
    for (attack, url, changes) in [
        ("wasi-http-path", server.url("/b"), json!({})),
        ("wasi-http-method", server.url("/a/b"), json!({ "method": "PUT" })),
        // A body that nobody takes does not keep the guest from its answer.
        ("wasi-http-body", server.url("/b"), json!({ "method": "POST", "filler": 3 << 20 })),
        ("wasi-http-scheme", server.url("/a/b").replace("http:", "https:"), json!({})),
    ] {
        let (report, outcome) = send_wasi(&guest, with(wasi_get(&url), &changes));
        assert_eq!(denials(&report).len(), 1, "{attack}");
        settle(attack, "HttpRequestDenied", &word(&outcome));
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_closed_address_is_refused() {
    let inside = Server::new(|_| ok("inside"));
    let (report, outcome) = send_wasi(&caller(&["net:http://*"]), wasi_get(&inside.url("/")));
    assert_eq!(denials(&report).len(), 1);
    assert_eq!(inside.connections(), 0);
    settle("wasi-http-loopback", "DestinationIpProhibited", &word(&outcome));
    let exact = caller(&[&format!("net:{}", inside.origin())]);
    assert_eq!(word(&send_wasi(&exact, wasi_get(&inside.url("/"))).1), "200");
}

#[test]
fn a_redirect_is_an_answer() {
    let server = Server::at(PUBLIC, |_| redirect(302, "/a/next"));
    let (_, outcome) = send_wasi(&granted(&server), wasi_get(&server.url("/a/")));
    assert_eq!(server.heard().len(), 1);
    settle("wasi-http-redirect", "302", &word(&outcome));
}

#[test]
fn what_is_no_request_is_refused() {
    let server = Server::at(PUBLIC, |_| ok("ok"));
    let guest = caller(&["net:*"]);
    let authority = server.address().to_string();
    for (attack, changes) in [
        ("wasi-http-connect", json!({ "method": "CONNECT" })),
        ("wasi-http-trace", json!({ "method": "TRACE" })),
        ("wasi-http-other-method", json!({ "method": "BREW" })),
        ("wasi-http-other-scheme", json!({ "scheme": "ftp" })),
        ("wasi-http-userinfo", json!({ "authority": format!("a@{authority}") })),
        ("wasi-http-authority-path", json!({ "authority": format!("{authority}/x?") })),
        ("wasi-http-dots", json!({ "path": "/a/../b" })),
        ("wasi-http-other-path", json!({ "path": format!("http://{authority}/") })),
        ("wasi-http-host-header", json!({ "headers": [["host", "elsewhere.test"]] })),
        ("wasi-http-header-split", json!({ "headers": [["x", "a\r\nb: c"]] })),
    ] {
        let (report, outcome) = send_wasi(&guest, with(wasi_get(&server.url("/")), &changes));
        assert!(outcome["err"].is_object(), "{attack}: {outcome}");
        assert!(report.sent.is_empty(), "{attack}");
        settle(attack, "refused", "refused");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_bounds_of_a_call_hold() {
    let server = Server::at(PUBLIC, |_| ok("ok"));
    let guest = granted(&server);
    let many = vec![wasi_get(&server.url("/a/")); limits::REQUESTS as usize + 1];
    let report = arena().call(&guest, "wasi", &json!({ "requests": many }));
    let words: Vec<String> = outcomes(&report).iter().map(word).collect();
    let (last, first) = words.split_last().expect("many");
    assert!(first.iter().all(|word| word == "200"), "{first:?}");
    assert_eq!(report.usage.limits_hit, [Limit::Requests]);
    settle("wasi-http-requests", "InternalError", last);
}

fn exchange(guest: &Guest, request: Value, hit: Limit) -> String {
    let (report, outcome) = send_wasi(guest, request);
    assert_eq!(report.usage.limits_hit, [hit], "{outcome}");
    word(&outcome)
}

#[test]
fn bytes_beyond_the_bound_are_neither_sent_nor_received() {
    let sink = Server::at(PUBLIC, |_| ok(""));
    let upload = with(wasi_get(&sink.url("/a/")), &json!({ "method": "POST", "filler": 9 << 20 }));
    let got = exchange(&granted(&sink), upload, Limit::BytesOut);
    sink.await_all_ended();
    settle("wasi-http-bytes-out", "HttpRequestBodySize", &got);
    let flood = Server::at(PUBLIC, |_| Answer::Keep(answer(200, &[], vec![b'x'; 33 << 20])));
    let roomy = granted(&flood).limited(|limits| limits.memory_bytes = 256 << 20);
    let got = exchange(&roomy, wasi_get(&flood.url("/a/")), Limit::BytesIn);
    flood.await_all_ended();
    // An error of the stream.
    settle("wasi-http-bytes-in", "guest", &got);
}

#[test]
fn a_server_that_fails_is_told_apart() {
    for (attack, said, expected) in [
        ("wasi-http-cut", Answer::Close(Vec::new()), "HttpResponseIncomplete"),
        (
            "wasi-http-cut-in-body",
            Answer::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe".to_vec()),
            // An error of the stream.
            "guest",
        ),
        ("wasi-http-silent", Answer::Hold(Vec::new()), "HttpResponseTimeout"),
        ("wasi-http-nonsense", Answer::Close(b"hello\r\n\r\n".to_vec()), "HttpProtocolError"),
    ] {
        let server = Server::at(PUBLIC, move |_| said.clone());
        let request = with(wasi_get(&server.url("/a/")), &json!({ "first-byte-ms": 200 }));
        let (_, outcome) = send_wasi(&granted(&server), request);
        server.await_all_ended();
        settle(attack, expected, &word(&outcome));
    }
}

/// Lets the guest do something that sends nothing.
fn unsent(how: &str) -> Report {
    let input = json!({ "requests": [], "how": how });
    arena().call(&caller(&[]), "wasi-leave", &input)
}

#[test]
fn requests_that_are_never_sent_hold_little() {
    let taken = match unsent("filled").result {
        Ok(Output::Value(words)) => words[0].as_str().and_then(|text| text.parse::<usize>().ok()),
        other => panic!("{other:?}"),
    };
    let taken = taken.expect("a number");
    assert!((1..=64 << 10).contains(&taken), "{taken} bytes are held for one request");
    // What one holds times how many there may be is what all hold.
    settle("wasi-http-hoard", "exhausted(handles)", &of_call(&unsent("hoarded")));
}

#[test]
fn a_method_without_a_name_is_short() {
    let server = Server::at(PUBLIC, |_| ok("ok"));
    for (bytes, expected) in [(64, "HttpRequestMethodInvalid"), (65, "guest")] {
        let request = with(wasi_get(&server.url("/a/b")), &json!({ "method": "A".repeat(bytes) }));
        let (_, outcome) = send_wasi(&granted(&server), request);
        settle(&format!("wasi-http-method-{bytes}"), expected, &word(&outcome));
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn more_than_a_stream_offers_to_take_ends_the_call() {
    settle("print-unasked", "trapped", &of_call(&unsent("printed")));
}
