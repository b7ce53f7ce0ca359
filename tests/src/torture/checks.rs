//! What is looked at besides kills: truncated journals, two owners, disks that fail, letters at every entry.
//!
//! Each says what it saw, or what was wrong.

use std::collections::VecDeque;

use ax_host::journal::{Entry, Phase, Row, SqliteJournal};
use ax_host::workflow::{Fact, Run, TaskId, Text};
use rusqlite::params;

use super::class::Class;
use super::ground::Ground;
use super::place::Blow;
use super::trial::{Ended, Trial};
use super::verdict::{Verdict, judge};

/// What a check came to.
type Seen = Result<String, String>;

/// Entries after which a task is paused or cancelled.
const ENTRIES_MAX: u64 = 12;

/// Looks at all of it. `is_short` leaves out what takes long.
pub(super) fn all(ground: &Ground, is_short: bool) -> Vec<(String, Seen)> {
    let truncated: &[Class] = match is_short {
        true => &[Class::Agent],
        false => &[Class::Pure, Class::Unsafe, Class::Readable, Class::Model, Class::Agent],
    };
    let mut seen = Vec::new();
    for class in truncated {
        let name = format!("{} truncated at every entry ends the same", class.word());
        seen.push((name, truncations(ground, *class)));
    }
    for how in ["enospc", "eio", "readonly", "busy"] {
        let name = format!("a disk that fails with {how} is told of, and nothing is lost");
        seen.push((name, failing_disk(ground, how, is_short)));
    }
    for verb in ["pause", "cancel"] {
        let most = if is_short { 6 } else { ENTRIES_MAX };
        seen.push((format!("{verb} after every entry"), letters(ground, verb, most)));
    }
    seen.push(("of two that go on with a task one is refused".to_owned(), two_owners(ground)));
    seen.push(("a replay performs nothing and comes to the same".to_owned(), replays(ground)));
    seen.push(("a deleted -wal is told of or harmless".to_owned(), deleted_log(ground)));
    seen
}

fn trial<'g>(ground: &'g Ground, class: Class, name: &str, blows: Vec<Blow>) -> Trial<'g> {
    Trial { ground, class, name: name.to_owned(), blows: VecDeque::from(blows), letter: None }
}

/// Makes a trial that must not end wrong.
fn right(ground: &Ground, trial: Trial<'_>) -> Result<Ended, String> {
    let (class, name) = (trial.class, trial.name.clone());
    let ended = trial.run();
    let verdict = judge(class, &name, &ended, &ground.ledger);
    match verdict.is_wrong() {
        false => Ok(ended),
        true => Err(format!("{} of {name}: {}", verdict.word(), ended.typed.join("; "))),
    }
}

fn whole(ended: &Ended) -> Result<(&Row, &[Entry]), String> {
    let (row, entries) = ended.tasks.first().ok_or("there is no task")?;
    Ok((row, entries))
}

fn output(entries: &[Entry]) -> Option<Text> {
    entries.iter().rev().find_map(|entry| match &entry.event.fact {
        Fact::Completed { output } => Some(output.clone()),
        _ => None,
    })
}

/// Cuts the journal of a task that is done after each entry, and goes on from there.
fn truncations(ground: &Ground, class: Class) -> Seen {
    // Of such a trial the ledger says the same each time it is asked.
    let name = format!("fixed-{}", class.word());
    let ended = trial(ground, class, &name, Vec::new()).run();
    let (row, entries) = whole(&ended)?;
    let (task, expected) = (row.about.run, output(entries));
    if expected.is_none() {
        return Err(format!("it was not completed: {}", ended.typed.join("; ")));
    }
    let copy = ground.copied();
    let file = |name: &str| copy.home.path().join(name);
    let kept = fs_err::read(file("journal.db")).map_err(|error| error.to_string())?;
    let log = fs_err::read(file("journal.db-wal")).unwrap_or_default();
    for seq in 1..row.head_seq {
        for (name, bytes) in [("journal.db", &kept), ("journal.db-wal", &log)] {
            fs_err::write(file(name), bytes).map_err(|error| error.to_string())?;
        }
        fs_err::remove_file(file("journal.db-shm")).ok();
        cut(&copy, task, entries, seq).map_err(|error| format!("entry {seq}: {error}"))?;
        let again = trial(&copy, class, &name, Vec::new()).run();
        let (_, after) = whole(&again)?;
        if output(after) != expected {
            let typed = again.typed.join("; ");
            return Err(format!(
                "cut after entry {seq} it ended with {:?}: {typed}",
                output(after)
            ));
        }
    }
    Ok(format!("{} entries", row.head_seq - 1))
}

/// Cuts a journal after an entry, so that it is as if nothing had come after.
fn cut(ground: &Ground, task: TaskId, entries: &[Entry], seq: u64) -> Result<(), rusqlite::Error> {
    let mut run = Run::default();
    for entry in entries.iter().take_while(|entry| entry.seq <= seq) {
        drop(run.apply(&entry.event).map_err(|_| rusqlite::Error::InvalidQuery)?);
    }
    let database = rusqlite::Connection::open(ground.home.path().join("journal.db"))?;
    let (id, seq) = (task.as_bytes().to_vec(), i64::try_from(seq).unwrap_or(0));
    let state = Phase::of(run.state()).word();
    database.execute(
        "UPDATE run SET head_seq = ?2, state = ?3, resume_to = NULL, why = NULL, owner = NULL, \
         lease_until_ms = 0, head_hash = (SELECT before_hash FROM journal WHERE run = ?1 AND \
         seq = ?2 + 1) WHERE id = ?1",
        params![id, seq, state],
    )?;
    database.execute("DELETE FROM journal WHERE run = ?1 AND seq > ?2", params![id, seq])?;
    Ok(())
}

/// Lets the disk fail at a commit: the command says so, and the task goes on when the disk does.
fn failing_disk(ground: &Ground, how: &'static str, is_short: bool) -> Seen {
    let mut told = 0;
    let commits = if is_short { vec![2, 4] } else { (1..=8).collect() };
    for (at, place) in commits.into_iter().zip(["before-commit", "after-commit"].iter().cycle()) {
        let name = format!("disk-{how}-{at}");
        let blows = vec![Blow::Fails(place, at, how)];
        let ended = right(ground, trial(ground, Class::Unsafe, &name, blows))?;
        let first = ended.typed.first().cloned().unwrap_or_default();
        match first.contains("exit 0") {
            // A commit that only gives the task back tells nobody.
            true => {}
            false if first.contains("\"code\":\"AX-") && first.contains("\"hint\"") => told += 1,
            false => return Err(format!("it says nothing of it: {first}")),
        }
    }
    match told {
        0 => Err("it was never told of".to_owned()),
        told => Ok(format!("told of {told} times")),
    }
}

/// Pauses or cancels a task after each entry that its program was killed at.
fn letters(ground: &Ground, verb: &'static str, most: u64) -> Seen {
    for at in 2..=most {
        let name = format!("{verb}-{at}");
        let blows = vec![Blow::At("after-commit", at)];
        let it = Trial { letter: Some(verb), ..trial(ground, Class::Unsafe, &name, blows) };
        match verb {
            "pause" => drop(right(ground, it)?),
            _ => {
                let ended = it.run();
                let (row, _) = whole(&ended)?;
                let is_over =
                    matches!(Phase::of(row.status.state), Phase::Failed | Phase::Completed);
                let is_once =
                    ["s1", "s2"].iter().all(|step| ground.ledger.effects(&name, step).len() <= 1);
                if !is_over || !is_once || ended.wrong.is_some() {
                    return Err(format!("{}: {}", row.status.state, ended.typed.join("; ")));
                }
            }
        }
    }
    Ok(format!("{} entries", most - 1))
}

/// Goes on with a task twice at once.
fn two_owners(ground: &Ground) -> Seen {
    let name = "two-owners";
    let mut killed = trial(ground, Class::Waiting, name, vec![Blow::At("before-intent", 1)]);
    killed.once();
    let journal = SqliteJournal::at(ground.home.path());
    let task = killed.tree(&journal).map_err(|error| error.to_string())?;
    let task = task.first().ok_or("there is no task")?.0.about.run.to_string();
    let resume = ["task", "resume", &task, "--json"];
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| ground.home.ax(&resume));
        let two = ground.home.ax(&resume);
        (one.join().expect("it does not panic"), two)
    });
    let codes = [one.code, two.code];
    let refused = if one.code == 0 { &two } else { &one };
    let said = format!("{}{}", refused.stdout, refused.stderr);
    if !codes.contains(&0) || codes == [0, 0] || !said.contains("is held by") {
        return Err(format!("exit codes {codes:?}: {said}"));
    }
    let ended = trial(ground, Class::Waiting, name, Vec::new()).run();
    match judge(Class::Waiting, name, &ended, &ground.ledger) {
        Verdict::Once | Verdict::InDoubt => {
            Ok("one carried it, one was told that it is held".to_owned())
        }
        verdict => Err(verdict.word().to_owned()),
    }
}

/// Replays tasks of several classes that were killed on their way.
fn replays(ground: &Ground) -> Seen {
    let classes = [Class::Pure, Class::Unsafe, Class::Readable, Class::Agent];
    for class in classes {
        let name = format!("replay-{}", class.word());
        let ended = right(ground, trial(ground, class, &name, vec![Blow::At("after-perform", 1)]))?;
        let task = whole(&ended)?.0.about.run.to_string();
        let before = ground.ledger.crossings(&name);
        let run = ground.home.ax(&["task", "replay", &task, "--json"]);
        if run.code != 0 || ground.ledger.crossings(&name) != before {
            return Err(format!("{}: {}{}", class.word(), run.stdout, run.stderr));
        }
    }
    Ok(format!("{} tasks", classes.len()))
}

/// Removes the log of SQLite after a kill. What was in it is gone; nobody may crash or guess.
fn deleted_log(ground: &Ground) -> Seen {
    let ground = ground.copied();
    let mut killed = trial(&ground, Class::Pure, "deleted-log", vec![Blow::At("after-intent", 1)]);
    killed.once();
    fs_err::remove_file(ground.home.path().join("journal.db-wal")).map_err(|it| it.to_string())?;
    fs_err::remove_file(ground.home.path().join("journal.db-shm")).ok();
    for command in [["task", "list"], ["task", "resume"]] {
        let last = if command[1] == "resume" { vec!["last"] } else { Vec::new() };
        let run = ground.home.ax(&[&command[..], &last].concat());
        let is_clear = run.code == 0 || (run.code > 0 && run.stderr.contains("error["));
        if !is_clear || run.stderr.contains("panicked") {
            return Err(format!("exit {}: {}{}", run.code, run.stdout, run.stderr));
        }
    }
    let next = trial(&ground, Class::Pure, "after-deleted-log", Vec::new());
    right(&ground, next).map(|_| "the next task runs".to_owned())
}
