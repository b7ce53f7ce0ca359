//! How a task waits for one of its own.
//!
//! The parent's intent names the child, so that after a crash the same child is taken on and none is begun
//! twice. A child that rests leaves its parent resting, with the intent open.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::Runtime;
use super::driver::{Ended, Patience};
use super::error::RuntimeError;
use super::perform::Done;
use crate::failpoint;
use crate::workflow::{
    Budget, Failure, FailureKind, Order, Parent, Spent, Started, State, TaskId, Why,
};

/// Tasks above one another. A delegation that goes deeper goes round in circles.
const DEPTH_MAX: u8 = 4;

/// A task that another waits for.
pub(super) struct Child {
    pub(super) runtime: Runtime,
    pub(super) task: TaskId,
    pub(super) patience: Patience,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) cancel: watch::Receiver<bool>,
    pub(super) timeout_ms: Option<u64>,
}

impl Child {
    /// Says how it begins.
    pub(super) fn started(
        &self,
        parent: &Arc<Started>,
        order: &Order,
        slice: Spent,
    ) -> Result<(Started, String), Failure> {
        let depth = parent.parent.map_or(0, |above| above.depth) + 1;
        if depth > DEPTH_MAX {
            let message = format!("tasks may begin others {DEPTH_MAX} deep");
            return Err(Failure::new(FailureKind::Exhausted, message).coded("depth"));
        }
        let (work, title, name, input) = self.runtime.performer.work_of(parent, order)?;
        let root = parent.parent.map_or(parent.task, |above| above.root);
        let bound = |limit: Option<u64>, part: u64| limit.map(|_| part);
        let budget = Budget {
            tokens: bound(parent.budget.tokens, slice.tokens),
            cost_micro_usd: bound(parent.budget.cost_micro_usd, slice.cost_micro_usd),
            calls: bound(parent.budget.calls, slice.calls),
            fuel: bound(parent.budget.fuel, slice.fuel),
            ms: parent.budget.ms,
        };
        let started = Started {
            task: self.task,
            title,
            work,
            input,
            seed: parent.seed ^ seed_of(self.task),
            budget,
            // A part has nobody of its own to ask for more: the whole fails, and is retried with more.
            fails_at_limit: true,
            deadline_ms: parent.deadline_ms,
            parent: Some(Parent { task: parent.task, root, depth }),
            labels: parent.labels.clone(),
            by: parent.by.clone(),
        };
        Ok((started, name))
    }

    /// Carries it to its end.
    ///
    /// # Errors
    ///
    /// Why it rests.
    pub(super) async fn carry(
        self,
        started: Result<(Started, String), Failure>,
    ) -> Result<Done, Why> {
        let (started, name) = match started {
            Ok(started) => started,
            Err(failure) => return Ok(failed(failure)),
        };
        let (task, runtime) = (self.task, self.runtime.clone());
        let (ended, is_late) = self.run_in_time(started, name).await;
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => {
                let message = format!("task `{task}` could not be carried: {error}");
                return Ok(failed(Failure::new(FailureKind::Unavailable, message)));
            }
        };
        let spent = runtime.journal.row(task).ok().flatten().map(|row| row.status.spent);
        let spent = Spent { ms: 0, ..spent.unwrap_or_default() };
        match (ended.state, ended.outcome) {
            (State::Completed | State::Failed { .. }, Some(outcome)) => {
                let outcome = outcome.map_err(|failure| match is_late {
                    true => {
                        let message = format!("task `{task}` took longer than its step may");
                        Failure::new(FailureKind::Exhausted, message).coded("time")
                    }
                    false => {
                        let message = format!("task `{task}`: {}", failure.message);
                        Failure { message, ..failure }
                    }
                });
                Ok(Done { outcome, spent, changed_outside: true })
            }
            (State::Paused { why, .. }, _) => Err(why),
            _ => Err(Why::Person),
        }
    }

    /// Carries it, and cancels it when its time is up or its parent ends: what it began comes to its end.
    async fn run_in_time(
        self,
        started: Started,
        name: String,
    ) -> (Result<Ended, RuntimeError>, bool) {
        let (cancel, cancelled) = watch::channel(false);
        let mut parent = self.cancel.clone();
        let bound = self.timeout_ms.map_or(Duration::MAX, Duration::from_millis);
        let mut late = std::pin::pin!(tokio::time::sleep(bound));
        let mut run = Self { cancel: cancelled, ..self }.run(started, name);
        let mut is_late = false;
        loop {
            let is_cancelled = *cancel.borrow();
            tokio::select! {
                biased;
                ended = &mut run => return (ended, is_late),
                Ok(_) = parent.wait_for(|asked| *asked), if !is_cancelled => {
                    cancel.send_replace(true);
                }
                () = &mut late, if !is_cancelled => {
                    is_late = true;
                    cancel.send_replace(true);
                }
            }
        }
    }

    fn run(
        self,
        started: Started,
        name: String,
    ) -> BoxFuture<'static, Result<Ended, RuntimeError>> {
        Box::pin(async move {
            let Self { runtime, task, patience, stop, cancel, .. } = self;
            match runtime.journal.row(task)? {
                None => {
                    let begun = runtime.begun(started, &name, patience).await?;
                    failpoint::hit("child-begun");
                    begun.stopped_by(stop).cancelled_by(cancel).carry().await
                }
                Some(_) => {
                    let claimed = runtime.claimed(task, patience).await?;
                    let mut driver = claimed.stopped_by(stop).cancelled_by(cancel);
                    driver.recover().await?;
                    driver.carry().await
                }
            }
        })
    }
}

fn failed(failure: Failure) -> Done {
    Done { outcome: Err(failure), spent: Spent::default(), changed_outside: false }
}

fn seed_of(task: TaskId) -> u64 {
    let mut seed = [0; 8];
    seed.copy_from_slice(&task.as_bytes()[8..]);
    u64::from_be_bytes(seed)
}
