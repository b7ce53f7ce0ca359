//! `ax secret set | list | remove`: how a value comes in, and that it never comes out.

use std::process::Child;
use std::process::Stdio;

use ax_tests::components;
use ax_tests::home::Home;
use ax_tests::home::Run;

/// A value that no output, file or row may hold.
pub(crate) const VALUE: &str = "hunter2-correct-horse";

/// Bytes of the longest value.
const VALUE_BYTES_MAX: usize = 65_536;

/// The manifest of a plugin that asks for two secrets.
const MANIFEST: &str = r#"[plugin]
name = "test:calc"
version = "1.0.0"
description = "Adds numbers"
host = "^0.1"

[permissions]
secrets = [
    { name = "github-token", to = "https://api.github.com" },
    { name = "other-token", to = "https://api.example.org" },
]
"#;

/// Sets a secret from standard input.
pub(crate) fn set(home: &Home, name: &str, value: &str) -> Run {
    home.ax_reading(value.as_bytes(), &["secret", "set", name])
}

/// A home with a plugin that asks for `github-token` and `other-token`, granted the first.
pub(crate) fn with_asking() -> Home {
    let home = Home::new();
    home.write_plugin("calc", MANIFEST, &components::calc());
    let granted = "secret:github-token@https://api.github.com";
    home.ax(&["plugin", "add", "calc", "--allow", granted]).ok();
    home
}

/// Names what is set.
pub(crate) fn listed(home: &Home) -> Vec<String> {
    let rows = home.ax(&["secret", "list", "--json"]).ok().json();
    let rows = rows.as_array().expect("rows").iter().filter(|row| row["set"] == true);
    rows.map(|row| row["secret"].as_str().expect("a name").to_owned()).collect()
}

/// Replaces times by `TIME`: whatever looks like `2026-01-31 12:00:00`.
fn without_times(text: &str) -> String {
    let is_time = |word: &str| word.len() == 8 && word.matches(':').count() == 2;
    let is_date = |word: &str| word.len() == 10 && word.matches('-').count() == 2;
    let line = |line: &str| {
        let words = line.split_whitespace().filter(|word| !is_time(word));
        let words = words.map(|word| if is_date(word) { "TIME" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_first_secret_makes_a_key_and_says_where_it_lies() {
    let home = Home::new();
    insta::assert_snapshot!(home.tell(&set(&home, "github-token", VALUE)), @r"
    exit 0
    --- stderr
    set github-token
    its key was made: `HOME/secrets.key` opens `HOME/secrets.age`
    whoever has both files has the secrets; without the key they are lost
    ");
    insta::assert_snapshot!(home.tell(&set(&home, "github-token", "another-value")), @r"
    exit 0
    --- stderr
    replaced github-token
    ");
    insta::assert_snapshot!(home.tell(&set(&home, "other-token", VALUE)), @r"
    exit 0
    --- stderr
    set other-token
    ");
    assert_eq!(listed(&home), ["github-token", "other-token"]);
}

#[test]
fn setting_as_json_says_what_was_done() {
    let home = Home::new();
    let set = |value: &str| {
        let run = home.ax_reading(value.as_bytes(), &["secret", "set", "a", "--stdin", "--json"]);
        assert_eq!(run.stderr, "");
        home.tell_text(&run.ok().json().to_string())
    };
    assert_eq!(
        set(VALUE),
        r#"{"secret":"a","replaced":false,"keyMade":true,"vault":"HOME/secrets.age","key":"HOME/secrets.key"}"#
    );
    assert_eq!(
        set(VALUE),
        r#"{"secret":"a","replaced":true,"keyMade":false,"vault":"HOME/secrets.age","key":"HOME/secrets.key"}"#
    );
}

#[test]
fn the_list_shows_who_asks_and_what_is_missing() {
    let home = with_asking();
    set(&home, "github-token", VALUE).ok();
    set(&home, "unused", VALUE).ok();
    let list = home.ax(&["secret", "list"]).ok();
    insta::assert_snapshot!(without_times(&list.stdout), @r"
    SECRET SET PLUGIN FOR GRANT
    github-token TIME test:calc https://api.github.com granted always
    other-token not set test:calc https://api.example.org not granted
    unused TIME - - -
    ");
    assert_eq!(list.stderr, "not set: ax secret set other-token\n");
    let json = home.ax(&["secret", "list", "--json"]).ok().json();
    assert!(json[0]["setAtMs"].as_u64().is_some_and(|at_ms| at_ms > 0), "{json}");
    let plugins = &json[0]["plugins"][0];
    assert_eq!(plugins["plugin"], "test:calc");
    assert_eq!(plugins["origin"], "https://api.github.com");
    assert_eq!(plugins["grants"][0]["scope"], "always");
    let missing = &json[1];
    assert_eq!((&missing["set"], &missing["setAtMs"]), (&false.into(), &().into()));
    assert_eq!(missing["plugins"][0]["grants"], serde_json::json!([]));
    assert_eq!(json[2]["plugins"], serde_json::json!([]));
}

#[test]
fn the_doctor_names_a_secret_that_is_granted_and_not_set() {
    let home = with_asking();
    let report = home.ax(&["doctor"]).ok().stdout;
    let missing = "note  secrets    `github-token` is granted and not set\n      \
                   ax secret set github-token\n";
    assert!(report.contains(missing), "{report}");
    set(&home, "github-token", VALUE).ok();
    let report = home.ax(&["doctor"]).ok().stdout;
    assert!(report.contains("ok    secrets    1 secret set\n"), "{report}");
}

#[test]
fn a_list_of_nothing_says_what_to_type_and_makes_nothing() {
    let home = Home::new();
    insta::assert_snapshot!(home.told(&["secret", "list"]), @r"
    exit 0
    --- stdout
    no secrets are set and no plugin asks for one; ax secret set NAME
    ");
    assert_eq!(home.ax(&["secret", "list", "--json"]).ok().stdout, "[]\n");
    assert_eq!(home.entries(), Vec::<String>::new());
}

#[test]
fn one_line_break_at_the_end_is_not_part_of_a_value() {
    let home = Home::new();
    // Eight bytes are the fewest, so a ninth or a seventh would show.
    for allowed in ["8-letter", "8-letter\n", "8-letter\r\n"] {
        set(&home, "a", allowed).ok();
    }
    for (refused, what) in [
        ("7-lette\n", "the value has 7 bytes, and 8 to 65536 are allowed"),
        ("8-letter\n\n", "byte 9 of the value is neither visible ASCII nor a space inside"),
        ("8-letter\r\n\n", "byte 9 of the value is neither"),
        ("8-letter\r", "byte 9 of the value is neither"),
        ("8-lätter", "byte 4 of the value is neither"),
        ("\n", "the value has 0 bytes"),
        ("", "standard input is empty"),
    ] {
        let run = set(&home, "a", refused).exits(2);
        let expected = format!("error[AX-K002]: {what}");
        assert!(run.stderr.starts_with(&expected), "{}", run.stderr);
        assert!(!run.hint().is_empty(), "{refused:?}");
    }
}

#[test]
fn a_value_may_have_65536_bytes_and_not_65537() {
    let home = Home::new();
    let longest = "a".repeat(VALUE_BYTES_MAX);
    set(&home, "a", &longest).ok();
    set(&home, "a", &format!("{longest}\r\n")).ok();
    for more in ["a", "a\n", "a\r\n", "aaaa", "\r\n\r\n"] {
        let run = set(&home, "b", &format!("{longest}{more}")).exits(2);
        let expected = "error[AX-K002]: standard input holds more than the 65536 bytes";
        assert!(run.stderr.starts_with(expected), "{more:?}: {}", run.stderr);
    }
    assert_eq!(listed(&home), ["a"]);
}

#[test]
fn a_value_on_the_command_line_is_refused_and_not_repeated() {
    let home = Home::new();
    let dashed = format!("--{VALUE}");
    let assigned = format!("github-token={VALUE}");
    let ways: [&[&str]; 6] = [
        &["secret", "set", "github-token", VALUE],
        &["secret", "set", "github-token", "--stdin", VALUE],
        &["secret", "set", "github-token", VALUE, "--stdin", "--json"],
        &["secret", "set", "github-token", &dashed],
        &["secret", "set", &assigned],
        &["secret", "set", "Hunter2_correct", VALUE],
    ];
    for way in ways {
        let run = home.ax_reading(b"another-value", way).exits(2);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains("AX-K002") && said.contains("on the command line"), "{said}");
        assert!(!said.contains("hunter2") && !said.contains("Hunter2"), "{said}");
    }
    let flag = format!("--stdin={VALUE}");
    insta::assert_snapshot!(home.told(&["secret", "set", "github-token", &flag]), @r"
    exit 2
    --- stderr
    error[AX-U001]: a value was given to `--stdin`, which takes no more

    hint: ax secret set --stdin <NAME>
    ");
    insta::assert_snapshot!(home.told(ways[0]), @r"
    exit 2
    --- stderr
    error[AX-K002]: a value was given on the command line, where the shell's history and `ps` show it

    hint: `ax secret set github-token` asks for it; without a terminal: ax secret set github-token --stdin < FILE
    ");
    assert_eq!(home.entries(), Vec::<String>::new());
}

#[test]
fn what_is_no_name_is_refused_and_not_repeated() {
    let home = Home::new();
    for verb in ["set", "remove"] {
        let run = home.ax_reading(VALUE.as_bytes(), &["secret", verb, "ghp_S3cret"]).exits(2);
        insta::allow_duplicates! {
            insta::assert_snapshot!(home.tell(&run), @r"
            exit 2
            --- stderr
            error[AX-K002]: what was given is not the name of a secret: only a-z, 0-9 and single hyphens are allowed

            hint: a secret is named like `github-token`
            ");
        }
    }
    set(&home, &"a".repeat(64), VALUE).ok();
    set(&home, &"a".repeat(65), VALUE).exits(2);
}

#[test]
fn help_says_how_a_value_comes_in_and_offers_no_place_for_it() {
    let help = Home::new().ax(&["secret", "set", "--help"]).ok().stdout;
    assert!(help.contains("Usage: ax secret set [OPTIONS] <NAME>\n"), "{help}");
    assert!(help.contains("without one line break"), "{help}");
}

#[test]
fn a_removed_secret_is_gone_and_what_was_not_there_is_not_found() {
    let home = Home::new();
    set(&home, "github-token", VALUE).ok();
    insta::assert_snapshot!(home.told(&["secret", "remove", "github-token"]), @r"
    exit 2
    --- stderr
    error[AX-U002]: there is nobody to ask: Remove the secret github-token?

    hint: --yes
    ");
    insta::assert_snapshot!(home.told(&["secret", "remove", "github-tokem", "--yes"]), @r"
    exit 3
    --- stderr
    error[AX-K003]: there is no secret `github-tokem`

    hint: did you mean `github-token`? `ax secret list` shows all
    ");
    insta::assert_snapshot!(home.told(&["secret", "remove", "github-token", "--yes"]), @r"
    exit 0
    --- stderr
    removed github-token
    ");
    assert_eq!(listed(&home), Vec::<String>::new());
    let gone = home.ax(&["secret", "remove", "github-token", "--yes", "--json"]).exits(3).json();
    assert_eq!((&gone["code"], &gone["hint"]), (&"AX-K003".into(), &"ax secret list".into()));
    set(&home, "github-token", VALUE).ok();
    let removed = home.ax(&["secret", "remove", "github-token", "--yes", "--json"]).ok();
    assert_eq!(removed.stdout, "{\"secret\":\"github-token\",\"grants\":[]}\n");
}

#[test]
fn each_change_is_on_record_by_name_and_nothing_else_is() {
    let home = Home::new();
    set(&home, "github-token", VALUE).ok();
    set(&home, "github-token", "another-value").ok();
    home.ax(&["secret", "list"]).ok();
    home.ax(&["secret", "remove", "github-token", "--yes"]).ok();
    set(&home, "github-token", "short").exits(2);
    home.ax(&["secret", "remove", "github-token", "--yes"]).exits(3);
    let rows = home.ax(&["audit", "tail", "--json"]).ok().stdout;
    let rows = rows.lines().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).expect("a row");
        format!("{} {} {} {}", row["kind"], row["plugin"], row["decision"], row["body"])
    });
    insta::assert_snapshot!(rows.collect::<Vec<_>>().join("\n"), @r#"
    "change" "" "allowed" {"who":"person","rule":"","action":"secret.set","subject":"github-token","detail":{"wasSet":false}}
    "change" "" "allowed" {"who":"person","rule":"","action":"secret.set","subject":"github-token","detail":{"wasSet":true}}
    "change" "" "allowed" {"who":"person","rule":"","action":"secret.remove","subject":"github-token","detail":{"wasSet":true}}
    "#);
    let shown = home.ax(&["audit", "tail"]).ok().stdout;
    assert!(shown.contains("secret.set github-token"), "{shown}");
    assert!(shown.contains("secret.remove github-token"), "{shown}");
    home.ax(&["audit", "verify"]).ok();
}

#[test]
fn nothing_is_changed_that_cannot_be_recorded() {
    let home = Home::new();
    set(&home, "a", VALUE).ok();
    let vault = home.path().join("secrets.age");
    let before = fs_err::read(&vault).expect("the vault");
    fs_err::write(home.path().join("audit.db"), "this is no database").expect("written");
    let refused = set(&home, "b", VALUE).exits(1);
    assert!(refused.stderr.contains("error[AX-A001]"), "{}", refused.stderr);
    let refused = home.ax(&["secret", "remove", "a", "--yes"]).exits(1);
    assert!(refused.stderr.contains("error[AX-A001]"), "{}", refused.stderr);
    assert_eq!(fs_err::read(&vault).expect("the vault"), before);
}

#[test]
fn a_value_is_in_no_output_and_in_no_file() {
    let home = with_asking();
    let mut said = String::new();
    let commands: [&[&str]; 7] = [
        &["secret", "set", "github-token", "-vv"],
        &["secret", "set", "github-token", "--json"],
        &["secret", "list", "-vv"],
        &["secret", "list", "--json"],
        &["config", "show", "--sources"],
        &["audit", "export"],
        &["secret", "remove", "github-token", "--yes", "-vv"],
    ];
    for command in commands {
        let run = home.ax_reading(VALUE.as_bytes(), command).ok();
        said.push_str(&format!("{}{}", run.stdout, run.stderr));
    }
    assert!(!said.contains(VALUE), "{said}");
    set(&home, "github-token", VALUE).ok();
    for name in home.entries() {
        let bytes = fs_err::read(home.path().join(&name)).unwrap_or_default();
        let holds = bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes());
        assert!(!holds, "{name}");
    }
}

#[test]
fn two_processes_that_set_at_once_lose_nothing() {
    const SECRETS: usize = 6;
    let home = Home::new();
    home.write("value", VALUE);
    let names: Vec<String> = (0..SECRETS).map(|at| format!("secret-{at}")).collect();
    let start = |name: &String| {
        let value = fs_err::File::open(home.work().join("value")).expect("the value").into_file();
        let mut command = home.command(&["secret", "set", name]);
        command.stdin(Stdio::from(value)).spawn().expect("it starts")
    };
    let children: Vec<Child> = names.iter().map(start).collect();
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(listed(&home), names);
    home.ax(&["audit", "verify"]).ok();
    let rows = home.ax(&["audit", "tail", "--json"]).ok().stdout;
    assert_eq!(rows.matches("secret.set").count(), SECRETS);
}

#[test]
fn a_grant_outlives_the_secret_and_says_so() {
    let home = with_asking();
    set(&home, "github-token", VALUE).ok();
    let removed = home.ax(&["secret", "remove", "github-token", "--yes"]).ok();
    let revoke = "ax permission revoke test:calc secret:github-token@https://api.github.com";
    assert_eq!(
        removed.stderr,
        format!(
            "removed github-token\n`test:calc` may use the next secret of this name: {revoke}\n"
        )
    );
}
