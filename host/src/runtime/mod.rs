//! PERFORM: carries tasks. The only module with effects on behalf of one.
//!
//! ```text
//!              ┌────────────── letters: pause, cancel, answers ──────────────┐
//!              ▼                                                             │
//! journal ──→ Driver ── fact ──→ workflow::step ──→ orders ──→ Performer     │
//!    ▲          │  ▲                                   │    tools, models    │
//!    └─ append ─┘  └────────── what came of it ────────┘         other processes
//!                  ▲
//!                  └── questions of an agent, answered from the record or live
//! ```
//!
//! | file        | answers                                                      |
//! |-------------|--------------------------------------------------------------|
//! | `driver`    | what is done next, and when is a task let go?                |
//! | `record`    | how does a fact come into the journal?                       |
//! | `effect`    | how is an effect begun, and how does it end?                 |
//! | `recover`   | what becomes of what was begun before a crash?               |
//! | `agent`     | what is an agent answered?                                   |
//! | `letters`   | what do others want of a task?                               |
//! | `child`     | how does a task wait for one of its own?                     |
//! | `events`    | what is told to others of it?                                |
//! | `replay`    | does a task go the same way again?                           |
//! | `perform`   | the seam to what performs                                    |
//! | `watcher`   | who is told while it goes on?                                |
//!
//! Invariant: no effect is performed before its intent is on disk; whatever a task does follows from facts
//! that are on record, so that another process can go on with it after any crash.
//! Not here: what follows from a fact (`workflow`), where facts are kept (`journal`), what a tool or a model
//! is (`app`).

mod agent;
mod child;
mod driver;
mod effect;
mod error;
pub mod events;
mod letters;
mod perform;
mod record;
mod recover;
mod replay;
mod watcher;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::journal::{About, NewRun, Status, Store};
use crate::workflow::{Event, Fact, Run, Started, TaskId};

pub use driver::{Ended, Patience};
pub use error::RuntimeError;
pub use perform::{Done, Guest, Performance, Performer, Prepared};
pub use replay::{Replayed, transcript};
pub use watcher::{Nobody, Watcher};

use driver::Driver;

/// How long a task belongs to the process that carries it, unless that is gone, in milliseconds. A machine
/// that sleeps for longer finds on waking that another process may have it.
const LEASE_MS: u64 = 15_000;

/// What tasks are carried with.
#[derive(Clone)]
pub struct Runtime {
    /// Where facts are kept, and letters.
    pub journal: Arc<dyn Store>,
    /// What performs effects.
    pub performer: Arc<dyn Performer>,
    /// Who is told of each fact.
    pub watcher: Arc<dyn Watcher>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Runtime {
    /// Puts a task on record without carrying it.
    ///
    /// # Errors
    ///
    /// [`RuntimeError`] if it cannot be written.
    pub async fn create(&self, started: Started, name: &str) -> Result<TaskId, RuntimeError> {
        let task = started.task;
        let driver = self.begun(started, name, Patience::Never).await?;
        driver.leave().await?;
        Ok(task)
    }

    /// Begins a task and carries it until it ends, or rests for longer than `patience` goes. `stop` turning
    /// true lets it rest as soon as it can.
    ///
    /// # Errors
    ///
    /// [`RuntimeError`].
    pub async fn begin(
        &self,
        started: Started,
        name: &str,
        patience: Patience,
        stop: watch::Receiver<bool>,
    ) -> Result<Ended, RuntimeError> {
        self.begun(started, name, patience).await?.stopped_by(stop).carry().await
    }

    async fn begun(
        &self,
        started: Started,
        name: &str,
        patience: Patience,
    ) -> Result<Driver, RuntimeError> {
        let at_ms = self.clock.now_ms();
        let (about, status) = (About::of(&started, name, at_ms), Status::of(&started, at_ms));
        let event = Event { at_ms, fact: Fact::Started(Box::new(started)) };
        let mut run = Run::default();
        let commands = run.apply(&event)?;
        let events = std::slice::from_ref(&event);
        let new = NewRun { about, status, events, until_ms: at_ms + LEASE_MS };
        let lease = self.journal.create(&new).await?;
        self.watcher.saw(&run, run.head(), &event);
        let mut driver = Driver::new(self.clone(), lease, run, patience);
        driver.order(commands);
        Ok(driver)
    }

    /// Takes a task on that is on record, and carries it as [`Runtime::begin`] does.
    ///
    /// # Errors
    ///
    /// [`RuntimeError`], also if another process has it, or its journal is damaged.
    pub async fn take_on(
        &self,
        task: TaskId,
        patience: Patience,
        stop: watch::Receiver<bool>,
    ) -> Result<Ended, RuntimeError> {
        let mut driver = self.claimed(task, patience).await?.stopped_by(stop);
        driver.recover().await?;
        driver.carry().await
    }

    /// Deals with the letters of a task that nobody carries, and carries it no further.
    ///
    /// # Errors
    ///
    /// [`RuntimeError`]. One that another process carries reads its letters itself.
    pub async fn deliver(&self, task: TaskId) -> Result<Ended, RuntimeError> {
        let mut driver = self.claimed(task, Patience::Never).await?;
        driver.read_letters().await?;
        driver.conclude().await?;
        driver.leave().await
    }

    /// Claims a task and folds its journal.
    async fn claimed(&self, task: TaskId, patience: Patience) -> Result<Driver, RuntimeError> {
        let now_ms = self.clock.now_ms();
        let lease = self.journal.claim(task, now_ms, now_ms + LEASE_MS).await?;
        let mut driver = Driver::new(self.clone(), lease, Run::default(), patience);
        for entry in self.entries(task)? {
            driver.fold(&entry.event)?;
        }
        Ok(driver)
    }

    /// Folds the journal of a task, without claiming it.
    ///
    /// # Errors
    ///
    /// [`RuntimeError`] if there is none, or it is damaged.
    pub fn folded(&self, task: TaskId) -> Result<Run, RuntimeError> {
        let mut run = Run::default();
        for entry in self.entries(task)? {
            run.apply(&entry.event)?;
        }
        Ok(run)
    }
}
