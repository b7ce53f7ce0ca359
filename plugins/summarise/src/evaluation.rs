//! How good a summary is, by rules that come to the same each time.
//!
//! ```text
//! facts kept     each fact stands in it, in one of its spellings
//! length kept    at most as many words as were wanted
//! nothing made up    no word that must not appear, and no number that the text does not have
//! ```
//!
//! Not here: who writes the summaries (the tests play them, `examples/evaluate.rs` asks a model).

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::length;

/// A set of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// They.
    pub case: Vec<Case>,
}

/// A text and what its summary has to be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// The text.
    pub text: String,
    /// Most words.
    pub max_words: u32,
    /// How it is written, as the tool has it.
    pub style: Option<String>,
    /// Facts that must stand in it; spellings of one are parted by `|`.
    pub facts: Vec<String>,
    /// Words that must not.
    #[serde(default)]
    pub never: Vec<String>,
    /// A good summary, for tests without a model.
    pub answer: String,
}

/// What a summary came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// Facts that are missing.
    pub missing: Vec<String>,
    /// Words and numbers that are made up.
    pub made_up: Vec<String>,
    /// Its words.
    pub words: usize,
    /// Whether it keeps to its length.
    pub is_short: bool,
}

impl Score {
    /// Answers whether nothing is wrong with it.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.missing.is_empty() && self.made_up.is_empty() && self.is_short
    }
}

/// Scores a summary.
#[must_use]
pub fn score(case: &Case, summary: &str) -> Score {
    let said = plain(summary);
    let has = |words: &str| said.contains(&plain(words));
    let is_missing = |fact: &&String| !fact.split('|').any(has);
    let text = plain(&case.text);
    let known: BTreeSet<&str> = numbers(&text).collect();
    let strange = numbers(&said).filter(|number| !known.contains(number)).map(str::to_owned);
    let words = length::words(summary);
    Score {
        missing: case.facts.iter().filter(is_missing).cloned().collect(),
        made_up: case.never.iter().filter(|it| has(it)).cloned().chain(strange).collect(),
        words,
        is_short: words <= case.max_words as usize,
    }
}

/// Writes a text as its words alone, each with a blank before and behind.
fn plain(text: &str) -> String {
    let mut plain = String::from(" ");
    let letters: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    for (at, letter) in letters.iter().enumerate() {
        let is_digit =
            |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(char::is_ascii_digit);
        let joins_digits = is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
        match letter {
            // 1,200 is 1200, and 1.5 stays so.
            ',' if joins_digits => {}
            '.' if joins_digits => plain.push('.'),
            letter if letter.is_alphanumeric() => plain.push(*letter),
            _ if plain.ends_with(' ') => {}
            _ => plain.push(' '),
        }
    }
    if !plain.ends_with(' ') {
        plain.push(' ');
    }
    plain
}

/// Lists the numbers of a plain text.
fn numbers(plain: &str) -> impl Iterator<Item = &str> {
    plain.split(' ').filter(|word| word.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use ax_sdk::prelude::*;
    use ax_sdk::{fake, serde_json};

    use super::*;
    use crate::tool::summarise;

    fn cases() -> Vec<Case> {
        let text = include_str!("../evaluation/cases.toml");
        toml::from_str::<Cases>(text).expect("the cases").case
    }

    /// Sums a case up by a model that says its answer.
    fn summary(case: &Case) -> String {
        let answer = case.answer.clone();
        fake::model(move |_| Ok(fake::said(&answer)));
        let style = case.style.clone().map(serde_json::Value::String);
        let style = style.map(|style| serde_json::from_value(style).expect("a style"));
        let Json(summary) =
            summarise(case.text.clone(), Some(case.max_words), style, None).expect(&case.name);
        summary.text
    }

    #[test]
    fn good_summaries_of_all_twenty_are_good() {
        let cases = cases();
        assert_eq!(cases.len(), 20);
        for case in cases {
            let score = score(&case, &summary(&case));
            assert!(score.is_good(), "{}: {score:?}", case.name);
        }
    }

    #[test]
    fn the_text_itself_holds_every_fact_and_nothing_that_is_made_up() {
        for case in cases() {
            let score = score(&case, &case.text);
            assert_eq!(score.missing, Vec::<String>::new(), "{}", case.name);
            // Instructions within a text are words of it that no summary may have.
            let is_tricky = case.text.contains("Ignore");
            assert_eq!(score.made_up.is_empty(), !is_tricky, "{}: {:?}", case.name, score.made_up);
            assert!(!score.is_short, "{}: its text is a summary", case.name);
            assert!(!case.facts.is_empty() && !case.never.is_empty(), "{}", case.name);
        }
    }

    #[test]
    fn what_is_left_out_made_up_or_too_long_is_found() {
        let case = Case {
            name: "a".to_owned(),
            text: "Ann sold 1,200 eggs for 1.5 dollars on 3 May.".to_owned(),
            max_words: 6,
            style: None,
            facts: vec!["1200|twelve hundred".to_owned(), "Ann".to_owned()],
            never: vec!["Bob".to_owned()],
            answer: String::new(),
        };
        assert!(score(&case, "Ann sold 1200 eggs.").is_good());
        assert!(score(&case, "ANN sold twelve-hundred eggs").is_good());
        assert_eq!(score(&case, "Anna sold 1,200 eggs.").missing, ["Ann"]);
        assert_eq!(score(&case, "Ann and Bob sold 1,200 eggs.").made_up, ["Bob"]);
        assert_eq!(score(&case, "Ann sold 1,200 eggs for 15.").made_up, ["15"]);
        assert!(!score(&case, "Ann sold all of the 1,200 eggs.").is_short);
    }
}
