//! Exit codes: one for each thing a script may want to know.

use std::fs::File;
use std::process::Stdio;

use ax_tests::components;
use ax_tests::home::Home;

use crate::setup;

fn with_runaway() -> Home {
    let home = Home::new();
    home.write("runaway.wasm", components::runaway());
    home.ax(&["plugin", "add", "runaway.wasm", "--name", "test:run"]).ok();
    home
}

#[test]
fn success_is_0() {
    assert_eq!(Home::new().ax(&["plugin", "list"]).code, 0);
    assert_eq!(Home::new().ax(&["--version"]).code, 0);
    assert_eq!(Home::new().ax(&["--help"]).code, 0);
}

#[test]
fn a_crash_is_1() {
    let home = with_runaway();
    insta::assert_snapshot!(home.told(&["tool", "call", "test:run.crash"]), @r"
    exit 1
    --- stderr
    error[AX-T004]: the plugin crashed: wasm trap: wasm `unreachable` instruction executed

    hint: what it wrote before is shown above; run it again with -v
    ");
}

#[test]
fn a_wrong_command_line_is_2() {
    assert_eq!(Home::new().ax(&[]).code, 2);
    assert_eq!(Home::new().ax(&["frobnicate"]).code, 2);
}

#[test]
fn what_is_not_there_is_3() {
    assert_eq!(Home::new().ax(&["tool", "call", "no:such.tool"]).code, 3);
    assert_eq!(Home::new().ax(&["explain", "AX-Z999"]).code, 3);
}

#[test]
fn what_is_not_granted_is_5() {
    assert_eq!(setup::with_env().ax(&["tool", "call", "test:env.count"]).code, 5);
}

#[test]
fn what_a_check_finds_is_6() {
    let home = setup::with_calc();
    fs_err::remove_dir_all(home.path().join("store")).expect("the store is there");
    assert_eq!(home.ax(&["plugin", "verify"]).code, 6);
}

#[test]
fn a_deadline_is_7() {
    let home = with_runaway();
    let arguments = ["tool", "call", "test:run.spin", "--deadline", "50 ms"];
    let stopped = home.ax(&arguments).exits(7).stderr;
    assert!(stopped.starts_with("error[AX-T003]: "), "{stopped}");
    // The bound that was hit, not the one in the manifest.
    assert!(stopped.contains("50 ms") && !stopped.contains("30 s"), "{stopped}");
    assert!(stopped.contains("hint: give it longer with --deadline"), "{stopped}");
}

#[test]
fn a_call_after_a_crash_or_a_deadline_runs() {
    let home = with_runaway();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    home.ax(&["plugin", "add", "calc"]).ok();
    home.ax(&["tool", "call", "test:run.crash"]).exits(1);
    home.ax(&["tool", "call", "test:run.spin", "--deadline", "20ms"]).exits(7);
    home.ax(&["tool", "call", "test:calc.add", r#"{"a": 1, "b": 1}"#]).ok();
    let calls = home.ax(&["audit", "tail", "--kind", "call", "--json"]).ok().stdout;
    assert_eq!(calls.lines().count(), 3, "{calls}");
}

/// Runs a command whose standard output goes there; gives its exit code and standard error.
fn writing_to(home: &Home, stdout: impl Into<Stdio>, arguments: &[&str]) -> (Option<i32>, String) {
    let output = home.command(arguments).stdout(stdout).output().expect("it ends");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn an_answer_that_cannot_be_written_is_1() {
    let home = setup::with_calc();
    let add: &[&str] = &["tool", "call", "test:calc.add", r#"{"a": 1, "b": 1}"#, "--json"];
    let others = ["secret list", "plugin list", "audit tail", "policy check", "doctor", "--help"];
    let others = others.map(|line| line.split(' ').collect::<Vec<_>>());
    for arguments in [add].into_iter().chain(others.iter().map(Vec::as_slice)) {
        let full = File::options().write(true).open("/dev/full").expect("the device");
        let (code, said) = writing_to(&home, full, arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(said, @r"
            error[AX-S001]: the answer could not be written to standard output
            caused by: No space left on device (os error 28)

            hint: look at what was done before you run it again: ax audit tail
            ");
        }
    }
}

#[test]
fn a_failure_keeps_its_code_when_it_cannot_be_written() {
    let home = setup::with_env();
    let full = File::options().write(true).open("/dev/full").expect("the device");
    let (code, said) = writing_to(&home, full, &["tool", "call", "test:env.count", "--json"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.starts_with("error[AX-S001]"), "{said}");
}

#[test]
fn a_reader_that_went_away_is_0() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    assert_eq!(
        writing_to(&setup::with_calc(), writer, &["plugin", "list"]),
        (Some(0), String::new())
    );
}
