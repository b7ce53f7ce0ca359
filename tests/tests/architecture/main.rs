//! The order of the code, as a test: what may use what, and what may happen in one place only.
//!
//! Each file holds one rule and the table it is written in; to change a rule is to edit its table,
//! in the open. What is looked for is looked for in the text of the code, comments, strings and
//! tests left out (`source`).
//!
//! Not here: what the compiler and clippy see already.

mod bindings;
mod budgets;
mod codes;
mod crates;
mod edges;
mod frozen;
mod layers;
mod links;
mod reference;
mod source;
mod workflows;
