//! Writes nodes: normalized paths (RFC 9535, section 2.7) and JSON texts.

use std::fmt::Write;

use serde_json::Value;

use super::evaluate::Step;
use crate::output::Output;
use crate::refusal::Refusal;

/// Writes the path to a node.
///
/// # Errors
///
/// [`Refusal::Result`] when it is longer than an answer.
pub(super) fn path(trail: &[Step<'_>]) -> Result<String, Refusal> {
    let mut path = Output::default();
    path.push("$")?;
    for step in trail {
        match step {
            Step::Index(index) => path.push(&format!("[{index}]"))?,
            Step::Name(name) => {
                path.push("['")?;
                path.push(&escaped(name))?;
                path.push("']")?;
            }
        }
    }
    Ok(path.into_text())
}

fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '\'' => text.push_str("\\'"),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\0'..='\u{1f}' => write!(text, "\\u{:04x}", u32::from(character))
                .expect("writing to a string never fails"),
            _ => text.push(character),
        }
    }
    text
}

/// Writes a value.
///
/// # Errors
///
/// [`Refusal::Result`] when it is longer than an answer.
pub(super) fn value(value: &Value) -> Result<String, Refusal> {
    let mut text = Output::default();
    // Values hold only what JSON can say, so that nothing else can go wrong.
    serde_json::to_writer(&mut text, value).map_err(|_| Refusal::Result)?;
    Ok(text.into_text())
}
