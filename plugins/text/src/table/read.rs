//! Reads CSV.
//!
//! Rows may have any number of cells: the table is as wide as the widest, and the others are
//! reported. Quotes in the middle of a cell are text, as in every reader; a quote that is never
//! closed is an error, since it swallows the rest of the table.

use std::collections::HashMap;
use std::io::Read;

use ax_sdk::data;
use csv::StringRecord;

use super::CELLS_MAX;
use super::COLUMNS_MAX;
use super::ROWS_MAX;
use super::column::Column;
use super::column::Values;
use super::delimiter;
use crate::output::Output;
use crate::place::Cursor;
use crate::place::TEXT_BYTES_MAX;
use crate::refusal::Refusal;
use crate::refusal::check_length;

/// Ragged rows that are listed: who sees a hundred knows enough.
const RAGGED_MAX: usize = 100;
/// A row put behind the text; whatever quote is open swallows it.
const SENTINEL: &str = "\nend";

/// How to read a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What stands between cells; a comma if nothing.
    pub delimiter: Option<char>,
    /// Whether the first row holds the names.
    pub header: bool,
    /// Whether to tell numbers and truth values from text.
    pub typed: bool,
    /// Whether to write the rows as JSON objects.
    pub records: bool,
}

/// A row with fewer or more cells than the first one.
#[data]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ragged {
    /// Its number, from 1, the header not counted.
    pub row: usize,
    /// The line of the text on which it begins, from 1.
    pub line: u32,
    /// Its cells.
    pub cells: usize,
}

/// The table.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Default, PartialEq)]
pub struct Table {
    /// The columns from left to right, as many as the widest row has cells.
    pub columns: Vec<Column>,
    /// With the shape `records`, the rows as the text of a JSON list of objects.
    pub records: Option<String>,
    /// How many rows there are, the header not counted. Empty lines are no rows.
    pub rows: usize,
    /// The first 100 rows with fewer or more cells than the first one, header included. Nothing of
    /// them is lost: missing cells are empty, and further ones are columns of their own.
    pub ragged: Vec<Ragged>,
    /// How many such rows there are.
    pub ragged_count: usize,
}

/// Reads a table.
///
/// # Errors
///
/// [`Refusal::Delimiter`], [`Refusal::OpenQuote`], [`Refusal::TooLong`], [`Refusal::TooMany`];
/// [`Refusal::Result`] for records that are too long.
pub fn read(text: &str, reading: Reading) -> Result<Table, Refusal> {
    check_length("text", text, TEXT_BYTES_MAX)?;
    let mut rows = rows(text, delimiter(reading.delimiter)?)?;
    let Some(first) = rows.first() else {
        let records = reading.records.then(|| "[]".to_owned());
        return Ok(Table { records, ..Table::default() });
    };
    let expected = first.len();
    let width = rows.iter().map(StringRecord::len).max().unwrap_or(expected);
    if width * rows.len() > CELLS_MAX {
        return Err(too_many("cells", CELLS_MAX));
    }
    let header = if reading.header { rows.remove(0) } else { StringRecord::new() };
    let (ragged, ragged_count) = ragged(text, &rows, expected);
    let columns = names(&header, width).into_iter().enumerate().map(|(index, name)| {
        let cells = rows.iter().map(|row| row.get(index).unwrap_or_default());
        Column::new(name, cells, reading.typed)
    });
    let mut columns: Vec<Column> = columns.collect();
    let mut records = None;
    if reading.records {
        let values: Vec<(String, Values)> = columns
            .iter_mut()
            .filter_map(|column| Some((column.name.clone(), column.values.take()?)))
            .collect();
        records = Some(as_records(&values, rows.len())?);
    }
    Ok(Table { columns, records, rows: rows.len(), ragged, ragged_count })
}

fn too_many(things: &'static str, max: usize) -> Refusal {
    Refusal::TooMany { member: "text", things, max }
}

fn rows(text: &str, delimiter: u8) -> Result<Vec<StringRecord>, Refusal> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes().chain(SENTINEL.as_bytes()));
    let mut rows = Vec::new();
    let mut row = StringRecord::new();
    // Reading from memory text that is UTF-8, into rows of any length, cannot fail.
    while reader.read_record(&mut row).unwrap_or(false) {
        let is_sentinel = begin(text, &row) == text.len();
        if is_sentinel {
            return Ok(rows);
        }
        if row.len() > COLUMNS_MAX {
            return Err(too_many("columns", COLUMNS_MAX));
        }
        if rows.len() == ROWS_MAX + 1 {
            return Err(too_many("rows", ROWS_MAX));
        }
        rows.push(row.clone());
    }
    let begin = rows.last().map_or(0, |row| begin(text, row));
    Err(Refusal::OpenQuote { line: Cursor::new(text).advance(begin).line.into() })
}

/// Finds the byte at which a row begins; the reader counts empty lines before it as a part of it.
fn begin(text: &str, row: &StringRecord) -> usize {
    let byte = row.position().map_or(0, csv::Position::byte);
    let byte = usize::try_from(byte).unwrap_or(usize::MAX).min(text.len());
    let rest = &text[byte..];
    text.len() - rest.trim_start_matches(['\r', '\n']).len()
}

fn ragged(text: &str, rows: &[StringRecord], expected: usize) -> (Vec<Ragged>, usize) {
    let mut cursor = Cursor::new(text);
    let (mut ragged, mut count) = (Vec::new(), 0);
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.len() != expected) {
        count += 1;
        if ragged.len() < RAGGED_MAX {
            let line = cursor.advance(begin(text, row)).line;
            ragged.push(Ragged { row: index + 1, line, cells: row.len() });
        }
    }
    (ragged, count)
}

/// Names the columns, each in a way of its own.
fn names(header: &StringRecord, width: usize) -> Vec<String> {
    // How often each name was wanted; names made here are in it too.
    let mut wanted: HashMap<String, usize> = HashMap::new();
    let names = (0..width).map(|index| {
        let given = header.get(index).filter(|name| !name.is_empty());
        let base = given.map_or_else(|| format!("column-{}", index + 1), str::to_owned);
        let mut name = base.clone();
        while wanted.contains_key(&name) {
            let count = wanted.entry(base.clone()).or_default();
            *count += 1;
            name = format!("{base}-{count}");
        }
        wanted.insert(name.clone(), 1);
        name
    });
    names.collect()
}

fn as_records(columns: &[(String, Values)], rows: usize) -> Result<String, Refusal> {
    let mut output = Output::default();
    let names = columns.iter().map(|(name, _)| json(name)).collect::<Result<Vec<_>, _>>()?;
    output.push("[")?;
    for row in 0..rows {
        output.push(if row == 0 { "{" } else { ",{" })?;
        for (index, ((_, values), name)) in columns.iter().zip(&names).enumerate() {
            output.push(if index == 0 { "" } else { "," })?;
            output.push(name)?;
            output.push(":")?;
            output.push(&match values {
                Values::Booleans(cells) => json(&cells[row]),
                Values::Integers(cells) => json(&cells[row]),
                Values::Numbers(cells) => json(&cells[row]),
                Values::Texts(cells) => json(&cells[row]),
            }?)?;
        }
        output.push("}")?;
    }
    output.push("]")?;
    Ok(output.into_text())
}

/// Writes a value as JSON, within the length of an answer.
fn json(value: &impl serde::Serialize) -> Result<String, Refusal> {
    serde_json::to_string(value).map_err(|_| Refusal::Result)
}
