//! `ax test`: each case on a stage of its own.

use std::io::{BufRead as _, Write as _};
use std::process::Stdio;

use ax_tests::home::Home;

const MANIFEST: &str = r#"
[plugin]
name = "my:stage"
version = "0.1.0"
description = "Tries everything a case can set up"
license = "MIT"
host = "^0.2"
component = "plugin.wasm"

[permissions]
fs      = [{ path = "workspace", access = "write", reason = "r" }]
kv      = { bytes = "1 MiB", reason = "r" }
net     = [{ to = "https://api.example.org", methods = ["GET", "POST"], reason = "r" }]
secrets = [{ name = "token", to = "https://api.example.org", header = "authorization: Bearer {}" }]

[limits]
memory = "16 MiB"
deadline = "5 s"
"#;

const SOURCE: &str = r#"
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use ax_sdk::prelude::*;

/// Adds one to a counter.
#[tool]
pub fn count() -> Result<String> {
    let count = ax_sdk::kv::update("count", |count: &mut u32| *count += 1)?;
    Ok(count.to_string())
}

/// Asks a server, again after a minute if it does not answer.
#[tool]
pub fn ask(path: String) -> Result<String> {
    let url = format!("https://api.example.org{path}");
    let answer = match ax_sdk::http::get(url.as_str()).send() {
        Err(error) if error.kind == ErrorKind::Unavailable => {
            ax_sdk::log::warn("trying again");
            std::thread::sleep(Duration::from_secs(60));
            ax_sdk::http::get(url).send()?
        }
        other => other?,
    };
    Ok(format!("{}: {}", answer.status, answer.text()?))
}

/// Says what time it is, before and after an hour.
#[tool]
pub fn wait() -> Result<String> {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map(|it| it.as_secs());
    let before = now()?;
    std::thread::sleep(Duration::from_secs(3600));
    Ok(format!("{before} {}", now()? - before))
}

/// Copies a file.
#[tool]
pub fn copy(from: String, to: String) -> Result<String> {
    let text = std::fs::read_to_string(format!("/workspace/{from}"))?;
    std::fs::write(format!("/workspace/{to}"), &text)?;
    Ok(text)
}

ax_sdk::plugin!(tools: [count, ask, wait, copy]);
"#;

const CASES: &str = r#"
[[case]]
name = "a counter goes on"
before = [{ tool = "count" }, { tool = "count" }]
tool = "count"
allow = ["kv"]
text = "3"

[[case]]
name = "another case begins anew"
tool = "count"
allow = ["kv"]
text = "1"

[[case]]
name = "without a grant nothing is kept"
tool = "count"
error = "denied"
code = "kv"
denied = ["kv"]

[[case]]
name = "a server that hangs up is asked again a minute later, with the secret"
tool = "ask"
input = { path = "/a?b=c" }
allow = ["net:https://api.example.org:GET", "secret:token@https://api.example.org"]
secrets = { token = "rehearsed-token" }
http = [
    { url = "https://api.example.org/a?b=c", cut = true },
    { url = "https://api.example.org/a?b=c", status = 203, json = { ok = true }, sent = { headers = { authorization = "Bearer rehearsed-token" } } },
]
text = "203: {\"ok\":true}"
log = ["trying again"]

[[case]]
name = "an hour passes at once"
tool = "wait"
now = "2030-01-01T00:00:00Z"
text = "1893456000 3600"

[[case]]
name = "files are copied"
tool = "copy"
input-from = "names.json"
allow = ["fs:workspace:write"]
workspace = "fixture"
files = { "more/b.txt" = "B" }
wrote = { "a.txt" = "A", "c.txt" = "B" }
golden = "copied"
memory-max = "4 MiB"
"#;

fn stage() -> Home {
    let home = Home::new();
    home.ax(&["new", "stage"]).ok();
    home.write("stage/plugin.toml", MANIFEST);
    home.write("stage/src/lib.rs", SOURCE);
    home.write("stage/tests/cases.toml", CASES);
    home.write("stage/tests/names.json", r#"{ "from": "more/b.txt", "to": "c.txt" }"#);
    home.write("stage/tests/fixture/a.txt", "A");
    home.author(&["build", "stage"]).ok();
    home
}

#[test]
fn each_case_has_a_world_of_its_own() {
    let home = stage();
    let missing = home.ax(&["test", "stage", "--no-build", "--only", "copied"]).exits(1);
    assert!(missing.stdout.contains("write it with `ax test --bless`"), "{missing:?}");
    let blessed = home.ax(&["test", "stage", "--no-build", "--bless", "--json"]).ok().json();
    assert_eq!((&blessed["passed"], &blessed["failed"]), (&6.into(), &0.into()), "{blessed}");
    let golden = fs_err::read_to_string(home.work().join("stage/tests/golden/copied.json"));
    assert!(golden.expect("it was written").contains(r#""text": "B""#));
    // Time and random numbers repeat, so fuel does too.
    let fuel = |ran: &serde_json::Value| {
        let cases = ran["cases"].as_array().expect("a list").clone();
        cases.iter().map(|case| case["usage"]["fuel"].clone()).collect::<Vec<_>>()
    };
    let again = home.ax(&["test", "stage", "--no-build", "--json"]).ok().json();
    assert_eq!(fuel(&again), fuel(&blessed));
    // What a case wrote is gone, and the fixture as it was.
    assert!(!home.work().join("stage/tests/fixture/c.txt").exists());
    let none = home.ax(&["test", "stage", "--no-build", "--only", "nobody"]);
    insta::assert_snapshot!(home.tell(&none), @r#"
    exit 3
    --- stderr
    error[AX-B005]: no case has "nobody" in its name

    hint: ax test, to see their names
    "#);
}

#[test]
fn what_is_not_as_a_case_says_is_told_line_by_line() {
    let home = stage();
    home.write(
        "stage/tests/cases.toml",
        r#"
[[case]]
name = "strays"
tool = "ask"
input = { path = "/other" }
allow = ["net:https://api.example.org:GET"]
http = [{ url = "https://api.example.org/a", method = "POST" }]
text = "200: "
log = ["nothing of the kind"]

[[case]]
name = "files"
tool = "copy"
input = { from = "a.txt", to = "b.txt" }
allow = ["fs:workspace:write"]
files = { "a.txt" = "A" }
wrote = { "b.txt" = "B" }
denied = ["kv"]
text = "A"
memory-max = "64 KiB"
"#,
    );
    let ran = home.ax(&["test", "stage", "--no-build", "--json"]).exits(1).json();
    let failures = |case: usize| serde_json::to_string_pretty(&ran["cases"][case]["failures"]);
    insta::assert_snapshot!(failures(0).expect("JSON"), @r#"
    [
      "it failed with `unavailable`: `api.example.org` closed the connection before its answer was complete",
      "nothing in the log has \"nothing of the kind\"",
      "`GET https://api.example.org/other` was asked, which no http of it answers",
      "`GET https://api.example.org/other` was asked, which no http of it answers",
      "`POST https://api.example.org/a` should be asked, and was not"
    ]
    "#);
    insta::assert_snapshot!(failures(1).expect("JSON"), @r#"
    [
      "`kv` should be refused, and was not",
      "`b.txt` should hold \"B\", and holds \"A\"",
      "it used 1088 KiB of memory, at most 64 KiB was expected"
    ]
    "#);
}

#[test]
fn what_is_wrong_in_a_case_is_named() {
    let home = Home::new();
    home.write_plugin("calc", ax_tests::components::CALC_MANIFEST, &ax_tests::components::calc());
    let wrong = [
        "now = \"yesterday\"",
        "files = { \"../x\" = \"\" }",
        "workspace = \"none\"",
        "secrets = { token = \"short\" }",
        "allow = [\"fs\"]",
        "http = [{ url = \"ftp://example.org\" }]",
        "http = [{ url = \"https://example.org\", cut = true, status = 200 }]",
        "http = [{ url = \"https://example.org\", method = \"BREW\" }]",
        "http = [{ url = \"https://example.org\", body-from = \"../secret\" }]",
        "memory-max = \"much\"",
        "golden = \"/etc/passwd\"",
        "golden = \"copied\"",
        "code = \"x\"",
        "input-from = \"none.json\"",
        "allow = [\"kv\"]",
        "files = { \"a\" = \"\", \"a/b\" = \"\" }",
        "env = { \"A=B\" = \"\" }",
        "alow = []",
    ];
    let told = wrong.map(|line| {
        let case = format!("[[case]]\ntool = \"add\"\nstructured = 1\n{line}\n");
        home.write("calc/tests/cases.toml", case);
        let refused = home.ax(&["test", "calc"]).exits(2);
        let why = refused.stderr.lines().find(|line| line.starts_with("caused by"));
        format!("{line}\n    {}", why.unwrap_or(&refused.stderr).trim_start_matches("caused by: "))
    });
    insta::assert_snapshot!(told.join("\n"), @r#"
    now = "yesterday"
        case 1: `now`: failed to parse four digit integer as year: invalid digit, expected 0-9 but got y; write it like 2026-01-01T00:00:00Z
    files = { "../x" = "" }
        case 1: `files`: `../x` does not lie in the workspace
    workspace = "none"
        case 1: `workspace`: there is no folder `none` beside it
    secrets = { token = "short" }
        case 1: `secrets`: the value has 5 bytes, and 8 to 65536 are allowed
    allow = ["fs"]
        case 1: `allow`: `fs` is not a permission: `fs` lacks what follows the colon
    http = [{ url = "ftp://example.org" }]
        case 1: `http`: ftp://example.org: `ftp` is not a scheme that can be granted
    http = [{ url = "https://example.org", cut = true, status = 200 }]
        case 1: `http`: https://example.org: what is cut has no answer
    http = [{ url = "https://example.org", method = "BREW" }]
        case 1: `http`: https://example.org: `BREW` is no method
    http = [{ url = "https://example.org", body-from = "../secret" }]
        case 1: `http`: https://example.org: `../secret` does not lie beside it
    memory-max = "much"
        case 1: `memory-max`: `much`: `much` is not a size: it does not start with a whole number
    golden = "/etc/passwd"
        case 1: `golden`: `/etc/passwd` is no name of a file
    golden = "copied"
        case 1: `golden`: a case expects text and structured, or golden, or error
    code = "x"
        case 1: `code`: it belongs to `error`
    input-from = "none.json"
        case 1: `input-from`: `none.json` cannot be read: No such file or directory (os error 2)
    allow = ["kv"]
        case 1: `allow`: plugin.toml does not ask for `kv` in its [permissions]
    files = { "a" = "", "a/b" = "" }
        case 1: `files`: `a` is a file, so `a/b` cannot lie in it
    env = { "A=B" = "" }
        case 1: `env`: `A=B` is no variable
    alow = []
        line 4: unknown field `alow`, expected one of `name`, `before`, `tool`, `input`, `input-from`, `allow`, `config`, `secrets`, `env`, `now`, `workspace`, `files`, `http`, `model`, `text`, `structured`, `golden`, `error`, `code`, `message`, `log`, `denied`, `wrote`, `fuel-max`, `memory-max`
    "#);
}

#[test]
fn a_kind_of_error_that_is_none_is_refused() {
    let home = Home::new();
    home.write_plugin("calc", ax_tests::components::CALC_MANIFEST, &ax_tests::components::calc());
    home.write("calc/tests/cases.toml", "[[case]]\ntool = \"add\"\nerror = \"invald\"\n");
    let refused = home.ax(&["test", "calc"]).exits(2).stderr;
    let told = "case 1: `error`: `invald` is no kind of error; it is one of `invalid`, `denied`, ";
    assert!(refused.contains(told), "{refused}");
}

#[test]
fn what_is_saved_is_built_and_tested_and_calls_are_shown() {
    let home = Home::new();
    home.write_plugin("calc", ax_tests::components::CALC_MANIFEST, &ax_tests::components::calc());
    // Without sources there is nothing to build: that is told, and the next save waited for.
    let mut dev = home.command(&["dev", "calc"]);
    let mut dev = dev.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let errors = std::io::BufReader::new(dev.stderr.take().expect("a pipe"));
    let mut told = errors.lines().map(|line| line.expect("text"));
    let mut wait_for = |part: &str| {
        assert!(told.any(|line| line.contains(part)), "it ended without {part:?}");
    };
    wait_for("error[AX-B001]");
    wait_for("waiting for a change");
    home.write("calc/notes.md", "saved");
    wait_for("notes.md was saved");
    wait_for("waiting for a change");
    home.ax(&["-C", "calc", "tool", "call", "calc.add", r#"{ "a": 1, "b": 2 }"#]).ok();
    let mut shown = std::io::BufReader::new(dev.stdout.take().expect("a pipe")).lines();
    let line = shown.next().expect("a call is shown").expect("text");
    assert!(line.starts_with("call  add: ok ("), "{line}");
    dev.kill().expect("it runs");
    dev.wait().expect("it ends");
}

#[test]
fn a_program_may_send_cases_and_compare_by_itself() {
    let home = Home::new();
    home.write_plugin("calc", ax_tests::components::CALC_MANIFEST, &ax_tests::components::calc());
    let mut ax = home.command(&["test", "calc", "--stdio"]);
    let mut ax = ax.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut input = ax.stdin.take().expect("a pipe");
    let lines = [
        r#"{ "tool": "add", "input": { "a": 1, "b": 2 } }"#,
        r#"{ "tool": "add", "input": { "a": 1 } }"#,
        r#"{ "tool": "add", "structured": 4, "input": { "a": 1, "b": 2 } }"#,
        r#"{ "tool": 1 }"#,
    ];
    writeln!(input, "{}", lines.join("\n")).expect("it reads");
    drop(input);
    let output = ax.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let answers: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(answers.len(), 4);
    assert_eq!(answers[0]["played"]["output"], 3);
    assert_eq!(answers[0]["played"]["failures"], serde_json::json!([]));
    assert_eq!(answers[1]["played"]["error"]["kind"], "invalid");
    assert_eq!(answers[2]["played"]["failures"][0], "expected 4, got 3");
    assert_eq!(answers[3]["refused"]["code"], "AX-B005");
}
