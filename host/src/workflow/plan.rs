//! Which steps of a spec may begin, and what becomes of them: the ready set.
//!
//! ```text
//! Waiting --needs settled--> Working (one item, or one for each thing) --> Done | Failed | Skipped
//!    item: Pending --permit--> Ordered --intent--> Begun --came--> Done | Failed
//!                                 ▲                   └--may retry--> Backoff --timer--┐
//!                                 └────────────────────────────────────────────────────┘
//! ```
//!
//! Invariant: an item is ordered once per try, and holds a permit from its order to its end; no more are at
//! work than the step and the spec allow. What a step gives is fixed when it is done.
//! Not here: what a template comes to (`expression`), what the file says (`spec`).

mod item;
mod order;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::command::Ending;
use super::event::{Answer, Gate, Origin, Started, Timer};
use super::failure::{Failure, FailureKind};
use super::spec::{OnError, Spec, StepKind, Wait};
use super::state::Reason;
use super::text::Text;

pub use item::{Item, Progress};

/// Bytes that the outputs of all steps together may have. They are held in memory while the task runs.
pub const OUTPUT_BYTES_MAX: usize = 64 << 20;

/// Signals of one name that are kept for a step that does not wait for them yet.
const SIGNALS_MAX: usize = 64;

/// The steps of one task.
#[derive(Debug)]
pub struct Plan {
    spec: Arc<Spec>,
    input: Value,
    seed: u64,
    nodes: Vec<Node>,
    /// What steps gave that are done, by their ids, for expressions.
    outputs: BTreeMap<String, Value>,
    output_bytes: usize,
    /// What came from outside before a step waited for it, oldest first.
    signals: BTreeMap<String, Vec<Value>>,
    /// The step whose failure fails the task, and what went wrong.
    failing: Option<(usize, Failure)>,
    /// Pauses before further tries that nobody was told of yet.
    pauses: Vec<(Timer, u64)>,
}

/// A step of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Something that it needs is not settled.
    Waiting,
    /// It is at work.
    Working {
        /// What it is done for.
        items: Vec<Item>,
        /// The things it is done for; none if it is done once.
        things: Option<Arc<Vec<Value>>>,
    },
    /// It is done; the output is among those of the plan.
    Done,
    /// It failed, and the task goes on.
    Failed(Failure),
    /// It is left out.
    Skipped {
        /// Whether what needs it is left out too.
        cascades: bool,
    },
}

impl Node {
    /// Answers whether nothing more will come of it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Working { .. })
    }
}

impl Plan {
    /// Makes the plan of a task that begins.
    ///
    /// # Errors
    ///
    /// A failure if the text on record cannot be read, which another version of this program wrote.
    pub(super) fn of(spec: &Text, started: &Started) -> Result<Self, Failure> {
        let unread = |why: String| {
            let message = format!("the workflow on record cannot be read: {why}");
            Failure::new(FailureKind::Invalid, message)
        };
        let text = spec.here().and_then(|json| serde_json::from_str::<String>(json).ok());
        let text = text.ok_or_else(|| unread("its text is not there".to_owned()))?;
        let spec = Spec::parse(&text).map_err(|errors| {
            unread(errors.first().map_or_else(String::new, ToString::to_string))
        })?;
        let input = started.input.here().and_then(|json| serde_json::from_str(json).ok());
        Ok(Self {
            nodes: vec![Node::Waiting; spec.steps.len()],
            spec: Arc::new(spec),
            input: input.unwrap_or(Value::Null),
            seed: started.seed,
            outputs: BTreeMap::new(),
            output_bytes: 0,
            signals: BTreeMap::new(),
            failing: None,
            pauses: Vec::new(),
        })
    }

    /// Returns the spec.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Returns what has become of each step, in the order of the spec.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns what a step gave, if it is done.
    #[must_use]
    pub fn output(&self, id: &str) -> Option<&Value> {
        self.outputs.get(id)
    }

    /// Counts the steps that are settled, and all of them.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let settled = self.nodes.iter().filter(|node| node.is_settled()).count();
        (settled as u64, self.nodes.len() as u64)
    }

    /// Writes down all that distinguishes this plan from another.
    pub(super) fn fingerprint(&self) -> String {
        let Self { nodes, outputs, signals, failing, .. } = self;
        format!("{nodes:?} {outputs:?} {signals:?} {failing:?}")
    }

    /// Returns how the task ends, once nothing more begins.
    pub(super) fn ending(&self) -> Option<Ending> {
        if let Some((_, failure)) = &self.failing {
            return Some(Ending::Failed { reason: Reason::Error, failure: failure.clone() });
        }
        if !self.nodes.iter().all(Node::is_settled) {
            return None;
        }
        Some(match self.result() {
            Ok(output) => Ending::Completed { output: Text::new(output.to_string()) },
            Err(failure) => Ending::Failed { reason: Reason::Error, failure },
        })
    }

    /// Answers whether something goes on by itself that is no effect: a wait, a backoff, a signal to come.
    pub(super) fn is_waiting(&self) -> bool {
        let mut items = self.items();
        items.any(|(_, _, item)| matches!(item.progress, Progress::Until { .. }))
    }

    fn items(&self) -> impl Iterator<Item = (usize, usize, &Item)> {
        let working = self.nodes.iter().enumerate().filter_map(|(step, node)| match node {
            Node::Working { items, .. } => Some((step, items)),
            _ => None,
        });
        working.flat_map(|(step, items)| {
            items.iter().enumerate().map(move |(index, item)| (step, index, item))
        })
    }

    fn item_mut(&mut self, origin: Origin) -> Option<(usize, usize, &mut Item)> {
        let Origin::Step { step, item, attempt } = origin else { return None };
        let (step, index) = (step as usize, item.unwrap_or(0) as usize);
        match self.nodes.get_mut(step)? {
            Node::Working { items, .. } => {
                let item = items.get_mut(index).filter(|it| it.attempt == attempt)?;
                Some((step, index, item))
            }
            _ => None,
        }
    }

    fn item(&self, origin: Origin) -> Option<&Item> {
        let Origin::Step { step, item, attempt } = origin else { return None };
        match self.nodes.get(step as usize)? {
            Node::Working { items, things } if things.is_some() == item.is_some() => {
                items.get(item.unwrap_or(0) as usize).filter(|it| it.attempt == attempt)
            }
            _ => None,
        }
    }

    pub(super) fn check_origin(&self, origin: Origin) -> Result<(), &'static str> {
        match self.item(origin).map(|item| &item.progress) {
            Some(Progress::Ordered) => Ok(()),
            Some(_) => Err("the step did not order it"),
            None => Err("the step is not at work"),
        }
    }

    pub(super) fn check_timer(&self, timer: Timer) -> Result<(), &'static str> {
        let Timer::Step { step, item } = timer else { return Err("it is no step's") };
        let found = self
            .items()
            .find(|(at, index, _)| *at == step as usize && *index == item.unwrap_or(0) as usize);
        match found.map(|(_, _, item)| &item.progress) {
            Some(Progress::Until { .. }) => Ok(()),
            _ => Err("the step waits for no time"),
        }
    }

    /// Forgets a question that nobody will answer: it is asked anew if the step is tried again.
    pub(super) fn unasked(&mut self, origin: Origin) {
        if let Some((_, _, item)) = self.item_mut(origin) {
            item.progress = Progress::Pending;
        }
    }

    /// Notes that an item's effect or question is on record.
    pub(super) fn begun(&mut self, origin: Origin, entry: u64) {
        if let Some((_, _, item)) = self.item_mut(origin) {
            item.progress = Progress::Begun { entry };
        }
    }

    /// Takes what came of an effect.
    pub(super) fn came(
        &mut self,
        origin: Origin,
        outcome: &Result<Text, Failure>,
        may_retry: bool,
        at_ms: u64,
    ) {
        let Some((step, _, _)) = self.item_mut(origin) else { return };
        let spec = Arc::clone(&self.spec);
        let read = outcome.clone().and_then(|text| order::output_of(&spec.steps[step].kind, &text));
        self.settle_item(origin, read, may_retry, at_ms);
    }

    /// Takes the answer of a person.
    pub(super) fn answered(&mut self, origin: Origin, gate: &Gate, answer: &Answer, at_ms: u64) {
        let refused = |why: &str| Err(Failure::new(FailureKind::Denied, why).coded("approval"));
        let outcome = match (answer, gate) {
            (Answer::Yes, _) => Ok(Value::Bool(true)),
            (Answer::Filled(text), _) => Ok(order::value_of(text)),
            (Answer::No, _) => refused("a person refused it"),
            (Answer::TimedOut, _) => refused("nobody approved it in time"),
            (Answer::Void, _) => refused("what was to be approved has changed"),
        };
        self.settle_item(origin, outcome, false, at_ms);
    }

    /// Notes that a time has come.
    pub(super) fn fired(&mut self, timer: Timer, at_ms: u64) {
        let Timer::Step { step, item } = timer else { return };
        let spec = Arc::clone(&self.spec);
        let Some(Node::Working { items, .. }) = self.nodes.get_mut(step as usize) else { return };
        let index = item.unwrap_or(0) as usize;
        let Some(found) = items.get_mut(index) else { return };
        let is_wait = matches!(
            spec.steps[step as usize].kind,
            StepKind::Wait(Wait::Time { .. } | Wait::Until(_))
        );
        match is_wait {
            true => {
                let origin = Origin::Step { step, item, attempt: found.attempt };
                self.settle_item(origin, Ok(Value::Null), false, at_ms);
            }
            // The pause before the next try is over.
            false => found.progress = Progress::Pending,
        }
    }

    /// Takes something from outside.
    pub(super) fn signalled(&mut self, name: &str, data: &Text, at_ms: u64) {
        let kept = self.signals.entry(name.to_owned()).or_default();
        if kept.len() < SIGNALS_MAX {
            kept.push(order::value_of(data));
        }
        self.hand_out_signals(at_ms);
    }

    fn hand_out_signals(&mut self, at_ms: u64) {
        let spec = Arc::clone(&self.spec);
        let waiting: Vec<(Origin, &str)> = self
            .items()
            .filter(|(_, _, item)| matches!(item.progress, Progress::Listening))
            .filter_map(|(step, index, item)| match &spec.steps[step].kind {
                StepKind::Wait(Wait::Signal { name }) => {
                    Some((self.origin(step, index, item.attempt), name.as_str()))
                }
                _ => None,
            })
            .collect();
        for (origin, name) in waiting {
            let Some(kept) = self.signals.get_mut(name).filter(|kept| !kept.is_empty()) else {
                continue;
            };
            let value = kept.remove(0);
            self.settle_item(origin, Ok(value), false, at_ms);
        }
    }

    /// Names an item of a step that is at work.
    fn origin(&self, step: usize, index: usize, attempt: u32) -> Origin {
        let is_many = matches!(&self.nodes[step], Node::Working { things: Some(_), .. });
        let item = is_many.then(|| u32::try_from(index).unwrap_or(u32::MAX));
        Origin::Step { step: u32::try_from(step).unwrap_or(u32::MAX), item, attempt }
    }

    /// Ends a try of an item: done, to be tried again, or failed.
    fn settle_item(
        &mut self,
        origin: Origin,
        outcome: Result<Value, Failure>,
        may_retry: bool,
        at_ms: u64,
    ) {
        let (spec, seed) = (Arc::clone(&self.spec), self.seed);
        let Some((step, index, item)) = self.item_mut(origin) else { return };
        item.end(outcome, &spec.steps[step], may_retry, at_ms, |attempt| {
            item::jitter(seed, step, index, attempt)
        });
        if let Progress::Until { at_ms } = item.progress {
            let timer = self.timer(step, index);
            self.pauses.push((timer, at_ms));
        }
        self.settle_step(step);
    }

    /// Ends a step whose items have all come to their end.
    fn settle_step(&mut self, step: usize) {
        let Node::Working { items, things } = &self.nodes[step] else { return };
        let failed = items.iter().find_map(Item::failure).cloned();
        let policy = self.spec.steps[step].on_error;
        if let (Some(failure), OnError::Fail) = (&failed, policy) {
            let id = &self.spec.steps[step].id;
            let message = format!("step `{id}`: {}", failure.message);
            self.failing.get_or_insert((step, Failure { message, ..failure.clone() }));
        }
        if !items.iter().all(Item::is_over) {
            return;
        }
        let is_many = things.is_some();
        match (failed, policy) {
            (Some(failure), OnError::Fail) => self.nodes[step] = Node::Failed(failure),
            (Some(_), OnError::Skip) => self.nodes[step] = Node::Skipped { cascades: true },
            (Some(failure), OnError::Continue) if !is_many => {
                self.nodes[step] = Node::Failed(failure);
            }
            // One of many that failed is nothing among what the others gave.
            (_, _) => {
                let mut values = items.iter().map(|item| item.value().unwrap_or(Value::Null));
                let output = match is_many {
                    true => Value::Array(values.collect()),
                    false => values.next().unwrap_or(Value::Null),
                };
                self.finish_step(step, output);
            }
        }
    }

    fn finish_step(&mut self, step: usize, output: Value) {
        let bytes = output.to_string().len();
        self.output_bytes += bytes;
        if self.output_bytes > OUTPUT_BYTES_MAX {
            let message =
                format!("the outputs of all steps are more than {OUTPUT_BYTES_MAX} bytes");
            let failure = Failure::new(FailureKind::Exhausted, message).coded("outputs");
            self.nodes[step] = Node::Failed(failure.clone());
            self.failing.get_or_insert((step, failure));
            return;
        }
        self.outputs.insert(self.spec.steps[step].id.clone(), output);
        self.nodes[step] = Node::Done;
    }

    /// Answers whether a step is done because a person allowed it: what they looked at must be what is done.
    #[must_use]
    pub fn is_approved(&self, step: usize) -> bool {
        let is_asked = |need: usize| {
            let kind = &self.spec.steps[need].kind;
            matches!(kind, StepKind::Approve { .. }) && self.nodes[need] == Node::Done
        };
        self.needed_by(step).into_iter().any(is_asked)
    }

    /// Lists all that a step needs, and what that needs.
    fn needed_by(&self, step: usize) -> BTreeSet<usize> {
        let (mut all, mut waiting) = (BTreeSet::new(), vec![step]);
        while let Some(step) = waiting.pop() {
            let needs = self.spec.steps.get(step).map(|step| &step.needs).into_iter().flatten();
            waiting.extend(needs.copied().filter(|need| all.insert(*need)));
        }
        all
    }

    /// Asks anew what was allowed and not done yet: the plan of another attempt may be another one.
    fn forget_approvals(&mut self) {
        let open = (0..self.nodes.len()).filter(|step| self.nodes[*step] != Node::Done);
        let needed: BTreeSet<usize> = open.flat_map(|step| self.needed_by(step)).collect();
        for step in needed {
            let it = &self.spec.steps[step];
            if matches!(it.kind, StepKind::Approve { .. }) && self.nodes[step] == Node::Done {
                self.outputs.remove(&it.id);
                self.nodes[step] = Node::Waiting;
            }
        }
    }

    /// Prepares another attempt of the task: what is done stays so, all else begins anew.
    pub(super) fn retry(&mut self) {
        self.forget_approvals();
        let was_failing = self.failing.take().map(|(step, _)| step);
        for (step, node) in self.nodes.iter_mut().enumerate() {
            match node {
                Node::Done => {}
                Node::Working { items, .. } => items.iter_mut().for_each(Item::retry),
                // One that failed for good, and one that was told to be left out by its own word, stay so.
                Node::Failed(_) if was_failing != Some(step) => {}
                Node::Skipped { .. } => {}
                Node::Failed(_) | Node::Waiting => *node = Node::Waiting,
            }
        }
    }

    /// Computes what the task gives.
    fn result(&self) -> Result<Value, Failure> {
        if let Some(output) = &self.spec.output {
            let evaluated = self.seen(None, |scope| output.evaluate(scope));
            return evaluated.map_err(|error| {
                Failure::new(FailureKind::Invalid, format!("the output of the workflow: {error}"))
            });
        }
        let given = self.spec.last().map(|step| {
            let id = &self.spec.steps[step].id;
            (id.clone(), self.outputs.get(id).cloned().unwrap_or(Value::Null))
        });
        Ok(Value::Object(given.collect()))
    }
}
