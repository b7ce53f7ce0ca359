//! What a query answers: cells for programs, and the same as CSV to read.
//!
//! A number may be spelled otherwise than in the text: `1.50` is 1.5.

use std::cmp::Ordering;

use ax_sdk::prelude::*;

use crate::kind::{Kind, Value};

/// Bytes of an answer as CSV. As JSON it is a few times as long, and both fit the 1 MiB that a call may
/// answer.
const CSV_BYTES_MAX: usize = 200 << 10;

/// A cell of an answer; `null` is an empty one.
#[data]
#[serde(untagged)]
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// `true` or `false`.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A text or a date.
    Text(String),
}

/// A column of an answer.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its cells are, the empty ones aside.
    #[serde(rename = "type")]
    pub kind: Kind,
}

/// The rows that were asked for.
#[data]
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// The columns, from left to right.
    pub columns: Vec<Column>,
    /// The rows, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
    /// How many rows or groups there are, those beyond `limit` included.
    pub found: usize,
}

impl From<Value<'_>> for Cell {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Empty => Self::Empty,
            Value::Boolean(value) => Self::Boolean(value),
            Value::Integer(value) => Self::Integer(value),
            Value::Number(value) => Self::Number(value),
            Value::Text(value) => Self::Text(value.to_owned()),
        }
    }
}

impl Cell {
    /// What it is, to be compared.
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Empty => Value::Empty,
            Self::Boolean(value) => Value::Boolean(*value),
            Self::Integer(value) => Value::Integer(*value),
            Self::Number(value) => Value::Number(*value),
            Self::Text(value) => Value::Text(value),
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

impl Answer {
    /// Writes it as CSV.
    ///
    /// # Errors
    ///
    /// `exhausted` when it is too long for an answer.
    pub(crate) fn csv(&self) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns.iter().map(|column| &column.name))?;
        let mut bytes = 0;
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(Cell::to_string).collect();
            bytes += cells.iter().map(String::len).sum::<usize>() + cells.len();
            if bytes > CSV_BYTES_MAX {
                return Err(too_long());
            }
            writer.write_record(cells)?;
        }
        let bytes = writer.into_inner().map_err(|error| error.into_error())?;
        Ok(String::from_utf8(bytes)?)
    }
}

/// What is said of an answer that is longer than a call may answer.
pub(crate) fn too_long() -> Error {
    let message = "the answer is too long; set a lower `limit`, or ask for fewer columns";
    Error::new(ErrorKind::Exhausted, message).code("result")
}

/// Orders two cells: empty ones come last, whichever way the others go.
pub(crate) fn order(one: Value<'_>, other: Value<'_>, descending: bool) -> Ordering {
    match (one, other) {
        (Value::Empty, Value::Empty) => Ordering::Equal,
        (Value::Empty, _) => Ordering::Greater,
        (_, Value::Empty) => Ordering::Less,
        (one, other) => {
            let order = one.compare(other).unwrap_or(Ordering::Equal);
            if descending { order.reverse() } else { order }
        }
    }
}
