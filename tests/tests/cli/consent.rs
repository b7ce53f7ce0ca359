//! Agreeing without a terminal: by digest, by permission, to nothing; and never by accident.

use ax_manifest::Digest;
use ax_tests::components;
use ax_tests::home::Home;

use crate::setup;

/// A home with the folder of a plugin that asks for something, not installed.
fn asking() -> Home {
    let home = Home::new();
    setup::write_env(&home);
    home
}

#[test]
fn without_a_terminal_nothing_is_installed_and_the_flags_are_named() {
    let home = asking();
    insta::assert_snapshot!(home.told(&["plugin", "add", "env"]), @r"
    exit 2
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
      network    none, by any path
    error[AX-U002]: `test:env` asks for permissions, and nobody was asked

    hint: agree with `--accept-card sha256:DIGEST`, or permission by permission with --allow, or install it empty-handed with --grant-nothing
    ");
    assert_eq!(home.installed(), Vec::<String>::new());
}

#[test]
fn yes_never_consents_to_a_permission() {
    let home = asking();
    let refused = home.ax(&["plugin", "add", "env", "--yes"]).exits(2);
    assert!(refused.stderr.contains("error[AX-U002]"), "{}", refused.stderr);
    let refused = home.ax_with(("AX_YES", "1"), &["plugin", "add", "env"]).exits(2);
    assert!(refused.stderr.contains("error[AX-U002]"), "{}", refused.stderr);
    assert_eq!(home.installed(), Vec::<String>::new());
}

#[test]
fn an_answer_on_standard_input_is_no_consent() {
    let home = asking();
    home.ax_reading(b"2\ny\nyes\n\n", &["plugin", "add", "env"]).exits(2);
    assert_eq!(home.installed(), Vec::<String>::new());
}

#[test]
fn the_cards_digest_agrees_to_all_of_it() {
    let home = asking();
    let digest = setup::card_digest(&home, "env");
    home.ax(&["plugin", "add", "env", "--accept-card", &digest]).ok();
    assert_eq!(home.granted("test:env"), ["env:LANG"]);
}

#[test]
fn another_digest_agrees_to_nothing() {
    let home = asking();
    let other = Digest::of(b"another card").to_string();
    let refused = home.ax(&["plugin", "add", "env", "--accept-card", &other]).exits(2);
    let (_, fault) = refused.stderr.split_once("error").expect("a fault");
    insta::assert_snapshot!(home.tell(&refused).split_once("error").expect("a fault").1, @r"
    [AX-P013]: the card has the digest sha256:DIGEST, not sha256:DIGEST

    hint: read the card again, then: --accept-card sha256:DIGEST
    ");
    assert!(fault.contains(&setup::card_digest(&home, "env")), "{fault}");
    assert_eq!(home.installed(), Vec::<String>::new());
}

#[test]
fn a_card_accepted_before_the_component_changed_is_refused() {
    let home = asking();
    let digest = setup::card_digest(&home, "env");
    // One custom section more: the same behaviour, other bytes.
    let mut changed = components::env();
    changed.extend([0, 2, 1, b'x']);
    home.write("env/plugin.wasm", &changed);
    let refused = home.ax(&["plugin", "add", "env", "--accept-card", &digest]).exits(2);
    assert!(refused.stderr.contains("error[AX-P013]"), "{}", refused.stderr);
    assert_eq!(home.installed(), Vec::<String>::new());
}

#[test]
fn the_hint_of_a_refused_card_works_when_typed() {
    let home = asking();
    let refused = home.ax(&["plugin", "add", "env"]).exits(2);
    let digest = refused.hint().split('`').nth(1).expect("a flag in backticks").to_owned();
    let mut arguments = vec!["plugin", "add", "env"];
    arguments.extend(digest.split(' '));
    home.ax(&arguments).ok();
    assert_eq!(home.granted("test:env"), ["env:LANG"]);
}

#[test]
fn allow_grants_what_it_names_and_no_more() {
    let home = Home::new();
    let manifest = components::ENV_MANIFEST.replace(r#"env = ["#, r#"env = ["TZ", "#);
    home.write_plugin("env", &manifest, &components::env());
    let added = home.ax(&["plugin", "add", "env", "--allow", "env:LANG", "--json"]).ok().json();
    assert_eq!(added["notGranted"], serde_json::json!(["env:TZ"]));
    assert_eq!(home.granted("test:env"), ["env:LANG"]);
}

#[test]
fn allow_of_something_not_asked_for_installs_nothing() {
    let home = asking();
    let refused = home.ax(&["plugin", "add", "env", "--allow", "env:HOME"]).exits(2);
    insta::assert_snapshot!(home.tell(&refused).split_once("error").expect("a fault").1, @r"
    [AX-P014]: `test:env` does not ask for `env:HOME`

    hint: --allow 'env:LANG'
    ");
    assert_eq!(home.installed(), Vec::<String>::new());
}

#[test]
fn grant_nothing_installs_it_empty_handed() {
    let home = asking();
    home.ax(&["plugin", "add", "env", "--grant-nothing"]).ok();
    assert_eq!(home.installed(), ["test:env"]);
    assert_eq!(home.granted("test:env"), Vec::<String>::new());
    home.ax_with(setup::LANG, &["tool", "call", "test:env.count"]).exits(5);
}

#[test]
fn ways_to_agree_exclude_each_other() {
    let home = asking();
    let digest = setup::card_digest(&home, "env");
    let both: [&[&str]; 3] = [
        &["--grant-nothing", "--allow", "env:LANG"],
        &["--accept-card", &digest, "--allow", "env:LANG"],
        &["--accept-card", &digest, "--grant-nothing"],
    ];
    for flags in both {
        home.ax(&[&["plugin", "add", "env"], flags].concat()).exits(2);
    }
    assert_eq!(home.installed(), Vec::<String>::new());
}

#[test]
fn consent_can_be_for_one_project_and_for_a_time() {
    let home = asking();
    home.write("project/ax.toml", "");
    let flags = ["--scope", "project", "--workspace", "project", "--expires", "7d"];
    let add = ["plugin", "add", "env", "--allow", "env:LANG"];
    home.ax(&[&add[..], &flags[..]].concat()).ok();
    let shown = home.ax(&["permission", "show", "test:env", "--json"]).ok().json();
    let grant = &shown[0]["grants"][0];
    assert_eq!(grant["scope"], format!("project:{}", home.work().join("project").display()));
    let (granted, expires) = (grant["grantedAtMs"].as_u64(), grant["expiresAtMs"].as_u64());
    let span = expires.zip(granted).map(|(end, start)| end - start).expect("both are there");
    assert!((7 * 86_400_000 - 60_000..=7 * 86_400_000).contains(&span), "{span}");
}
