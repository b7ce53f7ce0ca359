//! What comes from Gemini, as far as it is read. Every field may be left out.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::chat::Usage;

/// More of an answer, or all of it (`GenerateContentResponse`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Generated {
    pub(super) candidates: Option<Vec<Candidate>>,
    pub(super) prompt_feedback: Option<PromptFeedback>,
    pub(super) usage_metadata: Option<Tokens>,
    pub(super) model_version: Option<String>,
    pub(super) response_id: Option<String>,
    /// An error after the answer began.
    pub(super) error: Option<Value>,
}

/// One of several answers; only the first is ever asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    pub(super) index: Option<u64>,
    pub(super) content: Option<Content>,
    pub(super) finish_reason: Option<String>,
    pub(super) finish_message: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Content {
    pub(super) parts: Option<Vec<Part>>,
}

/// A part; code that was run and pictures are passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) text: Option<String>,
    /// The text is a thought.
    pub(super) thought: Option<bool>,
    pub(super) thought_signature: Option<String>,
    pub(super) function_call: Option<FunctionCall>,
}

/// A call, whole.
#[derive(Debug, Deserialize)]
pub(super) struct FunctionCall {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) args: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromptFeedback {
    pub(super) block_reason: Option<String>,
    pub(super) block_reason_message: Option<String>,
}

/// `UsageMetadata`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens {
    prompt_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
}

/// What `countTokens` says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counted {
    pub(super) total_tokens: Option<u64>,
}

/// A page of models.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Models {
    pub(super) models: Option<Vec<Model>>,
    pub(super) next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) input_token_limit: Option<u64>,
    pub(super) output_token_limit: Option<u64>,
}

impl From<Tokens> for Usage {
    /// Thoughts are not among the candidates' tokens, nor what tools of Google's read among the
    /// prompt's; what comes from the cache is.
    fn from(tokens: Tokens) -> Self {
        let prompt = tokens.prompt_token_count.unwrap_or_default();
        let tools = tokens.tool_use_prompt_token_count.unwrap_or_default();
        let thoughts = tokens.thoughts_token_count.unwrap_or_default();
        let input = prompt.saturating_add(tools);
        Self {
            input,
            output: tokens.candidates_token_count.unwrap_or_default().saturating_add(thoughts),
            cache_read: tokens.cached_content_token_count.unwrap_or_default().min(input),
            cache_write: 0,
            reasoning: thoughts,
        }
    }
}
