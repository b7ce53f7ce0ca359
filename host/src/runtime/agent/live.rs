//! What an agent is answered that asks something new.
//!
//! Invariant: each question becomes one entry, or the intent and the end of an effect; nothing is answered
//! that is not handed to the journal.

use ax_manifest::Digest;
use serde_json::{Value, json};

use super::super::driver::Driver;
use super::super::effect::Wanted;
use super::super::error::RuntimeError;
use super::super::record::Facts;
use super::{Slot, lines_of};
use crate::failpoint;
use crate::plugin::agent::{Import, Question, Remaining, Told, no_delegation};
use crate::workflow::{
    AGENT_CALLS_MAX, CONTEXT_BYTES_MAX, Call, Dimension, Effect, Fact, Failure, FailureKind, Gate,
    Inquiry, Line, Noted, Order, Origin, Outcome, Reason, State, Text,
};

/// Bytes of a piece of text that an agent shows.
const EMIT_BYTES_MAX: usize = 4 << 10;

impl Driver {
    /// Answers a question that is not on record. An effect is only put among `wanted`.
    pub(super) async fn live(
        &mut self,
        question: Question,
        call: u64,
        arguments: Digest,
        said: Text,
        wanted: &mut Vec<Wanted>,
    ) -> Result<Slot, RuntimeError> {
        if self.run.state() != State::Executing || self.closing.is_some() {
            return Ok(Slot::Told(Told::Park));
        }
        if call >= AGENT_CALLS_MAX {
            let message = format!("the agent called the host more than {AGENT_CALLS_MAX} times");
            let failure = Failure::new(FailureKind::Exhausted, message).coded("calls");
            self.fail(Reason::Error, failure).await?;
            return Ok(Slot::Told(Told::Stop));
        }
        if let Some(used_up) = self.run.account().exhausted() {
            self.stop_at_limit(used_up).await?;
            return Ok(Slot::Told(Told::Park));
        }
        let origin = Origin::Agent { call };
        let Question { import, refused, fuel, log, .. } = question;
        let log = lines_of(log);
        let read: Value =
            said.here().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
        if let Some(failure) = refused {
            let noted = Noting { call, import, arguments, said: None, fuel };
            return self.note(noted, Err(failure), log).await;
        }
        let effect = match import {
            Import::ToolsCall => tool_order(&read).map(Some),
            Import::ModelComplete => Ok(Some(Order::Model { request: said.clone() })),
            _ => Ok(None),
        };
        match effect {
            Ok(Some(order)) => {
                let (happened, undo) = (None, None);
                let work = Effect { origin, order, timeout_ms: None, happened, undo };
                wanted.push(Wanted { work, arguments, fuel, log });
                return Ok(Slot::Entry(0));
            }
            Err(failure) => {
                let noted = Noting { call, import, arguments, said: None, fuel };
                return self.note(noted, Err(failure), log).await;
            }
            Ok(None) => {}
        }
        match import {
            Import::TaskSleep => {
                let ms = read["ms"].as_u64().unwrap_or(0);
                let now_ms = self.runtime.clock.now_ms().max(self.run.at_ms());
                let until_ms = now_ms.saturating_add(ms);
                self.wait_on(Fact::Slept { call, arguments, until_ms, fuel }, log).await
            }
            Import::TaskApprove | Import::TaskAsk => {
                let asked = self.question(asked_of(import, origin, &read), arguments, fuel);
                self.wait_on(Fact::Asked(Box::new(asked)), log).await
            }
            _ => {
                let answer = self.answer_at_once(import, &read).await;
                let said = matches!(import, Import::TaskSet | Import::TaskEmit).then_some(said);
                self.note(Noting { call, import, arguments, said, fuel }, answer, log).await
            }
        }
    }

    /// Records that an agent waits for something that is no effect.
    async fn wait_on(&mut self, fact: Fact, log: Vec<Line>) -> Result<Slot, RuntimeError> {
        let mut facts = Facts::default();
        if !log.is_empty() {
            facts.facts.push(Fact::Logged { lines: log });
        }
        facts.facts.push(fact);
        let entry = self.run.head() + facts.facts.len() as u64;
        self.record_durably(facts).await?;
        failpoint::hit("after-asked");
        self.feed.skip();
        Ok(Slot::Entry(entry))
    }

    /// Records a question with its answer.
    async fn note(
        &mut self,
        noting: Noting,
        answer: Outcome,
        log: Vec<Line>,
    ) -> Result<Slot, RuntimeError> {
        let Noting { call, import, arguments, said, fuel } = noting;
        let import = import.word().to_owned();
        let noted = Noted { call, import, arguments, said, answer: answer.clone(), fuel };
        let mut facts = Facts::default();
        if !log.is_empty() {
            facts.facts.push(Fact::Logged { lines: log });
        }
        facts.facts.push(Fact::Noted(Box::new(noted)));
        self.record(facts).await?;
        self.feed.skip();
        self.agent_saw(self.run.at_ms());
        Ok(Slot::Told(Told::Answer(answer)))
    }

    /// Answers what the runtime knows by itself.
    async fn answer_at_once(&mut self, import: Import, read: &Value) -> Outcome {
        let json = |value: Value| Ok(Text::new(value.to_string()));
        match import {
            Import::ToolsAvailable => {
                let (tools, _) = self.runtime.performer.offered();
                json(serde_json::to_value(tools).unwrap_or_default())
            }
            Import::ModelModels => {
                let (_, models) = self.runtime.performer.offered();
                json(serde_json::to_value(models).unwrap_or_default())
            }
            Import::ModelCountTokens => self.runtime.performer.count(read.to_string()).await,
            Import::TaskGet => {
                let key = read["key"].as_str().unwrap_or_default();
                Ok(self.run.context().get(key).cloned().unwrap_or_default())
            }
            Import::TaskSet => self.set(read),
            Import::TaskEmit => match read["text"].as_str().is_some_and(is_short) {
                true => json(Value::Null),
                false => {
                    Err(Failure::new(FailureKind::Invalid, "`text` is too long").coded("text"))
                }
            },
            Import::TaskBudget => {
                let account = self.run.account();
                let remaining = Remaining {
                    tokens: account.left(Dimension::Tokens),
                    cost_micro_usd: account.left(Dimension::Cost),
                    calls: account.left(Dimension::Calls),
                    ms: account.left(Dimension::Time),
                };
                json(serde_json::to_value(remaining).unwrap_or_default())
            }
            Import::TaskAgents => json(json!([])),
            Import::TaskDelegate => Err(no_delegation()),
            Import::ToolsCall
            | Import::ModelComplete
            | Import::TaskApprove
            | Import::TaskAsk
            | Import::TaskSleep => {
                Err(Failure::new(FailureKind::Unavailable, "this is no question for the task"))
            }
        }
    }

    fn set(&self, read: &Value) -> Outcome {
        let key = read["key"].as_str().unwrap_or_default();
        let value = read["value"].to_string();
        let size =
            |(key, value): (&String, &Text)| key.len() + value.here().map_or(0, |it| it.len());
        let others = self.run.context().iter().filter(|(held, _)| *held != key).map(size);
        match others.sum::<usize>() + key.len() + value.len() > CONTEXT_BYTES_MAX {
            false => Ok(Text::default()),
            true => {
                let message = format!("a task's record holds {CONTEXT_BYTES_MAX} bytes at most");
                Err(Failure::new(FailureKind::Exhausted, message).coded("context"))
            }
        }
    }
}

/// A question that is recorded with its answer.
struct Noting {
    call: u64,
    import: Import,
    arguments: Digest,
    said: Option<Text>,
    fuel: u64,
}

fn is_short(text: &str) -> bool {
    text.len() <= EMIT_BYTES_MAX
}

fn tool_order(read: &Value) -> Result<Order, Failure> {
    let name = read["name"].as_str().unwrap_or_default();
    let tool = name.parse().map_err(|error| {
        Failure::new(FailureKind::Invalid, format!("`{name}` names no tool: {error}")).coded("name")
    })?;
    let input = Text::new(read["input"].to_string());
    Ok(Order::Tool(Call { tool, input }))
}

fn asked_of(import: Import, origin: Origin, read: &Value) -> Inquiry {
    let word = |name: &str| read[name].as_str().unwrap_or_default().to_owned();
    let (gate, text, details) = match import {
        Import::TaskAsk => {
            let schema = Text::new(read["schema"].to_string());
            (Gate::Form { schema }, word("question"), Text::default())
        }
        _ => (Gate::Approval, word("action"), Text::new(read["details"].to_string())),
    };
    Inquiry { origin, gate, text, details, expires_in_ms: None }
}
