//! Exit codes: one for each thing a script may want to know.

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
