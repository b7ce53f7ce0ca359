//! Servers that lie, stop in the middle, never stop, or are not who they say.

use std::io;
use std::time::Duration;

use ax_host::plugin::Call;
use ax_tests::authority::Authority;
use ax_tests::server::Answer;
use ax_tests::server::Server;
use ax_tests::server::Stream;
use ax_tests::server::ok;
use serde_json::json;

use super::ground::PUBLIC;
use super::ground::arena;
use super::ground::caller;
use super::ground::get;
use super::ground::name;
use super::ground::outcomes;
use super::ground::post;
use super::ground::send;
use super::ground::with;
use super::ground::word;
use super::ground::word_of;
use crate::arena::Guest;
use crate::verdict::of_call;
use crate::verdict::settle;

fn anything() -> Guest {
    caller(&["net:http://*:GET,POST", "net:https://*:GET"])
}

/// A server that says something and closes.
fn saying(text: &'static [u8]) -> Server {
    Server::at(PUBLIC, move |_| Answer::Close(text.to_vec()))
}

#[test]
fn an_answer_that_is_cut_is_no_answer() {
    for (attack, text) in [
        ("cut-before-answer", &b""[..]),
        ("cut-in-status", b"HTTP/1.1 2"),
        ("cut-in-headers", b"HTTP/1.1 200 OK\r\ncontent-le"),
        ("cut-after-headers", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
        ("cut-in-body", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe"),
        ("cut-in-chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhe"),
        (
            "cut-before-last-chunk",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n",
        ),
    ] {
        let server = saying(text);
        assert_eq!(word_of(&anything(), post(&server.url("/"))), "in-doubt", "{attack}");
        settle(attack, "unavailable", &word_of(&anything(), get(&server.url("/"))));
    }
}

#[test]
fn what_is_no_http_is_refused() {
    for (attack, text) in [
        ("no-http", &b"hello there, this is no HTTP\r\n\r\n"[..]),
        ("two-framings", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        ("two-lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!"),
        ("negative-length", b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nok"),
        ("bad-chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n"),
        ("unasked-upgrade", b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
        ("unknown-encoding", b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 2\r\n\r\nok"),
        ("bad-gzip", b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nok"),
    ] {
        let server = saying(text);
        settle(attack, "failed", &word_of(&anything(), get(&server.url("/"))));
    }
}

#[test]
fn what_follows_an_answer_is_not_the_next_one() {
    let poison = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison";
    let server = Server::at(PUBLIC, |_| Answer::Keep(poison.to_vec()));
    let requests = vec![get(&server.url("/")); 5];
    let report = arena().call(&anything(), "in-turn", &json!({ "requests": requests }));
    let bodies: Vec<_> = outcomes(&report).iter().map(|it| it["ok"]["body"].clone()).collect();
    let got = if bodies.iter().any(|body| body == "poison") { "poisoned" } else { "clean" };
    settle("answer-smuggled", "clean", got);
}

#[test]
fn bytes_that_are_no_text_arrive_replaced() {
    let server = Server::at(PUBLIC, |_| {
        Answer::Keep(
            b"HTTP/1.1 200 \xff\r\nx-raw: a\xffb\r\ncontent-length: 3\r\n\r\nc\xffd".to_vec(),
        )
    });
    let (_, outcome) = send(&anything(), get(&server.url("/")));
    let headers = outcome["ok"]["headers"].as_array().expect("headers");
    assert!(headers.contains(&json!(["x-raw", "a\u{fffd}b"])), "{outcome}");
    settle("invalid-utf8-answer", "c\u{fffd}d", outcome["ok"]["body"].as_str().unwrap_or("?"));
}

/// Says a piece over and over until the other side is gone.
fn for_ever(stream: &mut dyn Stream, piece: &[u8]) -> io::Result<()> {
    loop {
        stream.write_all(piece)?;
    }
}

#[test]
fn an_answer_without_an_end_is_ended() {
    const LINE: &[u8] = b"HTTP/1.1 200 OK\r\n";
    for (attack, head, piece, expected) in [
        (
            "endless-body",
            b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
            vec![b'x'; 65_536],
            "exhausted(bytes-in)",
        ),
        (
            "endless-chunks",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
            [&b"10000\r\n"[..], &[b'x'; 65_536], b"\r\n"].concat(),
            "exhausted(bytes-in)",
        ),
        ("endless-headers", LINE.to_vec(), b"x-more: and more\r\n".to_vec(), "failed"),
        ("endless-header", [LINE, b"x: "].concat(), vec![b'x'; 4_096], "failed"),
        ("endless-status", b"HTTP/1.1 200 ".to_vec(), vec![b'x'; 4_096], "failed"),
        ("endless-interim", Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), "failed"),
    ] {
        let server = Server::raw(move |stream, seen| {
            seen.hear(stream)?;
            stream.write_all(&head)?;
            for_ever(stream, &piece)
        });
        let guest = caller(&[&format!("net:{}:GET", server.origin())]);
        let request = with(get(&server.url("/")), &json!({ "body-bytes-max": u32::MAX }));
        let got = word_of(&guest, request);
        server.await_all_ended();
        settle(attack, expected, &got);
    }
}

#[test]
fn an_answer_that_drips_ends_at_the_calls_deadline() {
    let server = Server::raw(|stream, seen| {
        seen.hear(stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")?;
        loop {
            stream.write_all(b"x")?;
            std::thread::park_timeout(Duration::from_millis(5));
        }
    });
    let guest = caller(&[&format!("net:{}:GET", server.origin())]);
    let plugin = arena().load(&guest).expect("it loads");
    let input = json!({ "requests": [get(&server.url("/"))] }).to_string();
    let deadline = Some(Duration::from_millis(300));
    let report = arena().run(&plugin, Call { deadline, ..Call::new("in-turn", &input) });
    let took = Duration::from_micros(report.usage.duration_us);
    assert!(took < Duration::from_secs(3), "{took:?}");
    server.await_all_ended();
    arena().still_serves();
    settle("slow-drip", "exhausted(time)", &of_call(&report));
}

#[test]
fn a_server_that_cannot_prove_who_it_is_gets_no_request() {
    for host in ["proved.test", "wrong.test", "foreign.test"] {
        name(host, &[&["127.1.0.1"]]);
    }
    let proved = Server::over(PUBLIC, Authority::trusted().proving("proved.test"), |_| ok("ok"));
    let wrong = Server::over(PUBLIC, Authority::trusted().proving("other.test"), |_| ok("ok"));
    let foreign = Server::over(PUBLIC, Authority::foreign().proving("foreign.test"), |_| ok("ok"));
    let plain = Server::at(PUBLIC, |_| ok("ok"));
    for (attack, host, server, expected) in [
        ("tls-proved", "proved.test", &proved, "200"),
        ("tls-wrong-name", "wrong.test", &wrong, "failed"),
        ("tls-unknown-issuer", "foreign.test", &foreign, "failed"),
        // It hangs up on what it cannot read.
        ("tls-not-spoken", "proved.test", &plain, "unavailable"),
    ] {
        let url = format!("https://{host}:{}/", server.port());
        let got = word_of(&anything(), get(&url));
        assert_eq!(server.heard().len(), usize::from(expected == "200"), "{attack}");
        settle(attack, expected, &got);
    }
}

#[test]
fn a_secret_goes_to_nobody_who_cannot_prove_who_it_is() {
    name("imposter.test", &[&["127.1.0.1"]]);
    let imposter =
        Server::over(PUBLIC, Authority::foreign().proving("imposter.test"), |_| ok("ok"));
    let origin = format!("https://imposter.test:{}", imposter.port());
    let guest =
        super::ground::holder(&[&format!("net:{origin}"), &format!("secret:token@{origin}")]);
    let (report, outcome) = send(&guest, get(&format!("{origin}/")));
    assert_eq!((imposter.heard().len(), report.sent.len()), (0, 1));
    settle("secret-to-imposter", "failed", &word(&outcome));
}
