//! The ground that cases stand on: what they may not touch, how much they may hold, what is left of them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};

use ax_tests::components;
use ax_tests::home::Home;
use serde_json::Value;

/// A project that adds numbers, with these cases.
fn calc(cases: &str) -> Home {
    let home = Home::new();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    home.write("calc/tests/cases.toml", cases);
    home
}

/// A case of three, with more members.
fn three(name: &str, more: &str) -> String {
    format!("[[case]]\nname = \"{name}\"\ntool = \"add\"\ninput = {{ a = 1, b = 2 }}\n{more}\n")
}

#[test]
fn what_was_rehearsed_is_told_apart_and_costs_nothing() {
    let home = calc(&three("three", "structured = 3"));
    home.ax(&["test", "calc"]).ok();
    let none = home.ax(&["tool", "stats"]).ok().stdout;
    assert_eq!(none, "no calls are on record\n");
    home.ax(&["-C", "calc", "tool", "call", "calc.add", r#"{"a": 1, "b": 2}"#]).ok();
    let stats = home.ax(&["tool", "stats", "--json"]).ok().json();
    assert_eq!((stats[0]["tool"].as_str(), stats[0]["calls"].as_u64()), (Some("add"), Some(1)));
    let rows = home.ax(&["audit", "tail", "--json"]).ok().stdout;
    let rows = rows.lines().map(|row| serde_json::from_str::<Value>(row).expect("JSON"));
    let marks: Vec<_> = rows
        .filter(|row| row["body"]["tool"] == "add")
        .map(|row| row["body"]["rehearsal"].clone())
        .collect();
    assert_eq!(marks, [Value::Bool(true), Value::Null]);
    let shown = home.ax(&["audit", "tail"]).ok().stdout;
    assert_eq!(shown.matches("add (rehearsed)").count(), 1, "{shown}");
}

#[test]
fn no_golden_answer_is_written_through_a_link() {
    let cases = three("file", "golden = \"file\"") + &three("folder", "golden = \"in/folder\"");
    let home = calc(&cases);
    let (golden, outside) = (home.work().join("calc/tests/golden"), home.work().join("outside"));
    home.write("outside/kept", "kept");
    fs_err::create_dir(&golden).expect("a folder");
    symlink(outside.join("kept"), golden.join("file.json")).expect("a link");
    symlink(&outside, golden.join("in")).expect("a link");
    let refused = home.ax(&["test", "calc", "--bless"]).exits(1).stdout;
    for name in ["golden/file.json", "golden/in"] {
        let why = format!("its golden answer is not written: `{name}` is a link");
        assert!(refused.contains(&why), "{refused}");
    }
    assert_eq!(fs_err::read_to_string(outside.join("kept")).expect("it is there"), "kept");
    assert_eq!(fs_err::read_dir(&outside).expect("it is there").count(), 1);
}

#[test]
fn nothing_but_files_below_the_cases_is_read() {
    let home = calc(&three("three", "structured = 3"));
    let tests = home.work().join("calc/tests");
    let outside = home.write("outside/in.json", "{}");
    symlink(&outside, tests.join("in.json")).expect("a link");
    symlink(home.work().join("outside"), tests.join("files")).expect("a link");
    let told = |member: &str| {
        home.write("calc/tests/cases.toml", three("three", &format!("structured = 3\n{member}")));
        let refused = home.ax(&["test", "calc"]).exits(2).stderr;
        refused.lines().find(|line| line.starts_with("caused by")).unwrap_or(&refused).to_owned()
    };
    let body = "http = [{ url = \"https://h\", body-from = \"in.json\" }]";
    insta::assert_snapshot!([body, "workspace = \"files\""].map(told).join("\n"), @r"
    caused by: `three`: `http`: https://h: `in.json` is a link, and none is followed
    caused by: `three`: `workspace`: `files` is a link, and none is followed
    ");
    // A pipe would be waited for; a link may lead to what has no end.
    home.write("calc/tests/cases.toml", three("three", "structured = 3"));
    let pipe = tests.join("pipe.toml");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(made.success());
    let refused = home.ax(&["test", "calc"]).exits(2).stderr;
    assert!(refused.contains("`pipe.toml` is no ordinary file"), "{refused}");
    fs_err::remove_file(pipe).expect("it is there");
    symlink("/dev/zero", tests.join("zero.toml")).expect("a link");
    let refused = home.ax(&["test", "calc"]).exits(2).stderr;
    assert!(refused.contains("`zero.toml` is a link"), "{refused}");
    // The folder itself is no other one's either.
    fs_err::remove_dir_all(&tests).expect("it is there");
    symlink(home.work().join("outside"), &tests).expect("a link");
    let refused = home.ax(&["test", "calc"]).exits(2).stderr;
    assert!(refused.contains("`tests` is a link"), "{refused}");
}

#[test]
fn a_case_that_cannot_be_set_up_fails_alone() {
    let clash = "structured = 3\nworkspace = \"before\"\nfiles = { \"notes\" = \"x\" }";
    let sparse = "structured = 3\nworkspace = \"sparse\"";
    let home = calc(
        &[three("clash", clash), three("sparse", sparse), three("fits", "structured = 3")].concat(),
    );
    home.write("calc/tests/before/notes/a.txt", "a");
    let sparse = home.write("calc/tests/sparse/large.bin", "");
    let sparse = fs_err::File::options().write(true).open(sparse).expect("it is there");
    sparse.set_len(3 << 30).expect("a sparse file");
    let ran = home.ax(&["test", "calc", "--json"]).exits(1).json();
    assert_eq!((&ran["passed"], &ran["failed"]), (&1.into(), &2.into()), "{ran}");
    let why = |case: usize| ran["cases"][case]["failures"][0].as_str().expect("text").to_owned();
    assert!(why(0).starts_with("its files cannot be written: "), "{ran}");
    assert_eq!(why(1), "its workspace cannot be copied: `sparse` holds more than 64 MiB");
}

#[test]
fn what_a_project_says_moves_no_terminal_and_makes_up_no_case() {
    let forged = "\\nok    tests/cases.toml: forged\\u001b[2J\\u202e";
    let golden = "golden = \"a\"";
    let home = calc(&(three(&format!("bad{forged}"), "text = \"x\"") + &three("golden", golden)));
    home.write("calc/tests/golden/a.json", "\u{1b}[2J\nok    tests/cases.toml: forged\n");
    let ran = home.ax(&["test", "calc"]).exits(1).stdout;
    assert!(!ran.contains(['\u{1b}', '\u{202e}']), "{ran:?}");
    assert!(!ran.lines().any(|line| line.starts_with("ok")), "{ran}");
    assert!(ran.contains("\n        - ok    tests/cases.toml: forged\n"), "{ran}");
    // A long line is not shown whole.
    home.write("calc/tests/cases.toml", format!("case = \"{}\"", "x".repeat(100_000)));
    let refused = home.ax(&["test", "calc"]).exits(2).stderr;
    assert!(refused.len() < 2_000 && refused.contains("line 1: "), "{refused}");
}

#[test]
fn a_case_sees_the_variables_that_it_sets_and_may_see() {
    let home = Home::new();
    home.write_plugin("env", components::ENV_MANIFEST, &components::env());
    let set = "env = { LANG = \"C\", OTHER = \"x\" }";
    let case =
        |name: &str, more: &str| format!("[[case]]\nname = \"{name}\"\ntool = \"count\"\n{more}\n");
    let cases = [
        case("allowed", &format!("{set}\nallow = [\"env:LANG\"]\nstructured = 1")),
        case("not allowed", &format!("{set}\nerror = \"other\"\ndenied = [\"env:LANG\"]")),
        case("not set", "allow = [\"env:LANG\"]\nerror = \"other\""),
    ];
    home.write("env/tests/cases.toml", cases.concat());
    let ran = home.ax(&["test", "env", "--json"]);
    let seen = ran.json();
    let failed = |case: usize| seen["cases"][case]["failures"].as_array().map_or(9, Vec::len);
    assert_eq!(failed(0), 0, "{seen}");
    // Both fail the same way, whatever kind that is.
    let of = |case: usize| seen["cases"][case]["failures"].clone();
    assert_eq!(of(1), of(2), "{seen}");
}

/// Starts to play cases whose stages lie in a folder of their own.
fn playing(home: &Home) -> Child {
    let mut ax = home.command(&["test", "run", "--stdio"]);
    let stages = home.work().join("stages");
    fs_err::create_dir(&stages).expect("a folder");
    ax.env("TMPDIR", stages).stdin(Stdio::piped()).spawn().expect("it starts")
}

fn runaway() -> Home {
    let home = Home::new();
    let manifest = components::CALC_MANIFEST.replace("test:calc", "test:run");
    let manifest = format!("{manifest}[limits]\nfuel = 1_000_000_000_000\n");
    home.write_plugin("run", &manifest, &components::runaway());
    home
}

fn terminate(ax: &Child) {
    let line = format!("kill -TERM {}", ax.id());
    assert!(Command::new("sh").args(["-c", &line]).status().expect("sh runs").success());
}

#[test]
fn who_ends_it_finds_no_stage_left_behind() {
    let home = runaway();
    let mut ax = playing(&home);
    let mut input = ax.stdin.take().expect("a pipe");
    let case = r#"{ "tool": "spin", "secrets": { "token": "rehearsed-token" } }"#;
    writeln!(input, "{case}").expect("it reads");
    let stages = || fs_err::read_dir(home.work().join("stages")).expect("a folder").count();
    while stages() == 0 {
        std::thread::yield_now();
    }
    terminate(&ax);
    let ended = ax.wait().expect("it ends");
    assert_eq!(ended.code(), Some(130));
    assert_eq!(stages(), 0);
    drop(input);
}

#[test]
fn who_waits_for_a_case_ends_when_asked_to() {
    let home = runaway();
    let mut ax = playing(&home);
    let mut input = ax.stdin.take().expect("a pipe");
    let mut output = BufReader::new(ax.stdout.take().expect("a pipe")).lines();
    let mut answer = |line: &[u8]| -> Value {
        input.write_all(line).and_then(|()| input.write_all(b"\n")).expect("it reads");
        let answer = output.next().expect("an answer").expect("text");
        serde_json::from_str(&answer).expect("JSON")
    };
    // What is no line is answered, and the next one played.
    let long = vec![b' '; (4 << 20) + 10];
    for stray in [b"\xff".as_slice(), &long, b"{", br#"{ "tool": "crash", "error": "invald" }"#] {
        assert_eq!(answer(stray)["refused"]["code"], "AX-B005");
    }
    assert_eq!(answer(br#"{ "tool": "crash" }"#)["played"]["error"]["kind"], "failed");
    terminate(&ax);
    assert_eq!(ax.wait().expect("it ends").code(), Some(130));
}
