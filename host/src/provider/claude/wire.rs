//! What Claude says, as serde reads it. Fields that nobody here uses are not written down.

use serde::Deserialize;
use serde_json::Value;

/// A whole answer ("Message"), and the beginning of a streamed one.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    pub(super) content: Vec<Block>,
    pub(super) model: String,
    #[serde(default)]
    pub(super) stop_reason: Option<String>,
    #[serde(default)]
    pub(super) usage: Usage,
}

/// A block of content. A kind that is not known here is passed over.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Unknown,
}

/// Tokens. In a stream each is what was used so far; one that is missing has not changed.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Usage {
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) cache_creation_input_tokens: Option<u64>,
    pub(super) cache_read_input_tokens: Option<u64>,
    pub(super) output_tokens_details: Option<OutputDetails>,
}

/// What was written, by kind.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct OutputDetails {
    pub(super) thinking_tokens: Option<u64>,
}

/// An event of a stream.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event {
    MessageStart {
        message: Message,
    },
    ContentBlockStart {
        index: u32,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u32,
        delta: Delta,
    },
    ContentBlockStop {
        index: u32,
    },
    MessageDelta {
        delta: MessageDelta,
        #[serde(default)]
        usage: Usage,
    },
    MessageStop,
    Error {
        error: Failure,
        #[serde(default)]
        request_id: Option<String>,
    },
    #[serde(other)]
    Unknown,
}

/// More of a block.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(super) enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(other)]
    Unknown,
}

/// How the answer ends.
#[derive(Debug, Deserialize)]
pub(super) struct MessageDelta {
    #[serde(default)]
    pub(super) stop_reason: Option<String>,
}

/// The body of a failure.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub(super) error: Failure,
    #[serde(default)]
    pub(super) request_id: Option<String>,
}

/// What went wrong.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) details: Option<Details>,
}

/// More of it, for machines.
#[derive(Debug, Deserialize)]
pub(super) struct Details {
    #[serde(default)]
    pub(super) error_code: Option<String>,
}

/// How many tokens a request reads.
#[derive(Debug, Deserialize)]
pub(super) struct Counted {
    pub(super) input_tokens: u64,
}

/// A page of models.
#[derive(Debug, Deserialize)]
pub(super) struct Models {
    pub(super) data: Vec<Model>,
    #[serde(default)]
    pub(super) has_more: bool,
    #[serde(default)]
    pub(super) last_id: Option<String>,
}

/// A model.
#[derive(Debug, Deserialize)]
pub(super) struct Model {
    pub(super) id: String,
    #[serde(default)]
    pub(super) max_input_tokens: Option<u64>,
    #[serde(default)]
    pub(super) max_tokens: Option<u64>,
}
