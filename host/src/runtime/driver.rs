//! Carries one task: carries out what a fact orders, waits for the next.
//!
//! ```text
//! orders ──→ carried out ──→ over? ──→ wait: an effect's end, an agent's question, a time, a letter ──┐
//!   ▲                                                                                                 │
//!   └──────────────────────────────────── facts ◀─────────────────────────────────────────────────────┘
//! ```
//!
//! Invariant: one driver carries a task, under the epoch of its lease; whatever it waits for is on record.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;

use super::agent::{Agent, Heard};
use super::error::RuntimeError;
use super::perform::Done;
use super::record::Facts;
use super::{LEASE_MS, Runtime};
use crate::failpoint;
use crate::journal::{JournalError, Lease, Receipt};
use crate::workflow::{
    Command, Commands, Dimension, Effect, Ending, Fact, Failure, FailureKind, Feed, Reason, Run,
    State, TaskId, Text, Timer, Why,
};

/// How often letters are looked for.
pub(super) const POLL: Duration = Duration::from_millis(250);

/// Milliseconds between two renewals of the lease: a third of it.
const RENEWAL_MS: u64 = LEASE_MS / 3;

/// The longest sleep at once; clocks of machines that slept are looked at again after it.
const NAP_MS: u64 = 60_000;

/// When which timer fires, in milliseconds since the Unix epoch.
pub(super) type Timers = BTreeMap<Timer, u64>;

/// For what a task that rests is still carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// For nothing: it is left once nothing goes on by itself.
    Never,
    /// For the answers of people.
    Answers,
}

/// How a task was left.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Which.
    pub task: TaskId,
    /// Its public state.
    pub state: State,
    /// What came of it, if it is completed; what went wrong, if it failed.
    pub outcome: Option<Result<Text, Failure>>,
}

/// What an effect came to, with the entry of its intent; or why the task of its own rests that it is.
pub(super) type Came = (u64, Result<Done, Why>);

/// What a driver waited for.
enum Woken {
    Came(u64, Result<Done, Why>),
    Heard(Heard),
    Settled(Result<(), JournalError>),
    Stopped,
    Cancelled,
    Napped,
}

/// A task that is carried.
pub(super) struct Driver {
    pub(super) runtime: Runtime,
    pub(super) lease: Lease,
    pub(super) run: Run,
    /// What its agent was answered.
    pub(super) feed: Feed,
    pub(super) patience: Patience,
    pub(super) queue: VecDeque<Command>,
    pub(super) performing: FuturesUnordered<BoxFuture<'static, Came>>,
    pub(super) receipts: FuturesUnordered<Receipt<()>>,
    pub(super) timers: Timers,
    /// The intents of what is being performed.
    pub(super) in_flight: BTreeSet<u64>,
    /// What was ordered for each intent that is open.
    pub(super) works: BTreeMap<u64, Arc<Effect>>,
    /// Turns true when nobody needs what is being performed any more.
    pub(super) cancel: watch::Sender<bool>,
    pub(super) agent: Agent,
    /// The fact with which the task ends once nothing is being performed.
    pub(super) closing: Option<Fact>,
    /// Whether a task of its own rests, so that this one has to.
    pub(super) child_rests: Option<Why>,
    /// The letter with which the end was wanted.
    pub(super) closing_letter: Option<u64>,
    /// Turns true when this task rests because somebody wants it, so that tasks of its own do.
    pub(super) rest: watch::Sender<bool>,
    stop: watch::Receiver<bool>,
    cancelled: watch::Receiver<bool>,
    /// When letters and clocks are looked at next, on the clock's monotonic time.
    next_look: Duration,
}

impl Driver {
    pub(super) fn new(runtime: Runtime, lease: Lease, run: Run, patience: Patience) -> Self {
        Self {
            runtime,
            lease,
            run,
            feed: Feed::default(),
            patience,
            queue: VecDeque::new(),
            performing: FuturesUnordered::new(),
            receipts: FuturesUnordered::new(),
            timers: Timers::new(),
            in_flight: BTreeSet::new(),
            works: BTreeMap::new(),
            cancel: watch::Sender::new(false),
            agent: Agent::new(),
            closing: None,
            child_rests: None,
            rest: watch::Sender::new(false),
            // Its sender is gone, so it never turns true.
            stop: watch::Sender::new(false).subscribe(),
            cancelled: watch::Sender::new(false).subscribe(),
            closing_letter: None,
            next_look: Duration::ZERO,
        }
    }

    /// Lets the task rest when `stop` turns true.
    pub(super) fn stopped_by(self, stop: watch::Receiver<bool>) -> Self {
        Self { stop, ..self }
    }

    /// Cancels the task when `cancelled` turns true.
    pub(super) fn cancelled_by(self, cancelled: watch::Receiver<bool>) -> Self {
        Self { cancelled, ..self }
    }

    /// Takes orders. An end makes those before it idle that are not begun.
    pub(super) fn order(&mut self, commands: Commands) {
        let is_end = |it: &Command| matches!(it, Command::Stop | Command::Finish(_));
        if commands.iter().any(is_end) {
            self.queue.retain(|it| !matches!(it, Command::Perform(_) | Command::Ask(_)));
        }
        self.queue.extend(commands);
    }

    /// Carries the task until it ends or rests.
    pub(super) async fn carry(mut self) -> Result<Ended, RuntimeError> {
        loop {
            self.carry_out().await?;
            // However much happens meanwhile: the lease, the letters and the times are not forgotten.
            if self.runtime.clock.monotonic() >= self.next_look {
                self.look().await?;
                self.carry_out().await?;
            }
            if self.is_over() {
                return self.leave().await;
            }
            self.wait().await?;
        }
    }

    /// Lets go of the task, with all that was handed over on record.
    pub(super) async fn leave(mut self) -> Result<Ended, RuntimeError> {
        self.agent.drop_guest();
        self.settle_receipts().await?;
        let (task, state) = (self.lease.run(), self.run.state());
        let outcome = self.run.outcome().cloned();
        self.runtime.journal.release(self.lease).await?;
        Ok(Ended { task, state, outcome })
    }

    /// Answers whether there is nothing more to be done here for now.
    fn is_over(&self) -> bool {
        if !self.performing.is_empty() || !self.queue.is_empty() || self.closing.is_some() {
            return false;
        }
        match self.run.state() {
            State::Completed | State::Failed { .. } => true,
            State::Paused { why: Why::Approval | Why::Form, .. } => {
                self.patience == Patience::Never || self.child_rests.is_some()
            }
            State::Paused { why: Why::Person | Why::Budget | Why::InDoubt, .. } => true,
            State::Idle | State::Planning | State::Executing => false,
        }
    }

    async fn carry_out(&mut self) -> Result<(), RuntimeError> {
        while let Some(command) = self.queue.pop_front() {
            match command {
                Command::Plan => self.plan().await?,
                Command::Execute if self.run.state() == State::Planning => {
                    self.record(Fact::Executing).await?;
                }
                Command::Execute => {}
                Command::RunAgent => self.agent.want(),
                Command::Perform(work) => self.begin_with(*work).await?,
                Command::Resend { intent } => self.resend(intent).await?,
                Command::Ask(question) => self.ask(*question).await?,
                Command::Wake { timer, at_ms } => drop(self.timers.insert(timer, at_ms)),
                Command::Pause(why) => self.rest(why).await?,
                // It rests for a task of its own, and nothing that it was asked itself holds it up.
                Command::Resume if self.child_rests.is_some() => {}
                Command::Resume => self.resume("answer").await?,
                Command::Stop => self.stop_performing(),
                Command::Finish(ending) => self.finish(ending).await?,
            }
        }
        if let Some(fact) = self.closing.take_if(|_| self.performing.is_empty()) {
            let letters = self.closing_letter.take().into_iter().collect();
            failpoint::hit("before-end");
            self.record_durably(Facts { facts: vec![fact], context: Vec::new(), letters }).await?;
            failpoint::hit("after-end");
        }
        self.rest_with_child().await?;
        self.run_agent().await
    }

    async fn plan(&mut self) -> Result<(), RuntimeError> {
        if self.run.state() != State::Planning || self.run.planned().is_some() {
            return Ok(());
        }
        match self.runtime.performer.plan(&self.run) {
            Ok(planned) => self.record(Fact::Planned(planned)).await,
            Err(failure) => self.fail(Reason::Error, failure).await,
        }
    }

    /// Rests, unless something was begun since that was ordered.
    async fn rest(&mut self, why: Why) -> Result<(), RuntimeError> {
        let is_idle = self.performing.is_empty() && self.queue.is_empty();
        match self.run.state() {
            State::Executing if is_idle && self.closing.is_none() => {
                self.record_durably(Fact::Paused { why }).await
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn resume(&mut self, by: &str) -> Result<(), RuntimeError> {
        match self.run.state() {
            State::Paused { .. } => {
                self.rest.send_replace(false);
                self.record(Fact::Resumed { by: by.to_owned() }).await
            }
            _ => Ok(()),
        }
    }

    async fn finish(&mut self, ending: Ending) -> Result<(), RuntimeError> {
        // It is ordered again when what is being performed has ended. An end from outside comes first.
        let is_free = self.performing.is_empty() && self.closing.is_none();
        if !is_free || self.run.state() != State::Executing {
            return Ok(());
        }
        let fact = match ending {
            Ending::Completed { output } => Fact::Completed { output },
            Ending::Failed { reason, failure } => Fact::Failed { reason, failure },
        };
        failpoint::hit("before-end");
        self.record_durably(fact).await?;
        failpoint::hit("after-end");
        Ok(())
    }

    /// Fails the task once nothing is being performed.
    pub(super) async fn fail(
        &mut self,
        reason: Reason,
        failure: Failure,
    ) -> Result<(), RuntimeError> {
        self.close(Fact::Failed { reason, failure });
        Ok(())
    }

    /// Ends the task with a fact once nothing is being performed.
    pub(super) fn close(&mut self, fact: Fact) {
        if self.run.state().is_terminal() || self.closing.is_some() {
            return;
        }
        self.closing = Some(fact);
        self.queue.clear();
        self.stop_performing();
        self.agent.drop_guest();
    }

    pub(super) fn stop_performing(&mut self) {
        self.cancel.send_replace(true);
    }

    /// Waits for one thing, and records it.
    async fn wait(&mut self) -> Result<(), RuntimeError> {
        let (nap, may_be_stopped) = (self.nap(), self.may_be_stopped());
        let woken = tokio::select! {
            biased;
            Some((intent, done)) = self.performing.next() => Woken::Came(intent, done),
            heard = self.agent.next() => Woken::Heard(heard),
            Some(settled) = self.receipts.next() => Woken::Settled(settled),
            Ok(_) = self.stop.wait_for(|asked| *asked), if may_be_stopped => Woken::Stopped,
            Ok(_) = self.cancelled.wait_for(|asked| *asked), if may_be_stopped => Woken::Cancelled,
            () = tokio::time::sleep(nap) => Woken::Napped,
        };
        match woken {
            Woken::Came(intent, done) => self.came(intent, done).await,
            Woken::Heard(heard) => self.heard(heard).await,
            Woken::Settled(settled) => Ok(settled?),
            Woken::Stopped => self.pause_by_person().await,
            Woken::Cancelled => {
                self.close(Fact::Cancelled { by: "the task it is part of".to_owned() });
                Ok(())
            }
            Woken::Napped => self.look().await,
        }
    }

    /// Rests since a task of its own does, once nothing else goes on.
    pub(super) async fn rest_with_child(&mut self) -> Result<(), RuntimeError> {
        match self.child_rests {
            Some(why) if self.performing.is_empty() && self.queue.is_empty() => {
                match self.run.state() {
                    State::Executing if self.closing.is_none() => {
                        self.record_durably(Fact::Paused { why }).await
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn may_be_stopped(&self) -> bool {
        let is_paused = matches!(self.run.state(), State::Paused { why: Why::Person, .. });
        !is_paused && !self.run.state().is_terminal() && self.closing.is_none()
    }

    /// Lets the task rest because somebody wants it. What is being performed comes to its end.
    async fn pause_by_person(&mut self) -> Result<(), RuntimeError> {
        self.rest_now();
        match self.run.state() {
            State::Planning | State::Executing | State::Paused { .. } => {
                self.record_durably(Fact::Paused { why: Why::Person }).await
            }
            State::Idle | State::Completed | State::Failed { .. } => Ok(()),
        }
    }

    /// Begins nothing more, and lets tasks of its own rest too.
    pub(super) fn rest_now(&mut self) {
        self.queue.clear();
        self.agent.drop_guest();
        self.rest.send_replace(true);
    }

    /// Returns how long nothing has to be looked at.
    fn nap(&self) -> Duration {
        let now_ms = self.runtime.clock.now_ms();
        let left = |at_ms: u64| at_ms.saturating_sub(now_ms);
        let next = self.due().map_or(NAP_MS, |at_ms| left(at_ms).min(NAP_MS));
        let poll = self.next_look.saturating_sub(self.runtime.clock.monotonic());
        Duration::from_millis(next).min(poll)
    }

    /// Returns the next moment at which something is due by itself.
    fn due(&self) -> Option<u64> {
        let is_at_work = self.run.state() == State::Executing;
        let timers = self.timers.values().copied().filter(|_| is_at_work);
        let questions = self.run.questions().values().map(|asked| asked.expires_at_ms);
        let agent = self.agent.parks_at_ms();
        timers.chain(questions).chain(agent).chain(self.time_is_up_at()).min()
    }

    /// Returns when the task may go on no longer.
    fn time_is_up_at(&self) -> Option<u64> {
        let is_at_work = matches!(self.run.state(), State::Planning | State::Executing);
        let used_up = self.run.account().left(Dimension::Time).filter(|_| is_at_work);
        let used_up = used_up.map(|left| self.run.at_ms().saturating_add(left));
        self.run.deadline_ms().into_iter().chain(used_up).min()
    }

    /// Looks at the clock and into the letter box.
    async fn look(&mut self) -> Result<(), RuntimeError> {
        self.next_look = self.runtime.clock.monotonic() + POLL;
        let until_ms = self.runtime.clock.now_ms() + LEASE_MS;
        if until_ms.saturating_sub(self.lease.until_ms()) >= RENEWAL_MS {
            self.runtime.journal.renew(&mut self.lease, until_ms).await?;
        }
        self.read_letters().await?;
        let now_ms = self.runtime.clock.now_ms();
        self.expire(now_ms).await?;
        self.agent.park_if_due(now_ms);
        if self.run.state() == State::Executing {
            self.fire(now_ms).await?;
        }
        Ok(())
    }

    async fn fire(&mut self, now_ms: u64) -> Result<(), RuntimeError> {
        loop {
            let due = self.timers.iter().find(|(_, at_ms)| **at_ms <= now_ms);
            let Some((&timer, _)) = due else { return Ok(()) };
            self.timers.remove(&timer);
            self.record(Fact::TimerFired { timer }).await?;
            self.agent.answered(&self.feed);
        }
    }

    /// Ends what has no more time: questions, the budget, the task.
    pub(super) async fn expire(&mut self, now_ms: u64) -> Result<(), RuntimeError> {
        self.expire_questions(now_ms).await?;
        if self.run.deadline_ms().is_some_and(|at_ms| at_ms <= now_ms) {
            let failure =
                Failure::new(FailureKind::Exhausted, "the deadline of the task has passed");
            return self.fail(Reason::Deadline, failure.coded("deadline")).await;
        }
        let is_at_work = matches!(self.run.state(), State::Planning | State::Executing);
        if is_at_work && self.time_is_up_at().is_some_and(|at_ms| at_ms <= now_ms) {
            return self.stop_at_limit(Dimension::Time).await;
        }
        Ok(())
    }

    /// Does what is to be done when something is used up: asks for more, or fails.
    pub(super) async fn stop_at_limit(&mut self, used_up: Dimension) -> Result<(), RuntimeError> {
        let fails = self.run.started().is_some_and(|started| started.fails_at_limit);
        if fails {
            let message = format!("the task has used up its {}", used_up.word());
            let failure = Failure::new(FailureKind::Exhausted, message).coded("budget");
            return self.fail(Reason::Budget, failure).await;
        }
        self.queue.retain(|it| !matches!(it, Command::Perform(_) | Command::Ask(_)));
        self.agent.drop_guest();
        match self.run.state() {
            State::Planning | State::Executing => {
                self.record_durably(Fact::Paused { why: Why::Budget }).await
            }
            _ => Ok(()),
        }
    }
}

impl RuntimeError {
    /// Answers whether another process has taken the task on.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Journal(JournalError::Held { .. } | JournalError::Stale { .. }))
    }
}
