//! How an effect is begun, and how it ends.
//!
//! ```text
//! order ──→ prepare: class, code, need ──→ budget ──→ INTENT, durable ──→ perform ──→ RESULT
//! ```
//!
//! Several that are ordered together have one barrier.
//!
//! Invariant: what is refused is on record as refused; what is performed has its intent on disk.

use std::sync::Arc;

use ax_manifest::{Digest, EffectClass};

use super::child::Child;
use super::driver::Driver;
use super::error::RuntimeError;
use super::perform::{Done, Performance, Prepared};
use super::record::Facts;
use crate::failpoint;
use crate::journal::Message;
use crate::workflow::{
    Ask, Asked, CLOSED, Command, Effect, EffectKey, Fact, Failure, FailureKind, Inquiry, Intended,
    Line, Order, Origin, Returned, Spent, State, TaskId, Text, Why,
};

/// How long a question waits for a person when nothing is said: a day.
pub(super) const QUESTION_MS: u64 = 24 * 60 * 60 * 1_000;

/// An effect that is to be begun.
pub(super) struct Wanted {
    pub(super) work: Effect,
    /// The digest of what was asked for.
    pub(super) arguments: Digest,
    pub(super) fuel: u64,
    pub(super) log: Vec<Line>,
}

impl From<Effect> for Wanted {
    fn from(work: Effect) -> Self {
        let arguments = arguments_of(&work.order);
        Self { work, arguments, fuel: 0, log: Vec::new() }
    }
}

/// Computes the digest of what is asked for, by which a replay knows it again.
pub(super) fn arguments_of(order: &Order) -> Digest {
    let mut hasher = Digest::hasher();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    let text = |text: &Text| text.digest().to_string();
    match order {
        Order::Tool(call) => {
            add("tool");
            add(&call.tool.to_string());
            add(&text(&call.input));
        }
        Order::Model { request } => {
            add("model");
            add(&text(request));
        }
        Order::Agent { agent, goal, input } => {
            add("agent");
            add(&agent.to_string());
            add(goal);
            add(&text(input));
        }
        Order::Workflow { file, input } => {
            add("workflow");
            add(file);
            add(&text(input));
        }
    }
    hasher.finish()
}

impl Driver {
    /// Begins an effect, together with those that are ordered next.
    pub(super) async fn begin_with(&mut self, first: Effect) -> Result<(), RuntimeError> {
        let mut wanted = vec![Wanted::from(first)];
        while let Some(Command::Perform(work)) =
            self.queue.pop_front_if(|it| matches!(it, Command::Perform(_)))
        {
            wanted.push(Wanted::from(*work));
        }
        self.begin(wanted).await.map(drop)
    }

    /// Begins effects together: returns the entries of their intents. What the budget has no room for is not
    /// among them, nor what comes after it.
    pub(super) async fn begin(&mut self, wanted: Vec<Wanted>) -> Result<Vec<u64>, RuntimeError> {
        if self.run.state() != State::Executing || self.closing.is_some() {
            return Ok(Vec::new());
        }
        let children = wanted.iter().filter(|it| is_child(&it.work.order)).count() as u64;
        let (mut facts, mut begun, mut entries) = (Facts::default(), Vec::new(), Vec::new());
        let mut set_aside = Spent::default();
        let mut used_up = None;
        for Wanted { work, arguments, fuel, log } in wanted {
            let prepared = match is_child(&work.order) {
                true => Ok(self.slice(children)),
                false => self.prepared(&work).await,
            };
            if let Ok(prepared) = &prepared {
                let need = set_aside.plus(prepared.reserved);
                used_up = self.run.account().short_of(need);
                if used_up.is_some() {
                    break;
                }
                set_aside = need;
            }
            if !log.is_empty() {
                facts.facts.push(Fact::Logged { lines: log });
            }
            let entry = self.run.head() + facts.facts.len() as u64 + 1;
            entries.push(entry);
            let (ask, context) = self.asked_for(&work.order, entry);
            facts.context.extend(context);
            let (class, component, reserved) = match &prepared {
                Ok(it) => (class_of(it.class, &work), it.component, it.reserved),
                Err(_) => (EffectClass::Pure, None, Spent::default()),
            };
            let origin = work.origin;
            let intended = Intended { origin, ask, arguments, class, component, reserved, fuel };
            facts.facts.push(Fact::Intended(Box::new(intended)));
            match prepared {
                Ok(it) => begun.push((entry, work, it)),
                Err(failure) => {
                    let (outcome, spent) = (Err(failure), Spent::default());
                    let returned =
                        Returned { intent: entry, outcome, spent, changed_outside: false };
                    facts.facts.push(Fact::Returned(Box::new(returned)));
                }
            }
        }
        match (facts.facts.is_empty(), begun.is_empty()) {
            (true, _) => {}
            // Nothing happens outside, so nothing has to be on disk before it.
            (false, true) => self.record(facts).await?,
            (false, false) => {
                failpoint::hit("before-intent");
                self.record_durably(facts).await?;
                failpoint::hit("after-intent");
            }
        }
        for (entry, work, prepared) in begun {
            self.perform(entry, Arc::new(work), prepared.component, false);
        }
        if let Some(used_up) = used_up {
            self.stop_at_limit(used_up).await?;
        }
        Ok(entries)
    }

    /// Prepares an effect. What a person allowed is done by the code that they looked at, or not at all.
    async fn prepared(&mut self, work: &Effect) -> Result<Prepared, Failure> {
        let prepared = self.runtime.performer.prepare(&work.order).await?;
        let (Origin::Step { step, .. }, Order::Tool(call)) = (work.origin, &work.order) else {
            return Ok(prepared);
        };
        let is_approved = self.run.plan().is_some_and(|plan| plan.is_approved(step as usize));
        let planned = self.run.planned().and_then(|it| it.components.get(&call.tool.plugin));
        match planned {
            Some(planned) if is_approved && prepared.component != Some(*planned) => {
                let plugin = &call.tool.plugin;
                let message =
                    format!("`{plugin}` was replaced since a person allowed what it is to do");
                Err(Failure::new(FailureKind::Conflict, message).coded("approval"))
            }
            _ => Ok(prepared),
        }
    }

    /// Says what is asked for, as it is on record; of a conversation its messages apart.
    fn asked_for(&self, order: &Order, entry: u64) -> (Ask, Vec<Message>) {
        match order {
            Order::Tool(call) => {
                let (tool, input) = (call.tool.clone(), call.input.clone());
                (Ask::Tool { tool, input }, Vec::new())
            }
            Order::Model { request } => {
                let (request, context) = apart(request);
                let messages = context.last().map(|message| message.node);
                (Ask::Model { messages, request }, context)
            }
            Order::Agent { agent, .. } => {
                let title = agent.to_string();
                (Ask::Child { task: self.child_id(entry), title }, Vec::new())
            }
            Order::Workflow { file, .. } => {
                let title = file.clone();
                (Ask::Child { task: self.child_id(entry), title }, Vec::new())
            }
        }
    }

    /// Names a task of its own: the same whenever it is asked.
    fn child_id(&self, entry: u64) -> TaskId {
        let key = EffectKey::of(self.lease.run(), entry);
        let mut random = [0; 10];
        random.copy_from_slice(&key.as_bytes()[..10]);
        TaskId::new(self.run.at_ms(), random)
    }

    /// Computes what a task of its own may use: an equal part of what is left.
    fn slice(&self, children: u64) -> Prepared {
        use crate::workflow::Dimension as D;
        let part = |it: D| self.run.account().left(it).unwrap_or(0) / children.max(1);
        let reserved = Spent {
            tokens: part(D::Tokens),
            cost_micro_usd: part(D::Cost),
            calls: part(D::Calls),
            fuel: part(D::Fuel),
            // Time passes for both at once.
            ms: 0,
        };
        Prepared { class: EffectClass::Readable, component: None, reserved }
    }

    /// Performs what has its intent on disk.
    pub(super) fn perform(
        &mut self,
        intent: u64,
        work: Arc<Effect>,
        component: Option<Digest>,
        is_again: bool,
    ) {
        self.works.insert(intent, Arc::clone(&work));
        self.in_flight.insert(intent);
        if is_child(&work.order) {
            self.perform_child(intent, &work);
            return;
        }
        let by = self.run.started().map(|started| started.by.clone()).unwrap_or_default();
        let task = self.lease.run();
        let performance = Performance {
            task,
            by: by.into(),
            key: EffectKey::of(task, intent),
            intent,
            is_again,
            order: work.order.clone(),
            component,
            cost_left_micro_usd: self.run.account().left(crate::workflow::Dimension::Cost),
            timeout_ms: work.timeout_ms,
            cancel: self.cancel.subscribe(),
        };
        let performer = Arc::clone(&self.runtime.performer);
        self.performing
            .push(Box::pin(async move { (intent, Ok(performer.perform(performance).await)) }));
    }

    fn perform_child(&mut self, intent: u64, work: &Effect) {
        let Some(open) = self.run.open().get(&intent) else { return };
        let Ask::Child { task, .. } = open.intended.ask else { return };
        let Some(started) = self.run.started() else { return };
        let child = Child {
            runtime: self.runtime.clone(),
            task,
            patience: self.patience,
            stop: self.rest.subscribe(),
            cancel: self.cancel.subscribe(),
            timeout_ms: work.timeout_ms,
        };
        let started = child.started(started, &work.order, open.reserved());
        self.performing.push(Box::pin(async move { (intent, child.carry(started).await) }));
    }

    /// Takes what an effect came to.
    pub(super) async fn came(
        &mut self,
        intent: u64,
        done: Result<Done, Why>,
    ) -> Result<(), RuntimeError> {
        self.in_flight.remove(&intent);
        let mut done = match done {
            Ok(done) => done,
            // A task of its own rests, and so does this one; they are taken on again together.
            Err(why) => {
                self.child_rests = Some(why);
                return self.rest_with_child().await;
            }
        };
        if let Err(failure) = &mut done.outcome
            && self.closing.is_some()
            && failure.kind == FailureKind::Cancelled
        {
            failure.code = CLOSED.to_owned();
        }
        let Some(open) = self.run.open().get(&intent) else { return Ok(()) };
        if let Origin::Mend { intent: mended } = open.origin() {
            return self.mended(intent, mended, done).await;
        }
        failpoint::hit("after-perform");
        let is_unknown = matches!(&done.outcome, Err(it) if it.kind == FailureKind::InDoubt);
        if is_unknown && self.closing.is_none() && self.mend(intent).await? {
            return Ok(());
        }
        self.returned(intent, done).await
    }

    /// Records the end of an effect.
    pub(super) async fn returned(&mut self, intent: u64, done: Done) -> Result<(), RuntimeError> {
        let Done { outcome, spent, changed_outside } = done;
        let returned = Returned { intent, outcome, spent, changed_outside };
        self.record(Fact::Returned(Box::new(returned))).await?;
        failpoint::hit("after-result");
        if !self.run.open().contains_key(&intent) {
            self.works.remove(&intent);
        }
        self.agent.answered(&self.feed);
        Ok(())
    }

    /// Puts a question of a step to a person.
    pub(super) async fn ask(&mut self, question: Inquiry) -> Result<(), RuntimeError> {
        if self.run.state() != State::Executing || self.closing.is_some() {
            return Ok(());
        }
        let mut hasher = Digest::hasher();
        hasher.update(question.text.as_bytes());
        hasher.update(b"\0");
        hasher.update(question.details.digest().as_bytes());
        let arguments = hasher.finish();
        let asked = self.question(question, arguments, 0);
        self.record_durably(Fact::Asked(Box::new(asked))).await?;
        failpoint::hit("after-asked");
        Ok(())
    }

    /// Writes a question as it is put on record, bound to all that its answer holds for.
    pub(super) fn question(&self, question: Inquiry, arguments: Digest, fuel: u64) -> Asked {
        let Inquiry { origin, gate, text, details, expires_in_ms } = question;
        let now_ms = self.runtime.clock.now_ms().max(self.run.at_ms());
        let expires_at_ms = now_ms.saturating_add(expires_in_ms.unwrap_or(QUESTION_MS));
        let bound_to = self.bound_to(arguments);
        Asked { origin, gate, arguments, bound_to, text, details, expires_at_ms, fuel }
    }

    /// Computes the digest of all that an answer holds for: what was asked, the code and the policy.
    pub(super) fn bound_to(&self, arguments: Digest) -> Digest {
        let mut hasher = Digest::hasher();
        hasher.update(b"ax approval\0");
        hasher.update(self.lease.run().as_bytes());
        hasher.update(arguments.as_bytes());
        hasher.update(self.runtime.performer.ground(&self.run).as_bytes());
        hasher.finish()
    }
}

/// Returns the class of an effect, where a person said in the spec how its end is found out or undone.
fn class_of(class: EffectClass, work: &Effect) -> EffectClass {
    match (class, &work.happened, &work.undo) {
        (EffectClass::Unsafe, Some(_), _) => EffectClass::Readable,
        (EffectClass::Unsafe, None, Some(_)) => EffectClass::Compensable,
        (class, ..) => class,
    }
}

pub(super) fn is_child(order: &Order) -> bool {
    matches!(order, Order::Agent { .. } | Order::Workflow { .. })
}

/// Takes the messages out of a request, so that those that many requests repeat are kept once.
fn apart(request: &Text) -> (Text, Vec<Message>) {
    let read = request.here().and_then(|json| serde_json::from_str(json).ok());
    let Some(serde_json::Value::Object(mut members)) = read else {
        return (request.clone(), Vec::new());
    };
    match members.shift_remove("messages") {
        Some(serde_json::Value::Array(messages)) if !messages.is_empty() => {
            let bodies = messages.iter().map(|it| it.to_string().into_bytes());
            let context = Message::list(None, bodies);
            (Text::new(serde_json::Value::Object(members).to_string()), context)
        }
        _ => (request.clone(), Vec::new()),
    }
}

/// Puts the messages back into a request.
pub(super) fn together(request: &Text, messages: Vec<Vec<u8>>) -> Option<Text> {
    if messages.is_empty() {
        return Some(request.clone());
    }
    let mut whole: serde_json::Value = serde_json::from_str(request.here()?).ok()?;
    let read = messages.iter().map(|body| serde_json::from_slice(body));
    let messages: Vec<serde_json::Value> = read.collect::<Result<_, _>>().ok()?;
    whole.as_object_mut()?.insert("messages".to_owned(), messages.into());
    Some(Text::new(whole.to_string()))
}

/// Says that nobody knows whether an effect happened.
pub(super) fn in_doubt(why: &str) -> Failure {
    Failure::new(FailureKind::InDoubt, why)
}
