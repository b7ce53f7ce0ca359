//! Programs that start `ax`: the lines they are given, and what `ax doctor` finds in their files.

use std::process::Command;

use ax_tests::home::{self, Home};
use ax_tests::program;
use serde_json::{Value, json};

#[test]
fn a_client_is_given_the_home_and_the_folders_that_this_command_has() {
    let home = Home::new();
    let shared = home.work().join("it's shared");
    fs_err::create_dir(&shared).expect("a folder");
    let folder = format!("docs={}", shared.display());
    let workspace = home.work().display().to_string();
    let flags = ["--workspace", &workspace, "--folder", &folder];
    let run = home.ax(&[&flags[..], &["mcp", "config", "claude-code"]].concat()).ok();
    let server = &run.json()["mcpServers"]["ax"];
    assert_eq!(server["command"], json!(program::ax()));
    let path = home.path().display().to_string();
    let expected = [&["--home", &path][..], &flags, &["mcp", "serve", "--stdio"]];
    assert_eq!(server["args"], json!(expected.concat()), "{server}");
    assert_eq!(server.get("env"), None);
    // All else is for the person, and quiet leaves it out.
    insta::assert_snapshot!(
        home.tell_text(&run.stderr).replace(&program::ax().display().to_string(), "AX"),
        @r"
    into WORK/.mcp.json, or ~/.claude.json, beside what is there
    or type: claude mcp add --scope user ax -- AX --home HOME --workspace WORK --folder 'docs=WORK/it'\''s shared' mcp serve --stdio
    then: start it anew in that project, and agree when it asks; `/mcp` shows the server
    "
    );
    assert_eq!(home.ax(&["--quiet", "mcp", "config", "zed"]).ok().stderr, "");
}

#[test]
fn a_policy_that_a_variable_names_is_carried_on_and_a_found_folder_is_not() {
    let home = Home::new();
    let policy = home.write("policy.toml", "").display().to_string();
    home.write("ax.toml", "");
    let run = home.ax_with(("AX_POLICY", &policy), &["mcp", "config", "vscode"]).ok();
    let server = run.json()["servers"]["ax"].clone();
    assert_eq!(server["type"], "stdio");
    assert_eq!(server["env"], json!({ "AX_POLICY": policy }));
    assert!(!server["args"].to_string().contains("--workspace"), "{server}");
}

#[test]
fn the_lines_that_are_printed_start_a_server() {
    let home = Home::new();
    let lines = home.ax(&["mcp", "config", "cursor"]).ok().json();
    let server = &lines["mcpServers"]["ax"];
    let words = server["args"].as_array().expect("arguments").iter();
    // As a client does: with none of the variables that the command had.
    let mut command = Command::new(server["command"].as_str().expect("a program"));
    command.env_clear().args(words.map(|word| word.as_str().expect("text")));
    assert_eq!(home::run(command).ok().stdout, "");
}

#[test]
fn over_http_something_stands_for_the_token() {
    let home = Home::new();
    let run = home.ax(&["mcp", "config", "cursor", "--http"]).ok();
    let server = run.json()["mcpServers"]["ax"].clone();
    assert_eq!(server["url"], "http://127.0.0.1:7420/mcp");
    assert_eq!(server["headers"]["Authorization"], "Bearer ${env:AX_MCP_TOKEN}");
    assert!(run.stderr.contains("from the variable AX_MCP_TOKEN"), "{}", run.stderr);
    let far = home.ax(&["mcp", "config", "vscode", "--http", "http://10.0.0.1/mcp"]).ok();
    assert!(
        far.stderr.contains("warning: anybody on the way can read the token"),
        "{}",
        far.stderr
    );
    insta::assert_snapshot!(home.told(&["mcp", "config", "claude-desktop", "--http"]), @r"
    exit 2
    --- stderr
    error[AX-U001]: Claude Desktop reaches no server over HTTP by its settings

    hint: let it start `ax` instead: ax mcp config claude-desktop
    ");
    let zed = home.ax(&["mcp", "config", "zed", "--http"]).exits(2);
    assert!(zed.stderr.contains("so it would stand in the file itself"), "{}", zed.stderr);
    for wrong in ["http://me:pw@host/mcp", "http://host/mcp?token=1", "ftp://host"] {
        let refused = home.ax(&["mcp", "config", "cursor", "--http", wrong]).exits(2);
        assert!(refused.stderr.contains("without a name, a password or a query"), "{wrong}");
    }
    let unknown = home.ax(&["mcp", "config", "emacs"]).exits(2).stderr;
    assert!(unknown.contains("claude-code"), "{unknown}");
}

#[test]
fn with_json_the_file_and_the_lines_are_one_document() {
    let home = Home::new();
    let mut command = home.command(&["mcp", "config", "zed", "--json"]);
    command.env("HOME", home.work());
    let told = home::run(command).ok().json();
    let file = home.work().join(".config/zed/settings.json");
    assert_eq!(told["client"], "zed");
    assert_eq!(told["file"], json!(file));
    assert_eq!(told["lines"]["context_servers"]["ax"]["command"], json!(program::ax()));
    assert_eq!(told["command"], Value::Null);
    assert!(!file.exists(), "it was written");
}

#[test]
fn the_doctor_looks_into_the_files_of_clients() {
    let home = Home::new();
    let doctor = |home: &Home| {
        let mut command = home.command(&["doctor", "--json"]);
        command.env("HOME", home.work());
        let checks = home::run(command).ok().json().as_array().cloned().expect("checks");
        let of_clients = checks.into_iter().filter(|check| check["name"] == "clients");
        of_clients.map(|check| [check["state"].clone(), check["found"].clone()]).collect::<Vec<_>>()
    };
    assert_eq!(doctor(&home), [["ok", "none has this `ax`, see `ax mcp config`"]]);
    let lines = home.ax(&["mcp", "config", "cursor"]).ok().stdout;
    home.write(".cursor/mcp.json", &lines);
    assert_eq!(doctor(&home), [["ok", "cursor"]]);
    let moved = lines.replace(&program::ax().display().to_string(), "/gone/ax");
    home.write(".cursor/mcp.json", &moved);
    let gone = "Cursor starts `ax` as `/gone/ax`, which is not there";
    assert_eq!(doctor(&home), [["note", gone]]);
    let file = home.work().join(".cursor/mcp.json");
    assert_eq!(fs_err::read_to_string(file).expect("text"), moved, "it was written");
}
