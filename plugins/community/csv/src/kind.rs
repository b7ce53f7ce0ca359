//! The type of a column: the narrowest that all of its cells have.
//!
//! | Cells | Type |
//! |---|---|
//! | `0`, `-12`, within 64 bits | integer |
//! | `1.5`, `-2e3`, integers among them | number |
//! | `true`, `false` | boolean |
//! | `2026-01-31`, days that there are | date |
//! | `007`, `+1`, `1,5`, anything else | text |
//!
//! Empty cells have every type; a column of nothing else is text.

use std::cmp::Ordering;

use ax_sdk::prelude::*;

use crate::table::Table;

/// What the cells of a column are.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Integers of 64 bits, without leading zeros.
    Integer,
    /// Numbers, with a decimal point or an exponent.
    Number,
    /// `true` and `false`.
    Boolean,
    /// Days, as `2026-01-31`.
    Date,
    /// Anything else.
    Text,
}

/// A cell, read as its column's type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Empty,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    /// A text or a date: dates are ordered as their texts are.
    Text(&'a str),
}

impl Kind {
    /// Finds the type of each column.
    pub(crate) fn of_columns(table: &Table) -> Vec<Self> {
        (0..table.names.len())
            .map(|column| Self::of(table.column(column)))
            .collect()
    }

    fn of<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Self {
        let filled = || cells.clone().filter(|cell| !cell.is_empty());
        if filled().next().is_none() {
            return Self::Text;
        }
        let narrow = [Self::Integer, Self::Number, Self::Boolean, Self::Date];
        let fits = |kind: &Self| filled().all(|cell| kind.read(cell).is_some());
        narrow.into_iter().find(fits).unwrap_or(Self::Text)
    }

    /// Reads a cell; none if it is not of this type.
    pub(crate) fn read(self, cell: &str) -> Option<Value<'_>> {
        if cell.is_empty() {
            return Some(Value::Empty);
        }
        match self {
            Self::Integer => integer(cell).map(Value::Integer),
            Self::Number => number(cell).map(Value::Number),
            Self::Boolean => cell.parse().ok().map(Value::Boolean),
            Self::Date => is_date(cell).then_some(Value::Text(cell)),
            Self::Text => Some(Value::Text(cell)),
        }
    }

    /// Reads a cell of a column of this type.
    pub(crate) fn value(self, cell: &str) -> Value<'_> {
        // What does not fit would have made the column another type.
        self.read(cell).unwrap_or(Value::Text(cell))
    }

    /// What to call its values.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Integer => "integers",
            Self::Number => "numbers",
            Self::Boolean => "`true` and `false`",
            Self::Date => "dates like `2026-01-31`",
            Self::Text => "text",
        }
    }
}

impl Value<'_> {
    /// Orders values of one column; none if one is empty or they are of different types.
    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Boolean(one), Self::Boolean(other)) => Some(one.cmp(&other)),
            (Self::Integer(one), Self::Integer(other)) => Some(one.cmp(&other)),
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            (one, other) => one.as_number()?.partial_cmp(&other.as_number()?),
        }
    }

    /// The number it is, if it is one. An integer beyond 2^53 is rounded.
    pub(crate) fn as_number(self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(number as f64),
            Self::Number(number) => Some(number),
            Self::Empty | Self::Boolean(_) | Self::Text(_) => None,
        }
    }
}

fn integer(cell: &str) -> Option<i64> {
    // Writing it again tells what `parse` forgives: `+`, leading zeros, `-0`.
    cell.parse()
        .ok()
        .filter(|number: &i64| number.to_string() == cell)
}

fn number(cell: &str) -> Option<f64> {
    let unsigned = cell.strip_prefix('-').unwrap_or(cell);
    let has_zeros =
        unsigned.starts_with('0') && unsigned.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let begins = unsigned.starts_with(|first: char| first.is_ascii_digit());
    let number = cell
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())?;
    (begins && !has_zeros && !cell.ends_with('.')).then_some(number)
}

fn is_date(cell: &str) -> bool {
    let bytes = cell.as_bytes();
    let digits = |from: usize, to: usize| {
        let part = cell.get(from..to)?;
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| part.parse::<u32>().ok())?
    };
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    let (Some(year), Some(month), Some(day)) = (digits(0, 4), digits(5, 7), digits(8, 10)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[&str]) -> Kind {
        Kind::of(cells.iter().copied())
    }

    #[test]
    fn the_narrowest_type_is_found() {
        assert_eq!(of(&["0", "", "-9223372036854775808"]), Kind::Integer);
        assert_eq!(of(&["1", "-0.5", "2e3"]), Kind::Number);
        assert_eq!(of(&["9223372036854775808"]), Kind::Number);
        assert_eq!(of(&["true", "", "false"]), Kind::Boolean);
        assert_eq!(of(&["2024-02-29", "1999-12-31"]), Kind::Date);
        assert_eq!(of(&["", ""]), Kind::Text);
        assert_eq!(of(&[]), Kind::Text);
        for mixed in [["1", "true"], ["1", "2024-02-29"], ["true", "x"]] {
            assert_eq!(of(&mixed), Kind::Text, "{mixed:?}");
        }
    }

    #[test]
    fn what_would_change_when_it_is_read_stays_text() {
        for cell in [
            "007", "+1", "1,5", "1.", ".5", "-", "-.5", "inf", "NaN", "1e999", "0x1", " 1", "TRUE",
        ] {
            assert_eq!(of(&[cell]), Kind::Text, "{cell}");
        }
        for day in [
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-04-31",
            "2024-1-1",
        ] {
            assert_eq!(of(&[day]), Kind::Text, "{day}");
        }
    }

    #[test]
    fn values_compare_as_what_they_are() {
        let less = |kind: Kind, one: &str, other: &str| {
            kind.value(one).compare(kind.value(other)) == Some(Ordering::Less)
        };
        assert!(less(Kind::Integer, "9", "10"));
        assert!(less(Kind::Integer, "9007199254740992", "9007199254740993"));
        assert!(less(Kind::Number, "-1e3", "0.5"));
        assert!(less(Kind::Boolean, "false", "true"));
        assert!(less(Kind::Date, "1999-12-31", "2024-01-01"));
        assert!(less(Kind::Text, "10", "9"));
        assert_eq!(Value::Empty.compare(Value::Integer(1)), None);
        assert_eq!(
            Value::Integer(1).compare(Value::Number(1.0)),
            Some(Ordering::Equal)
        );
    }
}
