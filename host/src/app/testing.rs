//! `ax test`: the cases of a project, each a call in the real sandbox.
//!
//! ```text
//! tests/*.toml ──→ cases ──→ an empty store and fresh settings each ──→ call ──→ compare
//! ```
//!
//! Invariant: no case sees what another kept, and none can do what its own `allow` does not name.
//! Not here: reading a case (`case`), tests that need no sandbox (the toolchain's own).

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Serialize;

use super::App;
use super::case::{Case, CaseError, read_cases};
use super::project::{ProjectError, ReadyProject};
use crate::kv::Kv;
use crate::plugin::{Call, Usage};

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
    /// There is nothing to run.
    #[error("there are no cases in `{folder}`", folder = .folder.display())]
    None {
        /// Where they were looked for.
        folder: PathBuf,
    },
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
            Self::Cases { .. } => Some(
                "a case is a table: [[case]] with tool, input, and text, structured or error"
                    .to_owned(),
            ),
            Self::None { folder } => Some(format!(
                "write one into {}/NAME.toml: [[case]] tool = \"…\", input = {{ … }}, text = \"…\"",
                folder.display()
            )),
            Self::File(_) => None,
        }
    }
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
    /// What the call used.
    pub usage: Usage,
}

impl App {
    /// Runs the cases of the project in `folder`, as it was built last.
    ///
    /// # Errors
    ///
    /// [`TestError`]; a case that fails is no error.
    pub fn test_project(&self, folder: &Path) -> Result<Vec<RanCase>, TestError> {
        let made = self.read_source(folder, None).map_err(ProjectError::from)?;
        let mut ran = Vec::new();
        for (path, cases) in files(folder)? {
            let file = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            for case in cases {
                let data = tempfile::tempdir()?;
                let settings = case.config.clone();
                let ready =
                    self.load_project(&made, Kv::at(data.path()), Some(settings), &case.allow)?;
                ran.push(run(&ready, &file, &case));
            }
        }
        match ran.is_empty() {
            true => Err(TestError::None { folder: folder.join(FOLDER) }),
            false => Ok(ran),
        }
    }
}

fn run(ready: &ReadyProject, file: &str, case: &Case) -> RanCase {
    let call = Call { once: case.allow.clone(), ..Call::new(&case.tool, &case.input.to_string()) };
    let report = ready.host.block_on(ready.host.call_here(&ready.plugin, call));
    RanCase {
        file: file.to_owned(),
        name: case.name.clone(),
        failures: case.compare(&report),
        usage: report.usage,
    }
}

/// Reads all files of cases, by name.
fn files(folder: &Path) -> Result<Vec<(PathBuf, Vec<Case>)>, TestError> {
    let mut paths = Vec::new();
    match fs::read_dir(folder.join(FOLDER)) {
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
    let read = |path: PathBuf| match read_cases(&path) {
        Ok(cases) => Ok((path, cases)),
        Err(source) => Err(TestError::Cases { path, source }),
    };
    paths.into_iter().map(read).collect()
}
