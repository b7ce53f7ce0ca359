//! What an agent is answered: from the record as far as it goes, then live.
//!
//! ```text
//! guest ── questions ──→ Link ──→ Driver: on record? ── yes ──→ the answer
//!                                            └── no ──→ recorded, performed, answered
//!                                 no answer within 5 s ──→ Park: the guest is dropped, and run again later
//! ```
//!
//! Invariant: one guest runs at a time, and its questions come one batch after the other; a guest that asks
//! something else than is on record ends the task.
//! Not here: the functions of a guest (`plugin`), how an effect is performed (`effect`).

mod live;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ax_manifest::Digest;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};

use super::driver::Driver;
use super::effect::Wanted;
use super::error::RuntimeError;
use super::perform::Guest;
use crate::plugin::agent::{AgentEnd, AgentRun, Companion, Question, Told, failure_of};
use crate::workflow::{Fact, Failure, FailureKind, Fed, Feed, Line, Origin, Reason, State, Text};

/// How long a guest waits in memory for an answer, in milliseconds; longer, and it is run again instead.
const PARK_MS: u64 = 5_000;

type Asking = (Vec<Question>, oneshot::Sender<Vec<Told>>);

/// The agent of a task.
pub(super) struct Agent {
    is_wanted: bool,
    running: Option<Running>,
    waiting: Option<Waiting>,
}

struct Running {
    guest: BoxFuture<'static, AgentEnd>,
    questions: mpsc::Receiver<Asking>,
    link: Arc<Link>,
    cancel: watch::Sender<bool>,
}

/// Questions of which not all are answered.
struct Waiting {
    slots: Vec<Slot>,
    reply: oneshot::Sender<Vec<Told>>,
    since_ms: u64,
}

/// One question.
enum Slot {
    Told(Told),
    /// The entry that its answer will belong to.
    Entry(u64),
}

/// What comes from a guest.
pub(super) enum Heard {
    Asked(Asking),
    Ended(AgentEnd),
}

/// The end that the guest holds.
struct Link {
    questions: mpsc::Sender<Asking>,
    now_ms: AtomicU64,
    seed: u64,
    is_replaying: AtomicBool,
}

impl Companion for Link {
    fn ask(&self, questions: Vec<Question>) -> BoxFuture<'_, Vec<Told>> {
        let stopped = vec![Told::Stop; questions.len()];
        Box::pin(async move {
            let (reply, answers) = oneshot::channel();
            // Whoever carried the task is gone.
            if self.questions.send((questions, reply)).await.is_err() {
                return stopped;
            }
            answers.await.unwrap_or(stopped)
        })
    }

    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Acquire)
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn is_replaying(&self) -> bool {
        self.is_replaying.load(Ordering::Acquire)
    }
}

impl Agent {
    pub(super) fn new() -> Self {
        Self { is_wanted: false, running: None, waiting: None }
    }

    /// Wants the guest to run, from its beginning or on.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Drops the guest; it is run again when it is wanted.
    pub(super) fn drop_guest(&mut self) {
        if let Some(running) = self.running.take() {
            running.cancel.send_replace(true);
        }
        self.waiting = None;
        self.is_wanted = false;
    }

    /// Waits for the guest, for ever if there is none.
    pub(super) async fn next(&mut self) -> Heard {
        let Some(Running { guest, questions, .. }) = &mut self.running else {
            return std::future::pending().await;
        };
        tokio::select! {
            biased;
            Some(asked) = questions.recv() => Heard::Asked(asked),
            ended = guest => Heard::Ended(ended),
        }
    }

    /// Returns when the guest is dropped unless an answer has come, in milliseconds since the Unix epoch.
    pub(super) fn parks_at_ms(&self) -> Option<u64> {
        self.waiting.as_ref().map(|waiting| waiting.since_ms.saturating_add(PARK_MS))
    }

    pub(super) fn park_if_due(&mut self, now_ms: u64) {
        if self.parks_at_ms().is_some_and(|at_ms| at_ms <= now_ms)
            && let Some(waiting) = self.waiting.take()
        {
            let parked = vec![Told::Park; waiting.slots.len()];
            waiting.reply.send(parked).ok();
        }
    }

    /// Passes on what has been answered, if that is all the guest waits for.
    pub(super) fn answered(&mut self, feed: &Feed) {
        let Some(waiting) = &mut self.waiting else { return };
        for slot in &mut waiting.slots {
            let Slot::Entry(entry) = slot else { continue };
            if let Some((outcome, at_ms)) = feed.answer(*entry) {
                if let Some(running) = &self.running {
                    running.link.now_ms.fetch_max(*at_ms, Ordering::AcqRel);
                }
                *slot = Slot::Told(Told::Answer((**outcome).clone()));
            }
        }
        if waiting.slots.iter().all(|slot| matches!(slot, Slot::Told(_)))
            && let Some(waiting) = self.waiting.take()
        {
            self.reply(waiting, feed);
        }
    }

    fn reply(&self, waiting: Waiting, feed: &Feed) {
        if let Some(running) = &self.running {
            running.link.is_replaying.store(feed.is_replaying(), Ordering::Release);
        }
        let told = waiting.slots.into_iter().map(|slot| match slot {
            Slot::Told(told) => told,
            Slot::Entry(_) => Told::Park,
        });
        waiting.reply.send(told.collect()).ok();
    }
}

impl Driver {
    /// Runs the agent if it is wanted and nothing is to come that it would only wait for.
    pub(super) async fn run_agent(&mut self) -> Result<(), RuntimeError> {
        let waits = self.run.open().values().any(|open| is_agents(open.origin()))
            || self.run.questions().values().any(|asked| is_agents(asked.origin))
            || !self.run.sleeps().is_empty();
        let is_ready = self.agent.is_wanted && self.agent.running.is_none() && !waits;
        if !is_ready || self.run.state() != State::Executing || self.closing.is_some() {
            return Ok(());
        }
        let Some(started) = self.run.started().cloned() else { return Ok(()) };
        let Some(program) = self.run.program().cloned() else { return Ok(()) };
        let Guest { host, plugin } = match self.runtime.performer.guest(&program) {
            Ok(guest) => guest,
            Err(failure) => return self.fail(Reason::Error, failure).await,
        };
        self.feed.rewind();
        let (sender, questions) = mpsc::channel(1);
        let link = Arc::new(Link {
            questions: sender,
            now_ms: AtomicU64::new(self.feed.began_ms()),
            seed: started.seed,
            is_replaying: AtomicBool::new(self.feed.is_replaying()),
        });
        let (cancel, cancelled) = watch::channel(false);
        let run = AgentRun {
            task: started.task,
            agent: program.agent.clone(),
            goal: program.goal.clone(),
            input: text_of(&started.input),
            settings: serde_json::from_str(&text_of(&program.settings)).unwrap_or(json!({})),
            companion: Arc::clone(&link) as Arc<dyn Companion>,
            cancel: cancelled,
        };
        let guest = Box::pin(async move { host.run_agent(&plugin, run).await });
        self.agent.is_wanted = false;
        self.agent.running = Some(Running { guest, questions, link, cancel });
        Ok(())
    }

    /// Takes what came from the guest.
    pub(super) async fn heard(&mut self, heard: Heard) -> Result<(), RuntimeError> {
        match heard {
            Heard::Asked((questions, reply)) => self.answer_agent(questions, reply).await,
            Heard::Ended(end) => {
                self.agent.running = None;
                self.agent.waiting = None;
                self.agent_ended(end).await
            }
        }
    }

    async fn agent_ended(&mut self, end: AgentEnd) -> Result<(), RuntimeError> {
        let (outcome, log) = match end {
            AgentEnd::Parked => {
                self.agent.want();
                return Ok(());
            }
            AgentEnd::Stopped => return Ok(()),
            AgentEnd::Done { result, log, .. } => match self.feed.finish() {
                Ok(()) => (result, log),
                Err(divergence) => return self.diverged(&divergence.to_string()).await,
            },
            AgentEnd::Failed { error, log, .. } => (Err(failure_of(&error)), log),
        };
        if !log.is_empty() {
            self.record(Fact::Logged { lines: lines_of(log) }).await?;
        }
        match outcome {
            Ok(output) => self.close(Fact::Completed { output }),
            Err(failure) => self.close(Fact::Failed { reason: Reason::Error, failure }),
        }
        Ok(())
    }

    pub(super) async fn diverged(&mut self, how: &str) -> Result<(), RuntimeError> {
        let failure = Failure::new(FailureKind::Failed, how).coded("nondeterminism");
        self.fail(Reason::Nondeterminism, failure).await
    }

    async fn answer_agent(
        &mut self,
        questions: Vec<Question>,
        reply: oneshot::Sender<Vec<Told>>,
    ) -> Result<(), RuntimeError> {
        let mut slots: Vec<Slot> = Vec::with_capacity(questions.len());
        // Effects that are new, with their places among the slots.
        let mut wanted: Vec<Wanted> = Vec::new();
        for question in questions {
            let arguments = Digest::of(question.arguments.as_bytes());
            let said = Text::new(question.arguments.as_str());
            let slot = match self.feed.next(question.import.word(), arguments, &said) {
                Err(divergence) => {
                    self.diverged(&divergence.to_string()).await?;
                    Slot::Told(Told::Stop)
                }
                Ok(Fed::Answered(outcome, at_ms)) => {
                    self.agent_saw(at_ms);
                    Slot::Told(Told::Answer((*outcome).clone()))
                }
                Ok(Fed::Pending(entry)) => Slot::Entry(entry),
                Ok(Fed::New) => {
                    let call = self.run.agent_calls() + wanted.len() as u64;
                    self.live(question, call, arguments, said, &mut wanted).await?
                }
            };
            let is_last = matches!(slot, Slot::Told(Told::Park | Told::Stop));
            slots.push(slot);
            if is_last {
                break;
            }
        }
        self.begin_wanted(wanted, &mut slots).await?;
        // All of a batch has the same fate: a guest that is dropped reads no other answer.
        let fate = slots.iter().find_map(|slot| match slot {
            Slot::Told(told @ (Told::Park | Told::Stop)) => Some(told.clone()),
            _ => None,
        });
        if let Some(fate) = fate {
            reply.send(vec![fate; slots.len().max(1)]).ok();
            return Ok(());
        }
        let since_ms = self.runtime.clock.now_ms();
        self.agent.waiting = Some(Waiting { slots, reply, since_ms });
        self.agent.answered(&self.feed);
        Ok(())
    }

    /// Begins the new effects of a batch together, and notes their entries.
    async fn begin_wanted(
        &mut self,
        wanted: Vec<Wanted>,
        slots: &mut [Slot],
    ) -> Result<(), RuntimeError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut entries = self.begin(wanted).await?.into_iter();
        for slot in slots.iter_mut().filter(|slot| matches!(slot, Slot::Entry(0))) {
            *slot = match entries.next() {
                Some(entry) => {
                    // It is fed from now on.
                    self.feed.skip();
                    Slot::Entry(entry)
                }
                None => Slot::Told(Told::Park),
            };
        }
        Ok(())
    }

    fn agent_saw(&mut self, at_ms: u64) {
        if let Some(running) = &self.agent.running {
            running.link.now_ms.fetch_max(at_ms, Ordering::AcqRel);
        }
    }
}

fn is_agents(origin: Origin) -> bool {
    matches!(origin, Origin::Agent { .. })
}

fn text_of(text: &Text) -> String {
    text.here().map_or_else(|| "null".to_owned(), ToString::to_string)
}

/// Writes the lines of a guest's log as they are recorded.
pub(super) fn lines_of(log: Vec<crate::plugin::Line>) -> Vec<Line> {
    let line = |line: crate::plugin::Line| {
        let fields = line.fields.iter().map(|(name, value)| format!(" {name}={value}"));
        let text = line.message + &fields.collect::<String>();
        Line { level: line.level.word().to_owned(), text }
    };
    log.into_iter().map(line).collect()
}
