//! What comes from Responses, as far as it is read.

use serde::Deserialize;
use serde_json::Value;

use crate::chat::Usage;
use crate::provider::openai::wire::{ReadDetails, WrittenDetails, usage};

/// An event (`ResponseStreamEvent`): the union of what those that are read hold.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) response: Option<Response>,
    pub(super) item: Option<Value>,
    pub(super) delta: Option<Value>,
    /// Which of several summaries of one thought.
    pub(super) summary_index: Option<u64>,
    /// An error, where somebody between writes it as chat completions do.
    pub(super) error: Option<Value>,
}

/// An answer, at its beginning or at its end (`Response`).
#[derive(Debug, Deserialize)]
pub(super) struct Response {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) status: Option<String>,
    pub(super) output: Option<Vec<Value>>,
    pub(super) usage: Option<Tokens>,
    pub(super) incomplete_details: Option<Incomplete>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Incomplete {
    pub(super) reason: Option<String>,
}

/// An item of an answer: a message, a call, a thought, or what is passed over (`ResponseOutputItem`).
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) call_id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
    pub(super) status: Option<String>,
    /// Whether a message is the last word or said on the way to it.
    pub(super) phase: Option<String>,
    pub(super) content: Option<Vec<Piece>>,
    pub(super) summary: Option<Vec<Piece>>,
    pub(super) encrypted_content: Option<String>,
}

/// A piece of a message or of a thought.
#[derive(Debug, Deserialize)]
pub(super) struct Piece {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) text: Option<String>,
    pub(super) refusal: Option<String>,
}

/// `ResponseUsage`.
#[derive(Debug, Deserialize)]
pub(super) struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input_tokens_details: Option<ReadDetails>,
    output_tokens_details: Option<WrittenDetails>,
}

/// What `input_tokens` says (`InputTokenCountResponse`).
#[derive(Debug, Deserialize)]
pub(super) struct Counted {
    pub(super) input_tokens: u64,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let (read, written) = (tokens.input_tokens_details, tokens.output_tokens_details);
        usage((tokens.input_tokens, read), (tokens.output_tokens, written))
    }
}
