//! Where things are in the store.
//!
//! | Key | Value |
//! |---|---|
//! | `meta` | `{"next": 12}`: the number of the next note |
//! | `note/<id>` | the note as JSON (`note`), id in 16 hexadecimal digits |
//! | `index/<block>` | what is in the notes 8 · block to 8 · block + 7 (`block`), counted down from 2^64 − 1 in 16 digits, so that a scan meets the newest first |
//!
//! The store has 10,000 keys and 10 MiB. A key for each word of each note would use up the keys with
//! a hundred notes; a key for each word would be rewritten by every note with that word, so that
//! all calls were in each other's way. A block for eight notes costs an eighth of a key per note,
//! shares the words its notes have in common, and is all there is to rewrite when one of them
//! changes: a few KiB. Searching reads every block and no note. The index of a full store is a few
//! MiB, and reading it takes a fraction of what a call may use (see the README for figures).
//!
//! Invariant: a write that changes a note changes its block too, and each of the two only as it was
//! read. Therefore every note has exactly one entry in the index, of the same version, whoever
//! writes at the same time. Numbers grow; `meta` is above them all.
//! Not here: the layout of release 0.1 (`migrate`).

/// Where the number of the next note is.
pub const META: &str = "meta";
/// What keys of notes begin with.
pub const NOTES: &str = "note/";
/// What keys of blocks begin with.
pub const INDEX: &str = "index/";
/// Notes in one block. Twice as many would need half as many keys and make twice as many calls
/// conflict; with eight, the largest notes there may be still make a block that fits a value.
pub const NOTES_PER_BLOCK: u64 = 8;
/// The largest number of a note: up to here JSON numbers are exact everywhere.
pub const ID_MAX: u64 = (1 << 53) - 1;

/// Returns the key of a note.
pub fn note_key(id: u64) -> String {
    format!("{NOTES}{id:016x}")
}

/// Returns the block that a note is in.
pub fn block_of(id: u64) -> u64 {
    id / NOTES_PER_BLOCK
}

/// Returns the key of a block.
pub fn block_key(block: u64) -> String {
    format!("{INDEX}{:016x}", !block)
}

/// Returns which block a key is of; nothing for a key that is none of ours.
pub fn block_at(key: &str) -> Option<u64> {
    let block = !u64::from_str_radix(key.strip_prefix(INDEX)?, 16).ok()?;
    (block <= block_of(ID_MAX) && block_key(block) == key).then_some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_meets_the_newest_block_first() {
        let keys = [ID_MAX, 800, 16, 8, 7, 0].map(|id| block_key(block_of(id)));
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn notes_are_in_the_order_of_their_numbers() {
        let keys = [0, 1, 9, 10, 255, 256, ID_MAX].map(note_key);
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn a_key_of_a_block_can_be_read_back() {
        for block in [0, 1, 1_000, block_of(ID_MAX)] {
            assert_eq!(block_at(&block_key(block)), Some(block));
        }
        let strange = ["index/", "index/1", "index/+fffffffffffffff", "index/FFFFFFFFFFFFFFFF"];
        for key in strange.iter().chain(&["index/0000000000000000", "note/ffffffffffffffff"]) {
            assert_eq!(block_at(key), None, "{key}");
        }
    }
}
