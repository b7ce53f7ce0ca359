//! Servers that give a secret back: in a body, a header, an encoding, in pieces.

use std::io::Write as _;

use ax_host::plugin::Report;
use ax_host::plugin::SentEnd;
use ax_tests::server::Answer;
use ax_tests::server::Server;
use ax_tests::server::answer;
use ax_tests::server::ok;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use flate2::write::ZlibEncoder;
use serde_json::Value;
use serde_json::json;

use super::ground::OTHER;
use super::ground::PUBLIC;
use super::ground::TOKEN;
use super::ground::denials;
use super::ground::get;
use super::ground::holder;
use super::ground::send;
use super::ground::send_wasi;
use super::ground::wasi_get;
use super::ground::with;
use super::ground::word;
use crate::arena::Guest;
use crate::verdict::settle;

/// A guest that may use both secrets toward a server; `token` is put in.
fn trusted_with(server: &Server) -> Guest {
    let origin = server.origin();
    holder(&[
        &format!("net:{origin}:GET,POST"),
        &format!("secret:token@{origin}"),
        "secret:other@https://elsewhere.test",
    ])
}

/// Insists that an answer was withheld and recorded, and that no part of the secret shows.
#[track_caller]
fn is_withheld(attack: &str, secret: &str, report: &Report, outcome: &Value) {
    assert_eq!(report.sent.len(), 1);
    assert_eq!(report.sent[0].end(), SentEnd::Leaked(secret.into()), "{attack}: {outcome}");
    let denied = denials(report);
    assert!(denied.len() == 1 && denied[0].ends_with("held a secret"), "{attack}: {denied:?}");
    let shown = format!("{report:?}");
    let value = if secret == "token" { TOKEN } else { OTHER };
    assert!(!shown.contains(value) && !shown.contains(&value[..8]), "{attack}: {shown}");
}

/// Gets an answer over both interfaces and insists that it is withheld.
#[track_caller]
fn withheld(attack: &str, secret: &str, answers: Answer) {
    let server = Server::at(PUBLIC, move |_| answers.clone());
    let guest = trusted_with(&server);
    let (report, outcome) = send(&guest, get(&server.url("/")));
    is_withheld(attack, secret, &report, &outcome);
    let (wasi, wasi_outcome) = send_wasi(&guest, wasi_get(&server.url("/")));
    is_withheld(attack, secret, &wasi, &wasi_outcome);
    // Found in the body, it is an error of the stream; found in the head, one of the request.
    let told = wasi_outcome.to_string();
    assert!(told.contains("was withheld"), "{attack}: {told}");
    settle(attack, &format!("denied(secret:{secret})"), &word(&outcome));
}

#[test]
fn an_answer_that_holds_a_secret_is_withheld_in_whatever_form() {
    let raw = TOKEN.as_bytes();
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = raw.iter().map(|byte| format!("%{byte:02X}")).collect();
    let unicode: String = raw.iter().map(|byte| format!("\\u{byte:04x}")).collect();
    let shifted = |by: usize| STANDARD.encode([&b"xx"[..by], raw, b"yyy"].concat());
    for (attack, body) in [
        ("leak-raw", format!("<h1>wrong token {TOKEN}</h1>")),
        ("leak-json", json!({ "got": TOKEN }).to_string()),
        ("leak-json-unicode", format!("\"{unicode}\"")),
        ("leak-base64", shifted(0)),
        ("leak-base64-shifted-1", shifted(1)),
        ("leak-base64-shifted-2", shifted(2)),
        ("leak-base64-url", URL_SAFE_NO_PAD.encode(raw)),
        ("leak-hex", hex.clone()),
        ("leak-hex-upper", hex.to_uppercase()),
        ("leak-percent", percent),
    ] {
        withheld(attack, "token", ok(body));
    }
    withheld("leak-error-page", "token", Answer::Keep(answer(401, &[], format!("bad {TOKEN}"))));
    withheld("leak-of-another", "other", ok(format!("it was {OTHER}")));
}

#[test]
fn a_header_that_holds_a_secret_withholds_the_answer() {
    for (attack, name) in [
        ("leak-header", "x-echo"),
        ("leak-cookie", "set-cookie"),
        ("leak-content-type", "content-type"),
    ] {
        withheld(attack, "token", Answer::Keep(answer(200, &[(name, TOKEN)], "ok")));
    }
    withheld("leak-header-name", "other", Answer::Keep(answer(200, &[(OTHER, "x")], "ok")));
    let location = format!("http://elsewhere.test/?{OTHER}");
    withheld("leak-location", "other", Answer::Keep(answer(302, &[("location", &location)], "")));
}

#[test]
fn a_redirect_that_holds_a_secret_is_not_followed() {
    let there = Server::at(PUBLIC, |_| ok("caught"));
    let location = format!("{}?t={OTHER}", there.url("/"));
    let here =
        Server::at(PUBLIC, move |_| Answer::Keep(answer(307, &[("location", &location)], "")));
    let guest = holder(&[
        "net:http://*:GET",
        &format!("secret:token@{}", here.origin()),
        "secret:other@https://elsewhere.test",
    ]);
    let request = with(get(&here.url("/")), &json!({ "redirects": 3 }));
    let (report, outcome) = send(&guest, request);
    is_withheld("leak-redirect", "other", &report, &outcome);
    assert_eq!(there.connections(), 0);
    settle("leak-redirect-followed", "denied(secret:other)", &word(&outcome));
}

#[test]
fn the_reason_after_a_status_does_not_reach_a_guest() {
    let said = format!("HTTP/1.1 200 {TOKEN}\r\ncontent-length: 0\r\n\r\n").into_bytes();
    let server = Server::at(PUBLIC, move |_| Answer::Keep(said.clone()));
    let (report, outcome) = send(&trusted_with(&server), get(&server.url("/")));
    assert!(!format!("{report:?} {outcome}").contains(TOKEN));
    settle("leak-reason", "200", &word(&outcome));
}

#[test]
fn what_a_server_calls_its_encoding_reaches_nobody() {
    for (attack, said) in
        [("leak-encoding", TOKEN.to_owned()), ("leak-encoding-part", TOKEN[..12].to_owned())]
    {
        let server = Server::at(PUBLIC, move |_| {
            Answer::Keep(answer(200, &[("content-encoding", &said)], "ok"))
        });
        let guest = trusted_with(&server);
        for (report, outcome) in
            [send(&guest, get(&server.url("/"))), send_wasi(&guest, wasi_get(&server.url("/")))]
        {
            let shown = format!("{report:?} {outcome}");
            assert!(!shown.contains(&TOKEN[..12]), "{shown}");
        }
        settle(attack, "withheld", "withheld");
    }
}

#[test]
fn an_encoded_body_is_decoded_before_it_is_searched() {
    let page = format!("{} {TOKEN} {}", "<p>text</p>".repeat(100), "<p>text</p>".repeat(100));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(page.as_bytes()).expect("memory");
    let gzip = gzip.finish().expect("memory");
    withheld(
        "leak-gzip",
        "token",
        Answer::Keep(answer(200, &[("content-encoding", "gzip")], gzip)),
    );
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(page.as_bytes()).expect("memory");
    let zlib = zlib.finish().expect("memory");
    let deflated = answer(200, &[("content-encoding", "deflate")], zlib);
    withheld("leak-deflate", "token", Answer::Keep(deflated));
}

#[test]
fn a_secret_in_pieces_is_found_where_they_meet() {
    // A chunk for each byte: no piece that arrives holds more than one of them.
    let mut said = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for byte in format!("begin {TOKEN} end").bytes() {
        said.extend_from_slice(&[b'1', b'\r', b'\n', byte, b'\r', b'\n']);
    }
    said.extend_from_slice(b"0\r\n\r\n");
    withheld("leak-chunks", "token", Answer::Keep(said));
    // On the border between two of the pieces that are looked through.
    let page = format!("{}{TOKEN}", " ".repeat((64 << 10) - 5));
    withheld("leak-at-border", "token", ok(page));
}

#[test]
fn of_a_long_answer_that_leaks_at_its_end_a_stream_gives_no_byte_of_the_secret() {
    let page = format!("{}{TOKEN}", "x".repeat(300_000));
    let server = Server::at(PUBLIC, move |_| ok(&page));
    let guest = trusted_with(&server);
    let (report, outcome) = send_wasi(&guest, wasi_get(&server.url("/")));
    is_withheld("leak-at-end", "token", &report, &outcome);
    let passed = report.sent[0].bytes_in();
    let got = if passed <= 300_000 { "before-it" } else { "into-it" };
    settle("leak-at-end-of-stream", "before-it", got);
}

#[test]
fn an_answer_without_a_secret_is_not_withheld() {
    // All but the last byte of one; innocent text with escapes of all sorts.
    let almost = &TOKEN[..TOKEN.len() - 1];
    let page = format!("{almost}! %41%zz \\u00e9 \\x {}", STANDARD.encode(almost));
    let server = Server::at(PUBLIC, move |_| ok(&page));
    let (report, outcome) = send(&trusted_with(&server), get(&server.url("/")));
    assert_eq!(report.denials, []);
    settle("no-leak", "200", &word(&outcome));
}
