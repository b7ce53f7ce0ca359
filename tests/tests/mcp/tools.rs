//! The tools of installed plugins: listed, called, refused.

use ax_tests::components;
use ax_tests::home::Home;
use serde_json::Value;
use serde_json::json;

use crate::client::Client;

fn with_calc() -> Home {
    let home = Home::new();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    home.ax(&["plugin", "add", "calc"]).ok();
    home
}

fn called(client: &mut Client, name: &str, arguments: Value) -> Value {
    client.ask("tools/call", json!({ "name": name, "arguments": arguments }))
}

#[test]
fn both_revisions_list_and_call_the_same_tools() {
    let home = with_calc();
    let mut client = Client::in_session(&home);
    let listed = client.ask("tools/list", json!({}))["result"].clone();
    let tool = &listed["tools"][0];
    assert_eq!(tool["name"], "test_calc_add", "{listed}");
    assert!(tool["title"].as_str().is_some_and(|it| it.contains("test:calc.add")), "{tool}");
    assert_eq!(tool["outputSchema"]["type"], "object");
    let sum = called(&mut client, "test_calc_add", json!({ "a": 2, "b": 3 }))["result"].clone();
    assert_eq!(sum["content"], json!([{ "type": "text", "text": "5" }]), "{sum}");
    assert_eq!(sum["structuredContent"], json!({ "result": 5 }), "{sum}");
    // Without a session, even within one.
    let stateless = client.ask_stateless("tools/list", json!({}))["result"].clone();
    assert_eq!(stateless["tools"], listed["tools"]);
    assert_eq!(stateless["resultType"], "complete", "{stateless}");
    assert_eq!(
        (&stateless["ttlMs"], &stateless["cacheScope"]),
        (&json!(60_000), &json!("private"))
    );
    let call = json!({ "name": "test_calc_add", "arguments": { "a": 2, "b": 3 } });
    let sum = client.ask_stateless("tools/call", call)["result"].clone();
    assert_eq!(
        (&sum["structuredContent"], &sum["resultType"]),
        (&json!({ "result": 5 }), &json!("complete"))
    );
    drop(client.end());
    let rows = home.ax(&["audit", "tail", "--kind", "call", "--json"]).ok().stdout;
    assert_eq!(rows.lines().filter(|row| row.contains("\"mcp:stdio\"")).count(), 2, "{rows}");
}

#[test]
fn arguments_that_break_the_schema_are_told_all_at_once() {
    let home = with_calc();
    let mut client = Client::in_session(&home);
    let refused = called(&mut client, "test_calc_add", json!({ "a": "two", "c": 1 }));
    let result = &refused["result"];
    assert_eq!(result["isError"], true, "{refused}");
    let text = result["content"][0]["text"].as_str().expect("text");
    for part in ["`a`", "`b`", "`c`"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_denial_is_a_result_that_says_what_a_person_would_type() {
    let home = Home::new();
    home.write_plugin("env", components::ENV_MANIFEST, &components::env());
    home.ax(&["plugin", "add", "env", "--grant-nothing"]).ok();
    let mut client = Client::in_session(&home);
    let tools = client.ask("tools/list", json!({}))["result"]["tools"].clone();
    let name = tools[0]["name"].as_str().expect("a tool").to_owned();
    let refused = called(&mut client, &name, json!({}))["result"].clone();
    assert_eq!(refused["isError"], true, "{refused}");
    let text = refused["content"][0]["text"].as_str().expect("text");
    assert!(text.contains("ax permission grant test:env env:LANG"), "{text}");
    assert_eq!(refused["_meta"]["dev.automatosx/error"]["kind"], "denied", "{refused}");
    // Granted while it runs, by a person.
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    let answered = called(&mut client, &name, json!({}))["result"].clone();
    assert_ne!(answered["isError"], true, "{answered}");
}

#[test]
fn what_is_added_and_removed_meanwhile_is_told_and_holds_at_once() {
    let home = with_calc();
    let mut client = Client::in_session(&home);
    assert_eq!(client.ask("ping", json!({}))["result"], json!({}));
    home.ax(&["plugin", "disable", "test:calc"]).ok();
    let gone = called(&mut client, "test_calc_add", json!({ "a": 1, "b": 1 }));
    assert_eq!(gone["error"]["code"], -32602, "{gone}");
    let told = "notifications/tools/list_changed";
    if !client.news.iter().any(|news| news["method"] == told) {
        assert_eq!(client.read()["method"], told);
    }
    assert_eq!(client.ask("tools/list", json!({}))["result"]["tools"], json!([]));
}

#[test]
fn nothing_about_permissions_secrets_or_settings_is_a_tool() {
    let home = with_calc();
    let mut client = Client::in_session(&home);
    let tools = client.ask("tools/list", json!({}))["result"]["tools"].clone();
    let names: Vec<_> = tools.as_array().expect("tools").iter().map(|it| &it["name"]).collect();
    assert!(names.iter().all(|name| name.as_str().is_some_and(|it| it.starts_with("test_calc_"))));
}

#[test]
fn the_trace_that_a_call_belongs_to_is_in_the_audit_and_what_is_none_is_not() {
    let home = with_calc();
    let mut client = Client::in_session(&home);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
    for given in [json!(trace), json!(zeros), json!(7), Value::Null] {
        let arguments = json!({ "a": 1, "b": 2 });
        let mut call = json!({ "name": "test_calc_add", "arguments": arguments });
        if !given.is_null() {
            call["_meta"] = json!({ "traceparent": given });
        }
        let answer = client.ask("tools/call", call);
        assert_eq!(answer["result"]["structuredContent"], json!({ "result": 3 }), "{given}");
    }
    drop(client.end());
    let rows = home.ax(&["audit", "tail", "--kind", "call", "--json"]).ok().stdout;
    let rows = rows.lines().map(|row| serde_json::from_str::<Value>(row).expect("a row"));
    let traces: Vec<Value> = rows.map(|row| row["body"]["traceparent"].clone()).collect();
    assert_eq!(traces, [json!(trace), Value::Null, Value::Null, Value::Null]);
    assert!(!home.ax(&["audit", "tail"]).ok().stdout.contains(trace));
    assert!(home.ax(&["audit", "tail", "-v"]).ok().stdout.contains(trace));
}

#[test]
fn a_policy_that_is_written_meanwhile_holds_at_once_and_one_that_is_none_stops_everything() {
    let home = with_calc();
    let mut client = Client::in_session(&home);
    let sum = |client: &mut Client| called(client, "test_calc_add", json!({ "a": 1, "b": 2 }));
    let three = json!({ "result": 3 });
    assert_eq!(sum(&mut client)["result"]["structuredContent"], three);
    let policy = home.path().join("policy.toml");
    fs_err::write(&policy, "[plugins]\ndeny = [\"test:*\"]\n").expect("written");
    assert_eq!(sum(&mut client)["error"]["code"], -32602);
    assert_eq!(client.ask("tools/list", json!({}))["result"]["tools"], json!([]));
    // What is no policy forbids everything, and says so.
    fs_err::write(&policy, "nonsense").expect("written");
    let refused = sum(&mut client)["result"].clone();
    assert_eq!(refused["isError"], true, "{refused}");
    let text = refused["content"][0]["text"].as_str().expect("text");
    assert!(text.contains("policy.toml"), "{text}");
    fs_err::remove_file(&policy).expect("removed");
    assert_eq!(sum(&mut client)["result"]["structuredContent"], three);
}
