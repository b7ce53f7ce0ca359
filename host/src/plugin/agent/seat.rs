//! What a guest in a task has beside other guests: who answers it, and what it used since.
//!
//! Invariant: nothing here depends on when it runs. Fuel is read when the guest calls a function, not when
//! the engine lets others run; what the host itself ran out of ends the guest before it can ask a question
//! that it would not ask elsewhere.
//! Not here: what is asked (`imports/tools`, `imports/task`, `imports/model`).

use std::sync::Arc;
use std::time::Duration;

use super::super::gate::Refusal;
use super::super::guest::Guest;
use super::super::limits::{self, Limit};
use super::{Companion, Import, Question, Told};
use crate::workflow::{Failure, FailureKind};

/// A question that is about to be asked.
#[derive(Debug)]
pub(in super::super) struct Wanted {
    pub(in super::super) import: Import,
    pub(in super::super) arguments: String,
    pub(in super::super) refused: Option<Failure>,
}

impl Wanted {
    /// A question that nothing speaks against.
    pub(in super::super) fn new(import: Import, arguments: impl ToString) -> Self {
        Self { import, arguments: arguments.to_string(), refused: None }
    }
}

/// A document, or why there is none.
pub(in super::super) type Answer = Result<Arc<str>, Failure>;

/// The error with which a guest is ended that is to wait, or to go.
#[derive(Debug, thiserror::Error)]
#[error("the task goes on without this instance")]
struct EndedByTask;

/// Why the task has no more use for an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Ending {
    Parked,
    Stopped,
}

/// A guest's place in a task.
pub(in super::super) struct Seat {
    companion: Arc<dyn Companion>,
    /// Wall clock between two questions.
    deadline: Duration,
    /// Fuel between two questions.
    fuel_max: u64,
    /// Fuel that was left when the guest last called a function.
    fuel_left: u64,
    /// Fuel of all that was before the last question.
    fuel_before: u64,
    questions: usize,
    /// Whether a question was answered, and the fuel is to be filled up.
    is_answered: bool,
    ending: Option<Ending>,
}

impl Seat {
    pub(in super::super) fn new(
        companion: Arc<dyn Companion>,
        fuel_max: u64,
        deadline: Duration,
    ) -> Self {
        Self {
            companion,
            deadline,
            fuel_max,
            fuel_left: fuel_max,
            fuel_before: 0,
            questions: 0,
            is_answered: false,
            ending: None,
        }
    }

    /// Notes the fuel that is left when the guest calls a function.
    pub(in super::super) fn enter(&mut self, fuel_left: u64) {
        self.fuel_left = fuel_left;
    }

    /// Returns the fuel to go on with, if a question was answered since.
    pub(in super::super) fn take_refill(&mut self) -> Option<u64> {
        std::mem::take(&mut self.is_answered).then_some(self.fuel_max)
    }

    /// Returns what the guest's clock shows at least.
    pub(in super::super) fn now_ms(&self) -> u64 {
        self.companion.now_ms()
    }

    /// Answers whether what the guest asks next was answered before.
    pub(in super::super) fn is_replaying(&self) -> bool {
        self.companion.is_replaying()
    }

    /// Returns why the task has no more use for the instance, if so.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Returns the fuel since the last question, and all of it, if this much is left.
    pub(super) fn fuel(&self, left: u64) -> (u64, u64) {
        let since = self.fuel_max.saturating_sub(left);
        (since, self.fuel_before.saturating_add(since))
    }
}

impl Guest {
    /// Asks, and waits for the answers, as many and in this order.
    ///
    /// # Errors
    ///
    /// When the guest is to end.
    pub(in super::super) async fn ask_companion(
        &mut self,
        wanted: Vec<Wanted>,
    ) -> wasmtime::Result<Vec<Answer>> {
        let count = wanted.len();
        // Memory that the host had no more of may have led it here.
        if let Some(limit) = self.meter.hit().filter(|limit| *limit == Limit::HostMemory) {
            return Err(self.gate.exhaust(limit).into());
        }
        self.end_lines();
        let (mut log, _) = self.log.take();
        let Some(seat) = &mut self.seat else { return Err(EndedByTask.into()) };
        seat.questions = seat.questions.saturating_add(count);
        if seat.questions > limits::QUESTIONS {
            return Err(self.gate.exhaust(Limit::Questions).into());
        }
        if count == 0 {
            return Ok(Vec::new());
        }
        if seat.is_replaying() {
            log.clear();
        }
        let mut fuel = seat.fuel_max.saturating_sub(seat.fuel_left);
        seat.fuel_before = seat.fuel_before.saturating_add(fuel);
        let questions = wanted.into_iter().map(|Wanted { import, arguments, refused }| {
            let (fuel, log) = (std::mem::take(&mut fuel), std::mem::take(&mut log));
            Question { import, arguments, refused, fuel, log }
        });
        let questions: Vec<_> = questions.collect();
        let companion = Arc::clone(&seat.companion);
        let told = companion.ask(questions).await;
        self.answered(told, count)
    }

    fn answered(&mut self, told: Vec<Told>, count: usize) -> wasmtime::Result<Vec<Answer>> {
        let Some(seat) = &mut self.seat else { return Err(EndedByTask.into()) };
        let mut answers = Vec::new();
        for told in told {
            match told {
                Told::Answer(answer) => answers.push(answer),
                // What is over for ever does not wait.
                Told::Park => seat.ending = seat.ending.or(Some(Ending::Parked)),
                Told::Stop => seat.ending = Some(Ending::Stopped),
            }
        }
        if seat.ending.is_none() && answers.len() != count {
            seat.ending = Some(Ending::Stopped);
        }
        if seat.ending.is_some() {
            return Err(EndedByTask.into());
        }
        seat.is_answered = true;
        let (deadline, now_ms) = (seat.deadline, seat.now_ms());
        self.call.ends_at = self.call.clock.monotonic() + deadline;
        self.gate.begin_anew();
        if let Some(wasi) = &self.wasi {
            wasi.show(now_ms);
        }
        let here = |answer: Result<crate::workflow::Text, Failure>| match answer?.here() {
            Some(text) => Ok(Arc::clone(text)),
            None => Err(Failure::new(FailureKind::Failed, "the answer on record is not at hand")),
        };
        Ok(answers.into_iter().map(here).collect())
    }

    /// Checks a permission for a question. What is played back is checked too, but no denial is noted of it:
    /// the record counts.
    pub(in super::super) fn rule_on(
        &mut self,
        capability: ax_manifest::Capability,
        wanted: &ax_manifest::Permission,
        bytes: u64,
    ) -> wasmtime::Result<Option<Failure>> {
        use super::super::gate::Needs;
        use super::super::rights::Ruling;
        let is_replaying = self.seat.as_ref().is_some_and(|seat| seat.is_replaying());
        let ruled = if is_replaying {
            self.gate.pass(capability, Needs::Nothing, bytes)?;
            match self.gate.rights().decide(wanted) {
                Ruling::Allowed(_) => Ok(()),
                Ruling::Denied(reason) => Err(Refusal::Denied(reason)),
            }
        } else {
            self.gate.pass(capability, Needs::Permission(wanted), bytes)
        };
        match ruled {
            Ok(()) => Ok(None),
            Err(Refusal::Denied(reason)) => {
                let message = format!("`{wanted}` is not permitted: {}", reason.word());
                Ok(Some(Failure::new(FailureKind::Denied, message).coded(wanted.to_string())))
            }
            Err(refusal @ Refusal::Exhausted(_)) => Err(refusal.into()),
        }
    }
}
