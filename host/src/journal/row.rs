//! What is kept of a task beside its entries, so that many can be listed without reading any.
//!
//! Invariant: all of it but the owner and the lease follows from the entries.
//! Not here: what follows from which (`workflow`).

use std::collections::BTreeMap;

use ax_manifest::Digest;

use crate::workflow::{Budget, Parent, Spent, Started, State, TaskId, Work};

/// What never changes of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Which.
    pub run: TaskId,
    /// What it is part of.
    pub parent: Option<Parent>,
    /// A few words for people.
    pub title: String,
    /// What it does.
    pub work: Kind,
    /// The name of the workflow or of the agent.
    pub name: String,
    /// The digest of the workflow's file.
    pub spec: Option<Digest>,
    /// Who began it.
    pub by: String,
    /// What they wrote on it.
    pub labels: BTreeMap<String, String>,
    /// When, in milliseconds since the Unix epoch.
    pub created_at_ms: u64,
}

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The steps of a workflow.
    Workflow,
    /// A program.
    Agent,
}

impl Kind {
    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Agent => "agent",
        }
    }
}

impl About {
    /// Takes it from how the task begins. `name` is that of the workflow; an agent has its own.
    #[must_use]
    pub fn of(started: &Started, name: &str, created_at_ms: u64) -> Self {
        let (work, name, spec) = match &started.work {
            Work::Workflow { digest, .. } => (Kind::Workflow, name.to_owned(), Some(*digest)),
            Work::Agent(program) => {
                (Kind::Agent, format!("{}.{}", program.plugin, program.agent), None)
            }
        };
        Self {
            run: started.task,
            parent: started.parent,
            title: started.title.clone(),
            work,
            name,
            spec,
            by: started.by.clone(),
            labels: started.labels.clone(),
            created_at_ms,
        }
    }

    /// Returns the task that is part of no other.
    #[must_use]
    pub fn root(&self) -> TaskId {
        self.parent.map_or(self.run, |parent| parent.root)
    }
}

/// What each batch may change of a task's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its public state.
    pub state: State,
    /// The code of the agent, once it is known.
    pub component: Option<Digest>,
    /// What distinguishes the engine that runs its guests, once it is known.
    pub engine: Option<Digest>,
    /// What it has used.
    pub spent: Spent,
    /// What it may use.
    pub limit: Budget,
    /// When its time is up, in milliseconds since the Unix epoch.
    pub deadline_ms: Option<u64>,
    /// When it next has something to do by itself, in milliseconds since the Unix epoch.
    pub wake_at_ms: Option<u64>,
    /// Parts of it that are done.
    pub done: u32,
    /// Parts of it that are known.
    pub total: u32,
    /// The last entry that was told to the audit and other readers.
    pub told_seq: u64,
    /// When it changed, in milliseconds since the Unix epoch.
    pub updated_at_ms: u64,
}

impl Status {
    /// That of a task that just began.
    #[must_use]
    pub fn of(started: &Started, at_ms: u64) -> Self {
        let component = match &started.work {
            Work::Agent(program) => Some(program.component),
            Work::Workflow { .. } => None,
        };
        Self {
            state: State::Planning,
            component,
            engine: None,
            spent: Spent::default(),
            limit: started.budget,
            deadline_ms: started.deadline_ms,
            wake_at_ms: None,
            done: 0,
            total: 0,
            told_seq: 0,
            updated_at_ms: at_ms,
        }
    }
}

/// A task, as far as it is known without its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What never changes.
    pub about: About,
    /// What does.
    pub status: Status,
    /// Who is at work on it, as its rows name a process.
    pub owner: Option<String>,
    /// How often somebody set to work on it.
    pub epoch: u64,
    /// Until when nobody else may, in milliseconds since the Unix epoch, unless the owner is gone.
    pub lease_until_ms: u64,
    /// The last entry.
    pub head_seq: u64,
    /// Its hash, and so that of all before it.
    pub head_hash: Digest,
    /// Whether its entries were deleted.
    pub is_deleted: bool,
}

/// Which tasks are listed, newest first. What is left out is no condition.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In one of these states.
    pub states: Vec<Phase>,
    /// With this label.
    pub label: Option<(String, String)>,
    /// Begun by them.
    pub by: Option<String>,
    /// Part of this one, without what is between.
    pub parent: Option<TaskId>,
    /// Part of no other.
    pub roots: bool,
    /// Whose name begins or ends with this, hyphens left out.
    pub named: Option<String>,
    /// With something to do by itself by then, in milliseconds since the Unix epoch.
    pub wakes_by_ms: Option<u64>,
    /// Older than this one.
    pub before: Option<TaskId>,
    /// Those whose entries were deleted, too.
    pub deleted: bool,
    /// How many; [`LIST_MAX`] at most, which is also what 0 stands for.
    pub limit: usize,
}

/// Tasks that are listed at once: some hundred bytes each.
pub const LIST_MAX: usize = 10_000;

impl Filter {
    pub(super) fn limit(&self) -> usize {
        if self.limit == 0 { LIST_MAX } else { self.limit.min(LIST_MAX) }
    }

    /// Returns the beginning or end of a name as upper-case digits. What is no part of a name fits none.
    pub(super) fn named(&self) -> Option<String> {
        let name = self.named.as_ref()?;
        Some(name.chars().filter(|it| *it != '-').map(|it| it.to_ascii_uppercase()).collect())
    }
}

/// A public state without its reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing has happened.
    Idle,
    /// It is being decided what is to be done.
    Planning,
    /// It is at work.
    Executing,
    /// It waits for a person.
    Paused,
    /// It is done.
    Completed,
    /// It ended without being done.
    Failed,
}

impl Phase {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Idle, Self::Planning, Self::Executing, Self::Paused, Self::Completed, Self::Failed];

    /// Returns that of a state.
    #[must_use]
    pub fn of(state: State) -> Self {
        match state {
            State::Idle => Self::Idle,
            State::Planning => Self::Planning,
            State::Executing => Self::Executing,
            State::Paused { .. } => Self::Paused,
            State::Completed => Self::Completed,
            State::Failed { .. } => Self::Failed,
        }
    }

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Planning => "planning",
            Self::Executing => "executing",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}
