//! One change after another.

use super::draft;
use super::found;
use super::memory::Crowded;
use super::memory::Memory;
use super::note;
use crate::error::NotesError;
use crate::layout::ID_MAX;
use crate::layout::META;
use crate::layout::block_key;
use crate::layout::note_key;
use crate::note::Draft;
use crate::note::Stamp;
use crate::notebook::ATTEMPTS_MAX;
use crate::notebook::add;
use crate::notebook::get;
use crate::notebook::remove;
use crate::notebook::update;

#[test]
fn a_note_is_kept_as_it_was_given() {
    let store = Memory::default();
    let stamp = add(&store, draft("Bread", "flour\nwater", &["Food", "2025"])).unwrap();
    assert_eq!(stamp, Stamp { id: 1, version: 1 });
    assert_eq!(get(&store, 1).unwrap(), note("Bread", "flour\nwater", &["2025", "food"]));
    let bare = Draft { title: Some("Butter".to_owned()), ..Draft::default() };
    assert_eq!(add(&store, bare).unwrap().id, 2);
    assert_eq!(get(&store, 2).unwrap(), note("Butter", "", &[]));
    store.assert_whole();
}

#[test]
fn what_an_update_does_not_name_stays() {
    let store = Memory::default();
    add(&store, draft("Bread", "flour", &["food"])).unwrap();
    let body = Draft { body: Some("rye".to_owned()), ..Draft::default() };
    assert_eq!(update(&store, 1, 1, body).unwrap(), Stamp { id: 1, version: 2 });
    let tags = Draft { tags: Some(Vec::new()), ..Draft::default() };
    assert_eq!(update(&store, 1, 2, tags).unwrap(), Stamp { id: 1, version: 3 });
    let expected = crate::note::Note { version: 3, ..note("Bread", "rye", &[]) };
    assert_eq!(get(&store, 1).unwrap(), expected);
    assert!(found(&store, "flour").is_empty() && found(&store, "food").is_empty());
    assert_eq!(found(&store, "rye"), [1]);
    store.assert_whole();
}

#[test]
fn a_change_meant_for_another_version_is_refused() {
    let store = Memory::default();
    add(&store, draft("Bread", "", &[])).unwrap();
    update(&store, 1, 1, draft("Toast", "", &[])).unwrap();
    let before = store.contents();
    for given in [0, 1, 3, u64::MAX] {
        let refused = NotesError::Version { id: 1, given, found: 2 };
        assert_eq!(update(&store, 1, given, draft("x", "", &[])), Err(refused.clone()));
        assert_eq!(remove(&store, 1, Some(given)), Err(refused));
    }
    assert_eq!(store.contents(), before);
    assert_eq!(remove(&store, 1, Some(2)).unwrap(), Stamp { id: 1, version: 2 });
    store.assert_whole();
}

#[test]
fn a_removed_note_is_gone_and_its_number_is_not_used_again() {
    let store = Memory::default();
    add(&store, draft("Bread", "", &[])).unwrap();
    remove(&store, 1, None).unwrap();
    assert_eq!(store.contents().into_keys().collect::<Vec<_>>(), ["meta"]);
    let gone = NotesError::NoNote { id: 1 };
    assert_eq!(get(&store, 1), Err(gone.clone()));
    assert_eq!(remove(&store, 1, None), Err(gone.clone()));
    assert_eq!(update(&store, 1, 1, draft("x", "", &[])), Err(gone));
    assert_eq!(add(&store, draft("Butter", "", &[])).unwrap().id, 2);
    assert_eq!(get(&store, u64::MAX), Err(NotesError::NoNote { id: u64::MAX }));
    store.assert_whole();
}

#[test]
fn a_wrong_request_changes_nothing() {
    let store = Memory::default();
    add(&store, draft("Bread", "", &[])).unwrap();
    let before = store.contents();
    let wrong = [draft("", "", &[]), draft("a", "\0", &[]), draft("a", "", &["a b"])];
    for (draft, member) in wrong.into_iter().zip(["title", "body", "tags"]) {
        let is_told = |error: NotesError| matches!(error, NotesError::Invalid { member: told, .. } if told == member);
        assert!(is_told(add(&store, draft.clone()).unwrap_err()));
        assert!(is_told(update(&store, 1, 1, draft).unwrap_err()));
    }
    assert!(matches!(
        add(&store, Draft::default()),
        Err(NotesError::Invalid { member: "title", .. })
    ));
    assert!(matches!(update(&store, 1, 1, Draft::default()), Err(NotesError::Invalid { .. })));
    assert_eq!(store.contents(), before);
}

#[test]
fn a_change_is_tried_as_often_as_promised() {
    let store = Memory::default();
    add(&store, draft("Bread", "", &[])).unwrap();
    let crowded = |refusals| Crowded { memory: &store, refusals: std::cell::Cell::new(refusals) };
    let last = crowded(ATTEMPTS_MAX - 1);
    assert_eq!(add(&last, draft("Butter", "", &[])).unwrap().id, 2);
    assert_eq!(update(&last, 2, 1, draft("Milk", "", &[])).unwrap().version, 2);
    store.assert_whole();
    let before = store.contents();
    let lost = NotesError::Contention { attempts: ATTEMPTS_MAX };
    assert_eq!(add(&crowded(ATTEMPTS_MAX), draft("x", "", &[])), Err(lost.clone()));
    assert_eq!(update(&crowded(ATTEMPTS_MAX), 1, 1, draft("x", "", &[])), Err(lost.clone()));
    assert_eq!(remove(&crowded(ATTEMPTS_MAX), 1, None), Err(lost));
    assert_eq!(store.contents(), before);
}

#[test]
fn damaged_data_is_told_and_left_alone() {
    let keys = [note_key(1), block_key(0), META.to_owned()];
    for key in keys {
        let store = Memory::default();
        add(&store, draft("Bread", "", &[])).unwrap();
        store.set(&key, "?");
        let before = store.contents();
        let told = |error: NotesError| matches!(error, NotesError::Damaged { key: told, .. } if told == key);
        let errors = [
            add(&store, draft("x", "", &[])).err(),
            update(&store, 1, 1, draft("x", "", &[])).err(),
            remove(&store, 1, None).err(),
        ];
        assert!(errors.iter().flatten().count() > 0);
        assert!(errors.into_iter().flatten().all(told), "{key}");
        if key != note_key(1) {
            assert_eq!(store.contents().get(&key), before.get(&key));
        }
    }
}

#[test]
fn the_last_number_is_the_last() {
    let store = Memory::default();
    store.set(META, format!("{{\"next\": {ID_MAX}}}"));
    assert_eq!(add(&store, draft("Bread", "", &[])).unwrap().id, ID_MAX);
    assert!(matches!(add(&store, draft("Butter", "", &[])), Err(NotesError::Damaged { .. })));
    assert_eq!(found(&store, "bread"), [ID_MAX]);
    store.assert_whole();
}
