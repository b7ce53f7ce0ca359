//! Secrets on their way out: only toward their origin, only when granted, never shown.

use ax_tests::server::Server;
use ax_tests::server::ok;
use ax_tests::server::redirect;
use serde_json::Value;
use serde_json::json;

use super::ground::PUBLIC;
use super::ground::TOKEN;
use super::ground::arena;
use super::ground::asking;
use super::ground::caller;
use super::ground::denials;
use super::ground::get;
use super::ground::holder;
use super::ground::send;
use super::ground::send_wasi;
use super::ground::value;
use super::ground::wasi_get;
use super::ground::with;
use super::ground::word;
use super::ground::word_of;
use crate::arena::Guest;
use crate::arena::permission;
use crate::verdict::settle;

fn server() -> Server {
    Server::at(PUBLIC, |_| ok("ok"))
}

fn is_set(guest: &Guest, name: &str) -> Value {
    value(&arena().call(guest, "is-set", &json!({ "name": name }))).clone()
}

#[test]
fn a_granted_secret_goes_to_its_origin_over_what_the_guest_set() {
    let server = server();
    let guest = holder(&[
        &format!("net:{}:GET", server.origin()),
        &format!("secret:token@{}", server.origin()),
    ]);
    let own = json!({ "headers": [["authorization", "mine"], ["Authorization", "mine too"]] });
    assert_eq!(word_of(&guest, with(get(&server.url("/")), &own)), "200");
    assert_eq!(word(&send_wasi(&guest, with(wasi_get(&server.url("/")), &own)).1), "200");
    for heard in server.heard() {
        let values = heard.headers.iter().filter(|(name, _)| name == "authorization");
        let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, [format!("Bearer {TOKEN}")]);
    }
    assert_eq!(server.heard().len(), 2);
    settle("secret-injected", "Bearer", "Bearer");
}

#[test]
fn a_secret_that_is_not_granted_stays_and_its_denial_is_kept() {
    let server = server();
    let wanted = format!("secret:token@{}", server.origin());
    let mut guest = caller(&[&format!("net:{}:GET", server.origin())]);
    guest.release.declared.insert(permission(&wanted));
    let guest = asking(guest, &[&wanted]);
    let own = json!({ "headers": [["authorization", "mine"]] });
    let (report, outcome) = send(&guest, with(get(&server.url("/")), &own));
    assert_eq!(word(&outcome), "200");
    assert_eq!(server.heard()[0].header("authorization"), "mine");
    assert_eq!(denials(&report), [format!("{wanted}: declared, but not granted")]);
    assert_eq!(is_set(&guest, "token"), false);
    settle("secret-not-granted", "left-out", "left-out");
}

#[test]
fn a_secret_of_one_origin_never_goes_to_another() {
    let (here, there) = (server(), server());
    let port = there.port();
    super::ground::name("secret.test", &[&["127.1.0.1"]]);
    let guest = holder(&[
        "net:http://*:GET",
        &format!("secret:token@{}", here.origin()),
        // The same port under another name is another origin.
        &format!("secret:other@http://secret.test:{}", port ^ 1),
    ]);
    for url in [there.url("/"), format!("http://secret.test:{port}/")] {
        assert_eq!(word_of(&guest, get(&url)), "200");
    }
    assert!(there.heard().iter().all(|heard| heard.header("authorization").is_empty()));
    settle("secret-other-origin", "left-out", "left-out");
}

#[test]
fn a_redirect_takes_no_secret_along() {
    let there = server();
    let target = there.url("/");
    let here = Server::at(PUBLIC, move |heard| match heard.target.as_str() {
        "/" => redirect(307, "/next"),
        _ => redirect(307, &target),
    });
    let guest = holder(&["net:http://*:GET", &format!("secret:token@{}", here.origin())]);
    let request = with(get(&here.url("/")), &json!({ "redirects": 3 }));
    assert_eq!(word_of(&guest, request), "200");
    let bearer = format!("Bearer {TOKEN}");
    let at_home: Vec<bool> =
        here.heard().iter().map(|it| it.header("authorization") == bearer).collect();
    assert_eq!(at_home, [true, true]);
    assert_eq!(there.heard()[0].header("authorization"), "");
    settle("secret-over-redirect", "left-out", "left-out");
}

#[test]
fn a_plugin_learns_of_no_secret_that_it_was_not_granted() {
    assert_eq!(is_set(&caller(&[]), "token"), false);
    let origin = "https://secrets.test";
    let guest = holder(&[&format!("secret:token@{origin}")]);
    assert_eq!(is_set(&guest, "token"), true);
    for name in ["other", "unset", "", "*", "TOKEN", "token ", "../token"] {
        assert_eq!(is_set(&guest, name), false, "{name:?}");
    }
    // Asked for and granted, but nobody set it.
    assert_eq!(is_set(&holder(&[&format!("secret:unset@{origin}")]), "unset"), false);
    settle("secret-probe", "false", "false");
}

#[test]
fn a_secret_that_is_not_set_is_said_in_the_log() {
    let server = server();
    let guest = holder(&[
        &format!("net:{}:GET", server.origin()),
        &format!("secret:unset@{}", server.origin()),
    ]);
    let (report, outcome) = send(&guest, get(&server.url("/")));
    assert_eq!(word(&outcome), "200");
    let said: Vec<&str> = report.log.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(said, ["the secret `unset` is not set: ax secret set unset"]);
    settle("secret-not-set", "said", "said");
}
