//! What a step does: exactly one of the kinds, and what belongs to it.

use std::str::FromStr;

use ax_manifest::reading::{Node, Section, Value, shown_line};
use ax_manifest::{NAME_PART_CHARS_MAX, ToolId};
use serde_json::Value as Json;

use super::error::SpecFlaw;
use super::header::{kebab, schema};
use super::reading::Reading;
use super::{AgentName, EXPIRES_DEFAULT_MS, StepKind, ToolCall, Wait, instant_ms, value};

/// Keys that say what a step does.
pub(super) const KINDS: [&str; 9] =
    ["tool", "agent", "model", "approve", "wait", "wait-until", "wait-for", "workflow", "set"];

/// Keys that have a meaning only in steps of some kinds.
const OWN_KEYS: [(&str, &[&str]); 12] = [
    ("with", &["tool", "agent", "workflow"]),
    ("happened", &["tool"]),
    ("undo", &["tool"]),
    ("goal", &["agent"]),
    ("system", &["model"]),
    ("prompt", &["model"]),
    ("schema", &["model"]),
    ("max-tokens", &["model"]),
    ("details", &["approve"]),
    ("expires-in", &["approve"]),
    ("retry", &["tool", "agent", "model", "workflow"]),
    ("timeout", &["tool", "agent", "model", "workflow", "wait-for"]),
];

/// Characters of the name of a model or tier, as providers give them.
const MODEL_CHARS_MAX: usize = 128;

/// Characters of a signal's name.
const SIGNAL_CHARS_MAX: usize = 64;

/// Bytes of the way to another file.
const FILE_BYTES_MAX: usize = 256;

/// Tokens of an answer that can be asked for, more than any model gives.
const ANSWER_TOKENS_MAX: u32 = 1_000_000;

/// Reads what a step does; none if that cannot be told.
pub(super) fn read(
    reading: &mut Reading<'_>,
    section: &Section<'_, '_>,
    node: &Node,
) -> Option<StepKind> {
    let given: Vec<&'static str> =
        KINDS.into_iter().filter(|kind| section.get(kind).is_some()).collect();
    let kind = match given.as_slice() {
        [kind] => *kind,
        [] => {
            reading.note_at(node.at, SpecFlaw::NoKind);
            return None;
        }
        [first, second, ..] => {
            let at = section.get(second).map_or(node.at, |node| node.at);
            reading.note_at(at, SpecFlaw::TwoKinds { first, second });
            return None;
        }
    };
    for (key, kinds) in OWN_KEYS {
        if let Some(node) = section.get(key)
            && !kinds.contains(&kind)
        {
            reading.note_at(node.at, SpecFlaw::Misplaced { key, kind, kinds });
        }
    }
    let named = section.get(kind)?;
    match kind {
        "tool" => tool(reading, section, named),
        "agent" => agent(reading, section, named),
        "model" => model(reading, section, named),
        "approve" => approve(reading, section),
        "wait" => Some(StepKind::Wait(Wait::Time { ms: reading.time_ms(section, kind)? })),
        "wait-until" => until(reading, section, named),
        "wait-for" => {
            let name = kebab(reading, named, &section.path(kind), SIGNAL_CHARS_MAX)?;
            Some(StepKind::Wait(Wait::Signal { name }))
        }
        "workflow" => workflow(reading, section, named),
        _ => Some(StepKind::Set { value: value::template(reading, named)? }),
    }
}

fn tool(reading: &mut Reading<'_>, section: &Section<'_, '_>, named: &Node) -> Option<StepKind> {
    let tool = tool_id(reading, named, &section.path("tool"));
    let with = value::table(reading, section, "with", named.at);
    let happened = section.get("happened").map(|node| mend(reading, section, "happened", node));
    let undo = section.get("undo").map(|node| mend(reading, section, "undo", node));
    if let (Some(_), Some(undo)) = (section.get("happened"), section.get("undo")) {
        reading.note_at(undo.at, SpecFlaw::TwoMends);
    }
    let call = ToolCall { at: named.at, tool: tool?, with };
    Some(StepKind::Tool { call, happened: happened.flatten(), undo: undo.flatten() })
}

/// Reads the call that finds out about another, or undoes it.
fn mend(
    reading: &mut Reading<'_>,
    section: &Section<'_, '_>,
    key: &str,
    node: &Node,
) -> Option<ToolCall> {
    let path = section.path(key);
    let section = reading.open(node, &path, &["tool", "with"])?;
    let named = reading.keep(section.required("tool"));
    let tool = named.and_then(|named| tool_id(reading, named, &section.path("tool")));
    let with = value::table(reading, &section, "with", node.at);
    Some(ToolCall { at: named?.at, tool: tool?, with })
}

fn tool_id(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<ToolId> {
    let text = reading.keep(node.text(path))?;
    let id = ToolId::from_str(text);
    id.map_err(|error| reading.note_at(node.at, SpecFlaw::Id(error))).ok()
}

fn agent(reading: &mut Reading<'_>, section: &Section<'_, '_>, named: &Node) -> Option<StepKind> {
    let path = section.path("agent");
    let text = reading.keep(named.text(&path));
    let agent = text.and_then(|text| match text.contains([':', '.']) {
        true => tool_id(reading, named, &path).map(AgentName::Programmed),
        false => kebab(reading, named, &path, NAME_PART_CHARS_MAX).map(AgentName::Declared),
    });
    let goal = value::text(reading, section, "goal");
    let with = value::table(reading, section, "with", named.at);
    Some(StepKind::Agent { agent: agent?, goal, with })
}

fn model(reading: &mut Reading<'_>, section: &Section<'_, '_>, named: &Node) -> Option<StepKind> {
    let name = reading.keep(shown_line(named, &section.path("model"), MODEL_CHARS_MAX));
    let system = value::text(reading, section, "system");
    let is_asked = reading.keep(section.required("prompt")).is_some();
    let prompt = is_asked.then(|| value::text(reading, section, "prompt")).flatten();
    let answer = section
        .get("schema")
        .and_then(|node| schema(reading, node, &section.path("schema"), false));
    let max_tokens = reading.keep(section.small_count("max-tokens", ANSWER_TOKENS_MAX)).flatten();
    Some(StepKind::Model { model: name?, system, prompt: prompt?, schema: answer, max_tokens })
}

fn approve(reading: &mut Reading<'_>, section: &Section<'_, '_>) -> Option<StepKind> {
    let text = value::text(reading, section, "approve");
    let details = section.get("details").and_then(|node| value::template(reading, node));
    let expires_in_ms = reading.time_ms(section, "expires-in").unwrap_or(EXPIRES_DEFAULT_MS);
    Some(StepKind::Approve { text: text?, details, expires_in_ms })
}

fn until(reading: &mut Reading<'_>, section: &Section<'_, '_>, named: &Node) -> Option<StepKind> {
    let is_instant = |value: &Json| instant_ms(value).is_some();
    let template = match &named.value {
        Value::String(_) => value::text(reading, section, "wait-until")?,
        _ => {
            let wrong = named.wrong_type(&section.path("wait-until"), "a time in quotes");
            reading.note(wrong);
            return None;
        }
    };
    if template.literal().is_some_and(|value| !is_instant(value)) {
        reading.note_at(named.at, SpecFlaw::Instant);
        return None;
    }
    Some(StepKind::Wait(Wait::Until(template)))
}

fn workflow(
    reading: &mut Reading<'_>,
    section: &Section<'_, '_>,
    named: &Node,
) -> Option<StepKind> {
    let file = reading.keep(shown_line(named, &section.path("workflow"), FILE_BYTES_MAX));
    let file = file.and_then(|file| match flaw_of_file(&file) {
        None => Some(file),
        Some(why) => {
            reading.note_at(named.at, SpecFlaw::File { file, why });
            None
        }
    });
    let with = value::table(reading, section, "with", named.at);
    Some(StepKind::Workflow { file: file?, with })
}

/// Says why a text is not the way to a file in the folder of this one; none if it is.
fn flaw_of_file(file: &str) -> Option<&'static str> {
    if file.starts_with('/') || file.contains(['\\', ':']) {
        return Some("it does not begin in the folder of this file");
    }
    if file.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return Some("a part of it is empty, `.` or `..`");
    }
    (!file.ends_with(".toml")).then_some("it does not end in `.toml`")
}
