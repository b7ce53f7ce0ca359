//! What may begin now, and the orders for it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::command::{Call, Command, Commands, Effect, Inquiry, Order};
use super::super::event::{Gate, Origin, Timer};
use super::super::expression::{Scope, Template};
use super::super::failure::{Failure, FailureKind};
use super::super::spec::{self, AgentName, OnError, StepKind, Wait};
use super::super::text::Text;
use super::item::{Item, Progress};
use super::{Node, Plan};

/// What a begun item comes to at once, or is ordered to do.
enum Begun {
    Order(Command),
    At(u64),
    Listening,
    Value(Value),
}

impl Plan {
    /// Orders what may begin, unless the task rests; pauses before further tries go on meanwhile.
    pub(in super::super) fn go_on(&mut self, at_ms: u64, rests: bool, commands: &mut Commands) {
        if !rests {
            self.advance(at_ms, commands);
        }
        let pauses = self.pauses.drain(..);
        commands.extend(pauses.map(|(timer, at_ms)| Command::Wake { timer, at_ms }));
    }

    fn advance(&mut self, at_ms: u64, commands: &mut Commands) {
        // Each round settles a step, or is the last.
        loop {
            let has_opened = self.failing.is_none() && self.open_steps();
            let has_settled = self.failing.is_none() && self.begin_items(at_ms, commands);
            if !has_opened && !has_settled {
                break;
            }
        }
    }

    /// Orders all that is to be done, also what was ordered before and is not on record.
    pub(in super::super) fn outstanding(&mut self, at_ms: u64, commands: &mut Commands) {
        for node in &mut self.nodes {
            let Node::Working { items, .. } = node else { continue };
            for item in items.iter_mut().filter(|it| it.progress == Progress::Ordered) {
                item.progress = Progress::Pending;
            }
        }
        let waits: Vec<Command> = self
            .items()
            .filter_map(|(step, index, item)| match item.progress {
                Progress::Until { at_ms } => {
                    Some(Command::Wake { timer: self.timer(step, index), at_ms })
                }
                _ => None,
            })
            .collect();
        commands.extend(waits);
        self.pauses.clear();
        self.go_on(at_ms, false, commands);
    }

    /// Opens the steps whose needs are settled; answers whether one changed.
    fn open_steps(&mut self) -> bool {
        let mut changed = false;
        for step in 0..self.nodes.len() {
            if self.nodes[step] != Node::Waiting || !self.is_ready(step) {
                continue;
            }
            changed = true;
            match self.opened(step) {
                Ok(node) => {
                    let is_empty = matches!(&node, Node::Working { items, .. } if items.is_empty());
                    self.nodes[step] = node;
                    if is_empty {
                        self.finish_step(step, json!([]));
                    }
                }
                Err(failure) => self.fail_step(step, failure),
            }
        }
        changed
    }

    fn is_ready(&self, step: usize) -> bool {
        self.spec.steps[step].needs.iter().all(|need| self.nodes[*need].is_settled())
    }

    /// Returns what becomes of a step whose needs are settled.
    fn opened(&self, step: usize) -> Result<Node, Failure> {
        let spec = &self.spec.steps[step];
        let cascades = |need: &usize| matches!(self.nodes[*need], Node::Skipped { cascades: true });
        if spec.needs.iter().any(cascades) {
            return Ok(Node::Skipped { cascades: true });
        }
        if let Some(when) = &spec.when
            && !self.seen(None, |scope| when.holds(scope)).map_err(|it| wrong("when", &it))?
        {
            return Ok(Node::Skipped { cascades: false });
        }
        let Some(for_each) = &spec.for_each else {
            return Ok(Node::Working { items: vec![Item::new()], things: None });
        };
        let things = self.seen(None, |scope| for_each.items(scope));
        let things = things.map_err(|it| wrong("for-each", &it))?;
        let items = vec![Item::new(); things.len()];
        Ok(Node::Working { items, things: Some(Arc::new(things)) })
    }

    /// Begins as many pending items as there are permits for; answers whether a step was settled by it.
    fn begin_items(&mut self, at_ms: u64, commands: &mut Commands) -> bool {
        let mut settled = false;
        for step in 0..self.nodes.len() {
            while self.failing.is_none() {
                let Some(index) = self.next_pending(step) else { break };
                self.begin(step, index, at_ms, commands);
                settled |= self.nodes[step].is_settled();
            }
        }
        settled
    }

    fn next_pending(&self, step: usize) -> Option<usize> {
        let Node::Working { items, .. } = &self.nodes[step] else { return None };
        let at_work = items.iter().filter(|item| item.is_at_work()).count();
        let all_at_work = self.items().filter(|(_, _, item)| item.is_at_work()).count();
        let has_permit =
            at_work < self.spec.steps[step].max_parallel && all_at_work < self.spec.max_parallel;
        has_permit
            .then(|| items.iter().position(|item| item.progress == Progress::Pending))
            .flatten()
    }

    fn begin(&mut self, step: usize, index: usize, at_ms: u64, commands: &mut Commands) {
        let Node::Working { items, .. } = &self.nodes[step] else { return };
        let origin = self.origin(step, index, items[index].attempt);
        let begun = self.work(step, index, origin, at_ms);
        let progress = match begun {
            Ok(Begun::Order(command)) => {
                commands.push(command);
                Progress::Ordered
            }
            Ok(Begun::At(until_ms)) => {
                commands.push(Command::Wake { timer: self.timer(step, index), at_ms: until_ms });
                Progress::Until { at_ms: until_ms }
            }
            Ok(Begun::Listening) => Progress::Listening,
            Ok(Begun::Value(value)) => return self.settle_item(origin, Ok(value), false, at_ms),
            Err(failure) => return self.settle_item(origin, Err(failure), false, at_ms),
        };
        let is_listening = progress == Progress::Listening;
        if let Some((_, _, item)) = self.item_mut(origin) {
            item.progress = progress;
        }
        if is_listening {
            self.hand_out_signals(at_ms);
        }
    }

    pub(super) fn timer(&self, step: usize, index: usize) -> Timer {
        match self.origin(step, index, 1) {
            Origin::Step { step, item, .. } => Timer::Step { step, item },
            Origin::Agent { .. } | Origin::Mend { .. } => Timer::Step { step: 0, item: None },
        }
    }

    /// Says what an item does, with its templates filled in.
    fn work(
        &self,
        step: usize,
        index: usize,
        origin: Origin,
        at_ms: u64,
    ) -> Result<Begun, Failure> {
        let spec = &self.spec.steps[step];
        let value = |name: &str, template: &Template| {
            let evaluated = self.seen(Some((step, index)), |scope| template.evaluate(scope));
            evaluated.map_err(|error| wrong(name, &error))
        };
        let text = |name: &str, template: &Template| {
            value(name, template).map(|value| Text::new(value.to_string()))
        };
        let call = |call: &spec::ToolCall| {
            let input = text("with", &call.with)?;
            Ok::<_, Failure>(Call { tool: call.tool.clone(), input })
        };
        let work = |order, happened, undo| {
            let timeout_ms = spec.timeout_ms;
            let work = Effect { origin, order, timeout_ms, happened, undo };
            Begun::Order(Command::Perform(Box::new(work)))
        };
        Ok(match &spec.kind {
            StepKind::Tool { call: it, happened, undo } => {
                let happened = happened.as_ref().map(call).transpose()?;
                let undo = undo.as_ref().map(call).transpose()?;
                work(Order::Tool(call(it)?), happened, undo)
            }
            StepKind::Agent { agent: AgentName::Declared(name), .. } => {
                return Err(undeclared(name));
            }
            StepKind::Agent { agent: AgentName::Programmed(agent), goal, with } => {
                let goal = goal.as_ref().map(|it| value("goal", it)).transpose()?;
                let goal = goal.map(words_of).unwrap_or_default();
                let (agent, input) = (agent.clone(), text("with", with)?);
                work(Order::Agent { agent, goal, input }, None, None)
            }
            StepKind::Model { model, system, prompt, schema, max_tokens } => {
                let system = system.as_ref().map(|it| value("system", it)).transpose()?;
                let prompt = words_of(value("prompt", prompt)?);
                let request =
                    request_of(model, system.map(words_of), &prompt, schema.as_ref(), *max_tokens);
                work(Order::Model { request: Text::new(request.to_string()) }, None, None)
            }
            StepKind::Workflow { file, with } => {
                let (file, input) = (file.clone(), text("with", with)?);
                work(Order::Workflow { file, input }, None, None)
            }
            StepKind::Approve { text: asked, details, expires_in_ms } => {
                let details = details.as_ref().map(|it| text("details", it)).transpose()?;
                Begun::Order(Command::Ask(Box::new(Inquiry {
                    origin,
                    gate: Gate::Approval,
                    text: words_of(value("approve", asked)?),
                    details: details.unwrap_or_default(),
                    expires_in_ms: Some(*expires_in_ms),
                })))
            }
            StepKind::Wait(Wait::Time { ms }) => Begun::At(at_ms.saturating_add(*ms)),
            StepKind::Wait(Wait::Until(until)) => {
                let until = value("wait-until", until)?;
                let why = "it is no point of time, as 2026-11-22T08:00:00Z";
                Begun::At(spec::instant_ms(&until).ok_or_else(|| wrong("wait-until", &why))?)
            }
            StepKind::Wait(Wait::Signal { .. }) => Begun::Listening,
            StepKind::Set { value: given } => Begun::Value(value("set", given)?),
        })
    }

    /// Says again what an item does that is on record, for whoever takes the task on.
    pub fn work_of(&self, origin: Origin) -> Option<Effect> {
        let Origin::Step { step, item, .. } = origin else { return None };
        self.item(origin)?;
        match self.work(step as usize, item.unwrap_or(0) as usize, origin, 0) {
            Ok(Begun::Order(Command::Perform(work))) => Some(*work),
            _ => None,
        }
    }

    /// Shows an expression of a step, or of none, what it may see.
    pub(super) fn seen<T>(
        &self,
        at: Option<(usize, usize)>,
        look: impl FnOnce(&Scope<'_>) -> T,
    ) -> T {
        let thing = at.and_then(|(step, index)| match &self.nodes[step] {
            Node::Working { things: Some(things), .. } => Some((index, things.get(index)?)),
            _ => None,
        });
        let steps = |id: &str| self.outputs.get(id);
        let (index, item) = thing.unzip();
        look(&Scope { input: &self.input, steps: &steps, item, index })
    }

    /// Fails a step before it is at work.
    fn fail_step(&mut self, step: usize, failure: Failure) {
        match self.spec.steps[step].on_error {
            OnError::Continue => self.nodes[step] = Node::Failed(failure),
            OnError::Skip => self.nodes[step] = Node::Skipped { cascades: true },
            OnError::Fail => {
                let id = &self.spec.steps[step].id;
                let message = format!("step `{id}`: {}", failure.message);
                let told = Failure { message, ..failure.clone() };
                self.nodes[step] = Node::Failed(failure);
                self.failing.get_or_insert((step, told));
            }
        }
    }
}

fn undeclared(name: &str) -> Failure {
    let message =
        format!("the agent `{name}` is declared in a file, which this host cannot run yet");
    Failure::new(FailureKind::NotFound, message).coded(name)
}

fn wrong(what: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Invalid, format!("`{what}`: {why}")).coded(what)
}

/// Returns a value as words: a text as it is.
fn words_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Reads a document; what is none is nothing.
pub(super) fn value_of(text: &Text) -> Value {
    text.here().and_then(|json| serde_json::from_str(json).ok()).unwrap_or(Value::Null)
}

/// Returns what a step gives whose effect had this answer: of a tool what it says for programs, or its text
/// if it says nothing for them; of a model its text, or the object that was asked for.
pub(super) fn output_of(kind: &StepKind, text: &Text) -> Result<Value, Failure> {
    let garbage = || Failure::new(FailureKind::Failed, "its answer is no JSON").coded("answer");
    let answer: Value =
        text.here().and_then(|json| serde_json::from_str(json).ok()).ok_or_else(garbage)?;
    Ok(match kind {
        StepKind::Tool { .. } => match answer.get("structured") {
            Some(structured) => structured.clone(),
            None => Value::String(text_of(&answer)),
        },
        StepKind::Model { schema, .. } => said_by_model(&answer, schema.is_some()),
        _ => answer,
    })
}

/// Writes what a model is asked, in the words of [`crate::chat::Request`] but for its name.
fn request_of(
    model: &str,
    system: Option<String>,
    prompt: &str,
    schema: Option<&Value>,
    max_tokens: Option<u32>,
) -> Value {
    let text = |text: &str| json!([{ "type": "text", "value": text }]);
    let mut messages = Vec::new();
    if let Some(system) = system {
        messages.push(json!({ "role": "system", "parts": text(&system) }));
    }
    messages.push(json!({ "role": "user", "parts": text(prompt) }));
    let mut request = json!({ "model": model, "messages": messages });
    if let Some(schema) = schema {
        request["outputSchema"] = schema.clone();
    }
    if let Some(max_tokens) = max_tokens {
        request["maxTokens"] = max_tokens.into();
    }
    request
}

/// Returns what a model said: its text, or the object that was asked for.
fn said_by_model(answer: &Value, is_object: bool) -> Value {
    let text = text_of(&answer["response"]);
    match is_object {
        true => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        false => Value::String(text),
    }
}

/// Joins the texts of an answer.
fn text_of(answer: &Value) -> String {
    let pieces = answer.get("content").and_then(Value::as_array).into_iter().flatten();
    let texts = pieces.filter_map(|piece| piece.get("text").and_then(Value::as_str));
    texts.collect::<Vec<_>>().join("\n")
}
