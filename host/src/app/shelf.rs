//! The shelf: workflows that a person put into `AX_HOME/workflows`, which have names and are offered to
//! programs.
//!
//! ```text
//! AX_HOME/workflows/review.toml ──→ `review`: ax workflow run review, the tool `workflow_review` of MCP
//! ```
//!
//! Invariant: what is on the shelf was compared with what is installed, and has no mistake.
//! Not here: what a workflow is (`workflow`), how one is run (`tasks`).

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ax_manifest::EffectClass;
use ax_manifest::reading::check_kebab;

use super::App;
use super::change::ChangeError;
use super::tasks::TaskError;
use super::workflows::CheckedWorkflow;
use crate::workflow::spec::{SPEC_BYTES_MAX, Spec, SpecError, StepKind};

/// The folder in the home.
const FOLDER: &str = "workflows";

/// How a file of a workflow ends.
const ENDING: &str = ".toml";

/// Files that are looked at, by their names: whoever has more has a heap, not a shelf.
const FILES_MAX: usize = 100;

/// Characters of a name: with what is before it, as long as that of a tool may be for every client.
const NAME_CHARS_MAX: usize = 43;

/// What the folder looked like: other files are another stamp.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShelfStamp(Vec<(OsString, u64, i64, i64)>);

/// A workflow that is offered.
#[derive(Debug)]
pub struct Shelved {
    /// Its file's name without its ending.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What it says.
    pub spec: Spec,
    /// Whether nothing it calls can change anything outside.
    pub only_reads: bool,
}

/// A file that is there and is not offered.
#[derive(Debug)]
pub struct Misfit {
    /// Which.
    pub path: PathBuf,
    /// Why, in one line.
    pub why: String,
}

/// What is on the shelf.
#[derive(Debug, Default)]
pub struct Shelf {
    /// What is offered, by name.
    pub workflows: Vec<Shelved>,
    /// What is not.
    pub misfits: Vec<Misfit>,
}

impl App {
    /// Returns where the file of a workflow of this name would be on the shelf, if it can be a name.
    #[must_use]
    pub fn shelved(&self, name: &str) -> Option<PathBuf> {
        check_kebab(name, NAME_CHARS_MAX).ok()?;
        Some(self.shelf_folder().join(format!("{name}{ENDING}")))
    }

    /// Returns what the shelf looks like now. Cheap: no file is read.
    #[must_use]
    pub fn shelf_stamp(&self) -> ShelfStamp {
        let each = self.shelf_files().into_iter().map(|path| {
            let (bytes, seconds, nanos) =
                path.metadata().map_or((0, 0, 0), |it| (it.size(), it.mtime(), it.mtime_nsec()));
            (path.into_os_string(), bytes, seconds, nanos)
        });
        ShelfStamp(each.collect())
    }

    /// Reads and checks what is on the shelf.
    ///
    /// # Errors
    ///
    /// When a policy cannot be used or what is installed cannot be read.
    pub fn shelf(&self) -> Result<Shelf, ChangeError> {
        let mut shelf = Shelf::default();
        for path in self.shelf_files() {
            match self.shelve(&path)? {
                Ok(shelved) => shelf.workflows.push(shelved),
                Err(why) => shelf.misfits.push(Misfit { path, why }),
            }
        }
        Ok(shelf)
    }

    /// Compares a workflow with what is installed now, as whoever runs it by hand does.
    ///
    /// # Errors
    ///
    /// [`TaskError::Spec`] with all that is wrong, or when it cannot be looked at.
    pub fn recheck(&self, path: &Path) -> Result<(), TaskError> {
        let failed = |source| TaskError::Read { path: path.to_owned(), source };
        let checked = self.check_workflow(path, &fs_err::read_to_string(path).map_err(failed)?)?;
        let errors = checked.files.into_iter().flat_map(|it| it.checked.mistakes);
        let errors: Vec<SpecError> = errors.collect();
        match errors.is_empty() {
            true => Ok(()),
            false => Err(TaskError::Spec { path: path.to_owned(), errors }),
        }
    }

    fn shelf_folder(&self) -> PathBuf {
        self.config.home.value.join(FOLDER)
    }

    /// Lists the files of workflows by their names.
    fn shelf_files(&self) -> Vec<PathBuf> {
        // A folder that is not there has none.
        let entries = fs_err::read_dir(self.shelf_folder()).into_iter().flatten().flatten();
        let named = entries.map(|entry| entry.path());
        let mut files: Vec<PathBuf> =
            named.filter(|path| path.to_str().is_some_and(|it| it.ends_with(ENDING))).collect();
        files.sort();
        files.truncate(FILES_MAX);
        files
    }

    fn shelve(&self, path: &Path) -> Result<Result<Shelved, String>, ChangeError> {
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if let Err(why) = check_kebab(&name, NAME_CHARS_MAX) {
            return Ok(Err(format!("`{name}` is no name for a workflow: {why}")));
        }
        let text = match read(path) {
            Ok(text) => text,
            Err(why) => return Ok(Err(why)),
        };
        let checked = self.check_workflow(path, &text)?;
        let mistakes: usize = checked.files.iter().map(|it| it.checked.mistakes.len()).sum();
        if mistakes > 0 {
            let words = if mistakes == 1 { "a mistake" } else { "mistakes" };
            return Ok(Err(format!("it has {words}: ax workflow check {}", path.display())));
        }
        let only_reads = only_reads(&checked);
        let first = checked.files.into_iter().next();
        let spec = first.and_then(|it| it.checked.spec);
        let path = path.to_owned();
        Ok(spec.map(|spec| Shelved { name, path, spec, only_reads }).ok_or_else(String::new))
    }
}

fn read(path: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| error.to_string();
    let about = fs_err::metadata(path).map_err(told)?;
    // Opening a pipe would wait for somebody to write into it.
    if !about.is_file() {
        return Err("it is no file".to_owned());
    }
    if about.len() > SPEC_BYTES_MAX as u64 {
        return Err(format!("it has {} bytes, at most {SPEC_BYTES_MAX} are read", about.len()));
    }
    fs_err::read_to_string(path).map_err(told)
}

/// Answers whether no step of any of its files can change anything.
fn only_reads(checked: &CheckedWorkflow) -> bool {
    let is_pure = |tool: String| {
        let tools = checked.known.tools.as_ref();
        let tool = tools.and_then(|tools| tools.get(&tool));
        tool.is_some_and(|tool| tool.class == EffectClass::Pure)
    };
    checked.files.iter().filter_map(|it| it.checked.spec.as_ref()).all(|spec| {
        let has_agents = spec.steps.iter().any(|it| matches!(it.kind, StepKind::Agent { .. }));
        !has_agents && spec.calls().all(|call| is_pure(call.tool.to_string()))
    })
}
