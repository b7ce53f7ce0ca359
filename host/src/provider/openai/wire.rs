//! What comes from chat completions, as far as it is read. Every field may be left out or `null`.

use serde::Deserialize;
use serde_json::Value;

use crate::chat::Usage;

/// A chunk of an answer, or all of it (`ChatCompletionChunk`, `ChatCompletion`).
#[derive(Debug, Deserialize)]
pub(super) struct Completion {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) choices: Option<Vec<Choice>>,
    pub(super) usage: Option<Tokens>,
    /// An error after the answer began.
    pub(super) error: Option<Value>,
    /// `error` where older vLLM writes an error without a field of its own.
    pub(super) object: Option<String>,
}

/// One of several answers; only the first is ever asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    pub(super) index: Option<u64>,
    pub(super) delta: Option<Said>,
    pub(super) message: Option<Said>,
    pub(super) finish_reason: Option<String>,
}

/// What the model says, or says more.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    pub(super) content: Option<Content>,
    pub(super) refusal: Option<String>,
    pub(super) reasoning_content: Option<String>,
    pub(super) reasoning: Option<String>,
    pub(super) tool_calls: Option<Vec<Call>>,
}

/// Text; Mistral's come in parts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

/// A part; only those of text are read.
#[derive(Debug, Deserialize)]
pub(super) struct ContentPart {
    text: Option<String>,
}

/// A tool call, or more of one.
#[derive(Debug, Deserialize)]
pub(super) struct Call {
    pub(super) index: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) function: Option<Function>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Function {
    pub(super) name: Option<String>,
    /// JSON in a text; some servers give the object itself.
    pub(super) arguments: Option<Value>,
}

/// `CompletionUsage`.
#[derive(Debug, Deserialize)]
pub(super) struct Tokens {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<ReadDetails>,
    completion_tokens_details: Option<WrittenDetails>,
}

/// What of the tokens read came from the cache, and what went into it.
#[derive(Debug, Default, Deserialize)]
pub(in crate::provider) struct ReadDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

/// What of the tokens written were thoughts.
#[derive(Debug, Default, Deserialize)]
pub(in crate::provider) struct WrittenDetails {
    reasoning_tokens: Option<u64>,
}

/// The list of models.
#[derive(Debug, Deserialize)]
pub(super) struct Models {
    pub(super) data: Option<Vec<ModelRow>>,
}

/// A model, and how much it reads: as vLLM, OpenRouter, Groq and llama.cpp tell it.
#[derive(Debug, Deserialize)]
pub(super) struct ModelRow {
    pub(super) id: String,
    max_model_len: Option<u64>,
    context_length: Option<u64>,
    context_window: Option<u64>,
    meta: Option<ModelMeta>,
}

#[derive(Debug, Deserialize)]
struct ModelMeta {
    n_ctx_train: Option<u64>,
}

impl Content {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}

impl ModelRow {
    pub(super) fn context_tokens(&self) -> Option<u64> {
        let meta = self.meta.as_ref().and_then(|meta| meta.n_ctx_train);
        self.max_model_len.or(self.context_length).or(self.context_window).or(meta)
    }
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let (read, written) = (tokens.prompt_tokens_details, tokens.completion_tokens_details);
        usage((tokens.prompt_tokens, read), (tokens.completion_tokens, written))
    }
}

/// Joins what was read and written, which chat completions and Responses call by other names. Their sums hold
/// the details already; a detail that is more than its sum is a lie.
pub(in crate::provider) fn usage(
    (input, read): (Option<u64>, Option<ReadDetails>),
    (output, written): (Option<u64>, Option<WrittenDetails>),
) -> Usage {
    let (input, output) = (input.unwrap_or_default(), output.unwrap_or_default());
    let (read, written) = (read.unwrap_or_default(), written.unwrap_or_default());
    Usage {
        input,
        output,
        cache_read: read.cached_tokens.unwrap_or_default().min(input),
        cache_write: read.cache_write_tokens.unwrap_or_default().min(input),
        reasoning: written.reasoning_tokens.unwrap_or_default().min(output),
    }
}
