//! `ax provider`, `ax model` and `ax route`: what is configured, whether it answers, and who is asked.

use ax_tests::home::Home;
use ax_tests::server::{Answer, Server, answer};
use serde_json::json;

use crate::chat::{asking, says};

/// A server with two models.
fn listing() -> Server {
    Server::new(|heard| {
        if heard.method != "GET" {
            return says("Hi.");
        }
        let models = json!({ "object": "list", "data": [{ "id": "m-1" }, { "id": "m-2" }] });
        Answer::Keep(answer(200, &[("content-type", "application/json")], models.to_string()))
    })
}

#[test]
fn a_provider_is_added_once_and_asked() {
    let server = listing();
    let home = asking(Home::new(), &server);
    let url = server.url("/v1");
    let again = home.ax(&["provider", "add", "local", "--kind", "compatible", "--url", &url]);
    assert!(again.code == 2 && again.stderr.contains("there is a provider"), "{}", again.stderr);
    let listed = home.ax(&["provider", "list", "--json"]).json();
    assert_eq!(listed[0]["name"], "local");
    assert_eq!(listed[0]["missingKeys"], json!([]));
    let tested = home.ax(&["provider", "test"]);
    assert!(tested.code == 0 && tested.stdout.contains("2 models"), "{}", tested.stdout);
    let sla = home.ax(&["provider", "sla", "--json"]).json();
    assert_eq!(sla[0]["provider"], "local");
    assert_eq!(sla[0]["last"]["isProbe"], true, "{sla}");
    let models = home.ax(&["model", "list", "--provider", "local", "--json"]).json();
    assert_eq!(models.as_array().map(Vec::len), Some(2));
    let models = home.ax(&["model", "list", "--json"]).json();
    assert_eq!(models[0]["model"], "m-1");
    assert_eq!(home.ax(&["provider", "test", "lokal"]).code, 3);
}

#[test]
fn a_key_that_is_missing_is_told_by_its_name() {
    let home = Home::new();
    home.ax(&[
        "provider",
        "add",
        "claude",
        "--kind",
        "claude",
        "--key",
        "anthropic-key",
        "--model",
        "claude-sonnet-5-5",
    ])
    .ok();
    let run = home.ax(&["provider", "list"]);
    assert!(run.stdout.contains("anthropic-key (not set)"), "{}", run.stdout);
    let run = home.ax(&["provider", "test"]);
    assert!(run.code == 6 && run.stderr.contains("ax secret set anthropic-key"), "{}", run.stderr);
    let run = home.ax(&["chat", "Hi"]);
    assert!(
        run.stderr.contains("AX-M005") && run.stderr.contains("ax secret set anthropic-key"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_server_that_is_not_there_is_one_clear_error() {
    let home = Home::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", closed.local_addr().expect("an address"));
    drop(closed);
    home.ax(&["provider", "add", "gone", "--kind", "compatible", "--url", &url, "--model", "m"])
        .ok();
    let file = home.path().join("config.toml");
    let settings = fs_err::read_to_string(&file).expect("settings");
    fs_err::write(&file, settings + "max-retries = 0\n").expect("written");
    let run = home.ax(&["chat", "Hi"]);
    assert!(
        run.code == 1 && run.stderr.contains("AX-M002") && run.stderr.contains("`url`"),
        "{}",
        run.stderr
    );
}

#[test]
fn another_is_asked_where_the_first_fails() {
    let failing = Server::new(|_| {
        let body = json!({ "error": { "message": "overloaded", "type": "server_error" } });
        Answer::Keep(answer(503, &[("content-type", "application/json")], body.to_string()))
    });
    let server = listing();
    let home = asking(Home::new(), &server);
    let url = failing.url("/v1");
    home.ax(&["provider", "add", "first", "--kind", "compatible", "--url", &url, "--model", "m-9"])
        .ok();
    let file = home.path().join("config.toml");
    let settings = fs_err::read_to_string(&file).expect("settings");
    let router = "max-retries = 0\n[router]\nprimary = 'first/m-9'\nfallbacks = ['local/m-1']\n";
    fs_err::write(&file, settings + router).expect("written");
    let run = home.ax(&["chat", "Hi"]);
    assert_eq!(run.stdout, "Hi.\n", "{}", run.stderr);
    assert!(run.stderr.contains("after first/m-9 503, local/m-1 ok"), "{}", run.stderr);
    assert_eq!(failing.heard().len(), 1);
    let explained = home.ax(&["route", "explain", "--json"]).json();
    assert_eq!(explained[0]["provider"], "first");
    assert_eq!(explained[0]["reason"]["type"], "route");
    assert_eq!(explained[1]["provider"], "local");
    let named = home.ax(&["route", "explain", "--model", "local/m-1"]);
    assert!(named.stdout.contains("the model was named"), "{}", named.stdout);
    assert_eq!(failing.heard().len(), 1, "to explain asks nobody");
}

#[test]
fn a_route_that_leads_nowhere_is_told() {
    let server = listing();
    let home = asking(Home::new(), &server);
    let file = home.path().join("config.toml");
    let settings = fs_err::read_to_string(&file).expect("settings");
    fs_err::write(&file, settings + "[router]\nprimary = 'lokal/m-1'\n").expect("written");
    let run = home.ax(&["chat", "Hi"]);
    assert!(run.code == 2 && run.stderr.contains("there is no such provider"), "{}", run.stderr);
}
