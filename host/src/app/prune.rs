//! `ax plugin prune`: removes what no kept generation names.
//!
//! ```text
//! home lock ──→ list (`unused`) ──→ audit row ──→ generations ──→ leftovers, blobs ──→ code ──→ data
//! ```
//!
//! Invariant: a death between any two removals leaves every generation that can be seen whole, with
//! all that it names; the next prune removes the rest. What is removed is in the audit before.
//! Not here: what is unused (`unused`), the question before data go (`cli`).

use std::io;
use std::path::{Path, PathBuf};

use ax_registry::{GenerationError, HomeLock, HomeLockError, Sweep, SweepError, UnusedKind};
use fs_err as fs;
use serde_json::{Value, json};

use super::unused::{Keep, Unused};
use super::{App, AppError};
use crate::audit::entry::{Action, Decision};
use crate::kv::KvError;
use crate::plugin::{CacheError, StartError};

/// Generations that the audit row names; more are counted only.
const NAMED_MAX: usize = 100;

/// Why a home cannot be pruned.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Another process is changing the installation.
    #[error(transparent)]
    Lock(#[from] HomeLockError),
    /// It cannot be told what is installed.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// It cannot be recorded.
    #[error(transparent)]
    App(#[from] AppError),
    /// Generations or blobs cannot be listed or removed.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// Compiled code cannot be listed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// What plugins keep cannot be listed or removed.
    #[error("cannot prune what plugins keep")]
    Kv(#[from] KvError),
    /// A folder cannot be read.
    #[error("cannot read `{path}`", path = .path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file cannot be removed.
    #[error("cannot remove `{path}`", path = .path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl From<StartError> for PruneError {
    fn from(error: StartError) -> Self {
        Self::App(error.into())
    }
}

impl PruneError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Lock(error) => error.hint(),
            Self::Generation(error) => error.hint(),
            Self::App(error) => error.hint(),
            Self::Sweep(error) => error.hint(),
            Self::Cache(error) => error.hint(),
            Self::Kv(error) => error.hint(),
            Self::Read { path, .. } | Self::Remove { path, .. } => {
                Some(format!("check who owns `{}`, then type this again", path.display()))
            }
        }
    }

    /// Tells whether trying again later may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Lock(error) => error.is_transient(),
            Self::Kv(error) => error.is_transient(),
            Self::Generation(_)
            | Self::App(_)
            | Self::Sweep(_)
            | Self::Cache(_)
            | Self::Read { .. }
            | Self::Remove { .. } => false,
        }
    }
}

impl App {
    /// Removes what no kept generation names; returns what that was. Records nothing when there is
    /// nothing to remove.
    ///
    /// # Errors
    ///
    /// [`PruneError`]. What was removed until then is gone, in an order that leaves everything kept
    /// whole.
    pub fn prune(&self, keep: Keep) -> Result<Unused, PruneError> {
        self.private_home()?;
        let home = &self.config.home.value;
        if !home.exists() {
            return Ok(Unused::default());
        }
        let lock = HomeLock::acquire(home, "ax plugin prune", super::LOCK_WAIT)?;
        let unused = self.unused(keep)?;
        if unused.is_empty() {
            return Ok(unused);
        }
        let record = |decision| {
            let subject = "what no generation names";
            self.record(Action::PluginPrune, decision, "", None, subject, detail(&unused, keep))
        };
        record(Decision::Allowed)?;
        if let Err(error) = self.remove_unused(&lock, &unused) {
            // The row above promised more than was done.
            record(Decision::Stopped)?;
            return Err(error);
        }
        Ok(unused)
    }

    fn remove_unused(&self, lock: &HomeLock, unused: &Unused) -> Result<(), PruneError> {
        Sweep::open(&self.config.home.value).remove(lock, &unused.files)?;
        for (path, _) in unused.leftovers.iter().chain(&unused.code) {
            remove_file(path)?;
        }
        self.kv.remove_unused(&unused.data)?;
        Ok(())
    }
}

/// Removes a file; content when it is gone already.
fn remove_file(path: &Path) -> Result<(), PruneError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|source| PruneError::Remove { path: path.to_owned(), source }),
    }
}

/// Says in the audit what goes.
fn detail(unused: &Unused, keep: Keep) -> Value {
    let generations = unused.files.iter().filter(|file| file.kind() == UnusedKind::Generation);
    let names: Vec<_> =
        generations.filter_map(|file| file.path().file_name()?.to_str()).take(NAMED_MAX).collect();
    let states = unused.states();
    let data: Vec<String> =
        states.iter().take(NAMED_MAX).map(|(owner, state)| format!("{owner}: {state}")).collect();
    json!({
        "keep": keep.last,
        "data": !keep.data,
        "removed": unused.amounts(),
        "generations": names,
        "states": data,
    })
}
