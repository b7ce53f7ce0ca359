//! REACH: one provider of models, asked in its own words.
//!
//! ```text
//!              ┌ claude ─────┐
//! Request ──→  │ openai      │ ──→ client ──→ network
//!              │ responses   │        │ sse, limits
//! Chunk   ←──  └ gemini ─────┘ ←──────┘
//! ```
//!
//! A [`Dialect`] is pure: words to bytes and back. `client` carries it out for one provider and one key,
//! as a [`crate::chat::Model`]; `scripted` plays one for tests.
//!
//! Invariant: whatever comes from outside is bounded and typed; a key is in a header and nowhere else.
//! Not here: which provider is asked, and what happens after a failure (`router`); where keys are kept
//! (`secret`); prices and what a model can do (`router`).

pub mod claude;
mod client;
mod config;
pub mod dialect;
pub mod gemini;
#[cfg(test)]
mod golden;
mod hint;
pub mod limits;
pub mod openai;
pub mod responses;
pub mod scripted;
pub mod sse;

pub use client::{Client, Health, Key, Settings, Upstream};
pub use config::{ConfigError, Kind, ProviderConfig};
pub use dialect::{Dialect, Outgoing, Reader, Route};
pub use hint::hint;

/// Returns the interface of a kind.
#[must_use]
pub fn dialect(kind: Kind) -> Box<dyn Dialect> {
    match kind {
        Kind::Claude => Box::new(claude::Claude),
        Kind::Gemini => Box::new(gemini::Gemini),
        Kind::Openai => Box::new(openai::OpenAi::Own),
        Kind::Responses => Box::new(responses::Responses),
        Kind::Compatible => Box::new(openai::OpenAi::Compatible),
    }
}
