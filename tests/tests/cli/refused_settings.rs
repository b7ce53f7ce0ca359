//! Wrong settings: where they stand, why, what to type.

use ax_tests::home::Home;

fn user(text: &str) -> String {
    let home = Home::new();
    home.write("config.toml", text);
    home.told(&["plugin", "list", "--config", "config.toml"])
}

fn project(text: &str) -> String {
    let home = Home::new();
    home.write("ax.toml", text);
    home.told(&["plugin", "list"])
}

#[test]
fn a_user_file_that_is_no_toml() {
    insta::assert_snapshot!(user("color = \n"), @"");
}

#[test]
fn a_misspelled_setting() {
    insta::assert_snapshot!(user("[sandbox]\nthread = 2\n"), @"");
}

#[test]
fn a_setting_out_of_range() {
    insta::assert_snapshot!(user("[sandbox]\nmemory-percent = 99\n"), @"");
}

#[test]
fn a_setting_of_another_type() {
    insta::assert_snapshot!(user("[sandbox]\nthreads = \"2\"\n"), @"");
}

#[test]
fn a_user_file_that_was_named_and_is_not_there() {
    let home = Home::new();
    insta::assert_snapshot!(home.told(&["plugin", "list", "--config", "none.toml"]), @"");
}

#[test]
fn a_project_that_tries_to_relax_the_sandbox() {
    insta::assert_snapshot!(project("[sandbox]\nmemory-percent = 90\n"), @"");
}

#[test]
fn a_project_that_tries_to_bind_a_folder() {
    insta::assert_snapshot!(project("[folders]\nroot = \"/\"\n"), @"");
}

#[test]
fn a_project_that_tries_to_answer_questions() {
    insta::assert_snapshot!(project("yes = true\n"), @"");
}

#[test]
fn a_variable_that_is_neither_yes_nor_no() {
    let home = Home::new();
    let run = home.ax_with(("AX_JSON", "maybe"), &["plugin", "list"]);
    insta::assert_snapshot!(home.tell(&run), @"");
}

#[test]
fn a_workspace_that_is_not_there() {
    let home = Home::new();
    insta::assert_snapshot!(home.told(&["plugin", "list", "--workspace", "none"]), @"");
}

#[test]
fn no_place_for_data() {
    let home = Home::new();
    let mut command = home.command(&["plugin", "list"]);
    let output = command.env_remove("AX_HOME").output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    insta::assert_snapshot!(said, @"");
}
