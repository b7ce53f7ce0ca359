//! `ax tool call`: how the input is given and the answer comes back.

use ax_tests::components;
use ax_tests::home::Home;

use crate::setup;

#[test]
fn the_input_comes_as_json_a_file_standard_input_or_members() {
    let home = setup::with_calc();
    home.write("input.json", r#"{"a": 40, "b": 2}"#);
    let ways: [&[&str]; 3] =
        [&[r#"{"a": 40, "b": 2}"#], &["@input.json"], &["--arg", "a=40", "--arg", "b=2"]];
    for way in ways {
        let called = home.ax(&[&["tool", "call", "test:calc.add"], way].concat()).ok();
        assert_eq!(called.stdout, "42\n", "{way:?}");
    }
    let piped = home.ax_reading(br#"{"a": 40, "b": 2}"#, &["tool", "call", "test:calc.add", "-"]);
    assert_eq!(piped.ok().stdout, "42\n");
}

#[test]
fn files_are_looked_for_where_the_command_acts() {
    let home = Home::new();
    home.write("sub/input.json", r#"{"a": 1, "b": 2}"#);
    home.write_plugin("sub/calc", components::CALC_MANIFEST, &components::calc());
    home.ax(&["-C", "sub", "plugin", "add", "calc"]).ok();
    let called = home.ax(&["-C", "sub", "tool", "call", "test:calc.add", "@input.json"]).ok();
    assert_eq!(called.stdout, "3\n");
    home.ax(&["-C", "sub", "audit", "export", "-o", "log.jsonl"]).ok();
    assert!(home.work().join("sub/log.jsonl").is_file());
}

#[test]
fn a_tool_without_parameters_needs_no_input() {
    let home = setup::with_env();
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    assert_eq!(home.ax_with(setup::LANG, &["tool", "call", "test:env.count"]).ok().stdout, "1\n");
}

#[test]
fn the_error_of_a_tool_is_its_own_message() {
    let home = setup::with_env();
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    // Granted, and not set here.
    insta::assert_snapshot!(home.told(&["tool", "call", "test:env.count"]), @r"
    exit 1
    --- stderr
    error[AX-T005]: no variable is set
    ");
}

#[test]
fn the_answer_as_json_carries_the_cost() {
    let home = setup::with_calc();
    let arguments = ["tool", "call", "test:calc.add", r#"{"a": 1, "b": 2}"#, "--json"];
    let called = home.ax(&arguments).ok();
    assert_eq!(called.stderr, "");
    let called = called.json();
    assert_eq!(called["output"], 3);
    assert_eq!(called["tool"], "test:calc.add");
    assert!(called["usage"]["fuel"].as_u64().is_some_and(|fuel| fuel > 0), "{called}");
    assert_eq!(called["denials"], serde_json::json!([]));
}

#[test]
fn numbers_wrap_as_the_component_says() {
    let home = setup::with_calc();
    let arguments = ["tool", "call", "test:calc.add", r#"{"a": 2147483647, "b": 1}"#];
    assert_eq!(home.ax(&arguments).ok().stdout, "-2147483648\n");
}

#[test]
fn an_unknown_tool_is_answered_with_the_nearest_name() {
    let home = setup::with_calc();
    insta::assert_snapshot!(home.told(&["tool", "call", "test:calc.ad"]), @r"
    exit 3
    --- stderr
    error[AX-T001]: `test:calc` has no tool `ad`

    hint: ax tool call test:calc.add
    ");
}

#[test]
fn the_plugin_sees_no_variable_of_the_person() {
    let home = Home::new();
    let manifest = components::ENV_MANIFEST
        .replace(r#"[{ name = "LANG", reason = "To speak your language" }]"#, r#"["LANG", "TZ"]"#);
    home.write_plugin("env", &manifest, &components::env());
    home.ax(&["plugin", "add", "env", "--allow", "env:LANG"]).ok();
    let mut command = home.command(&["tool", "call", "test:env.count"]);
    command.env("LANG", "C").env("TZ", "UTC").env("SECRET", "x");
    let output = command.output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n", "{output:?}");
}
