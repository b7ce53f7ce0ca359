//! Whatever is no message: every one that wants an answer gets it, and the server goes on.

use ax_tests::home::Home;
use serde_json::Value;
use serde_json::json;

use crate::client::Client;

fn code(answer: &Value) -> &Value {
    &answer["error"]["code"]
}

#[test]
fn what_is_no_message_is_answered_and_the_next_one_is_read() {
    let home = Home::new();
    let mut client = Client::in_session(&home);
    for (line, id, wanted) in [
        ("garbage", Value::Null, -32700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1", Value::Null, -32700),
        ("[]", Value::Null, -32600),
        ("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", Value::Null, -32600),
        ("7", Value::Null, -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":5}", json!("a"), -32600),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":[1]}",
            json!(9),
            -32600,
        ),
        ("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", Value::Null, -32600),
    ] {
        client.send_text(line);
        let answer = client.read();
        assert_eq!((code(&answer), &answer["id"]), (&json!(wanted), &id), "{line}: {answer}");
    }
    assert_eq!(client.ask("ping", json!({}))["result"], json!({}));
    assert_eq!(client.end(), (Some(0), Vec::new()));
}

#[test]
fn a_message_that_is_too_long_is_answered_by_its_id() {
    let home = Home::new();
    let mut client = Client::in_session(&home);
    let filler = "x".repeat(9 << 20);
    client.send(&json!({
        "jsonrpc": "2.0", "id": "long", "method": "tools/call",
        "params": { "name": "a", "arguments": { "text": filler } },
    }));
    let answer = client.read();
    assert_eq!((code(&answer), &answer["id"]), (&json!(-32600), &json!("long")), "{answer}");
    assert_eq!(client.ask("ping", json!({}))["result"], json!({}));
}

#[test]
fn a_notification_before_anything_was_asked_ends_nothing() {
    let home = Home::new();
    let mut client = Client::start(&home);
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    client.send_text("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":3}");
    let listed = client.ask_stateless("tools/list", json!({}));
    assert_eq!(listed["result"]["tools"], json!([]), "{listed}");
}

#[test]
fn what_is_not_offered_is_an_unknown_method() {
    let home = Home::new();
    let mut client = Client::in_session(&home);
    for method in ["prompts/list", "resources/list", "resources/templates/list", "nothing/at/all"] {
        let answer = client.ask(method, json!({}));
        assert_eq!(*code(&answer), json!(-32601), "{method}: {answer}");
    }
    let unknown = client.ask("tools/call", json!({ "name": "my_plugin_tool", "arguments": {} }));
    assert_eq!(*code(&unknown), json!(-32602), "{unknown}");
    let cursor = client.ask("tools/list", json!({ "cursor": "no cursor" }));
    assert_eq!(*code(&cursor), json!(-32602), "{cursor}");
}

#[test]
fn a_revision_that_is_not_known_is_refused_with_those_that_are() {
    let home = Home::new();
    let mut client = Client::start(&home);
    let answer = client.ask(
        "tools/list",
        json!({ "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2031-01-01",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        }}),
    );
    assert_eq!(*code(&answer), json!(-32022), "{answer}");
    let supported = answer["error"]["data"]["supported"].to_string();
    assert!(supported.contains("2026-07-28") && supported.contains("2025-11-25"), "{answer}");
}
