//! Compares, searches, replaces, fills in and takes apart text.
//!
//! The component (`export`, wasm only) answers `ax:text/text`. All else is plain Rust, tested
//! natively.

pub mod difference;
pub mod document;
pub mod output;
pub mod path;
pub mod pattern;
pub mod place;
pub mod refusal;
pub mod replacement;
pub mod search;
pub mod table;
pub mod template;

#[cfg(target_arch = "wasm32")]
mod export;
