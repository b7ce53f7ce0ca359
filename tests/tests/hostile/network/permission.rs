//! Requests that differ from what was granted in one thing.

use ax_tests::server::Server;
use ax_tests::server::ok;
use serde_json::json;

use super::ground::PUBLIC;
use super::ground::arena;
use super::ground::caller;
use super::ground::denials;
use super::ground::get;
use super::ground::name;
use super::ground::outcomes;
use super::ground::send;
use super::ground::with;
use super::ground::word;
use super::ground::word_of;
use crate::verdict::settle;

#[test]
fn what_differs_in_one_thing_is_denied_with_what_is_missing() {
    name("api.test", &[&["127.1.0.1"]]);
    name("other.api.test", &[&["127.1.0.1"]]);
    let server = Server::at(PUBLIC, |_| ok("ok"));
    let port = server.port();
    let origin = format!("http://api.test:{port}");
    let guest = caller(&[&format!("net:{origin}:GET,POST:/repos/**")]);
    let url = format!("{origin}/repos/a");
    assert_eq!(word_of(&guest, get(&url)), "200");
    let heard = server.heard().len();
    for (attack, method, url, missing) in [
        ("other-method", "PUT", url.clone(), format!("net:{origin}:PUT:/repos/a")),
        ("other-path", "GET", format!("{origin}/repo/a"), format!("net:{origin}:GET:/repo/a")),
        ("path-above", "GET", format!("{origin}/repos"), format!("net:{origin}:GET:/repos")),
        ("path-case", "GET", format!("{origin}/Repos/a"), format!("net:{origin}:GET:/Repos/a")),
        (
            "other-host",
            "GET",
            format!("http://other.api.test:{port}/repos/a"),
            format!("net:http://other.api.test:{port}:GET:/repos/a"),
        ),
        (
            "other-port",
            "GET",
            format!("http://api.test:{}/repos/a", port ^ 1),
            format!("net:http://api.test:{}:GET:/repos/a", port ^ 1),
        ),
        (
            "other-scheme",
            "GET",
            format!("https://api.test:{port}/repos/a"),
            format!("net:https://api.test:{port}:GET:/repos/a"),
        ),
    ] {
        let (report, outcome) = send(&guest, with(get(&url), &json!({ "method": method })));
        assert_eq!(word(&outcome), format!("denied({missing})"), "{attack}");
        let expected = format!("{missing}: not declared in its manifest");
        assert_eq!(denials(&report), [expected], "{attack}");
        assert!(report.sent.is_empty());
        settle(attack, "denied", "denied");
    }
    assert_eq!(server.heard().len(), heard, "nothing was sent");
}

#[test]
fn a_path_that_a_server_could_read_as_another_is_no_url() {
    let server = Server::at(PUBLIC, |_| ok("ok"));
    let guest = caller(&[&format!("net:{}:GET:/repos/**", server.origin())]);
    for path in
        ["/repos/../admin", "/repos/%2e%2e/admin", "/repos/a%2fb", "/repos//admin", "/repos/..\\x"]
    {
        assert_eq!(word_of(&guest, get(&server.url(path))), "invalid(url)", "{path}");
    }
    assert_eq!(server.heard(), []);
    settle("path-in-disguise", "invalid(url)", "invalid(url)");
}

#[test]
fn what_is_declared_is_not_yet_granted() {
    let server = Server::at(PUBLIC, |_| ok("ok"));
    let rule = format!("net:{}:GET", server.origin());
    let mut guest = caller(&[&rule]);
    guest.release.grants.clear();
    let (report, outcome) = send(&guest, get(&server.url("/a?q=1")));
    let missing = format!("net:{}:GET:/a", server.origin());
    assert_eq!(word(&outcome), format!("denied({missing})"));
    assert_eq!(denials(&report), [format!("{missing}: declared, but not granted")]);
    assert_eq!(server.connections(), 0);
    settle("net-not-granted", "denied", "denied");
}

#[test]
fn each_of_several_requests_is_judged_by_itself() {
    let server = Server::at(PUBLIC, |heard| ok(&heard.target));
    let guest = caller(&[&format!("net:{}:GET:/a", server.origin())]);
    let requests = ["/a", "/b", "/a", "/c"].map(|path| get(&server.url(path)));
    let report = arena().call(&guest, "together", &json!({ "requests": requests }));
    let words = outcomes(&report).iter().map(|it| word(it).split('(').next().map(str::to_owned));
    let words: Vec<String> = words.flatten().collect();
    settle("send-all-judged", "200 denied 200 denied", &words.join(" "));
}

#[test]
fn headers_that_are_the_hosts_are_refused() {
    let server = Server::at(PUBLIC, |_| ok("ok"));
    let guest = caller(&[&format!("net:{}:GET,POST", server.origin())]);
    for name in
        ["host", "connection", "transfer-encoding", "upgrade", "te", "trailer", "expect", "proxy-x"]
    {
        let request = with(get(&server.url("/")), &json!({ "headers": [[name, "x"]] }));
        assert_eq!(word_of(&guest, request), "invalid(headers)", "{name}");
    }
    for value in ["a\r\nx: y", "a\nb", "a\0b"] {
        let request = with(get(&server.url("/")), &json!({ "headers": [["x", value]] }));
        assert_eq!(word_of(&guest, request), "invalid(headers)", "{value:?}");
    }
    let lying = with(
        get(&server.url("/")),
        &json!({ "method": "POST", "body": "abc", "headers": [["content-length", "2"]] }),
    );
    assert_eq!(word_of(&guest, lying), "invalid(headers)");
    assert_eq!(server.heard(), []);
    settle("smuggled-headers", "invalid(headers)", "invalid(headers)");
}

#[test]
fn a_method_that_cannot_be_granted_is_refused() {
    let server = Server::at(PUBLIC, |_| ok("ok"));
    let guest = caller(&["net:*"]);
    for method in ["CONNECT", "TRACE", "get", "", "GET / HTTP/1.1\r\nx: y"] {
        let request = with(get(&server.url("/")), &json!({ "method": method }));
        assert_eq!(word_of(&guest, request), "invalid(method)", "{method}");
    }
    assert_eq!(server.connections(), 0);
    settle("method-connect", "invalid(method)", "invalid(method)");
}
