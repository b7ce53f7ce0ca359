//! What is known of a task once its facts are folded.

use std::collections::BTreeMap;
use std::sync::Arc;

use ax_manifest::{Digest, EffectClass};

use super::budget::{Account, Budget, Spent};
use super::event::{Asked, Gate, Intended, Origin, Planned, Program, Started, Work};
use super::failure::Failure;
use super::plan::Plan;
use super::state::State;
use super::text::Text;

/// Calls to the host that an agent may make in one attempt. Each is an entry of the journal; an agent that
/// makes more is in a loop.
pub const AGENT_CALLS_MAX: u64 = 10_000;

/// Bytes of keys and values that a task's own record may hold together, as `ax:task` promises.
pub const CONTEXT_BYTES_MAX: usize = 64 << 10;

/// Effects and questions that are open at once. A step of a spec begins 64 at most, an agent 64.
pub const OPEN_MAX: usize = 1_024;

/// A task, folded from its facts by [`super::step`].
#[derive(Debug, Default)]
pub struct Run {
    pub(super) state: State,
    /// From 1; each retry is one more.
    pub(super) attempt: u32,
    /// The number of the last entry.
    pub(super) head: u64,
    /// The time of the last entry, in milliseconds since the Unix epoch.
    pub(super) at_ms: u64,
    pub(super) started: Option<Arc<Started>>,
    pub(super) planned: Option<Planned>,
    pub(super) account: Account,
    pub(super) deadline_ms: Option<u64>,
    /// Effects that have not come to their end, by their entries.
    pub(super) open: BTreeMap<u64, Open>,
    /// Effects that were stopped since the task ended, by their entries: a retry performs them again.
    pub(super) shelved: BTreeMap<u64, Open>,
    /// Whether an agent waited for a person or a time when the task ended: a retry lets it wait anew.
    pub(super) was_waiting: bool,
    /// Questions that nobody has answered, by their entries.
    pub(super) questions: BTreeMap<u64, Arc<Asked>>,
    /// Until when an agent sleeps, in milliseconds since the Unix epoch, by the entry.
    pub(super) sleeps: BTreeMap<u64, u64>,
    /// The task's own record.
    pub(super) context: BTreeMap<String, Text>,
    pub(super) body: Body,
    /// How the last attempt ended.
    pub(super) outcome: Option<Result<Text, Failure>>,
}

/// What a task is made of.
#[derive(Debug, Default)]
pub(super) enum Body {
    /// Its plan is not made yet.
    #[default]
    None,
    /// A program, with the number of its next call to the host.
    Agent { calls: u64 },
    /// The steps of a spec.
    Steps(Box<Plan>),
    /// The spec on record cannot be read.
    Broken(Failure),
}

/// An effect that has not come to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// Its intent.
    pub intended: Arc<Intended>,
    /// Whether its end will not be known unless a person says it.
    pub is_in_doubt: bool,
    /// Whether a person said that it did not happen, so that it is performed once more.
    pub is_allowed_again: bool,
    /// What is set aside for each attempt.
    pub need: Spent,
}

impl Default for Account {
    fn default() -> Self {
        Self::new(Budget::NONE)
    }
}

impl Run {
    /// Returns the public state.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Returns how often it was tried, from 1; 0 before it was begun.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the number of its last entry; 0 if there is none.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Returns the time of its last entry, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn at_ms(&self) -> u64 {
        self.at_ms
    }

    /// Returns how it began, if it has.
    #[must_use]
    pub fn started(&self) -> Option<&Arc<Started>> {
        self.started.as_ref()
    }

    /// Returns its plan, if it was made.
    #[must_use]
    pub fn planned(&self) -> Option<&Planned> {
        self.planned.as_ref()
    }

    /// Returns the agent it runs, if it runs one.
    #[must_use]
    pub fn program(&self) -> Option<&Program> {
        match &self.started.as_ref()?.work {
            Work::Agent(program) => Some(program),
            Work::Workflow { .. } => None,
        }
    }

    /// Returns its steps, if it has some and they were planned.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        match &self.body {
            Body::Steps(plan) => Some(plan),
            Body::None | Body::Agent { .. } | Body::Broken(_) => None,
        }
    }

    /// Returns the number of the agent's next call to the host.
    #[must_use]
    pub fn agent_calls(&self) -> u64 {
        match self.body {
            Body::Agent { calls } => calls,
            Body::None | Body::Steps(_) | Body::Broken(_) => 0,
        }
    }

    /// Returns what it may use and has used.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns when its time is up, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    /// Returns the effects that have not come to their end, by their entries.
    #[must_use]
    pub fn open(&self) -> &BTreeMap<u64, Open> {
        &self.open
    }

    /// Returns the questions that nobody has answered, by their entries.
    #[must_use]
    pub fn questions(&self) -> &BTreeMap<u64, Arc<Asked>> {
        &self.questions
    }

    /// Returns until when its agent sleeps, by the entries.
    #[must_use]
    pub fn sleeps(&self) -> &BTreeMap<u64, u64> {
        &self.sleeps
    }

    /// Returns the task's own record.
    #[must_use]
    pub fn context(&self) -> &BTreeMap<String, Text> {
        &self.context
    }

    /// Returns what came of it, if it has ended: its output, or what went wrong.
    #[must_use]
    pub fn outcome(&self) -> Option<&Result<Text, Failure>> {
        self.outcome.as_ref()
    }

    /// Answers whether a person has to say whether an effect happened.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.open.values().any(|open| open.is_in_doubt)
    }

    /// Answers whether something is being performed whose end will come by itself.
    pub(super) fn is_performing(&self) -> bool {
        self.open.values().any(|open| !open.is_in_doubt)
    }

    /// Finds the kind of an open question, approvals first.
    pub(super) fn asks_for(&self) -> Option<super::state::Why> {
        let mut gates = self.questions.values().map(|asked| &asked.gate);
        let first = gates.next()?;
        let is_approval = matches!(first, Gate::Approval) || gates.any(|it| *it == Gate::Approval);
        Some(match is_approval {
            true => super::state::Why::Approval,
            false => super::state::Why::Form,
        })
    }

    /// Returns how much of it is done: parts done, and parts in all where they are known.
    #[must_use]
    pub fn progress(&self) -> (u64, Option<u64>) {
        match &self.body {
            Body::Steps(plan) => {
                let (done, all) = plan.progress();
                (done, Some(all))
            }
            Body::Agent { calls } => (*calls, None),
            Body::None | Body::Broken(_) => (0, None),
        }
    }

    /// Returns the digest of the code its agent is made of, if it is one.
    #[must_use]
    pub fn component(&self) -> Option<Digest> {
        self.program().map(|program| program.component)
    }

    /// Computes a digest of the folded state: two runs with the same one went the same way.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let mut hasher = Digest::hasher();
        let mut add = |text: &str| {
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        };
        add(&format!("{:?} {} {}", self.state, self.attempt, self.head));
        add(&format!("{:?}", self.account));
        add(&format!("{:?} {:?} {:?}", self.open, self.questions, self.sleeps));
        add(&format!("{:?} {}", self.shelved, self.was_waiting));
        add(&format!("{:?}", self.context));
        match &self.body {
            Body::None => add("none"),
            Body::Broken(failure) => add(&format!("broken {failure}")),
            Body::Agent { calls } => add(&format!("agent {calls}")),
            Body::Steps(plan) => add(&plan.fingerprint()),
        }
        hasher.finish()
    }
}

impl Open {
    /// Answers whether the effect may be performed once more without asking a person: as it is, or once it
    /// was found out that it did not happen, or was undone.
    #[must_use]
    pub fn may_be_resent(&self) -> bool {
        self.is_allowed_again || self.intended.class < EffectClass::Unsafe
    }

    /// Answers whether performing it twice is the same as once.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.intended.class <= EffectClass::Keyed
    }

    /// Returns who asked for it.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.intended.origin
    }

    /// Returns what is set aside for it.
    #[must_use]
    pub fn reserved(&self) -> Spent {
        self.intended.reserved
    }
}
