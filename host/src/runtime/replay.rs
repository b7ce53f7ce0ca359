//! Whether a task goes the same way again.
//!
//! ```text
//! journal ──→ step by step ──→ does each fact follow? is each effect what its spec orders?
//!         └─→ Feed ──→ the agent, run again ──→ the same questions? the same end?
//! ```
//!
//! Invariant: nothing is performed, and nothing is written.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use ax_manifest::{Digest, DigestHasher};
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::watch;

use super::Runtime;
use super::effect::arguments_of;
use super::error::RuntimeError;
use super::perform::Guest;
use crate::journal::Entry;
use crate::plugin::agent::{AgentEnd, AgentRun, Companion, Question, Told, failure_of};
use crate::workflow::{
    Ask, Event, Fact, Failure, Fed, Feed, Origin, Outcome, Run, State, TaskId, Text,
};

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Entries of the journal.
    pub entries: u64,
    /// Calls of an agent that were played back.
    pub calls: u64,
    /// The digest of what is on record: what was asked, what was answered, and the end.
    pub recorded: Digest,
    /// The digest of the same as it went this time.
    pub replayed: Digest,
    /// The public state at the end of the record.
    pub state: State,
    /// Where it went another way, and how.
    pub divergence: Option<String>,
    /// What has changed since it ran and may matter, for people.
    pub warnings: Vec<String>,
}

/// Computes the digest of how a task went, from its record.
#[must_use]
pub fn transcript(entries: &[Entry]) -> Digest {
    let mut transcript = Transcript::new();
    for entry in entries {
        transcript.fact(entry.seq, &entry.event);
    }
    transcript.finish()
}

/// How a task went, in a form that can be compared.
struct Transcript(DigestHasher);

impl Transcript {
    fn new() -> Self {
        let mut hasher = Digest::hasher();
        hasher.update(b"ax transcript\0");
        Self(hasher)
    }

    fn fact(&mut self, seq: u64, event: &Event) {
        self.add(&seq.to_string());
        self.add(event.fact.kind());
        match &event.fact {
            Fact::Intended(it) => self.add(&format!("{:?} {}", it.origin, it.arguments)),
            Fact::Returned(it) => {
                self.add(&it.intent.to_string());
                self.outcome(&it.outcome);
            }
            Fact::Noted(it) => {
                self.add(&format!("{} {} {}", it.call, it.import, it.arguments));
                self.outcome(&it.answer);
            }
            Fact::Completed { output } => self.add(&output.digest().to_string()),
            Fact::Failed { failure, .. } => self.add(&failure.message),
            other => self.add(&format!("{other:?}")),
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        match outcome {
            Ok(text) => self.add(&text.digest().to_string()),
            Err(failure) => self.add(&format!("{:?} {}", failure.kind, failure.message)),
        }
    }

    fn add(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn finish(self) -> Digest {
        self.0.finish()
    }
}

impl Runtime {
    /// Runs a task again from its record, performing nothing.
    ///
    /// # Errors
    ///
    /// [`RuntimeError`] if it cannot be read. That it went another way is no error but an answer.
    pub async fn replay(&self, task: TaskId) -> Result<Replayed, RuntimeError> {
        let entries = self.entries(task)?;
        let (mut run, mut feed) = (Run::default(), Feed::default());
        let mut again = Transcript::new();
        let mut divergence = None;
        for Entry { seq, event, .. } in &entries {
            if divergence.is_none() {
                divergence = differs(&run, *seq, event);
            }
            if let Err(error) = run.apply(event) {
                divergence.get_or_insert(error.to_string());
                break;
            }
            again.fact(*seq, event);
            feed.push(*seq, event);
        }
        let mut warnings = Vec::new();
        let planned = self.performer.plan(&run).ok();
        if let (Some(before), Some(now)) = (run.planned(), planned)
            && before.engine != now.engine
        {
            warnings.push("the engine is another one than when it ran".to_owned());
        }
        let recorded = transcript(&entries);
        let mut replayed = again.finish();
        let mut calls = 0;
        if let (None, true) = (&divergence, run.program().is_some()) {
            (calls, divergence) = self.replay_agent(&run, feed).await;
        }
        if divergence.is_some() {
            // Another way has another digest, and where it parted is said in words.
            let mut other = Transcript::new();
            other.add(&replayed.to_string());
            other.add(divergence.as_deref().unwrap_or_default());
            replayed = other.finish();
        }
        let entries = run.head();
        let state = run.state();
        Ok(Replayed { entries, calls, recorded, replayed, state, divergence, warnings })
    }

    /// Reads all entries of a task.
    ///
    /// # Errors
    ///
    /// [`RuntimeError`] if there is none, or it is damaged.
    pub fn entries(&self, task: TaskId) -> Result<Vec<Entry>, RuntimeError> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map_or(0, |entry| entry.seq);
            let page = self.journal.entries(task, after)?;
            if page.is_empty() {
                return Ok(entries);
            }
            entries.extend(page);
        }
    }

    /// Runs the agent of a task against its record.
    async fn replay_agent(&self, run: &Run, mut feed: Feed) -> (u64, Option<String>) {
        let (Some(program), Some(started)) = (run.program(), run.started()) else {
            return (0, None);
        };
        let Guest { host, plugin } = match self.performer.guest(program) {
            Ok(guest) => guest,
            Err(failure) => return (0, Some(failure.message)),
        };
        feed.rewind();
        let is_over = run.outcome().is_some() && !is_ended_by_others(run.state());
        let player = Arc::new(Player {
            now_ms: AtomicU64::new(feed.began_ms()),
            seed: started.seed,
            calls: AtomicU64::new(0),
            played: Mutex::new(Played { feed, is_over, divergence: None }),
        });
        let (_keep, cancel) = watch::channel(false);
        let text = |text: &Text| text.here().map_or("null".to_owned(), ToString::to_string);
        let again = AgentRun {
            task: started.task,
            agent: program.agent.clone(),
            goal: program.goal.clone(),
            input: text(&started.input),
            settings: serde_json::from_str(&text(&program.settings)).unwrap_or(json!({})),
            companion: Arc::clone(&player) as Arc<dyn Companion>,
            cancel,
        };
        let end = host.run_agent(&plugin, again).await;
        let calls = player.calls.load(Ordering::Acquire);
        let mut played = player.played.lock().unwrap_or_else(PoisonError::into_inner);
        let divergence = played.divergence.take();
        (calls, divergence.or_else(|| ends_differ(run, &played.feed, end)))
    }
}

/// Says how the end of an agent differs from that on record, if it does.
fn ends_differ(run: &Run, feed: &Feed, end: AgentEnd) -> Option<String> {
    let outcome: Outcome = match end {
        AgentEnd::Done { result, .. } => {
            if let Err(divergence) = feed.finish() {
                return Some(divergence.to_string());
            }
            result
        }
        AgentEnd::Failed { error, .. } => Err(failure_of(&error)),
        // The record ends before the agent did.
        AgentEnd::Parked | AgentEnd::Stopped => return None,
    };
    let shown = |outcome: &Outcome| match outcome {
        Ok(text) => text.here().map_or_else(String::new, |it| it.chars().take(400).collect()),
        Err(failure) => format!("a failure: {}", failure.message),
    };
    let said = |outcome: &Outcome| match outcome {
        Ok(text) => Ok(text.digest()),
        Err(failure) => Err(failure.message.clone()),
    };
    match run.outcome() {
        Some(recorded) if said(recorded) != said(&outcome) && !is_ended_by_others(run.state()) => {
            Some(format!("it ended with {}, on record is {}", shown(&outcome), shown(recorded)))
        }
        _ => None,
    }
}

/// Answers whether the end on record is not the agent's own.
fn is_ended_by_others(state: State) -> bool {
    use crate::workflow::Reason as R;
    matches!(
        state,
        State::Failed {
            reason: R::Cancelled | R::Budget | R::Deadline | R::Nondeterminism | R::InDoubt
        }
    )
}

/// Says how an effect of a step differs from what its spec orders, if it does.
fn differs(run: &Run, seq: u64, event: &Event) -> Option<String> {
    let Fact::Intended(intended) = &event.fact else { return None };
    let Origin::Step { step, .. } = intended.origin else { return None };
    let plan = run.plan()?;
    let id = &plan.spec().steps.get(step as usize)?.id;
    let Some(effect) = plan.work_of(intended.origin) else {
        return Some(format!("entry {seq}: step `{id}` would order nothing there"));
    };
    let ordered = arguments_of(&effect.order);
    (ordered != intended.arguments).then(|| {
        let recorded = match &intended.ask {
            Ask::Tool { tool, input } => {
                format!("`{tool}` {}", input.here().map_or("", |text| text))
            }
            Ask::Model { .. } => "another question to a model".to_owned(),
            Ask::Child { title, .. } => format!("`{title}`"),
        };
        format!("entry {seq}: step `{id}` would order {:?}, on record is {recorded}", effect.order)
    })
}

/// Answers an agent from its record alone.
struct Player {
    now_ms: AtomicU64,
    seed: u64,
    calls: AtomicU64,
    played: Mutex<Played>,
}

struct Played {
    feed: Feed,
    /// Whether the record has the agent's own end, so that nothing more may be asked.
    is_over: bool,
    divergence: Option<String>,
}

impl Player {
    fn answer(&self, question: &Question) -> Told {
        let mut played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
        let arguments = Digest::of(question.arguments.as_bytes());
        let said = Text::new(question.arguments.as_str());
        match played.feed.next(question.import.word(), arguments, &said) {
            Ok(Fed::Answered(outcome, at_ms)) => {
                self.now_ms.fetch_max(at_ms, Ordering::AcqRel);
                self.calls.fetch_add(1, Ordering::AcqRel);
                Told::Answer(Result::<Text, Failure>::clone(&outcome))
            }
            // The record ends here, or waits here.
            Ok(Fed::Pending(_)) => Told::Stop,
            Ok(Fed::New) if played.is_over => {
                let more = format!("after its end on record it asks `{}`", question.import.word());
                played.divergence.get_or_insert(more);
                Told::Stop
            }
            Ok(Fed::New) => Told::Stop,
            Err(divergence) => {
                played.divergence.get_or_insert(divergence.to_string());
                Told::Stop
            }
        }
    }
}

impl Companion for Player {
    fn ask(&self, questions: Vec<Question>) -> BoxFuture<'_, Vec<Told>> {
        let told = questions.iter().map(|question| self.answer(question)).collect();
        Box::pin(std::future::ready(told))
    }

    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Acquire)
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn is_replaying(&self) -> bool {
        true
    }
}
