//! Over HTTP: who is let in, what is refused at the door, and how calls and the server end.

use std::io::Read as _;
use std::io::Write as _;
use std::process::Command;

use ax_tests::components;
use ax_tests::home::Home;
use serde_json::Value;
use serde_json::json;

use crate::web::Reply;
use crate::web::Web;

fn with_calc() -> Home {
    let home = Home::new();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    home.ax(&["plugin", "add", "calc"]).ok();
    home
}

fn with_runaway() -> Home {
    let home = Home::new();
    home.write("runaway.wasm", components::runaway());
    home.ax(&["plugin", "add", "runaway.wasm", "--name", "test:run"]).ok();
    home
}

fn sum() -> Value {
    json!({ "name": "test_calc_add", "arguments": { "a": 2, "b": 3 } })
}

fn spin() -> Value {
    json!({ "name": "test_run_spin", "arguments": {} })
}

/// Returns the rows of calls in the audit.
fn calls(home: &Home) -> Vec<Value> {
    let rows = home.ax(&["audit", "tail", "--kind", "call", "--json"]).ok().stdout;
    rows.lines().map(|row| serde_json::from_str(row).expect("a row")).collect()
}

/// Waits until a call is in the audit; returns who called and how it ended.
fn outcome(home: &Home) -> (String, String) {
    loop {
        if let Some(row) = calls(home).first() {
            let text = |name: &str| row["body"][name].as_str().expect("text").to_owned();
            return (text("who"), text("outcome"));
        }
    }
}

fn terminate(web: &mut Web) -> Option<i32> {
    let line = format!("kill -TERM {}", web.server.id());
    let sent = Command::new("sh").args(["-c", &line]).status().expect("a shell");
    assert!(sent.success());
    web.server.wait().expect("it ends").code()
}

#[test]
fn both_revisions_list_and_call_the_same_tools_by_the_name_of_the_token() {
    let home = with_calc();
    let mut web = Web::start(&home, &[]);
    let listed = web.ask("tools/list", json!({}))["result"].clone();
    assert_eq!(listed["tools"][0]["name"], "test_calc_add", "{listed}");
    let called = web.ask("tools/call", sum());
    assert_eq!(called["result"]["structuredContent"], json!({ "result": 5 }), "{called}");
    let session = web.session();
    let called = Reply::read(web.begin_in(&session, 7, "tools/call", sum())).message();
    assert_eq!(called["result"]["structuredContent"], json!({ "result": 5 }), "{called}");
    assert_eq!(outcome(&home), ("mcp:http:laptop".to_owned(), "ok".to_owned()));
    assert_eq!(terminate(&mut web), Some(0));
}

#[test]
fn nobody_comes_in_without_a_token_that_opens() {
    let home = with_calc();
    let web = Web::start(&home, &[]);
    let right = format!("Bearer {}", web.token.as_ref().expect("a token"));
    let list = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let nobody = Web::open(&home, &[]);
    let refused = nobody.send(&[], list);
    assert_eq!(refused.status, 401, "{refused:?}");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"ax\""));
    assert!(refused.body.contains("ax mcp token add"), "{refused:?}");
    for method in ["GET", "DELETE", "OPTIONS"] {
        let refused = Reply::read(nobody.begin(method, &[], b""));
        assert_eq!(refused.status, 401, "{method}: {refused:?}");
    }
    let cut = &right[..right.len() - 1];
    for wrong in ["", "Bearer", "Bearer x", "Basic eDp4", cut] {
        let refused = web.send(&[("Authorization", wrong)], list);
        assert_eq!(refused.status, 401, "{wrong}: {refused:?}");
    }
    home.ax(&["mcp", "token", "remove", "laptop", "--yes"]).ok();
    assert_eq!(web.send(&[], list).status, 401);
}

#[test]
fn a_foreign_host_or_origin_is_refused() {
    let home = with_calc();
    let web = Web::start(&home, &["--allow-host", "tools.example.com"]);
    let ping = br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    for (header, value, status) in [
        ("Host", "evil.example.com", 403),
        ("Host", "tools.example.com", 200),
        ("Host", "localhost", 200),
        ("Origin", "http://evil.example.com", 403),
        ("Origin", "null", 403),
        ("Origin", "http://localhost:3000", 200),
        ("Origin", "https://tools.example.com", 200),
    ] {
        let reply = web.send(&[(header, value)], ping);
        assert_eq!(reply.status, status, "{header}: {value}: {reply:?}");
    }
    let twice = Reply::read(web.begin("POST", &[("Origin", "null"), ("Origin", "null")], ping));
    assert_eq!(twice.status, 400, "{twice:?}");
    let elsewhere = Reply::read(web.raw("GET /", &[("Host", "localhost")], b""));
    assert_eq!(elsewhere.status, 404, "{elsewhere:?}");
}

#[test]
fn what_is_no_message_is_answered_as_the_protocol_says() {
    let home = Home::new();
    let web = Web::start(&home, &[]);
    for (body, id, code) in [
        ("", Value::Null, -32700),
        ("garbage", Value::Null, -32700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1", Value::Null, -32700),
        ("[]", Value::Null, -32600),
        ("7", Value::Null, -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":5}", json!("a"), -32600),
        (
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":3}",
            Value::Null,
            -32600,
        ),
    ] {
        let reply = web.send(&[], body.as_bytes());
        let message = reply.message();
        assert_eq!((reply.status, reply.header("content-type")), (400, Some("application/json")));
        assert_eq!((&message["error"]["code"], &message["id"]), (&json!(code), &id), "{body}");
    }
    let mut unknown = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    unknown["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2099-01-01",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let unknown = unknown.to_string();
    let headers = [("MCP-Protocol-Version", "2099-01-01"), ("Mcp-Method", "tools/list")];
    let reply = web.send(&headers, unknown.as_bytes());
    assert_eq!((reply.status, &reply.message()["error"]["code"]), (400, &json!(-32022)));
    let headers = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list")];
    let reply = web.send(&headers, unknown.as_bytes());
    assert_eq!((reply.status, &reply.message()["error"]["code"]), (400, &json!(-32020)));
    let unknown = web.ask("tools/call", json!({ "name": "nothing", "arguments": {} }));
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

#[test]
fn a_body_may_have_8_mib_and_not_a_byte_more() {
    let home = Home::new();
    let web = Web::start(&home, &[]);
    let most = 8 << 20;
    let filled = |bytes: usize| {
        let rest = r#"{"jsonrpc":"2.0","id":1,"method":5,"filler":""}"#.len();
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":5,"filler":"{}"}}"#, "x".repeat(bytes - rest))
    };
    assert_eq!(web.send(&[], filled(most).as_bytes()).status, 400);
    let refused = web.send(&[], filled(most + 1).as_bytes());
    assert_eq!((refused.status, &refused.message()["error"]["code"]), (413, &json!(-32600)));
    // Whoever does not say how long it is going to be is stopped as well.
    let mut stream = web.connect();
    let token = web.token.as_ref().expect("a token");
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(1 << 20));
    for _ in 0..9 {
        drop(stream.write_all(chunk.as_bytes()));
    }
    assert_eq!(Reply::read(stream).status, 413);
}

#[test]
fn a_session_is_not_there_for_others() {
    let home = with_calc();
    let web = Web::start(&home, &[]);
    let session = web.session();
    let other = home.ax(&["mcp", "token", "add", "phone", "--json"]).ok().json();
    let bearer = format!("Bearer {}", other["token"].as_str().expect("a token"));
    let ping = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let headers = [("Authorization", bearer.as_str()), ("Mcp-Session-Id", session.as_str())];
    for method in ["POST", "GET", "DELETE"] {
        let refused = Reply::read(web.begin(method, &headers, ping));
        assert_eq!(refused.status, 404, "{method}: {refused:?}");
    }
    assert_eq!(web.send(&[("Mcp-Session-Id", "made-up")], ping).status, 404);
    assert_eq!(web.send(&[("Mcp-Session-Id", &session)], ping).status, 200);
    // Nor for who has another token of the same name.
    home.ax(&["mcp", "token", "remove", "laptop", "--yes"]).ok();
    let again = home.ax(&["mcp", "token", "add", "laptop", "--json"]).ok().json();
    let bearer = format!("Bearer {}", again["token"].as_str().expect("a token"));
    let headers = [("Authorization", bearer.as_str()), ("Mcp-Session-Id", session.as_str())];
    assert_eq!(web.send(&headers, ping).status, 404);
}

#[test]
fn calls_end_when_their_session_does() {
    let home = with_runaway();
    let web = Web::start(&home, &[]);
    let session = web.session();
    let mut call = web.begin_in(&session, 5, "tools/call", spin());
    // The first event comes when the call was taken.
    call.read_exact(&mut [0; 1]).expect("an answer begins");
    let twice = Reply::read(web.begin_in(&session, 5, "ping", json!({})));
    assert_eq!((twice.status, &twice.message()["error"]["code"]), (400, &json!(-32600)));
    let ended = Reply::read(web.begin("DELETE", &[("Mcp-Session-Id", &session)], b""));
    assert_eq!(ended.status, 204, "{ended:?}");
    assert_eq!(outcome(&home).1, "error:cancelled");
    let gone = Reply::read(web.begin_in(&session, 6, "ping", json!({})));
    assert_eq!(gone.status, 404, "{gone:?}");
}

#[test]
fn a_call_ends_when_its_client_vanishes() {
    let home = with_runaway();
    let web = Web::start(&home, &[]);
    // Of a client that vanishes before its call began nothing is recorded: then another one comes.
    while calls(&home).is_empty() {
        drop(web.begin_stateless("tools/call", spin()));
    }
    assert_eq!(outcome(&home).1, "error:cancelled");
}

#[test]
fn a_call_ends_when_its_client_vanishes_that_sent_more_than_was_asked_for() {
    let home = with_runaway();
    let web = Web::start(&home, &[]);
    let session = web.session();
    let mut call = web.begin_stateless("tools/call", spin());
    // What comes behind a request stays unread while that is answered.
    call.write_all(&[b'x'; 4096]).expect("it is sent");
    let mut more = web.begin_in(&session, 5, "tools/call", spin());
    more.read_exact(&mut [0; 1]).expect("an answer begins");
    drop(call);
    assert_eq!(outcome(&home).1, "error:cancelled");
}

#[test]
fn the_server_ends_calls_that_outlive_the_grace_period() {
    let home = with_runaway();
    let mut web = Web::start(&home, &["--grace", "0"]);
    let session = web.session();
    let mut call = web.begin_in(&session, 5, "tools/call", spin());
    call.read_exact(&mut [0; 1]).expect("an answer begins");
    assert_eq!(terminate(&mut web), Some(0));
    assert_eq!(outcome(&home).1, "error:cancelled");
}

#[test]
fn sessions_and_connections_have_a_bound() {
    let home = Home::new();
    let web = Web::start(&home, &[]);
    let hello = br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    for number in 0..100 {
        let opened = web.send(&[], hello);
        assert_eq!(opened.status, 200, "{number}: {opened:?}");
    }
    let refused = web.send(&[], hello);
    assert_eq!((refused.status, &refused.message()["error"]["code"]), (503, &json!(-32000)));
    assert_eq!(refused.header("retry-after"), Some("1"));
    let open: Vec<_> = (0..512).map(|_| web.connect()).collect();
    let mut more = web.connect();
    let mut told = String::new();
    more.read_to_string(&mut told).expect("an answer");
    assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
    drop(open);
}

#[test]
fn no_server_starts_that_lets_in_nobody_or_anybody() {
    let home = Home::new();
    let refused = home.ax(&["mcp", "serve", "--http", "127.0.0.1:0"]).exits(2);
    assert!(refused.hint().contains("ax mcp token add NAME"), "{}", refused.stderr);
    home.ax(&["mcp", "token", "add", "laptop"]).ok();
    for arguments in [
        &["--http", "0.0.0.0:0"][..],
        &["--http", "0.0.0.0:0", "--without-token"],
        &["--http", "127.0.0.1:0", "--allow-host", "http://a"],
        &["--http", "127.0.0.1:0", "--without-token", "--allow-host", "tools.example.com"],
        &["--http", "127.0.0.1:0", "--stdio"],
        &["--without-token", "--stdio"],
        &[],
    ] {
        home.ax(&[&["mcp", "serve"], arguments].concat()).exits(2);
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let refused = home.ax(&["mcp", "serve", "--http", &address]).exits(1);
    assert!(refused.hint().contains("--http 127.0.0.1:0"), "{}", refused.stderr);
}

#[test]
fn a_token_is_shown_once_and_its_changes_are_in_the_audit() {
    let home = Home::new();
    let token = home.ax(&["mcp", "token", "add", "laptop"]).ok().stdout;
    let token = token.trim();
    assert!(token.starts_with("axmcp_"), "{token}");
    let listed = home.ax(&["mcp", "token", "list"]).ok().stdout;
    assert!(listed.contains("laptop") && !listed.contains(token), "{listed}");
    home.ax(&["mcp", "token", "add", "laptop"]).exits(2);
    home.ax(&["mcp", "token", "add", "La Ptop"]).exits(2);
    let unknown = home.ax(&["mcp", "token", "remove", "lapto", "--yes"]).exits(3);
    assert!(unknown.hint().contains("`laptop`"), "{}", unknown.stderr);
    home.ax(&["mcp", "token", "remove", "laptop", "--yes"]).ok();
    let rows = home.ax(&["audit", "tail", "--kind", "change", "--json"]).ok().stdout;
    assert!(!rows.contains(token), "{rows}");
    let actions: Vec<Value> = rows
        .lines()
        .map(|row| serde_json::from_str::<Value>(row).expect("a row")["body"]["action"].clone())
        .collect();
    assert_eq!(actions, ["token.add", "token.remove"]);
}
