//! Random sequences of operations, against a model that has no index.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::find;
use super::memory::Memory;
use crate::error::NotesError;
use crate::listing::ListQuestion;
use crate::listing::TagCount;
use crate::listing::list;
use crate::listing::tags;
use crate::note::Draft;
use crate::note::Note;
use crate::notebook::add;
use crate::notebook::get;
use crate::notebook::remove;
use crate::notebook::update;
use crate::search::Hit;
use crate::word::words;

/// One operation. Numbers of notes are taken modulo the numbers given out, and one more.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Add(Draft),
    Update { id: u64, stale: bool, draft: Draft },
    Remove { id: u64, stale: bool },
}

/// Few words, so that notes have some in common.
fn text(words: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "bread",
        "Bread",
        "butter",
        "but",
        "milk",
        "mil\u{e9}",
        "北京",
        "ΟΔΟΣ",
        "x-1",
        "a.b",
        "…",
    ]);
    prop::collection::vec(word, words).prop_map(|words| words.join(" "))
}

pub(super) fn drafts() -> impl Strategy<Value = Draft> {
    let tag = prop::sample::select(vec!["food", "Food", "work", "work/a", "c++", "北"]);
    let tags = prop::collection::vec(tag.prop_map(str::to_owned), 0..3);
    (text(1..3), text(0..6), tags).prop_map(|(title, body, tags)| Draft {
        title: Some(title),
        body: Some(body),
        tags: Some(tags),
    })
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let part = (drafts(), 0..8_u8).prop_map(|(draft, keep)| Draft {
        title: draft.title.filter(|_| keep & 1 == 0),
        body: draft.body.filter(|_| keep & 2 == 0),
        tags: draft.tags.filter(|_| keep & 4 == 0),
    });
    let stale = prop::bool::weighted(0.1);
    let act = prop_oneof![
        4 => drafts().prop_map(Act::Add),
        3 => (any::<u64>(), stale, part)
            .prop_map(|(id, stale, draft)| Act::Update { id, stale, draft }),
        2 => (any::<u64>(), stale).prop_map(|(id, stale)| Act::Remove { id, stale }),
    ];
    prop::collection::vec(act, 0..60)
}

/// What there should be.
#[derive(Debug, Default)]
struct Model {
    notes: BTreeMap<u64, Note>,
    next: u64,
}

impl Model {
    /// Whether a hit says of its note what the note is.
    fn is_of(&self, hit: &Hit) -> bool {
        let note = &self.notes[&hit.id];
        (note.version, &note.title, &note.tags) == (hit.version, &hit.title, &hit.tags)
    }

    fn act(&mut self, store: &Memory, act: Act) {
        match act {
            Act::Add(draft) => {
                let nothing =
                    Note { version: 0, title: String::new(), body: String::new(), tags: vec![] };
                let note = draft.clone().checked().unwrap().applied_to(nothing);
                self.next += 1;
                assert_eq!(add(store, draft).unwrap().id, self.next);
                self.notes.insert(self.next, note);
            }
            Act::Update { id, stale, draft } => {
                let id = id % (self.next + 2);
                let found = self.notes.get(&id).map(|note| note.version);
                let given = found.unwrap_or(1) + u64::from(stale);
                let result = update(store, id, given, draft.clone());
                match (found, draft.is_empty(), stale) {
                    (_, true, _) => assert!(matches!(result, Err(NotesError::Invalid { .. }))),
                    (None, ..) => assert_eq!(result, Err(NotesError::NoNote { id })),
                    (Some(found), _, true) => {
                        assert_eq!(result, Err(NotesError::Version { id, given, found }));
                    }
                    (Some(found), ..) => {
                        assert_eq!(result.unwrap().version, found + 1);
                        let note = self.notes.remove(&id).unwrap();
                        self.notes.insert(id, draft.checked().unwrap().applied_to(note));
                    }
                }
            }
            Act::Remove { id, stale } => {
                let id = id % (self.next + 2);
                let found = self.notes.get(&id).map(|note| note.version);
                let given = stale.then_some(found.unwrap_or(1) + 1);
                let result = remove(store, id, given);
                match found {
                    None => assert_eq!(result, Err(NotesError::NoNote { id })),
                    Some(_) if stale => assert!(matches!(result, Err(NotesError::Version { .. }))),
                    Some(version) => {
                        assert_eq!(result.unwrap().version, version);
                        self.notes.remove(&id);
                    }
                }
            }
        }
    }

    /// Notes that hold one of the words, the last one perhaps as a beginning.
    fn holding(&self, query: &str) -> BTreeSet<u64> {
        let sought: Vec<String> = words(query).map(|word| word.text).collect();
        let (last, others) = sought.split_last().unwrap();
        let holds = |note: &Note| {
            let texts = [&note.title, &note.body].into_iter().chain(&note.tags);
            let mut all = texts.flat_map(|text| words(text)).map(|word| word.text);
            all.any(|word| word.starts_with(last.as_str()) || others.contains(&word))
        };
        self.notes.iter().filter(|(_, note)| holds(note)).map(|(id, _)| *id).collect()
    }

    fn with_tag(&self, tag: Option<&str>) -> Vec<u64> {
        let has = |note: &&Note| tag.is_none_or(|tag| note.tags.iter().any(|other| other == tag));
        self.notes.iter().rev().filter(|(_, note)| has(note)).map(|(id, _)| *id).collect()
    }
}

fn listed(store: &Memory, tag: Option<&str>, limit: u32) -> Vec<u64> {
    let mut ids = Vec::new();
    let mut cursor = None;
    loop {
        let question = ListQuestion { tag: tag.map(str::to_owned), limit: Some(limit), cursor };
        let listing = list(store, question, &mut |_| true).unwrap();
        assert!(listing.notes.len() <= limit as usize);
        ids.extend(listing.notes.iter().map(|card| card.id));
        match listing.next {
            Some(next) => cursor = Some(next),
            None => return ids,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_notes_are_those_of_the_model(acts in acts(), limit in 1_u32..10) {
        let store = Memory::default();
        let mut model = Model::default();
        for act in acts {
            model.act(&store, act);
        }
        store.assert_whole();
        prop_assert_eq!(&store.notes(), &model.notes);
        for (id, note) in &model.notes {
            prop_assert_eq!(&get(&store, *id).unwrap(), note);
        }
        for query in ["bread", "b", "BREAD milk", "butter but", "milé", "北", "οδος", "food", "x 1", "zz"] {
            let findings = find(&store, query);
            let ids: BTreeSet<u64> = findings.hits.iter().map(|hit| hit.id).collect();
            let holding = model.holding(query);
            prop_assert_eq!(findings.found as usize, holding.len());
            prop_assert!(ids.is_subset(&holding));
            prop_assert_eq!(ids.len(), holding.len().min(50));
            let order = |hit: &Hit| (std::cmp::Reverse((hit.score * 1000.0).round() as u64), std::cmp::Reverse(hit.id));
            prop_assert!(findings.hits.is_sorted_by_key(order));
            prop_assert!(findings.hits.iter().all(|hit| model.is_of(hit)));
        }
        for tag in [None, Some("food"), Some("work"), Some("北"), Some("none")] {
            prop_assert_eq!(listed(&store, tag, limit), model.with_tag(tag));
        }
        let counts = tags(&store, None, None, &mut |_| true).unwrap();
        prop_assert_eq!(counts.total as usize, counts.tags.len());
        for TagCount { tag, notes: count } in &counts.tags {
            prop_assert_eq!(*count as usize, model.with_tag(Some(tag)).len());
        }
        let tagged = model.notes.values().flat_map(|note| &note.tags).collect::<BTreeSet<_>>();
        prop_assert_eq!(counts.tags.len(), tagged.len());
    }
}
