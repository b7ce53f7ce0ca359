//! What the tests of journals share.

mod conformance;
mod crash;
mod damage;
mod faults;
mod files;
mod retention;

use std::collections::BTreeMap;
use std::path::Path;

use ax_manifest::{Digest, EffectClass};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::workflow::*;

pub(super) const NOW_MS: u64 = 1_790_000_000_000;

/// A minute later.
pub(super) const UNTIL_MS: u64 = NOW_MS + 60_000;

/// Names tasks so that later ones have larger names, as real ones do.
pub(super) fn task(number: u16) -> TaskId {
    let mut random = [7; 10];
    random[8..].copy_from_slice(&number.to_be_bytes());
    TaskId::new(NOW_MS + u64::from(number), random)
}

/// A text of so many bytes, of which no two are the same.
pub(super) fn text(number: usize, bytes: usize) -> Text {
    Text::new(format!("\"{number:03}{}\"", "x".repeat(bytes - 5)))
}

pub(super) fn started(run: TaskId, parent: Option<Parent>) -> Started {
    Started {
        task: run,
        title: "a title".to_owned(),
        work: Work::Workflow {
            spec: text(0, 2_000),
            digest: Digest::of(b"spec"),
            nested: BTreeMap::new(),
        },
        input: Text::new("{}"),
        seed: 7,
        budget: Budget::default(),
        fails_at_limit: false,
        deadline_ms: None,
        parent,
        labels: BTreeMap::from([("team".to_owned(), "blue".to_owned())]),
        by: "person".to_owned(),
    }
}

pub(super) fn event(fact: Fact) -> Event {
    Event { at_ms: NOW_MS, fact }
}

/// An intent to ask a tool, or a model about a conversation.
pub(super) fn intended(messages: Option<Digest>, input: Text) -> Event {
    let ask = match messages {
        Some(_) => Ask::Model { messages, request: input },
        None => Ask::Tool { tool: "ax:text.count".parse().unwrap(), input },
    };
    event(Fact::Intended(Box::new(Intended {
        origin: Origin::Agent { call: 0 },
        ask,
        arguments: Digest::of(b"arguments"),
        class: EffectClass::Unsafe,
        component: None,
        reserved: Spent::default(),
        fuel: 3,
    })))
}

pub(super) fn returned(intent: u64, output: Text) -> Event {
    let outcome = Ok(output);
    let (spent, changed_outside) = (Spent::default(), false);
    event(Fact::Returned(Box::new(Returned { intent, outcome, spent, changed_outside })))
}

pub(super) fn logged(line: &str) -> Event {
    let lines = vec![Line { level: "info".to_owned(), text: line.to_owned() }];
    event(Fact::Logged { lines })
}

pub(super) fn asked(question: &str) -> Event {
    event(Fact::Asked(Box::new(Asked {
        origin: Origin::Agent { call: 1 },
        gate: Gate::Approval,
        arguments: Digest::of(b"arguments"),
        bound_to: Digest::of(question.as_bytes()),
        text: question.to_owned(),
        details: Text::default(),
        expires_at_ms: NOW_MS + 1_000,
        fuel: 0,
    })))
}

pub(super) fn status() -> Status {
    let state = State::Executing;
    Status { state, ..Status::of(&started(task(0), None), NOW_MS) }
}

pub(super) fn over() -> Status {
    Status { state: State::Completed, ..status() }
}

/// Makes a task of one entry, which this process holds.
pub(super) fn create<S: Journal + ?Sized>(store: &S, run: TaskId) -> Lease {
    create_below(store, run, None)
}

pub(super) fn create_below<S: Journal + ?Sized>(
    store: &S,
    run: TaskId,
    parent: Option<Parent>,
) -> Lease {
    let begun = started(run, parent);
    let about = About::of(&begun, "review", NOW_MS);
    let (status, events) = (Status::of(&begun, NOW_MS), [event(Fact::Started(Box::new(begun)))]);
    store.create(&NewRun { about, status, events: &events, until_ms: UNTIL_MS }).wait().unwrap()
}

/// Appends, and waits for it.
pub(super) fn append<S: Journal + ?Sized>(
    store: &S,
    lease: &mut Lease,
    events: &[Event],
) -> Result<(), JournalError> {
    store.append(lease, Batch::new(events, status()), Barrier::Ordinary)?.wait()
}

pub(super) fn events<S: Archive + ?Sized>(store: &S, run: TaskId) -> Vec<Event> {
    store.entries(run, 0).unwrap().into_iter().map(|it| it.event).collect()
}

/// Where several processes share journals.
pub(super) trait Ground {
    /// Another process.
    fn owner(&self) -> Box<dyn Store>;
}

pub(super) struct InMemory(pub(super) MemoryJournal);

impl InMemory {
    pub(super) fn new() -> Self {
        Self(MemoryJournal::new())
    }
}

impl Ground for InMemory {
    fn owner(&self) -> Box<dyn Store> {
        Box::new(self.0.other())
    }
}

pub(super) struct OnDisk(TempDir);

impl OnDisk {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn home(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn open(&self) -> SqliteJournal {
        SqliteJournal::at(self.home())
    }

    /// Changes the database as nobody should.
    pub(super) fn harm(&self, sql: &str) {
        let connection = Connection::open(self.home().join("journal.db")).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    pub(super) fn count(&self, sql: &str) -> i64 {
        let connection = Connection::open(self.home().join("journal.db")).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

impl Ground for OnDisk {
    fn owner(&self) -> Box<dyn Store> {
        Box::new(self.open())
    }
}
