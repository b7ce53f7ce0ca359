//! Measures a tree of source code: lines by kind, functions, complexity, duplication.
//!
//! What may be asked is in `tool`; all else is plain Rust that knows no host.

pub mod braces;
pub mod complexity;
pub mod cursor;
pub mod directive;
pub mod duplicate;
pub mod function;
pub mod glob;
pub mod header;
pub mod indents;
pub mod language;
pub mod literal;
pub mod marks;
pub mod report;
pub mod scan;
pub mod single;
pub mod syntax;
pub mod token;
pub mod tool;
pub mod walk;

ax_sdk::plugin!(tools: [tool::measure, tool::count]);
