//! `ax:task/task`: the durable task of an agent. Each function is a question to whoever carries it.
//!
//! Permission `agents:<name>` to delegate; waiting and the task's own record need none. Bounds: the
//! constants below, as `ax:task` promises them. Not here: what is kept, who is asked, how long it takes
//! (`runtime`).

use ax_manifest::{Capability, Permission};
use serde_json::json as object;

use super::super::agent::{Answer, Import, Remaining, Wanted};
use super::super::gate::Needs;
use super::super::guest::Guest;
use super::super::json;
use super::super::limits;
use super::super::text;
use super::bindings::ax::task::task;
use super::bindings::ax::types::types::{Error, ErrorKind};
use super::failure;

/// Bytes of what a person is asked to agree to: one line.
const ACTION_BYTES: usize = 256;
/// Bytes of what is shown with it, of a form, and of a value in the task's record, which has no more.
const DOCUMENT_BYTES: u64 = 64 << 10;
/// Bytes of a question to a person.
const QUESTION_BYTES: usize = 4 << 10;
/// Bytes of what is wanted of another agent.
const GOAL_BYTES: usize = 4 << 10;
/// Milliseconds of one wait: a year.
const SLEEP_MS: u64 = 31_536_000_000;
/// Bytes of a key in the task's record.
const KEY_BYTES: usize = 256;
/// Bytes that are shown at once; the rest is cut.
const EMIT_BYTES: usize = 4 << 10;
/// Agents that one sets to work side by side: the children a task may have.
const BATCH: usize = 32;
/// Agents that are listed.
const AGENTS_LISTED: usize = 256;

impl task::Host for Guest {
    async fn approve(
        &mut self,
        action: String,
        details: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        self.task_call("approve", &action, action.len() + details.len())?;
        let asked = line("action", &action, ACTION_BYTES)
            .and_then(|()| document("details", &details))
            .map(|details| object!({ "action": action, "details": details }));
        self.answered_by_task(Import::TaskApprove, asked).await
    }

    async fn ask(
        &mut self,
        question: String,
        schema: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        self.task_call("ask", &question, question.len() + schema.len())?;
        let asked = said("question", &question, QUESTION_BYTES)
            .and_then(|()| an_object("schema", &schema))
            .map(|schema| object!({ "question": question, "schema": schema }));
        let answer: Result<serde_json::Value, Error> =
            self.answered_by_task(Import::TaskAsk, asked).await?;
        Ok(answer.map(|value| value.to_string()))
    }

    async fn sleep(&mut self, ms: u64) -> wasmtime::Result<Result<(), Error>> {
        self.task_call("sleep", "", 0)?;
        let asked = match ms <= SLEEP_MS {
            true => Ok(object!({ "ms": ms })),
            false => Err(wrong("ms", &format!("it is more than {SLEEP_MS}"))),
        };
        self.answered_by_task(Import::TaskSleep, asked).await
    }

    async fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        self.task_call("get", &key, key.len())?;
        let Ok(()) = name_of_value(&key) else { return Ok(None) };
        let answer = self.answered_by_task(Import::TaskGet, Ok(object!({ "key": key }))).await?;
        let value: Option<serde_json::Value> = answer.ok().filter(|it: &_| *it != object!(null));
        Ok(value.map(|value| value.to_string()))
    }

    async fn set(&mut self, key: String, value: String) -> wasmtime::Result<Result<(), Error>> {
        self.task_call("set", &key, key.len() + value.len())?;
        let asked = name_of_value(&key)
            .and_then(|()| document("value", &value))
            .map(|value| object!({ "key": key, "value": value }));
        self.answered_by_task(Import::TaskSet, asked).await
    }

    async fn emit(&mut self, text: String) -> wasmtime::Result<()> {
        self.task_call("emit", "", text.len())?;
        let text = text::scrub(&text, EMIT_BYTES);
        let asked = Ok(object!({ "text": text }));
        let shown: Result<(), Error> = self.answered_by_task(Import::TaskEmit, asked).await?;
        // Whether anybody sees it is nothing to the agent.
        drop(shown);
        Ok(())
    }

    async fn budget(&mut self) -> wasmtime::Result<task::Remaining> {
        self.task_call("budget", "", 0)?;
        let answer = self.answered_by_task(Import::TaskBudget, Ok(object!({}))).await?;
        let Remaining { tokens, cost_micro_usd, calls, ms } = answer.unwrap_or_default();
        Ok(task::Remaining { tokens, cost_micro_usd, calls, ms, extra: None })
    }

    async fn agents(&mut self) -> wasmtime::Result<Vec<String>> {
        self.task_call("agents", "", 0)?;
        let answer = self.answered_by_task(Import::TaskAgents, Ok(object!({}))).await?;
        let mut names: Vec<String> = answer.unwrap_or_default();
        names.truncate(AGENTS_LISTED);
        Ok(names)
    }

    async fn delegate(
        &mut self,
        request: task::Delegation,
    ) -> wasmtime::Result<Result<String, Error>> {
        self.gate.called("delegate", &request.agent);
        let mut answers = self.delegate_together(vec![request]).await?;
        answers.pop().ok_or_else(|| wasmtime::Error::msg("one request has one answer"))
    }

    async fn delegate_all(
        &mut self,
        requests: Vec<task::Delegation>,
    ) -> wasmtime::Result<Vec<Result<String, Error>>> {
        self.gate.called("delegate-all", requests.first().map_or("", |first| &first.agent));
        self.delegate_together(requests).await
    }
}

impl Guest {
    fn task_call(
        &mut self,
        function: &'static str,
        subject: &str,
        bytes: usize,
    ) -> wasmtime::Result<()> {
        self.gate.called(function, subject);
        Ok(self.gate.pass(Capability::AxTask, Needs::Nothing, bytes as u64)?)
    }

    /// Asks one question and reads its answer; what is wrong with it, or that there is no task, is told
    /// without asking.
    async fn answered_by_task<T: serde::de::DeserializeOwned>(
        &mut self,
        import: Import,
        asked: Result<serde_json::Value, Error>,
    ) -> wasmtime::Result<Result<T, Error>> {
        if self.seat.is_none() {
            return Ok(Err(failure::no_task()));
        }
        let asked = match asked {
            Ok(asked) => asked,
            Err(error) => return Ok(Err(error)),
        };
        let mut answers = self.ask_companion(vec![Wanted::new(import, asked)]).await?;
        let text = match answers.pop() {
            Some(Ok(text)) => text,
            Some(Err(error)) => return Ok(Err(failure::recorded(error))),
            None => return Ok(Err(failure::garbled())),
        };
        self.gate.pass(Capability::AxTask, Needs::Nothing, text.len() as u64)?;
        Ok(serde_json::from_str(&text).map_err(|_| failure::garbled()))
    }

    async fn delegate_together(
        &mut self,
        requests: Vec<task::Delegation>,
    ) -> wasmtime::Result<Vec<Result<String, Error>>> {
        if self.seat.is_none() {
            self.gate.pass(Capability::AxTask, Needs::Nothing, 0)?;
            return Ok(requests.iter().map(|_| Err(failure::no_task())).collect());
        }
        let (mut asked, mut refused) = (Vec::new(), Vec::new());
        for (index, request) in requests.into_iter().enumerate() {
            let read = match index < BATCH {
                true => self.delegation(&request)?,
                false => Err(failure::too_many(BATCH, "agents")),
            };
            match read {
                Ok(wanted) => {
                    asked.push(wanted);
                    refused.push(None);
                }
                Err(error) => refused.push(Some(error)),
            }
        }
        let answers = match asked.is_empty() {
            true => Vec::new(),
            false => self.ask_companion(asked).await?,
        };
        let mut answers = answers.into_iter();
        let mut all = Vec::new();
        for error in refused {
            all.push(match error {
                Some(error) => Err(error),
                None => self.delegated(answers.next())?,
            });
        }
        Ok(all)
    }

    fn delegation(
        &mut self,
        request: &task::Delegation,
    ) -> wasmtime::Result<Result<Wanted, Error>> {
        let task::Delegation { agent, goal, input, extra: _ } = request;
        let bytes = (agent.len() + goal.len() + input.len()) as u64;
        let Some(wanted) = permission_of(agent) else {
            self.gate.pass(Capability::AxTask, Needs::Nothing, bytes)?;
            let why = "it is no name of an agent: small letters, digits and hyphens, at most 64";
            return Ok(Err(wrong("agent", why)));
        };
        let refused = self.rule_on(Capability::AxTask, &wanted, bytes)?;
        let read = said("goal", goal, GOAL_BYTES).and_then(|()| input_of(input));
        Ok(read.map(|input| {
            let arguments = object!({ "agent": agent, "goal": goal, "input": input });
            Wanted { refused, ..Wanted::new(Import::TaskDelegate, arguments) }
        }))
    }

    fn delegated(&mut self, answer: Option<Answer>) -> wasmtime::Result<Result<String, Error>> {
        Ok(match answer {
            Some(Ok(text)) => {
                self.gate.pass(Capability::AxTask, Needs::Nothing, text.len() as u64)?;
                Ok(text.to_string())
            }
            Some(Err(error)) => Err(failure::recorded(error)),
            None => Err(failure::garbled()),
        })
    }
}

/// Returns the permission to set an agent to work; none if that is no name.
fn permission_of(agent: &str) -> Option<Permission> {
    let wanted: Permission = format!("agents:{agent}").parse().ok()?;
    matches!(&wanted, Permission::Agents { name } if name != "*").then_some(wanted)
}

fn wrong(member: &str, why: &str) -> Error {
    failure::of(ErrorKind::Invalid, member, &format!("`{member}`: {why}"))
}

/// Refuses what would be cut or changed when it is shown: a person agrees to what they see.
fn said(member: &str, text: &str, bytes_max: usize) -> Result<(), Error> {
    match text.len() {
        bytes if bytes > bytes_max => {
            Err(wrong(member, &format!("it has {bytes} bytes, at most {bytes_max} are taken")))
        }
        _ if text::scrub(text, bytes_max) != text => {
            Err(wrong(member, "it holds characters that cannot be shown"))
        }
        _ => Ok(()),
    }
}

fn line(member: &str, text: &str, bytes_max: usize) -> Result<(), Error> {
    said(member, text, bytes_max)?;
    match text.trim().is_empty() || text.contains('\n') {
        true => Err(wrong(member, "it is no line of text")),
        false => Ok(()),
    }
}

fn name_of_value(key: &str) -> Result<(), Error> {
    match key.len() {
        0 => Err(wrong("key", "it is empty")),
        bytes if bytes > KEY_BYTES => {
            Err(wrong("key", &format!("it has {bytes} bytes, at most {KEY_BYTES} are taken")))
        }
        _ => Ok(()),
    }
}

fn document(member: &str, text: &str) -> Result<serde_json::Value, Error> {
    json::parse(text, DOCUMENT_BYTES).map_err(|error| wrong(member, &error.to_string()))
}

fn an_object(member: &str, text: &str) -> Result<serde_json::Value, Error> {
    let value = document(member, text)?;
    match value.is_object() {
        true => Ok(value),
        false => Err(wrong(member, "it is no object")),
    }
}

fn input_of(text: &str) -> Result<serde_json::Value, Error> {
    json::parse(text, limits::INPUT_BYTES).map_err(|error| wrong("input", &error.to_string()))
}
