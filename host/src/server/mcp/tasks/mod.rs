//! Calls that are tasks: agents, workflows, and tools that wait for a person to allow them.
//!
//! ```text
//! tools/call ──→ begin: on record ──┬─→ a handle, carried here; tasks/get, update, cancel   clients with tasks
//!                                   └─→ carried while the call waits                        all others
//! ```
//!
//! | file       | answers                                                     |
//! |------------|-------------------------------------------------------------|
//! | `owner`    | whose is a task?                                            |
//! | `carriage` | how is one carried, and until when?                         |
//! | `waiting`  | how does a call wait for one?                               |
//! | `errand`   | what may a client ask of one?                               |
//! | `look`     | what can be done with it now?                               |
//! | `question` | how is a client asked, and what does it say?                |
//! | `told`     | who hears how far it is?                                    |
//! | `shown`    | how does a client see it?                                   |
//!
//! Invariants: a task is its owner's alone; whatever a client is promised is on record before, so that the
//! server may end at any moment, and a task that was interrupted goes on when its client asks for it.
//! Not here: what a task is (`workflow`), how one is carried (`runtime`).

mod carriage;
mod errand;
mod look;
mod owner;
mod question;
mod shown;
mod told;
mod waiting;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ax_manifest::Digest;
use rmcp::model::CreateTaskResult;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::installed::Explain;
use crate::app::{App, Beginning, Doing, TaskBudget, TaskError};
use crate::journal::{Filter, JournalError, Phase, Row};
use crate::runtime::Runtime;
use crate::workflow::TaskId;

pub(super) use errand::no_such_task;
pub use errand::{Errand, Wanted};
pub use owner::Owner;
pub(super) use shown::Answering;
use told::Told;
pub(super) use waiting::Caller;

/// Tasks that are at work at the same time; the others wait. Each has guests of its own.
const CARRIED_MAX: usize = 8;

/// Tasks of one client that are not over: a mistake in a loop ends here.
pub(super) const OPEN_MAX: usize = 100;

/// The label that says which tool a task is a call of, by its wire name.
const TOOL_LABEL: &str = "mcp-tool";

/// The label that says with which arguments, so that the same call is known again.
const CALL_LABEL: &str = "mcp-call";

/// The states of a task that is not over.
const OPEN: [Phase; 4] = [Phase::Idle, Phase::Planning, Phase::Executing, Phase::Paused];

/// The tasks of clients.
pub(super) struct Tasks {
    app: Arc<App>,
    explain: Arc<dyn Explain>,
    /// Built when the first task is begun: most clients never begin one.
    runtime: OnceLock<Runtime>,
    told: Arc<Told>,
    permits: Semaphore,
    /// Those that are carried though no call waits for them.
    carried: Mutex<HashSet<TaskId>>,
    carriages: Mutex<JoinSet<()>>,
    /// Turns true when the server ends.
    closing: watch::Sender<bool>,
}

/// A call that is to be a task.
pub(super) struct Begun<'c> {
    pub(super) owner: &'c Owner,
    /// The wire name of the tool.
    pub(super) tool: &'c str,
    pub(super) doing: Doing,
    pub(super) arguments: &'c Value,
}

/// Why a task is not begun.
#[derive(Debug)]
pub(super) enum Unbegun {
    /// Its client has too many.
    TooMany,
    Task(Box<TaskError>),
}

impl<E: Into<TaskError>> From<E> for Unbegun {
    fn from(error: E) -> Self {
        Self::Task(Box::new(error.into()))
    }
}

impl Tasks {
    pub(super) fn new(app: Arc<App>, explain: Arc<dyn Explain>) -> Self {
        Self {
            app,
            explain,
            runtime: OnceLock::new(),
            told: Arc::default(),
            permits: Semaphore::new(CARRIED_MAX),
            carried: Mutex::default(),
            carriages: Mutex::default(),
            closing: watch::Sender::new(false),
        }
    }

    /// Puts a task on record.
    pub(super) async fn begin(self: &Arc<Self>, begun: Begun<'_>) -> Result<TaskId, Unbegun> {
        let Begun { owner, tool, doing, arguments } = begun;
        let runtime = self.runtime()?;
        let labels = [
            (TOOL_LABEL, Some(tool.to_owned())),
            (CALL_LABEL, Some(call_digest(tool, arguments))),
            (owner::LABEL, owner.label()),
        ];
        let labels = labels.into_iter().filter_map(|(name, it)| Some((name.to_owned(), it?)));
        let beginning = Beginning {
            doing,
            input: arguments.clone(),
            budget: TaskBudget::default(),
            deadline_ms: None,
            labels: BTreeMap::from_iter(labels),
            by: owner.who().to_string(),
        };
        let (app, owner) = (Arc::clone(&self.app), owner.clone());
        let journal = Arc::clone(&runtime.journal);
        let (started, name) = blocking(move || {
            let filter = Filter { limit: OPEN_MAX, ..open_of(&owner) };
            if journal.list(&filter)?.len() >= OPEN_MAX {
                return Err(Unbegun::TooMany);
            }
            if let Doing::Workflow(path) = &beginning.doing {
                app.recheck(path)?;
            }
            Ok(app.beginning(beginning)?)
        })
        .await?;
        Ok(runtime.create(started, &name).await?)
    }

    /// Begins a task that is carried here, and returns its handle.
    pub(super) async fn hand_over(
        self: &Arc<Self>,
        begun: Begun<'_>,
    ) -> Result<CreateTaskResult, Unbegun> {
        let task = self.begin(begun).await?;
        self.carry_on(task);
        Ok(shown::handle(&self.row(task)?))
    }

    /// Finds a task that is not over and was begun by the same call.
    pub(super) fn same(
        &self,
        owner: &Owner,
        tool: &str,
        arguments: &Value,
    ) -> Result<Option<TaskId>, TaskError> {
        let label = Some((CALL_LABEL.to_owned(), call_digest(tool, arguments)));
        let filter = Filter { label, ..open_of(owner) };
        let found = self.runtime()?.journal.list(&filter)?;
        Ok(found.into_iter().find(|row| owner.owns(&row.about)).map(|row| row.about.run))
    }

    /// Reads the row of a task.
    fn row(&self, task: TaskId) -> Result<Row, TaskError> {
        let row = self.runtime()?.journal.row(task)?;
        let unknown = || JournalError::Unknown { name: task.to_string() };
        Ok(row.ok_or_else(unknown)?)
    }

    fn runtime(&self) -> Result<&Runtime, TaskError> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let told: Arc<Told> = Arc::clone(&self.told);
        let built = self.app.runtime(told)?;
        Ok(self.runtime.get_or_init(|| built))
    }

    fn carried(&self) -> std::sync::MutexGuard<'_, HashSet<TaskId>> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lists what of a client is not over.
fn open_of(owner: &Owner) -> Filter {
    let by = Some(owner.who().to_string());
    Filter { states: OPEN.to_vec(), by, roots: true, ..Filter::default() }
}

/// Does what reads files, where that keeps nobody waiting. The panic of one is not that of the server.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Digests a call: the same arguments give the same, in whatever order their members come.
fn call_digest(tool: &str, arguments: &Value) -> String {
    let mut hasher = Digest::hasher();
    hasher.update(b"ax mcp call\0");
    hasher.update(tool.as_bytes());
    hasher.update(b"\0");
    hasher.update(sorted(arguments).to_string().as_bytes());
    hasher.finish().hex()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<&String, Value> =
                members.iter().map(|(name, value)| (name, sorted(value))).collect();
            members.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_known_again_by_its_tool_and_arguments_in_whatever_order() {
        let one = call_digest("ax_files_write", &json!({ "a": { "b": 1, "c": [2] }, "d": null }));
        let again = call_digest("ax_files_write", &json!({ "d": null, "a": { "c": [2], "b": 1 } }));
        assert_eq!(one, again);
        for (tool, other) in [
            ("ax_files_read", json!({ "a": { "b": 1, "c": [2] }, "d": null })),
            ("ax_files_write", json!({ "a": { "b": 1, "c": [2] } })),
            ("ax_files_write", json!({ "a": { "b": 1, "c": ["2"] }, "d": null })),
        ] {
            assert_ne!(one, call_digest(tool, &other), "{tool} {other}");
        }
    }
}
