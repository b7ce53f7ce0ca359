//! What becomes of what was begun before a crash.
//!
//! ```text
//! open intent ── pure, keyed ─────→ performed again, with the same key
//!             ── readable ────────→ asked whether it happened ──→ its output, or performed again
//!             ── compensable ─────→ undone ──→ performed again
//!             ── a task of its own → taken on
//!             ── unsafe ──────────→ IN DOUBT: a person says what happened
//! ```
//!
//! Invariant: nothing is guessed. What cannot be found out by what its class offers is in doubt.

use std::sync::Arc;

use ax_manifest::EffectClass;
use serde_json::{Value, json};

use super::driver::Driver;
use super::effect::{Wanted, in_doubt, is_child, together};
use super::error::RuntimeError;
use super::perform::Done;
use super::record::Facts;
use crate::failpoint;
use crate::workflow::{
    Ask, Call, Effect, Fact, Failure, FailureKind, Open, Order, Origin, State, Text, Why,
};

impl Driver {
    /// Goes on where the process before ended: letters first, then what was begun, then what is due.
    pub(super) async fn recover(&mut self) -> Result<(), RuntimeError> {
        let was_at_work = matches!(self.run.state(), State::Planning | State::Executing);
        if was_at_work {
            self.record(Fact::TakenOver).await?;
            failpoint::hit("taken-over");
        }
        self.read_letters().await?;
        self.expire_questions(self.runtime.clock.now_ms()).await?;
        if let State::Paused { why: Why::Person | Why::Budget, .. } = self.run.state() {
            self.resume("person").await?;
        }
        let waits = !self.run.questions().is_empty() || self.run.is_in_doubt();
        if let (State::Paused { .. }, false) = (self.run.state(), waits) {
            // It rested for a task of its own, or what it waited for has come.
            self.resume("person").await?;
        }
        // What the facts ordered as they were recorded is ordered anew, with all that is due besides.
        self.queue.clear();
        self.take_up().await?;
        let commands = self.run.outstanding();
        self.order(commands);
        Ok(())
    }

    /// Ends a task that is to end, with nothing of it going on any more: what is open and may not simply be
    /// performed again is in doubt, and stays so on record.
    pub(super) async fn conclude(&mut self) -> Result<(), RuntimeError> {
        let Some(fact) = self.closing.take() else { return Ok(()) };
        let open: Vec<u64> = self
            .run
            .open()
            .iter()
            .filter(|(_, open)| !open.is_in_doubt && !open.is_idempotent())
            .map(|(intent, _)| *intent)
            .collect();
        for intent in open {
            self.doubt(intent, INTERRUPTED).await?;
        }
        let letters = self.closing_letter.take().into_iter().collect();
        self.record_durably(Facts { facts: vec![fact], context: Vec::new(), letters }).await
    }

    /// Takes up what is open.
    async fn take_up(&mut self) -> Result<(), RuntimeError> {
        if self.run.state() != State::Executing {
            return Ok(());
        }
        let open: Vec<(u64, Open)> = self
            .run
            .open()
            .iter()
            .filter(|(_, open)| !open.is_in_doubt)
            .map(|(intent, open)| (*intent, open.clone()))
            .collect();
        let mending =
            |intent: u64| open.iter().any(|(_, open)| open.origin() == Origin::Mend { intent });
        let (waiting, first): (Vec<_>, Vec<_>) =
            open.iter().cloned().partition(|(intent, _)| mending(*intent));
        // What waits for another is told by that one; only what it was to do is needed.
        for (intent, open) in waiting {
            self.works.extend(self.work_of(&open).map(|work| (intent, Arc::new(work))));
        }
        for (intent, open) in first {
            match self.work_of(&open) {
                None => self.doubt(intent, "what was to be done cannot be read any more").await?,
                Some(work) => self.take_up_one(intent, &open, Arc::new(work)).await?,
            }
        }
        Ok(())
    }

    async fn take_up_one(
        &mut self,
        intent: u64,
        open: &Open,
        work: Arc<Effect>,
    ) -> Result<(), RuntimeError> {
        if is_child(&work.order) {
            self.perform(intent, work, None, true);
            return Ok(());
        }
        if open.is_allowed_again {
            self.works.insert(intent, work);
            return self.resend(intent).await;
        }
        if let Origin::Mend { intent: mended } = open.origin()
            && !open.is_idempotent()
        {
            let failure = Failure::new(FailureKind::Failed, INTERRUPTED);
            let (outcome, spent) = (Err(failure), open.reserved());
            self.returned(intent, Done { outcome, spent, changed_outside: true }).await?;
            return self.doubt(mended, "what was to undo it was interrupted too").await;
        }
        match open.intended.class {
            EffectClass::Pure | EffectClass::Keyed => {
                self.works.insert(intent, work);
                self.resend(intent).await
            }
            EffectClass::Readable | EffectClass::Compensable => {
                self.works.insert(intent, work);
                match self.mend(intent).await? {
                    true => Ok(()),
                    false => self.doubt(intent, INTERRUPTED).await,
                }
            }
            EffectClass::Unsafe => self.doubt(intent, INTERRUPTED).await,
        }
    }

    /// Performs an effect once more, with the same key.
    pub(super) async fn resend(&mut self, intent: u64) -> Result<(), RuntimeError> {
        let Some(open) = self.run.open().get(&intent).cloned() else { return Ok(()) };
        if self.run.state() != State::Executing || self.in_flight.contains(&intent) {
            return Ok(());
        }
        let work = match self.works.get(&intent) {
            Some(work) => Arc::clone(work),
            None => match self.work_of(&open) {
                Some(work) => Arc::new(work),
                None => return self.doubt(intent, "what was to be done is not on record").await,
            },
        };
        // The attempt that was lost is paid for, and there has to be room for this one.
        if let Some(used_up) = self.run.account().short_of(open.need) {
            return self.stop_at_limit(used_up).await;
        }
        match self.runtime.performer.prepare(&work.order).await {
            Ok(prepared) if prepared.component != open.intended.component => {
                let why = "the plugin is another one than when it was begun";
                self.doubt(intent, why).await
            }
            Ok(prepared) => {
                self.record_durably(Fact::Resent { intent }).await?;
                failpoint::hit("resent");
                self.perform(intent, work, prepared.component, true);
                Ok(())
            }
            Err(failure) => {
                let spent = open.reserved();
                let done = Done { outcome: Err(failure), spent, changed_outside: false };
                self.returned(intent, done).await
            }
        }
    }

    /// Says that a person has to say what became of an effect.
    async fn doubt(&mut self, intent: u64, why: &str) -> Result<(), RuntimeError> {
        let spent = self.run.open().get(&intent).map(Open::reserved).unwrap_or_default();
        let done = Done { outcome: Err(in_doubt(why)), spent, changed_outside: true };
        self.returned(intent, done).await
    }

    /// Begins to find out whether an effect happened, or to undo it, if its spec says how.
    pub(super) async fn mend(&mut self, intent: u64) -> Result<bool, RuntimeError> {
        let Some(work) = self.works.get(&intent) else { return Ok(false) };
        let Some(call) = work.happened.as_ref().or(work.undo.as_ref()) else { return Ok(false) };
        let mend = Effect {
            origin: Origin::Mend { intent },
            order: Order::Tool(call.clone()),
            timeout_ms: work.timeout_ms,
            happened: None,
            undo: None,
        };
        let begun = self.begin(vec![Wanted::from(mend)]).await?;
        // One that was refused is over already.
        Ok(begun.first().is_some_and(|mend| self.run.open().contains_key(mend)))
    }

    /// Goes on with an effect whose end was looked for, or that was undone.
    pub(super) async fn mended(
        &mut self,
        mend: u64,
        intent: u64,
        done: Done,
    ) -> Result<(), RuntimeError> {
        let outcome = done.outcome.clone();
        self.returned(mend, done).await?;
        let was_asked = self.works.get(&intent).is_some_and(|work| work.happened.is_some());
        let Ok(answer) = outcome else {
            return self.doubt(intent, "whether it happened could not be found out").await;
        };
        if !was_asked {
            return self.resend(intent).await;
        }
        let said = answer.here().and_then(|json| serde_json::from_str::<Value>(json).ok());
        let said = said.as_ref().and_then(|it| it.get("structured"));
        let happened = said.and_then(|it| it.get("happened")).and_then(Value::as_bool);
        match happened {
            Some(false) => self.resend(intent).await,
            Some(true) => {
                let output = said.and_then(|it| it.get("output")).cloned().unwrap_or(Value::Null);
                let whole = json!({ "content": [], "structured": output });
                // It happened, so what was set aside for it was used, as far as anybody knows.
                let spent = self.run.open().get(&intent).map(Open::reserved).unwrap_or_default();
                let outcome = Ok(Text::new(whole.to_string()));
                self.returned(intent, Done { outcome, spent, changed_outside: true }).await
            }
            None => self.doubt(intent, "the answer does not say whether it happened").await,
        }
    }

    /// Says again what an open intent was to do.
    fn work_of(&self, open: &Open) -> Option<Effect> {
        if let (Origin::Step { .. }, Some(plan)) = (open.origin(), self.run.plan()) {
            return plan.work_of(open.origin());
        }
        let order = match &open.intended.ask {
            Ask::Tool { tool, input } => {
                Order::Tool(Call { tool: tool.clone(), input: input.clone() })
            }
            Ask::Model { messages, request } => {
                let messages = match messages {
                    Some(head) => self.runtime.journal.messages(*head).ok()?,
                    None => Vec::new(),
                };
                Order::Model { request: together(request, messages)? }
            }
            Ask::Child { .. } => return None,
        };
        Some(Effect { origin: open.origin(), order, timeout_ms: None, happened: None, undo: None })
    }
}

const INTERRUPTED: &str = "the program ended while it was being performed";
