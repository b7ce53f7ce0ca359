//! `ax:summarise` through the program: its cases, what a person sees of its budget, and what is said where no
//! model is set up.

use ax_tests::home::Home;
use ax_tests::program;

/// A home with the plugin and its cases.
fn with_summarise() -> Home {
    let home = Home::new();
    let folder = program::plugin("summarise");
    let read = |name: &str| fs_err::read(folder.join(name)).expect("it is there");
    let manifest = String::from_utf8(read("plugin.toml")).expect("text");
    home.write_plugin("summarise", &manifest, &read("plugin.wasm"));
    let cases = String::from_utf8(read("tests/cases.toml")).expect("text");
    home.write("summarise/tests/cases.toml", cases);
    home
}

#[test]
fn its_cases_pass_without_a_key() {
    with_summarise().ax(&["test", "summarise"]).ok();
}

#[test]
fn a_person_sees_what_it_may_spend_and_how_to_set_a_model_up() {
    let home = with_summarise();
    home.ax(&["plugin", "add", "summarise", "--grant-nothing"]).ok();
    let shown = home.ax(&["permission", "show", "ax:summarise"]).ok().stdout;
    for said in [
        "ask the model you have chosen for all, which sends what it knows to its provider",
        "ask the model or tier `fast`",
        "at most 20 requests, 200000 tokens and 0.25 USD a call",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    home.ax(&["permission", "grant", "ax:summarise", "models:default"]).ok();
    let call = ["tool", "call", "ax:summarise.summarise", r#"{"text": "Milk is out."}"#];
    let refused = home.ax(&call).exits(1).stderr;
    assert!(refused.contains("no model is set up on this host"), "{refused}");
    assert!(refused.contains("ax provider add"), "{refused}");
    let audit = home.ax(&["audit", "tail"]).ok().stdout;
    assert!(!audit.contains("Milk"), "{audit}");
}
