//! `ax permission grant | revoke | show`: what holds, where, for how long.

use ax_tests::home::Home;

use crate::setup;

/// Calls the tool that needs `env:LANG`; returns the exit code.
fn call(home: &Home, flags: &[&str]) -> i32 {
    home.ax_with(setup::LANG, &[&["tool", "call", "test:env.count"], flags].concat()).code
}

fn grant(home: &Home, flags: &[&str]) {
    home.ax(&[&["permission", "grant", "test:env", "env:LANG"], flags].concat()).ok();
}

#[test]
fn a_grant_opens_what_it_names_until_it_is_taken_back() {
    let home = setup::with_env();
    assert_eq!(call(&home, &[]), 5);
    grant(&home, &[]);
    assert_eq!(call(&home, &[]), 0);
    assert_eq!(call(&home, &[]), 0);
    home.ax(&["permission", "revoke", "test:env", "env:LANG"]).ok();
    assert_eq!(call(&home, &[]), 5);
}

#[test]
fn a_grant_for_once_is_used_up_by_one_call() {
    let home = setup::with_env();
    grant(&home, &["--scope", "once"]);
    assert_eq!(home.granted("test:env"), ["env:LANG"]);
    assert_eq!(call(&home, &[]), 0);
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
    assert_eq!(call(&home, &[]), 5);
}

#[test]
fn a_call_that_never_starts_does_not_use_up_a_grant_for_once() {
    let home = setup::with_env();
    grant(&home, &["--scope", "once"]);
    home.ax(&["tool", "call", "test:env.cuont"]).exits(3);
    home.ax(&["tool", "call", "test:env.count", "{not json"]).exits(2);
    home.ax(&["tool", "call", "test:env.count", r#"{"x": 1}"#]).exits(2);
    assert_eq!(home.granted("test:env"), ["env:LANG"]);
    assert_eq!(call(&home, &[]), 0);
}

#[test]
fn a_grant_for_a_project_counts_in_that_project_alone() {
    let home = setup::with_env();
    home.write("here/ax.toml", "");
    home.write("there/ax.toml", "");
    grant(&home, &["--scope", "project", "--workspace", "here"]);
    assert_eq!(call(&home, &["--workspace", "here"]), 0);
    assert_eq!(call(&home, &["-C", "here"]), 0);
    assert_eq!(call(&home, &["--workspace", "there"]), 5);
    assert_eq!(call(&home, &[]), 5);
}

#[test]
fn a_grant_for_a_project_needs_one() {
    let home = setup::with_env();
    let arguments = ["permission", "grant", "test:env", "env:LANG", "--scope", "project"];
    insta::assert_snapshot!(home.told(&arguments), @r"
    exit 2
    --- stderr
    error[AX-U001]: there is no project here to grant it for

    hint: name its folder: --workspace DIR, or use --scope always
    ");
}

#[test]
fn a_grant_ends_when_its_time_is_over() {
    let home = setup::with_env();
    grant(&home, &["--expires", "1 ms"]);
    // The command itself took longer than that.
    assert_eq!(call(&home, &[]), 5);
    let shown = home.ax(&["permission", "show", "test:env"]).ok().stdout;
    assert!(shown.contains("      ended "), "{shown}");
    grant(&home, &["--expires", "1 h"]);
    assert_eq!(call(&home, &[]), 0);
}

#[test]
fn a_time_that_is_none_is_refused() {
    let home = setup::with_env();
    for wrong in ["tomorrow", "", "0 s", "-1 s", "99999999999999999999 d"] {
        let flag = format!("--expires={wrong}");
        let arguments = ["permission", "grant", "test:env", "env:LANG", &flag];
        let refused = home.ax(&arguments).exits(2);
        assert_eq!(refused.hint(), "--expires 7d", "{wrong}");
    }
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
}

#[test]
fn a_permission_for_one_call_is_written_nowhere() {
    let home = setup::with_env();
    assert_eq!(call(&home, &["--allow", "env:LANG"]), 0);
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
    assert_eq!(call(&home, &[]), 5);
}

#[test]
fn what_the_manifest_does_not_ask_for_is_not_granted() {
    let home = setup::with_env();
    insta::assert_snapshot!(home.told(&["permission", "grant", "test:env", "env:HOME"]), @r"
    exit 2
    --- stderr
    error[AX-P014]: `test:env` does not ask for `env:HOME`

    hint: ax permission grant test:env 'env:LANG'
    ");
    insta::assert_snapshot!(home.told(&["tool", "call", "test:env.count", "--allow", "kv"]), @r"
    exit 2
    --- stderr
    error[AX-P014]: `test:env` does not ask for `kv`

    hint: ax permission show test:env
    ");
    // Wider than asked for is more than asked for.
    home.ax(&["permission", "grant", "test:env", "env:*"]).exits(2);
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
}

#[test]
fn what_is_not_granted_is_not_revoked() {
    let home = setup::with_env();
    insta::assert_snapshot!(home.told(&["permission", "revoke", "test:env", "env:LANG"]), @r"
    exit 3
    --- stderr
    error[AX-P015]: `test:env` holds no grant that `env:LANG` covers

    hint: ax permission show test:env
    ");
}

#[test]
fn a_wider_permission_revokes_all_that_it_covers() {
    let home = setup::with_env();
    grant(&home, &[]);
    grant(&home, &["--scope", "once"]);
    let revoked = home.ax(&["permission", "revoke", "test:env", "env:*", "--json"]).ok().json();
    assert_eq!(revoked.as_array().map(Vec::len), Some(2));
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
}

#[test]
fn asks_and_grants_are_shown_side_by_side() {
    let home = setup::with_env();
    insta::assert_snapshot!(home.told(&["permission", "show", "test:env"]), @r"
    exit 0
    --- stdout
    test:env from folder:WORK/env
      env:LANG  see the environment variable `LANG`
          not granted
    ");
    grant(&home, &[]);
    insta::assert_snapshot!(home.told(&["permission", "show"]), @r"
    exit 0
    --- stdout
    test:env from folder:WORK/env
      env:LANG  see the environment variable `LANG`
          granted always: env:LANG
    ");
}

#[test]
fn granting_the_same_again_changes_nothing() {
    let home = setup::with_env();
    grant(&home, &[]);
    let arguments = ["permission", "grant", "test:env", "env:LANG", "--json"];
    let again = home.ax(&arguments).ok().json();
    assert_eq!(again["generation"], 2);
    assert_eq!(home.granted("test:env"), ["env:LANG"]);
}
