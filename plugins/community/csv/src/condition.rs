//! Conditions that rows fulfil or do not.
//!
//! Invariant: a condition is checked against its column's type before any row is looked at, so that a
//! number is never compared with a text.

use std::cmp::Ordering;

use ax_sdk::prelude::*;

use crate::kind::{Kind, Value};
use crate::table::Table;

/// How a cell is compared. An empty cell fulfils none of these but `is-empty` and `differs`.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// The cell is the value.
    Equals,
    /// The cell is not the value.
    Differs,
    /// The cell is less than the value: earlier, for a date.
    Less,
    /// It is less, or is the value.
    AtMost,
    /// The cell is greater than the value: later, for a date.
    Greater,
    /// It is greater, or is the value.
    AtLeast,
    /// The cell, as it is written, contains the value, which is text. Case counts.
    Contains,
    /// The cell, as it is written, begins with the value, which is text. Case counts.
    BeginsWith,
    /// The cell is empty; no value.
    IsEmpty,
    /// The cell is not empty; no value.
    IsFilled,
}

/// What a cell is compared with: text, a number, `true` or `false`. Dates are text.
#[data]
#[serde(untagged)]
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// `true` or `false`.
    Boolean(bool),
    /// A number without a decimal point.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// Text, or a date as `2026-01-31`.
    Text(String),
}

/// A condition that rows have to fulfil.
#[data]
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The column that is looked at.
    pub column: String,
    /// How it is compared.
    pub is: Operator,
    /// With what: of the column's type. Left out for `is-empty` and `is-filled`.
    pub value: Option<Operand>,
}

/// A condition, ready to look at rows.
#[derive(Debug)]
pub(crate) struct Check<'a> {
    column: usize,
    kind: Kind,
    is: Operator,
    value: Value<'a>,
}

impl Condition {
    /// Checks it against a table. `member` is where it stands in the request.
    pub(crate) fn check(&self, table: &Table, kinds: &[Kind], member: &str) -> Result<Check<'_>> {
        let column = table.find(&self.column, &format!("{member}.column"))?;
        let kind = kinds[column];
        let wrong = |why: String| Err(Error::invalid(format!("{member}.value"), why));
        let value = match (self.is, &self.value) {
            (Operator::IsEmpty | Operator::IsFilled, None) => Value::Empty,
            (Operator::IsEmpty | Operator::IsFilled, Some(_)) => {
                return wrong("`is-empty` and `is-filled` take no value".to_owned());
            }
            (_, None) => return wrong("there is nothing to compare with".to_owned()),
            (Operator::Contains | Operator::BeginsWith, Some(Operand::Text(text))) => {
                Value::Text(text)
            }
            (Operator::Contains | Operator::BeginsWith, Some(_)) => {
                return wrong("`contains` and `begins-with` look for text".to_owned());
            }
            (_, Some(operand)) => match operand.of(kind) {
                Some(value) => value,
                None => {
                    let (column, plural) = (&self.column, kind.plural());
                    return wrong(format!(
                        "the column `{column}` holds {plural}, the value does not"
                    ));
                }
            },
        };
        Ok(Check {
            column,
            kind,
            is: self.is,
            value,
        })
    }
}

impl Operand {
    /// Reads it as a value of this type; none if it is not one.
    fn of(&self, kind: Kind) -> Option<Value<'_>> {
        match (self, kind) {
            (Self::Boolean(value), Kind::Boolean) => Some(Value::Boolean(*value)),
            (Self::Integer(value), Kind::Integer | Kind::Number) => Some(Value::Integer(*value)),
            (Self::Number(value), Kind::Integer | Kind::Number) => Some(Value::Number(*value)),
            // An empty text is no value of any type: `is-empty` looks for it.
            (Self::Text(text), _) if !text.is_empty() => kind.read(text),
            _ => None,
        }
    }
}

impl Check<'_> {
    /// Answers whether a row fulfils it.
    pub(crate) fn holds(&self, table: &Table, row: usize) -> bool {
        let cell = table.cell(row, self.column);
        let order = || self.kind.value(cell).compare(self.value);
        let looked_for = match self.value {
            Value::Text(text) => text,
            _ => "",
        };
        match self.is {
            Operator::Equals => order() == Some(Ordering::Equal),
            Operator::Differs => order() != Some(Ordering::Equal),
            Operator::Less => order() == Some(Ordering::Less),
            Operator::AtMost => order().is_some_and(Ordering::is_le),
            Operator::Greater => order() == Some(Ordering::Greater),
            Operator::AtLeast => order().is_some_and(Ordering::is_ge),
            Operator::Contains => cell.contains(looked_for),
            Operator::BeginsWith => cell.starts_with(looked_for),
            Operator::IsEmpty => cell.is_empty(),
            Operator::IsFilled => !cell.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "id,zip,day,ok\n1,007,2024-01-31,true\n2,,2024-02-01,false\n10,70,,\n";

    /// The rows that fulfil a condition, by their first cell.
    fn rows(column: &str, is: Operator, value: Option<Operand>) -> Result<Vec<String>> {
        let table = Table::read(TEXT, None).unwrap();
        let kinds = Kind::of_columns(&table);
        let condition = Condition {
            column: column.to_owned(),
            is,
            value,
        };
        let check = condition.check(&table, &kinds, "where[0]")?;
        let holding = (0..table.rows()).filter(|row| check.holds(&table, *row));
        Ok(holding.map(|row| table.cell(row, 0).to_owned()).collect())
    }

    fn text(text: &str) -> Option<Operand> {
        Some(Operand::Text(text.to_owned()))
    }

    #[test]
    fn cells_compare_by_their_type() {
        use Operator as O;
        for (column, is, value, expected) in [
            ("id", O::Greater, Some(Operand::Integer(2)), &["10"][..]),
            ("id", O::AtLeast, Some(Operand::Number(1.5)), &["2", "10"]),
            ("id", O::Equals, text("10"), &["10"]),
            ("zip", O::Equals, text("007"), &["1"]),
            ("zip", O::Differs, text("007"), &["2", "10"]),
            ("zip", O::BeginsWith, text("7"), &["10"]),
            ("zip", O::Contains, text("7"), &["1", "10"]),
            ("zip", O::IsEmpty, None, &["2"]),
            ("day", O::Less, text("2024-02-01"), &["1"]),
            ("day", O::AtMost, text("2024-02-01"), &["1", "2"]),
            ("day", O::IsFilled, None, &["1", "2"]),
            ("ok", O::Equals, Some(Operand::Boolean(false)), &["2"]),
        ] {
            assert_eq!(
                rows(column, is, value).unwrap(),
                expected,
                "{column} {is:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let refused = |column: &str, is, value| rows(column, is, value).unwrap_err();
        let error = refused("day", Operator::Less, text("yesterday"));
        assert_eq!(error.code, "where[0].value");
        assert_eq!(
            error.message,
            "the column `day` holds dates like `2026-01-31`, the value does not"
        );
        for (column, is, value) in [
            ("id", Operator::Equals, text("")),
            ("zip", Operator::Equals, text("")),
            ("id", Operator::Equals, Some(Operand::Boolean(true))),
            ("zip", Operator::Equals, Some(Operand::Integer(7))),
            ("id", Operator::Equals, None),
            ("id", Operator::IsEmpty, text("x")),
            ("id", Operator::Contains, Some(Operand::Integer(1))),
        ] {
            assert_eq!(
                refused(column, is, value).code,
                "where[0].value",
                "{column} {is:?}"
            );
        }
        assert_eq!(
            refused("none", Operator::IsEmpty, None).code,
            "where[0].column"
        );
    }
}
