//! Says what does not fit in a value, and where.
//!
//! Invariant: a line is short, whatever the schema and the value hold.
//! Not here: what fits (the module above).

use std::fmt;

use serde_json::Value;

use crate::plugin::text;

/// Bytes of a place that are shown.
const PLACE_BYTES: usize = 256;
/// Characters of a text that are shown.
const SHOWN_CHARS: usize = 32;
/// Choices that are shown.
const SHOWN_CHOICES: usize = 16;

/// Where a value stands.
pub(super) enum Place<'a> {
    Whole,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// Counts the bytes of its names.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Whole => 0,
            Self::Member(above, name) => above.bytes() + name.len(),
            Self::Item(above, _) => above.bytes(),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Member(Self::Whole, name) => f.write_str(name),
            Self::Member(above, name) => write!(f, "{above}.{name}"),
            Self::Item(above, index) => write!(f, "{above}[{index}]"),
        }
    }
}

/// Says what does not fit where.
pub(super) fn told(at: &Place<'_>, why: &str) -> String {
    let is_expected = why.starts_with("expected ");
    match at {
        Place::Whole if is_expected => why.to_owned(),
        Place::Whole => format!("it {why}"),
        _ => {
            let place = text::line(&at.to_string(), PLACE_BYTES);
            format!("`{place}`{} {why}", if is_expected { ":" } else { "" })
        }
    }
}

/// Says which types are expected.
pub(super) fn kinds(kinds: &[Value]) -> String {
    let kinds = kinds.iter().filter_map(Value::as_str).take(SHOWN_CHOICES).map(called);
    kinds.collect::<Vec<_>>().join(" or ")
}

/// Says which values are expected.
pub(super) fn choices(choices: &[Value]) -> String {
    let shown: Vec<String> = choices.iter().take(SHOWN_CHOICES).map(shown).collect();
    match choices.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} or {more} more", shown.join(", ")),
    }
}

fn called(kind: &str) -> &str {
    match kind {
        "boolean" => "true or false",
        "number" => "a number",
        "integer" => "a whole number",
        "string" => "text",
        "array" => "a list",
        "object" => "an object",
        other => other,
    }
}

/// Says what a value is, and which one, if it is short.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().nth(SHOWN_CHARS).is_some() => "text".to_owned(),
        Value::String(_) => text::line(&value.to_string(), PLACE_BYTES),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
