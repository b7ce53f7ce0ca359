//! The page about testing plugins against the program, which knows best: members of cases and flags.
//!
//! Members are not listed here: `ax test` is asked for them, by what it refuses.

use ax_tests::components;
use ax_tests::home::Home;
use ax_tests::page::Page;

/// The page.
const PAGE: &str = "docs/testing-plugins.md";

/// Asks for the members of the table in which a case has one that nobody knows.
fn members(home: &Home, stray: &str) -> Vec<String> {
    home.write("calc/tests/stray.toml", format!("[[case]]\ntool = \"add\"\n{stray}\n"));
    let refused = home.ax(&["test", "calc"]).exits(2).stderr;
    let (_, list) = refused.split_once("expected ").unwrap_or_else(|| panic!("{refused}"));
    let list = list.lines().next().unwrap_or_default();
    let names = list.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    assert!(names.len() > 1, "{refused}");
    names
}

/// Reads the first column of the tables in a section.
fn explained(page: &Page, heading: &str) -> Vec<String> {
    let section = page.section(heading).unwrap_or_else(|| panic!("{PAGE} has no `{heading}`"));
    let name = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    section.lines().filter_map(name).collect()
}

#[test]
fn every_member_of_a_case_is_explained_and_no_other() {
    let home = Home::new();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    let page = Page::read(PAGE);
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let parts = ["What is called", "The world it happens in", "What must come of it"];
    let told = parts.iter().flat_map(|heading| explained(&page, heading)).collect();
    assert_eq!(sorted(told), sorted(members(&home, "stray = 1")));
    let http = members(&home, "http = [{ stray = 1 }]");
    assert_eq!(sorted(explained(&page, "The servers it meets")), sorted(http));
    let servers = page.section("The servers it meets").expect("it is there");
    for member in members(&home, "http = [{ url = \"https://h\", sent = { stray = 1 } }]") {
        assert!(servers.contains(&format!("`{member}`")), "{PAGE}: `sent` has `{member}`");
    }
    let asked = members(&home, "model = [{ stray = 1 }]");
    assert_eq!(sorted(explained(&page, "The models it asks")), sorted(asked));
    let asked = page.section("The models it asks").expect("it is there");
    for member in members(&home, "model = [{ calls = [{ stray = 1 }] }]") {
        assert!(asked.contains(&format!("`{member}`")), "{PAGE}: `calls` has `{member}`");
    }
    let called = page.section("What is called").expect("it is there");
    for member in members(&home, "before = [{ stray = 1 }]") {
        assert!(called.contains(&member), "{PAGE}: `before` has `{member}`");
    }
}

#[test]
fn every_flag_of_ax_test_is_explained() {
    let help = Home::new().ax(&["test", "--help"]).ok().stdout;
    let (own, _) = help.split_once("Global options").expect("they come last");
    let flags = own.lines().filter_map(|line| line.trim_start().strip_prefix("--"));
    let flags: Vec<&str> = flags.filter_map(|line| line.split_whitespace().next()).collect();
    let page = Page::read(PAGE);
    let told = explained(&page, "Running them");
    assert!(flags.len() > 3, "{help}");
    for flag in flags {
        let is_told = told.iter().any(|told| told.split(' ').next() == Some(&format!("--{flag}")));
        assert!(is_told, "{PAGE} does not explain `--{flag}`");
    }
}
