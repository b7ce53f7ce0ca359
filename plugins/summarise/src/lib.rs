//! Sums a text up, by a model.
//!
//! ```text
//! text ─ pieces ─┬─ prompt ─ model ─┐
//!                ├─ prompt ─ model ─┼─ prompt ─ model ─ length ─ summary
//!                └─ prompt ─ model ─┘
//! ```
//!
//! A text that fits one question is asked about once; of a longer one, each piece is summed up, all at the
//! same time, and then the summaries are. The tool is in `tool`.
//!
//! Invariant: a summary has at most as many words as were wanted, whatever the model says.

#[cfg(not(target_arch = "wasm32"))]
pub mod evaluation;
pub mod length;
pub mod pieces;
pub mod prompt;
pub mod tool;

ax_sdk::plugin!(tools: [tool::summarise]);
