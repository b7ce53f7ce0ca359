//! Questions to models. The manifest asks for `models`, and each request names a tier, a model, or none;
//! what is sent goes to the provider of the model. Keys are the host's.
//!
//! ```
//! # use ax_sdk::{fake, model};
//! # fn main() -> ax_sdk::Result<()> {
//! # fake::model(|_| Ok(fake::said("Rain.")));
//! let answer = model::Request::new("What is the weather like, in one word?")
//!     .model("fast")
//!     .system("You are terse.")
//!     .max_tokens(20)
//!     .complete()?;
//! assert_eq!(answer.text(), "Rain.");
//! # Ok(())
//! # }
//! ```
//!
//! An answer can be read as it comes ([`Request::stream`]), several can be asked at once
//! ([`complete_all`]), and one can be made to keep to a JSON Schema ([`Request::schema`]). A model may ask
//! for calls of the [tools](Request::tool) that it was told of; the plugin makes them, adds
//! [`Message::result`] to the conversation and asks again.
//!
//! What a model says is not to be trusted more than a stranger.
//!
//! | What | At most |
//! |---|---|
//! | requests of one call and one name | 32, or what the manifest asks for |
//! | tokens, read and written | 200,000, or what the manifest asks for |
//! | money | 0.5 USD, or what the manifest asks for |
//! | answers that are read as they come, at once | 4 |
//! | messages of a request, characters of one | 1,000, 1,000,000 |

#[cfg(target_arch = "wasm32")]
mod host;
mod words;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, ErrorKind, Result};

pub use words::{
    Content, Finish, Message, Opaque, Part, Response, Role, Thinking, ToolCall, ToolChoice,
    ToolDef, ToolResult, Usage,
};

/// A request that is not sent yet. What is left out is the model's own default.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// A tier or a model; none is what the operator chose.
    pub model: Option<String>,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// The tools that the model may call.
    pub tools: Vec<ToolDef>,
    /// Whether it has to.
    pub tool_choice: ToolChoice,
    /// JSON Schema that the answer keeps to.
    pub output_schema: Option<Value>,
    /// Tokens that are written at most; where absent, what is left of the budget.
    pub max_tokens: Option<u32>,
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// Texts that end the answer, at most 10.
    pub stop: Vec<String>,
    /// How much it thinks before.
    pub thinking: Option<Thinking>,
}

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// What a request says as its model.
    pub name: String,
    /// The tier it belongs to, if it is a model of one.
    pub tier: Option<String>,
    /// Tokens of a conversation, where that is known.
    pub context_tokens: Option<u64>,
    /// Tokens of an answer, where that is known.
    pub output_tokens: Option<u64>,
    /// Whether it looks at pictures.
    pub vision: bool,
    /// Whether it calls tools.
    pub tools: bool,
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Chunk {
    /// More text.
    Text(String),
    /// More of what the model thinks.
    Reasoning(String),
    /// A call of a tool, whole.
    ToolCall(ToolCall),
    /// The end, with all that came before.
    Done(Box<Response>),
}

/// An answer as it comes. Dropping it cancels the request.
///
/// ```
/// # use ax_sdk::{fake, model};
/// # use ax_sdk::model::Chunk;
/// # fn main() -> ax_sdk::Result<()> {
/// # fake::model(|_| Ok(fake::said("Once upon a time")));
/// let mut story = String::new();
/// for chunk in model::Request::new("Tell me a story.").stream()? {
///     if let Chunk::Text(text) = chunk? {
///         story.push_str(&text);
///     }
/// }
/// assert_eq!(story, "Once upon a time");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Chunks {
    inner: played::Chunks,
    is_over: bool,
}

/// Asks and waits for the whole answer.
///
/// # Errors
///
/// As [`Request::complete`].
pub fn complete(request: Request) -> Result<Response> {
    played::complete(request)
}

/// Asks up to eight at the same time; answers come in the order of the requests, each judged by itself.
/// Those beyond 256 are [`ErrorKind::Exhausted`].
///
/// ```
/// # use ax_sdk::{fake, model};
/// # fake::model(|_| Ok(fake::said("yes")));
/// let questions = ["Is it wet?", "Is it cold?"].map(model::Request::new).to_vec();
/// for answer in model::complete_all(questions) {
///     assert_eq!(answer.unwrap().text(), "yes");
/// }
/// ```
pub fn complete_all(requests: Vec<Request>) -> Vec<Result<Response>> {
    played::complete_all(requests)
}

/// Asks, and returns when the answer begins.
///
/// # Errors
///
/// As [`Request::complete`], and [`ErrorKind::Exhausted`] with `streams` when four are open.
pub fn stream(request: Request) -> Result<Chunks> {
    Ok(Chunks { inner: played::begin(request)?, is_over: false })
}

/// Counts the tokens that a request would read. It counts as a request, and goes to the provider.
///
/// # Errors
///
/// As [`Request::complete`].
pub fn count_tokens(request: Request) -> Result<u64> {
    played::count_tokens(request)
}

/// Lists what this plugin may ask; nothing where no model is set up.
pub fn models() -> Vec<ModelInfo> {
    played::models()
}

impl Request {
    /// Begins a request of one message.
    pub fn new(text: impl Into<String>) -> Self {
        Self::of(vec![Message::user(text)])
    }

    /// Begins a request of a conversation.
    pub fn of(messages: Vec<Message>) -> Self {
        Self {
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
        }
    }

    /// Names a tier or a model; the manifest has to ask for this name.
    #[must_use]
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.model = Some(name.into());
        self
    }

    /// Says first how the model is to behave.
    #[must_use]
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.messages.insert(0, Message::system(text));
        self
    }

    /// Adds a message to the end of the conversation.
    #[must_use]
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Tells the model of a tool that it may call.
    #[must_use]
    pub fn tool(mut self, tool: ToolDef) -> Self {
        self.tools.push(tool);
        self
    }

    /// Says whether a tool has to be called.
    #[must_use]
    pub fn tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = choice;
        self
    }

    /// Wants an answer that is JSON of this schema: [`Response::json`].
    #[must_use]
    pub fn schema(mut self, schema: Value) -> Self {
        self.output_schema = Some(schema);
        self
    }

    /// Bounds the tokens that are written.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Sets how much chance there is, 0 to 2.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets how much the model thinks before it answers.
    #[must_use]
    pub fn thinking(mut self, thinking: Thinking) -> Self {
        self.thinking = Some(thinking);
        self
    }

    /// Asks and waits for the whole answer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] with the missing permission; [`ErrorKind::Invalid`] with the member that is
    /// wrong, or `context-too-long`; [`ErrorKind::Exhausted`] with `calls`, `tokens` or `cost`;
    /// [`ErrorKind::NotFound`] with the name of a model that is not there; [`ErrorKind::Unavailable`]
    /// with `no-models` where none is set up, with `rate-limit`, or when nobody answered whole.
    pub fn complete(self) -> Result<Response> {
        complete(self)
    }

    /// Asks, and returns when the answer begins.
    ///
    /// # Errors
    ///
    /// As [`stream`].
    pub fn stream(self) -> Result<Chunks> {
        stream(self)
    }
}

impl Iterator for Chunks {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.inner.next().transpose();
        self.is_over =
            !matches!(next, Some(Ok(Chunk::Text(_) | Chunk::Reasoning(_) | Chunk::ToolCall(_))));
        next
    }
}

impl Response {
    /// Joins the texts of the answer.
    pub fn text(&self) -> String {
        self.message.text()
    }

    /// Lists the calls that the model asks for.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.message.parts.iter().filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    /// Reads the text as JSON.
    ///
    /// # Errors
    ///
    /// When it is none of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.text().trim()).map_err(|error| {
            Error::failed(format!("`{}` answered other JSON: {error}", self.model))
        })
    }

    /// Insists on an answer that is complete: not cut at the bound of its tokens, and not refused.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Exhausted`] with `tokens` for one that was cut, [`ErrorKind::Failed`] with `refusal`
    /// or `content-filter`.
    pub fn whole(self) -> Result<Self> {
        let (kind, code, what) = match self.finish {
            Finish::Stop | Finish::ToolCalls | Finish::Other => return Ok(self),
            Finish::Length => (ErrorKind::Exhausted, "tokens", "was cut off"),
            Finish::ContentFilter => (ErrorKind::Failed, "content-filter", "was held back"),
            Finish::Refusal => (ErrorKind::Failed, "refusal", "was refused"),
        };
        Err(Error::new(kind, format!("the answer of `{}` {what}", self.model)).code(code))
    }
}

#[cfg(target_arch = "wasm32")]
use host as played;

#[cfg(not(target_arch = "wasm32"))]
use fake as played;

#[cfg(not(target_arch = "wasm32"))]
mod fake {
    use super::{Chunk, ModelInfo, Request, Response};
    use crate::Result;
    use crate::fake;

    pub(super) fn complete(request: Request) -> Result<Response> {
        fake::ask(&request)
    }

    pub(super) fn complete_all(requests: Vec<Request>) -> Vec<Result<Response>> {
        requests.iter().map(fake::ask).collect()
    }

    pub(super) fn count_tokens(request: Request) -> Result<u64> {
        let bytes: usize = request.messages.iter().map(|message| message.text().len()).sum();
        Ok(bytes.div_ceil(4) as u64)
    }

    pub(super) fn models() -> Vec<ModelInfo> {
        Vec::new()
    }

    pub(super) fn begin(request: Request) -> Result<Chunks> {
        let response = fake::ask(&request)?;
        let mut chunks = Vec::new();
        let text = response.text();
        if !text.is_empty() {
            chunks.push(Chunk::Text(text));
        }
        chunks.extend(response.tool_calls().cloned().map(Chunk::ToolCall));
        chunks.push(Chunk::Done(Box::new(response)));
        Ok(Chunks(chunks.into_iter()))
    }

    #[derive(Debug)]
    pub(super) struct Chunks(std::vec::IntoIter<Chunk>);

    impl Chunks {
        pub(super) fn next(&mut self) -> Result<Option<Chunk>> {
            Ok(self.0.next())
        }
    }
}
