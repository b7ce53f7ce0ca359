//! Policies: what no grant allows, what is asked for each call, who is kept out, and what happens
//! when a policy cannot be used.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ax_tests::components;
use ax_tests::home::{Home, Run};

use crate::setup;

const DENY: &str = "[permissions]\ndeny = [\"env:*\"]\n";
const ASK: &str = "[permissions]\nask = [\"env:LANG\"]\n";
const KEEP_OUT: &str = "[plugins]\nallow = [\"ax:*\"]\n";
const BROKEN: &str =
    "color = 1\n[permissions]\ndeny = [\"env\", \"kv:x\"]\n[limits]\nfuel-max = 0\n";

fn set_mode(path: &Path, mode: u32) {
    let mode = std::fs::Permissions::from_mode(mode);
    fs_err::set_permissions(path, mode).expect("its permissions");
}

/// Writes the policy of a home.
fn put(home: &Home, text: &str) {
    if !home.path().exists() {
        fs_err::create_dir(home.path()).expect("the home");
        set_mode(home.path(), 0o700);
    }
    let path = home.path().join("policy.toml");
    fs_err::write(&path, text).expect("the policy");
    set_mode(&path, 0o600);
}

/// Writes one more policy; returns what `AX_POLICY` is to be.
fn one_more(home: &Home, text: &str) -> String {
    let path = home.write("more.toml", text);
    set_mode(&path, 0o600);
    path.to_str().expect("text").to_owned()
}

/// A home with `test:env`, installed and granted `env:LANG`.
fn granted() -> Home {
    let home = setup::with_env();
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    home
}

fn call(home: &Home, flags: &[&str]) -> Run {
    home.ax_with(setup::LANG, &[&["tool", "call", "test:env.count"], flags].concat())
}

/// Gives the hint of what was refused and the code; insists on the exit code.
fn refused(run: Run, exit: i32) -> String {
    let run = run.exits(exit);
    run.stderr.lines().find(|line| line.starts_with("error")).unwrap_or_default().to_owned()
}

#[test]
fn a_policy_denies_what_was_granted_and_the_denial_names_the_rule() {
    let home = granted();
    call(&home, &[]).ok();
    put(&home, DENY);
    insta::assert_snapshot!(home.tell(&call(&home, &[])), @r"
    exit 5
    --- stderr
    error[AX-P012]: plugin `test:env` may not see the environment variable `LANG`
    caused by: `env:LANG` is forbidden by the managed policy: `permissions.deny env:*` (HOME/policy.toml:2)
    caused by: the tool then failed: no variable is set

    hint: ax policy explain test:env env:LANG
    ");
    // Not even for one call.
    call(&home, &["--allow", "env:LANG"]).exits(5);
    let fault = call(&home, &["--json"]).exits(5).json();
    let denial = &fault["details"]["denials"][0];
    assert_eq!(
        home.tell_text(&denial["rule"].to_string()),
        "\"`permissions.deny env:*` (HOME/policy.toml:2)\""
    );
    let row = home.ax(&["audit", "tail", "--decision", "denied", "-n", "1", "--json"]).ok().json();
    let rule = row["body"]["rule"].as_str().expect("a rule");
    assert!(rule.contains("permissions.deny env:*"), "{rule}");
    put(&home, "");
    call(&home, &[]).ok();
}

#[test]
fn what_a_policy_asks_about_is_allowed_call_by_call() {
    let home = granted();
    put(&home, ASK);
    insta::assert_snapshot!(home.tell(&call(&home, &[])), @r"
    exit 5
    --- stderr
    error[AX-P012]: plugin `test:env` may not see the environment variable `LANG`
    caused by: `env:LANG` is granted, but the managed policy wants it allowed for each call: `permissions.ask env:LANG` (HOME/policy.toml:2)
    caused by: the tool then failed: no variable is set

    hint: allow it for this call: --allow env:LANG
    ");
    call(&home, &["--allow", "env:LANG"]).ok();
    call(&home, &[]).exits(5);
    // Without a grant too, since a standing one would not be enough.
    home.ax(&["permission", "revoke", "test:env", "env:LANG"]).ok();
    insta::assert_snapshot!(home.tell(&call(&home, &[])), @r"
    exit 5
    --- stderr
    error[AX-P012]: plugin `test:env` may not see the environment variable `LANG`
    caused by: `env:LANG` is declared, but not granted; the managed policy wants it allowed for each call: `permissions.ask env:LANG` (HOME/policy.toml:2)
    caused by: the tool then failed: no variable is set

    hint: allow it for this call: --allow env:LANG
    ");
    call(&home, &["--allow", "env:LANG"]).ok();
    // A grant for the next call is one that a person gave for it.
    let arguments = ["permission", "grant", "test:env", "env:LANG", "--scope", "once"];
    home.ax(&arguments).ok();
    call(&home, &[]).ok();
    call(&home, &[]).exits(5);
}

#[test]
fn a_plugin_that_is_kept_out_is_not_installed() {
    let home = Home::new();
    setup::write_env(&home);
    put(&home, KEEP_OUT);
    for flag in ["--grant-nothing", "--allow=env:LANG"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(home.told(&["plugin", "add", "env", flag]), @r"
            exit 5
            --- stderr
            error[AX-Y002]: the policy keeps `test:env` out: `plugins.allow ax:*` (HOME/policy.toml:2)

            hint: whoever wrote the policy can change it
            ");
        }
    }
    assert_eq!(home.installed(), Vec::<String>::new());
    put(&home, "plugins.trust-min = \"signed\"");
    let said = refused(home.ax(&["plugin", "add", "env", "--grant-nothing"]), 5);
    assert!(said.contains("plugins.trust-min signed"), "{said}");
}

#[test]
fn a_plugin_that_is_kept_out_later_is_neither_offered_nor_called() {
    let home = granted();
    put(&home, KEEP_OUT);
    assert_eq!(home.ax(&["tool", "list", "--json"]).ok().json(), serde_json::json!([]));
    insta::assert_snapshot!(home.tell(&call(&home, &[])), @r"
    exit 5
    --- stderr
    error[AX-Y002]: the policy keeps `test:env` out: `plugins.allow ax:*` (HOME/policy.toml:2)

    hint: whoever wrote the policy can change it
    ");
    let listed = home.ax(&["plugin", "list"]).ok().stdout;
    assert!(listed.contains("kept out"), "{listed}");
    let shown = home.ax(&["plugin", "show", "test:env"]).ok().stdout;
    assert!(shown.contains("  policy     keeps it out: `plugins.allow ax:*` ("), "{shown}");
    // What a person has they may look at and throw away.
    assert_eq!(home.granted("test:env"), ["env:LANG"]);
    home.ax(&["plugin", "remove", "test:env", "--yes"]).ok();
}

#[test]
fn what_a_policy_refuses_a_person_is_in_the_audit() {
    let home = setup::with_env();
    put(&home, DENY);
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).exits(5);
    home.ax(&["plugin", "add", "env", "--allow", "env:LANG"]).exits(5);
    put(&home, KEEP_OUT);
    call(&home, &[]).exits(5);
    home.ax(&["plugin", "add", "env", "--grant-nothing"]).exits(5);
    let rows = home.ax(&["audit", "tail", "--decision", "denied", "--json"]).ok().stdout;
    let rows: Vec<serde_json::Value> =
        rows.lines().map(|row| serde_json::from_str(row).expect("a row")).collect();
    let told = rows.iter().map(|row| {
        let body = &row["body"];
        let (what, rule) = (body["action"].as_str().or(body["tool"].as_str()), &body["rule"]);
        let (kind, subject) = (&row["kind"], &body["subject"]);
        format!("{kind} {} {} {subject} {rule}\n", row["plugin"], what.unwrap_or_default())
    });
    insta::assert_snapshot!(home.tell_text(&told.collect::<String>()), @r#"
    "change" "test:env" permission.grant "env:LANG" "`permissions.deny env:*` (HOME/policy.toml:2)"
    "change" "test:env" permission.grant "env:LANG" "`permissions.deny env:*` (HOME/policy.toml:2)"
    "call" "test:env" count null "`plugins.allow ax:*` (HOME/policy.toml:2)"
    "change" "test:env" plugin.add "test:env" "`plugins.allow ax:*` (HOME/policy.toml:2)"
    "#);
    home.ax(&["audit", "verify"]).ok();
}

#[test]
fn a_permission_that_is_forbidden_is_not_granted() {
    let home = setup::with_env();
    put(&home, DENY);
    insta::assert_snapshot!(home.told(&["permission", "grant", "test:env", "env:LANG"]), @r"
    exit 5
    --- stderr
    error[AX-Y002]: the policy forbids `env:LANG` for `test:env`: `permissions.deny env:*` (HOME/policy.toml:2)

    hint: ax policy explain test:env 'env:LANG'
    ");
    let said = refused(home.ax(&["plugin", "add", "env", "--allow", "env:LANG"]), 5);
    assert!(said.starts_with("error[AX-Y002]"), "{said}");
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
}

#[test]
fn the_card_says_what_is_forbidden_and_agreeing_to_it_grants_the_rest() {
    let home = Home::new();
    setup::write_env(&home);
    let before = setup::card_digest(&home, "env");
    put(&home, &format!("{DENY}[limits]\nmemory-max = \"1 MiB\"\ndeadline-max = \"5 s\"\n"));
    let digest = setup::card_digest(&home, "env");
    home.ax(&["plugin", "add", "env", "--accept-card", &before]).exits(2);
    let arguments = ["plugin", "add", "env", "--accept-card", &digest];
    insta::assert_snapshot!(home.told(&arguments), @r"
    exit 0
    --- stderr
    test:env 1.0.0  Counts the variables it is given
      from       folder:WORK/env
      publisher  none: it is not signed
      component  DIGEST (592 B)
      tools      count
      asks to
        - see the environment variable `LANG`
            env:LANG
            because: To speak your language
            forbidden by policy: `permissions.deny env:*` (HOME/policy.toml:2)
        - by policy at most 5 s of deadline
        - by policy at most 1 MiB of memory
      network    none, by any path
    installed test:env 1.0.0
    not granted: env:LANG
    try: ax tool call test:env.count
    ");
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
}

#[test]
fn a_card_and_a_grant_say_what_is_asked_each_call() {
    let home = Home::new();
    setup::write_env(&home);
    put(&home, ASK);
    let card = home.ax(&["plugin", "add", "env", "--allow", "env:LANG"]).ok().stderr;
    let line =
        "        asked each call by policy: `permissions.ask env:LANG` (HOME/policy.toml:2)\n";
    assert!(home.tell_text(&card).contains(line), "{card}");
    insta::assert_snapshot!(home.told(&["permission", "grant", "test:env", "env:LANG"]), @r"
    exit 0
    --- stderr
    granted: test:env may see the environment variable `LANG`
    warning: asked each call by policy: `permissions.ask env:LANG` (HOME/policy.toml:2)
    ");
    insta::assert_snapshot!(home.told(&["permission", "show", "test:env"]), @r"
    exit 0
    --- stdout
    test:env from folder:WORK/env
      env:LANG  see the environment variable `LANG`
          granted always: env:LANG
          asked each call by policy: `permissions.ask env:LANG` (HOME/policy.toml:2)
    ");
    let shown = home.ax(&["permission", "show", "test:env", "--json"]).ok().json();
    let note = &shown[0]["asks"][0]["policy"];
    assert_eq!(note["verdict"], "ask");
    assert_eq!(note["rules"][0]["line"], 2);
}

#[test]
fn limits_are_lowered_for_plugins_that_are_installed_already() {
    let home = Home::new();
    let manifest = components::CALC_MANIFEST.replace("test:calc", "test:runaway")
        + "[limits]\nfuel = 50_000_000_000\n";
    home.write_plugin("runaway", &manifest, &components::runaway());
    let digest = setup::card_digest(&home, "runaway");
    home.ax(&["plugin", "add", "runaway", "--accept-card", &digest]).ok();
    put(&home, "[limits]\nfuel-max = 100_000\nmemory-max = \"1 GiB\"\n");
    insta::assert_snapshot!(home.told(&["tool", "call", "test:runaway.spin"]), @r"
    exit 1
    --- stderr
    error[AX-T003]: the call used up its limit on fuel: 100000

    hint: a policy allows no more; whoever wrote it can raise `limits.fuel-max`, see `ax policy check`
    ");
    let shown = home.ax(&["plugin", "show", "test:runaway"]).ok().stdout;
    assert!(shown.contains("  fuel            100000\n"), "{shown}");
    assert!(shown.contains("  memory          64 MiB\n"), "{shown}");
    assert!(shown.contains("  by policy at most 100000 of fuel\n"), "{shown}");
    let value = home.ax(&["plugin", "show", "test:runaway", "--json"]).ok().json();
    assert_eq!(value["limits"]["fuel"], 100_000);
    assert_eq!(value["lowered"], serde_json::json!([{ "key": "fuel", "max": "100000" }]));
}

#[test]
fn a_policy_that_cannot_be_used_stops_everything_that_it_could_forbid() {
    let home = granted();
    put(&home, BROKEN);
    insta::assert_snapshot!(home.tell(&call(&home, &[])), @r"
    exit 1
    --- stderr
    error[AX-Y001]: cannot use the policy HOME/policy.toml:1:1: unknown key `color` in the policy

    hint: the keys here are version, plugins, permissions, limits, approvals, test; `ax policy check` shows 3 more
    ");
    let commands: [&[&str]; 7] = [
        &["tool", "list"],
        &["plugin", "add", "env", "--grant-nothing"],
        &["permission", "grant", "test:env", "env:LANG", "--scope", "once"],
        &["permission", "show"],
        &["plugin", "show", "test:env"],
        &["policy", "explain", "test:env", "env:LANG"],
        &["policy", "test"],
    ];
    for command in commands {
        let said = refused(home.ax(command), 1);
        assert!(said.starts_with("error[AX-Y001]"), "{command:?}: {said}");
    }
    // What takes away, and what only looks, works.
    home.ax(&["plugin", "list"]).ok();
    home.ax(&["permission", "revoke", "test:env", "env:LANG"]).ok();
    home.ax(&["plugin", "disable", "test:env"]).ok();
    home.ax(&["plugin", "remove", "test:env", "--yes"]).ok();
    home.ax(&["audit", "verify"]).ok();
}

#[test]
fn the_check_shows_every_mistake_and_the_doctor_says_that_there_are_some() {
    let home = Home::new();
    put(&home, BROKEN);
    insta::assert_snapshot!(home.told(&["policy", "check"]), @r"
    exit 6
    --- stdout
    none  /etc/ax/policy.toml
    FAIL  HOME/policy.toml
      HOME/policy.toml:1:1: unknown key `color` in the policy
          the keys here are version, plugins, permissions, limits, approvals, test
      HOME/policy.toml:3:9: `env` is not a permission: `env` lacks what follows the colon
          write it like `env:LANG`
      HOME/policy.toml:3:16: `kv:x` is not a permission: `:x` is too much
          write it like `kv`
      HOME/policy.toml:5:12: `limits.fuel-max` is 0, outside 1 to DIGEST
          write an amount from 1 to DIGEST after `fuel-max =`
    --- stderr
    error[AX-Y001]: a policy cannot be used: 4 mistakes

    hint: each mistake says what to do
    ");
    let report = home.ax(&["doctor"]).exits(6).stdout;
    let report = home.tell_text(&report);
    assert!(
        report.contains("FAIL  policy     cannot use the policy HOME/policy.toml:1:1: "),
        "{report}"
    );
    let files = home.ax(&["policy", "check", "--json"]).exits(6).json();
    assert_eq!(files[0]["state"], "absent");
    assert_eq!(files[1]["state"], "wrong");
    assert_eq!(files[1]["mistakes"].as_array().map(Vec::len), Some(4));
    assert_eq!(files[1]["mistakes"][1]["line"], 3);
}

#[test]
fn a_policy_is_usable_only_as_a_file_that_others_cannot_write() {
    let home = granted();
    let path = home.path().join("policy.toml");
    let said = |home: &Home| {
        let said = refused(call(home, &[]), 1);
        home.tell_text(&said)
    };
    put(&home, "");
    set_mode(&path, 0o666);
    assert_eq!(
        said(&home),
        "error[AX-Y001]: `HOME/policy.toml` can be written by others (mode 666)"
    );
    fs_err::write(&path, b"\xff\xfe").expect("written");
    set_mode(&path, 0o600);
    assert_eq!(said(&home), "error[AX-Y001]: the policy `HOME/policy.toml` is not UTF-8 text");
    fs_err::write(&path, "#".repeat((1 << 20) + 1)).expect("written");
    assert_eq!(
        said(&home),
        "error[AX-Y001]: the policy `HOME/policy.toml` is larger than 1048576 bytes"
    );
    fs_err::write(&path, "[plugins]\nmin-age = \"3 d\"").expect("written");
    assert_eq!(
        said(&home),
        "error[AX-Y001]: cannot use the policy HOME/policy.toml:2:11: `plugins.min-age` cannot be enforced by this host yet"
    );
    fs_err::remove_file(&path).expect("removed");
    fs_err::create_dir(&path).expect("a folder");
    assert_eq!(
        said(&home),
        "error[AX-Y001]: the policy `HOME/policy.toml` is a folder, not a file"
    );
    fs_err::remove_dir(&path).expect("removed");
    fs_err::os::unix::fs::symlink("nowhere", &path).expect("a link");
    assert_eq!(said(&home), "error[AX-Y001]: cannot read the policy `HOME/policy.toml`");
    fs_err::remove_file(&path).expect("removed");
    call(&home, &[]).ok();
}

#[test]
fn one_more_policy_narrows_and_never_widens() {
    let home = granted();
    let with = |text: &str, arguments: &[&str]| {
        let more = one_more(&home, text);
        let mut command = home.command(arguments);
        command.env("AX_POLICY", more).env(setup::LANG.0, setup::LANG.1);
        command.output().expect("it runs").status.code()
    };
    let called = ["tool", "call", "test:env.count"];
    let allowed = ["tool", "call", "test:env.count", "--allow", "env:LANG"];
    assert_eq!(with("", &called), Some(0));
    assert_eq!(with(DENY, &called), Some(5));
    put(&home, ASK);
    assert_eq!(with("", &called), Some(5));
    assert_eq!(with("", &allowed), Some(0));
    assert_eq!(with(DENY, &allowed), Some(5));
    put(&home, DENY);
    assert_eq!(with("", &allowed), Some(5));
    assert_eq!(with(ASK, &allowed), Some(5));
    assert_eq!(with("plugins.allow = [\"test:*\"]", &allowed), Some(5));
    // Both have to be usable.
    put(&home, "");
    assert_eq!(with("x", &called), Some(1));
    put(&home, "x");
    assert_eq!(with("", &called), Some(1));
}

#[test]
fn a_policy_that_was_named_has_to_be_there() {
    let home = granted();
    let none = home.work().join("none.toml");
    let variable = ("AX_POLICY", none.to_str().expect("text"));
    insta::assert_snapshot!(home.tell(&home.ax_with(variable, &["tool", "list"])), @r"
    exit 1
    --- stderr
    error[AX-Y001]: there is no policy `WORK/none.toml`, named by variable AX_POLICY

    hint: write WORK/none.toml, or unset AX_POLICY
    ");
    let relative = home.ax_with(("AX_POLICY", "none.toml"), &["tool", "list"]).exits(2);
    assert!(relative.stderr.contains("error[AX-G001]"), "{}", relative.stderr);
    let rows = home.ax_with(variable, &["config", "show", "--sources", "--json"]).ok().json();
    let row = rows.as_array().and_then(|rows| rows.iter().find(|row| row["key"] == "policy-file"));
    assert_eq!(row.expect("a row")["source"], "variable AX_POLICY");
}

#[test]
fn the_explanation_has_every_rule_and_grant_that_decides() {
    let home = granted();
    let explain = ["policy", "explain", "test:env", "env:LANG"];
    let so = |home: &Home| {
        let told = home.ax(&explain).ok().stdout;
        told.lines().last().unwrap_or_default().trim().to_owned()
    };
    assert_eq!(so(&home), "so        a call may do it (granted: env:LANG)");
    put(&home, ASK);
    assert_eq!(
        so(&home),
        "so        a call may do it with --allow 'env:LANG' each time; a standing grant is not enough"
    );
    put(&home, &format!("# ours\n{DENY}"));
    insta::assert_snapshot!(home.told(&explain), @r"
    exit 0
    --- stdout
    test:env env:LANG  see the environment variable `LANG`
      policy    deny
                `permissions.deny env:*` (HOME/policy.toml:3)
      declared  in the manifest, as env:LANG
      granted   granted always: env:LANG
      so        nobody can allow it; whoever wrote the policy can change it
    ");
    let value = home.ax(&[&explain[..], &["--json"]].concat()).ok().json();
    assert_eq!(value["verdict"], "deny");
    assert_eq!(value["rules"][0]["rule"], "permissions.deny env:*");
    assert_eq!(value["rules"][0]["line"], 3);
    assert_eq!(value["declared"], "env:LANG");
    assert_eq!(value["grants"][0]["permission"], "env:LANG");
    assert_eq!(value["allowed"], false);
}

#[test]
fn what_is_not_installed_or_not_asked_for_is_explained_too() {
    let home = setup::with_env();
    put(&home, "[permissions]\nask = [\"net:https://a.example:POST\"]");
    let told =
        |plugin: &str, permission: &str| home.told(&["policy", "explain", plugin, permission]);
    insta::assert_snapshot!(told("ax:none", "net:https://a.example:POST"), @r"
    exit 0
    --- stdout
    ax:none net:https://a.example:POST  send POST requests to https://a.example
      policy    ask
                `permissions.ask net:https://a.example:POST` (HOME/policy.toml:2)
      so        the plugin is not installed; a call would need a grant
    ");
    insta::assert_snapshot!(told("test:env", "net:https://*:GET,POST"), @r"
    exit 0
    --- stdout
    test:env net:https://*:GET,POST  send GET and POST requests to https://*
      policy    mixed
                `permissions.ask net:https://a.example:POST` (HOME/policy.toml:2)
      declared  not in the manifest
      granted   not
      so        a call may not: nobody can grant what the manifest does not ask for
    ");
    insta::assert_snapshot!(told("test:env", "env:LANG"), @r"
    exit 0
    --- stdout
    test:env env:LANG  see the environment variable `LANG`
      policy    allow
      declared  in the manifest, as env:LANG
      granted   not
      so        a call may not: declared, but not granted
    ");
    home.ax(&["policy", "explain", "test:env", "nonsense"]).exits(2);
}

/// A test of a policy that expects something of `env:LANG`.
fn expects(expected: &str) -> String {
    format!(
        "[[test]]\nname = \"of LANG\"\nplugin = \"test:env\"\npermission = \"env:LANG\"\nexpect = \"{expected}\"\n"
    )
}

#[test]
fn the_tests_of_a_policy_are_run_whether_it_is_in_force_or_not() {
    let home = setup::with_env();
    insta::assert_snapshot!(home.told(&["policy", "test"]), @r"
    exit 0
    --- stdout
    no tests; a policy carries them as [[test]] tables
    ");
    put(&home, &format!("{DENY}{}", expects("deny")));
    insta::assert_snapshot!(home.told(&["policy", "test"]), @r"
    exit 0
    --- stdout
    HOME/policy.toml
      ok      of LANG
    ");
    insta::assert_snapshot!(home.told(&["policy", "check"]), @r"
    exit 0
    --- stdout
    none  /etc/ax/policy.toml
    ok    HOME/policy.toml  1 rule, 0 limits, 1 test
    ");
    home.write("new.toml", format!("{DENY}{}{}", expects("deny"), expects("allow")));
    insta::assert_snapshot!(home.told(&["policy", "test", "new.toml"]), @r"
    exit 1
    --- stdout
    new.toml
      ok      of LANG
      FAILED  of LANG: expects allow, finds deny; `permissions.deny env:*` decides it
    --- stderr
    error[AX-Y001]: the policy does not do what was expected of it: 1 test failed

    hint: ax policy explain PLUGIN PERMISSION
    ");
    let results = home.ax(&["policy", "test", "new.toml", "--json"]).exits(1).json();
    assert_eq!((&results[0]["passed"], &results[1]["passed"]), (&true.into(), &false.into()));
    insta::assert_snapshot!(home.told(&["policy", "check", "new.toml"]), @r"
    exit 6
    --- stdout
    FAIL  new.toml
      new.toml:12:10: the test `of LANG` expects `allow` and finds `deny`
          `permissions.deny env:*` decides this; change that rule, or what the test expects
    --- stderr
    error[AX-Y001]: a policy cannot be used: 1 mistake

    hint: each mistake says what to do
    ");
    home.ax(&["policy", "check", "none.toml"]).exits(3);
    let piped = home.ax_reading(DENY.as_bytes(), &["policy", "check", "-"]).ok();
    assert_eq!(piped.stdout, "ok    (standard input)  1 rule, 0 limits, 0 tests\n");
}

#[test]
fn a_test_that_fails_makes_a_policy_unusable() {
    let home = granted();
    put(&home, &expects("deny"));
    let said = refused(call(&home, &[]), 1);
    assert!(said.ends_with("the test `of LANG` expects `deny` and finds `allow`"), "{said}");
    home.ax(&["policy", "test"]).exits(1);
}

#[test]
fn the_doctor_names_the_policies_in_force() {
    let home = Home::new();
    let line = |home: &Home| {
        let report = home.ax(&["doctor"]).ok().stdout;
        let line = report.lines().find(|line| line.contains(" policy ")).map(str::to_owned);
        home.tell_text(&line.expect("a line"))
    };
    assert_eq!(line(&home), "ok    policy     none");
    put(&home, DENY);
    assert_eq!(line(&home), "ok    policy     HOME/policy.toml");
}

#[test]
fn a_policy_that_is_named_and_cannot_be_read_is_wrong_usage() {
    let home = Home::new();
    for (command, path, exit) in
        [("check", "nope.toml", 3), ("test", "nope.toml", 3), ("check", "/tmp", 2)]
    {
        let refused = home.ax(&["policy", command, path]).exits(exit);
        assert!(refused.stderr.starts_with("error[AX-U001]"), "{}", refused.stderr);
        assert!(refused.hint().starts_with("name "), "{}", refused.stderr);
    }
}

#[test]
fn limits_hold_for_what_runs_while_a_plugin_is_installed() {
    let home = Home::new();
    put(&home, "[limits]\nmemory-max = \"64 KiB\"\n");
    let echo = ax_tests::program::plugin("echo");
    let add = ["plugin", "add", echo.to_str().expect("text"), "--grant-nothing"];
    let refused = home.ax(&add).exits(1);
    assert!(refused.stderr.contains("used up its limit on memory: 64 KiB"), "{}", refused.stderr);
    assert!(refused.hint().contains("a policy"), "{}", refused.stderr);
    put(&home, "[limits]\nmemory-max = \"16 MiB\"\n");
    home.ax(&add).ok();
}
