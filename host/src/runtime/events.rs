//! What happens to tasks, in the words of the event bus: projections of the journal.
//!
//! Each fact is one event; those that people and programs wait for have names of their own, all others say
//! that there is a new checkpoint to go on from.

use serde::Serialize;
use serde_json::{Value, json};

use crate::workflow::{
    Answer, Ask, Event, Fact, Failure, Gate, Origin, Outcome, Run, State, TaskId, Verdict,
};

/// Characters of a text that an event repeats.
const SHOWN_CHARS: usize = 2_000;

/// Something that happened to a task.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskEvent {
    /// `task-started`, `task-resumed`, `state-changed`, `execution-attempt`, `checkpoint-created`,
    /// `task-completed`, `task-failed`, `task-paused` or `task-cancelled`.
    pub event: &'static str,
    /// Which task.
    pub task: TaskId,
    /// The entry of its journal.
    pub seq: u64,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The public state after it.
    pub state: String,
    /// The kind of the fact.
    pub kind: &'static str,
    /// More of it.
    pub detail: Value,
}

impl TaskEvent {
    /// Projects a fact. `before` is the public state before it, `run` the task after it.
    #[must_use]
    pub fn of(before: State, run: &Run, seq: u64, event: &Event) -> Option<Self> {
        let task = run.started()?.task;
        let named = match &event.fact {
            Fact::Started(_) => "task-started",
            Fact::Resumed { .. } | Fact::TakenOver => "task-resumed",
            Fact::Executing => "execution-attempt",
            Fact::Completed { .. } => "task-completed",
            Fact::Failed { .. } => "task-failed",
            Fact::Cancelled { .. } => "task-cancelled",
            Fact::Paused { .. } => "task-paused",
            _ if before != run.state() => "state-changed",
            _ => "checkpoint-created",
        };
        Some(Self {
            event: named,
            task,
            seq,
            at_ms: event.at_ms,
            state: run.state().to_string(),
            kind: event.fact.kind(),
            detail: detail(run, &event.fact),
        })
    }
}

/// Names where something comes from, in words.
#[must_use]
pub fn place(run: &Run, origin: Origin) -> String {
    match origin {
        Origin::Agent { call } => format!("call {call}"),
        Origin::Mend { intent } => format!("after entry {intent}"),
        Origin::Step { step, item, attempt } => {
            let spec = run.plan().map(|plan| plan.spec());
            let id =
                spec.and_then(|spec| spec.steps.get(step as usize)).map(|step| step.id.clone());
            let id = id.unwrap_or_else(|| format!("step {step}"));
            let item = item.map(|item| format!("[{item}]")).unwrap_or_default();
            let again = if attempt > 1 { format!(", try {attempt}") } else { String::new() };
            format!("{id}{item}{again}")
        }
    }
}

/// Names what is asked for, in words.
#[must_use]
pub fn subject(ask: &Ask) -> String {
    match ask {
        Ask::Tool { tool, .. } => tool.to_string(),
        Ask::Model { .. } => "a model".to_owned(),
        Ask::Child { task, title } => format!("task {task} ({title})"),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

fn outcome_of(outcome: &Outcome) -> Value {
    match outcome {
        Ok(text) => json!({ "ok": cut(text.here().map_or("", |text| text)) }),
        Err(failure) => json!({ "error": failure_of(failure) }),
    }
}

fn failure_of(failure: &Failure) -> Value {
    json!({ "kind": failure.kind.word(), "code": failure.code, "message": cut(&failure.message) })
}

fn detail(run: &Run, fact: &Fact) -> Value {
    match fact {
        Fact::Started(it) => json!({ "title": it.title, "by": it.by, "labels": it.labels }),
        Fact::Planned(it) => json!({ "engine": it.engine, "components": it.components }),
        Fact::Executing => json!({ "attempt": run.attempt() }),
        Fact::TakenOver => json!({}),
        Fact::Paused { why } => json!({ "why": why.word() }),
        Fact::Resumed { by } | Fact::Cancelled { by } => json!({ "by": by }),
        Fact::Retried { by, anew } => json!({ "by": by, "anew": anew }),
        Fact::Completed { output } => outcome_of(&Ok(output.clone())),
        Fact::Failed { reason, failure } => {
            json!({ "reason": reason.word(), "error": failure_of(failure) })
        }
        Fact::Intended(it) => json!({
            "place": place(run, it.origin),
            "of": subject(&it.ask),
            "class": it.class,
        }),
        Fact::Returned(it) => {
            let mut detail = outcome_of(&it.outcome);
            detail["intent"] = it.intent.into();
            detail["spent"] = json!(it.spent);
            detail
        }
        Fact::Resent { intent } => json!({ "intent": intent }),
        Fact::Settled { intent, verdict, by } => {
            let verdict = match verdict {
                Verdict::Happened(_) => "happened",
                Verdict::Again => "again",
                Verdict::Failed => "failed",
            };
            json!({ "intent": intent, "verdict": verdict, "by": by })
        }
        Fact::Asked(it) => json!({
            "place": place(run, it.origin),
            "gate": match it.gate { Gate::Approval => "approval", Gate::Form { .. } => "form" },
            "text": cut(&it.text),
            "expiresAtMs": it.expires_at_ms,
        }),
        Fact::Answered { question, answer, by } => {
            json!({ "question": question, "answer": word(answer), "by": by })
        }
        Fact::Slept { call, until_ms, .. } => json!({ "call": call, "untilMs": until_ms }),
        Fact::TimerFired { timer } => json!({ "timer": timer }),
        Fact::Signalled { name, by, .. } => json!({ "name": name, "by": by }),
        Fact::Noted(it) => {
            let mut detail = outcome_of(&it.answer);
            detail["call"] = it.call.into();
            detail["import"] = it.import.as_str().into();
            if let Some(said) = it.said.as_ref().and_then(|said| said.here()) {
                detail["said"] = cut(said).into();
            }
            detail
        }
        Fact::Logged { lines } => json!({ "lines": lines }),
        Fact::Raised { budget, deadline_ms, by } => {
            json!({ "budget": budget, "deadlineMs": deadline_ms, "by": by })
        }
    }
}

/// Returns the word of an answer.
#[must_use]
pub fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Filled(_) => "filled in",
        Answer::TimedOut => "timed out",
        Answer::Void => "void",
    }
}
