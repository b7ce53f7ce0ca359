//! Our own plugins, from their folders: the first thing a newcomer does.

use ax_tests::home::Home;
use ax_tests::program;

/// A home with one of our plugins, its permissions granted.
fn with(plugin: &str) -> Home {
    let home = Home::new();
    let folder = program::plugin(plugin);
    let folder = folder.to_str().expect("text");
    let flags: &[&str] = match plugin {
        "metrics" => &["--allow", "fs:workspace:read"],
        _ => &[],
    };
    home.ax(&[&["plugin", "add", folder], flags].concat()).ok();
    home
}

#[test]
fn echo_says_back_what_it_is_told() {
    let home = with("echo");
    let said = home.ax(&["tool", "call", "ax:echo.say", "--arg", "text=hello"]).ok();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("hello\n", ""));
    let said = home.ax(&["tool", "call", "ax:echo.say", r#"{"text": "é \u0000 \"x\""}"#, "--json"]);
    assert_eq!(said.ok().json()["output"]["structuredContent"]["text"], "é \0 \"x\"");
}

#[test]
fn a_tool_that_fails_says_why_and_shows_its_log() {
    let home = with("echo");
    let failed = home.ax(&["tool", "call", "ax:echo.fail", "--arg", "message=no luck"]);
    insta::assert_snapshot!(home.tell(&failed), @r"
    exit 1
    --- stderr
     info | echo was called tool=fail
    error[AX-T005]: no luck
    ");
}

#[test]
fn verbose_shows_the_log_and_the_cost() {
    let home = with("echo");
    let said = home.ax(&["tool", "call", "ax:echo.say", "--arg", "text=x", "-v"]).ok();
    assert!(said.stderr.contains(" info | echo was called tool=say\n"), "{}", said.stderr);
    assert!(said.stderr.contains("used ") && said.stderr.contains(" fuel, "), "{}", said.stderr);
}

#[test]
fn metrics_measures_the_workspace() {
    let home = with("metrics");
    home.write("project/ax.toml", "");
    home.write("project/src/main.rs", "// one\nfn main() {\n    if true {}\n}\n\n");
    home.write("outside.rs", "fn outside() {}\n");
    let arguments = ["tool", "call", "ax:metrics.measure", "--json", "--workspace", "project"];
    let measured = home.ax(&arguments).ok().json();
    let measured = &measured["output"];
    // The Rust file and `ax.toml`.
    assert_eq!(measured["totals"]["files"], 2, "{measured}");
    assert_eq!(measured["totals"]["functions"], 1, "{measured}");
    let text = measured.to_string();
    assert!(text.contains("Rust") && !text.contains("outside"), "{text}");
}

#[test]
fn metrics_without_its_grant_is_denied_with_the_line_to_type() {
    let home = with("metrics");
    home.write("ax.toml", "");
    home.ax(&["permission", "revoke", "ax:metrics", "fs:workspace:read"]).ok();
    let denied = home.ax(&["tool", "call", "ax:metrics.measure"]).exits(5);
    insta::assert_snapshot!(home.tell(&denied), @r"
    exit 5
    --- stderr
    error[AX-P012]: plugin `ax:metrics` may not read files in the folder `workspace`
    caused by: `fs:workspace:read` is declared, but not granted
    caused by: the tool then failed: the folder `workspace` is not granted to this plugin

    hint: ax permission grant ax:metrics fs:workspace:read
    ");
    let words: Vec<&str> = denied.hint().split(' ').skip(1).collect();
    home.ax(&words).ok();
    home.ax(&["tool", "call", "ax:metrics.measure"]).ok();
}

#[test]
fn metrics_without_a_workspace_says_how_to_name_one() {
    let home = with("metrics");
    let refused = home.ax(&["tool", "call", "ax:metrics.measure"]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("--workspace"), "{}", refused.stderr);
}

#[test]
fn metrics_does_not_leave_the_workspace() {
    let home = with("metrics");
    home.write("project/ax.toml", "");
    home.write("secret/key.rs", "fn secret() {}\n");
    std::os::unix::fs::symlink("../secret", home.work().join("project/link")).expect("a link");
    for folder in ["..", "/", "../secret", "link", "link/../../secret"] {
        let folder = format!("folder={folder}");
        let arguments =
            ["tool", "call", "ax:metrics.measure", "--arg", &folder, "--workspace", "project"];
        let run = home.ax(&arguments);
        assert!(run.code != 0 || !run.stdout.contains("Rust"), "{folder}: {}", run.stdout);
    }
}
