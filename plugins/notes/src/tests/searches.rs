//! What lists and searches answer.

use super::draft;
use super::find;
use super::found;
use super::memory::Memory;
use crate::error::NotesError;
use crate::listing::ListQuestion;
use crate::listing::list;
use crate::listing::tags;
use crate::notebook::add;
use crate::notebook::remove;
use crate::search::SearchQuestion;
use crate::search::search;

fn kitchen() -> Memory {
    let store = Memory::default();
    for (title, body, tags) in [
        ("Bread", "Flour, water, salt. Bake it for an hour.", &["food", "to-do"][..]),
        ("Breakfast", "Bread and butter, and more bread.", &["food"]),
        ("Meeting", "Talk about the budget for bread ovens. Bring coffee.", &["work"]),
        ("Budget", "Ovens are expensive.", &["work", "money"]),
    ] {
        add(&store, draft(title, body, tags)).unwrap();
    }
    store
}

#[test]
fn titles_count_most_and_beginnings_are_found() {
    let store = kitchen();
    assert_eq!(found(&store, "bread"), [1, 2, 3]);
    assert_eq!(found(&store, "BUDGET"), [4, 3]);
    assert_eq!(found(&store, "brea"), [2, 1, 3]);
    assert_eq!(found(&store, "budget oven"), [4, 3]);
    assert_eq!(found(&store, "to-do"), [1]);
    assert_eq!(found(&store, "nothing"), [] as [u64; 0]);
}

#[test]
fn a_hit_is_the_note_with_an_excerpt() {
    let findings = find(&kitchen(), "coffee");
    assert_eq!(findings.found, 1);
    let hit = &findings.hits[0];
    assert_eq!((hit.id, hit.title.as_str()), (3, "Meeting"));
    assert_eq!(hit.excerpt, "…about the budget for bread ovens. Bring coffee.");
    assert!(hit.score > 0.0);
}

#[test]
fn a_search_can_be_narrowed_and_cut() {
    let store = kitchen();
    let question = |tag: &str, limit| SearchQuestion {
        query: "bread".to_owned(),
        tag: Some(tag.to_owned()),
        limit: Some(limit),
    };
    let findings = search(&store, question("Food", 1), &mut |_| true).unwrap();
    assert_eq!((findings.hits.len(), findings.found), (1, 2));
    for limit in [0, 51] {
        let error = search(&store, question("food", limit), &mut |_| true).unwrap_err();
        assert!(matches!(error, NotesError::Invalid { member: "limit", .. }));
    }
    let error = search(&store, question("no tag", 1), &mut |_| true).unwrap_err();
    assert!(matches!(error, NotesError::Invalid { member: "tag", .. }));
}

#[test]
fn a_list_goes_on_whatever_was_removed_meanwhile() {
    let store = Memory::default();
    for number in 1..=30 {
        add(&store, draft(&format!("n{number}"), "", &[])).unwrap();
    }
    let page = |cursor: Option<String>| {
        let question = ListQuestion { limit: Some(10), cursor, ..ListQuestion::default() };
        list(&store, question, &mut |_| true).unwrap()
    };
    let ids = |listing: &crate::listing::Listing| {
        listing.notes.iter().map(|card| card.id).collect::<Vec<_>>()
    };
    let first = page(None);
    assert_eq!(ids(&first), (21..=30).rev().collect::<Vec<_>>());
    for id in [21, 20, 5] {
        remove(&store, id, None).unwrap();
    }
    add(&store, draft("new", "", &[])).unwrap();
    let second = page(first.next);
    assert_eq!(ids(&second), (10..=19).rev().collect::<Vec<_>>());
    let third = page(second.next);
    assert_eq!(ids(&third), [9, 8, 7, 6, 4, 3, 2, 1]);
    assert_eq!(third.next, None);
}

#[test]
fn a_list_that_ends_with_a_full_page_says_so() {
    let store = kitchen();
    let question = |limit| ListQuestion { limit: Some(limit), ..ListQuestion::default() };
    assert_eq!(list(&store, question(4), &mut |_| true).unwrap().next, None);
    assert_eq!(list(&store, question(3), &mut |_| true).unwrap().next.as_deref(), Some("2"));
}

#[test]
fn a_cursor_that_no_list_gave_is_refused() {
    let question =
        |cursor: &str| ListQuestion { cursor: Some(cursor.to_owned()), ..ListQuestion::default() };
    for cursor in ["", "x", "-1", "+1", "01", "1 ", "9007199254740992", "99999999999999999999"] {
        let error = list(&kitchen(), question(cursor), &mut |_| true).unwrap_err();
        assert!(matches!(error, NotesError::Invalid { member: "cursor", .. }), "{cursor:?}");
    }
    assert!(list(&kitchen(), question("0"), &mut |_| true).unwrap().notes.is_empty());
    let all = list(&kitchen(), question("9007199254740991"), &mut |_| true).unwrap();
    assert_eq!(all.notes.len(), 4);
}

#[test]
fn a_list_has_1_to_100_notes() {
    let question = |limit| ListQuestion { limit: Some(limit), ..ListQuestion::default() };
    for limit in [0, 101] {
        let error = list(&kitchen(), question(limit), &mut |_| true).unwrap_err();
        assert!(matches!(error, NotesError::Invalid { member: "limit", .. }));
    }
    assert!(list(&kitchen(), question(100), &mut |_| true).is_ok());
}

#[test]
fn tags_are_counted_and_cut() {
    let store = kitchen();
    let of = |prefix: Option<&str>, limit| {
        let counts = tags(&store, prefix.map(str::to_owned), limit, &mut |_| true).unwrap();
        let tags: Vec<_> =
            counts.tags.into_iter().map(|count| format!("{} {}", count.tag, count.notes)).collect();
        (tags.join(", "), counts.total)
    };
    assert_eq!(of(None, None), ("food 2, work 2, money 1, to-do 1".to_owned(), 4));
    assert_eq!(of(None, Some(1)), ("food 2".to_owned(), 4));
    assert_eq!(of(Some("MON"), None), ("money 1".to_owned(), 1));
    assert_eq!(of(Some(""), None).1, 4);
    assert_eq!(of(Some("x"), None), (String::new(), 0));
    for limit in [0, 1_001] {
        let error = tags(&store, None, Some(limit), &mut |_| true).unwrap_err();
        assert!(matches!(error, NotesError::Invalid { member: "limit", .. }));
    }
}

#[test]
fn whoever_asks_to_stop_is_heard() {
    let store = kitchen();
    let stopped = Err(NotesError::Cancelled { blocks: 0 });
    let question = SearchQuestion { query: "bread".to_owned(), ..SearchQuestion::default() };
    assert_eq!(search(&store, question, &mut |_| false).map(drop), stopped);
    assert_eq!(list(&store, ListQuestion::default(), &mut |_| false).map(drop), stopped);
    assert_eq!(tags(&store, None, None, &mut |_| false).map(drop), stopped);
}
