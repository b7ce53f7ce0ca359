//! community:csv: describes and queries CSV, with a type for each column.
//!
//! ```text
//! source: text or file ──► table: names, cells ──► kind: a type for each column
//!                                                    │
//! tool ◄── answer: cells, CSV ◄── group ◄── query ◄──┘ ◄── condition
//! ```
//!
//! Invariant: what a cell says is never changed. A type only decides how cells compare and whether they
//! are numbers in an answer.

mod answer;
mod condition;
mod group;
mod kind;
mod query;
mod source;
mod table;
mod tool;

ax_sdk::plugin!(tools: [tool::describe_columns, tool::query, tool::to_json]);
