//! The tools: what may be asked, and what goes wrong in words that a caller can act on.
//!
//! Not here: anything about notes (`notebook`, `listing`, `search`, `migrate`).

use ax_sdk::log::{self, Level};
use ax_sdk::prelude::*;
use ax_sdk::task;

use crate::error::NotesError;
use crate::listing::{self, ListQuestion, Listing, TagCounts};
use crate::migrate;
use crate::note::{Draft, Note, Stamp};
use crate::notebook;
use crate::search::{Findings, SearchQuestion};
use crate::store::Kept;

/// Milliseconds after which a call that others kept out is worth a new try: some writes later.
const CONTENTION_MS: u32 = 100;

/// A note, whole.
#[data]
pub struct WholeNote {
    /// Its number.
    pub id: u64,
    /// Its version.
    pub version: u64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
}

/// Keeps a new note: a title of one line, a text of at most 32 KiB and up to 16 tags. Returns its
/// number (id) and its version, which is 1. Adding the same twice makes two notes.
#[tool(title = "Add a note")]
pub fn add(
    /// One line of 1 to 256 bytes, without control characters.
    title: String,
    /// Any text of at most 32 KiB; empty when absent. Of control characters only tabs and line
    /// breaks.
    body: Option<String>,
    /// At most 16 tags of at most 64 bytes: letters, digits and `-_./+#@:`, beginning with a letter
    /// or a digit. Kept in lower case, sorted, each once.
    tags: Option<Vec<String>>,
) -> Result<Json<Stamp>> {
    let draft = Draft { title: Some(title), body, tags };
    changed("added a note", notebook::add(&Kept, draft))
}

/// Returns the note with this number whole: title, text, tags and version.
#[tool(title = "Read a note", read_only, idempotent)]
pub fn get(
    /// Its number.
    id: u64,
) -> Result<Json<WholeNote>> {
    let Note { version, title, body, tags } = notebook::get(&Kept, id).map_err(refusal)?;
    Ok(Json(WholeNote { id, version, title, body, tags }))
}

/// Replaces title, text or tags of a note; what is absent stays. Needs the version that was read, and
/// fails with a conflict when somebody changed the note since: read it again, then decide. Returns the
/// new version.
#[tool(title = "Change a note", destructive, idempotent)]
pub fn update(
    /// The note's number.
    id: u64,
    /// The version that the change is meant for, as `get`, `list` or `search` gave it.
    version: u64,
    /// As in `add`.
    title: Option<String>,
    /// As in `add`.
    body: Option<String>,
    /// As in `add`; these replace all of the old ones.
    tags: Option<Vec<String>>,
) -> Result<Json<Stamp>> {
    let draft = Draft { title, body, tags };
    changed("changed a note", notebook::update(&Kept, id, version, draft))
}

/// Removes a note for good. With a version, only if the note still has it. Its number is never given
/// to another note.
#[tool(title = "Remove a note", destructive, idempotent)]
pub fn remove(
    /// The note's number.
    id: u64,
    /// Remove it only at this version; whatever its version when absent.
    version: Option<u64>,
) -> Result<Json<Stamp>> {
    changed("removed a note", notebook::remove(&Kept, id, version))
}

/// Lists notes without their text, the one added last first, all or those with one tag. Returns 20 at
/// a time unless told otherwise; pass next as cursor to go on.
#[tool(title = "List notes", read_only, idempotent)]
pub fn list(input: ListQuestion) -> Result<Json<Listing>> {
    listing::list(&Kept, input, &mut watch).map(Json).map_err(refusal)
}

/// Finds notes by words in their title, text and tags, best first, with an excerpt. Case does not
/// matter and the last word may be the beginning of one. A note needs one of the words; those with more
/// and with rarer ones come first, and words of the title count most.
#[tool(title = "Search notes", read_only, idempotent)]
pub fn search(input: SearchQuestion) -> Result<Json<Findings>> {
    crate::search::search(&Kept, input, &mut watch).map(Json).map_err(refusal)
}

/// Lists the tags in use with the number of notes that have them, the most used first.
#[tool(title = "List tags", read_only, idempotent)]
pub fn tags(
    /// Only tags that begin with this; all when absent.
    prefix: Option<String>,
    /// Tags in the answer, 1 to 1,000; 100 when absent.
    limit: Option<u32>,
) -> Result<Json<TagCounts>> {
    listing::tags(&Kept, prefix, limit, &mut watch).map(Json).map_err(refusal)
}

/// Brings what release `from` kept to the form of this one, `to`.
pub(crate) fn migrate(from: &str, to: &str) -> Result<()> {
    let moved = migrate::migrate(&Kept, from, to).map_err(refusal)?;
    let fields = [("from", from), ("notes", &moved.to_string())];
    log::write(Level::Info, "brought notes to this version", &fields);
    Ok(())
}

/// Reports progress; false once somebody asked to stop.
fn watch(blocks: u64) -> bool {
    task::progress(blocks, None, "blocks of the index read");
    !task::cancelled()
}

/// Logs a change that was made.
fn changed(what: &str, change: Result<Stamp, NotesError>) -> Result<Json<Stamp>> {
    let stamp = change.map_err(refusal)?;
    let (id, version) = (stamp.id.to_string(), stamp.version.to_string());
    log::write(Level::Info, what, &[("id", &id), ("version", &version)]);
    Ok(Json(stamp))
}

fn refusal(cause: NotesError) -> Error {
    let mut message = cause.to_string();
    if let Some(hint) = cause.hint() {
        message = format!("{message}; {hint}");
    }
    let (kind, code) = match cause {
        NotesError::Store(cause) => return cause,
        NotesError::Invalid { member, .. } => (ErrorKind::Invalid, member.to_owned()),
        NotesError::NoNote { id } => (ErrorKind::NotFound, id.to_string()),
        NotesError::Version { found, .. } => {
            let data = ax_sdk::serde_json::json!({ "version": found });
            return Error::new(ErrorKind::Conflict, message).code("version").data(data);
        }
        NotesError::Contention { .. } => {
            let busy = Error::new(ErrorKind::Unavailable, message).code("contention");
            return busy.retry_after_ms(CONTENTION_MS);
        }
        NotesError::Cancelled { .. } => (ErrorKind::Cancelled, String::new()),
        NotesError::Damaged { key, .. } => (ErrorKind::Failed, key),
        NotesError::Origin { from, .. } => (ErrorKind::Failed, from),
        NotesError::Full { limit } => (ErrorKind::Exhausted, limit),
    };
    Error::new(kind, message).code(code)
}

#[cfg(test)]
mod tests {
    use ax_sdk::fake;

    use super::*;

    fn added(title: &str, tags: &[&str]) -> Stamp {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        add(title.to_owned(), None, Some(tags)).expect("it is added").0
    }

    #[test]
    fn a_note_goes_through_all_tools() {
        assert_eq!(added("Budget", &["Work"]), Stamp { id: 1, version: 1 });
        assert_eq!(fake::logged()[0].message, "added a note");
        let money = Some(vec!["money".to_owned()]);
        assert_eq!(update(1, 1, None, None, money).expect("changed").0.version, 2);
        let found = SearchQuestion { query: "bud".to_owned(), ..SearchQuestion::default() };
        assert_eq!(search(found).expect("found").0.hits[0].tags, ["money"]);
        assert_eq!(tags(None, None).expect("counted").0.tags[0].notes, 1);
        assert_eq!(get(1).expect("read").0.title, "Budget");
        assert_eq!(remove(1, Some(2)).expect("removed").0.version, 2);
        let listed = list(ListQuestion::default()).expect("listed").0;
        assert_eq!(listed, Listing { notes: Vec::new(), next: None });
    }

    #[test]
    fn what_goes_wrong_says_what_to_do() {
        added("one", &[]);
        update(1, 1, Some("two".to_owned()), None, None).expect("changed");
        let stale = remove(1, Some(1)).expect_err("it has version 2");
        assert_eq!((stale.kind, stale.code.as_str()), (ErrorKind::Conflict, "version"));
        assert_eq!(stale.data.expect("the version")["version"], 2);
        assert!(stale.message.ends_with("; read it again, then decide"), "{}", stale.message);
        let gone = get(7).map(drop).expect_err("there is none");
        assert_eq!((gone.kind, gone.code.as_str()), (ErrorKind::NotFound, "7"));
        let wrong = add(String::new(), None, None).expect_err("it has no title");
        assert_eq!((wrong.kind, wrong.code.as_str()), (ErrorKind::Invalid, "title"));
        fake::cancel();
        assert_eq!(tags(None, None).expect_err("stopped").kind, ErrorKind::Cancelled);
        let origin = migrate("1.0.0", "0.2.0").expect_err("nobody knows it");
        assert_eq!((origin.kind, origin.code.as_str()), (ErrorKind::Failed, "1.0.0"));
        let busy = refusal(NotesError::Contention { attempts: 1 });
        assert_eq!(busy.retry_after_ms, Some(CONTENTION_MS));
        let full = refusal(NotesError::Full { limit: "kv-keys".to_owned() });
        assert_eq!((full.kind, full.code.as_str()), (ErrorKind::Exhausted, "kv-keys"));
    }
}
