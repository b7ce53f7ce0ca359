//! Files of a project for agents, workflows and models: what there is, what is in it, where a word is;
//! and one folder to write into.
//!
//! What may be asked is in `tool`; all else is plain Rust that knows no host.

pub mod place;
pub mod tool;
pub mod walk;

// A plugin sees nothing of others but their tools, so what two need in the same form is read twice.
#[path = "../../metrics/src/glob.rs"]
pub mod glob;

ax_sdk::plugin!(tools: [tool::list, tool::read, tool::search, tool::write]);
