//! Wrong command lines: exit 2, a code, what is wrong, what to type.

use ax_tests::home::Home;

/// Runs a wrong command line; checks its shape, and that what is wrong and what to type are said.
fn refused(arguments: &[&str], what: &str, hint: &str) {
    let run = Home::new().ax(arguments).exits(2);
    assert!(run.stderr.starts_with("error[AX-U001]: "), "{}", run.stderr);
    assert!(run.stderr.contains(what), "{}", run.stderr);
    assert!(run.hint().contains(hint), "{}", run.stderr);
    assert_eq!(run.stdout, "");
}

#[test]
fn an_unknown_command() {
    refused(&["plugins", "list"], "plugins", "plugin");
}

#[test]
fn an_unknown_flag() {
    refused(&["plugin", "list", "--jsno"], "--jsno", "--json");
}

#[test]
fn an_argument_that_is_missing() {
    refused(&["plugin", "add"], "<PATH>", "ax plugin add <PATH>");
}

#[test]
fn flags_that_exclude_each_other() {
    let arguments = ["plugin", "add", "x", "--grant-nothing", "--allow", "kv"];
    refused(&arguments, "cannot be used with", "ax plugin add");
}

#[test]
fn an_unknown_kind_of_permission() {
    refused(&["permission", "grant", "test:x", "nett:https://x.org"], "nett", "net");
}

#[test]
fn a_permission_without_its_detail() {
    let arguments = ["permission", "grant", "test:x", "fs:workspace"];
    refused(&arguments, "lacks the access", "fs:workspace:read");
}

#[test]
fn a_name_that_is_none() {
    refused(&["plugin", "show", "Calc"], "no namespace", "ax:metrics");
}

#[test]
fn a_tool_id_without_a_tool() {
    refused(&["tool", "call", "test:calc"], "`test:calc` is not a name", "ax:metrics");
}

#[test]
fn a_digest_that_is_none() {
    refused(&["plugin", "add", "x", "--accept-card", "12345"], "12345", "sha256:");
}

#[test]
fn a_folder_without_a_name() {
    refused(&["plugin", "list", "--folder", "/srv"], "/srv", "NAME=DIR");
}

#[test]
fn an_unknown_code() {
    insta::assert_snapshot!(Home::new().told(&["explain", "AX-P999"]), @r"
    exit 3
    --- stderr
    error[AX-U004]: there is no code `AX-P999`

    hint: ax explain
    ");
}

#[test]
fn a_wrong_command_line_as_json() {
    let fault = Home::new().ax(&["plugin", "list", "--jsno", "--json"]).exits(2).json();
    assert_eq!(fault["code"], "AX-U001");
    assert!(fault["hint"].as_str().is_some_and(|hint| hint.contains("--json")), "{fault}");
    let wrong = Home::new().ax_with(("AX_JSON", "1"), &["plugin", "list", "--jsno"]).exits(2);
    assert_eq!(wrong.json()["code"], "AX-U001");
}

#[test]
fn no_command_at_all_shows_what_there_is() {
    let run = Home::new().ax(&[]).exits(2);
    assert!(run.stderr.contains("Usage: ax"), "{}", run.stderr);
}
