//! The page about workflows against the reader, which knows best.

use std::collections::BTreeSet;

use ax_host::workflow::spec::{Spec, SpecFlaw};
use ax_tests::page::Page;

/// The page about workflows.
const PAGE: &str = "docs/workflows.md";

/// Lists the keys of the table that `text` gives a key nobody knows.
fn keys(text: &str) -> BTreeSet<&'static str> {
    let errors = Spec::parse(text).expect_err(text);
    let known = errors.iter().find_map(|error| match error.flaw {
        SpecFlaw::UnknownKey { known, .. } => Some(known),
        _ => None,
    });
    known.expect("an unknown key").iter().copied().collect()
}

#[test]
fn every_key_of_a_workflow_is_on_its_page() {
    let page = Page::read(PAGE).text;
    let all = keys("stray = 1").into_iter().chain(keys("[[step]]\nstray = 1"));
    let budget = keys("[budget]\nstray = 1").into_iter();
    let retry = keys("[[step]]\nid = \"x\"\nretry = { stray = 1 }").into_iter();
    let missing: Vec<&str> = all
        .chain(budget)
        .chain(retry)
        .filter(|key| !page.contains(&format!("`{key}`")) && !page.contains(&format!("{key} = ")))
        .filter(|key| *key != "step")
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "{PAGE} does not explain them");
}

#[test]
fn the_example_on_the_page_is_a_workflow() {
    let page = Page::read(PAGE).text;
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    Spec::parse(example.expect("an example")).expect("it is right");
}
