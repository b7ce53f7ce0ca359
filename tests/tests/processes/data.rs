//! What plugins keep and write, when several processes do so at once and when one is killed.

use std::process::Child;
use std::process::Stdio;

use ax_host::kv::Kv;
use ax_host::plugin::limits;
use ax_tests::home::Home;
use ax_tests::program;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use serde_json::Value;
use serde_json::json;

use crate::state;

/// Kills of a process that writes without end.
const KILLS: usize = 4;

/// Looks at the store before something is wrong: a process that starts needs a fraction of them.
const LOOKS_MAX: u64 = 50_000_000;

fn manifest(version: &str) -> String {
    format!(
        r#"[plugin]
name = "test:hoarder"
version = "{version}"
description = "Keeps what it can"
host = "^0.2"

[permissions]
fs = [{{ path = "workspace", access = "write" }}]
kv = {{ bytes = "2 MiB" }}
"#
    )
}

const ALLOWED: [&str; 4] = ["--allow", "kv", "--allow", "fs:workspace:write"];

/// A home with `test:hoarder` and a project for it to write into.
fn home() -> Home {
    let home = Home::new();
    home.write("ax.toml", "");
    home.write_plugin("hoarder", &manifest("1.0.0"), &program::guest("hoarder"));
    home.ax(&[&["plugin", "add", "hoarder"][..], &ALLOWED].concat()).ok();
    home
}

fn start(home: &Home, tool: &str, input: &Value) -> Child {
    let (tool, input) = (format!("test:hoarder.{tool}"), input.to_string());
    let mut command = home.command(&["tool", "call", &tool, &input]);
    command.stdout(Stdio::null()).spawn().expect("it starts")
}

#[track_caller]
fn call(home: &Home, tool: &str, input: &Value) -> Value {
    let (tool, input) = (format!("test:hoarder.{tool}"), input.to_string());
    home.ax(&["tool", "call", &tool, &input, "--json"]).ok().json()["output"].clone()
}

/// Looks until something is so.
fn wait(is_so: impl Fn() -> bool) {
    let seen = (0..LOOKS_MAX).any(|_| {
        std::thread::yield_now();
        is_so()
    });
    assert!(seen, "it never came to pass");
}

fn kill(mut child: Child) {
    child.kill().expect("it can be killed");
    child.wait().expect("it is gone");
}

/// Insists that the database is whole.
#[track_caller]
fn is_whole(home: &Home) {
    let path = home.path().join("plugins.db");
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let check = |database: Connection| {
        database.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
    };
    assert_eq!(database.and_then(check).expect("an answer"), "ok");
}

#[test]
fn processes_that_write_the_same_key_lose_nothing() {
    const PROCESSES: u32 = 4;
    const TIMES: u32 = 25;
    let home = home();
    let input = json!({ "key": "n", "times": TIMES });
    let children: Vec<Child> = (0..PROCESSES).map(|_| start(&home, "count-up", &input)).collect();
    for child in children {
        assert!(child.wait_with_output().expect("it ends").status.success());
    }
    // As many writes as were asked for, each one up.
    assert_eq!(call(&home, "get", &json!({ "key": "n" })), json!([3, PROCESSES * TIMES]));
    is_whole(&home);
    state::audited(&home);
}

#[test]
fn a_process_killed_while_it_writes_leaves_whole_writes() {
    let home = home();
    let revision = || {
        let owner = Kv::at(home.path()).states().expect("the store")[0].0.clone();
        Kv::at(home.path()).revision(&owner, 1).expect("its state")
    };
    for _ in 0..KILLS {
        let before = revision();
        let child = start(&home, "write-endlessly", &json!({ "key": "k" }));
        wait(|| revision() > before + 3);
        kill(child);
        is_whole(&home);
        let [one, other] = ["k", "k-too"].map(|key| call(&home, "get", &json!({ "key": key })));
        assert_eq!(one, other, "both keys of a write are there");
        let bytes = 2 * 4_096 + "kk-too".len();
        assert_eq!(call(&home, "usage", &json!({}))[1], bytes);
        assert_eq!(
            call(&home, "write-text", &json!({ "key": "k", "text": "x" })),
            json!(revision())
        );
    }
    state::audited(&home);
}

#[test]
fn an_update_killed_in_the_middle_leaves_the_old_release_and_its_data() {
    let home = home();
    call(&home, "write-text", &json!({ "key": "how", "text": "sleep" }));
    home.write("hoarder/plugin.toml", manifest("2.0.0"));
    let add = [&["plugin", "add", "hoarder"][..], &ALLOWED].concat();
    let child = home.command(&add).stdout(Stdio::null()).spawn().expect("it starts");
    let states = || Kv::at(home.path()).states().expect("the store");
    // The copy is there and was changed.
    wait(|| states().iter().any(|(_, number, usage)| *number == 2 && usage.keys == 2));
    // The old release goes on meanwhile.
    assert_eq!(call(&home, "get", &json!({ "key": "migrated" })), Value::Null);
    kill(child);
    is_whole(&home);
    let shown = home.ax(&["plugin", "show", "test:hoarder", "--json"]).ok().json();
    assert_eq!(shown["version"], "1.0.0", "{shown}");
    assert_eq!(call(&home, "get", &json!({ "key": "migrated" })), Value::Null);
    // What was written meanwhile is in the next copy, which is another one.
    call(&home, "write-text", &json!({ "key": "how", "text": "well" }));
    home.ax(&add).ok();
    assert_ne!(call(&home, "get", &json!({ "key": "migrated" })), Value::Null);
    assert_eq!(states().last().map(|(_, number, _)| *number), Some(3));
    state::audited(&home);
}

#[test]
fn processes_that_write_files_share_one_account() {
    let home = home();
    let at =
        |name: &str, bytes: u64| json!({ "path": format!("/workspace/{name}"), "bytes": bytes });
    let quarter = limits::WRITTEN_BYTES / 4;
    let children: Vec<Child> = ["a", "b", "c", "d"]
        .into_iter()
        .map(|name| start(&home, "resize", &at(name, quarter)))
        .collect();
    for child in children {
        assert!(child.wait_with_output().expect("it ends").status.success());
    }
    let more = |bytes: u64| {
        let input = at("e", bytes).to_string();
        home.ax(&["tool", "call", "test:hoarder.resize", &input]).code
    };
    assert_ne!(more(1), 0, "it is all used");
    // The same grant again is the same account.
    home.ax(&["permission", "grant", "test:hoarder", "fs:workspace:write"]).ok();
    home.ax(&[&["plugin", "add", "hoarder"][..], &ALLOWED].concat()).ok();
    assert_ne!(more(1), 0, "it is the same grant");
    home.ax(&["permission", "revoke", "test:hoarder", "fs:workspace:write"]).ok();
    home.ax(&["permission", "grant", "test:hoarder", "fs:workspace:write"]).ok();
    assert_eq!(more(1), 0, "a person gave it anew");
}
