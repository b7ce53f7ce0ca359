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
    insta::assert_snapshot!(home.told(&["plugin", "add", "missing"]), @"");
}

#[test]
fn a_folder_without_a_manifest() {
    let home = Home::new();
    home.write("plugin/readme.txt", "nothing here");
    insta::assert_snapshot!(home.told(&["plugin", "add", "plugin"]), @"");
}

#[test]
fn a_folder_that_was_not_built() {
    let home = Home::new();
    home.write("plugin/plugin.toml", components::CALC_MANIFEST);
    insta::assert_snapshot!(home.told(&["plugin", "add", "plugin"]), @"");
}

#[test]
fn a_manifest_that_is_no_toml() {
    insta::assert_snapshot!(refused("[plugin\nname = 1"), @"");
}

#[test]
fn a_manifest_that_is_no_text() {
    let home = Home::new();
    home.write("plugin/plugin.toml", [0xff, 0xfe]);
    insta::assert_snapshot!(home.told(&["plugin", "add", "plugin"]), @"");
}

#[test]
fn a_misspelled_key() {
    let manifest = components::CALC_MANIFEST.replace("description", "descripton");
    insta::assert_snapshot!(refused(&manifest), @"");
}

#[test]
fn a_misspelled_permission() {
    insta::assert_snapshot!(refused(&with("[permissions]\nnett = [{ to = \"https://x.org\" }]\n")), @"");
}

#[test]
fn a_misspelled_limit() {
    insta::assert_snapshot!(refused(&with("[limits]\nmemroy = \"1 MiB\"\n")), @"");
}

#[test]
fn a_size_without_its_unit() {
    insta::assert_snapshot!(refused(&with("[limits]\nmemory = 64\n")), @"");
}

#[test]
fn a_name_of_one_part() {
    insta::assert_snapshot!(refused(&components::CALC_MANIFEST.replace("test:calc", "calc")), @"");
}

#[test]
fn a_component_outside_of_the_folder() {
    let manifest = components::CALC_MANIFEST
        .replace("host = \"^0.1\"", "host = \"^0.1\"\ncomponent = \"../plugin.wasm\"");
    insta::assert_snapshot!(refused(&manifest), @"");
}

#[test]
fn another_host_version() {
    insta::assert_snapshot!(refused(&components::CALC_MANIFEST.replace("^0.1", "^7")), @"");
}

#[test]
fn notes_about_a_tool_that_is_not_there() {
    insta::assert_snapshot!(refused(&with("[tools.subtract]\nread-only = true\n")), @"");
}

#[test]
fn files_to_write_are_not_served_yet() {
    let manifest = with("[permissions]\nfs = [{ path = \"out\", access = \"write\" }]\n");
    insta::assert_snapshot!(refused(&manifest), @"");
}

#[test]
fn a_description_that_steers_a_terminal() {
    let manifest = components::CALC_MANIFEST.replace("Adds numbers", "\\u001b[2JAdds");
    let told = refused(&manifest);
    assert!(!told.contains('\u{1b}'), "{told}");
    insta::assert_snapshot!(told, @"");
}

#[test]
fn a_manifest_over_the_bound() {
    let manifest = with(&"# a long comment, again and again\n".repeat(10_000));
    insta::assert_snapshot!(refused(&manifest), @"");
}
