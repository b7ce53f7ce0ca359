//! Measures the record of tasks against SQLite doing the same without us, in one run.
//!
//! ```text
//! name                        ours        raw         ratio   bar               verdict
//! ```
//!
//! Forcing a page to disk in the same folder comes first: what is durable cannot be faster, and every bar is a
//! ratio to it or to a bare database of this very run. `--quick` runs a tenth of the rounds. Run it in release:
//! `cargo xtask bench runtime`.

#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its report is its output")]

mod bare;
mod facts;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ax_host::journal::{
    Archive as _, Barrier, Batch, Filter, Journal as _, Lease, Message, SqliteJournal,
};
use ax_host::workflow::{Ask, Event, Fact, Run, Text};
use ax_tests::program;
use ax_tests::row::{Bar, Row};
use bare::{Bare, Forced, in_turn, median, read};
use facts::{beginning, create, intended, returned, status, task, text};

/// Runs that are carried side by side.
const SIDE_BY_SIDE: u64 = 64;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Effort {
    is_quick: bool,
}

impl Effort {
    fn rounds(self, full: usize) -> usize {
        if self.is_quick { (full / 10).max(1) } else { full }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_quick = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--quick"] => true,
        _ => {
            eprintln!("error: `{}` is nothing this bench knows", arguments.join(" "));
            eprintln!("hint: [--quick]");
            return ExitCode::from(2);
        }
    };
    // Beside the build, on the disk that is worked on: what is temporary may be memory.
    let below = program::ax().parent().expect("a program lies in a folder").to_owned();
    let folder = tempfile::tempdir_in(below).expect("a folder");
    println!("{}", Row::HEADER);
    let mut failed = 0;
    let mut show = |row: Row| {
        println!("{row}");
        failed += usize::from(row.failed());
    };
    let effort = Effort { is_quick };
    let mut forced = Forced::new(folder.path());
    let disk = median(effort.rounds(500), |_| forced.write());
    show(Row::time("fdatasync of 4 KiB (the floor)", disk, None, Bar::None));
    show(step(effort));
    writing(effort, folder.path()).into_iter().for_each(&mut show);
    saving(effort, folder.path()).into_iter().for_each(&mut show);
    reading(effort, folder.path()).into_iter().for_each(&mut show);
    show(side_by_side(effort, folder.path()));
    storage(folder.path()).into_iter().for_each(&mut show);
    show(replay(effort, folder.path()));
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Makes the effects of a program, intents and ends in turn, as they follow on its beginning.
fn effects(first: u64, count: u64) -> Vec<Event> {
    let pair =
        |call: u64| [intended(call, Text::new("1")), returned(first + 2 * call, Text::new("1"))];
    (0..count).flat_map(pair).collect()
}

/// One fact, folded.
fn step(effort: Effort) -> Row {
    let begun = beginning(1);
    let events = effects(begun.len() as u64 + 1, 4_000);
    let mut nanos = Vec::new();
    for _ in 0..effort.rounds(20).max(3) {
        let mut run = Run::default();
        for event in &begun {
            drop(run.apply(event).expect("it may follow"));
        }
        let started = Instant::now();
        for event in &events {
            drop(run.apply(event).expect("it may follow"));
        }
        nanos.push(started.elapsed().as_nanos() as f64 / events.len() as f64);
    }
    nanos.sort_by(f64::total_cmp);
    Row::nanos("step(): one fact", nanos[nanos.len() / 2], Bar::Nanos(200.0))
}

/// Hands a batch over and waits until it is on record.
fn append(journal: &SqliteJournal, lease: &mut Lease, events: &[Event], barrier: Barrier) {
    let handed = journal.append(lease, Batch::new(events, status()), barrier);
    handed.expect("there is room").wait().expect("it is on record");
}

/// What is written: an entry, and an agent's step.
fn writing(effort: Effort, folder: &Path) -> Vec<Row> {
    let (mut bare, mut disk) = (Bare::new(folder, "step.db", "NORMAL"), Forced::new(folder));
    let journal = SqliteJournal::at(&folder.join("writing"));
    let mut lease = create(&journal, 1);
    let small = [intended(0, text(1, 200))];
    let (ordinary, bare_ordinary) = in_turn(
        effort.rounds(2_000),
        |_| append(&journal, &mut lease, &small, Barrier::Ordinary),
        |_| bare.append(1),
    );
    let four = [
        intended(0, text(1, 200)),
        returned(1, Text::new("1")),
        intended(1, text(2, 200)),
        returned(3, Text::new("1")),
    ];
    // As the runtime does it: ends are handed over and not waited for, the next intent is.
    let step = |_| {
        let mut hand = |event: &Event, barrier| {
            let one = std::slice::from_ref(event);
            journal.append(&mut lease, Batch::new(one, status()), barrier).expect("there is room")
        };
        let before: Vec<_> = four[..3].iter().map(|it| hand(it, Barrier::Ordinary)).collect();
        hand(&four[3], Barrier::Durable).wait().expect("it is on record");
        before.into_iter().for_each(|it| it.wait().expect("so are those before"));
    };
    let (step, bare_step) = in_turn(effort.rounds(1_000), step, |_| {
        (0..3).for_each(|_| bare.append(1));
        disk.write();
    });
    vec![
        Row::time("append one entry, waited for", ordinary, Some(bare_ordinary), Bar::None),
        Row::time("agent step: 4 entries, 1 barrier", step, Some(bare_step), Bar::Ratio(1.5)),
    ]
}

/// What is saved: 2 KiB, each waited for; and as the runtime does what needs no barrier, many handed over first.
fn saving(effort: Effort, folder: &Path) -> Vec<Row> {
    const AT_ONCE: usize = 64;
    let journal = SqliteJournal::at(&folder.join("saving"));
    let mut lease = create(&journal, 1);
    let saves: Vec<[Event; 1]> = (0..4_096).map(|it| [returned(1, text(it, 2_048))]).collect();
    let mut texts = saves.iter();
    let mut rows = Vec::new();
    let kinds = [("NORMAL", 1_500, Barrier::Ordinary), ("FULL", 400, Barrier::Durable)];
    for (sync, rounds, barrier) in kinds {
        let mut bare = Bare::new(folder, &format!("save-{sync}.db"), sync);
        let (ours, raw) = in_turn(
            effort.rounds(rounds),
            |_| append(&journal, &mut lease, texts.next().expect("enough"), barrier),
            |round| bare.save(round),
        );
        rows.push(Row::time(&format!("save 2 KiB, {sync}"), ours, Some(raw), Bar::Ratio(1.5)));
    }
    let mut bare = Bare::new(folder, "handed.db", "NORMAL");
    let (ours, raw) = in_turn(
        effort.rounds(20),
        |_| {
            let some = texts.by_ref().take(AT_ONCE).map(|save| {
                let batch = Batch::new(save, status());
                journal.append(&mut lease, batch, Barrier::Ordinary).expect("there is room")
            });
            let receipts: Vec<_> = some.collect();
            receipts.into_iter().for_each(|it| it.wait().expect("it is on record"));
        },
        |round| (0..64).for_each(|it| bare.save(1_000_000 + round * 64 + it)),
    );
    let each = |all: Duration| all / 64;
    let name = "save 2 KiB, NORMAL, 64 handed over";
    rows.push(Row::time(name, each(ours), Some(each(raw)), Bar::None));
    rows
}

/// What is read: one row, a thousand rows.
fn reading(effort: Effort, folder: &Path) -> Vec<Row> {
    let home = folder.join("reading");
    let journal = SqliteJournal::at(&home);
    for number in 0..1_000 {
        let _held = create(&journal, number);
    }
    let bare = rusqlite::Connection::open(home.join("journal.db")).expect("the database");
    let load = median(effort.rounds(2_000), |it| {
        journal.row(task(it % 1_000)).expect("it is read").expect("it is there");
    });
    let bare_load = median(effort.rounds(2_000), |it| {
        let id = task(it % 1_000);
        assert_eq!(read(&bare, "SELECT * FROM run WHERE id = ?1", Some(id.as_bytes())), 1);
    });
    let filter = Filter { limit: 1_000, ..Filter::default() };
    let list = median(effort.rounds(100), |_| {
        assert_eq!(journal.list(&filter).expect("they are read").len(), 1_000);
    });
    let sql = "SELECT * FROM run ORDER BY id DESC LIMIT 1000";
    let bare_list = median(effort.rounds(100), |_| assert_eq!(read(&bare, sql, None), 1_000));
    vec![
        Row::time("load a checkpoint", load, Some(bare_load), Bar::Ratio(1.5)),
        Row::time("list 1,000", list, Some(bare_list), Bar::Ratio(1.5)),
    ]
}

/// Durable steps of many runs at once.
fn side_by_side(effort: Effort, folder: &Path) -> Row {
    let rounds = effort.rounds(200);
    let journal = SqliteJournal::at(&folder.join("many"));
    let mut leases: Vec<Lease> = (0..SIDE_BY_SIDE).map(|it| create(&journal, it)).collect();
    let small = [intended(0, text(1, 200))];
    let mut bare = Bare::new(folder, "group.db", "FULL");
    let (ours, raw) = in_turn(
        rounds,
        |_| {
            let handed = leases.iter_mut().map(|lease| {
                let batch = Batch::new(&small, status());
                journal.append(lease, batch, Barrier::Durable).expect("there is room")
            });
            let receipts: Vec<_> = handed.collect();
            receipts.into_iter().for_each(|it| it.wait().expect("it is on record"));
        },
        |_| bare.group(),
    );
    let rate = |round: Duration| SIDE_BY_SIDE as f64 / round.as_secs_f64();
    Row::rate("64 runs: durable steps", rate(ours), Some(rate(raw)), Bar::Share(0.8))
}

/// What 300 turns take on disk, each with a question of 1 KiB and an answer of 1 KiB; and as calls of tools
/// with answers of 2 KiB.
fn storage(folder: &Path) -> Vec<Row> {
    const TURNS: u64 = 300;
    let kib = |home: &Path| {
        let bytes = fs_err::metadata(home.join("journal.db")).expect("it is there").len();
        bytes as f64 / 1024.0
    };
    let row = |name: &str, ours: f64, payload: f64| Row {
        raw: Some(payload),
        ..Row::memory(name, ours, Bar::Ratio(2.5))
    };
    let models = folder.join("models");
    let journal = SqliteJournal::at(&models);
    let (mut lease, mut head) = (create(&journal, 1), None);
    for turn in 0..TURNS {
        let said = text(turn, 1_024);
        let message =
            Message::after(head, said.here().map_or(Vec::new(), |it| it.as_bytes().to_vec()));
        head = Some(message.node);
        let mut asked = intended(turn, Text::new("1"));
        if let Fact::Intended(it) = &mut asked.fact {
            it.ask = Ask::Model { messages: head, request: Text::new("{\"model\":\"m\"}") };
        }
        let intent = lease.head_seq() + 1;
        let events = [asked, returned(intent, text(turn + 10_000, 1_024))];
        let batch = Batch { context: vec![message], ..Batch::new(&events, status()) };
        let handed = journal.append(&mut lease, batch, Barrier::Ordinary);
        handed.expect("there is room").wait().expect("it is on record");
    }
    drop(journal);
    let tools = folder.join("tools");
    let journal = SqliteJournal::at(&tools);
    let mut lease = create(&journal, 1);
    for turn in 0..TURNS {
        let intent = lease.head_seq() + 1;
        let long = [intended(turn, text(turn, 20)), returned(intent, text(turn, 2_048))];
        append(&journal, &mut lease, &long, Barrier::Ordinary);
        let intent = lease.head_seq() + 1;
        let short = [intended(turn, text(turn, 20)), returned(intent, Text::new("1"))];
        append(&journal, &mut lease, &short, Barrier::Ordinary);
    }
    drop(journal);
    let payload = (TURNS * 2) as f64;
    vec![
        row("300 turns of a model on disk", kib(&models), payload),
        row("300 turns of 4 entries on disk", kib(&tools), payload),
    ]
}

/// Reads, verifies and folds a long task.
fn replay(effort: Effort, folder: &Path) -> Row {
    let journal = SqliteJournal::at(&folder.join("replay"));
    let mut lease = create(&journal, 1);
    let events = [&beginning(1)[1..], &effects(4, 4_500)].concat();
    for some in events.chunks(256) {
        append(&journal, &mut lease, some, Barrier::Ordinary);
    }
    let entries = lease.head_seq();
    let taken = median(effort.rounds(20).max(3), |_| {
        let mut run = Run::default();
        loop {
            let page = journal.entries(task(1), run.head()).expect("it is whole");
            if page.is_empty() {
                break;
            }
            for entry in &page {
                drop(run.apply(&entry.event).expect("it may follow"));
            }
        }
        assert_eq!(run.head(), entries);
    });
    let rate = entries as f64 / taken.as_secs_f64();
    Row::rate("replay: entries read and folded", rate, None, Bar::PerSecond(100_000.0))
}
