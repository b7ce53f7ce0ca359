//! Text, lists and tables in which expressions stand.
//!
//! Invariant: a text that is one expression and nothing else gives the value itself; any other text with
//! expressions gives a text.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use super::ITEMS_MAX;
use super::error::{EvaluationError, EvaluationFlaw, ExpressionError, ExpressionFlaw};
use super::evaluate::{Scope, named, truth};
use super::room::{Room, json_bytes};
use super::syntax::{Expression, Path};

/// A value of a workflow file, which may hold expressions.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Byte offset of the value in the file.
    pub at: usize,
    /// What it is.
    pub form: Form,
}

/// What a template is.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// A value that is there already.
    Value(Value),
    /// One expression and nothing else.
    Whole(Part),
    /// Text with expressions in it.
    Text(Vec<Part>),
    /// Templates in their order.
    List(Vec<Template>),
    /// Templates with their names.
    Table(Vec<(String, Template)>),
    /// What could not be read. No spec that is handed out holds it.
    Unread,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// What an expression comes to.
    Expression {
        /// Byte offset of what stands between the braces, in the text.
        at: usize,
        /// The expression.
        expression: Expression,
    },
}

impl Template {
    /// Stands for what could not be read.
    #[must_use]
    pub fn unread(at: usize) -> Self {
        Self { at, form: Form::Unread }
    }

    /// Makes one of a value without expressions.
    #[must_use]
    pub fn value(at: usize, value: Value) -> Self {
        Self { at, form: Form::Value(value) }
    }

    /// Reads a text.
    ///
    /// # Errors
    ///
    /// Every [`ExpressionError`], with its byte offset in `text`.
    pub fn parse(at: usize, text: &str) -> Result<Self, Vec<ExpressionError>> {
        let (mut parts, mut errors) = (Vec::new(), Vec::new());
        let mut from = 0;
        while let Some(open) = text[from..].find("{{").map(|found| from + found) {
            if open > from {
                parts.push(Part::Text(text[from..open].to_owned()));
            }
            let inside = open + 2;
            let Some(end) = end_of(&text[inside..]).map(|end| inside + end) else {
                errors.push(ExpressionError { at: open, flaw: ExpressionFlaw::Open });
                return Err(errors);
            };
            match Expression::parse(&text[inside..end]) {
                Ok(expression) => parts.push(Part::Expression { at: inside, expression }),
                Err(error) => errors.push(ExpressionError { at: inside + error.at, ..error }),
            }
            from = end + 2;
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        if from < text.len() {
            parts.push(Part::Text(text[from..].to_owned()));
        }
        let form = match parts.as_slice() {
            [] => Form::Value(Value::from("")),
            [Part::Text(text)] => Form::Value(Value::from(text.as_str())),
            [Part::Expression { .. }] => Form::Whole(parts.remove(0)),
            _ => Form::Text(parts),
        };
        Ok(Self { at, form })
    }

    /// Makes one of a list. Without expressions it is a value.
    #[must_use]
    pub fn list(at: usize, items: Vec<Self>) -> Self {
        let values = items.iter().map(|item| item.literal().cloned()).collect();
        match values {
            Some(values) => Self::value(at, Value::Array(values)),
            None => Self { at, form: Form::List(items) },
        }
    }

    /// Makes one of a table.
    #[must_use]
    pub fn table(at: usize, members: Vec<(String, Self)>) -> Self {
        Self { at, form: Form::Table(members) }
    }

    /// Returns the value, if it has no expressions.
    #[must_use]
    pub fn literal(&self) -> Option<&Value> {
        match &self.form {
            Form::Value(value) => Some(value),
            Form::Whole(_) | Form::Text(_) | Form::List(_) | Form::Table(_) | Form::Unread => None,
        }
    }

    /// Lists the values it names, in the order of the text.
    #[must_use]
    pub fn references(&self) -> Vec<&Path> {
        let mut found = Vec::new();
        self.each_expression(&mut |_, _, expression| found.extend(expression.references()));
        found
    }

    /// Shows every expression, with the byte offset of its value in the file and its own offset in that.
    pub fn each_expression<'t>(&'t self, see: &mut dyn FnMut(usize, usize, &'t Expression)) {
        let mut part = |part: &'t Part| {
            if let Part::Expression { at, expression } = part {
                see(self.at, *at, expression);
            }
        };
        match &self.form {
            Form::Value(_) | Form::Unread => {}
            Form::Whole(whole) => part(whole),
            Form::Text(parts) => parts.iter().for_each(part),
            Form::List(items) => items.iter().for_each(|item| item.each_expression(see)),
            Form::Table(members) => {
                members.iter().for_each(|(_, member)| member.each_expression(see));
            }
        }
    }

    /// Evaluates it.
    ///
    /// # Errors
    ///
    /// [`EvaluationError`] of the first expression that comes to nothing, or if all of it comes to more
    /// than [`super::VALUE_BYTES_MAX`] bytes or deeper than [`super::VALUE_DEPTH_MAX`].
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluationError> {
        self.filled(scope, &mut Room::new(), 0)
    }

    /// Evaluates it as a condition.
    ///
    /// # Errors
    ///
    /// [`EvaluationError`]; what is neither true, false nor null is no condition.
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool, EvaluationError> {
        truth(&self.evaluate(scope)?).map_err(|flaw| self.failed(flaw))
    }

    /// Evaluates it as the list of what a step is done for; null has no items.
    ///
    /// # Errors
    ///
    /// [`EvaluationError`]; what is no list, or has more than [`ITEMS_MAX`] items, is refused.
    pub fn items(&self, scope: &Scope<'_>) -> Result<Vec<Value>, EvaluationError> {
        match self.evaluate(scope)? {
            Value::Null => Ok(Vec::new()),
            Value::Array(items) if items.len() > ITEMS_MAX => {
                Err(self.failed(EvaluationFlaw::TooMany { count: items.len() }))
            }
            Value::Array(items) => Ok(items),
            other => Err(self.failed(EvaluationFlaw::Type {
                what: "what `for-each` is given".to_owned(),
                found: named(&other),
                wanted: "a list",
            })),
        }
    }

    fn failed(&self, flaw: EvaluationFlaw) -> EvaluationError {
        let mut text = None;
        self.each_expression(&mut |_, _, it| {
            text.get_or_insert_with(|| format!("{{{{ {} }}}}", it.text()));
        });
        EvaluationError { text: text.unwrap_or_else(|| "the value".to_owned()), flaw }
    }

    fn filled(
        &self,
        scope: &Scope<'_>,
        room: &mut Room,
        depth: usize,
    ) -> Result<Value, EvaluationError> {
        Ok(match &self.form {
            Form::Value(value) => {
                room.take_for(value, depth).map_err(|flaw| self.failed(flaw))?;
                value.clone()
            }
            Form::Whole(Part::Text(text)) => Value::from(text.as_str()),
            Form::Whole(Part::Expression { expression, .. }) => {
                let value = expression.evaluate(scope)?;
                room.take_for(&value, depth).map_err(|flaw| expression.failed(flaw))?;
                value.into_owned()
            }
            Form::Unread => Value::Null,
            Form::Text(parts) => Value::from(text_of(parts, scope, room)?),
            Form::List(items) => {
                room.take(2 + items.len()).map_err(|flaw| self.failed(flaw))?;
                let items = items.iter().map(|item| item.filled(scope, room, depth + 1));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Form::Table(members) => {
                let mut filled = Map::new();
                for (name, member) in members {
                    room.take(json_bytes(name) + 2).map_err(|flaw| self.failed(flaw))?;
                    filled.insert(name.clone(), member.filled(scope, room, depth + 1)?);
                }
                Value::Object(filled)
            }
        })
    }
}

impl fmt::Display for Template {
    /// Shows it as it is written, tables and lists as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Expression { expression, .. } => format!("{{{{ {} }}}}", expression.text()),
        };
        match &self.form {
            Form::Value(Value::String(text)) => f.write_str(text),
            Form::Value(value) => value.fmt(f),
            Form::Unread => f.write_str("…"),
            Form::Whole(whole) => f.write_str(&part(whole)),
            Form::Text(parts) => parts.iter().try_for_each(|it| f.write_str(&part(it))),
            Form::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(","))
            }
            Form::Table(members) => {
                let members = members.iter().map(|(name, member)| format!("{name}: {member}"));
                write!(f, "{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Puts the values of expressions into their text: strings as they are, all else as compact JSON.
fn text_of(parts: &[Part], scope: &Scope<'_>, room: &mut Room) -> Result<String, EvaluationError> {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(piece) => text.push_str(piece),
            Part::Expression { expression, .. } => {
                let value: Cow<'_, Value> = expression.evaluate(scope)?;
                room.take_for(&value, 0).map_err(|flaw| expression.failed(flaw))?;
                match value.as_ref() {
                    Value::String(piece) => text.push_str(piece),
                    other => text.push_str(&other.to_string()),
                }
            }
        }
    }
    Ok(text)
}

/// Finds the `}}` that closes an expression: the first that stands in no text. If a quote is never closed,
/// the first there is, so that the error is about the quote.
fn end_of(inside: &str) -> Option<usize> {
    let mut quote = None;
    let bytes = inside.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == b'"' || byte == b'\'' => quote = Some(byte),
            None if byte == b'}' && bytes.get(at + 1) == Some(&b'}') => return Some(at),
            None => {}
        }
    }
    inside.find("}}")
}
