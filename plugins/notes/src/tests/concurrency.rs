//! Several calls at the same time, in every order that chance comes up with.

use proptest::prelude::*;

use super::draft;
use super::find;
use super::memory::Memory;
use super::model::drafts;
use super::turns::Seat;
use super::turns::Turns;
use crate::error::NotesError;
use crate::listing::ListQuestion;
use crate::listing::list;
use crate::note::Draft;
use crate::note::Stamp;
use crate::notebook::add;
use crate::notebook::get;
use crate::notebook::remove;
use crate::notebook::update;
use crate::store::Store;

/// Notes that are there at the beginning.
const FIRST: u64 = 3;

/// What one call does.
#[derive(Debug, Clone)]
enum Act {
    Add(Draft),
    /// Reads a note, adds a word to its body, and begins again when somebody was faster.
    Append(u64),
    Remove(u64),
    Search,
    List,
}

/// What came of it.
#[derive(Debug)]
enum Done {
    Added(Stamp),
    Appended { id: u64, word: String, version: u64 },
    Removed(u64),
    Nothing,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => drafts().prop_map(Act::Add),
        4 => (1..=FIRST).prop_map(Act::Append),
        1 => (1..=FIRST).prop_map(Act::Remove),
        1 => Just(Act::Search),
        1 => Just(Act::List),
    ];
    prop::collection::vec(act, 1..5)
}

fn act(store: &impl Store, act: Act, word: String) -> Done {
    match act {
        Act::Add(draft) => Done::Added(add(store, draft).unwrap()),
        Act::Append(id) => append(store, id, word),
        Act::Remove(id) => match remove(store, id, None) {
            Ok(_) => Done::Removed(id),
            Err(error) => {
                assert_eq!(error, NotesError::NoNote { id });
                Done::Nothing
            }
        },
        Act::Search => {
            let findings = find(store, "kept");
            assert!(findings.hits.iter().any(|hit| hit.id == FIRST + 1), "nobody touches it");
            Done::Nothing
        }
        Act::List => {
            let listing = list(store, ListQuestion::default(), &mut |_| true).unwrap();
            let ids: Vec<u64> = listing.notes.iter().map(|card| card.id).collect();
            assert!(ids.is_sorted_by(|newer, older| newer > older), "{ids:?}");
            assert!(ids.contains(&(FIRST + 1)), "{ids:?}");
            Done::Nothing
        }
    }
}

fn append(store: &impl Store, id: u64, word: String) -> Done {
    loop {
        let Ok(note) = get(store, id) else { return Done::Nothing };
        let draft = Draft { body: Some(format!("{} {word}", note.body)), ..Draft::default() };
        match update(store, id, note.version, draft) {
            Ok(Stamp { version, .. }) => return Done::Appended { id, word, version },
            Err(NotesError::NoNote { .. }) => return Done::Nothing,
            Err(error) => assert!(matches!(error, NotesError::Version { .. }), "{error:?}"),
        }
    }
}

fn run(threads: &[Vec<Act>], schedule: Vec<usize>) -> (Memory, Vec<Done>) {
    let memory = Memory::default();
    for number in 1..=FIRST {
        add(&memory, draft(&format!("first {number}"), "", &["first"])).unwrap();
    }
    add(&memory, draft("kept", "", &[])).unwrap();
    let turns = Turns::new(schedule, threads.len());
    let mut all = Vec::new();
    std::thread::scope(|scope| {
        let running: Vec<_> = threads
            .iter()
            .enumerate()
            .map(|(who, acts)| {
                let seat = Seat { memory: &memory, turns: &turns, who };
                scope.spawn(move || {
                    let word = |step| format!("w{who}x{step}");
                    let acts = acts.iter().cloned().enumerate();
                    acts.map(|(step, one)| act(&seat, one, word(step))).collect::<Vec<_>>()
                })
            })
            .collect();
        for thread in running {
            all.extend(thread.join().unwrap());
        }
    });
    (memory, all)
}

fn check(memory: &Memory, all: &[Done]) {
    memory.assert_whole();
    let notes = memory.notes();
    let mut added: Vec<u64> = Vec::new();
    let mut versions: Vec<(u64, u64)> = Vec::new();
    for done in all {
        match done {
            Done::Added(stamp) => added.push(stamp.id),
            Done::Appended { id, word, version } => {
                versions.push((*id, *version));
                if let Some(note) = notes.get(id) {
                    assert!(note.body.split(' ').any(|other| other == word), "{word} is lost");
                    assert!(find(memory, word).hits.iter().any(|hit| hit.id == *id));
                }
            }
            Done::Removed(id) => assert!(!notes.contains_key(id)),
            Done::Nothing => {}
        }
    }
    for (id, note) in notes.range(1..=FIRST) {
        let updates = versions.iter().filter(|(other, _)| other == id).count() as u64;
        assert_eq!(note.version, 1 + updates, "each version is of one update");
    }
    added.sort_unstable();
    let expected: Vec<u64> = (FIRST + 2..).take(added.len()).collect();
    assert_eq!(added, expected, "no number is given twice or left out");
    assert!(added.iter().all(|id| notes.contains_key(id)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_is_lost_whatever_the_order(
        threads in prop::collection::vec(acts(), 2..5),
        schedule in prop::collection::vec(0_usize..4, 0..80),
    ) {
        let schedule = schedule.into_iter().map(|who| who % threads.len()).collect();
        let (memory, all) = run(&threads, schedule);
        check(&memory, &all);
    }
}

#[test]
fn two_calls_meet_at_every_step() {
    let one = |id| draft(&format!("new {id}"), "text", &["first"]);
    let pairs = [
        (Act::Add(one(1)), Act::Add(one(2))),
        (Act::Append(1), Act::Append(1)),
        (Act::Append(1), Act::Append(2)),
        (Act::Append(1), Act::Remove(1)),
        (Act::Remove(1), Act::Remove(1)),
        (Act::Remove(1), Act::Add(one(1))),
        (Act::Append(1), Act::Add(one(1))),
    ];
    for (first, second) in pairs {
        // Each bit says who takes the next step; a call that nobody is in the way of has four at most.
        for order in 0..1_u32 << 8 {
            let schedule = (0..8).map(|step| (order >> step & 1) as usize).collect();
            let (memory, all) = run(&[vec![first.clone()], vec![second.clone()]], schedule);
            check(&memory, &all);
        }
    }
}
