//! Tasks and facts to measure with.

use std::collections::BTreeMap;

use ax_host::journal::{About, Journal as _, Lease, NewRun, SqliteJournal, Status};
use ax_host::workflow::{
    Ask, Budget, Event, Fact, Intended, Origin, Planned, Program, Returned, Spent, Started, State,
    TaskId, Text, Work,
};
use ax_manifest::{Digest, EffectClass};

/// Returns the name of a task.
pub(crate) fn task(number: u64) -> TaskId {
    TaskId::new(1_790_000_000_000 + number, [3; 10])
}

/// Makes the beginning of the task of a program that nothing bounds.
pub(crate) fn started(number: u64) -> Started {
    let program = Program {
        plugin: "test:bench".parse().expect("a name"),
        agent: "run".to_owned(),
        component: Digest::of(b"component"),
        settings: Text::new("{}"),
        goal: "to be measured".to_owned(),
    };
    let none = Budget { tokens: None, cost_micro_usd: None, calls: None, fuel: None, ms: None };
    Started {
        task: task(number),
        title: "measured".to_owned(),
        work: Work::Agent(program),
        input: Text::new("{}"),
        seed: 1,
        budget: none,
        fails_at_limit: false,
        deadline_ms: None,
        parent: None,
        labels: BTreeMap::new(),
        by: "person".to_owned(),
    }
}

/// Makes an event.
pub(crate) fn event(fact: Fact) -> Event {
    Event { at_ms: 1, fact }
}

/// Makes what comes before the first effect.
pub(crate) fn beginning(number: u64) -> Vec<Event> {
    let planned = Planned { engine: Digest::of(b"engine"), components: BTreeMap::new() };
    vec![
        event(Fact::Started(Box::new(started(number)))),
        event(Fact::Planned(planned)),
        event(Fact::Executing),
    ]
}

/// Makes the intent of a call of a tool.
pub(crate) fn intended(call: u64, input: Text) -> Event {
    event(Fact::Intended(Box::new(Intended {
        origin: Origin::Agent { call },
        ask: Ask::Tool { tool: "ax:text.count".parse().expect("a tool"), input },
        arguments: Digest::of(b"arguments"),
        class: EffectClass::Unsafe,
        component: None,
        reserved: Spent { calls: 1, ..Spent::default() },
        fuel: 3,
    })))
}

/// Makes the end of an effect.
pub(crate) fn returned(intent: u64, text: Text) -> Event {
    let spent = Spent { calls: 1, ..Spent::default() };
    let returned = Returned { intent, outcome: Ok(text), spent, changed_outside: true };
    event(Fact::Returned(Box::new(returned)))
}

/// Makes a text of so many bytes that no other one is like.
pub(crate) fn text(number: u64, bytes: usize) -> Text {
    let mut text = format!("\"{number:010}");
    let mut state = number + 1;
    while text.len() + 1 < bytes {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push(char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap_or(0)));
    }
    text.push('"');
    Text::new(text)
}

/// Returns what the row of a task at work says.
pub(crate) fn status() -> Status {
    Status { state: State::Executing, ..Status::of(&started(0), 1) }
}

/// Puts a task on record.
pub(crate) fn create(journal: &SqliteJournal, number: u64) -> Lease {
    let started = started(number);
    let (about, status) = (About::of(&started, "bench", 1), Status::of(&started, 1));
    let events = [event(Fact::Started(Box::new(started)))];
    let new = NewRun { about, status, events: &events, until_ms: u64::MAX / 4 };
    journal.create(&new).wait().expect("it is put on record")
}
