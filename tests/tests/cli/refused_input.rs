//! Wrong input for a tool: where, what was wanted, what was found, what to type.

use ax_tests::home::Home;

use crate::setup;

fn call(input: &str) -> String {
    let home = setup::with_calc();
    home.told(&["tool", "call", "test:calc.add", input])
}

#[test]
fn text_that_is_no_json() {
    insta::assert_snapshot!(call("{a: 1}"), @r#"
    exit 2
    --- stderr
    error[AX-T002]: the input is not usable JSON
    caused by: line 1, column 2: key must be a string

    hint: quote it for the shell: ax tool call PLUGIN.TOOL '{"name": "value"}'
    "#);
}

#[test]
fn json_that_is_no_object() {
    insta::assert_snapshot!(call("[1, 2]"), @r"
    exit 2
    --- stderr
    error[AX-T002]: the input does not fit the tool
    caused by: `/` has another type: wanted parameters (a: s32, b: s32), found [1,2]

    hint: the input is an object with one member for each parameter
    ");
}

#[test]
fn a_member_of_another_type() {
    insta::assert_snapshot!(call(r#"{"a": "1", "b": 2}"#), @r#"
    exit 2
    --- stderr
    error[AX-T002]: the input does not fit the tool
    caused by: `/a` has another type: wanted s32, found "1"

    hint: write it without quotes
    "#);
}

#[test]
fn a_number_out_of_range() {
    insta::assert_snapshot!(call(r#"{"a": 2147483648, "b": 2}"#), @r"
    exit 2
    --- stderr
    error[AX-T002]: the input does not fit the tool
    caused by: `/a` is out of range: wanted s32, found 2147483648

    hint: s32 is -2147483648 to 2147483647
    ");
}

#[test]
fn a_number_with_a_fraction() {
    insta::assert_snapshot!(call(r#"{"a": 1.5, "b": 2}"#), @r"
    exit 2
    --- stderr
    error[AX-T002]: the input does not fit the tool
    caused by: `/a` is not a whole number: wanted s32, found 1.5
    ");
}

#[test]
fn a_missing_member() {
    insta::assert_snapshot!(call(r#"{"a": 1}"#), @r"
    exit 2
    --- stderr
    error[AX-T002]: the input does not fit the tool
    caused by: `/b` is missing: wanted s32, found nothing
    ");
}

#[test]
fn a_member_too_many() {
    let told = call(r#"{"a": 1, "b": 2, "c": 3}"#);
    let expected = "caused by: `/c` is not known: wanted a member of parameters (a: s32, b: s32)";
    assert!(told.starts_with("exit 2\n--- stderr\nerror[AX-T002]: "), "{told}");
    assert!(told.contains(expected) && told.contains("\nhint: "), "{told}");
}

#[test]
fn json_that_is_nested_too_deep() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    insta::assert_snapshot!(call(&deep), @r"
    exit 2
    --- stderr
    error[AX-T002]: the input is not usable JSON
    caused by: it is nested more than 128 levels deep
    ");
}

#[test]
fn input_that_is_too_long() {
    let home = setup::with_calc();
    home.write("long.json", format!("\"{}\"", "x".repeat(2 << 20)));
    insta::assert_snapshot!(home.told(&["tool", "call", "test:calc.add", "@long.json"]), @r"
    exit 2
    --- stderr
    error[AX-T002]: the input is not usable JSON
    caused by: it has 2097154 B, at most 1 MiB are read
    ");
}

#[test]
fn an_input_file_that_is_not_there() {
    let home = setup::with_calc();
    insta::assert_snapshot!(home.told(&["tool", "call", "test:calc.add", "@none.json"]), @r"
    exit 3
    --- stderr
    error[AX-U001]: cannot use `none.json`
    caused by: No such file or directory (os error 2)

    hint: name one that is there; a path counts from the current folder, or that of -C
    ");
}

#[test]
fn an_input_file_that_is_no_text() {
    let home = setup::with_calc();
    home.write("bytes", [0xff, 0xfe]);
    insta::assert_snapshot!(home.told(&["tool", "call", "test:calc.add", "@bytes"]), @r"
    exit 2
    --- stderr
    error[AX-U001]: cannot use `bytes`
    caused by: stream did not contain valid UTF-8

    hint: it has to be UTF-8 text
    ");
    let read = home.ax_reading(&[0xff, 0xfe], &["tool", "call", "test:calc.add", "-"]).exits(2);
    assert!(read.stderr.contains("cannot use `standard input`"), "{}", read.stderr);
}

#[test]
fn members_without_a_value_or_given_twice() {
    let home = setup::with_calc();
    insta::assert_snapshot!(home.told(&["tool", "call", "test:calc.add", "--arg", "a"]), @r"
    exit 2
    --- stderr
    error[AX-U001]: `--arg a` has no value

    hint: --arg a=VALUE
    ");
    let twice = ["tool", "call", "test:calc.add", "--arg", "a=1", "--arg", "a=2"];
    insta::assert_snapshot!(home.told(&twice), @r#"
    exit 2
    --- stderr
    error[AX-U001]: `--arg a` is given twice

    hint: for a list: --arg 'a=["a", "b"]'
    "#);
}

#[test]
fn a_call_with_wrong_input_is_recorded_as_one_that_failed() {
    let home = setup::with_calc();
    home.ax(&["tool", "call", "test:calc.add", "{"]).exits(2);
    let row = home.ax(&["audit", "tail", "--kind", "call", "--json"]).ok().json();
    assert_eq!(row["body"]["outcome"], "error:invalid", "{row}");
    assert_eq!(row["body"]["fuel"], 0, "{row}");
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
