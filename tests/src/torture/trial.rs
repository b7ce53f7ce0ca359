//! One task: begun, killed, resumed, asked about, until it ends.
//!
//! Invariant: only what a person could type is typed, and what a person is asked is answered by looking into
//! the ledger.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use ax_host::journal::{Archive as _, Entry, Filter, JournalError, Phase, Row, SqliteJournal};
use ax_host::workflow::{Ask, Run, TaskId};
use serde_json::{Value, json};

use super::class::Class;
use super::ground::Ground;
use super::place::Blow;

/// Commands that are typed for one task. It needs fewer by far.
const COMMANDS_MAX: usize = 24;

/// How long a command may take. It takes less than a second, and longer on a busy machine.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// How often it is looked whether a command ended.
const LOOK: Duration = Duration::from_millis(3);

/// One task.
pub(super) struct Trial<'g> {
    pub(super) ground: &'g Ground,
    pub(super) class: Class,
    /// What names it in the ledger and on its label.
    pub(super) name: String,
    pub(super) blows: VecDeque<Blow>,
    /// What is typed once after the first command: `pause` or `cancel`.
    pub(super) letter: Option<&'static str>,
}

/// What came of it.
pub(super) struct Ended {
    /// The tasks, the whole first, with their entries.
    pub(super) tasks: Vec<(Row, Vec<Entry>)>,
    /// How often it was killed.
    pub(super) kills: usize,
    /// What was typed, and how that ended.
    pub(super) typed: Vec<String>,
    /// What could not be read or did not go on.
    pub(super) wrong: Option<String>,
}

/// What is to be typed next.
enum Next {
    Command(Vec<String>),
    Over,
}

impl Trial<'_> {
    pub(super) fn run(mut self) -> Ended {
        let journal = SqliteJournal::at(self.ground.home.path());
        let (mut kills, mut typed) = (0, Vec::new());
        let mut wrong = Some(format!("it was not over after {COMMANDS_MAX} commands"));
        for _ in 0..COMMANDS_MAX {
            match self.next(&journal) {
                Ok(Next::Over) => {
                    wrong = None;
                    break;
                }
                Ok(Next::Command(arguments)) => {
                    let blow = self.blows.pop_front().unwrap_or(Blow::None);
                    let (was_killed, how) = self.type_in(&arguments, &blow);
                    kills += usize::from(was_killed);
                    if how.starts_with("did not") {
                        typed.push(format!("{} [{blow:?}] {how}", arguments.join(" ")));
                        wrong = Some(how);
                        break;
                    }
                    typed.push(format!("{} [{blow:?}] {how}", arguments.join(" ")));
                }
                Err(error) => {
                    wrong = Some(error.to_string());
                    break;
                }
            }
        }
        self.ground.ledger.disarm(&self.name);
        let tasks = self.tree(&journal).unwrap_or_else(|error| {
            wrong = Some(error.to_string());
            Vec::new()
        });
        Ended { tasks, kills, typed, wrong }
    }

    /// Types what begins it, and no more.
    pub(super) fn once(&mut self) {
        let blow = self.blows.pop_front().unwrap_or(Blow::None);
        drop(self.type_in(&self.begin(), &blow));
    }

    /// Returns what begins it.
    fn begin(&self) -> Vec<String> {
        let ledger = self.ground.ledger.origin();
        let file = format!("{}.toml", self.class.word());
        let mut words: Vec<String> = match self.class {
            Class::Agent => vec!["agent", "run", "test:looper.run", "--set", "times=3"],
            _ => vec!["workflow", "run", &file],
        }
        .into_iter()
        .map(str::to_owned)
        .collect();
        let name = &self.name;
        words.extend(["--set".to_owned(), format!("ledger={ledger}"), "--set".to_owned()]);
        words.extend([format!("trial={name}"), "--label".to_owned(), format!("trial={name}")]);
        words.push("--json".to_owned());
        words
    }

    /// Reads the task and those that are part of it, the whole first.
    pub(super) fn tree(
        &self,
        journal: &SqliteJournal,
    ) -> Result<Vec<(Row, Vec<Entry>)>, JournalError> {
        let label = Some(("trial".to_owned(), self.name.clone()));
        let mut rows = journal.list(&Filter { label, limit: 8, ..Filter::default() })?;
        rows.sort_by_key(|row| row.about.parent.map_or(0, |parent| parent.depth));
        let read = |row: Row| Ok((row.clone(), journal.entries(row.about.run, 0)?));
        rows.into_iter().map(read).collect()
    }

    fn next(&mut self, journal: &SqliteJournal) -> Result<Next, JournalError> {
        let tasks = self.tree(journal)?;
        let Some((whole, _)) = tasks.first() else { return Ok(Next::Command(self.begin())) };
        let task = whole.about.run;
        if matches!(Phase::of(whole.status.state), Phase::Completed | Phase::Failed) {
            return Ok(Next::Over);
        }
        if let Some(verb) = self.letter.take() {
            return Ok(Next::Command(words(&["task", verb, &task.to_string(), "--json"])));
        }
        for (row, entries) in &tasks {
            if let Some(step) = doubted(entries) {
                return Ok(Next::Command(self.settle(row.about.run, &step)));
            }
        }
        if !journal.questions(Some(task))?.is_empty() {
            return Ok(Next::Command(words(&["approve", "yes", &task.to_string()])));
        }
        Ok(Next::Command(words(&["task", "resume", &task.to_string(), "--json"])))
    }

    /// Says what became of an effect, by looking into the ledger.
    fn settle(&self, task: TaskId, step: &str) -> Vec<String> {
        let task = task.to_string();
        match self.ground.ledger.effects(&self.name, step).last() {
            Some(value) => {
                let came = json!({ "value": value }).to_string();
                words(&["task", "resume", &task, "--happened", &came, "--json"])
            }
            None => words(&["task", "resume", &task, "--again", "--json"]),
        }
    }

    /// Types a command: answers whether it was killed, and how it ended.
    fn type_in(&self, arguments: &[String], blow: &Blow) -> (bool, String) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command: Command = self.ground.home.command(&arguments);
        if let Some(armed) = blow.armed() {
            command.env("AX_FAILPOINT", armed);
        }
        let mut child = command.spawn().expect("ax starts");
        match blow {
            Blow::Crossing => self.ground.ledger.kill_at_crossing(&self.name, child.id()),
            Blow::Outside(wait) => {
                std::thread::sleep(*wait);
                // It may have ended by itself.
                child.kill().ok();
            }
            Blow::None | Blow::At(..) | Blow::Fails(..) => {}
        }
        let was_in_time = ended_in_time(&mut child);
        let output = child.wait_with_output().expect("ax ends");
        self.ground.ledger.disarm(&self.name);
        if !was_in_time {
            return (false, format!("did not end within {} s", COMMAND_MAX.as_secs()));
        }
        let last = |said: &[u8]| {
            let said = String::from_utf8_lossy(said);
            said.lines().last().unwrap_or_default().to_owned()
        };
        let said = match output.status.success() {
            true => String::new(),
            // An error in JSON is data; anything else is told to people.
            false => last(&output.stderr) + &last(&output.stdout),
        };
        let was_killed = output.status.signal().is_some();
        let how = output.status.code().map_or("killed".to_owned(), |code| format!("exit {code}"));
        (was_killed, format!("{how} {said}"))
    }
}

/// Waits for a command to end, and kills it if it does not. What it says fits into its pipes.
fn ended_in_time(child: &mut Child) -> bool {
    #[expect(clippy::disallowed_methods, reason = "a command that waits for ever is a failure")]
    let begun = Instant::now();
    while begun.elapsed() < COMMAND_MAX {
        if child.try_wait().expect("it can be asked").is_some() {
            return true;
        }
        std::thread::sleep(LOOK);
    }
    child.kill().ok();
    false
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|it| (*it).to_owned()).collect()
}

/// Returns the step of an effect that is in doubt.
fn doubted(entries: &[Entry]) -> Option<String> {
    let mut run = Run::default();
    for entry in entries {
        run.apply(&entry.event).ok()?;
    }
    let open = run.open().values().find(|open| open.is_in_doubt)?;
    match &open.intended.ask {
        Ask::Tool { input, .. } => step_of(input.here()?),
        Ask::Model { .. } | Ask::Child { .. } => None,
    }
}

/// Returns the step that the input of an effect names.
pub(super) fn step_of(input: &str) -> Option<String> {
    let input: Value = serde_json::from_str(input).ok()?;
    input["step"].as_str().map(str::to_owned)
}
