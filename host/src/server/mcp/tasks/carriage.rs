//! Carrying a task: at most some at once are at work, and one that waits for a person takes no place.
//!
//! ```text
//! look ── due ────→ a place ──→ carried until it ends or rests ──┐
//!  ▲ ├── taken, waits ──→ a while ───────────────────────────────┤
//!  │ └── over, rests ──→ left                                     │
//!  └──────────────────────────────────────────────────────────────┘
//! ```
//!
//! Invariant: what was begun comes to its end or is on record as interrupted; a server that ends lets its
//! tasks rest, and leaves word that they go on when somebody takes them on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Tasks;
use super::look::Look;
use crate::journal::Request;
use crate::runtime::{Patience, Runtime, RuntimeError};
use crate::workflow::{State, TaskId, Why};

/// How often it is looked whether a task can go on.
pub(super) const LOOK: Duration = Duration::from_millis(250);

/// What a carriage sees of a task that it does not carry now.
pub(super) enum Seen {
    Still(Look),
    /// It was taken on, and rests for no reason that can be found.
    Stuck,
}

/// Looks at a task again and again.
#[derive(Default)]
pub(super) struct Lookout {
    /// The last entry when it was last taken on.
    head: Option<u64>,
}

impl Lookout {
    /// Looks at a task; one that did not go on when it was taken on is not taken on for ever.
    pub(super) fn look(&mut self, runtime: &Runtime, task: TaskId) -> Result<Seen, RuntimeError> {
        let look = Look::at(runtime, task)?;
        let Look::Due { head } = look else {
            self.head = None;
            return Ok(Seen::Still(look));
        };
        match self.head.replace(head) {
            Some(before) if head <= before + RESTLESS_ENTRIES => Ok(Seen::Stuck),
            _ => Ok(Seen::Still(look)),
        }
    }
}

/// Entries that a task which is taken on and rests at once leaves behind: that it was taken on, goes on, rests.
const RESTLESS_ENTRIES: u64 = 3;

impl Tasks {
    /// Carries a task though nobody waits for it, until it ends or rests.
    pub(super) fn carry_on(self: &Arc<Self>, task: TaskId) {
        if *self.closing.borrow() || !self.carried().insert(task) {
            return;
        }
        let tasks = Arc::clone(self);
        let mut carriages =
            self.carriages.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        while carriages.try_join_next().is_some() {}
        carriages.spawn(async move {
            let _place = Place { tasks: &tasks, task };
            // What went wrong is on record, or is told when its client asks how it is.
            drop(tasks.carry_alone(task).await);
        });
    }

    async fn carry_alone(&self, task: TaskId) -> Result<(), RuntimeError> {
        let Some(runtime) = self.runtime.get() else { return Ok(()) };
        let (mut closing, mut lookout) = (self.closing.subscribe(), Lookout::default());
        loop {
            match lookout.look(runtime, task)? {
                Seen::Still(Look::Over | Look::Rests(_)) | Seen::Stuck => return Ok(()),
                Seen::Still(Look::Taken | Look::Waits(_)) => {}
                Seen::Still(Look::Due { .. }) => {
                    let place = tokio::select! {
                        biased;
                        _ = closing.wait_for(|closing| *closing) => return Ok(()),
                        place = self.permits.acquire() => place,
                    };
                    self.stretch(runtime, task, self.closing.subscribe()).await?;
                    drop(place);
                    continue;
                }
            }
            tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => return Ok(()),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Carries a task as far as it goes by itself.
    async fn stretch(
        &self,
        runtime: &Runtime,
        task: TaskId,
        rest: watch::Receiver<bool>,
    ) -> Result<(), RuntimeError> {
        let carrying = Box::pin(runtime.take_on(task, Patience::Never, rest.clone()));
        let ended = match carrying.await {
            Ok(ended) => ended,
            Err(error) if error.is_taken() => return Ok(()),
            Err(error) => return Err(error),
        };
        if *rest.borrow() && matches!(ended.state, State::Paused { why: Why::Person, .. }) {
            // It rests since the server ends, not since somebody wants it to.
            self.send(runtime, task, &Request::Resume, "ax mcp serve").await?;
        }
        Ok(())
    }

    /// Carries a task as far as it goes while a call waits for it; ends it when nobody does any more.
    pub(super) async fn stretch_for(
        &self,
        runtime: &Runtime,
        task: TaskId,
        who: &str,
        gone: impl Future<Output = ()>,
    ) -> Result<(), RuntimeError> {
        let mut gone = std::pin::pin!(gone);
        let _place = tokio::select! {
            biased;
            () = &mut gone => return Ok(()),
            place = self.permits.acquire() => place,
        };
        // Its sender is gone, so it never turns true.
        let never = watch::Sender::new(false).subscribe();
        let mut carrying = std::pin::pin!(self.stretch(runtime, task, never));
        tokio::select! {
            biased;
            carried = &mut carrying => return carried,
            () = &mut gone => {}
        }
        // What asks a person already goes no further by itself, and waits for the call to be made again.
        if runtime.journal.questions(Some(task))?.is_empty() {
            self.send(runtime, task, &Request::Cancel, who).await?;
        }
        carrying.await
    }

    /// Writes to a task.
    pub(super) async fn send(
        &self,
        runtime: &Runtime,
        task: TaskId,
        request: &Request,
        by: &str,
    ) -> Result<(), RuntimeError> {
        runtime.journal.send(task, request, by, runtime.clock.now_ms()).await?;
        Ok(())
    }

    /// Lets all tasks rest that nobody waits for, and returns when they do.
    pub(in crate::server::mcp) async fn close(&self) {
        self.closing.send_replace(true);
        let mut carriages = std::mem::take(
            &mut *self.carriages.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        // What does not come to its end in time is interrupted, as by a crash.
        let all = async { while carriages.join_next().await.is_some() {} };
        drop(tokio::time::timeout(REST_MAX, all).await);
    }
}

/// How long tasks may take to rest when the server ends: what is being performed comes to its end.
const REST_MAX: Duration = Duration::from_secs(5);

/// A task that is carried; when this is dropped, even by a panic, it is not any more.
struct Place<'t> {
    tasks: &'t Tasks,
    task: TaskId,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.tasks.carried().remove(&self.task);
    }
}
