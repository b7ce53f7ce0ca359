//! Gathers a table cell by cell, for it is only known at its end whether it is one.
//!
//! A table that holds blocks, one column or one row is layout; its cells are paragraphs then.
//! Not here: when it is given up (`writer`).

/// Most columns of a table that is written as one.
pub const COLUMNS_MAX: usize = 64;
/// Rows after which a table is written and a new one begun, so that few are held.
const ROWS_MAX: usize = 1_000;
/// Bytes of cells after which a table is written and a new one begun.
const BYTES_MAX: usize = 256 * 1024;

/// A table so far. Cells are on one line each.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    bytes: usize,
    /// Text that comes now belongs to a cell.
    pub is_in_cell: bool,
    /// How many blocks ended in this cell.
    pub breaks: usize,
    /// How many columns beside its own this cell takes.
    pub span: usize,
}

impl Table {
    /// Ends the cell, which holds `text`; false when there are too many columns.
    pub fn end_cell(&mut self, text: String) -> bool {
        self.is_in_cell = false;
        self.breaks = 0;
        let span = std::mem::take(&mut self.span);
        self.bytes += text.len() + size_of::<String>() * (span + 1);
        self.row.push(text);
        self.row.extend(std::iter::repeat_n(String::new(), span));
        self.row.len() <= COLUMNS_MAX
    }

    /// Ends the row; false when the table should be written now.
    pub fn end_row(&mut self) -> bool {
        let row = std::mem::take(&mut self.row);
        if row.iter().any(|cell| !cell.is_empty()) {
            self.rows.push(row);
        }
        self.rows.len() < ROWS_MAX && self.bytes < BYTES_MAX
    }

    /// Returns the lines of a table, or none for one that is layout.
    pub fn lines(&self) -> Option<Vec<String>> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        if columns < 2 || self.rows.len() < 2 {
            return None;
        }
        let mut lines = Vec::with_capacity(self.rows.len() + 1);
        for (index, row) in self.rows.iter().enumerate() {
            let mut line = format!("| {} |", row.join(" | "));
            if index == 0 {
                line.push_str(&"  |".repeat(columns - row.len()));
                lines.push(line);
                lines.push(format!("|{}", " --- |".repeat(columns)));
            } else {
                lines.push(line);
            }
        }
        Some(lines)
    }

    /// Returns the rows as text without marks.
    pub fn plain_lines(&self) -> Option<Vec<String>> {
        self.lines()?;
        Some(self.rows.iter().map(|row| row.join(" | ")).collect())
    }

    /// Returns what was gathered, cell by cell.
    pub fn into_cells(self) -> Vec<String> {
        let cells = self.rows.into_iter().flatten().chain(self.row);
        cells.filter(|cell| !cell.is_empty()).collect()
    }

    /// Returns the cells of the row that is not ended, which [`Table::lines`] leaves out.
    pub fn into_open_row(self) -> Vec<String> {
        self.row.into_iter().filter(|cell| !cell.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::COLUMNS_MAX;
    use super::Table;

    fn table(rows: &[&[&str]]) -> Table {
        let mut table = Table::default();
        for row in rows {
            row.iter().for_each(|cell| assert!(table.end_cell((*cell).to_owned())));
            assert!(table.end_row());
        }
        table
    }

    #[test]
    fn the_first_row_is_the_head() {
        let lines = table(&[&["a", "b"], &["1", "2", "3"], &["", ""]]).lines().expect("a table");
        assert_eq!(lines, ["| a | b |  |", "| --- | --- | --- |", "| 1 | 2 | 3 |"]);
    }

    #[test]
    fn one_column_or_one_row_is_no_table() {
        assert_eq!(table(&[&["a"], &["b"]]).lines(), None);
        assert_eq!(table(&[&["a", "b"]]).lines(), None);
        assert_eq!(table(&[&["a", "b"]]).into_cells(), ["a", "b"]);
    }

    #[test]
    fn columns_are_bounded() {
        let mut table = Table::default();
        for _ in 0..COLUMNS_MAX {
            assert!(table.end_cell(String::new()));
        }
        assert!(!table.end_cell(String::new()));
    }
}
