//! The table of models: dated, sourced, overridable; money in whole millionths.

use super::super::catalogue::Basis;
use super::super::catalogue::FILE_BYTES_MAX;
use super::*;

fn usage(input: u64, output: u64, cache_read: u64) -> Usage {
    Usage { input, output, cache_read, ..Usage::default() }
}

fn micro(catalogue: &Catalogue, model: &str, usage: Usage) -> Option<u64> {
    catalogue.cost(model, usage, Basis::Reported).map(|cost| cost.micro_usd)
}

#[test]
fn every_row_has_a_date_and_a_source() {
    let catalogue = Catalogue::built_in();
    assert_eq!(catalogue.rows().count(), 27);
    for (name, row) in catalogue.rows() {
        assert!(row.date.len() == 10 && row.source.contains("litellm 1.106.2"), "{name}");
        assert!(row.prices.input > 0 && row.prices.output >= row.prices.input, "{name}");
    }
}

#[test]
fn a_cost_is_whole_millionths_rounded_up() {
    let catalogue = Catalogue::built_in();
    assert_eq!(
        micro(&catalogue, "claude-opus-5-5", usage(1_000_000, 1_000_000, 0)),
        Some(24_000_000)
    );
    assert_eq!(micro(&catalogue, "claude-opus-5-5", usage(1_000, 0, 400)), Some(2_480));
    assert_eq!(micro(&catalogue, "gpt-6-luna", usage(1, 0, 0)), Some(1));
    assert_eq!(
        micro(&catalogue, "gpt-6-luna", usage(100, 0, 100)),
        Some(10),
        "no price of a cache"
    );
    assert_eq!(
        micro(&catalogue, "gpt-6-luna", usage(0, 0, 9)),
        Some(0),
        "more from a cache than read"
    );
    assert_eq!(micro(&catalogue, "gpt-6-astra", usage(u64::MAX, u64::MAX, 0)), Some(u64::MAX));
    assert_eq!(micro(&catalogue, "nobody knows", usage(1, 1, 0)), None);
}

#[test]
fn a_long_request_has_its_own_price() {
    let catalogue = Catalogue::built_in();
    let model = "claude-haiku-5-5";
    assert_eq!(micro(&catalogue, model, usage(100_000, 0, 0)), Some(10_000));
    assert_eq!(micro(&catalogue, model, usage(100_001, 0, 0)), Some(50_001));
}

#[test]
fn a_name_with_a_date_is_the_same_model() {
    let catalogue = Catalogue::built_in();
    for name in ["claude-haiku-4-5-20251001", "gpt-5.4-mini-2026-03-05"] {
        assert!(catalogue.row(name).is_some(), "{name}");
    }
    for name in
        ["claude-haiku-4-5-2025", "gpt-5.4-mini-preview", "20251001", "-20251001", "ü-20251001"]
    {
        assert!(catalogue.row(name).is_none(), "{name}");
    }
}

#[test]
fn a_users_row_takes_the_place_of_ours() {
    let mut catalogue = Catalogue::built_in();
    let text = "[[model]]\nname = \"gpt-5.5\"\ninput = 0.5\noutput = 1\nprefill = true\n";
    catalogue.add(text).unwrap();
    let row = catalogue.row("gpt-5.5").unwrap();
    assert_eq!((row.prices.input, row.source.as_str()), (500_000, "the user's file"));
    assert_eq!(row.abilities.prefill, Some(true));
    assert!(catalogue.row("gpt-5.4").is_some());
}

#[test]
fn what_a_provider_lists_fills_what_no_row_says() {
    let mut catalogue = Catalogue::built_in();
    let listed = ModelInfo {
        name: "gemini-2.5-pro".to_owned(),
        context_tokens: Some(9),
        output_tokens: Some(5),
    };
    catalogue.learn(&[listed]);
    let abilities = catalogue.abilities("gemini-2.5-pro");
    assert_eq!((abilities.context_tokens, abilities.output_tokens), (Some(9), Some(5)));
}

#[test]
fn a_table_that_is_wrong_changes_nothing() {
    let row = |rest: &str| format!("[[model]]\nname = \"m\"\n{rest}\n");
    let wrong = [
        "[[model".to_owned(),
        row("input = 1"),
        row("input = -0.1\noutput = 1"),
        row("input = 1\noutput = nan"),
        row("input = 1\noutput = 1000001"),
        row("input = 1\noutput = 1\ncolour = 1"),
        row("input = 1\noutput = 1").repeat(2),
        " ".repeat(FILE_BYTES_MAX + 1),
    ];
    let mut said = Vec::new();
    for text in wrong {
        let mut catalogue = Catalogue::built_in();
        let error = catalogue.add(&text).unwrap_err();
        assert!(error.hint().is_some() && catalogue.row("m").is_none());
        said.push(error.to_string().lines().next().unwrap().to_owned());
    }
    insta::assert_snapshot!(said[2..].join("\n"), @r"
    `input` of the model `m` is -0.1, and 0 to 1000000 are allowed
    `output` of the model `m` is NaN, and 0 to 1000000 are allowed
    `output` of the model `m` is 1000001, and 0 to 1000000 are allowed
    the table of models cannot be read: unknown field `colour`, expected one of `name`, `input`, `output`, `cache_read`, `long`, `context_tokens`, `output_tokens`, `sampling`, `prefill`, `tools`, `images`, `files`, `thinking`, `date`, `source`
    the model `m` is there twice
    the table of models has 4194305 bytes, and 4194304 are allowed
    ");
}
