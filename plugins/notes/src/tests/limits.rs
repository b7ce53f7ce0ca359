//! Full stores.

use super::draft;
use super::find;
use super::memory::Memory;
use crate::error::NotesError;
use crate::layout::META;
use crate::layout::block_key;
use crate::layout::note_key;
use crate::notebook::add;
use crate::notebook::remove;

#[test]
fn a_store_full_of_bytes_refuses_more_and_lets_go() {
    let store = Memory::default();
    let body = "bread ".repeat(5_000);
    let full = loop {
        if let Err(error) = add(&store, draft("large", &body, &[])) {
            break error;
        }
    };
    assert_eq!(full, NotesError::Full { limit: "kv-bytes".to_owned() });
    assert_eq!(full.to_string(), "the store of notes is full (`kv-bytes`)");
    assert!(full.hint().unwrap().contains("remove notes"));
    store.assert_whole();
    let count = store.notes().len();
    assert!(count > 300, "{count}");
    assert_eq!(find(&store, "bread").found as usize, count);
    remove(&store, 1, None).unwrap();
    add(&store, draft("large", &body, &[])).unwrap();
    store.assert_whole();
}

#[test]
fn a_store_full_of_keys_refuses_more() {
    let store = Memory::default();
    // Notes of nobody's, beside one block with room and one that would be new.
    add(&store, draft("first", "", &[])).unwrap();
    let block = store.contents()[&block_key(0)].clone();
    for number in 0..9_996 {
        store.set(&note_key(1_000 + number), "{}");
    }
    assert_eq!(store.contents()[&block_key(0)], block);
    add(&store, draft("second", "", &[])).unwrap();
    let full = NotesError::Full { limit: "kv-keys".to_owned() };
    assert_eq!(add(&store, draft("third", "", &[])), Err(full));
    remove(&store, 1, None).unwrap();
    assert_eq!(add(&store, draft("third", "", &[])).unwrap().id, 3);
    assert_eq!(store.contents()[META], b"{\"next\":4}");
}
