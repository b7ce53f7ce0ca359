//! Release 0.1 of `ax:notes`, kept for tests of updates: a note per key, no tags, no index.
//!
//! | Key | Value |
//! |---|---|
//! | `next` | the number of the next note, in decimal |
//! | `n:<number>` | title, a line break, body |
//!
//! Not here: release 0.2, which brings this data to its own form (`plugins/notes`).

use bindings::ax::kv::store;
use bindings::ax::kv::store::Change;
use bindings::ax::kv::store::Condition;
use bindings::ax::kv::store::Entry;
use bindings::ax::kv::store::Put;
use bindings::ax::types::types::Error;
use bindings::ax::types::types::ErrorKind;
use bindings::exports::ax::notes::notes as wit;

/// What `wit-bindgen` writes for the world `plugin`.
mod bindings {
    #![expect(unsafe_code, reason = "the canonical ABI passes memory as addresses")]
    use super::Notes;
    wit_bindgen::generate!({
        world: "ax:notes/plugin",
        path: ["../../../wit", "wit"],
        generate_all,
    });
    export!(Notes with_types_in self);
}

/// Where the number of the next note is.
const NEXT: &str = "next";
/// What keys of notes begin with.
const NOTES: &str = "n:";
/// Bytes of a title: one line.
const TITLE_BYTES_MAX: usize = 256;
/// Bytes of a body: some ten pages.
const BODY_BYTES_MAX: usize = 32 << 10;
/// Bytes to look for.
const TEXT_BYTES_MAX: usize = 256;
/// Notes in one answer, and what holds when the request does not say.
const LIMIT_MAX: u32 = 100;
const LIMIT: u32 = 20;
/// Entries to ask for at once.
const ENTRIES_PER_SCAN: u32 = 100;
/// How often adding a note is tried while other calls are faster.
const ATTEMPTS_MAX: u32 = 32;

struct Notes;

impl wit::Guest for Notes {
    fn add(request: wit::AddRequest) -> Result<wit::Added, Error> {
        let title = request.title;
        let body = request.body.unwrap_or_default();
        if title.is_empty() || title.len() > TITLE_BYTES_MAX || title.contains('\n') {
            return Err(invalid("title", "is one line of 1 to 256 bytes"));
        }
        if body.len() > BODY_BYTES_MAX {
            return Err(invalid("body", "has at most 32 KiB"));
        }
        let value = format!("{title}\n{body}").into_bytes();
        for _ in 0..ATTEMPTS_MAX {
            let next = store::get(NEXT)?;
            let id = next.as_ref().map_or(Ok(1), |entry| number(&entry.value))?;
            let when = next.map_or(Condition::Absent, |entry| Condition::AtVersion(entry.version));
            let changes = [
                put(NEXT.to_owned(), (id + 1).to_string().into_bytes(), when),
                put(format!("{NOTES}{id}"), value.clone(), Condition::Absent),
            ];
            match store::write(&changes) {
                Ok(_) => return Ok(wit::Added { id }),
                Err(Error { kind: ErrorKind::Conflict, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(error(ErrorKind::Unavailable, "other calls were faster".to_owned(), "contention"))
    }

    fn get(request: wit::GetRequest) -> Result<wit::Note, Error> {
        let id = request.id;
        let entry = store::get(&format!("{NOTES}{id}"))?;
        let missing =
            || error(ErrorKind::NotFound, format!("there is no note {id}"), &id.to_string());
        note(&entry.ok_or_else(missing)?)
    }

    fn list(request: wit::ListRequest) -> Result<wit::Listing, Error> {
        matching(request.limit, |_| true)
    }

    fn search(request: wit::SearchRequest) -> Result<wit::Listing, Error> {
        if request.text.is_empty() || request.text.len() > TEXT_BYTES_MAX {
            return Err(invalid("text", "has 1 to 256 bytes"));
        }
        let text = request.text.to_lowercase();
        matching(request.limit, |note| {
            note.title.to_lowercase().contains(&text) || note.body.to_lowercase().contains(&text)
        })
    }
}

/// Lists the newest notes that `fits` accepts.
fn matching(limit: Option<u32>, fits: impl Fn(&wit::Note) -> bool) -> Result<wit::Listing, Error> {
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(invalid("limit", "is 1 to 100"));
    }
    let mut notes = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = store::scan(NOTES, ENTRIES_PER_SCAN, cursor.as_deref())?;
        for entry in &page.entries {
            let note = note(entry)?;
            if fits(&note) {
                notes.push(wit::Summary { id: note.id, title: note.title });
            }
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    notes.sort_by_key(|note| std::cmp::Reverse(note.id));
    notes.truncate(limit as usize);
    Ok(wit::Listing { notes })
}

/// Reads a note.
fn note(entry: &Entry) -> Result<wit::Note, Error> {
    let id = entry.key.strip_prefix(NOTES).and_then(|id| id.parse().ok());
    let text = str::from_utf8(&entry.value).ok();
    match (id, text.and_then(|text| text.split_once('\n'))) {
        (Some(id), Some((title, body))) => {
            Ok(wit::Note { id, title: title.to_owned(), body: body.to_owned() })
        }
        _ => Err(damaged(&entry.key)),
    }
}

/// Reads the number of the next note.
fn number(value: &[u8]) -> Result<u64, Error> {
    let text = str::from_utf8(value).ok();
    text.and_then(|text| text.parse().ok()).filter(|id| *id < u64::MAX).ok_or_else(|| damaged(NEXT))
}

fn put(key: String, value: Vec<u8>, when: Condition) -> Change {
    Change::Put(Put { key, value, when })
}

fn invalid(member: &str, why: &str) -> Error {
    error(ErrorKind::Invalid, format!("`{member}` {why}"), member)
}

fn damaged(key: &str) -> Error {
    error(ErrorKind::Failed, format!("what is kept at `{key}` cannot be read"), key)
}

fn error(kind: ErrorKind, message: String, code: &str) -> Error {
    Error { kind, message, code: code.to_owned(), retry_after_ms: None, data: None }
}
