//! Lists notes and tags, from the index alone.
//!
//! Invariant: a list goes from newer to older numbers, so that going on after a note neither repeats
//! nor leaves out any, whatever was added or removed meanwhile.
//! Not here: searching (`search`).

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use ax_sdk::data;

use crate::block;
use crate::error::NotesError;
use crate::error::invalid;
use crate::layout::ID_MAX;
use crate::layout::block_of;
use crate::shelf;
use crate::shelf::Watch;
use crate::store::Store;
use crate::tag;

/// Notes in one answer, and what holds when the request does not say: about what a model reads
/// before it asks for something narrower. The largest answer is 130 KiB.
const LIST: Limit = Limit { default: 20, max: 100 };
/// Tags in one answer: 64 KiB at most.
const TAGS: Limit = Limit { default: 100, max: 1_000 };

/// How many of something an answer may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// When the request does not say.
    pub default: u32,
    /// At most.
    pub max: u32,
}

impl Limit {
    /// Returns the number that a request asks for.
    ///
    /// # Errors
    ///
    /// [`NotesError::Invalid`] for 0 and for more than `max`.
    pub fn of(self, given: Option<u32>) -> Result<usize, NotesError> {
        match given.unwrap_or(self.default) {
            limit if (1..=self.max).contains(&limit) => Ok(limit as usize),
            limit => Err(invalid("limit", format!("is {limit}; it may be 1 to {}", self.max))),
        }
    }
}

/// Which notes to list.
#[data]
#[derive(Debug, Clone, Default)]
pub struct ListQuestion {
    /// Only notes with this tag; all when absent.
    pub tag: Option<String>,
    /// Notes in one answer, 1 to 100; 20 when absent.
    pub limit: Option<u32>,
    /// `next` of the answer before this one; the newest notes when absent.
    pub cursor: Option<String>,
}

/// A note without its text.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its number.
    pub id: u64,
    /// Its version.
    pub version: u64,
    /// Its title.
    pub title: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
}

/// Part of a list.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct Listing {
    /// The notes, the one added last first.
    pub notes: Vec<Summary>,
    /// Pass this as `cursor` for older ones; absent at the end.
    pub next: Option<String>,
}

/// A tag and how often it is used.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// Notes that have it.
    pub notes: u32,
}

/// The tags in use.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct TagCounts {
    /// The most used first, by name among equals.
    pub tags: Vec<TagCount>,
    /// How many there are, those left out included.
    pub total: u32,
}

/// Lists notes.
///
/// # Errors
///
/// [`NotesError::Invalid`], [`NotesError::Cancelled`], [`NotesError::Store`].
pub fn list(
    store: &impl Store,
    question: ListQuestion,
    watch: Watch<'_>,
) -> Result<Listing, NotesError> {
    let limit = LIST.of(question.limit)?;
    let tag = question.tag.map(|text| tag::tag("tag", &text)).transpose()?;
    let before = question.cursor.map_or(Ok(ID_MAX + 1), |text| before(&text))?;
    let mut notes = Vec::new();
    // Nothing is below the first note; block 0 holds no note that is listed then.
    let newest = block_of(before.saturating_sub(1));
    shelf::walk(store, newest, watch, &mut |reading| {
        for card in &reading.cards {
            let has_tag = tag.as_ref().is_none_or(|tag| card.tags.contains(tag));
            if card.id < before && has_tag {
                let block::Card { id, version, title, tags, .. } = card.clone();
                notes.push(Summary { id, version, title, tags });
            }
            // One more than asked for tells whether the list goes on.
            if notes.len() > limit {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    let goes_on = notes.len() > limit;
    notes.truncate(limit);
    let next = notes.last().filter(|_| goes_on).map(|card| card.id.to_string());
    Ok(Listing { notes, next })
}

/// Counts the notes of each tag that begins with `prefix`.
///
/// # Errors
///
/// [`NotesError::Invalid`], [`NotesError::Cancelled`], [`NotesError::Store`].
pub fn tags(
    store: &impl Store,
    prefix: Option<String>,
    limit: Option<u32>,
    watch: Watch<'_>,
) -> Result<TagCounts, NotesError> {
    let limit = TAGS.of(limit)?;
    let prefix = match prefix.as_deref() {
        None | Some("") => String::new(),
        Some(text) => tag::tag("prefix", text)?,
    };
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    shelf::walk(store, u64::MAX, watch, &mut |reading| {
        for tag in reading.cards.iter().flat_map(|card| &card.tags) {
            if let Some(count) = counts.get_mut(tag) {
                *count += 1;
            } else if tag.starts_with(&prefix) {
                counts.insert(tag.clone(), 1);
            }
        }
        ControlFlow::Continue(())
    })?;
    let total = u32::try_from(counts.len()).unwrap_or(u32::MAX);
    let mut tags: Vec<TagCount> =
        counts.into_iter().map(|(tag, notes)| TagCount { tag, notes }).collect();
    // By name they are already.
    tags.sort_by_key(|count| std::cmp::Reverse(count.notes));
    tags.truncate(limit);
    Ok(TagCounts { tags, total })
}

/// Reads a cursor: the number of the last note of the answer before.
fn before(cursor: &str) -> Result<u64, NotesError> {
    let id = cursor.parse::<u64>().ok().filter(|id| *id <= ID_MAX && id.to_string() == cursor);
    id.ok_or_else(|| invalid("cursor", "is not one that a list gave"))
}
