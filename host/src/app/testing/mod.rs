//! `ax test`: the cases of a project, each a call in the real sandbox.
//!
//! ```text
//! tests/*.toml ──→ case ──→ stage: data, secrets, workspace, script, clock ──→ calls ──→ expect
//!                                        │
//!                     gate, limits, audit and the components' code are the usual ones
//! ```
//!
//! Invariant: no case sees what another kept, none can do what its own `allow` does not name, and none
//! reaches a network. Time moves by waiting alone, so a case comes to the same each time.
//! Not here: tests that need no sandbox (the toolchain's own).

mod case;
mod expect;
mod http;
mod stage;

use std::path::{Path, PathBuf};

use ax_manifest::Digest;
use fs_err as fs;
use serde::Serialize;
use serde_json::{Value, json};

use super::App;
use super::backtrace::{self, Located};
use super::project::{BuiltPlugin, ProjectError, ReadyProject};
use super::source::SourcePackage;
use crate::plugin::{Call, Line, Output, Report, Usage};
use crate::secret::error::SecretError;
use case::{Case, Step, parse_line, read_cases};
use expect::Outcome;
use stage::Stage;

pub use case::CaseError;

/// Where cases lie in a project.
const FOLDER: &str = "tests";

/// Why the cases of a project cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// The plugin cannot be made ready.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A file of cases is wrong.
    #[error("`{path}` is not a file of cases", path = .path.display())]
    Cases {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        source: CaseError,
    },
    /// A case that was sent is wrong.
    #[error("that is no case")]
    Line(#[source] CaseError),
    /// There is nothing to run.
    #[error("there are no cases in `{folder}`", folder = .folder.display())]
    None {
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// There are cases, and none is meant.
    #[error("no case has {only:?} in its name")]
    NoneOf {
        /// What was looked for.
        only: String,
    },
    /// A folder of files for a case is too large.
    #[error("`{folder}` holds more than {max} files", folder = .folder.display())]
    ManyFiles {
        /// Which folder.
        folder: PathBuf,
        /// How many may be there.
        max: usize,
    },
    /// The secrets of a case cannot be kept.
    #[error("the secrets of a case cannot be kept")]
    Secrets(#[from] SecretError),
    /// A folder cannot be read, or there is no room for the data of a case.
    #[error(transparent)]
    File(#[from] std::io::Error),
}

impl TestError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Project(error) => error.hint(),
            Self::Cases { .. } | Self::Line(_) => Some(
                "a case is a table: [[case]] with tool, input, and text, structured, golden or error"
                    .to_owned(),
            ),
            Self::None { folder } => Some(format!(
                "write one into {}/NAME.toml: [[case]] tool = \"…\", input = {{ … }}, text = \"…\"",
                folder.display()
            )),
            Self::NoneOf { .. } => Some("ax test, to see their names".to_owned()),
            Self::ManyFiles { .. } => Some("make a smaller one for the case".to_owned()),
            Self::Secrets(error) => error.hint(),
            Self::File(_) => None,
        }
    }
}

/// Which cases are run, and what is done with their answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct TestOptions<'a> {
    /// Only those whose name has this in it.
    pub only: Option<&'a str>,
    /// Take the answers as golden ones.
    pub bless: bool,
}

/// A case that was run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RanCase {
    /// The file it stands in, as seen from the project.
    pub file: String,
    /// What it is called.
    pub name: String,
    /// What was not as expected, a line each; empty when all was.
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
}

impl App {
    /// Makes ready to run the cases of the project in `folder`, with what was just built of it, or else
    /// as it was built last.
    ///
    /// # Errors
    ///
    /// [`TestError`].
    pub fn tested(
        &self,
        folder: &Path,
        built: Option<BuiltPlugin>,
    ) -> Result<Tested<'_>, TestError> {
        let made = match built {
            Some(built) => built.made,
            None => self.read_source(folder, None).map_err(ProjectError::from)?,
        };
        Ok(Tested { app: self, made, folder: folder.to_owned() })
    }
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
        let folder = self.folder.join(FOLDER);
        let files = files(&folder)?;
        if files.is_empty() {
            return Err(TestError::None { folder });
        }
        let mut count = 0;
        for (path, cases) in files {
            let file = path.strip_prefix(&self.folder).unwrap_or(&path).display().to_string();
            let is_meant = |case: &&Case| options.only.is_none_or(|part| case.name.contains(part));
            for case in cases.iter().filter(is_meant) {
                count += 1;
                ran(self.case(case, &file, &folder, options.bless)?);
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
        let folder = self.folder.join(FOLDER);
        let case = parse_line(line, &folder).map_err(TestError::Line)?;
        let (report, mut failures) = self.perform(&case)?;
        failures.extend(case.expect.compare_golden(&report, &folder));
        let error = report.result.as_ref().err().map(|error| {
            json!({
                "kind": error.kind().word(),
                "code": error.code(),
                "message": error.to_string(),
            })
        });
        Ok(Played {
            error,
            failures,
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
        folder: &Path,
        bless: bool,
    ) -> Result<RanCase, TestError> {
        let (report, mut failures) = self.perform(case)?;
        let blessed = bless && case.expect.bless(folder, &report)?;
        failures.extend(case.expect.compare_golden(&report, folder));
        let (name, file) = (case.name.clone(), file.to_owned());
        let backtrace = match failures.is_empty() {
            true => Vec::new(),
            false => {
                let component = Digest::of(&self.made.package.component);
                let toolchains = &self.app.config().toolchains.value;
                backtrace::own(toolchains, &self.folder, &component, &report.backtrace)
            }
        };
        let (log, usage) = (report.log, report.usage);
        Ok(RanCase { file, name, failures, blessed, log, backtrace, usage })
    }

    /// Makes the calls of a case on a stage of its own and says what is not as expected.
    fn perform(&self, case: &Case) -> Result<(Report, Vec<String>), TestError> {
        let stage = Stage::new(&case.world)?;
        let ground = stage.ground(&case.world)?;
        let settings = case.world.config.clone();
        let ready = self.app.load_project(&self.made, ground, Some(settings), &case.world.allow)?;
        let mut failures = Vec::new();
        for step in &case.before {
            if let Err(error) = call(&ready, case, step).result {
                failures.push(format!("before it, `{}` failed: {error}", step.tool));
            }
        }
        let report = call(&ready, case, &case.step);
        let (departures, workspace) = (stage.script().departures(), stage.workspace());
        let outcome =
            Outcome { report: &report, departures: &departures, workspace: workspace.as_deref() };
        failures.extend(case.expect.compare(&outcome));
        Ok((report, failures))
    }
}

fn call(ready: &ReadyProject, case: &Case, step: &Step) -> Report {
    let once = case.world.allow.clone();
    let call = Call { once, ..Call::new(&step.tool, &step.input.to_string()) };
    ready.host.block_on(ready.host.call_here(&ready.plugin, call))
}

/// Reads all files of cases, by name.
fn files(folder: &Path) -> Result<Vec<(PathBuf, Vec<Case>)>, TestError> {
    let mut paths = Vec::new();
    match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                paths.push(entry?.path());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "toml"));
    paths.sort();
    let read = |path: PathBuf| match read_cases(&path, folder) {
        Ok(cases) => Ok((path, cases)),
        Err(source) => Err(TestError::Cases { path, source }),
    };
    paths.into_iter().map(read).collect()
}
