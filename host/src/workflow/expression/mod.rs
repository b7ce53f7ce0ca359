//! `{{ … }}`: what a workflow file says about values that are not there yet.
//!
//! ```text
//! or        = and { "or" and }
//! and       = not { "and" not }
//! not       = "not" not | compared
//! compared  = operand [ ("==" | "!=" | "<" | "<=" | ">" | ">=") operand ]
//! operand   = literal | path | function "(" or ")" | "(" or ")"
//! path      = ("input" | "steps." name | "item" | "index") { "." name | "[" number | text "]" }
//! literal   = text in " or ' | number | true | false | null
//! ```
//!
//! | file       | answers                                              |
//! |------------|------------------------------------------------------|
//! | `token`    | which words does an expression have?                 |
//! | `syntax`   | what do they form, and which values does it mention? |
//! | `evaluate` | what does it come to?                                |
//! | `template` | what becomes of the text and tables it stands in?    |
//! | `room`     | how much may that be?                                |
//! | `error`    | what is wrong with it, or why does it come to nothing? |
//!
//! A step that was skipped gives null, hence null is gentle: its members are null, it has no items, no
//! order, and as a condition it is false.
//!
//! Invariant: reading and evaluating end for every text and every values, without a panic, within the
//! bounds below; nothing is computed but comparisons, so there is nothing to loop.
//! Not here: which step waits for which (`spec`).

mod error;
mod evaluate;
mod room;
mod syntax;
mod template;
#[cfg(test)]
mod tests;
mod token;

pub use error::{EvaluationError, EvaluationFlaw, ExpressionError, ExpressionFlaw};
pub use evaluate::Scope;
pub use syntax::{Accessor, Compared, Expression, Function, Operator, Path, Root, Term};
pub use template::{Form, Part, Template};

/// Bytes of one expression: a condition that a person can still read.
pub const EXPRESSION_BYTES_MAX: usize = 1 << 10;

/// Parentheses and `not` inside each other. What is deeper nobody reads, and each is a frame of the stack.
pub const EXPRESSION_DEPTH_MAX: usize = 32;

/// Bytes, as compact JSON, of what a template may come to: what a tool takes as its input.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

/// Lists and objects inside each other in what a template may come to. Readers of JSON stop at 128, and
/// the next step puts it into something again.
pub const VALUE_DEPTH_MAX: usize = 100;

/// Things that one step may be done for. Each is a call with entries in the journal.
pub const ITEMS_MAX: usize = 1_000;
