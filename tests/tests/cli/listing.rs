//! `ax plugin list | show | remove | enable | disable`, `ax tool list`.

use ax_tests::components;
use ax_tests::home::Home;

use crate::setup;

#[test]
fn nothing_is_installed_at_first_and_the_next_step_is_named() {
    let home = Home::new();
    insta::assert_snapshot!(home.told(&["plugin", "list"]), @r"
    exit 0
    --- stdout
    no plugins are installed; ax plugin add FOLDER
    ");
    insta::assert_snapshot!(home.told(&["tool", "list"]), @r"
    exit 0
    --- stdout
    no tools are offered; ax plugin add FOLDER
    ");
    assert_eq!(home.ax(&["plugin", "list", "--json"]).ok().json(), serde_json::json!([]));
    assert_eq!(home.entries(), Vec::<String>::new(), "reading makes nothing");
}

#[test]
fn what_is_installed_is_listed_with_its_source() {
    let home = setup::with_calc();
    setup::write_env(&home);
    home.ax(&["plugin", "add", "env", "--grant-nothing"]).ok();
    home.ax(&["plugin", "disable", "test:env"]).ok();
    insta::assert_snapshot!(home.told(&["plugin", "list"]), @r"
    exit 0
    --- stdout
    PLUGIN     VERSION  STATE  SOURCE
    test:calc  1.0.0    on     folder:WORK/calc
    test:env   1.0.0    off    folder:WORK/env
    ");
}

#[test]
fn one_plugin_is_shown_with_all_that_holds_for_it() {
    let home = setup::with_env();
    insta::assert_snapshot!(home.told(&["plugin", "show", "test:env"]), @r"
    exit 0
    --- stdout
    test:env 1.0.0  Counts the variables it is given
      source     folder:WORK/env
      package    sha256:DIGEST
      component  sha256:DIGEST
      state      on
    permissions
      env:LANG  see the environment variable `LANG`
          not granted
    limits
      fuel            10000000000
      deadline        30 s
      memory          64 MiB
      input           1 MiB
      result          1 MiB
      hostcall-bytes  8 MiB
      log             1000 lines, 256 KiB
      concurrency     16
    tools
      test:env.count  count() -> result<u32, string>
    ");
}

#[test]
fn a_disabled_plugin_offers_no_tools_and_keeps_its_grants() {
    let home = setup::with_env();
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    home.ax(&["plugin", "disable", "test:env"]).ok();
    assert_eq!(home.ax(&["tool", "list", "--json"]).ok().json(), serde_json::json!([]));
    insta::assert_snapshot!(home.told(&["tool", "call", "test:env.count"]), @r"
    exit 1
    --- stderr
    error[AX-P002]: `test:env` is switched off

    hint: ax plugin enable test:env
    ");
    let refused = home.ax(&["tool", "call", "test:env.count"]).exits(1);
    let hint: Vec<&str> = refused.hint().split(' ').skip(1).collect();
    home.ax(&hint).ok();
    home.ax_with(setup::LANG, &["tool", "call", "test:env.count"]).ok();
}

#[test]
fn switching_to_what_it_is_already_changes_nothing() {
    let home = setup::with_calc();
    let same = home.ax(&["plugin", "enable", "test:calc", "--json"]).ok().json();
    assert_eq!(same["changed"], false);
    let off = home.ax(&["plugin", "disable", "test:calc", "--json"]).ok().json();
    assert_eq!((&off["changed"], &off["enabled"]), (&true.into(), &false.into()));
}

#[test]
fn removing_asks_first_and_takes_the_grants_along() {
    let home = setup::with_env();
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    insta::assert_snapshot!(home.told(&["plugin", "remove", "test:env"]), @r"
    exit 2
    --- stderr
    error[AX-U002]: there is nobody to ask: Remove test:env and its grants?

    hint: --yes
    ");
    assert_eq!(home.installed(), ["test:env"]);
    home.ax(&["plugin", "remove", "test:env", "--yes"]).ok();
    assert_eq!(home.installed(), Vec::<String>::new());
    home.ax(&["plugin", "add", "env", "--grant-nothing"]).ok();
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
}

#[test]
fn a_name_that_is_not_installed_is_not_found_by_any_command() {
    let home = setup::with_calc();
    let commands: [&[&str]; 9] = [
        &["plugin", "show", "test:clac"],
        &["plugin", "remove", "test:clac", "--yes"],
        &["plugin", "enable", "test:clac"],
        &["plugin", "disable", "test:clac"],
        &["plugin", "verify", "test:clac"],
        &["permission", "show", "test:clac"],
        &["permission", "grant", "test:clac", "kv"],
        &["permission", "revoke", "test:clac", "kv"],
        &["tool", "list", "test:clac"],
    ];
    for command in commands {
        let refused = home.ax(command).exits(3);
        assert!(refused.stderr.contains("error[AX-P001]: `test:clac`"), "{}", refused.stderr);
        assert!(refused.hint().contains("test:calc"), "{}", refused.stderr);
    }
}

#[test]
fn a_tool_is_listed_with_schemas_and_a_name_for_models() {
    let home = setup::with_calc();
    insta::assert_snapshot!(home.told(&["tool", "list"]), @r"
    exit 0
    --- stdout
    TOOL           DESCRIPTION
    test:calc.add  add(a: s32, b: s32) -> s32
    ");
    let listed = home.ax(&["tool", "list", "--json"]).ok().json();
    assert_eq!(listed[0]["id"], "test:calc.add");
    assert_eq!(listed[0]["wireName"], "test_calc_add");
    assert_eq!(listed[0]["inputSchema"]["required"], serde_json::json!(["a", "b"]));
}

#[test]
fn tools_of_one_plugin_are_listed_alone() {
    let home = setup::with_calc();
    home.write("more.wasm", components::runaway());
    home.ax(&["plugin", "add", "more.wasm", "--name", "test:more"]).ok();
    let listed = home.ax(&["tool", "list", "test:more", "--json"]).ok().json();
    let ids: Vec<&str> =
        listed.as_array().expect("a list").iter().flat_map(|t| t["id"].as_str()).collect();
    assert_eq!(ids, ["test:more.crash", "test:more.spin"]);
}
