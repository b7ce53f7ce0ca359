//! Redirects: each is a request of its own, with the rights, secrets and bounds of one.

use ax_tests::server::Server;
use ax_tests::server::ok;
use ax_tests::server::redirect;
use serde_json::json;

use super::ground::PUBLIC;
use super::ground::caller;
use super::ground::denials;
use super::ground::get;
use super::ground::send;
use super::ground::with;
use super::ground::word;
use super::ground::word_of;
use crate::verdict::settle;

/// `/n` leads to `/n-1`, and `/0` answers.
fn chain() -> Server {
    Server::at(PUBLIC, |heard| match heard.target[1..].parse::<u32>() {
        Ok(0) | Err(_) => ok("the end"),
        Ok(left) => redirect(302, &format!("/{}", left - 1)),
    })
}

#[test]
fn as_many_redirects_are_followed_as_were_wanted_and_not_one_more() {
    let server = chain();
    let guest = caller(&[&format!("net:{}:GET", server.origin())]);
    let following = |start: u32, redirects: u32| {
        let request =
            with(get(&server.url(&format!("/{start}"))), &json!({ "redirects": redirects }));
        send(&guest, request).1
    };
    let whole = following(10, 10);
    assert_eq!((word(&whole), &whole["ok"]["url"]), ("200".into(), &server.url("/0").into()));
    assert_eq!(word(&following(3, 3)), "200");
    assert_eq!(word(&following(4, 3)), "exhausted(redirects)");
    assert_eq!(word(&following(0, 11)), "invalid(redirects)");
    settle("redirects-over-limit", "exhausted(redirects)", &word(&following(11, 10)));
}

#[test]
fn a_loop_of_redirects_ends() {
    let server = Server::at(PUBLIC, |heard| redirect(307, &heard.target));
    let guest = caller(&[&format!("net:{}:GET", server.origin())]);
    let request = with(get(&server.url("/a")), &json!({ "redirects": 10 }));
    let (report, outcome) = send(&guest, request);
    assert_eq!((server.heard().len(), report.sent.len()), (11, 11));
    settle("redirect-loop", "exhausted(redirects)", &word(&outcome));
}

#[test]
fn with_no_redirects_wanted_the_redirect_is_the_answer() {
    let server = chain();
    let guest = caller(&[&format!("net:{}:GET", server.origin())]);
    let (_, outcome) = send(&guest, get(&server.url("/1")));
    let location = outcome["ok"]["headers"].as_array().expect("headers").iter();
    assert!(location.clone().any(|header| header == &json!(["location", "/0"])), "{outcome}");
    assert_eq!(server.heard().len(), 1);
    settle("redirect-as-answer", "302", &word(&outcome));
}

#[test]
fn a_place_that_is_none_makes_the_redirect_the_answer() {
    for location in ["ftp://x.test/", "http://a@b.test/", "http://[", "/a/../b", "javascript:0", ""]
    {
        let server = Server::at(PUBLIC, move |_| redirect(301, location));
        let guest = caller(&[&format!("net:{}:GET", server.origin())]);
        let request = with(get(&server.url("/")), &json!({ "redirects": 1 }));
        let got = word_of(&guest, request);
        // An empty reference is the same document: it is followed once more, and then no more.
        let expected = if location.is_empty() { "exhausted(redirects)" } else { "301" };
        assert_eq!(got, expected, "{location}");
    }
    settle("redirect-to-nonsense", "301", "301");
}

#[test]
fn where_a_redirect_leads_must_be_granted() {
    let other = Server::at(PUBLIC, |_| ok("other"));
    let target = other.url("/a");
    let server = Server::at(PUBLIC, move |heard| match heard.target.as_str() {
        "/path" => redirect(302, "/denied"),
        "/host" => redirect(302, &target),
        "/scheme" => redirect(302, &format!("https://{}/scheme", heard.header("host"))),
        "/relative" => redirect(302, "denied?x=1"),
        "/post" => redirect(307, "/get"),
        _ => ok("ok"),
    });
    let origin = server.origin();
    let secure = origin.replace("http:", "https:");
    let guest = caller(&[
        &format!("net:{origin}:GET:/path,/host,/scheme,/relative,/get"),
        &format!("net:{origin}:POST:/post"),
    ]);
    for (attack, method, path, missing) in [
        ("redirect-to-other-path", "GET", "/path", format!("net:{origin}:GET:/denied")),
        ("redirect-to-other-host", "GET", "/host", format!("net:{}:GET:/a", other.origin())),
        ("redirect-to-other-scheme", "GET", "/scheme", format!("net:{secure}:GET:/scheme")),
        ("redirect-relative", "GET", "/relative", format!("net:{origin}:GET:/denied")),
        ("redirect-keeps-method", "POST", "/post", format!("net:{origin}:POST:/get")),
    ] {
        let request = with(get(&server.url(path)), &json!({ "redirects": 5, "method": method }));
        let (report, outcome) = send(&guest, request);
        assert_eq!(word(&outcome), format!("denied({missing})"), "{attack}");
        assert_eq!(denials(&report), [format!("{missing}: not declared in its manifest")]);
        assert_eq!(report.sent.len(), 1, "the first request alone");
        settle(attack, "denied", "denied");
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn a_redirect_to_another_origin_takes_no_credentials_along() {
    let other = Server::at(PUBLIC, |_| ok("other"));
    let target = other.url("/");
    let server = Server::at(PUBLIC, move |heard| match heard.target.as_str() {
        "/away" => redirect(307, &target),
        "/here" => redirect(307, "/end"),
        _ => ok("end"),
    });
    let guest =
        caller(&[&format!("net:{}:GET", server.origin()), &format!("net:{}:GET", other.origin())]);
    let headers = json!([["authorization", "Basic eDp5"], ["cookie", "a=b"], ["x-mine", "kept"]]);
    let going = |path: &str| {
        let changes = json!({ "redirects": 3, "headers": headers });
        assert_eq!(word_of(&guest, with(get(&server.url(path)), &changes)), "200");
    };
    going("/here");
    let stayed = server.heard().pop().expect("it came");
    assert_eq!((stayed.header("authorization"), stayed.header("cookie")), ("Basic eDp5", "a=b"));
    going("/away");
    let gone = other.heard().pop().expect("it came");
    assert_eq!((gone.header("authorization"), gone.header("cookie")), ("", ""));
    assert_eq!(gone.header("x-mine"), "kept");
    assert_eq!(gone.header("host"), other.address().to_string());
    settle("redirect-with-credentials", "dropped", "dropped");
}

#[test]
fn after_301_302_and_303_a_request_is_a_get_without_a_body() {
    for (status, method, expected, has_body) in [
        (301, "POST", "GET", false),
        (302, "PUT", "GET", false),
        (303, "POST", "GET", false),
        (303, "HEAD", "HEAD", false),
        (307, "POST", "POST", true),
        (308, "PUT", "PUT", true),
    ] {
        let server = Server::at(PUBLIC, move |heard| match heard.target.as_str() {
            "/end" => ok(""),
            _ => redirect(status, "/end"),
        });
        let guest = caller(&[&format!("net:{}:GET,HEAD,POST,PUT", server.origin())]);
        let body = if method == "HEAD" { json!(null) } else { json!("hello") };
        let mut headers = vec![["content-type", "text/plain"]];
        // A length that was right before the redirect is none of the next request.
        headers.extend((method != "HEAD").then_some(["content-length", "5"]));
        let changes = json!({ "redirects": 1, "method": method, "body": body, "headers": headers });
        let (_, outcome) = send(&guest, with(get(&server.url("/")), &changes));
        assert_eq!(word(&outcome), "200", "{status} {method} {outcome}");
        let heard = server.heard().pop().expect("it came");
        assert_eq!((heard.method.as_str(), !heard.body.is_empty()), (expected, has_body));
        let told = has_body || method == "HEAD";
        assert_eq!(!heard.header("content-type").is_empty(), told, "{status} {method}");
    }
    settle("redirect-of-post", "GET", "GET");
}
