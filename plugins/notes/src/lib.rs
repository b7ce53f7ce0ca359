//! Keeps notes and finds them again by their words.
//!
//! ```text
//! tool   ──► notebook  add, get, update, remove ─┐
//!        ├─► listing   list, tags ───────────────┤
//!        ├─► search ─────────────────────────────┼─► shelf, block, note ──► store ──► ax_sdk::kv
//!        └─► migrate   0.1 → 0.2 ────────────────┘
//! ```
//!
//! The tools are in `tool`; all below is tested over a store in memory.

pub mod block;
pub mod error;
pub mod excerpt;
pub mod layout;
pub mod listing;
pub mod migrate;
pub mod note;
pub mod notebook;
pub mod query;
pub mod search;
pub mod shelf;
pub mod store;
pub mod tag;
pub mod tool;
pub mod word;

#[cfg(test)]
mod tests;

ax_sdk::plugin!(
    tools: [
        tool::add, tool::get, tool::update, tool::remove, tool::list, tool::search, tool::tags,
    ],
    migrate: tool::migrate,
);
