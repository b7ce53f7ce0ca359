//! Carries a task in the foreground: shows what happens, and lets it rest at the first Ctrl-C.
//!
//! Not here: what happens (`runtime`); how one fact is written (`timeline`).

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tokio::sync::watch;

use super::fault::CliError;
use super::interrupts::Interrupts;
use super::output::Output;
use super::timeline;
use super::unfinished::Unfinished;
use crate::app::{App, TaskError};
use crate::runtime::events::TaskEvent;
use crate::runtime::{Ended, RuntimeError, Watcher};
use crate::runtime::{Patience, Runtime};
use crate::workflow::{Event, Run, State};

/// How a task is carried.
pub(super) type Carried<'r> =
    std::pin::Pin<Box<dyn Future<Output = Result<Ended, RuntimeError>> + 'r>>;

/// Shows facts as they come.
pub(super) struct Shown {
    output: Output,
    before: Mutex<State>,
}

impl Shown {
    pub(super) fn new(output: Output) -> Self {
        Self { output, before: Mutex::new(State::Idle) }
    }
}

impl Watcher for Shown {
    fn saw(&self, run: &Run, seq: u64, event: &Event) {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let was = std::mem::replace(&mut *before, run.state());
        if self.output.is_json() {
            if let Some(event) = TaskEvent::of(was, run, seq, event) {
                self.output.json_line(&event);
            }
            return;
        }
        if let Some(line) = timeline::line(run, seq, event, self.output.is_verbose()) {
            self.output.note(&line);
        }
        if event.fact.kind() == "asked" {
            let task = run.started().map(|started| started.task.to_string()).unwrap_or_default();
            self.output.note(&format!(
                "answer it: ax approve yes {task}:{seq}, or ax approve no {task}:{seq}"
            ));
        }
    }
}

/// Returns for what a task that rests is still carried: for answers, if a person is there to see that it waits.
pub(super) fn patience(output: Output, wait: bool) -> Patience {
    match wait || output.is_watched() {
        true => Patience::Answers,
        false => Patience::Never,
    }
}

/// Carries a task until it ends or rests, and says how it was left.
pub(super) fn carry(
    app: &Arc<App>,
    output: Output,
    work: impl for<'r> FnOnce(&'r Runtime, watch::Receiver<bool>) -> Carried<'r>,
) -> Result<(), CliError> {
    let runtime = app.runtime(Arc::new(Shown::new(output)))?;
    let interrupts = Interrupts::listen_twice()?;
    let host = Arc::clone(app.host()?);
    let mut was_stopped = false;
    let ended = interrupts.during(|stop| {
        let carried = host.block_on(work(&runtime, stop.clone()));
        was_stopped = *stop.borrow();
        carried
    });
    let ended = ended.map_err(TaskError::from)?;
    conclude(output, &runtime, &ended, was_stopped)
}

/// Says how a task was left.
fn conclude(
    output: Output,
    runtime: &Runtime,
    ended: &Ended,
    was_stopped: bool,
) -> Result<(), CliError> {
    let task = ended.task;
    let spent = runtime.journal.row(task).map_err(TaskError::from)?;
    let spent = spent.map(|row| row.status.spent).unwrap_or_default();
    match (&ended.state, &ended.outcome) {
        (State::Completed, Some(Ok(text))) => {
            let value = text.here().and_then(|json| serde_json::from_str(json).ok());
            let value: serde_json::Value = value.unwrap_or_default();
            output.note(&format!("task {task} is completed: {}", timeline::spent(&spent)));
            if output.is_json() {
                output.json_line(&json!({
                    "task": task, "state": "completed", "output": value, "spent": spent,
                }));
            } else {
                output.text(&timeline::result(&value));
            }
            Ok(())
        }
        (State::Failed { reason }, Some(Err(failure))) => {
            Err(Unfinished::Failed { task, reason: *reason, source: failure.clone() }.into())
        }
        (State::Paused { why, .. }, _) => {
            Err(Unfinished::Paused { task, why: *why, was_stopped }.into())
        }
        (state, _) => Err(Unfinished::Left { task, state: state.to_string() }.into()),
    }
}
