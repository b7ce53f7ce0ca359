//! `ax plugin add`: from a folder, a package, a bare component; again, and from elsewhere.

use ax_tests::components;
use ax_tests::home::Home;

use crate::setup;

#[test]
fn a_folder_is_installed_and_its_tool_answers() {
    let home = setup::with_calc();
    assert_eq!(home.installed(), ["test:calc"]);
    let called = home.ax(&["tool", "call", "test:calc.add", r#"{"a": 2, "b": 3}"#]).ok();
    assert_eq!(called.stdout, "5\n");
}

#[test]
fn a_package_is_installed_and_its_tool_answers() {
    let home = Home::new();
    home.write("calc.axp", setup::package(components::CALC_MANIFEST, components::calc()));
    home.ax(&["plugin", "add", "calc.axp"]).ok();
    let called = home.ax(&["tool", "call", "test:calc.add", r#"{"a": 2, "b": 3}"#]).ok();
    assert_eq!(called.stdout, "5\n");
    let shown = home.ax(&["plugin", "show", "test:calc", "--json"]).ok().json();
    let file = home.work().join("calc.axp");
    assert_eq!(shown["source"], format!("file:{}", file.display()));
}

#[test]
fn a_bare_component_is_installed_under_the_name_it_is_given() {
    let home = Home::new();
    home.write("calc.wasm", components::calc());
    home.ax(&["plugin", "add", "calc.wasm", "--name", "me:sums", "--release", "2.1.0"]).ok();
    let called = home.ax(&["tool", "call", "me:sums.add", r#"{"a": 2, "b": 3}"#]).ok();
    assert_eq!(called.stdout, "5\n");
    let shown = home.ax(&["plugin", "show", "me:sums", "--json"]).ok().json();
    assert_eq!(shown["version"], "2.1.0");
}

#[test]
fn a_folder_and_its_package_say_the_same_tools() {
    let home = setup::with_calc();
    home.write("calc.axp", setup::package(components::CALC_MANIFEST, components::calc()));
    let shown = |home: &Home| {
        let shown = home.ax(&["plugin", "show", "test:calc", "--json"]).ok().json();
        (shown["tools"].clone(), shown["package"].clone())
    };
    let from_folder = shown(&home);
    home.ax(&["plugin", "add", "calc.axp"]).ok();
    assert_eq!(shown(&home), from_folder);
}

#[test]
fn installing_the_same_again_changes_nothing() {
    let home = setup::with_calc();
    let again = home.ax(&["plugin", "add", "calc", "--json"]).ok().json();
    assert_eq!((&again["changed"], &again["generation"]), (&false.into(), &1.into()));
    assert_eq!(home.ax(&["plugin", "add", "calc"]).ok().stdout, "");
    let told = home.ax(&["plugin", "add", "calc"]).ok();
    assert!(told.stderr.contains("test:calc 1.0.0 is installed already\n"), "{}", told.stderr);
}

#[test]
fn another_build_replaces_the_one_before() {
    let home = setup::with_calc();
    home.write("calc/plugin.wasm", components::calc_rebuilt());
    let again = home.ax(&["plugin", "add", "calc", "--json"]).ok().json();
    assert_eq!((&again["changed"], &again["generation"]), (&true.into(), &2.into()));
    assert_eq!(home.installed(), ["test:calc"]);
    let called = home.ax(&["tool", "call", "test:calc.add", r#"{"a": 2, "b": 3}"#]).ok();
    assert_eq!(called.stdout, "5\n");
}

#[test]
fn an_answer_to_a_new_card_replaces_what_was_granted_before() {
    let home = setup::with_env();
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    let manifest = components::ENV_MANIFEST.replace("1.0.0", "1.1.0");
    home.write_plugin("env", &manifest, &components::env());
    home.ax(&["plugin", "add", "env", "--grant-nothing"]).ok();
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
    home.ax(&["plugin", "add", "env", "--allow", "env:LANG", "--expires", "7d"]).ok();
    home.ax(&["plugin", "add", "env", "--allow", "env:LANG"]).ok();
    assert_eq!(home.granted("test:env"), ["env:LANG"]);
}

#[test]
fn what_was_switched_off_stays_off() {
    let home = setup::with_calc();
    home.ax(&["plugin", "disable", "test:calc"]).ok();
    home.ax(&["plugin", "add", "calc"]).ok();
    home.ax(&["tool", "call", "test:calc.add", "{\"a\": 1, \"b\": 2}"]).exits(1);
}

#[test]
fn a_link_or_a_pipe_is_not_taken_for_a_file_of_the_plugin() {
    let home = setup::with_env();
    let folder = home.write_plugin("linked", components::ENV_MANIFEST, &components::env());
    let secret = home.write("secret.txt", "not yours");
    std::os::unix::fs::symlink(secret, folder.join("README.md")).expect("a link");
    let refused = home.ax(&["plugin", "add", "linked", "--grant-nothing"]).exits(1);
    assert!(refused.stderr.contains("README.md` is not an ordinary file"), "{}", refused.stderr);
    // Nor is what lies behind one, also if that stays in the folder.
    std::os::unix::fs::symlink(".", folder.join("way")).expect("a link");
    let behind = "[plugin]\ncomponent = \"way/plugin.wasm\"\n";
    home.write("linked/plugin.toml", components::ENV_MANIFEST.replace("[plugin]\n", behind));
    let refused = home.ax(&["plugin", "add", "linked", "--grant-nothing"]).exits(1);
    let told = "way/plugin.wasm` is not an ordinary file";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
}

#[test]
fn a_home_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = setup::with_env();
    let open = std::fs::Permissions::from_mode(0o777);
    fs_err::set_permissions(home.path(), open).expect("it is ours");
    let refused = home.ax(&["plugin", "disable", "test:env"]).exits(1);
    assert!(refused.stderr.contains("is not for this user alone (mode 777)"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: chmod 700 "), "{}", refused.stderr);
}

#[test]
fn nothing_granted_carries_over_to_another_source() {
    let home = setup::with_env();
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    home.write_plugin("elsewhere", components::ENV_MANIFEST, &components::env());
    let replaced = home.ax(&["plugin", "add", "elsewhere", "--grant-nothing"]).ok();
    insta::assert_snapshot!(home.tell(&replaced), @r"
    exit 0
    --- stderr
    test:env 1.0.0  Counts the variables it is given
      from       folder:WORK/elsewhere
      publisher  none: it is not signed
      component  DIGEST (592 B)
      tools      count
      asks to
        - see the environment variable `LANG`
            env:LANG
            because: To speak your language
      network    none, by any path
      replaces   1.0.0
      it comes from another source: nothing granted before carries over
    installed test:env 1.0.0
    not granted: env:LANG
    try: ax tool call test:env.count
    ");
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
    // Nor does it come back with the first one.
    home.ax(&["plugin", "add", "env", "--grant-nothing"]).ok();
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
}

#[test]
fn what_is_asked_for_no_longer_is_no_longer_granted() {
    let home = setup::with_env();
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    let manifest = components::ENV_MANIFEST.replace("LANG", "TZ");
    home.write_plugin("env", &manifest, &components::env());
    home.ax(&["plugin", "add", "env", "--grant-nothing"]).ok();
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
}

#[test]
fn the_home_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = setup::with_calc();
    let mode = fs_err::metadata(home.path()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "{:o}", mode & 0o777);
}
