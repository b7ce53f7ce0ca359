//! Tasks that are killed anywhere: nothing is lost, doubled or guessed.
//!
//! ```text
//! class × place ──→ Trial: ax … ── killed ──→ ax task resume ── killed ──→ … ──→ over
//!                     │ effects cross                                            │
//!                     ▼                                                          ▼
//!                   Ledger, in this process ────────────────────────────────→ Verdict ←── journal.db
//! ```
//!
//! | file      | answers                                                     |
//! |-----------|-------------------------------------------------------------|
//! | `class`   | what does a task do?                                        |
//! | `place`   | where is it killed?                                         |
//! | `ground`  | what is installed?                                          |
//! | `ledger`  | what crossed?                                               |
//! | `trial`   | what is typed until it is over?                             |
//! | `verdict` | what became of its effects?                                 |
//! | `checks`  | what is looked at besides kills?                            |
//! | `report`  | what came of all of them?                                   |
//!
//! Invariant: the real program runs, one process for each command, and the ledger is in none of them.
//! Not here: how long it goes on (`bin/torture`, `tests/torture`).

mod checks;
mod class;
mod dice;
mod ground;
mod ledger;
mod place;
mod report;
mod trial;
mod verdict;

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub use class::Class;
pub use place::Place;
pub use report::{Counts, Report};
pub use verdict::Verdict;

use dice::Dice;
use ground::Ground;
use trial::{Ended, Trial};

/// Trials at the same time, all in one home: they share its journal.
const AT_ONCE: usize = 4;

/// What is done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Trials of each class at each place.
    pub trials: usize,
    /// When no more is begun.
    pub at_most: Duration,
    /// What all that is drawn follows from.
    pub seed: u64,
    /// Which classes.
    pub classes: Vec<Class>,
    /// Which places.
    pub places: Vec<Place>,
    /// What is looked at besides kills.
    pub checks: Checks,
}

/// What is looked at besides kills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// Nothing.
    None,
    /// What takes seconds.
    Short,
    /// All of it.
    All,
}

/// Does it.
///
/// # Panics
///
/// When `ax` or a guest is not built, or no home can be made.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    let ground = Ground::new();
    let mut jobs = Vec::new();
    // One round after the other, so that whatever time there is goes to all of them alike.
    for round in 0..plan.trials {
        for place in &plan.places {
            let classes = plan.classes.iter().filter(|class| place.is_in(**class));
            jobs.extend(classes.map(|class| (round, *class, *place)));
        }
    }
    let (next, report) = (AtomicUsize::new(0), Mutex::new(Report::default()));
    #[expect(clippy::disallowed_methods, reason = "it goes on for as long as it may")]
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(&(_, class, place)) = jobs.get(at) else { return };
                    if begun.elapsed() >= plan.at_most {
                        return;
                    }
                    one(&ground, plan.seed, at, class, place, &report);
                }
            });
        }
    });
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    if plan.checks != Checks::None {
        report.checks = checks::all(&ground, plan.checks == Checks::Short);
    }
    report
}

/// Makes one trial.
fn one(ground: &Ground, seed: u64, at: usize, class: Class, place: Place, report: &Mutex<Report>) {
    let mut dice = Dice::new(seed.wrapping_mul(1_000_003).wrapping_add(at as u64));
    let name = format!("t{at}");
    let blows = place.blows(class, &mut dice);
    let trial = Trial { ground, class, name: name.clone(), blows: blows.into(), letter: None };
    let ended = trial.run();
    let verdict = verdict::judge(class, &name, &ended, &ground.ledger);
    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
    report.add(class, place, verdict, ended.kills, || story(&name, &ended, ground));
}

/// Tells of a trial what one needs to see what went wrong.
fn story(name: &str, ended: &Ended, ground: &Ground) -> String {
    let mut text = ended.typed.iter().map(|it| format!("  {it}\n")).collect::<String>();
    text.extend(ended.wrong.iter().map(|it| format!("  wrong: {it}\n")));
    for (row, entries) in &ended.tasks {
        let (task, state) = (row.about.run, row.status.state);
        let facts: Vec<&str> = entries.iter().map(|it| it.event.fact.kind()).collect();
        text.push_str(&format!("  task {task} {state}: {}\n", facts.join(" ")));
    }
    for step in ["s1", "s2", "s3"] {
        let (there, told) = (ground.ledger.effects(name, step), ground.ledger.told(name, step));
        text.push_str(&format!("  {step}: ledger {there:?}, answered {told:?}\n"));
    }
    text
}
