//! Finds the narrowest type that all cells of a column have and that loses nothing.
//!
//! | Cells | Type |
//! |---|---|
//! | `true`, `false` | boolean |
//! | `0`, `-12`, within 64 bits | integer |
//! | numbers as JSON writes them, of at most 15 significant digits | number |
//! | `007`, `+1`, `1,5`, `TRUE`, anything else, nothing at all | text |
//!
//! Empty cells have every type.

use ax_sdk::data;

/// Significant digits that a 64-bit float keeps whatever they are.
const DIGITS_MAX: usize = 15;

/// The cells of one column, of the narrowest type that loses nothing. In all but texts an empty
/// cell is `null`.
#[data]
#[serde(tag = "tag", content = "val", rename_all = "kebab-case")]
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Each cell is `true` or `false`.
    Booleans(Vec<Option<bool>>),
    /// Each cell is an integer as JSON writes it, so without `+` and leading zeros.
    Integers(Vec<Option<i64>>),
    /// Each cell is a number as JSON writes it, of at most 15 significant digits.
    Numbers(Vec<Option<f64>>),
    /// Anything else. Empty cells are empty.
    Texts(Vec<String>),
}

/// The type of a column.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `true` and `false`.
    Boolean,
    /// Integers of 64 bits.
    Integer,
    /// Numbers.
    Number,
    /// Text.
    Text,
}

/// A column.
#[data]
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name: that of the first row, made unique with `-2`, `-3`, …; `column-N` where there is
    /// none.
    pub name: String,
    /// What its cells are.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// How many of them are empty.
    pub empty: usize,
    /// Its cells from top to bottom; absent with the shape `records`.
    pub values: Option<Values>,
}

impl Column {
    /// Makes a column of its cells.
    pub(super) fn new<'a>(
        name: String,
        cells: impl Iterator<Item = &'a str> + Clone,
        typed: bool,
    ) -> Self {
        let empty = cells.clone().filter(|cell| cell.is_empty()).count();
        let values = typed.then(|| narrow(cells.clone())).flatten();
        let values = values.unwrap_or_else(|| Values::Texts(cells.map(str::to_owned).collect()));
        let kind = match values {
            Values::Booleans(_) => ColumnType::Boolean,
            Values::Integers(_) => ColumnType::Integer,
            Values::Numbers(_) => ColumnType::Number,
            Values::Texts(_) => ColumnType::Text,
        };
        Self { name, kind, empty, values: Some(values) }
    }
}

/// Finds a type narrower than text.
fn narrow<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Option<Values> {
    if cells.clone().all(str::is_empty) {
        return None;
    }
    let booleans = || all(cells.clone(), boolean).map(Values::Booleans);
    let integers = || all(cells.clone(), integer).map(Values::Integers);
    let numbers = || all(cells.clone(), number).map(Values::Numbers);
    booleans().or_else(integers).or_else(numbers)
}

fn all<'a, T>(
    cells: impl Iterator<Item = &'a str>,
    read: fn(&str) -> Option<T>,
) -> Option<Vec<Option<T>>> {
    cells.map(|cell| if cell.is_empty() { Some(None) } else { read(cell).map(Some) }).collect()
}

fn boolean(cell: &str) -> Option<bool> {
    match cell {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn integer(cell: &str) -> Option<i64> {
    // Writing it again tells what `parse` forgives: `+`, leading zeros, `-0`.
    cell.parse().ok().filter(|number: &i64| number.to_string() == cell)
}

fn number(cell: &str) -> Option<f64> {
    let mantissa = cell.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0');
    let significant = digits.count();
    // A text that begins or ends with blanks is JSON for a number, too.
    if significant > DIGITS_MAX || cell.contains(|character: char| character.is_whitespace()) {
        return None;
    }
    let number: serde_json::Number = serde_json::from_str(cell).ok()?;
    let number = number.as_f64()?;
    // Closer to zero floats have fewer digits.
    (number.is_normal() || significant == 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(cells: &[&str]) -> Values {
        Column::new("a".to_owned(), cells.iter().copied(), true).values.unwrap()
    }

    #[test]
    fn a_column_has_the_narrowest_type_of_its_cells() {
        assert_eq!(
            values(&["true", "", "false"]),
            Values::Booleans(vec![Some(true), None, Some(false)])
        );
        let integers = vec![Some(0), None, Some(i64::MIN)];
        assert_eq!(values(&["0", "", "-9223372036854775808"]), Values::Integers(integers));
        assert_eq!(
            values(&["1", "-0.5", "1e3"]),
            Values::Numbers(vec![Some(1.0), Some(-0.5), Some(1e3)])
        );
    }

    #[test]
    fn what_would_be_changed_stays_text() {
        for cell in [
            "007",
            "+1",
            "-",
            "1.",
            ".5",
            "1,5",
            " 1",
            "1 ",
            "TRUE",
            "0x1",
            "NaN",
            "1e999",
            "1e-310",
            "9223372036854775808",
            "1.234567890123456",
            "é",
        ] {
            assert_eq!(values(&[cell]), Values::Texts(vec![cell.to_owned()]), "{cell}");
        }
        assert_eq!(values(&["1", "true"]), Values::Texts(vec!["1".to_owned(), "true".to_owned()]));
        assert_eq!(
            values(&["9223372036854775807", "0.5"]),
            Values::Texts(vec!["9223372036854775807".to_owned(), "0.5".to_owned()])
        );
        assert_eq!(values(&["", ""]), Values::Texts(vec![String::new(); 2]));
    }

    #[test]
    fn fifteen_digits_are_a_number_and_zeros_are_too() {
        assert_eq!(
            values(&["1.23456789012345"]),
            Values::Numbers(vec![Some(1.234_567_890_123_45)])
        );
        assert_eq!(values(&["0.000"]), Values::Numbers(vec![Some(0.0)]));
    }
}
