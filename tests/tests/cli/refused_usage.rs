//! Wrong command lines: exit 2, the flag named, what is accepted.

use ax_tests::home::Home;

fn told(arguments: &[&str]) -> String {
    Home::new().told(arguments)
}

#[test]
fn an_unknown_command() {
    insta::assert_snapshot!(told(&["plugins", "list"]), @"");
}

#[test]
fn an_unknown_flag() {
    insta::assert_snapshot!(told(&["plugin", "list", "--jsno"]), @"");
}

#[test]
fn an_argument_that_is_missing() {
    insta::assert_snapshot!(told(&["plugin", "add"]), @"");
}

#[test]
fn an_unknown_kind_of_permission() {
    insta::assert_snapshot!(told(&["permission", "grant", "test:x", "netz:https://x.org"]), @"");
}

#[test]
fn a_permission_without_its_detail() {
    insta::assert_snapshot!(told(&["permission", "grant", "test:x", "fs:workspace"]), @"");
}

#[test]
fn a_tool_id_without_a_tool() {
    insta::assert_snapshot!(told(&["tool", "call", "test:calc"]), @"");
}

#[test]
fn a_digest_that_is_none() {
    insta::assert_snapshot!(told(&["plugin", "add", "x", "--accept-card", "12345"]), @"");
}

#[test]
fn a_folder_without_a_name() {
    insta::assert_snapshot!(told(&["plugin", "list", "--folder", "/srv"]), @"");
}

#[test]
fn an_unknown_code() {
    insta::assert_snapshot!(told(&["explain", "AX-P999"]), @"");
}

#[test]
fn a_wrong_command_line_as_json() {
    insta::assert_snapshot!(told(&["plugin", "list", "--jsno", "--json"]), @"");
}
