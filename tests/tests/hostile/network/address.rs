//! Requests toward addresses that are closed: this machine, private networks, metadata.

use std::net::SocketAddr;

use ax_tests::server::Server;
use ax_tests::server::ok;
use ax_tests::server::redirect;
use serde_json::json;

use super::ground::PUBLIC;
use super::ground::caller;
use super::ground::denials;
use super::ground::get;
use super::ground::lookups;
use super::ground::name;
use super::ground::outcomes;
use super::ground::send;
use super::ground::with;
use super::ground::word;
use super::ground::word_of;
use crate::verdict::settle;

/// What a plugin that may go everywhere is granted.
const EVERYWHERE: [&str; 2] = ["net:http://*:GET", "net:https://*:GET"];

/// A server on loopback that must never be asked.
fn closed() -> Server {
    Server::new(|_| ok("inside"))
}

#[test]
fn no_pattern_reaches_this_machine_by_its_address() {
    let server = closed();
    let port = server.port();
    // Of one attack there is one line; the forms differ by who would read them as loopback.
    let hosts = [
        ("ssrf-loopback", "127.0.0.1"),
        ("ssrf-loopback-elsewhere", "127.9.9.9"),
        ("ssrf-unspecified", "0.0.0.0"),
        ("ssrf-v6-loopback", "[::1]"),
        ("ssrf-v6-unspecified", "[::]"),
        ("ssrf-v4-compatible", "[::127.0.0.1]"),
        ("ssrf-nat64", "[64:ff9b::7f00:1]"),
        ("ssrf-nat64-local", "[64:ff9b:1::7f00:1]"),
        ("ssrf-6to4", "[2002:7f00:1::]"),
        ("ssrf-private", "10.0.0.1"),
        ("ssrf-private-v6", "[fd00::1]"),
        ("ssrf-link-local", "[fe80::1]"),
        ("ssrf-carrier", "100.64.0.1"),
        ("ssrf-metadata", "169.254.169.254"),
        ("ssrf-metadata-v6", "[fd00:ec2::254]"),
    ];
    for (attack, host) in hosts {
        let (report, outcome) = send(&caller(&EVERYWHERE), get(&format!("http://{host}:{port}/")));
        let denied = denials(&report);
        let is_told = denied.len() == 1 && denied[0].ends_with("an address that no rule names");
        assert!(is_told, "{host}: {denied:?} {outcome}");
        settle(attack, "denied(address)", &word(&outcome));
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_host_that_two_readers_read_differently_is_no_url() {
    let server = closed();
    let port = server.port();
    for (attack, host) in [
        ("host-decimal", "2130706433"),
        ("host-hex", "0x7f000001"),
        ("host-octal", "0177.0.0.1"),
        ("host-short", "127.1"),
        ("host-hex-part", "0x7f.0.0.1"),
        ("host-userinfo", "example.test@127.0.0.1"),
        ("host-userinfo-password", "a:b@127.0.0.1"),
        ("host-escaped", "127%2e0.0.1"),
        ("host-full-width", "１２７.0.0.1"),
        ("host-trailing-space", "127.0.0.1 "),
        ("host-backslash", "example.test\\@127.0.0.1"),
        ("host-zone", "[fe80::1%25lo]"),
    ] {
        let got = word_of(&caller(&EVERYWHERE), get(&format!("http://{host}:{port}/")));
        settle(attack, "invalid(url)", &got);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn no_pattern_reaches_this_machine_by_a_name() {
    let server = closed();
    let port = server.port();
    name("inside.test", &[&["127.0.0.1"]]);
    name("localhost", &[&["127.0.0.1"]]);
    name("a.localhost", &[&["127.0.0.1"]]);
    name("mapped.test", &[&["::ffff:127.0.0.1"]]);
    name("metadata.test", &[&["169.254.169.254"]]);
    name("nat64.test", &[&["64:ff9b::a9fe:a9fe"]]);
    name("mixed.test", &[&["127.1.0.1", "127.0.0.1"]]);
    name("mixed-behind.test", &[&["127.0.0.1", "127.1.0.1"]]);
    for (attack, host) in [
        ("ssrf-by-name", "inside.test"),
        ("ssrf-localhost", "localhost"),
        ("ssrf-localhost-below", "a.localhost"),
        ("ssrf-name-mapped", "mapped.test"),
        ("ssrf-name-metadata", "metadata.test"),
        ("ssrf-name-nat64", "nat64.test"),
        ("ssrf-name-mixed", "mixed.test"),
        ("ssrf-name-mixed-behind", "mixed-behind.test"),
    ] {
        let got = word_of(&caller(&EVERYWHERE), get(&format!("http://{host}:{port}/")));
        assert_eq!(lookups(host), 1, "{host}");
        settle(attack, "denied(address)", &got);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_rule_that_names_a_name_does_not_open_where_it_leads() {
    name("named.test", &[&["127.0.0.1"]]);
    let server = closed();
    let rule = format!("net:http://named.test:{}:GET", server.port());
    let url = format!("http://named.test:{}/", server.port());
    settle("ssrf-named-name", "denied(address)", &word_of(&caller(&[&rule]), get(&url)));
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_name_is_looked_up_once_for_each_connection_and_the_checked_address_is_used() {
    // Checked as what stands for the internet; whoever asked again would get this machine.
    name("rebound.test", &[&["127.1.0.1"], &["127.0.0.1"]]);
    let outside = Server::at(PUBLIC, |_| ok("outside"));
    let inside = Server::on(SocketAddr::from(([127, 0, 0, 1], outside.port())), |_| ok("inside"));
    let guest = caller(&EVERYWHERE);
    let url = format!("http://rebound.test:{}/", outside.port());
    let (_, outcome) = send(&guest, get(&url));
    assert_eq!(outcome["ok"]["body"], "outside");
    assert_eq!((lookups("rebound.test"), outside.connections(), inside.connections()), (1, 1, 0));
    // Over the open connection nothing is looked up; over a new one the new address is refused.
    assert_eq!(word_of(&guest, get(&url)), "200");
    assert_eq!(lookups("rebound.test"), 1);
    let two = json!({ "requests": [get(&url), get(&url)] });
    let report = super::ground::arena().call(&guest, "together", &two);
    let words: Vec<String> = outcomes(&report).iter().map(word).collect();
    assert_eq!(words, ["200", "denied(address)"]);
    assert_eq!((lookups("rebound.test"), inside.connections()), (2, 0));
    settle("dns-rebinding", "200 denied(address)", &words.join(" "));
}

#[test]
fn a_redirect_to_a_closed_address_is_not_followed() {
    let inside = closed();
    let (port, url) = (inside.port(), inside.url("/"));
    name("led-inside.test", &[&["127.0.0.1"]]);
    for (attack, location, expected) in [
        ("redirect-to-loopback", url, "denied(address)"),
        ("redirect-to-name-inside", format!("http://led-inside.test:{port}/"), "denied(address)"),
        ("redirect-to-metadata", "http://169.254.169.254/latest".to_owned(), "denied(address)"),
    ] {
        let outside = Server::at(PUBLIC, move |_| redirect(302, &location));
        let request = with(get(&outside.url("/")), &json!({ "redirects": 3 }));
        settle(attack, expected, &word_of(&caller(&EVERYWHERE), request));
    }
    assert_eq!(inside.connections(), 0);
}

#[test]
fn a_rule_that_names_the_very_address_opens_it_and_no_other_port() {
    let (server, other) = (closed(), closed());
    let rule = format!("net:{}:GET", server.origin());
    let guest = caller(&[&rule]);
    assert_eq!(word_of(&guest, get(&server.url("/"))), "200");
    let expected = format!("denied(net:{}:GET:/)", other.origin());
    let got = word_of(&guest, get(&other.url("/")));
    assert_eq!(other.connections(), 0);
    assert_eq!(got, expected);
    settle("exact-rule-other-port", "denied", got.split('(').next().unwrap_or(""));
}

#[test]
fn a_rule_opens_an_address_only_if_the_manifest_names_it_too() {
    let server = closed();
    let mut guest = caller(&[&format!("net:{}:GET", server.origin())]);
    guest.release.declared = [crate::arena::permission("net:http://*:GET")].into_iter().collect();
    let got = word_of(&guest, get(&server.url("/")));
    assert_eq!(server.connections(), 0);
    settle("exact-grant-pattern-manifest", "denied(address)", &got);
    let mut guest = caller(&["net:http://*:GET"]);
    let exact = format!("net:{}:GET", server.origin());
    guest.release.declared.insert(crate::arena::permission(&exact));
    let got = word_of(&guest, get(&server.url("/")));
    settle("pattern-grant-exact-manifest", "denied(address)", &got);
}

#[test]
fn localhost_is_opened_by_its_name() {
    let server = closed();
    name("mine.localhost", &[&["127.0.0.1"]]);
    let rule = format!("net:http://mine.localhost:{}:GET", server.port());
    let url = format!("http://mine.localhost:{}/", server.port());
    settle("exact-localhost", "200", &word_of(&caller(&[&rule]), get(&url)));
}

#[test]
fn what_the_operator_opened_is_reached_but_for_metadata() {
    let server = Server::at(PUBLIC, |_| ok("opened"));
    let guest = caller(&EVERYWHERE);
    settle("opened-network", "200", &word_of(&guest, get(&server.url("/"))));
    // 169.254.0.0/16 is opened too; it may be refused or not be there, but never as metadata.
    let got = word_of(&guest, get("http://169.254.169.254/latest/meta-data"));
    settle("opened-network-metadata", "denied(address)", &got);
}
