//! Brings notes of release 0.1 to the layout of this one.
//!
//! | Key in 0.1 | Value |
//! |---|---|
//! | `next` | the number of the next note, in decimal |
//! | `n:<number>` | title, a line break, body |
//!
//! ```text
//! next ──────────► meta                                      first, so that no number is used twice
//! n:1 … n:256 ───► note/…, index/…   and n:1 … n:256 removed, in one write; then the next ones
//! ```
//!
//! Numbers stay. Each write moves notes whole, so that a run that was cut short has moved some and
//! left the others; the next run moves those, with the same result.
//!
//! Invariant: every note is at its old or at its new place, never at both or at none.
//! Not here: the present layout (`layout`).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as MapEntry;

use ax_sdk::kv;
use semver::Version;

use crate::error::NotesError;
use crate::error::damaged;
use crate::layout::ID_MAX;
use crate::layout::block_of;
use crate::layout::note_key;
use crate::note::BODY_BYTES_MAX;
use crate::note::Note;
use crate::note::TITLE_BYTES_MAX;
use crate::notebook::Meta;
use crate::shelf;
use crate::shelf::Taken;
use crate::store::Change;
use crate::store::Store;
use crate::store::When;

/// Where 0.1 kept the number of the next note.
const OLD_NEXT: &str = "next";
/// What keys of notes began with in 0.1.
const OLD_NOTES: &str = "n:";
/// Entries to ask for at once: as many as the store gives.
const ENTRIES_PER_SCAN: u32 = 1_000;
/// Notes moved in one write: each is a key removed, one put, and a block at most.
const NOTES_PER_WRITE: usize = 256;
const _: () = assert!(NOTES_PER_WRITE * 3 <= kv::CHANGES_MAX);
/// Bytes of notes moved in one write. The host takes 8 MiB at once, and a text may grow sixfold as
/// JSON if it is all control characters, or more than threefold with the index of its words.
const BYTES_PER_WRITE: usize = 1 << 20;
/// Bytes of the longest note of 0.1.
const OLD_BYTES_MAX: usize = TITLE_BYTES_MAX + 1 + BODY_BYTES_MAX;

/// A note of 0.1 that is to be moved.
#[derive(Debug, Clone, Copy)]
struct Old {
    id: u64,
    bytes: usize,
}

/// Brings what the store holds from the form of version `from` to this one, `to`, and returns how
/// many notes were moved.
///
/// # Errors
///
/// [`NotesError::Origin`] for versions that this release does not read, [`NotesError::Damaged`] for
/// data that 0.1 does not write, [`NotesError::Store`].
pub fn migrate(store: &impl Store, from: &str, to: &str) -> Result<u64, NotesError> {
    match Version::parse(from) {
        Ok(Version { major: 0, minor: 1, .. }) => from_0_1(store),
        Ok(Version { major: 0, minor: 2, .. }) => Ok(0),
        Ok(_) | Err(_) => Err(NotesError::Origin { from: from.to_owned(), to: to.to_owned() }),
    }
}

fn from_0_1(store: &impl Store) -> Result<u64, NotesError> {
    // Looked at before anything is written: what cannot be read stops the whole.
    let notes = old_notes(store)?;
    settle_next(store, notes.last().map_or(1, |note| note.id + 1))?;
    let mut rest = notes.as_slice();
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(batch_size(rest));
        move_notes(store, batch)?;
        rest = later;
    }
    Ok(notes.len() as u64)
}

/// Finds the notes that are still in the old layout, by number.
fn old_notes(store: &impl Store) -> Result<Vec<Old>, NotesError> {
    let mut notes = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let (entries, next) = store.scan(OLD_NOTES, ENTRIES_PER_SCAN, cursor.as_deref())?;
        for entry in &entries {
            let key = &entry.key;
            let id = old_id(key).ok_or_else(|| damaged(key, "it is no note's key"))?;
            let bytes = entry.value.len();
            if bytes > OLD_BYTES_MAX {
                let why = format!("it has {bytes} bytes; {OLD_BYTES_MAX} are allowed");
                return Err(damaged(key, why));
            }
            str::from_utf8(&entry.value).map_err(|cause| damaged(key, cause))?;
            notes.push(Old { id, bytes });
        }
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    notes.sort_by_key(|note| note.id);
    Ok(notes)
}

/// Moves the number of the next note, which is `least` at least.
fn settle_next(store: &impl Store, least: u64) -> Result<(), NotesError> {
    let old = store.get(OLD_NEXT)?;
    let old_next = match &old {
        Some(entry) => {
            let text = str::from_utf8(&entry.value).ok();
            let next =
                text.and_then(|text| text.parse::<u64>().ok()).filter(|next| *next <= ID_MAX);
            next.ok_or_else(|| damaged(OLD_NEXT, "it is no number of a note"))?
        }
        None => 1,
    };
    let (meta, as_read) = Meta::read(store)?;
    let next = meta.next.max(old_next).max(least);
    let mut changes = Vec::new();
    if next != meta.next {
        changes.push(Meta { next }.put(as_read));
    }
    if let Some(entry) = old {
        let when = When::AtVersion(entry.version);
        changes.push(Change::Remove { key: entry.key, when });
    }
    if !changes.is_empty() {
        store.write(changes)?;
    }
    Ok(())
}

/// Says how many of the notes, of which there is one at least, fit one write.
fn batch_size(notes: &[Old]) -> usize {
    let mut bytes = 0;
    let fits = |note: &&Old| {
        bytes += note.bytes;
        bytes <= BYTES_PER_WRITE
    };
    notes.iter().take(NOTES_PER_WRITE).take_while(fits).count().max(1)
}

/// Moves notes in one write.
fn move_notes(store: &impl Store, notes: &[Old]) -> Result<(), NotesError> {
    let mut changes = Vec::new();
    let mut blocks: BTreeMap<u64, Taken> = BTreeMap::new();
    for Old { id, .. } in notes {
        let key = format!("{OLD_NOTES}{id}");
        let entry = store.get(&key)?.ok_or_else(|| damaged(&key, "it went away"))?;
        let note = old_note(&entry.value).ok_or_else(|| damaged(&key, "it is not UTF-8"))?;
        let number = block_of(*id);
        let taken = match blocks.entry(number) {
            MapEntry::Occupied(taken) => taken.into_mut(),
            MapEntry::Vacant(place) => place.insert(shelf::take(store, *id)?),
        };
        taken.block.put(*id, &note);
        let value = note.encode();
        changes.push(Change::Put { key: note_key(*id), value, when: When::Absent });
        changes.push(Change::Remove { key, when: When::AtVersion(entry.version) });
    }
    changes.extend(blocks.into_values().map(Taken::put_back));
    store.write(changes)?;
    Ok(())
}

/// Reads the number in a key of 0.1.
fn old_id(key: &str) -> Option<u64> {
    let id = key.strip_prefix(OLD_NOTES)?.parse::<u64>().ok()?;
    // Below the largest, so that the next number is one too.
    (id < ID_MAX && format!("{OLD_NOTES}{id}") == key).then_some(id)
}

/// Reads a note of 0.1.
fn old_note(value: &[u8]) -> Option<Note> {
    let text = str::from_utf8(value).ok()?;
    let (title, body) = text.split_once('\n').unwrap_or((text, ""));
    Some(Note { version: 1, title: title.to_owned(), body: body.to_owned(), tags: Vec::new() })
}
