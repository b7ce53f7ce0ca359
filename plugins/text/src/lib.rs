//! Compares, searches, replaces, fills in and takes apart text.
//!
//! What may be asked is in `tool`; all else is plain Rust that knows no host.

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
pub mod tool;

ax_sdk::plugin!(tools: [
    tool::diff,
    tool::search,
    tool::replace,
    tool::template,
    tool::json_path,
    tool::csv,
    tool::csv_write,
]);
