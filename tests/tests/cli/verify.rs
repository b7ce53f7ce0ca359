//! `ax plugin verify`, and what happens when what was installed is damaged.

use std::path::PathBuf;

use ax_tests::home::Home;

use crate::setup;

/// Finds the file of a blob in the store.
fn blob(home: &Home, key: &str) -> PathBuf {
    let shown = home.ax(&["plugin", "show", "test:calc", "--json"]).ok().json();
    let digest = shown[key].as_str().expect("a digest");
    let digits = digest.strip_prefix("sha256:").expect("a digest");
    let path = home.path().join("store/blobs/sha256").join(digits);
    assert!(path.is_file(), "{}", path.display());
    path
}

fn overwrite(path: &PathBuf, content: &[u8]) {
    fs_err::remove_file(path).expect("a blob is sealed, its folder is not");
    fs_err::write(path, content).expect("written");
}

#[test]
fn what_is_as_it_was_installed_passes() {
    let home = setup::with_calc();
    insta::assert_snapshot!(home.told(&["plugin", "verify"]), @r"
    exit 0
    --- stdout
    1 plugin checked, all as installed
    ");
    home.ax(&["plugin", "verify", "test:calc"]).ok();
}

#[test]
fn other_bytes_under_a_digest_are_found() {
    let home = setup::with_calc();
    overwrite(&blob(&home, "component"), b"something else");
    let found = home.ax(&["plugin", "verify"]).exits(6);
    insta::assert_snapshot!(home.tell(&found), @r"
    exit 6
    --- stdout
    test:calc: the blob `HOME/store/blobs/sha256/DIGEST` has digest sha256:DIGEST, but its name says sha256:DIGEST
      install it again from where it came: folder:WORK/calc
    1 plugin checked, 1 finding
    --- stderr
    error[AX-P017]: not as it was installed: 1 finding

    hint: ax plugin add FOLDER, for each
    ");
    let doctor = home.ax(&["doctor"]).exits(6).stdout;
    assert!(doctor.contains("FAIL  plugins"), "{doctor}");
}

#[test]
fn a_missing_package_is_found_and_nothing_of_it_runs() {
    let home = setup::with_calc();
    fs_err::remove_file(blob(&home, "package")).expect("it was there");
    home.ax(&["plugin", "verify", "test:calc"]).exits(6);
}

#[test]
fn a_damaged_package_hides_no_other_and_can_be_removed() {
    let home = setup::with_calc();
    setup::write_env(&home);
    home.ax(&["plugin", "add", "env", "--grant-nothing"]).ok();
    let lock = fs_err::read_to_string(home.path().join("gen/000002/plugins.lock")).expect("text");
    let calc = lock.split("[plugins.").find(|row| row.contains("test:calc")).expect("its row");
    let config = calc.lines().find_map(|line| line.strip_prefix("config = \"sha256:"));
    let config = config.expect("a digest").trim_end_matches('"');
    fs_err::remove_file(home.path().join("store/blobs/sha256").join(config)).expect("it was there");
    insta::assert_snapshot!(home.told(&["tool", "list"]), @r"
    exit 0
    --- stdout
    TOOL            DESCRIPTION
    test:env.count  count() -> result<u32, string>
    --- stderr
    warning: the package of `test:calc` cannot be read from the store; install `test:calc` again: ax plugin add FOLDER, or ax plugin remove test:calc
    ");
    insta::assert_snapshot!(home.told(&["permission", "show"]), @r"
    exit 0
    --- stdout
    test:env from folder:WORK/env
      env:LANG  see the environment variable `LANG`
          not granted
    --- stderr
    warning: the package of `test:calc` cannot be read from the store; install `test:calc` again: ax plugin add FOLDER, or ax plugin remove test:calc
    ");
    for command in ["tool list test:calc", "permission show test:calc", "plugin show test:calc"] {
        let refused = home.ax(&command.split(' ').collect::<Vec<_>>()).exits(1);
        assert!(refused.stderr.contains("error[AX-P011]"), "{command}: {}", refused.stderr);
    }
    home.ax(&["plugin", "verify", "test:calc"]).exits(6);
    home.ax(&["plugin", "remove", "test:calc", "--yes"]).ok();
    home.ax(&["plugin", "remove", "test:calc", "--yes"]).exits(3);
    assert_eq!(home.ax(&["tool", "list"]).ok().stderr, "");
}

#[test]
fn a_damaged_component_does_not_run_even_where_compiled_code_is_gone() {
    let home = setup::with_calc();
    overwrite(&blob(&home, "component"), b"something else");
    fs_err::remove_dir_all(home.path().join("cache")).expect("the cache is there");
    let arguments = ["tool", "call", "test:calc.add", r#"{"a": 1, "b": 2}"#];
    let refused = home.ax(&arguments).exits(1);
    assert!(refused.stderr.contains("error[AX-P011]"), "{}", refused.stderr);
}

#[test]
fn damaged_compiled_code_is_made_again_and_never_run() {
    let home = setup::with_calc();
    for entry in fs_err::read_dir(home.path().join("cache")).expect("the cache is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|kind| kind == "cwasm") {
            overwrite(&path, b"not machine code");
        }
    }
    let arguments = ["tool", "call", "test:calc.add", r#"{"a": 1, "b": 2}"#];
    assert_eq!(home.ax(&arguments).ok().stdout, "3\n");
}

#[test]
fn installing_again_mends_what_is_damaged() {
    let home = setup::with_calc();
    overwrite(&blob(&home, "component"), b"something else");
    home.ax(&["plugin", "verify"]).exits(6);
    home.ax(&["plugin", "add", "calc"]).ok();
    home.ax(&["plugin", "verify"]).ok();
}

#[test]
fn a_damaged_generation_names_the_one_that_is_whole() {
    let home = setup::with_calc();
    home.ax(&["plugin", "disable", "test:calc"]).ok();
    fs_err::write(home.path().join("gen/000002/plugins.lock"), "version = ").expect("written");
    insta::assert_snapshot!(home.told(&["plugin", "list"]), @r"
    exit 1
    --- stderr
    error[AX-L002]: generation 000002 is damaged
    caused by: `HOME/gen/000002/plugins.lock` is not a lock file
    caused by: plugins.lock:1:11: string values must be quoted, expected literal string

    hint: go back to generation 000001: echo 000001 > HOME/current
    ");
    let doctor = home.ax(&["doctor"]).exits(6).stdout;
    let doctor = home.tell_text(&doctor);
    assert!(doctor.contains("FAIL  state"), "{doctor}");
    assert!(doctor.contains("echo 000001 > HOME/current\n"), "{doctor}");
    fs_err::write(home.path().join("current"), "000001\n").expect("written");
    assert!(home.ax(&["plugin", "list"]).ok().stdout.contains("  on "));
    home.ax(&["plugin", "disable", "test:calc"]).ok();
}

#[test]
fn where_no_generation_is_whole_the_hint_begins_anew() {
    let home = setup::with_calc();
    fs_err::write(home.path().join("gen/000001/plugins.lock"), "").expect("written");
    let refused = home.ax(&["plugin", "list"]).exits(1);
    let (_, line) = refused.hint().split_once("nothing installed: ").expect("what to type");
    let mut shell = std::process::Command::new("sh");
    assert!(shell.args(["-c", line]).status().expect("a shell").success());
    assert_eq!(home.installed(), Vec::<String>::new());
    home.ax(&["plugin", "add", "calc"]).ok();
    home.ax(&["tool", "call", "test:calc.add", r#"{"a": 2, "b": 3}"#]).ok();
    home.ax(&["doctor"]).ok();
}

#[test]
fn a_lock_of_a_newer_ax_is_refused_untouched() {
    let home = setup::with_calc();
    let path = home.path().join("gen/000001/plugins.lock");
    let text = fs_err::read_to_string(&path).expect("the lock");
    let newer = text.replacen("version = 2", "version = 99", 1);
    assert_ne!(newer, text);
    fs_err::write(&path, &newer).expect("written");
    let refused = home.ax(&["plugin", "disable", "test:calc"]).exits(1);
    insta::assert_snapshot!(home.tell(&refused), @r"
    exit 1
    --- stderr
    error[AX-L002]: generation 000001 is damaged
    caused by: `HOME/gen/000001/plugins.lock` is not a lock file
    caused by: the lock has version 99, but this `ax` knows 2

    hint: upgrade `ax`; nothing was changed
    ");
    assert_eq!(fs_err::read_to_string(&path).expect("the lock"), newer);
}
