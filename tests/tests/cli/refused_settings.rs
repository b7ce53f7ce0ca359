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
    insta::assert_snapshot!(user("color = \n"), @r#"
    exit 2
    --- stderr
    error[AX-G001]: WORK/config.toml:1:9: string values must be quoted, expected literal string

    hint: strings and names with a colon stand in quotes, like `[plugins."ax:metrics"]`; see https://toml.io
    "#);
}

#[test]
fn a_misspelled_setting() {
    insta::assert_snapshot!(user("[sandbox]\nthread = 2\n"), @r"
    exit 2
    --- stderr
    error[AX-G001]: WORK/config.toml:2:1: unknown key `sandbox.thread`

    hint: did you mean `threads`?
    ");
}

#[test]
fn a_setting_out_of_range() {
    insta::assert_snapshot!(user("[sandbox]\nmemory-percent = 99\n"), @r"
    exit 2
    --- stderr
    error[AX-G001]: WORK/config.toml:2:18: `sandbox.memory-percent` is 99, outside of 1 to 90

    hint: write a number from 1 to 90
    ");
}

#[test]
fn a_setting_of_another_type() {
    insta::assert_snapshot!(user("[sandbox]\nthreads = \"2\"\n"), @r"
    exit 2
    --- stderr
    error[AX-G001]: WORK/config.toml:2:11: `sandbox.threads` is a string, not a whole number

    hint: write it like `threads = 2`, without quotes
    ");
}

#[test]
fn a_user_file_that_was_named_and_is_not_there() {
    let home = Home::new();
    insta::assert_snapshot!(home.told(&["plugin", "list", "--config", "none.toml"]), @r"
    exit 2
    --- stderr
    error[AX-G001]: there is no file `WORK/none.toml`, named by flag --config

    hint: create it, `touch WORK/none.toml`, or name another
    ");
}

#[test]
fn a_project_that_tries_to_relax_the_sandbox() {
    insta::assert_snapshot!(project("[sandbox]\nmemory-percent = 90\n"), @r"
    exit 2
    --- stderr
    error[AX-G001]: WORK/ax.toml:1:2: a project file may not set `sandbox`: it can come from a stranger, so it cannot relax anything

    hint: move it into the user file `HOME/config.toml`
    ");
}

#[test]
fn a_project_that_tries_to_bind_a_folder() {
    insta::assert_snapshot!(project("[folders]\nroot = \"/\"\n"), @r"
    exit 2
    --- stderr
    error[AX-G001]: WORK/ax.toml:1:2: a project file may not set `folders`: it can come from a stranger, so it cannot relax anything

    hint: move it into the user file `HOME/config.toml`
    ");
}

#[test]
fn a_project_that_tries_to_open_a_network() {
    insta::assert_snapshot!(project("[network]\nopen = [\"10.0.0.0/8\"]\n"), @r"
    exit 2
    --- stderr
    error[AX-G001]: WORK/ax.toml:1:2: a project file may not set `network`: it can come from a stranger, so it cannot relax anything

    hint: move it into the user file `HOME/config.toml`
    ");
}

#[test]
fn a_project_that_tries_to_answer_questions() {
    insta::assert_snapshot!(project("yes = true\n"), @r"
    exit 2
    --- stderr
    error[AX-G001]: WORK/ax.toml:1:1: a project file may not set `yes`: it can come from a stranger, so it cannot relax anything

    hint: delete it here; use `--yes` or set AX_YES=1
    ");
}

#[test]
fn a_variable_that_is_neither_yes_nor_no() {
    let home = Home::new();
    let run = home.ax_with(("AX_JSON", "maybe"), &["plugin", "list"]);
    insta::assert_snapshot!(home.tell(&run), @r"
    exit 2
    --- stderr
    error[AX-G001]: variable AX_JSON is `maybe`: it is neither a yes nor a no

    hint: export AX_JSON=1, or AX_JSON=0
    ");
}

#[test]
fn a_workspace_that_is_not_there() {
    let home = Home::new();
    insta::assert_snapshot!(home.told(&["plugin", "list", "--workspace", "none"]), @r"
    exit 2
    --- stderr
    error[AX-G001]: cannot open the folder `WORK/none` of flag --workspace
    caused by: failed to canonicalize path `WORK/none`: No such file or directory (os error 2)

    hint: create it, `mkdir -p WORK/none`, or name another
    ");
}

#[test]
fn no_place_for_data() {
    let home = Home::new();
    let mut command = home.command(&["plugin", "list"]);
    let output = command.env_remove("AX_HOME").output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    insta::assert_snapshot!(said, @r"
    error[AX-G001]: there is no place for data: neither AX_HOME nor HOME is set

    hint: export AX_HOME=/some/folder
    ");
}
