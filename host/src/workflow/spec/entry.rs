//! What one `[[step]]` says.
//!
//! Invariant: a step that cannot be read is kept with what can be, so that those that mention it are not
//! blamed for it.

use ax_manifest::reading::{Node, Section, Value, check_kebab, place};
use serde_json::Value as Json;

use super::error::SpecFlaw;
use super::header::{is_table, kebab, wrong_type};
use super::reading::Reading;
use super::{
    BACKOFF_DEFAULT_MS, OnError, PARALLEL_MAX, RETRIES_MAX, Retry, STEPS_MAX, Spec, Step, StepKind,
    kind, order, value,
};
use crate::workflow::expression::Template;

/// Characters of a step's name: a column of a table.
const ID_CHARS_MAX: usize = 64;

/// Keys of a step. What belongs to one kind alone is in [`kind::OWN_KEYS`].
const KEYS: &[&str] = &[
    "id",
    "tool",
    "agent",
    "model",
    "approve",
    "wait",
    "wait-until",
    "wait-for",
    "workflow",
    "set",
    "with",
    "happened",
    "undo",
    "goal",
    "system",
    "prompt",
    "schema",
    "max-tokens",
    "details",
    "expires-in",
    "needs",
    "when",
    "for-each",
    "max-parallel",
    "retry",
    "timeout",
    "on-error",
];

/// Names a step lists, with their places in the file.
pub(super) type Listed = Vec<(String, usize)>;

/// Reads all steps into `spec`; returns the places of those of which it is not known what they do.
pub(super) fn steps(
    reading: &mut Reading<'_>,
    section: &Section<'_, '_>,
    spec: &mut Spec,
) -> Vec<usize> {
    let Some(node) = reading.keep(section.required("step")) else { return Vec::new() };
    let items = match &node.value {
        Value::List(items) if items.iter().all(is_table) => items,
        _ => {
            reading.note(wrong_type(node, "step", "tables, each beginning with `[[step]]`"));
            return Vec::new();
        }
    };
    if items.is_empty() {
        reading.note_at(node.at, SpecFlaw::Empty { key: "step".to_owned() });
    }
    if items.len() > STEPS_MAX {
        reading.note_at(items[STEPS_MAX].at, SpecFlaw::TooManySteps { count: items.len() });
        return Vec::new();
    }
    let (mut unread, mut listed) = (Vec::new(), Vec::new());
    for (place, item) in items.iter().enumerate() {
        let (step, is_read, names) = step(reading, item, place, spec);
        if !is_read {
            unread.push(place);
        }
        spec.steps.push(step);
        listed.push(names);
    }
    order::connect(reading, spec, &listed);
    unread
}

/// Reads one step; says whether it is known what it does, and which steps it lists.
fn step(reading: &mut Reading<'_>, node: &Node, place: usize, spec: &Spec) -> (Step, bool, Listed) {
    let id = id_of(node).filter(|id| check_kebab(id, ID_CHARS_MAX).is_ok());
    let path = id.map_or_else(|| format!("step[{place}]"), |id| format!("step.{id}"));
    let mut step = Step {
        id: String::new(),
        at: node.at,
        kind: StepKind::Set { value: Template::value(node.at, Json::Null) },
        kind_at: node.at,
        needs: Vec::new(),
        when: None,
        for_each: None,
        max_parallel: spec.max_parallel,
        retry: Retry::NONE,
        timeout_ms: None,
        on_error: OnError::Fail,
    };
    let Some(section) = reading.open(node, &path, KEYS) else { return (step, false, Vec::new()) };
    step.id = id_read(reading, &section, spec).unwrap_or_default();
    let kind = kind::read(reading, &section, node);
    let is_read = kind.is_some();
    step.kind = kind.unwrap_or(step.kind);
    step.kind_at = section.get(step.kind.word()).map_or(node.at, |node| node.at);
    step.when = section.get("when").and_then(|node| condition(reading, node, &section));
    step.for_each = section.get("for-each").and_then(|node| items(reading, node, &section));
    let max_parallel = reading.keep(section.small_count("max-parallel", PARALLEL_MAX as u32));
    if let (Some(node), None) = (section.get("max-parallel"), section.get("for-each")) {
        let (key, with) = ("max-parallel", "for-each");
        reading.note_at(node.at, SpecFlaw::Useless { key, with });
    }
    step.max_parallel = max_parallel.flatten().map_or(spec.max_parallel, |it| it as usize);
    step.retry = section.get("retry").map_or(Retry::NONE, |node| retry(reading, node, &section));
    step.timeout_ms = reading.time_ms(&section, "timeout");
    let words = &["fail", "continue", "skip"];
    step.on_error = reading.choice(&section, "on-error", words, &OnError::ALL).unwrap_or_default();
    let listed = needs(reading, &section);
    (step, is_read, listed)
}

fn id_of(node: &Node) -> Option<&str> {
    let Value::Table(entries) = &node.value else { return None };
    let entry = entries.iter().find(|entry| entry.key == "id")?;
    match &entry.node.value {
        Value::String(id) => Some(id),
        _ => None,
    }
}

/// Reads the name of a step, which no step before it has.
fn id_read(reading: &mut Reading<'_>, section: &Section<'_, '_>, spec: &Spec) -> Option<String> {
    let node = reading.keep(section.required("id"))?;
    let id = kebab(reading, node, &section.path("id"), ID_CHARS_MAX)?;
    match spec.steps.iter().find(|step| step.id == id) {
        None => Some(id),
        Some(first) => {
            let line = place(first.at, reading.text).0;
            reading.note_at(node.at, SpecFlaw::DuplicateStep { step: id, line });
            None
        }
    }
}

/// Reads whether a step is done: `true`, `false` or one expression.
fn condition(
    reading: &mut Reading<'_>,
    node: &Node,
    section: &Section<'_, '_>,
) -> Option<Template> {
    let template = value::template(reading, node)?;
    match template.literal() {
        Some(Json::Bool(_)) | None if !is_table(node) && !matches!(node.value, Value::List(_)) => {
            Some(template)
        }
        _ => {
            let wanted = "`true`, `false` or an expression";
            reading.note(wrong_type(node, &section.path("when"), wanted));
            None
        }
    }
}

/// Reads what a step is done for: a list, or an expression that comes to one.
fn items(reading: &mut Reading<'_>, node: &Node, section: &Section<'_, '_>) -> Option<Template> {
    let template = value::template(reading, node)?;
    match (&node.value, template.literal()) {
        (Value::List(items), _) if items.len() > crate::workflow::expression::ITEMS_MAX => {
            reading.note_at(node.at, SpecFlaw::TooManyItems { count: items.len() });
            None
        }
        (Value::List(_), _) | (Value::String(_), None) => Some(template),
        _ => {
            let wanted = "a list, or an expression that comes to one";
            reading.note(wrong_type(node, &section.path("for-each"), wanted));
            None
        }
    }
}

fn retry(reading: &mut Reading<'_>, node: &Node, section: &Section<'_, '_>) -> Retry {
    let path = section.path("retry");
    let Some(section) = reading.open(node, &path, &["max", "backoff"]) else { return Retry::NONE };
    reading.keep(section.required("max"));
    let max = reading.keep(section.small_count("max", RETRIES_MAX)).flatten();
    let backoff_ms = reading.time_ms(&section, "backoff");
    Retry { max: max.unwrap_or(0), backoff_ms: backoff_ms.unwrap_or(BACKOFF_DEFAULT_MS) }
}

fn needs(reading: &mut Reading<'_>, section: &Section<'_, '_>) -> Listed {
    let Some(node) = section.get("needs") else { return Vec::new() };
    let path = section.path("needs");
    let Some(items) = reading.keep(node.items(&path)) else { return Vec::new() };
    let mut listed = Vec::new();
    for item in items.iter().take(STEPS_MAX) {
        if let Some(name) = reading.keep(item.text(&path)) {
            listed.push((name.to_owned(), item.at));
        }
    }
    listed
}
