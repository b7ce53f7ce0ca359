//! The Model Context Protocol: every installed tool for every client, under the grants a person gave.
//!
//! ```text
//! stdio ──┐                      ┌─ list ──→ offer: our tools as theirs
//!         ├─→ handler (rmcp) ────┤
//! http ───┘    busy, cancel      └─ call ──→ installed ──→ plugin ──→ answer: ours as theirs
//!                      └─ tasks ─→ tasks ──────→ runtime: agents, workflows, what waits for a person
//!                                                 changes ──→ listeners: the list is another
//! ```
//!
//! Revisions 2026-07-28 (no sessions) and 2025-11-25 are served at once.
//!
//! Invariant: a client lists and calls tools, and that is all: there is no way from here to a grant, a
//! secret, a setting or an installation, nor to the tasks of others.
//! Not here: what a call may do (`plugin`), who may install and grant (`app`, by the person at `cli`).

mod answer;
pub mod client;
mod edition;
mod handler;
mod http;
mod id_scan;
mod installed;
mod listeners;
mod message;
mod offer;
mod serving;
mod stdio;
mod tasks;

pub use handler::{Handler, Offering, ToolCall};
pub use http::{Door, listen, serve as serve_http};
pub use installed::{Explain, Explained, Installed, Stop};
pub use serving::ServeError;
pub use stdio::serve as serve_stdio;
pub use tasks::{Errand, Owner, Wanted};
