//! Writes CSV from a JSON list of objects or of lists.

use std::collections::HashSet;

use ax_sdk::data;
use csv::QuoteStyle;
use csv::Terminator;
use serde_json::Map;
use serde_json::Value;

use super::CELLS_MAX;
use super::COLUMNS_MAX;
use super::ROWS_MAX;
use super::delimiter;
use crate::document;
use crate::output::RESULT_BYTES_MAX;
use crate::refusal::Refusal;
use crate::refusal::quote;

/// A mark that readers drop at the start of a text unless it is in quotes.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// How to write a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writing {
    /// The columns, if not all.
    pub columns: Option<Vec<String>>,
    /// What to put between cells; a comma if nothing.
    pub delimiter: Option<char>,
    /// Whether to write the names first.
    pub header: bool,
    /// Whether lines end with CR LF.
    pub crlf: bool,
}

/// The text of a table.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// The text. Cells are quoted where they have to be.
    pub text: String,
    /// Rows written, the header not counted.
    pub rows: usize,
    /// The columns written; empty for lists without `columns`.
    pub columns: Vec<String>,
}

/// The rows, which are all of one kind.
enum Rows<'a> {
    Objects(Vec<&'a Map<String, Value>>),
    Lists(Vec<&'a [Value]>),
}

/// Writes a table.
///
/// # Errors
///
/// [`Refusal::Json`], [`Refusal::Record`], [`Refusal::Delimiter`], [`Refusal::TooLong`],
/// [`Refusal::TooMany`], [`Refusal::OutOfRange`], [`Refusal::Result`].
pub fn write(records: &str, writing: Writing) -> Result<Written, Refusal> {
    let delimiter = delimiter(writing.delimiter)?;
    if let Some(columns) = &writing.columns {
        let max = u32::try_from(COLUMNS_MAX).unwrap_or(u32::MAX);
        let found = u32::try_from(columns.len()).unwrap_or(u32::MAX);
        crate::refusal::check_range("columns", found, 1..=max)?;
    }
    let document = document::read("records", records)?;
    let rows = rows(&document)?;
    let named = writing.columns.is_some() || matches!(rows, Rows::Objects(_));
    let columns = match (writing.columns, &rows) {
        (Some(columns), _) => columns,
        (None, Rows::Objects(objects)) => members(objects)?,
        (None, Rows::Lists(_)) => Vec::new(),
    };
    let cells = cells(&rows, &columns, named)?;
    let header = (writing.header && !columns.is_empty()).then_some(&columns);
    let first = header.and_then(|names| names.first()).or_else(|| cells.first()?.first());
    let must_quote = first.is_some_and(|cell| cell.starts_with(BYTE_ORDER_MARK));
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(if writing.crlf { Terminator::CRLF } else { Terminator::Any(b'\n') })
        .quote_style(if must_quote { QuoteStyle::Always } else { QuoteStyle::Necessary })
        .from_writer(Vec::new());
    for row in header.into_iter().chain(&cells) {
        // Writing to memory, rows of one length, cannot fail.
        writer.write_record(row).map_err(|_| Refusal::Result)?;
    }
    let bytes = writer.into_inner().map_err(|_| Refusal::Result)?;
    let text = String::from_utf8(bytes).map_err(|_| Refusal::Result)?;
    if text.len() > RESULT_BYTES_MAX {
        return Err(Refusal::Result);
    }
    Ok(Written { text, rows: cells.len(), columns })
}

fn rows(document: &Value) -> Result<Rows<'_>, Refusal> {
    let Value::Array(records) = document else {
        let why = format!("{}; it should be a list", document::kind(document));
        return Err(Refusal::Json { member: "records", why });
    };
    if records.len() > ROWS_MAX {
        return Err(Refusal::TooMany { member: "records", things: "rows", max: ROWS_MAX });
    }
    let wrong = |index: usize, wanted: &str| {
        let found = document::kind(&records[index]);
        Refusal::Record { at: format!("records[{index}]"), found, wanted: wanted.to_owned() }
    };
    let each = records.iter().enumerate();
    match records.first() {
        Some(Value::Array(_)) => {
            let lists = each.map(|(index, record)| match record {
                Value::Array(cells) => Ok(cells.as_slice()),
                _ => Err(wrong(index, "a list as the first one")),
            });
            lists.collect::<Result<_, _>>().map(Rows::Lists)
        }
        Some(Value::Object(_)) | None => {
            let objects = each.map(|(index, record)| match record {
                Value::Object(members) => Ok(members),
                _ => Err(wrong(index, "an object as the first one")),
            });
            objects.collect::<Result<_, _>>().map(Rows::Objects)
        }
        Some(_) => Err(wrong(0, "an object or a list")),
    }
}

/// Lists the members of all objects in the order in which they first come.
fn members(objects: &[&Map<String, Value>]) -> Result<Vec<String>, Refusal> {
    let (mut names, mut known) = (Vec::new(), HashSet::new());
    for name in objects.iter().flat_map(|object| object.keys()) {
        if known.insert(name.as_str()) {
            if names.len() == COLUMNS_MAX {
                let things = "columns";
                return Err(Refusal::TooMany { member: "records", things, max: COLUMNS_MAX });
            }
            names.push(name.clone());
        }
    }
    if names.is_empty() && !objects.is_empty() {
        let wanted = "an object with members".to_owned();
        let at = "records[0]".to_owned();
        return Err(Refusal::Record { at, found: "an empty object", wanted });
    }
    Ok(names)
}

fn cells(rows: &Rows<'_>, columns: &[String], named: bool) -> Result<Vec<Vec<String>>, Refusal> {
    let (count, width) = match rows {
        Rows::Objects(objects) => (objects.len(), columns.len()),
        Rows::Lists(lists) if named => (lists.len(), columns.len()),
        Rows::Lists(lists) => (lists.len(), lists.first().map_or(0, |list| list.len())),
    };
    if width > COLUMNS_MAX {
        return Err(Refusal::TooMany { member: "records", things: "columns", max: COLUMNS_MAX });
    }
    if count * width > CELLS_MAX {
        return Err(Refusal::TooMany { member: "records", things: "cells", max: CELLS_MAX });
    }
    match rows {
        Rows::Objects(objects) => {
            let row = |(row, object): (usize, &&Map<String, Value>)| {
                let cell = |name: &String| {
                    let at = || format!("records[{row}].{}", quote(name));
                    object.get(name).map_or_else(|| Ok(String::new()), |value| cell(value, at))
                };
                columns.iter().map(cell).collect()
            };
            objects.iter().enumerate().map(row).collect()
        }
        Rows::Lists(lists) => {
            let row = |(row, list): (usize, &&[Value])| {
                if list.len() != width || width == 0 {
                    let wanted = format!("a list of {} cells", width.max(1));
                    let (at, found) = (format!("records[{row}]"), "a list of another length");
                    return Err(Refusal::Record { at, found, wanted });
                }
                let at = |column: usize| move || format!("records[{row}][{column}]");
                list.iter().enumerate().map(|(column, value)| cell(value, at(column))).collect()
            };
            lists.iter().enumerate().map(row).collect()
        }
    }
}

fn cell(value: &Value, at: impl FnOnce() -> String) -> Result<String, Refusal> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(value) => Ok(value.to_string()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Object(_) => {
            let wanted = "text, a number, a truth value or null".to_owned();
            Err(Refusal::Record { at: at(), found: document::kind(value), wanted })
        }
    }
}
