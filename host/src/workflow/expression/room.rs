//! How much a template may come to.
//!
//! Invariant: nothing is copied before there is room for it.

use serde_json::Value;

use super::error::EvaluationFlaw;
use super::{VALUE_BYTES_MAX, VALUE_DEPTH_MAX};

/// What is left for what a template comes to.
#[derive(Debug)]
pub(super) struct Room {
    bytes_left: usize,
}

impl Room {
    pub(super) fn new() -> Self {
        Self { bytes_left: VALUE_BYTES_MAX }
    }

    /// Takes room for a number of bytes.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), EvaluationFlaw> {
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(EvaluationFlaw::TooLarge)?;
        Ok(())
    }

    /// Takes room for a value that comes to lie `depth` deep.
    pub(super) fn take_for(&mut self, value: &Value, depth: usize) -> Result<(), EvaluationFlaw> {
        if depth > VALUE_DEPTH_MAX {
            return Err(EvaluationFlaw::TooDeep);
        }
        match value {
            Value::Null => self.take(4),
            Value::Bool(_) => self.take(5),
            Value::Number(number) => self.take(number.to_string().len()),
            Value::String(text) => self.take(json_bytes(text)),
            Value::Array(items) => {
                self.take(2 + items.len().saturating_sub(1))?;
                items.iter().try_for_each(|item| self.take_for(item, depth + 1))
            }
            Value::Object(members) => {
                self.take(2 + members.len().saturating_sub(1))?;
                members.iter().try_for_each(|(name, member)| {
                    self.take(json_bytes(name) + 1)?;
                    self.take_for(member, depth + 1)
                })
            }
        }
    }
}

/// Counts the bytes of a text in JSON.
pub(super) fn json_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum::<usize>() + 2
}
