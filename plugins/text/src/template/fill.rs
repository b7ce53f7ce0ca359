//! Fills in a template that was read.
//!
//! The first part of a name is looked for in the innermost item that has it, the others below what
//! it is. Invariant: at most [`STEPS_MAX`] steps, since nested sections multiply.

use serde_json::Value;

use super::Missing;
use super::parse::Name;
use super::parse::Piece;
use crate::document::kind;
use crate::output::Output;
use crate::place::place_of;
use crate::refusal::Refusal;
use crate::refusal::quote;

/// Pieces filled in and items looked through. A full answer of 1 MiB takes far fewer; a million
/// takes a tenth of a call's fuel.
const STEPS_MAX: u64 = 1_000_000;

/// A filling under way.
struct Filling<'a> {
    template: &'a str,
    missing: Missing,
    /// The data and the items of the sections around, innermost last.
    items: Vec<&'a Value>,
    output: Output,
    steps_left: u64,
}

pub(super) fn fill<'a>(
    template: &'a str,
    pieces: &[Piece<'a>],
    data: &'a Value,
    missing: Missing,
) -> Result<String, Refusal> {
    let (items, output) = (vec![data], Output::default());
    let mut filling = Filling { template, missing, items, output, steps_left: STEPS_MAX };
    filling.pieces(pieces)?;
    Ok(filling.output.into_text())
}

impl<'a> Filling<'a> {
    fn pieces(&mut self, pieces: &[Piece<'a>]) -> Result<(), Refusal> {
        for piece in pieces {
            self.step()?;
            match piece {
                Piece::Text(text) => self.output.push(text)?,
                Piece::Value(name) => self.value(*name)?,
                Piece::Section { name, inverted, body } => self.section(*name, *inverted, body)?,
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Refusal> {
        let left = self.steps_left.checked_sub(1);
        self.steps_left = left.ok_or(Refusal::Steps { max: STEPS_MAX })?;
        Ok(())
    }

    fn value(&mut self, name: Name<'a>) -> Result<(), Refusal> {
        match self.find(name)? {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Bool(value)) => self.output.push(if *value { "true" } else { "false" }),
            Some(Value::Number(value)) => self.output.push(&value.to_string()),
            Some(Value::String(value)) => self.output.push(value),
            Some(value @ (Value::Array(_) | Value::Object(_))) => {
                let place = place_of(self.template, name.at);
                Err(Refusal::NotPrintable {
                    name: quote(name.text),
                    line: place.line,
                    column: place.column,
                    found: kind(value),
                })
            }
        }
    }

    fn section(
        &mut self,
        name: Name<'a>,
        inverted: bool,
        body: &[Piece<'a>],
    ) -> Result<(), Refusal> {
        let found = self.find(name)?.filter(|value| !is_nothing(value));
        match (found, inverted) {
            (None, true) => self.pieces(body),
            (None, false) | (Some(_), true) => Ok(()),
            (Some(Value::Array(items)), false) => {
                for item in items {
                    self.step()?;
                    self.within(item, body)?;
                }
                Ok(())
            }
            (Some(item), false) => self.within(item, body),
        }
    }

    fn within(&mut self, item: &'a Value, body: &[Piece<'a>]) -> Result<(), Refusal> {
        self.items.push(item);
        let filled = self.pieces(body);
        self.items.pop();
        filled
    }

    /// Looks a name up; nothing only when names may be missing.
    fn find(&mut self, name: Name<'a>) -> Result<Option<&'a Value>, Refusal> {
        if name.text == "." {
            return Ok(self.items.last().copied());
        }
        let mut parts = name.text.split('.');
        let first = parts.next().unwrap_or_default();
        let mut found = None;
        for depth in (0..self.items.len()).rev() {
            self.step()?;
            found = self.items[depth].get(first);
            if found.is_some() {
                break;
            }
        }
        let found = parts.try_fold(found, |value, part| value.map(|value| value.get(part)));
        match (found.flatten(), self.missing) {
            (None, Missing::Error) => {
                let place = place_of(self.template, name.at);
                let (line, column) = (place.line, place.column);
                Err(Refusal::NoName { name: quote(name.text), line, column })
            }
            (found, _) => Ok(found),
        }
    }
}

/// Whether a section is left out.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => false,
    }
}
