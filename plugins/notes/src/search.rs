//! Finds notes by their words.
//!
//! ```text
//! every block ──► weights of the query's words per note ──► statistics ──► scores ──► the best
//!                                                                                       │
//!                                                                the notes themselves ◄─┘
//! ```
//!
//! Invariant: memory is bounded by the notes that hold a word, some hundred bytes each.
//! Not here: what counts how much (`query`, `block`), excerpts (`excerpt`).

use std::cmp::Reverse;
use std::ops::ControlFlow;

use ax_sdk::data;

use crate::block::Reading;
use crate::error::NotesError;
use crate::excerpt::excerpt;
use crate::listing::Limit;
use crate::note::Note;
use crate::notebook;
use crate::query::Query;
use crate::query::Statistics;
use crate::query::Weights;
use crate::shelf;
use crate::shelf::Watch;
use crate::store::Store;
use crate::tag;

/// Notes in one answer: each is read for its excerpt. The largest answer is 120 KiB.
const SEARCH: Limit = Limit { default: 10, max: 50 };

/// What to look for.
#[data]
#[derive(Debug, Clone, Default)]
pub struct SearchQuestion {
    /// 1 to 16 words, at most 1 KiB together. Letters and digits count, their case does not; the
    /// last word may be the beginning of one.
    pub query: String,
    /// Only notes with this tag; all when absent.
    pub tag: Option<String>,
    /// Notes in the answer, 1 to 50; 10 when absent.
    pub limit: Option<u32>,
}

/// A note that was found.
#[data]
#[derive(Debug, PartialEq)]
pub struct Hit {
    /// Its number.
    pub id: u64,
    /// Its version.
    pub version: u64,
    /// Its title.
    pub title: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// Some of the text around the first word that was found in it, else its beginning: one line of
    /// at most 162 characters, with `…` where text is left out.
    pub excerpt: String,
    /// How well it fits, to a thousandth. Says nothing beyond this one answer.
    pub score: f64,
}

/// What was found.
#[data]
#[derive(Debug, PartialEq)]
pub struct Findings {
    /// The notes that fit best, best first; the newer first among equals.
    pub hits: Vec<Hit>,
    /// Notes that hold one of the words at least.
    pub found: u32,
}

/// A note that holds one of the words.
struct Candidate {
    id: u64,
    length: u32,
    weights: Weights,
}

/// Finds notes.
///
/// # Errors
///
/// [`NotesError::Invalid`], [`NotesError::Cancelled`], [`NotesError::Store`].
pub fn search(
    store: &impl Store,
    question: SearchQuestion,
    watch: Watch<'_>,
) -> Result<Findings, NotesError> {
    let limit = SEARCH.of(question.limit)?;
    let query = Query::parse(&question.query)?;
    let tag = question.tag.map(|text| tag::tag("tag", &text)).transpose()?;
    let mut statistics = Statistics::default();
    let mut candidates = Vec::new();
    shelf::walk(store, u64::MAX, watch, &mut |reading| {
        let all = weigh(reading, &query);
        for (card, weights) in reading.cards.iter().zip(all) {
            statistics.add(card.words, &weights);
            let has_tag = tag.as_ref().is_none_or(|tag| card.tags.contains(tag));
            if has_tag && !weights.is_empty() {
                candidates.push(Candidate { id: card.id, length: card.words, weights });
            }
        }
        ControlFlow::Continue(())
    })?;
    let found = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    let mut ranked: Vec<(Reverse<u64>, u64)> = candidates
        .iter()
        .map(|note| (Reverse(thousandths(statistics.score(note.length, &note.weights))), note.id))
        .collect();
    ranked.sort_by_key(|(score, id)| (*score, Reverse(*id)));
    let mut hits = Vec::new();
    for (Reverse(score), id) in ranked {
        if hits.len() == limit {
            break;
        }
        match notebook::get(store, id) {
            Ok(note) => {
                let excerpt = excerpt(&note.body, &query);
                let Note { version, title, tags, .. } = note;
                let score = score as f64 / 1000.0;
                hits.push(Hit { id, version, title, tags, excerpt, score });
            }
            // Removed since the index was read.
            Err(NotesError::NoNote { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Findings { hits, found })
}

/// Counts the words of the query in each note of a block.
fn weigh(reading: &Reading<'_>, query: &Query) -> Vec<Weights> {
    let mut all = vec![Weights::default(); reading.cards.len()];
    for (word, rest) in reading.words() {
        for sought in query.matches(word) {
            for (card, weight) in reading.weights(rest) {
                all[card].add(sought, weight);
            }
        }
    }
    all
}

/// Rounds a score, so that what cannot be told apart in the answer is ranked by age.
fn thousandths(score: f64) -> u64 {
    (score * 1000.0).round() as u64
}
