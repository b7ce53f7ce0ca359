//! The plugin's face: WIT types in, WIT types out. Only in the component.
//!
//! Not here: anything about notes (`notebook`, `listing`, `search`, `migrate`).

use bindings::ax::kv::store as kv;
use bindings::ax::log::log;
use bindings::ax::task::call;
use bindings::ax::types::types::Error;
use bindings::ax::types::types::ErrorKind;
use bindings::exports::ax::guest::lifecycle;
use bindings::exports::ax::notes::notes as wit;

use crate::block::Card;
use crate::error::NotesError;
use crate::listing;
use crate::listing::ListQuestion;
use crate::migrate;
use crate::note::Draft;
use crate::note::Stamp;
use crate::notebook;
use crate::search;
use crate::search::Hit;
use crate::search::SearchQuestion;
use crate::store::Change;
use crate::store::Condition;
use crate::store::Entry;
use crate::store::Page;
use crate::store::Resource;
use crate::store::Store;
use crate::store::StoreError;

/// What `wit-bindgen` writes for the world `plugin`.
mod bindings {
    #![expect(unsafe_code, reason = "the canonical ABI passes memory as addresses")]
    use super::Notes;
    wit_bindgen::generate!({
        world: "ax:notes/plugin",
        path: ["../../wit", "wit"],
        generate_all,
    });
    export!(Notes with_types_in self);
}

/// Milliseconds after which a call that others kept out is worth a new try: some writes later.
const CONTENTION_MS: u32 = 100;

struct Notes;

impl wit::Guest for Notes {
    fn add(request: wit::AddRequest) -> Result<wit::Stamp, Error> {
        let wit::AddRequest { title, body, tags } = request;
        let draft = Draft { title: Some(title), body, tags };
        changed("added a note", notebook::add(&Kv, draft))
    }

    fn get(request: wit::GetRequest) -> Result<wit::Note, Error> {
        let id = request.id;
        let note = notebook::get(&Kv, id).map_err(refusal)?;
        let (title, body) = (note.title, note.body);
        Ok(wit::Note { id, version: note.version, title, body, tags: note.tags })
    }

    fn update(request: wit::UpdateRequest) -> Result<wit::Stamp, Error> {
        let wit::UpdateRequest { id, version, title, body, tags } = request;
        let draft = Draft { title, body, tags };
        changed("changed a note", notebook::update(&Kv, id, version, draft))
    }

    fn remove(request: wit::RemoveRequest) -> Result<wit::Stamp, Error> {
        changed("removed a note", notebook::remove(&Kv, request.id, request.version))
    }

    fn list(request: wit::ListRequest) -> Result<wit::Listing, Error> {
        let wit::ListRequest { tag, limit, cursor } = request;
        let question = ListQuestion { tag, limit, cursor };
        let listing = listing::list(&Kv, question, &mut watch).map_err(refusal)?;
        let notes = listing.notes.into_iter().map(summary).collect();
        Ok(wit::Listing { notes, next: listing.next })
    }

    fn search(request: wit::SearchRequest) -> Result<wit::Findings, Error> {
        let wit::SearchRequest { query, tag, limit } = request;
        let question = SearchQuestion { query, tag, limit };
        let findings = search::search(&Kv, question, &mut watch).map_err(refusal)?;
        let hits = findings.hits.into_iter().map(hit).collect();
        Ok(wit::Findings { hits, found: findings.found })
    }

    fn tags(request: wit::TagsRequest) -> Result<wit::TagCounts, Error> {
        let counts = listing::tags(&Kv, request.prefix, request.limit, &mut watch);
        let counts = counts.map_err(refusal)?;
        let tags = counts.tags.into_iter().map(|(tag, notes)| wit::TagCount { tag, notes });
        Ok(wit::TagCounts { tags: tags.collect(), total: counts.total })
    }
}

impl lifecycle::Guest for Notes {
    fn migrate(from_version: String, to_version: String) -> Result<(), Error> {
        let moved = migrate::migrate(&Kv, &from_version, &to_version).map_err(refusal)?;
        let fields = [("from".to_owned(), from_version), ("notes".to_owned(), moved.to_string())];
        log::write(log::Level::Info, "brought notes to this version", &fields);
        Ok(())
    }
}

/// Reports progress; false once somebody asked to stop.
fn watch(blocks: u64) -> bool {
    call::progress(blocks, None, "blocks of the index read");
    !call::cancelled()
}

/// Logs a change that was made.
fn changed(what: &str, change: Result<Stamp, NotesError>) -> Result<wit::Stamp, Error> {
    let Stamp { id, version } = change.map_err(refusal)?;
    let fields = [("id".to_owned(), id.to_string()), ("version".to_owned(), version.to_string())];
    log::write(log::Level::Info, what, &fields);
    Ok(wit::Stamp { id, version })
}

fn summary(card: Card) -> wit::Summary {
    wit::Summary { id: card.id, version: card.version, title: card.title, tags: card.tags }
}

fn hit(hit: Hit) -> wit::Hit {
    let Hit { id, note, excerpt, score } = hit;
    wit::Hit { id, version: note.version, title: note.title, tags: note.tags, excerpt, score }
}

fn refusal(cause: NotesError) -> Error {
    let mut message = cause.to_string();
    if let Some(hint) = cause.hint() {
        message = format!("{message}; {hint}");
    }
    let (kind, code) = match &cause {
        NotesError::Invalid { member, .. } => (ErrorKind::Invalid, (*member).to_owned()),
        NotesError::NoNote { id } => (ErrorKind::NotFound, id.to_string()),
        NotesError::Version { .. } => (ErrorKind::Conflict, "version".to_owned()),
        NotesError::Contention { .. } => (ErrorKind::Unavailable, "contention".to_owned()),
        NotesError::Cancelled { .. } => (ErrorKind::Cancelled, String::new()),
        NotesError::Damaged { key, .. } => (ErrorKind::Failed, key.clone()),
        NotesError::Origin { from, .. } => (ErrorKind::Failed, from.clone()),
        NotesError::Store(cause) => match cause {
            StoreError::Conflict { key } => (ErrorKind::Conflict, key.clone()),
            StoreError::Full { what } => (ErrorKind::Exhausted, what.limit().to_owned()),
            StoreError::Denied { permission, .. } => (ErrorKind::Denied, permission.clone()),
            StoreError::Unavailable { .. } => (ErrorKind::Unavailable, String::new()),
            StoreError::Failed { code, .. } => (ErrorKind::Failed, code.clone()),
        },
    };
    let retry_after_ms = match &cause {
        NotesError::Contention { .. } => Some(CONTENTION_MS),
        NotesError::Store(StoreError::Unavailable { retry_after_ms, .. }) => *retry_after_ms,
        _ => None,
    };
    let data = match &cause {
        NotesError::Version { found, .. } => Some(format!("{{\"version\": {found}}}")),
        _ => None,
    };
    Error { kind, message, code, retry_after_ms, data }
}

/// The store of this plugin.
struct Kv;

impl Store for Kv {
    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        Ok(kv::get(key).map_err(store_error)?.map(entry))
    }

    fn scan(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page, StoreError> {
        let page = kv::scan(prefix, limit, cursor).map_err(store_error)?;
        Ok(Page { entries: page.entries.into_iter().map(entry).collect(), next: page.next })
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let changes: Vec<kv::Change> = changes.into_iter().map(change).collect();
        kv::write(&changes).map(|_version| ()).map_err(store_error)
    }
}

fn entry(entry: kv::Entry) -> Entry {
    Entry { key: entry.key, value: entry.value, version: entry.version }
}

fn change(change: Change) -> kv::Change {
    match change {
        Change::Put { key, value, when } => {
            kv::Change::Put(kv::Put { key, value, when: condition(when) })
        }
        Change::Remove { key, when } => {
            kv::Change::Remove(kv::Remove { key, when: condition(when) })
        }
    }
}

fn condition(condition: Condition) -> kv::Condition {
    match condition {
        Condition::Absent => kv::Condition::Absent,
        Condition::AtVersion(version) => kv::Condition::AtVersion(version),
    }
}

fn store_error(error: Error) -> StoreError {
    let Error { kind, message, code, retry_after_ms, .. } = error;
    match (kind, code.as_str()) {
        (ErrorKind::Conflict, _) => StoreError::Conflict { key: code },
        (ErrorKind::Exhausted, "kv-keys") => StoreError::Full { what: Resource::Keys },
        (ErrorKind::Exhausted, "kv-bytes") => StoreError::Full { what: Resource::Bytes },
        (ErrorKind::Denied, _) => StoreError::Denied { message, permission: code },
        (ErrorKind::Unavailable, _) => StoreError::Unavailable { message, retry_after_ms },
        _ => StoreError::Failed { message, code },
    }
}
