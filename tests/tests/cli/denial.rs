//! A denial: what was refused, why, and the line that would open it.

use crate::setup;

#[test]
fn a_denied_call_says_what_and_gives_the_line_to_type() {
    let home = setup::with_env();
    let denied = home.ax_with(setup::LANG, &["tool", "call", "test:env.count"]);
    insta::assert_snapshot!(home.tell(&denied), @r"
    exit 5
    --- stderr
    error[AX-P012]: plugin `test:env` may not see the environment variable `LANG`
    caused by: `env:LANG` is declared, but not granted
    caused by: the tool then failed: no variable is set

    hint: ax permission grant test:env env:LANG
    ");
}

#[test]
fn the_line_of_a_denial_works_when_typed() {
    let home = setup::with_env();
    let denied = home.ax_with(setup::LANG, &["tool", "call", "test:env.count"]).exits(5);
    let mut words = denied.hint().split(' ');
    assert_eq!(words.next(), Some("ax"));
    home.ax(&words.collect::<Vec<_>>()).ok();
    home.ax_with(setup::LANG, &["tool", "call", "test:env.count"]).ok();
}

#[test]
fn a_denial_is_in_the_audit_before_the_command_ends() {
    let home = setup::with_env();
    home.ax(&["tool", "call", "test:env.count"]).exits(5);
    let arguments = ["audit", "tail", "--decision", "denied", "--json"];
    let row = home.ax(&arguments).ok().json();
    assert_eq!((&row["kind"], &row["plugin"]), (&"effect".into(), &"test:env".into()));
    assert_eq!(row["body"]["permission"], "env:LANG");
}

#[test]
fn a_denial_as_json_names_the_permission() {
    let home = setup::with_env();
    let fault = home.ax(&["tool", "call", "test:env.count", "--json"]).exits(5).json();
    assert_eq!(fault["code"], "AX-P012");
    assert_eq!(fault["hint"], "ax permission grant test:env env:LANG");
    assert_eq!(fault["retryable"], false);
    assert_eq!(fault["details"]["denials"][0]["permission"], "env:LANG");
}
