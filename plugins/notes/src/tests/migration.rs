//! From 0.1 to this release.

use std::collections::BTreeMap;

use proptest::prelude::*;

use ax_sdk::ErrorKind;
use ax_sdk::kv::CHANGES_MAX;

use super::draft;
use super::found;
use super::memory::Memory;
use super::memory::Mortal;
use super::note;
use crate::error::NotesError;
use crate::layout::META;
use crate::migrate::migrate;
use crate::note::BODY_BYTES_MAX;
use crate::note::Note;
use crate::note::TITLE_BYTES_MAX;
use crate::notebook::add;

/// Data of 0.1, with titles and bodies by number.
fn old(notes: &BTreeMap<u64, (String, String)>, next: Option<u64>) -> Memory {
    let store = Memory::default();
    for (id, (title, body)) in notes {
        store.set(&format!("n:{id}"), format!("{title}\n{body}"));
    }
    if let Some(next) = next {
        store.set("next", next.to_string());
    }
    store
}

fn check(store: &Memory, notes: &BTreeMap<u64, (String, String)>) {
    store.assert_whole();
    let expected: BTreeMap<u64, Note> =
        notes.iter().map(|(id, (title, body))| (*id, note(title, body, &[]))).collect();
    assert_eq!(store.notes(), expected);
}

fn many(count: u64, body_bytes: usize) -> BTreeMap<u64, (String, String)> {
    let body = |id: u64| {
        let mut body = format!("bread {id} ").repeat(body_bytes);
        body.truncate(body_bytes);
        body
    };
    (1..=count).map(|id| (id, (format!("title {id}"), body(id)))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_note_is_kept(
        notes in prop::collection::btree_map(1_u64..2_000, ("[^\n]{0,20}", ".{0,40}|[a-z \n]{0,200}"), 0..60),
        gap in prop::option::of(1_u64..50),
    ) {
        let highest = notes.keys().last().copied().unwrap_or(0);
        let next = gap.map(|gap| highest + gap);
        let store = old(&notes, next);
        prop_assert_eq!(migrate(&store, "0.1.0", "0.2.0").unwrap(), notes.len() as u64);
        check(&store, &notes);
        let next = next.unwrap_or(highest + 1);
        prop_assert_eq!(add(&store, draft("new", "", &[])).unwrap().id, next);
        for (id, (title, _)) in &notes {
            if let Some(word) = crate::word::words(title).last() {
                let question = crate::search::SearchQuestion { query: word.text, tag: None, limit: Some(50) };
                let findings = crate::search::search(&store, question, &mut |_| true).unwrap();
                let is_there = findings.hits.iter().any(|hit| hit.id == *id);
                prop_assert!(is_there || findings.found > 50);
            }
        }
    }
}

#[test]
fn a_run_that_was_cut_short_is_continued() {
    let notes = many(600, 100);
    for next in [Some(900), None] {
        let whole = old(&notes, next);
        let before = whole.writes();
        migrate(&whole, "0.1.0", "0.2.0").unwrap();
        check(&whole, &notes);
        let writes = whole.writes() - before;
        assert!(writes > 2, "{writes}");
        for first in 0..=writes {
            for second in 0..=writes - first {
                let store = old(&notes, next);
                for after in [first, second] {
                    let dies_at = store.writes() + after;
                    let result = migrate(&Mortal { memory: &store, dies_at }, "0.1.0", "0.2.0");
                    let died = matches!(&result, Err(NotesError::Store(cause)) if cause.kind == ErrorKind::Unavailable);
                    assert!(died || result.is_ok());
                }
                migrate(&store, "0.1.0", "0.2.0").unwrap();
                assert_eq!(store.contents(), whole.contents(), "after {first} and {second} writes");
                assert_eq!(store.writes() - before, writes, "no write is made twice");
            }
        }
    }
}

#[test]
fn a_second_run_changes_nothing() {
    let store = old(&many(10, 10), Some(11));
    migrate(&store, "0.1.3", "0.2.0").unwrap();
    let (contents, writes) = (store.contents(), store.writes());
    assert_eq!(migrate(&store, "0.1.3", "0.2.0").unwrap(), 0);
    assert_eq!((store.contents(), store.writes()), (contents, writes));
}

#[test]
fn notes_that_are_here_already_stay() {
    let store = old(&many(3, 10), Some(4));
    migrate(&store, "0.1.0", "0.2.0").unwrap();
    let id = add(&store, draft("new", "", &["tag"])).unwrap().id;
    store.set("n:5", "old\nbread");
    migrate(&store, "0.1.0", "0.2.0").unwrap();
    assert_eq!((id, found(&store, "tag"), found(&store, "old")), (4, vec![4], vec![5]));
    assert_eq!(add(&store, draft("newer", "", &[])).unwrap().id, 6);
    store.assert_whole();
    store.set("n:4", "another\n");
    let clash = migrate(&store, "0.1.0", "0.2.0").unwrap_err();
    assert!(matches!(clash, NotesError::Store(cause) if cause.kind == ErrorKind::Conflict));
    assert_eq!(store.notes()[&4].title, "new");
}

#[test]
fn an_empty_store_stays_empty() {
    let store = Memory::default();
    assert_eq!(migrate(&store, "0.1.0", "0.2.0").unwrap(), 0);
    assert!(store.contents().is_empty());
}

#[test]
fn versions_of_this_line_need_nothing() {
    let store = old(&many(3, 10), None);
    let before = store.contents();
    for from in ["0.2.0", "0.2.1", "0.2.99", "0.2.0-rc.1", "0.2.3+build"] {
        assert_eq!(migrate(&store, from, "0.2.1").unwrap(), 0);
    }
    assert_eq!(store.contents(), before);
}

#[test]
fn versions_that_are_not_known_are_refused() {
    let store = old(&many(3, 10), None);
    let before = store.contents();
    for from in ["0.3.0", "0.0.9", "1.0.0", "1.1.0", "2.2.0", "", "0.1", "x", "v0.1.0", "0.10.0"] {
        let error = migrate(&store, from, "0.2.0").unwrap_err();
        let (from, to) = (from.to_owned(), "0.2.0".to_owned());
        assert_eq!(error, NotesError::Origin { from, to });
        assert!(error.hint().is_some());
    }
    assert_eq!(store.contents(), before);
}

#[test]
fn what_0_1_does_not_write_stops_it_before_anything_is_written() {
    let too_long = vec![b'a'; TITLE_BYTES_MAX + 1 + BODY_BYTES_MAX + 1];
    let cases: [(&str, &[u8]); 9] = [
        ("n:", b"a\nb"),
        ("n:x", b"a\nb"),
        ("n:01", b"a\nb"),
        ("n:+1", b"a\nb"),
        ("n:9007199254740991", b"a\nb"),
        ("n:7", b"\xff"),
        ("n:7", &too_long),
        ("next", b"x"),
        ("next", b"9007199254740992"),
    ];
    for (key, value) in cases {
        let store = old(&many(3, 10), None);
        store.set(key, value);
        let before = store.contents();
        let error = migrate(&store, "0.1.0", "0.2.0").unwrap_err();
        assert!(matches!(error, NotesError::Damaged { key: told, .. } if told == key), "{key}");
        assert_eq!(store.contents(), before);
    }
}

#[test]
fn a_store_full_of_notes_moves_in_bounded_writes() {
    // 256 to a write by number, 1 MiB by size, each note in a block of its own.
    let scattered: BTreeMap<u64, (String, String)> =
        many(1_000, 500).into_iter().map(|(id, note)| (id * 8, note)).collect();
    let store = old(&scattered, None);
    migrate(&store, "0.1.0", "0.2.0").unwrap();
    check(&store, &scattered);
    assert!((700..=CHANGES_MAX).contains(&store.largest_write()), "{}", store.largest_write());
    let quotes = "\" ".repeat(BODY_BYTES_MAX / 2);
    let large: BTreeMap<_, _> = (1..=150).map(|id| (id, (String::new(), quotes.clone()))).collect();
    let store = old(&large, None);
    migrate(&store, "0.1.0", "0.2.0").unwrap();
    check(&store, &large);
}

#[test]
fn a_store_without_room_stops_it() {
    for (notes, limit) in [(many(9_500, 1), "kv-keys"), (many(320, 32_700), "kv-bytes")] {
        let store = old(&notes, None);
        let error = migrate(&store, "0.1.0", "0.2.0").unwrap_err();
        assert_eq!(error, NotesError::Full { limit: limit.to_owned() });
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_title_without_a_body_is_a_note_too() {
    let store = Memory::default();
    store.set("n:1", "only a title");
    store.set("n:2", "");
    store.set("n:3", "title\nbody\nmore\n");
    migrate(&store, "0.1.0", "0.2.0").unwrap();
    let notes = store.notes();
    assert_eq!(notes[&1], note("only a title", "", &[]));
    assert_eq!(notes[&2], note("", "", &[]));
    assert_eq!(notes[&3], note("title", "body\nmore\n", &[]));
    assert_eq!(store.contents()[META], b"{\"next\":4}");
}
