//! Agents and workflows over MCP: offered, begun, looked after, ended.

use ax_tests::home::Home;
use serde_json::Value;
use serde_json::json;

use crate::client::Client;
use crate::web::Reply;
use crate::web::Web;
use crate::works::LONG;
use crate::works::SHORT;
use crate::works::home;
use crate::works::listed;
use crate::works::shelve;
use crate::works::start;
use crate::works::tasks;
use crate::works::until;

const AGENT: &str = "ax_repo-report_repo-report";

fn is_over(told: &Value) -> bool {
    told["status"] == "completed" || told["status"] == "cancelled"
}

fn begin(client: &mut Client, name: &str, arguments: Value) -> Value {
    let call = json!({ "name": name, "arguments": arguments });
    let begun = client.ask_able(tasks(), "tools/call", call);
    assert_eq!(begun["result"]["resultType"], "task", "{begun}");
    assert_eq!(begun["result"]["status"], "working", "{begun}");
    begun["result"]["taskId"].clone()
}

#[test]
fn agents_and_workflows_stand_beside_tools_and_say_what_they_may_do() {
    let home = home();
    shelve(&home, "short", SHORT);
    let write = "name = \"w\"\n[[step]]\nid = \"w\"\ntool = \"ax:files.write\"\nwith = { path = \"a\", text = \"b\" }\n";
    shelve(&home, "writes", write);
    shelve(&home, "wrong", "name = \"wrong\"\n[[step]]\nid = \"a\"\ntool = \"ax:files.wipe\"\n");
    shelve(&home, "Not_a_name", SHORT);
    let mut client = start(&home);
    let tools = client.ask_stateless("tools/list", json!({}))["result"]["tools"].clone();
    let tools = tools.as_array().expect("a list").clone();
    let told: Vec<String> = tools
        .iter()
        .map(|tool| {
            let claims = &tool["annotations"];
            let [reads, destroys] = ["readOnlyHint", "destructiveHint"].map(|it| &claims[it]);
            let (name, title) = (&tool["name"], &tool["title"]);
            format!("{name} {title} reads {reads} destroys {destroys}").replace('"', "")
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    ax_files_list List files (ax:files.list) reads true destroys false
    ax_files_read Read a file (ax:files.read) reads true destroys false
    ax_files_search Search files (ax:files.search) reads true destroys false
    ax_files_write Write a file (ax:files.write) reads false destroys true
    ax_metrics_count Count the lines of files (ax:metrics.count) reads true destroys false
    ax_metrics_measure Measure source code (ax:metrics.measure) reads true destroys false
    ax_repo-report_repo-report ax:repo-report.repo-report reads false destroys true
    workflow_short Wait a moment (workflow short) reads true destroys false
    workflow_writes workflow writes reads false destroys true
    ");
    let short = tools.iter().find(|it| it["name"] == "workflow_short").expect("it is there");
    assert_eq!(short["inputSchema"]["required"], json!(["say"]));
    assert_eq!(short["description"], "Waits, and says what it was told");
    let agent = tools.iter().find(|it| it["name"] == AGENT).expect("it is there");
    assert!(agent["outputSchema"].is_object(), "{agent}");
    drop(client.end());
    // What is no workflow is told to who started it.
    let served = home.ax(&["mcp", "serve", "--stdio"]).ok();
    for part in ["wrong.toml` is not offered: it has a mistake: ax workflow check ", "Not_a_name"] {
        assert!(served.stderr.contains(part), "{part}: {}", served.stderr);
    }
}

#[test]
fn a_client_that_knows_tasks_gets_a_handle_and_the_result_outlives_the_server() {
    let home = home();
    let mut client = start(&home);
    let task = begin(&mut client, AGENT, json!({}));
    let told = until(&mut client, &tasks(), &task, is_over);
    assert_eq!(told["status"], "completed", "{told}");
    assert_ne!(told["result"]["isError"], true, "{told}");
    assert!(told["result"]["structuredContent"].is_object(), "{told}");
    assert_eq!(told["ttlMs"], Value::Null);
    assert!(told["createdAt"].as_str().is_some_and(|it| it.ends_with('Z')), "{told}");
    drop(client.end());
    let rows = listed(&home);
    assert_eq!((rows.len(), &rows[0]["by"], &rows[0]["task"]), (1, &json!("mcp:stdio"), &task));
    let mut later = start(&home);
    assert_eq!(until(&mut later, &tasks(), &task, is_over)["result"], told["result"]);
    // Of those who do not know tasks, nobody may ask for one.
    let refused = later.ask_stateless("tasks/get", json!({ "taskId": task }));
    assert_eq!(refused["error"]["code"], -32021, "{refused}");
}

#[test]
fn any_other_client_waits_and_hears_how_far_it_is() {
    let home = home();
    let mut client = start(&home).open(json!({}));
    let call = json!({ "name": AGENT, "arguments": {}, "_meta": { "progressToken": 7 } });
    let answer = client.ask("tools/call", call)["result"].clone();
    assert!(answer["structuredContent"].is_object(), "{answer}");
    let heard: Vec<f64> = client
        .news
        .iter()
        .filter(|news| news["params"]["progressToken"] == 7)
        .map(|news| news["params"]["progress"].as_f64().expect("a number"))
        .collect();
    assert!(heard.len() > 1 && heard.is_sorted(), "{heard:?}");
    let misfit = json!({ "name": AGENT, "arguments": { "nonsense": 1 } });
    assert_eq!(client.ask("tools/call", misfit)["result"]["isError"], true);
    assert_eq!(listed(&home).len(), 1);
}

#[test]
fn a_workflow_is_there_as_soon_as_its_file_is_and_is_run_as_it_is_then() {
    let home = Home::new();
    let mut client = Client::in_session(&home);
    assert_eq!(client.ask("tools/list", json!({}))["result"]["tools"], json!([]));
    shelve(&home, "short", SHORT);
    let call = json!({ "name": "workflow_short", "arguments": { "say": "hello" } });
    let answer = client.ask("tools/call", call.clone())["result"].clone();
    assert_eq!(answer["content"][0]["text"], "{\"said\":\"hello\"}", "{answer}");
    let told = "notifications/tools/list_changed";
    if !client.news.iter().any(|news| news["method"] == told) {
        assert_eq!(client.read()["method"], told);
    }
    let run = home.ax(&["workflow", "run", "short", "--set", "say=here", "--json"]).ok();
    assert!(run.stdout.contains("{\"said\":\"here\"}"), "{}", run.stdout);
    fs_err::remove_file(home.path().join("workflows/short.toml")).expect("it is there");
    assert_eq!(client.ask("tools/call", call)["error"]["code"], -32602);
}

#[test]
fn a_task_is_ended_by_its_client() {
    let home = Home::new();
    shelve(&home, "long", LONG);
    let mut client = Client::start(&home);
    let task = begin(&mut client, "workflow_long", json!({}));
    let ended = client.ask_able(tasks(), "tasks/cancel", json!({ "taskId": task }));
    assert_eq!(ended["result"]["resultType"], "complete", "{ended}");
    let told = until(&mut client, &tasks(), &task, is_over);
    assert_eq!(told["status"], "cancelled", "{told}");
    assert_eq!(listed(&home)[0]["state"], "failed (cancelled)");
    // A call that nobody waits for ends its task, too.
    let call = json!({ "name": "workflow_long", "arguments": {}, "_meta": { "progressToken": 1 } });
    let mut client = Client::in_session(&home);
    let id = client.request("tools/call", call);
    while listed(&home).len() < 2 {}
    let params = json!({ "requestId": id });
    let gone = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
    client.send(&gone);
    while listed(&home)[0]["state"] != "failed (cancelled)" {}
}

#[test]
fn what_a_killed_server_was_at_goes_on_when_its_client_asks() {
    let home = Home::new();
    shelve(&home, "short", SHORT);
    let mut client = Client::start(&home);
    let task = begin(&mut client, "workflow_short", json!({ "say": "hello" }));
    client.kill();
    let mut client = Client::start(&home);
    let told = until(&mut client, &tasks(), &task, is_over);
    assert_eq!(told["result"]["content"][0]["text"], "{\"said\":\"hello\"}", "{told}");
    // One that ends by itself lets its tasks rest, and they go on as well.
    let task = begin(&mut client, "workflow_short", json!({ "say": "again" }));
    drop(client.end());
    let mut client = Client::start(&home);
    let told = until(&mut client, &tasks(), &task, is_over);
    assert_eq!(told["result"]["content"][0]["text"], "{\"said\":\"again\"}", "{told}");
}

#[test]
fn a_task_is_there_for_its_owner_alone() {
    let home = Home::new();
    shelve(&home, "long", LONG);
    let mut web = Web::start(&home, &[]);
    let made = home.ax(&["mcp", "token", "add", "phone", "--json"]).ok().json();
    let theirs = made["token"].as_str().expect("a token").to_owned();
    let call = json!({ "name": "workflow_long", "arguments": {} });
    let ask = |web: &Web, method: &str, params: Value| {
        Reply::read(web.begin_able(tasks(), method, params)).message()
    };
    let task = ask(&web, "tools/call", call)["result"]["taskId"].clone();
    assert_eq!(ask(&web, "tasks/get", json!({ "taskId": task }))["result"]["status"], "working");
    let ours = web.token.replace(theirs);
    let never = json!("00000000-0000-7000-8000-000000000000");
    let answers = json!({});
    for (method, more) in
        [("tasks/get", None), ("tasks/cancel", None), ("tasks/update", Some(answers))]
    {
        let of = |task: &Value| {
            let mut params = json!({ "taskId": task });
            if let Some(more) = &more {
                params["inputResponses"] = more.clone();
            }
            ask(&web, method, params)["error"].clone()
        };
        let refused = of(&task);
        assert_eq!(refused["code"], -32602, "{method}: {refused}");
        assert_eq!(refused, of(&never), "{method}");
    }
    // A new token of the same name is another owner.
    home.ax(&["mcp", "token", "remove", "laptop", "--yes"]).ok();
    let made = home.ax(&["mcp", "token", "add", "laptop", "--json"]).ok().json();
    web.token = made["token"].as_str().map(str::to_owned);
    assert_ne!(web.token, ours);
    assert_eq!(ask(&web, "tasks/get", json!({ "taskId": task }))["error"]["code"], -32602);
    let state = listed(&home)[0]["state"].clone();
    assert!(state.as_str().is_some_and(|it| it.starts_with("executing")), "{state}");
}
