//! Fetches a web page and gives it as Markdown, without what a person who looks at it does not see.
//!
//! ```text
//! answer ─ media ─ charset ─┬─ HTML: tree ─ writer ─┐
//!                           ├─ JSON: json ──────────┼─ report ─ excerpt
//!                           └─ text ────────────────┘
//! ```
//!
//! The tools are in `tool`. Nothing recurses, since the stack of a guest is 512 KiB.

pub mod charset;
pub mod element;
pub mod escape;
pub mod excerpt;
pub mod head;
pub mod html;
pub mod inline;
pub mod invisible;
pub mod json;
pub mod links;
pub mod media;
pub mod outline;
pub mod report;
pub mod style;
pub mod table;
pub mod tag;
pub mod tool;
pub mod tree;
pub mod url;
pub mod writer;

ax_sdk::plugin!(tools: [tool::get, tool::head]);
