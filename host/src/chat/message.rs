//! Messages of a conversation, part by part.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Whoever set the conversation up.
    System,
    /// Whoever asks.
    User,
    /// The model.
    Assistant,
    /// What tools answered.
    Tool,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// Which of several who have that role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is said.
    pub parts: Vec<Part>,
    /// What the caller keeps with it; no provider sees it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// What it is.
    #[serde(flatten)]
    pub kind: PartKind,
    /// What its provider wants back with it, unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<Opaque>,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type", content = "value")]
pub enum PartKind {
    /// Text.
    Text(String),
    /// A picture.
    Image(Media),
    /// Another file, as a PDF.
    File(Media),
    /// The model wants a tool to be called.
    ToolCall(ToolCall),
    /// What a tool answered.
    ToolResult(ToolResult),
    /// What the model thought, where it tells; empty where it gives only what it wants back.
    Reasoning(String),
}

/// Bytes of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Media {
    /// As `image/png`.
    pub media_type: String,
    /// Base64, with padding (RFC 4648 §4).
    pub data: String,
}

/// A call that a model asks for. Its input was whole JSON when it was handed on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToolCall {
    /// What its result names it by.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments.
    pub input: Value,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToolResult {
    /// The id of the call.
    pub id: String,
    /// The tool; some providers match by name.
    pub name: String,
    /// What it said.
    pub text: String,
    /// Pictures that it gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Media>,
    /// Whether it failed.
    #[serde(default)]
    pub is_error: bool,
}

/// State of a provider that only the route which wrote it understands: a signature of thoughts, an
/// encrypted item. Sent back unchanged to that route, and to no other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Opaque {
    /// The route that wrote it, as `claude/claude-sonnet-5-5`.
    pub owner: String,
    /// What it wrote.
    pub data: Value,
}

impl Message {
    /// A message of one text.
    #[must_use]
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        let part = Part::from(PartKind::Text(text.into()));
        Self { role, name: None, parts: vec![part], metadata: BTreeMap::new() }
    }

    /// Joins the texts that it holds.
    #[must_use]
    pub fn joined_text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match &part.kind {
            PartKind::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// Counts the characters of what is said, the input and results of tools among them.
    #[must_use]
    pub fn chars(&self) -> usize {
        self.parts.iter().map(|part| part.kind.chars()).sum()
    }
}

impl PartKind {
    /// Answers whether it is what a tool answered.
    #[must_use]
    pub fn is_result(&self) -> bool {
        matches!(self, Self::ToolResult(_))
    }

    /// Returns the bytes that it holds.
    pub fn media(&self) -> impl Iterator<Item = &Media> {
        let (one, more) = match self {
            Self::Image(media) | Self::File(media) => (Some(media), &[][..]),
            Self::ToolResult(result) => (None, &result.images[..]),
            Self::Text(_) | Self::ToolCall(_) | Self::Reasoning(_) => (None, &[][..]),
        };
        one.into_iter().chain(more)
    }

    fn chars(&self) -> usize {
        match self {
            Self::Text(text) | Self::Reasoning(text) => text.chars().count(),
            Self::ToolResult(result) => result.text.chars().count(),
            Self::ToolCall(call) => call.input.to_string().chars().count(),
            Self::Image(_) | Self::File(_) => 0,
        }
    }
}

impl From<PartKind> for Part {
    fn from(kind: PartKind) -> Self {
        Self { kind, opaque: None }
    }
}
