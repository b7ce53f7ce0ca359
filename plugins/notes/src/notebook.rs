//! Adds, reads, updates and removes notes.
//!
//! Each change reads what it depends on, and writes under the condition that none of it changed in
//! between; else it begins again.
//!
//! Invariant: a change is made whole or not at all, and never on top of one that was not read.
//! Not here: lists (`listing`), searching (`search`).

use ax_sdk::ErrorKind;
use serde::Deserialize;
use serde::Serialize;

use crate::error::NotesError;
use crate::error::damaged;
use crate::error::invalid;
use crate::layout::ID_MAX;
use crate::layout::META;
use crate::layout::note_key;
use crate::note::Draft;
use crate::note::Note;
use crate::note::Stamp;
use crate::shelf;
use crate::store::Change;
use crate::store::Store;
use crate::store::When;

/// How often a change is tried. Whenever one try fails, another call has succeeded; 16 calls of a
/// plugin run at once in one process, so a call that loses this often has company.
pub const ATTEMPTS_MAX: u32 = 32;

/// What is known about all notes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The number of the next note.
    pub next: u64,
}

impl Meta {
    /// Reads it, with what has to hold for it to be written.
    ///
    /// # Errors
    ///
    /// [`NotesError::Damaged`], [`NotesError::Store`].
    pub fn read(store: &impl Store) -> Result<(Self, When), NotesError> {
        let entry = store.get(META)?;
        let meta = match &entry {
            Some(entry) => {
                serde_json::from_slice(&entry.value).map_err(|cause| damaged(META, cause))?
            }
            None => Self { next: 1 },
        };
        Ok((meta, When::as_read(entry.as_ref())))
    }

    /// Returns the change that keeps it.
    pub fn put(self, when: When) -> Change {
        let value = serde_json::to_vec(&self).expect("a number has a JSON form");
        Change::Put { key: META.to_owned(), value, when }
    }
}

/// Adds a note.
///
/// # Errors
///
/// [`NotesError::Invalid`], [`NotesError::Contention`], [`NotesError::Store`] when it is full.
pub fn add(store: &impl Store, draft: Draft) -> Result<Stamp, NotesError> {
    let draft = draft.checked()?;
    let title = draft.title.ok_or_else(|| invalid("title", "is missing"))?;
    let body = draft.body.unwrap_or_default();
    let note = Note { version: 1, title, body, tags: draft.tags.unwrap_or_default() };
    until_settled(|| {
        let (meta, meta_as_read) = Meta::read(store)?;
        let id = meta.next;
        if id > ID_MAX {
            return Err(damaged(META, "there are no more numbers"));
        }
        let mut taken = shelf::take(store, id)?;
        taken.block.put(id, &note);
        let put = Change::Put { key: note_key(id), value: note.encode(), when: When::Absent };
        let meta = Meta { next: id + 1 };
        store.write(vec![meta.put(meta_as_read), put, taken.put_back()])?;
        Ok(Stamp { id, version: note.version })
    })
}

/// Returns a note.
///
/// # Errors
///
/// [`NotesError::NoNote`], [`NotesError::Store`].
pub fn get(store: &impl Store, id: u64) -> Result<Note, NotesError> {
    Ok(read(store, id)?.0)
}

/// Changes a note that has the version `given`.
///
/// # Errors
///
/// [`NotesError::Version`] when it has another, [`NotesError::NoNote`], and those of [`add`].
pub fn update(store: &impl Store, id: u64, given: u64, draft: Draft) -> Result<Stamp, NotesError> {
    if draft.is_empty() {
        return Err(invalid("title", "is missing, as are `body` and `tags`: nothing would change"));
    }
    let draft = draft.checked()?;
    until_settled(|| {
        let (note, as_read) = read(store, id)?;
        if note.version != given {
            return Err(NotesError::Version { id, given, found: note.version });
        }
        let note = draft.applied_to(note);
        let mut taken = shelf::take(store, id)?;
        taken.block.put(id, &note);
        let put = Change::Put { key: note_key(id), value: note.encode(), when: as_read };
        store.write(vec![put, taken.put_back()])?;
        Ok(Stamp { id, version: note.version })
    })
}

/// Removes a note, if `given` is absent or the version it has. Returns its last version.
///
/// # Errors
///
/// As for [`update`].
pub fn remove(store: &impl Store, id: u64, given: Option<u64>) -> Result<Stamp, NotesError> {
    until_settled(|| {
        let (note, as_read) = read(store, id)?;
        if let Some(given) = given
            && given != note.version
        {
            return Err(NotesError::Version { id, given, found: note.version });
        }
        let mut taken = shelf::take(store, id)?;
        taken.block.remove(id);
        let remove = Change::Remove { key: note_key(id), when: as_read };
        store.write(vec![remove, taken.put_back()])?;
        Ok(Stamp { id, version: note.version })
    })
}

/// Reads a note, with what has to hold for it to be changed.
fn read(store: &impl Store, id: u64) -> Result<(Note, When), NotesError> {
    let key = note_key(id);
    let entry = store.get(&key)?.ok_or(NotesError::NoNote { id })?;
    let note = Note::decode(&key, &entry.value)?;
    Ok((note, When::AtVersion(entry.version)))
}

/// Tries until no other call is in the way.
fn until_settled(
    mut attempt: impl FnMut() -> Result<Stamp, NotesError>,
) -> Result<Stamp, NotesError> {
    for _ in 0..ATTEMPTS_MAX {
        match attempt() {
            Err(NotesError::Store(cause)) if cause.kind == ErrorKind::Conflict => {}
            settled => return settled,
        }
    }
    Err(NotesError::Contention { attempts: ATTEMPTS_MAX })
}
