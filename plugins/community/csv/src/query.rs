//! A query: which rows, which columns, in which order, how many.
//!
//! ```text
//! where ──► rows ─┬─ order ─ limit ─ select ─┬─► answer
//!                 └─ group ─ order ─ limit ──┘
//! ```

use std::cmp::Ordering;

use ax_sdk::prelude::*;

use crate::answer::{Answer, Cell, Column, order};
use crate::condition::Condition;
use crate::group::{Aggregate, Groups, group};
use crate::kind::Kind;
use crate::table::{Table, find};

/// Rows of an answer that does not say: what is read at a glance.
const LIMIT: u32 = 100;
/// Rows of an answer.
const LIMIT_MAX: u32 = 10_000;

/// What to ask of a table. Without anything but the table: its first 100 rows.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// The CSV itself, its first row with the names; or else `file`.
    pub text: Option<String>,
    /// A CSV file below the folder `workspace`, at most 8 MiB.
    pub file: Option<String>,
    /// What stands between cells, one ASCII character; `,` when absent.
    pub delimiter: Option<char>,
    /// The columns to return, in this order; all when absent.
    pub select: Option<Vec<String>>,
    /// Conditions; rows that fulfil all of them are taken.
    #[serde(default, rename = "where")]
    pub conditions: Vec<Condition>,
    /// Columns by whose cells rows are grouped: one row for each group.
    #[serde(default)]
    pub group_by: Vec<String>,
    /// What is computed for each group; for all rows together without `group-by`.
    #[serde(default)]
    pub aggregate: Vec<Aggregate>,
    /// The order of the rows or groups: by the first of these columns, among equals by the next. As they
    /// come when absent.
    #[serde(default)]
    pub order_by: Vec<Order>,
    /// Rows to return, 1 to 10,000; 100 when absent.
    pub limit: Option<u32>,
}

/// A column to order by. Empty cells come last.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The column; of groups, one of the answer.
    pub column: String,
    /// Whether the greatest comes first; false when absent.
    #[serde(default)]
    pub descending: bool,
}

/// Reads how many rows are wanted.
pub(crate) fn limit_of(asked: Option<u32>) -> Result<usize> {
    match asked.unwrap_or(LIMIT) {
        limit @ 1..=LIMIT_MAX => Ok(limit as usize),
        limit => Err(Error::invalid(
            "limit",
            format!("`limit` is {limit}; it may be 1 to 10,000"),
        )),
    }
}

impl Query {
    /// Answers it.
    ///
    /// # Errors
    ///
    /// `invalid` with the member that is wrong, `exhausted` for too many groups.
    pub(crate) fn answer(&self, table: &Table, kinds: &[Kind]) -> Result<Answer> {
        let limit = limit_of(self.limit)?;
        let numbered = self.conditions.iter().enumerate();
        let checks = numbered
            .map(|(index, condition)| condition.check(table, kinds, &format!("where[{index}]")));
        let checks: Vec<_> = checks.collect::<Result<_>>()?;
        let holds = |row: &usize| checks.iter().all(|check| check.holds(table, *row));
        let rows: Vec<usize> = (0..table.rows()).filter(holds).collect();
        match self.group_by.is_empty() && self.aggregate.is_empty() {
            true => self.select(table, kinds, rows, limit),
            false => self.group(table, kinds, &rows, limit),
        }
    }

    fn select(
        &self,
        table: &Table,
        kinds: &[Kind],
        mut rows: Vec<usize>,
        limit: usize,
    ) -> Result<Answer> {
        let columns: Vec<usize> = match &self.select {
            None => (0..table.names.len()).collect(),
            Some(names) if names.is_empty() => {
                return Err(Error::invalid("select", "`select` names no column"));
            }
            Some(names) => {
                let numbered = names.iter().enumerate();
                numbered
                    .map(|(index, name)| table.find(name, &format!("select[{index}]")))
                    .collect::<Result<_>>()?
            }
        };
        let keys = self.order(&table.names)?;
        rows.sort_by(|one, other| {
            compared(&keys, |column, descending| {
                let value = |row: &usize| kinds[column].value(table.cell(*row, column));
                order(value(one), value(other), descending)
            })
        });
        let found = rows.len();
        rows.truncate(limit);
        let cell =
            |row: usize, column: usize| Cell::from(kinds[column].value(table.cell(row, column)));
        let shown = |row: usize| columns.iter().map(|column| cell(row, *column)).collect();
        let named = |column: &usize| Column {
            name: table.names[*column].clone(),
            kind: kinds[*column],
        };
        Ok(Answer {
            columns: columns.iter().map(named).collect(),
            rows: rows.into_iter().map(shown).collect(),
            found,
        })
    }

    fn group(&self, table: &Table, kinds: &[Kind], rows: &[usize], limit: usize) -> Result<Answer> {
        if self.select.is_some() {
            let message = "groups are told by `group-by` and `aggregate`; leave out `select`";
            return Err(Error::invalid("select", message));
        }
        let grouped = group(table, kinds, rows, &self.group_by, &self.aggregate)?;
        let Groups { columns, mut rows } = grouped;
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let keys = self.order(&names)?;
        rows.sort_by(|one, other| {
            compared(&keys, |column, descending| {
                order(one[column].value(), other[column].value(), descending)
            })
        });
        let found = rows.len();
        rows.truncate(limit);
        Ok(Answer {
            columns,
            rows,
            found,
        })
    }

    /// Finds the columns to order by.
    fn order(&self, names: &[String]) -> Result<Vec<(usize, bool)>> {
        let numbered = self.order_by.iter().enumerate();
        let found = numbered.map(|(index, Order { column, descending })| {
            Ok((
                find(names, column, &format!("order-by[{index}].column"))?,
                *descending,
            ))
        });
        found.collect()
    }
}

/// Compares by the first key that tells them apart.
fn compared(keys: &[(usize, bool)], compare: impl Fn(usize, bool) -> Ordering) -> Ordering {
    let orders = keys
        .iter()
        .map(|(column, descending)| compare(*column, *descending));
    orders.fold(Ordering::Equal, Ordering::then)
}

#[cfg(test)]
mod tests {
    use ax_sdk::serde_json::{Value, from_value, json};

    use super::*;

    const SALES: &str = "day,team,price,units\n\
                         2024-01-02,red,2.5,4\n\
                         2024-01-01,blue,10,1\n\
                         2024-01-03,red,,2\n\
                         2024-01-03,green,0.5,\n";

    fn asked(query: Value) -> Result<String> {
        let table = Table::read(SALES, None).unwrap();
        let query: Query = from_value(query)?;
        query.answer(&table, &Kind::of_columns(&table))?.csv()
    }

    #[test]
    fn rows_are_chosen_ordered_and_cut() {
        let query = json!({
            "select": ["team", "price"],
            "where": [{ "column": "day", "is": "at-least", "value": "2024-01-02" }],
            "order-by": [{ "column": "price", "descending": true }],
        });
        assert_eq!(
            asked(query).unwrap(),
            "team,price\nred,2.5\ngreen,0.5\nred,\n"
        );
        let query = json!({
            "select": ["units"],
            "order-by": [{ "column": "team" }, { "column": "day", "descending": true }],
            "limit": 3,
        });
        assert_eq!(asked(query).unwrap(), "units\n1\n\"\"\n2\n");
    }

    #[test]
    fn groups_come_to_something() {
        let query = json!({
            "group-by": ["team"],
            "aggregate": [
                { "function": "count" },
                { "function": "count", "column": "price", "name": "priced" },
                { "function": "sum", "column": "units" },
                { "function": "mean", "column": "price" },
                { "function": "max", "column": "day" },
            ],
            "order-by": [{ "column": "sum-units", "descending": true }],
        });
        assert_eq!(
            asked(query).unwrap(),
            "team,count,priced,sum-units,mean-price,max-day\n\
             red,2,1,6,2.5,2024-01-03\n\
             blue,1,1,1,10,2024-01-01\n\
             green,1,1,,0.5,2024-01-03\n"
        );
        let none = json!({
            "where": [{ "column": "team", "is": "equals", "value": "black" }],
            "aggregate": [{ "function": "count" }, { "function": "min", "column": "price" }],
        });
        assert_eq!(asked(none).unwrap(), "count,min-price\n0,\n");
        let distinct = json!({ "group-by": ["team"], "order-by": [{ "column": "team" }] });
        assert_eq!(asked(distinct).unwrap(), "team\nblue\ngreen\nred\n");
    }

    #[test]
    fn a_sum_of_integers_is_exact_or_a_number() {
        let sum = |text: &str| {
            let table = Table::read(text, None).unwrap();
            let query = json!({ "aggregate": [{ "function": "sum", "column": "a" }] });
            let query: Query = from_value(query).unwrap();
            query
                .answer(&table, &Kind::of_columns(&table))
                .unwrap()
                .rows[0][0]
                .clone()
        };
        assert_eq!(
            sum("a\n9007199254740993\n2\n"),
            Cell::Integer(9_007_199_254_740_995)
        );
        assert_eq!(
            sum("a\n9223372036854775807\n1\n"),
            Cell::Number(9_223_372_036_854_775_808.0)
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, member) in [
            (json!({ "select": ["none"] }), "select[0]"),
            (json!({ "select": [] }), "select"),
            (
                json!({ "select": ["team"], "group-by": ["team"] }),
                "select",
            ),
            (json!({ "group-by": ["team", "none"] }), "group-by[1]"),
            (
                json!({ "order-by": [{ "column": "none" }] }),
                "order-by[0].column",
            ),
            (
                json!({ "group-by": ["team"], "order-by": [{ "column": "day" }] }),
                "order-by[0].column",
            ),
            (
                json!({ "aggregate": [{ "function": "sum", "column": "team" }] }),
                "aggregate[0].column",
            ),
            (
                json!({ "aggregate": [{ "function": "mean" }] }),
                "aggregate[0].column",
            ),
            (json!({ "limit": 0 }), "limit"),
            (json!({ "limit": 10_001 }), "limit"),
        ] {
            let error = asked(query.clone()).unwrap_err();
            assert_eq!(
                (error.kind, error.code.as_str()),
                (ErrorKind::Invalid, member),
                "{query}"
            );
        }
    }
}
