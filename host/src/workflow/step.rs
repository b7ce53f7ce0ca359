//! What one fact changes.
//!
//! ```text
//! allowed by the public state? ──→ allowed by what is open? ──→ changed ──→ orders
//! ```
//!
//! Invariant: pure and total. A fact that is refused changes nothing; recovery folds the same function over
//! the journal that the live driver uses.
//! Not here: which steps of a spec may begin (`plan`).

mod check;

use std::sync::Arc;

use ax_manifest::EffectClass;
use serde_json::Value;

use super::budget::{Account, Spent};
use super::command::{Command, Commands, Ending};
use super::event::{
    Answer, Asked, Event, Fact, Intended, Noted, Origin, Returned, Started, Timer, Verdict, Work,
};
use super::failure::{Failure, FailureKind};
use super::plan::Plan;
use super::run::{Body, Open, Run};
use super::state::{Reason, State, Why};
use super::text::Text;

/// A fact that cannot follow what is known of a task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{fact}` cannot follow entry {head} of a task that is {state}: {why}")]
pub struct IllegalEvent {
    /// The kind of the fact.
    pub fact: &'static str,
    /// The last entry before it.
    pub head: u64,
    /// The public state before it.
    pub state: State,
    /// Why not.
    pub why: &'static str,
}

/// Why a fact is refused.
type Refused = &'static str;

/// Applies one fact: returns the task after it, and what is to be done because of it.
///
/// # Errors
///
/// [`IllegalEvent`] if the fact cannot follow.
pub fn step(mut run: Run, event: &Event) -> Result<(Run, Commands), IllegalEvent> {
    let commands = run.apply(event)?;
    Ok((run, commands))
}

impl Run {
    /// Applies one fact in place.
    ///
    /// # Errors
    ///
    /// [`IllegalEvent`] if the fact cannot follow; nothing has changed then.
    pub fn apply(&mut self, event: &Event) -> Result<Commands, IllegalEvent> {
        let state = self.check(&event.fact).map_err(|why| IllegalEvent {
            fact: event.fact.kind(),
            head: self.head,
            state: self.state,
            why,
        })?;
        self.pass(event);
        self.state = state;
        let mut commands = Commands::new();
        self.change(&event.fact, &mut commands);
        self.rest(&mut commands);
        Ok(commands)
    }

    /// Returns all that is to be done now, whoever was told before: what a driver begins with that takes a
    /// task on.
    #[must_use]
    pub fn outstanding(&mut self) -> Commands {
        let mut commands = Commands::new();
        match self.state {
            State::Planning if self.planned.is_none() => commands.push(Command::Plan),
            State::Planning => commands.push(Command::Execute),
            State::Executing => self.go_on(&mut commands),
            State::Idle | State::Paused { .. } | State::Completed | State::Failed { .. } => {}
        }
        self.rest(&mut commands);
        commands
    }

    /// Lets the time of a fact pass, which counts if the task was at work.
    fn pass(&mut self, event: &Event) {
        let passed = event.at_ms.saturating_sub(self.at_ms);
        let is_at_work = matches!(self.state, State::Planning | State::Executing);
        if is_at_work && !matches!(event.fact, Fact::TakenOver) {
            self.account.settle(Spent::default(), Spent { ms: passed, ..Spent::default() });
        }
        self.at_ms = self.at_ms.max(event.at_ms);
        self.head += 1;
    }

    fn change(&mut self, fact: &Fact, commands: &mut Commands) {
        match fact {
            Fact::Started(it) => self.start(it, commands),
            Fact::Planned(it) => {
                self.planned = Some(it.clone());
                commands.push(Command::Execute);
            }
            Fact::Executing => {
                self.prepare();
                self.go_on(commands);
            }
            Fact::Resumed { .. } => match self.state {
                State::Executing => self.go_on(commands),
                _ => commands.push(Command::Plan),
            },
            Fact::Retried { anew, .. } => self.retry(*anew, commands),
            Fact::Intended(it) => self.intend(it),
            Fact::Returned(it) => self.end_effect(it, commands),
            Fact::Resent { intent } => self.resend(*intent),
            Fact::Settled { intent, verdict, .. } => self.settle(*intent, verdict, commands),
            Fact::Asked(it) => self.ask(it),
            Fact::Answered { question, answer, .. } => self.answer(*question, answer, commands),
            Fact::Slept { until_ms, fuel, .. } => {
                self.count_call(*fuel);
                self.sleeps.insert(self.head, *until_ms);
                let timer = Timer::Sleep { entry: self.head };
                commands.push(Command::Wake { timer, at_ms: *until_ms });
            }
            Fact::TimerFired { timer: Timer::Sleep { entry } } => drop(self.sleeps.remove(entry)),
            Fact::TimerFired { timer } => self.steps(commands, |plan, at| plan.fired(*timer, at)),
            Fact::Signalled { name, data, .. } => {
                self.steps(commands, |plan, at| plan.signalled(name, data, at));
            }
            Fact::Noted(it) => {
                self.count_call(it.fuel);
                if let Some((key, value)) = kept(it) {
                    match value.here().is_some_and(|it| &**it == "null") {
                        true => drop(self.context.remove(&key)),
                        false => drop(self.context.insert(key, value)),
                    }
                }
            }
            Fact::Raised { budget, deadline_ms, .. } => {
                self.account.limit = *budget;
                self.deadline_ms = *deadline_ms;
            }
            Fact::Paused { .. } | Fact::TakenOver | Fact::Logged { .. } => {}
            Fact::Completed { output } => self.close(Ok(output.clone())),
            Fact::Failed { failure, .. } => self.close(Err(failure.clone())),
            Fact::Cancelled { by } => {
                let message = format!("it was cancelled by {by}");
                self.close(Err(Failure::new(FailureKind::Cancelled, message)));
            }
        }
    }

    fn start(&mut self, started: &Started, commands: &mut Commands) {
        self.attempt = 1;
        self.account = Account::new(started.budget);
        self.deadline_ms = started.deadline_ms;
        self.started = Some(Arc::new(started.clone()));
        commands.push(Command::Plan);
    }

    /// Makes the body, unless an earlier attempt left one to go on with.
    fn prepare(&mut self) {
        let Some(started) = &self.started else { return };
        if matches!(self.body, Body::None) {
            self.body = match &started.work {
                Work::Agent(_) => Body::Agent { calls: 0 },
                Work::Workflow { spec, .. } => match Plan::of(spec, started) {
                    Ok(plan) => Body::Steps(Box::new(plan)),
                    Err(failure) => Body::Broken(failure),
                },
            };
        }
    }

    fn retry(&mut self, anew: bool, commands: &mut Commands) {
        self.attempt += 1;
        self.outcome = None;
        self.planned = None;
        if self.deadline_ms.is_some_and(|deadline_ms| deadline_ms <= self.at_ms) {
            self.deadline_ms = None;
        }
        let was_waiting = std::mem::take(&mut self.was_waiting);
        let shelved = std::mem::take(&mut self.shelved);
        let is_forgotten = anew && matches!(self.body, Body::Agent { .. });
        if !is_forgotten {
            // The same intents with the same keys, so that what crossed before does not cross twice.
            self.open.extend(
                shelved
                    .into_iter()
                    .map(|(intent, open)| (intent, Open { is_allowed_again: true, ..open })),
            );
        }
        match &mut self.body {
            Body::Steps(plan) => plan.retry(),
            Body::Agent { .. } if anew => {
                self.body = Body::None;
                self.context.clear();
            }
            // The wait was its last call, and is asked for again.
            Body::Agent { calls } if was_waiting => *calls = calls.saturating_sub(1),
            Body::Broken(_) => self.body = Body::None,
            Body::Agent { .. } | Body::None => {}
        }
        commands.push(Command::Plan);
    }

    /// Orders what may be done now, all of it.
    fn go_on(&mut self, commands: &mut Commands) {
        let doubtful = self.open.values().any(|open| open.is_in_doubt);
        let sleeps = self.sleeps.iter().map(|(entry, at_ms)| Command::Wake {
            timer: Timer::Sleep { entry: *entry },
            at_ms: *at_ms,
        });
        commands.extend(sleeps);
        let allowed = self.open.iter().filter(|(_, open)| open.is_allowed_again);
        commands.extend(allowed.map(|(intent, _)| Command::Resend { intent: *intent }));
        if doubtful {
            return;
        }
        match &mut self.body {
            Body::Agent { .. } => commands.push(Command::RunAgent),
            Body::Steps(plan) => plan.outstanding(self.at_ms, commands),
            Body::None | Body::Broken(_) => {}
        }
    }

    fn intend(&mut self, intended: &Intended) {
        self.account.reserve(intended.reserved);
        let intended = Arc::new(intended.clone());
        match intended.origin {
            Origin::Agent { .. } => self.count_call(intended.fuel),
            Origin::Step { .. } => self.begun(intended.origin),
            Origin::Mend { .. } => {}
        }
        let need = intended.reserved;
        let open = Open { intended, is_in_doubt: false, is_allowed_again: false, need };
        self.open.insert(self.head, open);
    }

    fn end_effect(&mut self, returned: &Returned, commands: &mut Commands) {
        let Some(open) = self.open.get_mut(&returned.intent) else { return };
        self.account.settle(open.intended.reserved, returned.spent);
        let is_unknown =
            matches!(&returned.outcome, Err(failure) if failure.kind == FailureKind::InDoubt);
        if is_unknown && open.intended.class > EffectClass::Pure {
            // Nothing is set aside any more: what it may have used was spent.
            let intended = Arc::make_mut(&mut open.intended);
            intended.reserved = Spent::default();
            open.is_in_doubt = true;
            return;
        }
        let Some(open) = self.open.remove(&returned.intent) else { return };
        if matches!(&returned.outcome, Err(failure) if failure.is_closed()) {
            self.shelved.insert(returned.intent, open);
            return;
        }
        let may_retry = open.is_idempotent() || !returned.changed_outside;
        self.came(open.origin(), &returned.outcome, may_retry, commands);
    }

    fn resend(&mut self, intent: u64) {
        let Some(open) = self.open.get_mut(&intent) else { return };
        let lost = open.intended.reserved;
        self.account.settle(lost, lost);
        // One that was in doubt had nothing set aside any more; this attempt may be lost as well.
        self.account.reserve(open.need);
        Arc::make_mut(&mut open.intended).reserved = open.need;
        // A person's word is good for one attempt.
        open.is_allowed_again = false;
    }

    fn settle(&mut self, intent: u64, verdict: &Verdict, commands: &mut Commands) {
        let outcome = match verdict {
            Verdict::Happened(text) => Ok(text.clone()),
            Verdict::Failed => Err(Verdict::failure()),
            Verdict::Again => {
                if let Some(open) = self.open.get_mut(&intent) {
                    open.is_in_doubt = false;
                    open.is_allowed_again = true;
                }
                if self.state == State::Executing {
                    commands.push(Command::Resend { intent });
                }
                return;
            }
        };
        let Some(open) = self.open.remove(&intent) else { return };
        self.came(open.origin(), &outcome, false, commands);
    }

    /// Passes what came of an effect on to whoever asked for it.
    fn came(
        &mut self,
        origin: Origin,
        outcome: &Result<Text, Failure>,
        may_retry: bool,
        commands: &mut Commands,
    ) {
        if let Origin::Step { .. } = origin {
            self.steps(commands, |plan, at| plan.came(origin, outcome, may_retry, at));
        }
    }

    fn ask(&mut self, asked: &Asked) {
        match asked.origin {
            Origin::Agent { .. } => self.count_call(asked.fuel),
            Origin::Step { .. } => self.begun(asked.origin),
            Origin::Mend { .. } => {}
        }
        self.questions.insert(self.head, Arc::new(asked.clone()));
    }

    fn answer(&mut self, question: u64, answer: &Answer, commands: &mut Commands) {
        let Some(asked) = self.questions.remove(&question) else { return };
        if let State::Paused { why: Why::Approval | Why::Form, .. } = self.state {
            commands.push(Command::Resume);
        }
        if let Origin::Step { .. } = asked.origin {
            self.steps(commands, |plan, at| plan.answered(asked.origin, &asked.gate, answer, at));
        }
    }

    fn begun(&mut self, origin: Origin) {
        let seq = self.head;
        if let Body::Steps(plan) = &mut self.body {
            plan.begun(origin, seq);
        }
    }

    fn count_call(&mut self, fuel: u64) {
        self.account.settle(Spent::default(), Spent { fuel, ..Spent::default() });
        if let Body::Agent { calls } = &mut self.body {
            *calls += 1;
        }
    }

    /// Changes the plan, and orders what may begin because of it if the task is at work.
    fn steps(&mut self, commands: &mut Commands, change: impl FnOnce(&mut Plan, u64)) {
        let at_ms = self.at_ms;
        if let Body::Steps(plan) = &mut self.body {
            change(plan, at_ms);
            let is_in_doubt = self.open.values().any(|open| open.is_in_doubt);
            plan.go_on(at_ms, self.state != State::Executing || is_in_doubt, commands);
        }
    }

    /// Forgets what nobody waits for any more. What is in doubt stays so.
    fn close(&mut self, outcome: Result<Text, Failure>) {
        self.outcome = Some(outcome);
        let mut asked = self.questions.values().map(|asked| asked.origin);
        let is_agents = |origin: Origin| matches!(origin, Origin::Agent { .. });
        self.was_waiting = !self.sleeps.is_empty() || asked.any(is_agents);
        if let Body::Steps(plan) = &mut self.body {
            self.questions.values().for_each(|asked| plan.unasked(asked.origin));
        }
        self.questions.clear();
        self.sleeps.clear();
        for open in self.open.values().filter(|open| !open.is_in_doubt) {
            self.account.settle(open.intended.reserved, open.intended.reserved);
        }
        self.open.retain(|_, open| open.is_in_doubt);
    }

    /// Orders the rest, the going on or the end that follows from the state as it is now.
    fn rest(&mut self, commands: &mut Commands) {
        match self.state {
            State::Executing => {
                let ending = match &self.body {
                    Body::Steps(plan) => plan.ending(),
                    Body::Broken(failure) => {
                        let (reason, failure) = (Reason::Error, failure.clone());
                        Some(Ending::Failed { reason, failure })
                    }
                    Body::None | Body::Agent { .. } => None,
                };
                if let Some(ending) = ending {
                    match self.is_performing() {
                        // What still runs is of use to nobody, and its end is waited for.
                        true => commands.push(Command::Stop),
                        false => commands.push(Command::Finish(ending)),
                    }
                    return;
                }
                // Nothing is begun beside what is in doubt, and what runs may end first.
                let is_idle = !self.is_performing() && !orders(commands) && self.sleeps.is_empty();
                if self.is_in_doubt() {
                    if is_idle {
                        commands.push(Command::Pause(Why::InDoubt));
                    }
                    return;
                }
                let waits = match &self.body {
                    Body::Steps(plan) => plan.is_waiting(),
                    Body::None | Body::Agent { .. } | Body::Broken(_) => false,
                };
                if let Some(why) = self.asks_for()
                    && is_idle
                    && !waits
                {
                    commands.push(Command::Pause(why));
                }
            }
            State::Paused { why: Why::InDoubt, .. } if !self.is_in_doubt() => {
                commands.push(Command::Resume);
            }
            // Whoever was to carry on was killed after the answer came.
            State::Paused { why: Why::Approval | Why::Form, .. }
                if self.questions.is_empty() && commands.is_empty() =>
            {
                commands.push(Command::Resume);
            }
            State::Idle
            | State::Planning
            | State::Paused { .. }
            | State::Completed
            | State::Failed { .. } => {}
        }
    }
}

/// Answers whether something among the orders goes on by itself.
fn orders(commands: &Commands) -> bool {
    commands.iter().any(|it| match it {
        Command::Perform(_) | Command::Resend { .. } | Command::Wake { .. } => true,
        Command::Ask(_) | Command::RunAgent => true,
        Command::Plan | Command::Execute | Command::Pause(_) | Command::Resume => false,
        Command::Stop | Command::Finish(_) => false,
    })
}

/// Returns what an agent puts into the task's record, if that is what it noted.
fn kept(noted: &Noted) -> Option<(String, Text)> {
    if noted.import != "task.set" || noted.answer.is_err() {
        return None;
    }
    let said: Value = serde_json::from_str(noted.said.as_ref()?.here()?).ok()?;
    let key = said.get("key")?.as_str()?.to_owned();
    Some((key, Text::new(said.get("value")?.to_string())))
}
