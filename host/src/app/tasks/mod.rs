//! Tasks: how they begin, what performs their effects, and where their journal is.
//!
//! ```text
//! a file, an agent ──→ Started ──→ Runtime ──→ Performer ──→ tools of plugins, models of the router
//! ```
//!
//! Invariant: what a task depends on is pinned when it begins: the text of its files, the settings and the
//! code of its agent.
//! Not here: how a task is carried (`runtime`), what it prints (`cli`).

mod agents;
mod class;
mod error;
mod model;
mod performer;
mod tool;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ax_manifest::ToolId;
use serde_json::Value;

use super::App;
use crate::journal::{SqliteJournal, Store};
use crate::runtime::{Runtime, Watcher};
use crate::workflow::{Budget, Started, TaskId, Text};

pub use agents::ListedAgent;
pub(super) use class::class_of_call;
pub use error::TaskError;

use performer::TaskPerformer;

/// How a task is to begin.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// What it does.
    pub doing: Doing,
    /// What it is given, an object.
    pub input: Value,
    /// What it may use, if somebody said so.
    pub budget: TaskBudget,
    /// When its time is up, in milliseconds since the Unix epoch.
    pub deadline_ms: Option<u64>,
    /// What is written on it.
    pub labels: BTreeMap<String, String>,
    /// Who begins it: `person`, `mcp:…`.
    pub by: String,
}

/// What a task is to do.
#[derive(Debug, Clone)]
pub enum Doing {
    /// The steps of a file.
    Workflow(PathBuf),
    /// An agent of a plugin.
    Agent {
        /// Which.
        agent: ToolId,
        /// What it is to reach, in words.
        goal: String,
    },
    /// One call of a tool, once a person has allowed it.
    Call {
        /// Which.
        tool: ToolId,
        /// Who wants it, as a person is told.
        caller: String,
    },
}

/// What somebody said that a task may use; what is left out is as the file says, or as usual.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskBudget {
    /// Millionths of a US dollar.
    pub cost_micro_usd: Option<u64>,
    /// Tokens of models.
    pub tokens: Option<u64>,
    /// Calls of tools.
    pub calls: Option<u64>,
    /// Milliseconds at work.
    pub ms: Option<u64>,
    /// Whether it fails at the limit.
    pub fails_at_limit: Option<bool>,
}

impl TaskBudget {
    /// Puts what was said over what holds otherwise.
    #[must_use]
    pub fn over(&self, budget: Budget) -> Budget {
        Budget {
            cost_micro_usd: self.cost_micro_usd.or(budget.cost_micro_usd),
            tokens: self.tokens.or(budget.tokens),
            calls: self.calls.or(budget.calls),
            fuel: budget.fuel,
            ms: self.ms.or(budget.ms),
        }
    }
}

impl App {
    /// Returns the journal of tasks. Nothing is opened yet.
    #[must_use]
    pub fn journal(&self) -> Arc<dyn Store> {
        let journal = self
            .journal
            .get_or_init(|| Arc::new(SqliteJournal::at(&self.config.home.value)) as Arc<dyn Store>);
        Arc::clone(journal)
    }

    /// Returns what carries tasks, and tells `watcher` of each fact.
    ///
    /// # Errors
    ///
    /// [`TaskError`] if the home folder is open to others, or no audit can be written.
    pub fn runtime(self: &Arc<Self>, watcher: Arc<dyn Watcher>) -> Result<Runtime, TaskError> {
        // No record, no task: its tools could not be called.
        self.audit()?;
        Ok(Runtime {
            journal: self.journal(),
            performer: Arc::new(TaskPerformer::new(Arc::clone(self))),
            watcher,
            clock: Arc::clone(self.clock()),
        })
    }

    /// Says how a task begins, with all it depends on: returns that, and the name of its work.
    ///
    /// # Errors
    ///
    /// [`TaskError`] if the file is wrong, the agent is not there, or the input does not fit.
    pub fn beginning(&self, beginning: Beginning) -> Result<(Started, String), TaskError> {
        let Beginning { doing, input, budget, deadline_ms, labels, by } = beginning;
        let (pinned, fails_at_limit) = self.pinned(&doing, &input)?;
        let work::Pinned { work, title, name, budget: usual } = pinned;
        let mut random = [0; 18];
        getrandom::fill(&mut random).map_err(|error| TaskError::Random(error.into()))?;
        let (mut id, mut seed) = ([0; 10], [0; 8]);
        id.copy_from_slice(&random[..10]);
        seed.copy_from_slice(&random[10..]);
        let started = Started {
            task: TaskId::new(self.clock.now_ms(), id),
            title,
            work,
            input: Text::new(input.to_string()),
            seed: u64::from_be_bytes(seed),
            budget: budget.over(usual),
            fails_at_limit: budget.fails_at_limit.unwrap_or(fails_at_limit),
            deadline_ms,
            parent: None,
            labels,
            by,
        };
        Ok((started, name))
    }
}
