//! Groups of rows, and what all rows of one come to.
//!
//! Not here: which rows take part, and in which order groups come (`query`).

use std::collections::HashMap;

use ax_sdk::prelude::*;

use crate::answer::{Cell, Column};
use crate::kind::{Kind, Value};
use crate::table::Table;

/// Groups of one answer. Each takes some hundred bytes of memory.
const GROUPS_MAX: usize = 100_000;

/// What the cells of a group come to. Empty cells do not count.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// How many cells there are; without a column, how many rows.
    Count,
    /// The sum of numbers.
    Sum,
    /// The least, or the earliest.
    Min,
    /// The greatest, or the latest.
    Max,
    /// The mean of numbers.
    Mean,
}

/// What is computed for each group.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// What the cells come to.
    pub function: Function,
    /// The column whose cells are taken; `count` may do without.
    pub column: Option<String>,
    /// What to call it; as `sum-price` when absent.
    pub name: Option<String>,
}

/// An aggregate, checked against a table.
struct Ready {
    function: Function,
    column: Option<usize>,
    shown: Column,
}

/// The groups, each with the cells that it is told by.
pub(crate) struct Groups {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// Groups rows by the cells of some columns; all rows are one group if there are none.
///
/// # Errors
///
/// `invalid` with the member that is wrong, `exhausted` for too many groups.
pub(crate) fn group(
    table: &Table,
    kinds: &[Kind],
    rows: &[usize],
    by: &[String],
    aggregates: &[Aggregate],
) -> Result<Groups> {
    let mut keys = Vec::new();
    for (index, name) in by.iter().enumerate() {
        keys.push(table.find(name, &format!("group-by[{index}]"))?);
    }
    let numbered = aggregates.iter().enumerate();
    let ready = numbered.map(|(index, aggregate)| aggregate.ready(table, kinds, index));
    let ready: Vec<Ready> = ready.collect::<Result<_>>()?;
    let mut known: HashMap<Vec<&str>, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    if keys.is_empty() {
        // There is one group, even of no rows.
        groups.push(rows.to_vec());
    } else {
        for row in rows {
            let key: Vec<&str> = keys
                .iter()
                .map(|column| table.cell(*row, *column))
                .collect();
            let group = *known.entry(key).or_insert(groups.len());
            if group == GROUPS_MAX {
                let message = "there are more than 100,000 groups; group by fewer columns";
                return Err(Error::new(ErrorKind::Exhausted, message).code("groups"));
            }
            if group == groups.len() {
                groups.push(Vec::new());
            }
            groups[group].push(*row);
        }
    }
    let value = |row: usize, column: usize| kinds[column].value(table.cell(row, column));
    let told = |rows: &Vec<usize>| {
        let key = keys
            .iter()
            .filter_map(|column| Some(value(*rows.first()?, *column).into()));
        let results = ready.iter().map(|aggregate| match aggregate.column {
            Some(column) => {
                let cells = rows.iter().map(|row| value(*row, column));
                aggregate
                    .function
                    .of(cells.filter(|value| *value != Value::Empty))
            }
            None => Cell::Integer(rows.len() as i64),
        });
        key.chain(results).collect()
    };
    let shown = |column: &usize| Column {
        name: table.names[*column].clone(),
        kind: kinds[*column],
    };
    let columns = keys
        .iter()
        .map(shown)
        .chain(ready.iter().map(|ready| ready.shown.clone()));
    Ok(Groups {
        columns: columns.collect(),
        rows: groups.iter().map(told).collect(),
    })
}

impl Aggregate {
    fn ready(&self, table: &Table, kinds: &[Kind], index: usize) -> Result<Ready> {
        let member = format!("aggregate[{index}].column");
        let column = self
            .column
            .as_ref()
            .map(|name| table.find(name, &member))
            .transpose()?;
        let kind = match (self.function, column.map(|column| kinds[column])) {
            (Function::Count, _) => Kind::Integer,
            (function, None) => {
                let message = format!("`{}` needs a column", function.word());
                return Err(Error::invalid(member, message));
            }
            (Function::Min | Function::Max, Some(kind)) => kind,
            (Function::Sum, Some(kind @ (Kind::Integer | Kind::Number))) => kind,
            (Function::Mean, Some(Kind::Integer | Kind::Number)) => Kind::Number,
            (function, Some(kind)) => {
                let (word, name) = (function.word(), self.column.as_deref().unwrap_or_default());
                let message = format!(
                    "`{word}` takes numbers; the column `{name}` holds {}",
                    kind.plural()
                );
                return Err(Error::invalid(member, message));
            }
        };
        let name = self.name.clone().unwrap_or_else(|| match &self.column {
            Some(column) => format!("{}-{column}", self.function.word()),
            None => self.function.word().to_owned(),
        });
        Ok(Ready {
            function: self.function,
            column,
            shown: Column { name, kind },
        })
    }
}

impl Function {
    fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
        }
    }

    /// What these values, none of them empty, come to; nothing if there are none to sum up or choose
    /// from.
    fn of<'a>(self, values: impl Iterator<Item = Value<'a>>) -> Cell {
        match self {
            Self::Count => Cell::Integer(values.count() as i64),
            Self::Sum => sum(values),
            Self::Min => choose(values, |order| order.is_lt()),
            Self::Max => choose(values, |order| order.is_gt()),
            Self::Mean => {
                let numbers: Vec<f64> = values.filter_map(Value::as_number).collect();
                match numbers.len() {
                    0 => Cell::Empty,
                    count => Cell::Number(numbers.iter().sum::<f64>() / count as f64),
                }
            }
        }
    }
}

/// Adds up integers exactly, as long as the sum has 64 bits; other numbers as they are.
fn sum<'a>(values: impl Iterator<Item = Value<'a>>) -> Cell {
    let (mut exact, mut number, mut kind) = (Some(0_i64), 0.0, None);
    for value in values {
        exact = match (exact, value) {
            (Some(sum), Value::Integer(value)) => sum.checked_add(value),
            _ => None,
        };
        number += value.as_number().unwrap_or(0.0);
        kind = Some(());
    }
    match (kind, exact) {
        (None, _) => Cell::Empty,
        (Some(()), Some(sum)) => Cell::Integer(sum),
        (Some(()), None) => Cell::Number(number),
    }
}

fn choose<'a>(
    values: impl Iterator<Item = Value<'a>>,
    is_better: fn(std::cmp::Ordering) -> bool,
) -> Cell {
    let better = |best: Value<'a>, next: Value<'a>| match next.compare(best) {
        Some(order) if is_better(order) => next,
        _ => best,
    };
    values.reduce(better).map_or(Cell::Empty, Cell::from)
}
