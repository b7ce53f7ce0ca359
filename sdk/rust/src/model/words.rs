//! What is said to a model and what comes back.

use serde_json::Value;

use crate::Media;

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Whoever set the conversation up.
    System,
    /// Whoever asks.
    User,
    /// The model.
    Assistant,
    /// What tools answered.
    Tool,
    /// Newer than this SDK; refused in a request.
    Other,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// Which of several who have that role.
    pub name: Option<String>,
    /// What is said.
    pub parts: Vec<Part>,
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it is.
    pub content: Content,
    /// What its provider wants back with it, unchanged.
    pub opaque: Option<Opaque>,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// A picture; from users alone.
    Image(Media),
    /// Another file, as a PDF; from users alone.
    File(Media),
    /// A call of a tool; from the model alone.
    ToolCall(ToolCall),
    /// What a tool answered; in messages of tools alone.
    ToolResult(ToolResult),
    /// What the model thought, where it tells.
    Reasoning(String),
    /// Newer than this SDK, as JSON; refused in a request.
    Other(String),
}

/// State that only the route which wrote it understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opaque {
    /// The route that wrote it.
    pub owner: String,
    /// What it wrote, JSON.
    pub data: String,
}

/// A call that a model asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// What its result names it by.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments.
    pub input: Value,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// The id of the call.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it said.
    pub text: String,
    /// Pictures that it gave.
    pub images: Vec<Media>,
    /// Whether it failed.
    pub is_error: bool,
}

/// A tool that a model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDef {
    /// 1 to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON Schema of its arguments, an object.
    pub input_schema: Value,
}

/// Whether a model calls a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Why an answer ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Finish {
    /// It is complete.
    #[default]
    Stop,
    /// There was no room for more.
    Length,
    /// Tools are to be called.
    ToolCalls,
    /// The provider held the rest back.
    ContentFilter,
    /// The model does not answer such things.
    Refusal,
    /// Newer than this SDK.
    Other,
}

/// What a request used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read, those of the provider's cache among them.
    pub input: u64,
    /// Tokens written, those of thoughts among them.
    pub output: u64,
    /// Of `input`, those that came from the cache.
    pub cache_read: u64,
    /// Of `input`, those that were written into it.
    pub cache_write: u64,
    /// Of `output`, those of thoughts.
    pub reasoning: u64,
    /// Millionths of a US dollar, where prices are known.
    pub cost_micro_usd: Option<u64>,
    /// Whether the host guessed the tokens.
    pub estimated: bool,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// Names the request in what the host records.
    pub id: String,
    /// Who answered.
    pub provider: String,
    /// Which model, as the provider calls it.
    pub model: String,
    /// What it says; to go on, add it to the conversation as it is.
    pub message: Message,
    /// Why it ends.
    pub finish: Finish,
    /// What it used.
    pub usage: Usage,
}

impl Message {
    /// Makes a message of one text.
    pub fn text_of(role: Role, text: impl Into<String>) -> Self {
        Self { role, name: None, parts: vec![Content::Text(text.into()).into()] }
    }

    /// Says how the model is to behave.
    pub fn system(text: impl Into<String>) -> Self {
        Self::text_of(Role::System, text)
    }

    /// Says what is asked.
    pub fn user(text: impl Into<String>) -> Self {
        Self::text_of(Role::User, text)
    }

    /// Says what the model said.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::text_of(Role::Assistant, text)
    }

    /// Says what a tool answered to a call.
    pub fn result(call: &ToolCall, text: impl Into<String>) -> Self {
        let result = ToolResult {
            id: call.id.clone(),
            name: call.name.clone(),
            text: text.into(),
            images: Vec::new(),
            is_error: false,
        };
        let parts = vec![Content::ToolResult(result).into()];
        Self { role: Role::Tool, name: None, parts }
    }

    /// Adds a part.
    #[must_use]
    pub fn part(mut self, content: Content) -> Self {
        self.parts.push(content.into());
        self
    }

    /// Joins the texts that it holds.
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match &part.content {
            Content::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }
}

impl From<Content> for Part {
    fn from(content: Content) -> Self {
        Self { content, opaque: None }
    }
}

impl Thinking {
    /// The word for it.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}
