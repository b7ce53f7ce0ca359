//! Requests and answers up to their bounds, and one beyond.

use std::io::Write as _;

use ax_host::egress::ANSWER_HEAD_BYTES_MAX;
use ax_host::egress::HEADERS_MAX;
use ax_host::egress::REQUEST_HEADER_BYTES_MAX;
use ax_host::plugin::Limit;
use ax_host::plugin::Report;
use ax_host::plugin::limits;
use ax_tests::server::Answer;
use ax_tests::server::Server;
use ax_tests::server::answer;
use ax_tests::server::ok;
use ax_tests::server::redirect;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use serde_json::json;

use super::ground::PUBLIC;
use super::ground::arena;
use super::ground::caller;
use super::ground::get;
use super::ground::outcomes;
use super::ground::value;
use super::ground::with;
use super::ground::word;
use super::ground::word_of;
use crate::arena::Guest;
use crate::verdict::of_call;
use crate::verdict::settle;

fn anything() -> Guest {
    caller(&["net:http://*:GET,POST,HEAD"])
}

fn words(report: &Report) -> Vec<String> {
    outcomes(report).iter().map(word).collect()
}

fn in_turn(requests: &[Value]) -> Report {
    let report = arena().call(&anything(), "in-turn", &json!({ "requests": requests }));
    arena().still_serves();
    report
}

#[test]
fn a_call_sends_32_requests_and_not_one_more() {
    let server = Server::at(PUBLIC, |_| ok("ok"));
    for (attack, together) in [("requests-over-limit", false), ("requests-at-once", true)] {
        let before = server.heard().len();
        let input = json!({
            "request": get(&server.url("/")), "times": limits::REQUESTS + 1, "together": together,
        });
        let report = arena().call(&anything(), "many", &input);
        let list = value(&report).as_array().expect("a list").clone();
        let (last, first) = list.split_last().expect("many");
        assert!(first.iter().all(|word| word == "200"), "{first:?}");
        assert_eq!(server.heard().len() - before, limits::REQUESTS as usize);
        assert_eq!(report.usage.limits_hit, [Limit::Requests]);
        settle(attack, "exhausted(requests)", last.as_str().unwrap_or("?"));
    }
}

#[test]
fn a_redirect_counts_as_a_request() {
    let server = Server::at(PUBLIC, |heard| match heard.target[1..].parse::<u32>() {
        Ok(0) | Err(_) => ok(""),
        Ok(left) => redirect(302, &format!("/{}", left - 1)),
    });
    let long = with(get(&server.url("/10")), &json!({ "redirects": 10 }));
    let report = in_turn(&[long.clone(), long.clone(), long]);
    assert_eq!(server.heard().len(), limits::REQUESTS as usize);
    let got = words(&report).join(" ");
    settle("redirects-count", "200 200 exhausted(requests)", &got);
}

#[test]
fn a_call_sends_8_mib_and_not_one_byte_more() {
    let server = Server::at(PUBLIC, |_| ok(""));
    let half = limits::SENT_BYTES / 2;
    let sending =
        |filler: u64| with(get(&server.url("/")), &json!({ "method": "POST", "filler": filler }));
    // What the head of such a request takes; the length in it has as many digits.
    in_turn(&[sending(half - 1_000)]);
    let head = server.heard()[0].head_bytes as u64;
    let most = sending(half - head);
    assert_eq!(words(&in_turn(&[most.clone(), most.clone()])), ["200", "200"]);
    let heard = server.heard().len();
    let got = words(&in_turn(&[most, sending(half - head + 1)])).join(" ");
    assert_eq!(server.heard().len(), heard + 1, "the second was not sent at all");
    settle("sent-bytes-over-limit", "200 exhausted(bytes-out)", &got);
}

#[test]
fn one_host_call_copies_8_mib_at_most() {
    let server = Server::at(PUBLIC, |_| ok(""));
    let filler = limits::HOST_CALL_BYTES + 1;
    let report =
        in_turn(&[with(get(&server.url("/")), &json!({ "method": "POST", "filler": filler }))]);
    assert_eq!(server.connections(), 0);
    settle("huge-http-body", "exhausted(bytes)", &of_call(&report));
}

#[test]
fn a_call_receives_32_mib_and_not_one_byte_more() {
    let server = Server::at(PUBLIC, |heard| {
        let whole: usize = heard.target[1..].parse().expect("bytes");
        let head = answer(200, &[], vec![b'x'; whole]).len() - whole;
        Answer::Keep(answer(200, &[], vec![b'x'; whole - head]))
    });
    let half = limits::RECEIVED_BYTES / 2;
    let receiving = |bytes: u64| {
        with(get(&server.url(&format!("/{bytes}"))), &json!({ "body-bytes-max": u32::MAX }))
    };
    let exact = in_turn(&[receiving(half), receiving(half)]);
    assert_eq!(words(&exact), ["200", "200"]);
    let over = in_turn(&[receiving(half), receiving(half + 1)]);
    assert_eq!(over.usage.limits_hit, [Limit::BytesIn]);
    settle("received-bytes-over-limit", "200 exhausted(bytes-in)", &words(&over).join(" "));
}

#[test]
fn a_body_is_as_long_as_the_guest_takes_and_not_one_byte_more() {
    let server = Server::at(PUBLIC, |_| ok("x".repeat(1_000)));
    let taking = |most: u32| {
        word_of(&anything(), with(get(&server.url("/")), &json!({ "body-bytes-max": most })))
    };
    assert_eq!(taking(1_000), "200");
    settle("body-over-what-was-wanted", "exhausted(body)", &taking(999));
}

#[test]
fn a_bomb_of_gzip_ends_at_the_bound() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..200 {
        gzip.write_all(&vec![0; 1 << 20]).expect("memory");
    }
    let bomb = gzip.finish().expect("memory");
    assert!(bomb.len() < 1 << 20);
    let server = Server::at(PUBLIC, move |_| {
        Answer::Keep(answer(200, &[("content-encoding", "gzip")], &bomb))
    });
    let report = in_turn(&[with(get(&server.url("/")), &json!({ "body-bytes-max": u32::MAX }))]);
    assert_eq!(report.usage.limits_hit, [Limit::BytesIn]);
    settle("gzip-bomb", "exhausted(bytes-in)", &words(&report)[0]);
}

#[test]
fn the_headers_of_a_request_are_bounded_in_number_and_bytes() {
    let server = Server::at(PUBLIC, |_| ok(""));
    let having = |count: usize, bytes: usize| {
        let headers: Vec<_> =
            (0..count).map(|at| json!([format!("x-{at:03}"), "x".repeat(bytes)])).collect();
        word_of(&anything(), with(get(&server.url("/")), &json!({ "headers": headers })))
    };
    assert_eq!(having(HEADERS_MAX, 1), "200");
    assert_eq!(having(HEADERS_MAX + 1, 1), "invalid(headers)");
    // Name, colon, blank and line end count too.
    assert_eq!(having(1, REQUEST_HEADER_BYTES_MAX - 9), "200");
    let got = having(1, REQUEST_HEADER_BYTES_MAX - 8);
    settle("huge-http-headers", "invalid(headers)", &got);
}

#[test]
fn the_headers_of_an_answer_are_bounded_in_number_and_bytes() {
    let server = Server::at(PUBLIC, |heard| {
        let (count, bytes) = heard.target[1..].split_once('/').expect("two numbers");
        let (count, bytes): (usize, usize) =
            (count.parse().expect("it"), bytes.parse().expect("it"));
        let mut said = "HTTP/1.1 200 OK\r\n".to_owned();
        // The last one says the length.
        for at in 1..count {
            said.push_str(&format!("x-{at:03}: {}\r\n", "x".repeat(bytes)));
        }
        Answer::Close(format!("{said}content-length: 0\r\n\r\n").into_bytes())
    });
    let with = |count: usize, bytes: usize| {
        word_of(&anything(), get(&server.url(&format!("/{count}/{bytes}"))))
    };
    assert_eq!(with(HEADERS_MAX, 1), "200");
    assert_eq!(with(HEADERS_MAX + 1, 1), "failed");
    assert_eq!(with(2, ANSWER_HEAD_BYTES_MAX - 100), "200");
    settle("huge-answer-headers", "failed", &with(2, ANSWER_HEAD_BYTES_MAX + 100));
}

#[test]
fn a_url_is_bounded() {
    let server = Server::at(PUBLIC, |_| ok(""));
    let url = |bytes: usize| {
        let front = server.url("/?");
        format!("{front}{}", "x".repeat(bytes - front.len()))
    };
    assert_eq!(word_of(&anything(), get(&url(ax_manifest::URL_BYTES_MAX))), "200");
    let got = word_of(&anything(), get(&url(ax_manifest::URL_BYTES_MAX + 1)));
    settle("huge-url", "invalid(url)", &got);
}
