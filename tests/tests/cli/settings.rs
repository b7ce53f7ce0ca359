//! `ax config show`, `doctor`, `explain`, completions, colour, and readers that go away.

use std::io::Read;

use ax_tests::home::Home;

use crate::setup;

#[test]
fn every_setting_says_where_it_came_from() {
    let home = Home::new();
    home.write(
        "project/user.toml",
        "color = \"never\"\n[sandbox]\nthreads = 3\n[network]\nopen = [\"10.1.0.0/16\"]\n",
    );
    home.write("project/ax.toml", "[project]\nname = \"shop\"\n");
    let flags = ["--sources", "--json", "--config", "user.toml", "-C", "project"];
    let rows = home.ax(&[&["config", "show"], &flags[..]].concat()).ok().json();
    let source = |key: &str| {
        let rows = rows.as_array().expect("rows");
        let row = rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key}"));
        home.tell_text(&format!("{} from {}", row["value"], row["source"]))
    };
    assert_eq!(source("home"), r#""HOME" from "variable AX_HOME""#);
    assert_eq!(source("color"), r#""never" from "user file WORK/project/user.toml""#);
    assert_eq!(source("sandbox.threads"), r#""3" from "user file WORK/project/user.toml""#);
    assert_eq!(source("sandbox.instances"), r#""1000" from "default""#);
    let network = source("network.open");
    assert_eq!(network, r#""10.1.0.0/16" from "user file WORK/project/user.toml""#);
    assert_eq!(source("network.ca-file"), r#""none" from "default""#);
    assert_eq!(source("output"), r#""json" from "flag --json""#);
    assert_eq!(source("project.name"), r#""shop" from "project file WORK/project/ax.toml""#);
    assert_eq!(source("workspace"), r#""WORK/project" from "project file WORK/project/ax.toml""#);
}

#[test]
fn settings_without_sources_are_keys_and_values() {
    let shown = Home::new().ax(&["config", "show"]).ok().stdout;
    let header = shown.lines().next().unwrap_or_default();
    assert_eq!(header.split_whitespace().collect::<Vec<_>>(), ["KEY", "VALUE"]);
}

#[test]
fn the_doctor_is_content_with_a_fresh_and_with_a_used_home() {
    for home in [Home::new(), setup::with_calc()] {
        let report = home.ax(&["doctor"]).ok().stdout;
        assert!(!report.contains("FAIL"), "{report}");
        assert!(report.contains("ok    compiler   compiles in a process of its own"), "{report}");
    }
}

#[test]
fn every_code_is_explained_however_it_is_typed() {
    let home = Home::new();
    let listed = home.ax(&["explain", "--json"]).ok().json();
    let codes = listed.as_array().expect("codes");
    assert!(codes.len() > 20);
    for code in codes {
        let code = code["code"].as_str().expect("a code");
        let told = home.ax(&["explain", code]).ok().stdout;
        assert!(told.starts_with(&format!("{code}  ")), "{told}");
        assert!(told.lines().count() > 2 && told.lines().all(|line| line.len() <= 80), "{told}");
    }
    let short = home.ax(&["explain", "p012"]).ok().stdout;
    assert_eq!(short, home.ax(&["explain", "AX-P012"]).ok().stdout);
}

#[test]
fn completions_are_scripts_for_each_shell() {
    let home = Home::new();
    for (shell, sign) in [("bash", "complete "), ("zsh", "#compdef ax"), ("fish", "complete -c ax")]
    {
        let script = home.ax(&["completions", shell]).ok().stdout;
        assert!(script.contains(sign) && script.contains("permission"), "{shell}");
    }
    home.ax(&["completions", "tcsh"]).exits(2);
}

#[test]
fn what_needs_no_settings_works_although_they_are_wrong() {
    let home = Home::new();
    let wrong = [("AX_COLOR", "blue")];
    for command in [&["explain", "AX-G001"][..], &["completions", "bash"], &["--version"]] {
        home.ax_with(wrong[0], command).ok();
    }
    home.ax_with(wrong[0], &["plugin", "list"]).exits(2);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = setup::with_calc();
    let commands: [&[&str]; 4] =
        [&["completions", "bash"], &["tool", "list", "--json"], &["--help"], &["audit", "export"]];
    for arguments in commands {
        let mut child = home.command(arguments).spawn().expect("it starts");
        // Like `ax … | true`: nobody reads a byte.
        drop(child.stdout.take());
        let mut said = String::new();
        let mut stderr = child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut said).expect("text");
        let status = child.wait().expect("it ends");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn colour_is_used_where_it_is_asked_for_alone() {
    let home = Home::new();
    let colourful = |run: ax_tests::home::Run| run.stderr.contains('\u{1b}');
    let wrong = ["plugin", "show", "test:none"];
    assert!(!colourful(home.ax(&wrong)));
    assert!(colourful(home.ax(&[&wrong[..], &["--color", "always"]].concat())));
    assert!(colourful(home.ax_with(("CLICOLOR_FORCE", "1"), &wrong)));
    let never = [&wrong[..], &["--color", "never"]].concat();
    assert!(!colourful(home.ax_with(("CLICOLOR_FORCE", "1"), &never)));
}

#[test]
fn quiet_prints_data_and_errors_alone() {
    let home = setup::with_calc();
    let run = home.ax(&["plugin", "disable", "test:calc", "--quiet"]).ok();
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let run = home.ax(&["plugin", "show", "test:none", "--quiet"]).exits(3);
    assert!(run.stderr.contains("error[AX-P001]"), "{}", run.stderr);
}

#[test]
fn help_lists_no_command_that_does_not_work() {
    let help = Home::new().ax(&["--help"]).ok().stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    let expected = [
        "new",
        "build",
        "dev",
        "test",
        "check",
        "pack",
        "plugin",
        "permission",
        "policy",
        "workflow",
        "agent",
        "task",
        "approve",
        "secret",
        "tool",
        "mcp",
        "chat",
        "provider",
        "model",
        "request",
        "usage",
        "route",
        "audit",
        "config",
        "doctor",
        "explain",
        "completions",
    ];
    assert_eq!(names, expected, "{help}");
    for name in names {
        Home::new().ax(&[name, "--help"]).ok();
    }
    for name in ["list", "call", "profile", "stats"] {
        Home::new().ax(&["tool", name, "--help"]).ok();
    }
}
