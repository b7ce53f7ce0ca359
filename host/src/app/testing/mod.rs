//! `ax test`: the cases of a project, each a call in the real sandbox.
//!
//! ```text
//! tests/*.toml ──→ case ──→ stage: data, secrets, workspace, script, clock ──→ calls ──→ expect
//!                                        │
//!                     gate, limits and the component's code are the usual ones;
//!                     rows of the audit say that it is a rehearsal
//! ```
//!
//! Invariant: no case sees what another kept, none can do what its own `allow` does not name, and none
//! reaches a network. Nothing is read or written outside the folder of the cases, and whoever ends the
//! program leaves no stage behind. Time moves by waiting alone, so a case comes to the same each time.
//! Not here: tests that need no sandbox (the toolchain's own).

mod case;
mod error;
mod expect;
mod given;
mod http;
mod model;
mod playing;
mod stage;
mod tree;
mod world;

use std::path::{Path, PathBuf};

use ax_manifest::Digest;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::App;
use super::backtrace::{self, Located};
use super::project::{BuiltPlugin, ProjectError, ReadyProject};
use super::source::SourcePackage;
use crate::plugin::{Call, Line, Output, Report, Usage, scrub};
use case::{CASES_MAX, Case, Step, on_a_line, parse_line, read_cases};
use expect::Outcome;
use given::Given;
use stage::Stage;
use tree::Tree;

pub use case::CaseError;
pub use error::TestError;
pub use stage::StageError;
pub use tree::TreeError;

/// Where cases lie in a project.
const FOLDER: &str = "tests";

/// Files of cases in it: each is opened before any case runs.
const FILES_MAX: usize = 1_000;

/// Bytes of what is said of one thing that is not as expected: some lines of a golden answer fit.
const FAILURE_BYTES_MAX: usize = 8 << 10;

/// Bytes of the name of a file of cases that are shown.
const FILE_NAME_BYTES: usize = 255;

/// Which cases are run, and what is done with their answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct TestOptions<'a> {
    /// Only those whose name has this in it.
    pub only: Option<&'a str>,
    /// Take the answers as golden ones.
    pub bless: bool,
}

/// A case that was run.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RanCase {
    /// The file it stands in, as seen from the project.
    pub file: String,
    /// What it is called.
    pub name: String,
    /// What was not as expected, a text each, bounded and scrubbed; empty when all was.
    pub failures: Vec<String>,
    /// Whether its golden answer was written.
    pub blessed: bool,
    /// What the guest said.
    pub log: Vec<Line>,
    /// Where the guest was when it was ended, if something is wrong: the plugin's own functions.
    pub backtrace: Vec<Located>,
    /// What the call used.
    pub usage: Usage,
}

/// What a case came to that was sent by a program, which compares by itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Played {
    /// The answer, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// Else why there is none: kind, code and message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// What was not as the case itself says.
    pub failures: Vec<String>,
    /// The permissions that were refused.
    pub denied: Vec<String>,
    /// What the guest said.
    pub log: Vec<Line>,
    /// What the call used.
    pub usage: Usage,
}

/// A project whose cases can be run, as it was built last.
pub struct Tested<'a> {
    app: &'a App,
    made: SourcePackage,
    folder: PathBuf,
    stop: Option<watch::Receiver<bool>>,
}

impl App {
    /// Makes ready to run the cases of the project in `folder`, with what was just built of it, or else
    /// as it was built last. When `stop` turns true, the case that runs is ended and no other begun.
    ///
    /// # Errors
    ///
    /// [`TestError`].
    pub fn tested(
        &self,
        folder: &Path,
        built: Option<BuiltPlugin>,
        stop: Option<watch::Receiver<bool>>,
    ) -> Result<Tested<'_>, TestError> {
        let made = match built {
            Some(built) => built.made,
            None => self.read_source(folder, None).map_err(ProjectError::from)?,
        };
        Ok(Tested { app: self, made, folder: folder.to_owned(), stop })
    }
}

/// The cases of a file.
struct FileOfCases {
    /// Its name, as seen from the project.
    name: String,
    cases: Vec<Case>,
}

impl Tested<'_> {
    /// Runs the cases in the project's `tests`; `ran` is told of each as it ends.
    ///
    /// # Errors
    ///
    /// [`TestError`]; a case that fails is no error.
    pub fn run(
        &self,
        options: TestOptions<'_>,
        mut ran: impl FnMut(RanCase),
    ) -> Result<(), TestError> {
        let none = || TestError::None { folder: self.folder.join(FOLDER) };
        let tests = self.tests()?.ok_or_else(none)?;
        let files = self.files(&tests)?;
        if files.is_empty() {
            return Err(none());
        }
        let mut count = 0;
        for FileOfCases { name, cases } in files {
            let is_meant = |case: &&Case| options.only.is_none_or(|part| case.name.contains(part));
            for case in cases.iter().filter(is_meant) {
                count += 1;
                ran(self.case(case, &name, &tests, options.bless)?);
            }
        }
        match (count, options.only) {
            (0, Some(only)) => Err(TestError::NoneOf { only: only.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Plays one case that is a line of JSON. It is not compared beyond what it says itself.
    ///
    /// # Errors
    ///
    /// [`TestError`].
    pub fn play(&self, line: &str) -> Result<Played, TestError> {
        let tests = self.tests()?;
        let case = parse_line(line, &self.given(tests.as_ref())).map_err(TestError::Line)?;
        let (report, mut failures) = self.perform(&case, tests.as_ref())?;
        failures.extend(case.expect.compare_golden(&report, tests.as_ref()));
        let error = report.result.as_ref().err().map(|error| {
            json!({
                "kind": error.kind().word(),
                "code": error.code(),
                "message": error.to_string(),
            })
        });
        Ok(Played {
            error,
            failures: shown(failures),
            denied: report.denials.iter().map(|it| it.permission.to_string()).collect(),
            output: report.result.ok(),
            log: report.log,
            usage: report.usage,
        })
    }

    fn case(
        &self,
        case: &Case,
        file: &str,
        tests: &Tree,
        bless: bool,
    ) -> Result<RanCase, TestError> {
        let ran = RanCase { file: file.to_owned(), name: case.name.clone(), ..RanCase::default() };
        let (report, mut failures) = match self.perform(case, Some(tests)) {
            // It is this case that cannot be set up; the others can.
            Err(TestError::Stage(error)) => {
                let failures = shown(vec![in_full(&error)]);
                return Ok(RanCase { failures, ..ran });
            }
            performed => performed?,
        };
        let blessed = match bless {
            true => case.expect.bless(tests, &report),
            false => Ok(false),
        };
        match &blessed {
            Ok(_) => failures.extend(case.expect.compare_golden(&report, Some(tests))),
            Err(error) => {
                failures.push(format!("its golden answer is not written: {}", error.in_full()));
            }
        }
        let backtrace = match failures.is_empty() {
            true => Vec::new(),
            false => {
                let component = Digest::of(&self.made.package.component);
                let toolchains = &self.app.config().toolchains.value;
                backtrace::own(toolchains, &self.folder, &component, &report.backtrace)
            }
        };
        let (failures, blessed) = (shown(failures), blessed.unwrap_or(false));
        Ok(RanCase { failures, blessed, backtrace, log: report.log, usage: report.usage, ..ran })
    }

    /// Makes the calls of a case on a stage of its own and says what is not as expected.
    fn perform(
        &self,
        case: &Case,
        tests: Option<&Tree>,
    ) -> Result<(Report, Vec<String>), TestError> {
        self.go_on()?;
        let stage = Stage::new(&case.world, tests)?;
        let ground = stage.ground(&case.world)?;
        let settings = case.world.config.clone();
        let ready = self.app.load_project(&self.made, ground, Some(settings), &case.world.allow)?;
        let mut failures = Vec::new();
        for step in &case.before {
            if let Err(error) = self.call(&ready, case, step).result {
                failures.push(format!("before it, `{}` failed: {error}", step.tool));
            }
        }
        let report = self.call(&ready, case, &case.step);
        self.go_on()?;
        let departures = stage.script().departures();
        failures.extend(stage.playing().departures());
        let workspace = stage.workspace().map_err(stage::StageError::from)?;
        let outcome =
            Outcome { report: &report, departures: &departures, workspace: workspace.as_ref() };
        failures.extend(case.expect.compare(&outcome));
        Ok((report, failures))
    }

    fn call(&self, ready: &ReadyProject, case: &Case, step: &Step) -> Report {
        let (once, cancel) = (case.world.allow.clone(), self.stop.clone());
        let call = Call { once, cancel, ..Call::new(&step.tool, &step.input.to_string()) };
        ready.host.block_on(ready.host.call_here(&ready.plugin, call))
    }

    /// Refuses to go on once somebody asked to stop.
    fn go_on(&self) -> Result<(), TestError> {
        match self.stop.as_ref().is_some_and(|stop| *stop.borrow()) {
            true => Err(TestError::Stopped),
            false => Ok(()),
        }
    }

    /// Opens the folder of the cases, if there is one.
    fn tests(&self) -> Result<Option<Tree>, TestError> {
        match Tree::at(&self.folder).and_then(|project| project.root(FOLDER)) {
            Ok(tests) => Ok(Some(tests)),
            Err(error) if error.is_absent() => Ok(None),
            Err(source) => Err(TestError::Folder { folder: self.folder.join(FOLDER), source }),
        }
    }

    fn given<'t>(&self, tests: Option<&'t Tree>) -> Given<'t> {
        Given::new(tests, self.made.package.config.manifest.asked())
    }

    /// Reads all files of cases, by name.
    fn files(&self, tests: &Tree) -> Result<Vec<FileOfCases>, TestError> {
        let folder = || self.folder.join(FOLDER);
        let names = tests.names("toml", FILES_MAX);
        let names = names.map_err(|source| TestError::Folder { folder: folder(), source })?;
        let given = self.given(Some(tests));
        let (mut files, mut count) = (Vec::new(), 0);
        for name in names {
            let wrong = |source| TestError::Cases { path: folder().join(&name), source };
            let cases = read_cases(&name, &given).map_err(wrong)?;
            count += cases.len();
            if count > CASES_MAX {
                return Err(wrong(CaseError::TooMany));
            }
            let name = Path::new(FOLDER).join(&name).display().to_string();
            files.push(FileOfCases { name: on_a_line(&name, FILE_NAME_BYTES), cases });
        }
        Ok(files)
    }
}

/// What is not as expected, fit to be printed: there is text of guests and files in it.
fn shown(failures: Vec<String>) -> Vec<String> {
    failures.into_iter().map(|failure| scrub(&failure, FAILURE_BYTES_MAX)).collect()
}

/// Says an error and why, on one line.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}
