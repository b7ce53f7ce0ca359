//! What holds for the notes as a whole, over a store in memory.

mod changes;
mod concurrency;
mod limits;
mod memory;
mod migration;
mod model;
mod searches;
mod turns;

use crate::note::Draft;
use crate::note::Note;
use crate::search::Findings;
use crate::search::SearchQuestion;
use crate::search::search;
use crate::store::Store;

/// Makes what a request holds.
fn draft(title: &str, body: &str, tags: &[&str]) -> Draft {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Draft { title: Some(title.to_owned()), body: Some(body.to_owned()), tags: Some(tags) }
}

/// Makes the note that [`draft`] adds.
fn note(title: &str, body: &str, tags: &[&str]) -> Note {
    Draft::applied_to(
        &draft(title, body, tags),
        Note { version: 0, title: String::new(), body: String::new(), tags: Vec::new() },
    )
}

/// Searches all notes, 50 hits at most.
fn find(store: &impl Store, query: &str) -> Findings {
    let question = SearchQuestion { query: query.to_owned(), tag: None, limit: Some(50) };
    search(store, question, &mut |_| true).unwrap()
}

/// Searches all notes and returns the numbers of those found, best first.
fn found(store: &impl Store, query: &str) -> Vec<u64> {
    find(store, query).hits.iter().map(|hit| hit.id).collect()
}
