//! What an agent asked before, and what it was answered: its next run is fed from it.
//!
//! ```text
//! journal ──→ Feed: call 0, call 1, …      agent asks ──→ the same as on record? ──→ the same answer
//!                                                     └─→ nothing on record any more: it is live
//!                                                     └─→ something else: Divergence
//! ```
//!
//! Invariant: an agent that is fed sees the answers, the times and their order as the first time.
//! Not here: who performs what is new (`runtime`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ax_manifest::Digest;

use super::event::{Answer, Ask, Event, Fact, Gate, Origin, Timer, Verdict};
use super::failure::{Failure, FailureKind};
use super::text::Text;

/// What an agent was answered.
pub type Outcome = Result<Text, Failure>;

/// The calls of an agent in one attempt, as they are on record.
#[derive(Debug, Default)]
pub struct Feed {
    calls: Vec<Recorded>,
    /// Which call an entry began.
    by_entry: BTreeMap<u64, usize>,
    /// The next call of the agent that is being fed.
    next: usize,
    /// The time at which the attempt began, in milliseconds since the Unix epoch.
    began_ms: u64,
}

/// A call of an agent, as it is on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The entry that began it.
    pub entry: u64,
    /// The function, as `tools.call`.
    pub import: String,
    /// The digest of what was asked.
    pub arguments: Digest,
    /// What was asked, where it is on record.
    pub said: Option<Text>,
    /// What it was answered and when, unless that is still to come.
    pub answer: Option<(Arc<Outcome>, u64)>,
    /// If it is a question to a person, which kind.
    gate: Option<Gate>,
}

/// What the record says to the next call of an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Fed {
    /// It was answered so, at that time in milliseconds since the Unix epoch.
    Answered(Arc<Outcome>, u64),
    /// It was asked before, in this entry, and has no answer yet.
    Pending(u64),
    /// It was never asked before.
    New,
}

/// An agent did something else than what is on record of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub struct Divergence {
    /// The number of the call, from 0.
    pub call: u64,
    /// What is on record, with its entry; nothing if the record ends before.
    pub recorded: Option<(u64, String, Option<Text>)>,
    /// What it asked for now; nothing if it ended.
    pub asked: Option<(String, Text)>,
}

impl Feed {
    /// Adds one entry of the journal.
    pub fn push(&mut self, entry: u64, event: &Event) {
        match &event.fact {
            Fact::Executing if self.calls.is_empty() && self.began_ms == 0 => {
                self.began_ms = event.at_ms;
            }
            Fact::Retried { anew: true, .. } => *self = Self::default(),
            Fact::Retried { anew: false, .. } => {
                let waits = |it: &Recorded| {
                    let is_wait = it.gate.is_some() || it.import == "task.sleep";
                    is_wait && it.answer.is_none()
                };
                // It is asked for again.
                self.calls.pop_if(|it| waits(it));
            }
            Fact::Intended(it) => {
                let Origin::Agent { .. } = it.origin else { return };
                let (import, said) = match &it.ask {
                    Ask::Tool { tool, input } => ("tools.call", Some(said_of(tool, input))),
                    Ask::Model { request, .. } => ("model.complete", Some(request.clone())),
                    Ask::Child { title, .. } => ("task.delegate", Some(Text::new(quoted(title)))),
                };
                self.begin(entry, import, it.arguments, said, None);
            }
            Fact::Asked(it) => {
                let Origin::Agent { .. } = it.origin else { return };
                let import = match it.gate {
                    Gate::Approval => "task.approve",
                    Gate::Form { .. } => "task.ask",
                };
                let said = Some(Text::new(quoted(&it.text)));
                self.begin(entry, import, it.arguments, said, Some(it.gate.clone()));
            }
            Fact::Slept { arguments, .. } => {
                self.begin(entry, "task.sleep", *arguments, None, None);
            }
            Fact::Noted(it) => {
                self.begin(entry, &it.import, it.arguments, it.said.clone(), None);
                self.end(entry, it.answer.clone(), event.at_ms);
            }
            Fact::Returned(it) => match &it.outcome {
                // Whether this is the end, the state says; the answer of a person replaces it.
                Err(failure) if failure.kind == FailureKind::InDoubt || failure.is_closed() => {}
                outcome => self.end(it.intent, outcome.clone(), event.at_ms),
            },
            Fact::Settled { intent, verdict, .. } => match verdict {
                Verdict::Happened(text) => self.end(*intent, Ok(text.clone()), event.at_ms),
                Verdict::Failed => self.end(*intent, Err(Verdict::failure()), event.at_ms),
                Verdict::Again => {}
            },
            Fact::Answered { question, answer, .. } => {
                let asked = self.by_entry.get(question).and_then(|at| self.calls.get(*at));
                let is_form = asked.is_some_and(|it| matches!(it.gate, Some(Gate::Form { .. })));
                self.end(*question, answer.outcome(is_form), event.at_ms);
            }
            Fact::TimerFired { timer: Timer::Sleep { entry } } => {
                self.end(*entry, Ok(Text::new("null")), event.at_ms);
            }
            _ => {}
        }
    }

    fn begin(
        &mut self,
        entry: u64,
        import: &str,
        arguments: Digest,
        said: Option<Text>,
        gate: Option<Gate>,
    ) {
        self.by_entry.insert(entry, self.calls.len());
        let import = import.to_owned();
        self.calls.push(Recorded { entry, import, arguments, said, answer: None, gate });
    }

    fn end(&mut self, entry: u64, outcome: Outcome, at_ms: u64) {
        let Some(call) = self.by_entry.get(&entry).and_then(|at| self.calls.get_mut(*at)) else {
            return;
        };
        call.answer = Some((Arc::new(outcome), at_ms));
    }

    /// Feeds the agent from its first call on.
    pub fn rewind(&mut self) {
        self.next = 0;
    }

    /// Returns the time at which the attempt began, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn began_ms(&self) -> u64 {
        self.began_ms
    }

    /// Answers whether the next call is on record.
    #[must_use]
    pub fn is_replaying(&self) -> bool {
        self.next < self.calls.len()
    }

    /// Looks up the agent's next call. One that is new is passed once it is on record ([`Feed::skip`]).
    ///
    /// # Errors
    ///
    /// [`Divergence`] if another one is on record there.
    pub fn next(
        &mut self,
        import: &str,
        arguments: Digest,
        said: &Text,
    ) -> Result<Fed, Box<Divergence>> {
        let Some(recorded) = self.calls.get(self.next) else { return Ok(Fed::New) };
        if recorded.import != import || recorded.arguments != arguments {
            return Err(Box::new(Divergence {
                call: self.next as u64,
                recorded: Some(shown(recorded)),
                asked: Some((import.to_owned(), said.clone())),
            }));
        }
        self.next += 1;
        Ok(match &recorded.answer {
            Some((outcome, at_ms)) => Fed::Answered(Arc::clone(outcome), *at_ms),
            None => Fed::Pending(recorded.entry),
        })
    }

    /// Passes the agent's newest call, which is on record since it was asked.
    pub fn skip(&mut self) {
        self.next += 1;
    }

    /// Answers to an agent that ended whether more is on record of it.
    ///
    /// # Errors
    ///
    /// [`Divergence`] if it is.
    pub fn finish(&self) -> Result<(), Box<Divergence>> {
        match self.calls.get(self.next) {
            None => Ok(()),
            Some(recorded) => Err(Box::new(Divergence {
                call: self.next as u64,
                recorded: Some(shown(recorded)),
                asked: None,
            })),
        }
    }

    /// Returns the answer to the call that an entry began, if there is one.
    #[must_use]
    pub fn answer(&self, entry: u64) -> Option<&(Arc<Outcome>, u64)> {
        self.calls.get(*self.by_entry.get(&entry)?)?.answer.as_ref()
    }
}

fn shown(recorded: &Recorded) -> (u64, String, Option<Text>) {
    (recorded.entry, recorded.import.clone(), recorded.said.clone())
}

/// Writes a call of a tool as an agent asks for it.
fn said_of(tool: &ax_manifest::ToolId, input: &Text) -> Text {
    let input = input.here().map_or("…", |it| it);
    Text::new(format!(r#"{{"name":{},"input":{input}}}"#, quoted(&tool.to_string())))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Answer {
    /// Returns what an agent is told.
    pub fn outcome(&self, is_form: bool) -> Outcome {
        let cancelled = |why: &str| Err(Failure::new(FailureKind::Cancelled, why));
        match self {
            Self::Yes => Ok(Text::new("true")),
            Self::Filled(text) => Ok(text.clone()),
            Self::No if is_form => cancelled("the person would not answer"),
            Self::TimedOut if is_form => cancelled("nobody answered in time"),
            Self::No | Self::TimedOut => Ok(Text::new("false")),
            Self::Void => Err(Failure::new(
                FailureKind::Conflict,
                "what was to be approved has changed since it was asked",
            )),
        }
    }
}

impl Verdict {
    /// Returns the failure that a person's word stands for.
    #[must_use]
    pub fn failure() -> Failure {
        Failure::new(FailureKind::Failed, "a person said that it counts as failed")
    }
}

/// Characters of what was asked that are shown of each side.
const SHOWN_CHARS: usize = 400;

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |text: Option<&Text>| match text.and_then(Text::here) {
            Some(text) => text.chars().take(SHOWN_CHARS).collect(),
            None => String::new(),
        };
        write!(f, "call {} differs: ", self.call)?;
        match &self.recorded {
            Some((entry, import, text)) => {
                write!(f, "entry {entry} has `{import}` {}", said(text.as_ref()))?;
            }
            None => write!(f, "the record ends")?,
        }
        match &self.asked {
            Some((import, text)) => write!(f, ", now it is `{import}` {}", said(Some(text))),
            None => write!(f, ", now the agent ended"),
        }
    }
}
