//! Wrong input for a tool: where, what was wanted, what was found, what to type.

use ax_tests::home::Home;

use crate::setup;

fn call(input: &str) -> String {
    let home = setup::with_calc();
    home.told(&["tool", "call", "test:calc.add", input])
}

#[test]
fn text_that_is_no_json() {
    insta::assert_snapshot!(call("{a: 1}"), @"");
}

#[test]
fn json_that_is_no_object() {
    insta::assert_snapshot!(call("[1, 2]"), @"");
}

#[test]
fn a_member_of_another_type() {
    insta::assert_snapshot!(call(r#"{"a": "1", "b": 2}"#), @"");
}

#[test]
fn a_number_out_of_range() {
    insta::assert_snapshot!(call(r#"{"a": 2147483648, "b": 2}"#), @"");
}

#[test]
fn a_number_with_a_fraction() {
    insta::assert_snapshot!(call(r#"{"a": 1.5, "b": 2}"#), @"");
}

#[test]
fn a_missing_member() {
    insta::assert_snapshot!(call(r#"{"a": 1}"#), @"");
}

#[test]
fn a_member_too_many() {
    insta::assert_snapshot!(call(r#"{"a": 1, "b": 2, "c": 3}"#), @"");
}

#[test]
fn json_that_is_nested_too_deep() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    insta::assert_snapshot!(call(&deep), @"");
}

#[test]
fn input_that_is_too_long() {
    let home = setup::with_calc();
    home.write("long.json", format!("\"{}\"", "x".repeat(2 << 20)));
    insta::assert_snapshot!(home.told(&["tool", "call", "test:calc.add", "@long.json"]), @"");
}

#[test]
fn an_input_file_that_is_not_there() {
    let home = setup::with_calc();
    insta::assert_snapshot!(home.told(&["tool", "call", "test:calc.add", "@none.json"]), @"");
}

#[test]
fn an_input_file_that_is_no_text() {
    let home = setup::with_calc();
    home.write("bytes", [0xff, 0xfe]);
    insta::assert_snapshot!(home.told(&["tool", "call", "test:calc.add", "@bytes"]), @"");
}

#[test]
fn members_without_a_value_or_given_twice() {
    let home = setup::with_calc();
    insta::assert_snapshot!(home.told(&["tool", "call", "test:calc.add", "--arg", "a"]), @"");
    let twice = ["tool", "call", "test:calc.add", "--arg", "a=1", "--arg", "a=2"];
    insta::assert_snapshot!(home.told(&twice), @"");
}

#[test]
fn a_wrong_input_is_recorded_as_no_call() {
    let home = setup::with_calc();
    let _ = home.ax(&["tool", "call", "test:calc.add", "{"]).exits(2);
    let calls = home.ax(&["audit", "tail", "--kind", "call", "--json"]).ok().stdout;
    assert!(!calls.contains("\"decision\":\"allowed\""), "{calls}");
}

#[test]
fn what_steers_a_terminal_is_never_repeated_as_it_is() {
    let home: Home = setup::with_calc();
    for input in ["{\"\u{1b}[2J\": 1}", "\u{1b}]0;x\u{7}", "{\"a\": \"\u{202e}\"}"] {
        let run = home.ax(&["tool", "call", "test:calc.add", input]).exits(2);
        let shown = run.stderr.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}');
        assert!(shown, "{:?}", run.stderr);
    }
}
