//! How calls and the server end: cancelled, left alone, or asked for twice.

use ax_tests::components;
use ax_tests::home::Home;
use serde_json::Value;
use serde_json::json;

use crate::client::Client;

fn with_runaway() -> (Home, Client, u64) {
    let home = Home::new();
    home.write("runaway.wasm", components::runaway());
    home.ax(&["plugin", "add", "runaway.wasm", "--name", "test:run"]).ok();
    let mut client = Client::in_session(&home);
    let call = json!({ "name": "test_run_spin", "arguments": {} });
    let call = client.request("tools/call", call);
    (home, client, call)
}

fn outcomes(home: &Home) -> Vec<Value> {
    let rows = home.ax(&["audit", "tail", "--kind", "call", "--json"]).ok().stdout;
    let rows = rows.lines().map(|row| serde_json::from_str::<Value>(row).expect("a row"));
    rows.map(|row| row["body"].clone())
        .filter(|body| body["who"] == "mcp:stdio")
        .map(|body| body["outcome"].clone())
        .collect()
}

#[test]
fn a_cancelled_call_ends_and_its_id_is_free() {
    let (home, mut client, call) = with_runaway();
    client.send(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": call },
    }));
    client.send(&json!({ "jsonrpc": "2.0", "id": call, "method": "ping" }));
    assert_eq!(client.answer(&json!(call))["result"], json!({}));
    assert_eq!(client.end().0, Some(0));
    assert_eq!(outcomes(&home), ["error:cancelled"]);
}

#[test]
fn calls_end_with_the_input() {
    let (home, client, _) = with_runaway();
    assert_eq!(client.end().0, Some(0));
    assert_eq!(outcomes(&home), ["error:cancelled"]);
}

#[test]
fn an_id_that_waits_for_its_answer_is_not_taken_twice() {
    let (_home, mut client, call) = with_runaway();
    client.send(&json!({ "jsonrpc": "2.0", "id": call, "method": "ping" }));
    let refused = client.answer(&json!(call));
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    drop(client.end());
}
