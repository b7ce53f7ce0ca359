//! Tools that may destroy something: nothing happens before somebody allows it.

use ax_tests::home::Home;
use serde_json::Value;
use serde_json::json;

use crate::client::Client;
use crate::works::home;
use crate::works::listed;
use crate::works::start;
use crate::works::tasks;
use crate::works::until;
use crate::works::write;
use crate::works::written;

/// Begins a call and returns its id, and the question that a person is asked.
fn asked(client: &mut Client) -> (Value, String) {
    let mut call = write();
    call["_meta"] = json!({ "progressToken": 1 });
    let id = client.request("tools/call", call);
    loop {
        let news = client.read();
        let told = news["params"]["message"].as_str().unwrap_or_default();
        if let Some((_, line)) = told.split_once("ax approve yes ") {
            let question = line.split(',').next().expect("a name").to_owned();
            return (json!(id), question);
        }
        assert!(news.get("id").is_none(), "it does not wait: {news}");
    }
}

fn policy(home: &Home, word: &str) {
    let text = format!("[approvals]\nmcp = \"{word}\"\n");
    fs_err::write(home.path().join("policy.toml"), text).expect("written");
}

#[test]
fn a_call_waits_until_a_person_allows_it() {
    let home = home();
    let mut client = start(&home).open(json!({}));
    let (id, question) = asked(&mut client);
    assert_eq!(written(&home), None);
    let shown = home.ax(&["approve", "show", &question]).ok().stdout;
    for part in ["ax:files.write called by mcp:stdio", "\"path\": \"a.txt\""] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    home.ax(&["approve", "yes", &question]).ok();
    let answer = client.answer(&id)["result"].clone();
    assert_eq!(answer["structuredContent"], json!({ "path": "a.txt", "bytes": 7 }), "{answer}");
    assert_eq!(written(&home).as_deref(), Some("written"));
    // Of what only reads nobody is asked.
    let read = json!({ "name": "ax_files_read", "arguments": { "path": "src/main.rs" } });
    assert_ne!(client.ask("tools/call", read)["result"]["isError"], true);
    assert_eq!(listed(&home).len(), 1);
}

#[test]
fn a_refusal_is_a_denial_and_nothing_happens() {
    let home = home();
    let mut client = start(&home).open(json!({}));
    let (id, question) = asked(&mut client);
    home.ax(&["approve", "no", &question]).ok();
    let answer = client.answer(&id)["result"].clone();
    assert_eq!(answer["isError"], true, "{answer}");
    assert_eq!(answer["_meta"]["dev.automatosx/error"]["kind"], "denied", "{answer}");
    let text = answer["content"][0]["text"].as_str().expect("text");
    assert!(text.contains("a person refused it"), "{text}");
    assert_eq!(written(&home), None);
    // The next one is another question.
    let (_, other) = asked(&mut client);
    assert_ne!(question, other);
}

#[test]
fn a_call_that_was_given_up_goes_on_as_the_same_task_when_it_is_made_again() {
    let home = home();
    let mut client = start(&home).open(json!({}));
    let (id, question) = asked(&mut client);
    let params = json!({ "requestId": id });
    client
        .send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params }));
    // Another server, as of a client that was started anew.
    drop(client.end());
    home.ax(&["approve", "yes", &question]).ok();
    assert_eq!(written(&home), None);
    let mut client = start(&home).open(json!({}));
    let answer = client.ask("tools/call", write())["result"].clone();
    assert_eq!(answer["structuredContent"]["bytes"], 7, "{answer}");
    assert_eq!(listed(&home).len(), 1);
    // It is used up: the next one is asked about again.
    let (_, other) = asked(&mut client);
    assert_ne!(question, other);
}

#[test]
fn a_client_that_knows_tasks_reads_what_a_person_would_type() {
    let home = home();
    let mut client = start(&home);
    let begun = client.ask_able(tasks(), "tools/call", write())["result"].clone();
    assert_eq!(begun["resultType"], "task", "{begun}");
    let task = begun["taskId"].clone();
    let is_told = |told: &Value| {
        told["statusMessage"].as_str().is_some_and(|it| it.contains("ax approve yes "))
    };
    let told = until(&mut client, &tasks(), &task, is_told);
    assert_eq!(told["status"], "working", "{told}");
    let mut able = tasks();
    able["elicitation"] = json!({});
    // It cannot answer itself.
    let said = json!({ "action": "accept", "content": { "confirm": true } });
    let name = told["statusMessage"].as_str().expect("text");
    let name = name.split_once("ax approve yes ").expect("it is told").1;
    let name = name.split(',').next().expect("a name").to_owned();
    let update = json!({ "taskId": task, "inputResponses": { name.clone(): said } });
    let refused = client.ask_able(able, "tasks/update", update);
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    home.ax(&["approve", "yes", &name]).ok();
    let told = until(&mut client, &tasks(), &task, |told| told["status"] == "completed");
    assert_eq!(told["result"]["structuredContent"]["bytes"], 7, "{told}");
    assert_eq!(written(&home).as_deref(), Some("written"));
}

#[test]
fn a_policy_may_ask_nobody() {
    let home = home();
    policy(&home, "none");
    let mut client = start(&home).open(json!({}));
    let answer = client.ask("tools/call", write())["result"].clone();
    assert_eq!(answer["structuredContent"]["bytes"], 7, "{answer}");
    assert_eq!(listed(&home), Vec::<Value>::new());
    fs_err::remove_file(home.path().join("policy.toml")).expect("it is there");
    // It holds for the next call.
    asked(&mut client);
}

#[test]
fn a_policy_may_let_a_client_ask() {
    let home = home();
    policy(&home, "elicit");
    let mut client = start(&home);
    let able = json!({ "elicitation": {} });
    let asked = client.ask_able(able.clone(), "tools/call", write())["result"].clone();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let (key, request) =
        asked["inputRequests"].as_object().expect("questions").iter().next().expect("one");
    let message = request["params"]["message"].as_str().expect("text");
    assert!(message.starts_with("ax:files.write called by mcp:stdio"), "{message}");
    let again = |said: Value, state: &Value| {
        let mut call = write();
        call["inputResponses"] = json!({ key: said });
        call["requestState"] = state.clone();
        call
    };
    let accept = json!({ "action": "accept", "content": { "confirm": true } });
    // An answer to another question is none.
    let other = json!("00000000-0000-7000-8000-000000000000:4");
    let answer = client.ask_able(able.clone(), "tools/call", again(accept.clone(), &other));
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    assert_eq!(written(&home), None);
    let state = &asked["requestState"];
    let answer = client.ask_able(able.clone(), "tools/call", again(accept.clone(), state));
    assert_eq!(answer["result"]["structuredContent"]["bytes"], 7, "{answer}");
    // It is used up.
    let answer = client.ask_able(able, "tools/call", again(accept, state))["result"].clone();
    assert_eq!(answer["resultType"], "input_required", "{answer}");
    assert_eq!(listed(&home).len(), 2);
}

#[test]
fn a_client_with_a_session_or_with_tasks_is_asked_in_its_own_way() {
    let home = home();
    policy(&home, "elicit");
    let mut client = start(&home).open(json!({ "elicitation": {} }));
    let id = client.request("tools/call", write());
    let request = client.read();
    assert_eq!(request["method"], "elicitation/create", "{request}");
    let declined = json!({ "action": "decline" });
    client.send(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": declined }));
    let answer = client.answer(&json!(id))["result"].clone();
    assert_eq!(answer["_meta"]["dev.automatosx/error"]["kind"], "denied", "{answer}");
    let mut able = tasks();
    able["elicitation"] = json!({});
    let task = client.ask_able(able.clone(), "tools/call", write())["result"]["taskId"].clone();
    let told = until(&mut client, &able, &task, |told| told["status"] == "input_required");
    let key = told["inputRequests"].as_object().expect("questions").keys().next().expect("one");
    let said = json!({ key: { "action": "accept", "content": { "confirm": true } } });
    let update = json!({ "taskId": task, "inputResponses": said });
    let taken = client.ask_able(able.clone(), "tasks/update", update);
    assert_eq!(taken["result"]["resultType"], "complete", "{taken}");
    let told = until(&mut client, &able, &task, |told| told["status"] == "completed");
    assert_eq!(told["result"]["structuredContent"]["bytes"], 7, "{told}");
}
