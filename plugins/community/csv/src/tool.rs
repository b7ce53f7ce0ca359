//! The tools: what may be asked, and what is told.
//!
//! Not here: any reading of CSV (all other modules).

use std::path::Path;

use ax_sdk::prelude::*;
use ax_sdk::serde_json::{Map, Value as JsonValue, to_value};

use crate::answer::{Answer, Cell, order, too_long};
use crate::kind::{Kind, Value};
use crate::query::{Query, limit_of};
use crate::source::{self, WORKSPACE};
use crate::table::Table;

/// Bytes of the cells and names of an answer in JSON, without what JSON puts around them.
const JSON_BYTES_MAX: usize = 500 << 10;

/// What is known of a column.
#[data]
#[derive(Debug)]
pub struct ColumnReport {
    /// Its name: that of the first row, made unique with `-2`, `-3`, …; `column-N` where there is none.
    pub name: String,
    /// The narrowest type that all of its cells have.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// How many cells are empty.
    pub empty: usize,
    /// The least number, or the first day; absent for text.
    pub least: Option<Cell>,
    /// The greatest number, or the last day; absent for text.
    pub greatest: Option<Cell>,
}

/// What is known of a table.
#[data]
#[derive(Debug)]
pub struct Description {
    /// How many rows there are, that of the names not counted.
    pub rows: usize,
    /// The columns, from left to right.
    pub columns: Vec<ColumnReport>,
}

/// Rows as objects.
#[data]
#[derive(Debug)]
pub struct Records {
    /// The rows, each with a member for every column; `null` where the cell is empty.
    pub records: Vec<Map<String, JsonValue>>,
    /// How many rows there are, those beyond `limit` included.
    pub found: usize,
}

/// Describes the columns of a CSV: names, types (integer, number, boolean, date or text), how many cells
/// are empty, least and greatest. Ask this first: `query` compares by these types.
#[tool(title = "Describe CSV", read_only, idempotent)]
pub fn describe_columns(
    /// The CSV itself, its first row with the names; or else `file`.
    text: Option<String>,
    /// A CSV file below the folder `workspace`, at most 8 MiB.
    file: Option<String>,
    /// What stands between cells, one ASCII character; `,` when absent.
    delimiter: Option<char>,
) -> Result<(String, Json<Description>)> {
    let (table, kinds) = read(text, file, delimiter)?;
    let columns = kinds
        .iter()
        .enumerate()
        .map(|(column, kind)| report(&table, column, *kind));
    let described = Description {
        rows: table.rows(),
        columns: columns.collect(),
    };
    let lines: Vec<String> = described.columns.iter().map(ColumnReport::line).collect();
    let text = format!("{} rows\n{}", described.rows, lines.join("\n"));
    Ok((text, Json(described)))
}

/// Queries a CSV: chooses columns and rows, orders them, or groups rows and counts, sums, averages or
/// finds the least and greatest of each group. Cells compare by the type of their column: numbers as
/// numbers, days as days. Returns 100 rows unless told otherwise.
#[tool(title = "Query CSV", read_only, idempotent)]
pub fn query(mut input: Query) -> Result<(String, Json<Answer>)> {
    let (table, kinds) = read(input.text.take(), input.file.take(), input.delimiter)?;
    let answer = input.answer(&table, &kinds)?;
    Ok((answer.csv()?, Json(answer)))
}

/// Turns the rows of a CSV into JSON objects, each cell of the type of its column. Returns 100 rows unless
/// told otherwise.
#[tool(title = "CSV to JSON", read_only, idempotent)]
pub fn to_json(
    /// The CSV itself, its first row with the names; or else `file`.
    text: Option<String>,
    /// A CSV file below the folder `workspace`, at most 8 MiB.
    file: Option<String>,
    /// What stands between cells, one ASCII character; `,` when absent.
    delimiter: Option<char>,
    /// Rows to return, 1 to 10,000; 100 when absent.
    limit: Option<u32>,
) -> Result<Json<Records>> {
    let limit = limit_of(limit)?;
    let (table, kinds) = read(text, file, delimiter)?;
    let names: usize = table.names.iter().map(String::len).sum();
    let mut bytes = 0;
    let mut records = Vec::new();
    for row in 0..table.rows().min(limit) {
        let mut record = Map::new();
        bytes += names;
        for (column, name) in table.names.iter().enumerate() {
            let cell = table.cell(row, column);
            bytes += cell.len();
            record.insert(
                name.clone(),
                to_value(Cell::from(kinds[column].value(cell)))?,
            );
        }
        if bytes > JSON_BYTES_MAX {
            return Err(too_long());
        }
        records.push(record);
    }
    Ok(Json(Records {
        records,
        found: table.rows(),
    }))
}

fn read(
    text: Option<String>,
    file: Option<String>,
    delimiter: Option<char>,
) -> Result<(Table, Vec<Kind>)> {
    let member = file.clone();
    let text = source::read(Path::new(WORKSPACE), text, file)?;
    let table =
        Table::read(&text, delimiter).map_err(|error| match (member, error.code.as_str()) {
            (Some(file), "text") => {
                let message = format!("`{file}`: {}", error.message);
                Error::invalid("file", message)
            }
            _ => error,
        })?;
    let kinds = Kind::of_columns(&table);
    Ok((table, kinds))
}

fn report(table: &Table, column: usize, kind: Kind) -> ColumnReport {
    let values = || table.column(column).map(|cell| kind.value(cell));
    let filled = || values().filter(|value| *value != Value::Empty);
    let extreme = |descending: bool| {
        let first = filled().min_by(|one, other| order(*one, *other, descending));
        first.filter(|_| kind != Kind::Text).map(Cell::from)
    };
    ColumnReport {
        name: table.names[column].clone(),
        kind,
        empty: values().filter(|value| *value == Value::Empty).count(),
        least: extreme(false),
        greatest: extreme(true),
    }
}

impl ColumnReport {
    /// What is known of it, on one line.
    fn line(&self) -> String {
        let Self {
            name,
            kind,
            empty,
            least,
            greatest,
        } = self;
        let word = match kind {
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::Date => "date",
            Kind::Text => "text",
        };
        let range = match (least, greatest) {
            (Some(least), Some(greatest)) => format!(", {least} to {greatest}"),
            _ => String::new(),
        };
        let missing = if *empty > 0 {
            format!(", {empty} empty")
        } else {
            String::new()
        };
        format!("{name}: {word}{range}{missing}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_table_is_described_by_its_columns() {
        let csv = "id,zip,day\n2,007,2024-02-01\n10,,\n1,70,2024-01-31\n";
        let (read, Json(described)) = describe_columns(text(csv), None, None).unwrap();
        assert_eq!(
            read,
            "3 rows\nid: integer, 1 to 10\nzip: text, 1 empty\n\
             day: date, 2024-01-31 to 2024-02-01, 1 empty"
        );
        assert_eq!(described.columns[0].greatest, Some(Cell::Integer(10)));
        assert_eq!(described.columns[1].least, None);
    }

    #[test]
    fn records_have_the_types_of_their_columns() {
        let Json(told) = to_json(text("a;b\n1;x\n;\n2;y"), None, Some(';'), Some(2)).unwrap();
        let records = to_value(&told.records).unwrap().to_string();
        assert_eq!(records, r#"[{"a":1,"b":"x"},{"a":null,"b":null}]"#);
        assert_eq!(told.found, 3);
    }

    #[test]
    fn an_answer_that_is_too_long_is_refused_with_what_to_do() {
        let long = format!("a\n{}", (format!("{}\n", "x".repeat(1_000))).repeat(600));
        let all = Query {
            text: text(&long),
            limit: Some(600),
            ..Query::default()
        };
        for error in [
            query(all).map(drop).unwrap_err(),
            to_json(text(&long), None, None, Some(600))
                .map(drop)
                .unwrap_err(),
        ] {
            assert_eq!(
                (error.kind, error.code.as_str()),
                (ErrorKind::Exhausted, "result")
            );
        }
    }

    #[test]
    fn a_quote_that_is_left_open_is_told_with_the_file() {
        let error = to_json(text("a\n\"1\n"), None, None, None)
            .map(drop)
            .unwrap_err();
        assert_eq!(
            (error.kind, error.code.as_str()),
            (ErrorKind::Invalid, "text")
        );
    }
}
