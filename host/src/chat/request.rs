//! One request to a model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Error;
use super::limits::LIMITS;
use super::message::Message;

/// Names one request everywhere: a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub uuid::Uuid);

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What is asked. What is left out is the model's own default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// The provider that is to answer; the router chooses where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model; the default of the provider where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// The tools that the model may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolDef>,
    /// Whether it has to.
    #[serde(default)]
    pub tool_choice: ToolChoice,
    /// JSON Schema that the answer keeps to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Tokens that are written at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Texts that end the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// How much it thinks before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Thinking>,
    /// Whether the caller reads the answer while it comes.
    #[serde(default)]
    pub stream: bool,
    /// What the caller keeps with it; no provider sees it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// A tool that a model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToolDef {
    /// A wire name: `[a-zA-Z0-9_-]{1,64}`.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
}

/// Whether the model calls a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type", content = "name")]
pub enum ToolChoice {
    /// As it likes.
    #[default]
    Auto,
    /// One of them at least.
    Required,
    /// None.
    Forbidden,
    /// This one.
    Named(String),
}

/// How much a model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thinking {
    /// Not at all, where the model can do without.
    Off,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

impl Request {
    /// Asks `model` what `messages` say.
    #[must_use]
    pub fn new(id: RequestId, messages: Vec<Message>) -> Self {
        Self {
            id,
            provider: None,
            model: None,
            messages,
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            output_schema: None,
            max_tokens: None,
            temperature: None,
            top_p: None,
            stop: Vec::new(),
            thinking: None,
            stream: false,
            metadata: BTreeMap::new(),
        }
    }

    /// Refuses what must not be sent, naming the field and its bound.
    ///
    /// # Errors
    ///
    /// [`Error`] of the class caller-fault, code `invalid`.
    pub fn validate(&self) -> Result<(), Error> {
        match LIMITS.violation(self) {
            None => Ok(()),
            Some(why) => Err(Error::invalid(why)),
        }
    }
}
