//! A task as a client sees it.

use std::sync::Arc;

use ax_manifest::Entry;
use jiff::Timestamp;
use rmcp::model::{
    CallToolResult, CreateTaskResult, DetailedTask, JsonObject, Task, TaskPayload, TaskStatus,
};
use serde_json::Value;

use super::told::typed;
use crate::journal::{Question, Row};
use crate::plugin::{Content, Output, scrub};
use crate::runtime::{Runtime, RuntimeError};
use crate::server::mcp::answer::{answered, refused};
use crate::server::mcp::installed::{Explain, Stop};
use crate::workflow::{Fact, Failure, FailureKind, Reason, Run, State, TaskId, Text, Why};

/// How often it makes sense to ask how a task is, in milliseconds: people wait for no less.
const POLL_MS: u64 = 1_000;

/// Bytes of a status.
const STATUS_BYTES: usize = 512;

/// How the answer of a task is read.
#[derive(Debug, Clone, Default)]
pub(in crate::server::mcp) struct Answering {
    /// The schema of what it gives, if there is one.
    pub(in crate::server::mcp) schema: Option<Value>,
    /// How the tool is called whose one call it is; none if it is more.
    pub(in crate::server::mcp) call: Option<Entry>,
}

/// Writes a task as the answer to the call that began it.
pub(super) fn handle(row: &Row) -> CreateTaskResult {
    let status = "it is begun".to_owned();
    CreateTaskResult::new(about(row, TaskStatus::Working).with_status_message(status))
}

/// Writes a task that goes on or rests.
pub(super) fn working(row: &Row, question: Option<&Question>) -> DetailedTask {
    let message = scrub(&status(row, question), STATUS_BYTES);
    let task = about(row, TaskStatus::Working).with_status_message(message);
    DetailedTask::new(task, TaskPayload::Working)
}

/// Writes a task with a payload.
pub(super) fn with(row: &Row, payload: TaskPayload) -> DetailedTask {
    DetailedTask::new(about(row, payload.status()), payload)
}

/// Writes a task that is over.
pub(super) fn over(
    runtime: &Runtime,
    row: &Row,
    answering: &Answering,
    explain: &Arc<dyn Explain>,
) -> Result<DetailedTask, RuntimeError> {
    if row.status.state == (State::Failed { reason: Reason::Cancelled }) {
        return Ok(with(row, TaskPayload::Cancelled));
    }
    let result = result(runtime, row.about.run, answering, explain)?;
    let result: JsonObject = serde_json::to_value(&result)
        .ok()
        .and_then(|it| serde_json::from_value(it).ok())
        .unwrap_or_default();
    Ok(with(row, TaskPayload::Completed { result }))
}

/// Reads what came of a task that is over.
pub(super) fn result(
    runtime: &Runtime,
    task: TaskId,
    answering: &Answering,
    explain: &Arc<dyn Explain>,
) -> Result<CallToolResult, RuntimeError> {
    let (mut run, mut last) = (Run::default(), None);
    for entry in runtime.entries(task)? {
        run.apply(&entry.event)?;
        if let Fact::Returned(returned) = entry.event.fact {
            last = returned.outcome.ok();
        }
    }
    Ok(match run.outcome() {
        Some(Ok(text)) => {
            let output = match &answering.call {
                Some(entry) => output_of(entry, last.as_ref()),
                None => Output::Value(value_of(Some(text))),
            };
            answered(output, answering.schema.as_ref())
        }
        Some(Err(failure)) => {
            let reason = match run.state() {
                State::Failed { reason } => reason,
                _ => Reason::Error,
            };
            refused(&explain.stopped(task, Stop::Failed { reason, failure: failure.clone() }))
        }
        None => {
            let failure = Failure::new(FailureKind::Cancelled, "somebody cancelled it");
            refused(&explain.stopped(task, Stop::Failed { reason: Reason::Cancelled, failure }))
        }
    })
}

fn value_of(text: Option<&Text>) -> Value {
    text.and_then(Text::here).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

/// Reads what a tool answered from its record.
fn output_of(entry: &Entry, recorded: Option<&Text>) -> Output {
    let mut answer = value_of(recorded);
    let structured = answer.get_mut("structured").map(Value::take);
    match entry {
        Entry::Typed { .. } => Output::Value(structured.unwrap_or_default()),
        Entry::Described => {
            let content = answer.get_mut("content").map(Value::take).unwrap_or_default();
            let content: Vec<Content> = serde_json::from_value(content).unwrap_or_default();
            Output::Content { content, structured }
        }
    }
}

fn about(row: &Row, status: TaskStatus) -> Task {
    let (created, updated) = (time(row.about.created_at_ms), time(row.status.updated_at_ms));
    Task::new(row.about.run.to_string(), status, created, updated).with_poll_interval_ms(POLL_MS)
}

fn time(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// Says how a task is that is not over, and what a person would type.
fn status(row: &Row, question: Option<&Question>) -> String {
    let task = row.about.run;
    if let Some(question) = question {
        let typed = typed(question.run, question.seq);
        return format!("waits for a person: {}; {typed}", question.text);
    }
    match row.status.state {
        State::Paused { why: Why::Budget, .. } => {
            format!("its budget is used up: ax task resume {task} --calls 100 --usd 1")
        }
        State::Paused { why: Why::InDoubt, .. } => format!(
            "nobody knows whether one of its effects happened: ax task show {task}, then \
             ax task resume {task} with --happened JSON, --again or --failed"
        ),
        State::Paused { .. } => format!("rests: ax task resume {task}"),
        _ if row.status.total > 0 => {
            format!("{} of {} parts are done", row.status.done, row.status.total)
        }
        _ => "at work".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_tool_answered_is_read_from_the_record_as_it_was() {
        let content = vec![Content::Text { text: "five".to_owned() }];
        let answers = [
            Output::Content { content: content.clone(), structured: None },
            Output::Content { content, structured: Some(json!({ "sum": 5 })) },
            Output::Content { content: Vec::new(), structured: Some(json!(5)) },
        ];
        for answer in answers {
            let recorded = crate::plugin::agent::answer_of(&answer);
            assert_eq!(output_of(&Entry::Described, Some(&recorded)), answer);
        }
        let lost = Output::Content { content: Vec::new(), structured: None };
        assert_eq!(output_of(&Entry::Described, None), lost);
    }

    #[test]
    fn times_are_written_as_the_protocol_wants_them() {
        assert_eq!(time(1_795_348_800_123), "2026-11-22T12:00:00.123Z");
        assert_eq!(time(u64::MAX), "1970-01-01T00:00:00Z");
    }
}
