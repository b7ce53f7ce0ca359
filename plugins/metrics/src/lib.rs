//! Measures a tree of source code: lines by kind, functions, complexity, duplication.
//!
//! The component (`export`, wasm only) answers `ax:metrics/metrics`. All else is plain Rust, tested
//! natively.

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
pub mod syntax;
pub mod token;
pub mod walk;

#[cfg(target_arch = "wasm32")]
mod export;
