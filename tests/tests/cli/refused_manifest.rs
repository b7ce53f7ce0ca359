//! Wrong folders and manifests: line and column, why, what to type; and nothing is installed.

use ax_tests::components;
use ax_tests::home::Home;

/// Adds a folder with this manifest and a whole component; gives what was said.
fn refused(manifest: &str) -> String {
    let home = Home::new();
    home.write_plugin("plugin", manifest, &components::calc());
    let told = home.told(&["plugin", "add", "plugin"]);
    assert_eq!(home.installed(), Vec::<String>::new());
    told
}

fn with(more: &str) -> String {
    format!("{}{more}", components::CALC_MANIFEST)
}

#[test]
fn a_folder_that_is_not_there() {
    let home = Home::new();
    insta::assert_snapshot!(home.told(&["plugin", "add", "missing"]), @r"
    exit 3
    --- stderr
    error[AX-P003]: cannot read `missing`
    caused by: No such file or directory (os error 2)

    hint: name a folder with a plugin.toml, an .axp file or a .wasm component
    ");
}

#[test]
fn a_folder_without_a_manifest() {
    let home = Home::new();
    home.write("plugin/readme.txt", "nothing here");
    insta::assert_snapshot!(home.told(&["plugin", "add", "plugin"]), @r"
    exit 1
    --- stderr
    error[AX-P003]: `WORK/plugin` is no plugin: it has no plugin.toml

    hint: write WORK/plugin/plugin.toml with a [plugin] table
    ");
}

#[test]
fn a_folder_that_was_not_built() {
    let home = Home::new();
    home.write("plugin/plugin.toml", components::CALC_MANIFEST);
    insta::assert_snapshot!(home.told(&["plugin", "add", "plugin"]), @r#"
    exit 1
    --- stderr
    error[AX-P003]: the component `WORK/plugin/plugin.wasm` is not there

    hint: build it for wasm32-wasip2, or name it in plugin.toml: [plugin] component = "PATH"
    "#);
}

#[test]
fn a_manifest_that_is_no_toml() {
    insta::assert_snapshot!(refused("[plugin\nname = 1"), @r"
    exit 1
    --- stderr
    error[AX-P004]: `WORK/plugin/plugin.toml` is not a valid manifest
    caused by: plugin.toml:1:8: not TOML: unclosed table, expected `]`

    hint: strings stand in quotes, lists in `[ ]`; see https://toml.io
    ");
}

#[test]
fn a_manifest_that_is_no_text() {
    let home = Home::new();
    home.write("plugin/plugin.toml", [0xff, 0xfe]);
    insta::assert_snapshot!(home.told(&["plugin", "add", "plugin"]), @r"
    exit 1
    --- stderr
    error[AX-P004]: `WORK/plugin/plugin.toml` is not UTF-8 text

    hint: save it as UTF-8
    ");
}

#[test]
fn a_misspelled_key() {
    let manifest = components::CALC_MANIFEST.replace("description", "descripton");
    insta::assert_snapshot!(refused(&manifest), @r"
    exit 1
    --- stderr
    error[AX-P004]: `WORK/plugin/plugin.toml` is not a valid manifest
    caused by: plugin.toml:4:1: unknown key `descripton` in `[plugin]`

    hint: did you mean `description`?
    ");
}

#[test]
fn a_misspelled_permission() {
    insta::assert_snapshot!(refused(&with("[permissions]\nnett = [{ to = \"https://x.org\" }]\n")), @r"
    exit 1
    --- stderr
    error[AX-P004]: `WORK/plugin/plugin.toml` is not a valid manifest
    caused by: plugin.toml:7:1: unknown permission kind `nett`

    hint: did you mean `net`?
    ");
}

#[test]
fn a_misspelled_limit() {
    insta::assert_snapshot!(refused(&with("[limits]\nmemroy = \"1 MiB\"\n")), @r"
    exit 1
    --- stderr
    error[AX-P004]: `WORK/plugin/plugin.toml` is not a valid manifest
    caused by: plugin.toml:7:1: unknown key `memroy` in `[limits]`

    hint: did you mean `memory`?
    ");
}

#[test]
fn a_size_without_its_unit() {
    insta::assert_snapshot!(refused(&with("[limits]\nmemory = 64\n")), @r#"
    exit 1
    --- stderr
    error[AX-P004]: `WORK/plugin/plugin.toml` is not a valid manifest
    caused by: plugin.toml:7:10: `limits.memory` is an integer; it must be a size like `"64 MiB"`

    hint: write it like `memory = "32 MiB"`
    "#);
}

#[test]
fn a_name_of_one_part() {
    insta::assert_snapshot!(refused(&components::CALC_MANIFEST.replace("test:calc", "calc")), @r"
    exit 1
    --- stderr
    error[AX-P004]: `WORK/plugin/plugin.toml` is not a valid manifest
    caused by: plugin.toml:2:8: `calc` is not a name: it has no namespace before a colon

    hint: a plugin is written `namespace:name`, like `ax:metrics`
    ");
}

#[test]
fn a_component_outside_of_the_folder() {
    let manifest = components::CALC_MANIFEST
        .replace("host = \"^0.1\"", "host = \"^0.1\"\ncomponent = \"../plugin.wasm\"");
    insta::assert_snapshot!(refused(&manifest), @r#"
    exit 1
    --- stderr
    error[AX-P004]: `WORK/plugin/plugin.toml` is not a valid manifest
    caused by: plugin.toml:6:13: `../plugin.wasm` is not a path inside the plugin's folder: a part of it is empty, `.` or `..`

    hint: write it like `component = "build/plugin.wasm"`
    "#);
}

#[test]
fn another_host_version() {
    insta::assert_snapshot!(refused(&components::CALC_MANIFEST.replace("^0.1", "^7")), @r#"
    exit 1
    --- stderr
    error[AX-P008]: `test:calc` needs host version ^7, this is 0.2.0

    hint: its author writes `host = "^0.2"` if it works with this one; else install an ax with a host version ^7, or another release of it
    "#);
}

#[test]
fn what_no_host_would_add_is_neither_checked_nor_packed() {
    let home = Home::new();
    let manifest = components::CALC_MANIFEST.replace("^0.1", "^7");
    home.write_plugin("later", &manifest, &components::calc());
    let checked = home.ax(&["check", "later"]).exits(6);
    assert!(checked.stdout.starts_with("FAIL  plugin.toml:5: "), "{}", checked.stdout);
    let packed = home.ax(&["pack", "later"]).exits(1);
    assert!(packed.stderr.contains("AX-P008"), "{}", packed.stderr);
    home.write_plugin("idle", components::CALC_MANIFEST, &components::component("(component)"));
    home.ax(&["check", "idle"]).exits(6);
    let packed = home.ax(&["pack", "idle"]).exits(1);
    assert!(packed.stderr.contains("AX-P009"), "{}", packed.stderr);
    // One that can be packed goes into a folder under its usual name.
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    fs_err::create_dir(home.work().join("out")).expect("made");
    let packed = home.ax(&["pack", "calc", "-o", "out", "--json"]).ok().json();
    assert!(home.work().join("out/test-calc-1.0.0.axp").is_file(), "{packed}");
    home.ax(&["plugin", "add", "out/test-calc-1.0.0.axp"]).ok();
    let shown = home.ax(&["plugin", "show", "test:calc", "--json"]).ok().json();
    assert_eq!(shown["package"], packed["packageDigest"]);
}

#[test]
fn notes_about_a_tool_that_is_not_there() {
    insta::assert_snapshot!(refused(&with("[tools.subtract]\nread-only = true\n")), @r"
    exit 1
    --- stderr
    error[AX-P009]: the tools of `WORK/plugin` cannot be offered
    caused by: the manifest describes the tool `subtract`, which the component does not have

    hint: remove `subtract` from the `[tools]` of plugin.toml
    ");
}

#[test]
fn a_description_that_steers_a_terminal() {
    let manifest = components::CALC_MANIFEST.replace("Adds numbers", "\\u001b[2JAdds");
    let told = refused(&manifest);
    assert!(!told.contains('\u{1b}'), "{told}");
    insta::assert_snapshot!(told, @r"
    exit 1
    --- stderr
    error[AX-P004]: `WORK/plugin/plugin.toml` is not a valid manifest
    caused by: plugin.toml:4:15: `plugin.description` holds the hidden character U+001B

    hint: type the text anew, on one line; copied text often brings such characters
    ");
}

#[test]
fn a_manifest_over_the_bound() {
    let manifest = with(&"# a long comment, again and again\n".repeat(10_000));
    insta::assert_snapshot!(refused(&manifest), @r"
    exit 1
    --- stderr
    error[AX-P003]: `WORK/plugin/plugin.toml` has more than 256 KiB

    hint: make it shorter
    ");
}
