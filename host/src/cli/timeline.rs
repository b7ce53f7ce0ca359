//! The history of a task, a line for each fact that a person wants to know.

use serde_json::Value;

use super::render::dollars;
use crate::journal::Entry;
use crate::runtime::events::{place, subject, word};
use crate::workflow::{Dimension, Event, Fact, Noted, Run, Spent, State, Text, Timer, Verdict};

/// Characters of a text on a line.
const SHOWN_CHARS: usize = 120;

/// Writes the history of a task.
pub(super) fn timeline(entries: &[Entry], all: bool) -> Vec<String> {
    let mut run = Run::default();
    let mut lines = Vec::new();
    for entry in entries {
        if run.apply(&entry.event).is_err() {
            lines.push(format!("entry {} does not make sense", entry.seq));
            break;
        }
        lines.extend(line(&run, entry.seq, &entry.event, all));
    }
    lines
}

/// Writes one fact; nothing for one that only matters with `all`.
pub(super) fn line(run: &Run, seq: u64, event: &Event, all: bool) -> Option<String> {
    let began_ms = run.started().map_or(0, |_| run_began(run));
    let since_ms = event.at_ms.saturating_sub(began_ms);
    let words = words(run, &event.fact, all)?;
    Some(format!("{:>9}  {seq:>4}  {words}", time(since_ms)))
}

/// Returns when a task was named, which is when it began: its name holds the time.
fn run_began(run: &Run) -> u64 {
    run.started().map_or(0, |started| started.task.began_ms())
}

fn time(ms: u64) -> String {
    let (seconds, minutes, hours) = (ms / 1_000 % 60, ms / 60_000 % 60, ms / 3_600_000);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}.{:03} s", ms % 1_000),
        (0, _) => format!("{minutes}:{seconds:02} min"),
        (..) => format!("{hours}:{minutes:02}:{seconds:02} h"),
    }
}

fn words(run: &Run, fact: &Fact, all: bool) -> Option<String> {
    let of = |intent: u64| run.open().get(&intent).map(|open| place(run, open.origin()));
    Some(match fact {
        Fact::Started(it) => format!("began: {}, by {}", it.title, it.by),
        Fact::Planned(_) if !all => return None,
        Fact::Planned(it) => format!("planned with engine {}", it.engine.short()),
        Fact::Executing => match run.attempt() {
            1 => "at work".to_owned(),
            attempt => format!("at work, attempt {attempt}"),
        },
        Fact::TakenOver => "taken over from a program that is gone".to_owned(),
        Fact::Paused { why } => format!("rests: {}", why.word()),
        Fact::Resumed { by } => format!("goes on, by {by}"),
        Fact::Completed { .. } => "completed".to_owned(),
        Fact::Failed { reason, failure } => {
            format!("failed ({}): {}", reason.word(), failure.message)
        }
        Fact::Cancelled { by } => format!("cancelled by {by}"),
        Fact::Retried { by, anew } => {
            format!("tried again by {by}{}", if *anew { ", from the beginning" } else { "" })
        }
        Fact::Intended(it) => format!("{}: {} …", place(run, it.origin), subject(&it.ask)),
        Fact::Returned(it) => {
            let spent = spent_words(&it.spent);
            let what = match &it.outcome {
                Ok(text) => format!("{}{spent}", short(text)),
                Err(failure) => format!("{}: {}{spent}", failure.kind.word(), failure.message),
            };
            format!("  entry {} → {what}", it.intent)
        }
        Fact::Resent { intent } => {
            format!("{}: performed again, with the same key", of(*intent).unwrap_or_default())
        }
        Fact::Settled { intent, verdict, by } => {
            let verdict = match verdict {
                Verdict::Happened(_) => "it happened",
                Verdict::Again => "it did not happen, again",
                Verdict::Failed => "it counts as failed",
            };
            format!("  entry {intent}: {by} says {verdict}")
        }
        Fact::Asked(it) => format!("{}: asks: {}", place(run, it.origin), cut(&it.text)),
        Fact::Answered { question, answer, by } => {
            format!("  entry {question} → {} by {by}", word(answer))
        }
        Fact::Slept { until_ms, .. } => {
            format!("sleeps for {}", time(until_ms.saturating_sub(run.at_ms())))
        }
        Fact::TimerFired { timer: Timer::Sleep { .. } } => "wakes".to_owned(),
        Fact::TimerFired { .. } if !all => return None,
        Fact::TimerFired { .. } => "a time that was waited for has come".to_owned(),
        Fact::Signalled { name, by, .. } => format!("signal {name} from {by}"),
        Fact::Noted(it) => return noted(it, all),
        Fact::Logged { .. } if !all => return None,
        Fact::Logged { lines } => {
            let lines: Vec<String> =
                lines.iter().map(|it| format!("{}: {}", it.level, it.text)).collect();
            cut(&lines.join(" | "))
        }
        Fact::Raised { by, .. } => format!("may use more, by {by}"),
    })
}

fn noted(it: &Noted, all: bool) -> Option<String> {
    if it.import == "task.emit" {
        let said = it.said.as_ref().and_then(value);
        let text = said.as_ref().and_then(|said| said["text"].as_str()).unwrap_or_default();
        return Some(format!("says: {}", cut(text)));
    }
    if let Err(failure) = &it.answer {
        return Some(format!("call {}: {} refused: {}", it.call, it.import, failure.message));
    }
    let said = it.said.as_ref().map(short).unwrap_or_default();
    all.then(|| format!("call {}: {} {said}", it.call, it.import))
}

fn value(text: &Text) -> Option<Value> {
    serde_json::from_str(text.here()?).ok()
}

fn short(text: &Text) -> String {
    let Some(value) = value(text) else { return String::new() };
    let shown = value.get("structured").unwrap_or(&value);
    cut(&shown.to_string())
}

fn cut(text: &str) -> String {
    let line: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    match line.chars().count() > SHOWN_CHARS {
        true => format!("{}…", line.chars().take(SHOWN_CHARS).collect::<String>()),
        false => line,
    }
}

fn spent_words(spent: &Spent) -> String {
    match spent.tokens > 0 || spent.cost_micro_usd > 0 {
        true => format!("  ({})", self::spent(spent)),
        false => String::new(),
    }
}

/// Says what was used.
pub(super) fn spent(spent: &Spent) -> String {
    let mut parts = vec![format!("{} tool calls", spent.calls)];
    if spent.tokens > 0 {
        parts.push(format!("{} tokens", spent.tokens));
    }
    if spent.cost_micro_usd > 0 {
        parts.push(dollars(spent.cost_micro_usd));
    }
    parts.push(time(spent.of(Dimension::Time)));
    parts.join(", ")
}

/// Writes what came of a task: a text as it is, and what has a text as its report as that.
pub(super) fn result(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => match members.get("report").and_then(Value::as_str) {
            Some(report) => report.to_owned(),
            None => format!("{value:#}"),
        },
        other => other.to_string(),
    }
}

/// Writes the state of a task, as it is to somebody who looks from outside.
pub(super) fn state(state: State, is_carried: bool) -> String {
    match state {
        State::Planning | State::Executing if !is_carried => format!("{state}, interrupted"),
        State::Completed | State::Failed { .. } | State::Idle => state.to_string(),
        State::Planning | State::Executing | State::Paused { .. } => state.to_string(),
    }
}
