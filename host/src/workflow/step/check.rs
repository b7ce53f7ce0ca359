//! Whether a fact can follow what is known of a task.

use super::super::event::{Ask, Fact, Noted, Origin, Timer};
use super::super::run::{AGENT_CALLS_MAX, Body, CONTEXT_BYTES_MAX, OPEN_MAX, Open, Run};
use super::super::state::State;
use super::super::text::Text;
use super::{Refused, kept};

impl Run {
    /// Returns the state after a fact, or why it cannot come.
    pub(super) fn check(&self, fact: &Fact) -> Result<State, Refused> {
        let state = match fact.signal() {
            Some(signal) => self.state.after(signal).ok_or("the state does not allow it")?,
            None if self.state == State::Idle => return Err("it was not begun"),
            None => self.state,
        };
        let is_agent = matches!(self.body, Body::Agent { .. });
        match fact {
            Fact::Planned(_) if self.planned.is_some() => Err("it has a plan"),
            Fact::Executing if self.planned.is_none() => Err("it has no plan"),
            Fact::Intended(it) => self.check_origin(it.origin, Some(&it.ask)),
            Fact::Asked(it) => self.check_origin(it.origin, None),
            Fact::Slept { call, .. } => self.check_call(*call),
            Fact::Noted(it) => self.check_call(it.call).and_then(|()| self.check_noted(it)),
            Fact::Returned(it) => self.opened(it.intent).map(drop),
            Fact::Resent { intent } => match self.opened(*intent)? {
                open if open.is_in_doubt => Err("it is in doubt"),
                open if open.may_be_resent() => Ok(()),
                _ => Err("it may not be performed twice"),
            },
            Fact::Settled { intent, .. } => match self.opened(*intent)?.is_in_doubt {
                true => Ok(()),
                false => Err("it is not in doubt"),
            },
            Fact::Answered { question, .. } => {
                self.questions.get(question).map(drop).ok_or("nothing was asked there")
            }
            Fact::TimerFired { timer: Timer::Sleep { entry } } => {
                self.sleeps.get(entry).map(drop).ok_or("nobody sleeps there")
            }
            Fact::TimerFired { timer } => match &self.body {
                Body::Steps(plan) => plan.check_timer(*timer),
                _ => Err("there are no steps"),
            },
            Fact::Signalled { .. } if is_agent => Err("no step waits for it"),
            _ => Ok(()),
        }?;
        Ok(state)
    }

    fn opened(&self, intent: u64) -> Result<&Open, Refused> {
        self.open.get(&intent).ok_or("no such effect is open")
    }

    fn check_origin(&self, origin: Origin, ask: Option<&Ask>) -> Result<(), Refused> {
        if self.open.len() + self.questions.len() >= OPEN_MAX {
            return Err("too much is open");
        }
        match (origin, &self.body) {
            (Origin::Agent { call }, _) => self.check_call(call),
            (Origin::Step { .. }, Body::Steps(plan)) => plan.check_origin(origin),
            (Origin::Step { .. }, _) => Err("there are no steps"),
            (Origin::Mend { intent }, _) if ask.is_some() => self.opened(intent).map(drop),
            (Origin::Mend { .. }, _) => Err("a question mends nothing"),
        }
    }

    fn check_call(&self, call: u64) -> Result<(), Refused> {
        match self.body {
            Body::Agent { calls } if calls >= AGENT_CALLS_MAX => Err("an agent may not call more"),
            Body::Agent { calls } if calls == call => Ok(()),
            Body::Agent { .. } => Err("it is not the agent's next call"),
            Body::None | Body::Steps(_) | Body::Broken(_) => Err("there is no agent"),
        }
    }

    fn check_noted(&self, noted: &Noted) -> Result<(), Refused> {
        let Some((key, value)) = kept(noted) else { return Ok(()) };
        let size =
            |(key, value): (&String, &Text)| key.len() + value.here().map_or(0, |it| it.len());
        let others = self.context.iter().filter(|(held, _)| **held != key).map(size).sum::<usize>();
        match others + key.len() + value.here().map_or(0, |it| it.len()) > CONTEXT_BYTES_MAX {
            true => Err("the task's record is full"),
            false => Ok(()),
        }
    }
}
