//! A table: the names of its columns, and its cells as they are written.
//!
//! Invariant: every row has a cell for each column; a text whose rows do not is refused with the row.
//! Not here: what the cells mean (`kind`).

use std::collections::HashSet;
use std::io::Read as _;

use ax_sdk::prelude::*;
use csv::{ReaderBuilder, StringRecord};

/// Columns of a table: people have dozens, exports hundreds.
const COLUMNS_MAX: usize = 1_000;
/// Cells of a table. Each takes four bytes beside its text.
const CELLS_MAX: usize = 2_000_000;
/// A row put behind the text: a quote that is left open swallows it.
const SENTINEL: &str = "\nend";

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    /// The names of the columns, each another one.
    pub(crate) names: Vec<String>,
    /// All cells, row by row, without anything between them.
    text: String,
    /// Where each cell ends in `text`.
    ends: Vec<u32>,
}

impl Table {
    /// Reads a table whose first row has the names.
    ///
    /// # Errors
    ///
    /// `invalid` with the row and the line that is wrong; `exhausted` when it is too large.
    pub(crate) fn read(text: &str, delimiter: Option<char>) -> Result<Self> {
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter_of(delimiter)?)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes().chain(SENTINEL.as_bytes()));
        let mut table: Option<Self> = None;
        let mut row = StringRecord::new();
        let mut begin = 0;
        while reader.read_record(&mut row)? {
            begin = begin_of(text, &row);
            if begin == text.len() {
                return table.ok_or_else(|| {
                    Error::invalid(
                        "text",
                        "there is no first row with the names of the columns",
                    )
                });
            }
            match &mut table {
                None => table = Some(Self::named(&row)?),
                Some(table) => table.push(&row, || line_of(text, begin))?,
            }
        }
        let line = line_of(text, begin);
        let message = format!("a quote is opened in the row of line {line} and never closed");
        Err(Error::invalid("text", message))
    }

    /// Makes an empty table with these names, made unique.
    fn named(row: &StringRecord) -> Result<Self> {
        if row.len() > COLUMNS_MAX {
            let message = format!("there are {} columns, at most {COLUMNS_MAX}", row.len());
            return Err(Error::new(ErrorKind::Exhausted, message).code("columns"));
        }
        let mut known = HashSet::new();
        let mut names = Vec::new();
        for (column, name) in row.iter().enumerate() {
            let wanted = match name.trim() {
                "" => format!("column-{}", column + 1),
                name => name.to_owned(),
            };
            let mut name = wanted.clone();
            let mut number = 1;
            while !known.insert(name.clone()) {
                number += 1;
                name = format!("{wanted}-{number}");
            }
            names.push(name);
        }
        Ok(Self {
            names,
            text: String::new(),
            ends: Vec::new(),
        })
    }

    fn push(&mut self, row: &StringRecord, line: impl Fn() -> usize) -> Result<()> {
        if row.len() != self.names.len() {
            let (number, line) = (self.rows() + 1, line());
            let (cells, columns) = (row.len(), self.names.len());
            let message =
                format!("row {number} (line {line}) has {cells} cells, the first row {columns}");
            return Err(Error::invalid("text", message));
        }
        if self.ends.len() + row.len() > CELLS_MAX {
            let message = "the table has more than 2,000,000 cells; split it";
            return Err(Error::new(ErrorKind::Exhausted, message).code("cells"));
        }
        for cell in row {
            self.text.push_str(cell);
            // At most 8 MiB.
            self.ends.push(self.text.len() as u32);
        }
        Ok(())
    }

    /// How many rows there are, that of the names not counted.
    pub(crate) fn rows(&self) -> usize {
        self.ends.len() / self.names.len().max(1)
    }

    /// Returns a cell as it is written.
    pub(crate) fn cell(&self, row: usize, column: usize) -> &str {
        let index = row * self.names.len() + column;
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin as usize..self.ends[index] as usize]
    }

    /// Returns the cells of a column, from top to bottom.
    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = &str> + Clone {
        (0..self.rows()).map(move |row| self.cell(row, column))
    }

    /// Finds a column by its name. `member` is where the name stands in the request.
    ///
    /// # Errors
    ///
    /// `invalid`, with the names there are.
    pub(crate) fn find(&self, name: &str, member: &str) -> Result<usize> {
        find(&self.names, name, member)
    }
}

/// Finds a name among those there are.
pub(crate) fn find(names: &[String], name: &str, member: &str) -> Result<usize> {
    names.iter().position(|known| known == name).ok_or_else(|| {
        // Enough to recognise what was meant, and one line.
        let known: Vec<String> = names
            .iter()
            .take(20)
            .map(|name| format!("`{name}`"))
            .collect();
        let more = if names.len() > known.len() {
            ", …"
        } else {
            ""
        };
        let message = format!(
            "there is no column `{name}`; there are {}{more}",
            known.join(", ")
        );
        Error::invalid(member, message)
    })
}

fn delimiter_of(asked: Option<char>) -> Result<u8> {
    match u8::try_from(asked.unwrap_or(',')) {
        Ok(byte) if byte.is_ascii() && !b"\"\r\n".contains(&byte) => Ok(byte),
        _ => Err(Error::invalid(
            "delimiter",
            "`delimiter` is one ASCII character, as `;`",
        )),
    }
}

/// Finds the byte at which a row begins; the reader counts empty lines before it as a part of it.
fn begin_of(text: &str, row: &StringRecord) -> usize {
    let byte = row.position().map_or(0, csv::Position::byte) as usize;
    let rest = &text[byte.min(text.len())..];
    text.len() - rest.trim_start_matches(['\r', '\n']).len()
}

fn line_of(text: &str, byte: usize) -> usize {
    1 + text[..byte].matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Table::read(text, None).unwrap_err().message
    }

    #[test]
    fn cells_are_as_they_are_written() {
        let text = "\u{feff}id,name,\r\n1,\"a, \"\"b\"\"\n\",x\r\n\r\n007,,\r\n";
        let table = Table::read(text, None).unwrap();
        assert_eq!(table.names, ["id", "name", "column-3"]);
        assert_eq!(table.rows(), 2);
        assert_eq!(table.column(0).collect::<Vec<_>>(), ["1", "007"]);
        assert_eq!((table.cell(0, 1), table.cell(1, 2)), ("a, \"b\"\n", ""));
        let table = Table::read("a\tb\n1\t2", Some('\t')).unwrap();
        assert_eq!((table.rows(), table.cell(0, 1)), (1, "2"));
        assert_eq!(
            Table::read("a,a, ,a-2", None).unwrap().names[1..],
            ["a-2", "column-3", "a-2-2"]
        );
        assert_eq!(Table::read("a,b\n", None).unwrap().rows(), 0);
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_place() {
        assert_eq!(
            refused("a,b\n1,2\n\n\"x\ny\",3,4\n"),
            "row 2 (line 4) has 3 cells, the first row 2"
        );
        assert_eq!(
            refused("a,b\n1,2\n3,\"4\n5,6\n"),
            "a quote is opened in the row of line 3 and never closed"
        );
        assert_eq!(
            refused(""),
            "there is no first row with the names of the columns"
        );
        assert_eq!(
            refused("\n\n"),
            "there is no first row with the names of the columns"
        );
        for delimiter in ['"', '\n', 'é'] {
            assert_eq!(
                Table::read("a", Some(delimiter)).unwrap_err().code,
                "delimiter"
            );
        }
    }

    #[test]
    fn a_table_has_bounds() {
        let wide = ",".repeat(COLUMNS_MAX);
        assert_eq!(Table::read(&wide, None).unwrap_err().code, "columns");
        let long = format!("a{}\n", ",b".repeat(999)) + &(",".repeat(999) + "\n").repeat(2_001);
        let error = Table::read(&long, None).unwrap_err();
        assert_eq!(
            (error.kind, error.code.as_str()),
            (ErrorKind::Exhausted, "cells")
        );
    }

    #[test]
    fn a_column_that_is_not_there_is_refused_with_those_that_are() {
        let table = Table::read("id,name\n", None).unwrap();
        let error = table.find("nam", "select[0]").unwrap_err();
        assert_eq!(
            error.message,
            "there is no column `nam`; there are `id`, `name`"
        );
        assert_eq!(error.code, "select[0]");
    }
}
