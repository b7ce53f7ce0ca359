//! A home with agents, workflows and tools that change something.

use ax_tests::home::Home;
use ax_tests::program;
use serde_json::Value;
use serde_json::json;

use crate::client::Client;

/// A client that knows tasks.
pub(crate) fn tasks() -> Value {
    json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } })
}

/// Waits for an hour.
pub(crate) const LONG: &str = "name = \"long\"\n[[step]]\nid = \"wait\"\nwait = \"1 h\"\n";

/// Waits, and gives what it was given.
pub(crate) const SHORT: &str = r#"name = "short"
title = "Wait a moment"
summary = "Waits, and says what it was told"
input = { type = "object", required = ["say"], properties = { say = { type = "string" } } }
output = { said = "{{ input.say }}" }
[[step]]
id = "wait"
wait = "300 ms"
"#;

/// Makes one whose plugins are granted all they ask for.
pub(crate) fn home() -> Home {
    let home = Home::new();
    let reads = ["--allow", "fs:workspace:read"];
    let tools = ["list", "search", "write"].map(|name| format!("tools:ax:files.{name}"));
    let mut calls = vec!["--allow", "tools:ax:metrics.count"];
    calls.extend(tools.iter().flat_map(|tool| ["--allow", tool]));
    let writes = ["--allow", "fs:workspace:read", "--allow", "fs:out:write"];
    for (plugin, flags) in
        [("files", &writes[..]), ("metrics", &reads[..]), ("repo-report", &calls[..])]
    {
        let folder = program::plugin(plugin);
        let folder = folder.to_str().expect("text");
        home.ax(&[&["plugin", "add", folder], flags].concat()).ok();
    }
    home.write("project/ax.toml", "");
    home.write("project/src/main.rs", "// TODO: all\nfn main() {}\n");
    fs_err::create_dir(home.work().join("out")).expect("a folder");
    home
}

/// Puts a workflow on the shelf.
pub(crate) fn shelve(home: &Home, name: &str, text: &str) {
    let folder = home.path().join("workflows");
    fs_err::create_dir_all(&folder).expect("a folder");
    fs_err::write(folder.join(format!("{name}.toml")), text).expect("written");
}

/// Starts a server that knows the folders of a home.
pub(crate) fn start(home: &Home) -> Client {
    Client::start_with(home, &["--workspace", "project", "--folder", "out=out"])
}

/// A call that writes a file.
pub(crate) fn write() -> Value {
    let arguments = json!({ "path": "a.txt", "text": "written" });
    json!({ "name": "ax_files_write", "arguments": arguments })
}

/// Returns what was written, if it was.
pub(crate) fn written(home: &Home) -> Option<String> {
    fs_err::read_to_string(home.work().join("out/a.txt")).ok()
}

/// Asks until a task is as it is wanted.
pub(crate) fn until(
    client: &mut Client,
    able: &Value,
    task: &Value,
    is_so: impl Fn(&Value) -> bool,
) -> Value {
    loop {
        let told = client.ask_able(able.clone(), "tasks/get", json!({ "taskId": task }));
        let told = told["result"].clone();
        assert!(told.is_object(), "there is no such task");
        if is_so(&told) {
            return told;
        }
    }
}

/// Lists the tasks there are, as a person sees them.
pub(crate) fn listed(home: &Home) -> Vec<Value> {
    let listed = home.ax(&["task", "list", "--json"]).ok().stdout;
    let rows = serde_json::from_str::<Vec<Value>>(&listed);
    rows.unwrap_or_else(|_| {
        listed.lines().map(|row| serde_json::from_str(row).expect("a row")).collect()
    })
}
