//! Keeps notes and finds them again by their words.
//!
//! ```text
//! export ──► notebook  add, get, update, remove ─┐
//!        ├─► listing   list, tags ───────────────┤
//!        ├─► search ─────────────────────────────┼─► shelf, block, note ──► store ──► ax:kv
//!        └─► migrate   0.1 → 0.2 ────────────────┘
//! ```
//!
//! The component (`export`, wasm only) answers `ax:notes/notes` and `ax:guest/lifecycle`. All else is
//! plain Rust, tested natively over a store in memory.

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
pub mod word;

#[cfg(target_arch = "wasm32")]
mod export;
#[cfg(test)]
mod tests;
