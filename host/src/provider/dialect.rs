//! How a provider says things: the pure seam between words ([`crate::chat`]) and bytes.
//!
//! ```text
//! Request ── write ──→ Outgoing ═══ network ═══→ status, headers, body
//!                                                   │
//!  streamed: sse ──→ Reader::event … Reader::end ←──┤ 200
//!  whole:            answer                      ←──┤ 200
//!                    error                       ←──┘ otherwise
//! ```
//!
//! Invariant: nothing here waits, sends, reads a clock or sees a key, but for [`Dialect::authorize`],
//! which puts one into headers. What comes in is hostile: unknown fields and events are passed over, a
//! wrong type is an error, and no reader grows beyond [`CALL_BYTES_MAX`] a call.
//! Not here: who carries it out (`client`).

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::sse::Event;
use crate::chat::{Chunk, Class, Error, ModelInfo, Request};

/// Bytes of one tool call's arguments: what a model writes at most is far below.
pub const CALL_BYTES_MAX: usize = 8 << 20;

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The provider, as the operator names it.
    pub provider: String,
    /// The model, as the provider calls it.
    pub model: String,
}

impl Route {
    /// Names the route in what only it understands ([`crate::chat::Opaque`]).
    #[must_use]
    pub fn owner(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }
}

/// What goes out.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// GET or POST.
    pub method: Method,
    /// What follows the base URL, with its query: begins with `/`.
    pub path: String,
    /// All headers but the key's and the organisation's.
    pub headers: HeaderMap,
    /// JSON; empty for a GET.
    pub body: Bytes,
}

impl Outgoing {
    /// Posts JSON, and wants events or JSON back.
    #[must_use]
    pub fn post(path: &str, body: &Value, is_streamed: bool) -> Self {
        let accepted = if is_streamed { "text/event-stream" } else { "application/json" };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static(accepted));
        let body = Bytes::from(body.to_string());
        Self { method: Method::POST, path: path.to_owned(), headers, body }
    }

    /// Gets JSON.
    #[must_use]
    pub fn get(path: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self { method: Method::GET, path: path.to_owned(), headers, body: Bytes::new() }
    }
}

/// A provider's interface.
pub trait Dialect: Send + Sync {
    /// Writes a request; [`Request::stream`] says how the answer is to come.
    ///
    /// # Errors
    ///
    /// [`Class::CallerFault`], naming the field that the provider has no word for.
    fn write(&self, request: &Request, route: &Route) -> Result<Outgoing, Error>;

    /// Puts the key, and the organisation where the provider knows such, into headers.
    ///
    /// # Errors
    ///
    /// [`Class::Auth`] for a key that can stand in no header; see [`header_value`].
    fn authorize(
        &self,
        key: &str,
        organisation: Option<&str>,
        headers: &mut HeaderMap,
    ) -> Result<(), Error>;

    /// Reads an answer while it comes.
    fn reader(&self, route: &Route) -> Box<dyn Reader>;

    /// Reads an answer that came whole; [`Chunk::Done`] is last.
    ///
    /// # Errors
    ///
    /// [`garbled`], or what the provider says.
    fn answer(&self, route: &Route, body: &[u8]) -> Result<Vec<Chunk>, Error>;

    /// Reads a failure: a status that is no success, with whatever body.
    fn error(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Error;

    /// Asks how many tokens a request reads; none if the provider cannot say.
    fn count(&self, request: &Request, route: &Route) -> Option<Result<Outgoing, Error>>;

    /// Reads how many they are.
    ///
    /// # Errors
    ///
    /// [`garbled`].
    fn counted(&self, body: &[u8]) -> Result<u64, Error>;

    /// Asks for the models, from `page` on.
    fn list(&self, page: Option<&str>) -> Outgoing;

    /// Reads a page of models, and the name of the next page if there is one.
    ///
    /// # Errors
    ///
    /// [`garbled`].
    fn listed(&self, body: &[u8]) -> Result<(Vec<ModelInfo>, Option<String>), Error>;
}

/// Reads one answer while it comes.
pub trait Reader: Send {
    /// Reads an event. [`Chunk::Done`] ends the answer; nothing is read after it.
    ///
    /// # Errors
    ///
    /// [`garbled`], or what the provider says in the stream.
    fn event(&mut self, event: &Event) -> Result<Vec<Chunk>, Error>;

    /// Is told that nothing more comes.
    ///
    /// # Errors
    ///
    /// [`cut`] if the answer was not at its end.
    fn end(&mut self) -> Result<Vec<Chunk>, Error>;

    /// Answers whether the model writes something that is handed on only when it is whole, as a tool's
    /// call: it speaks, though no word of it came yet.
    fn is_speaking(&self) -> bool {
        false
    }
}

/// Says that what came makes no sense. `what` is ours or the parser's, never the bytes themselves.
#[must_use]
pub fn garbled(what: &str) -> Error {
    let why = format!("the answer makes no sense: {what}");
    Error { may_cost: true, ..Error::new(Class::Transient, "garbled", &why) }
}

/// Says that an answer which had begun broke off.
#[must_use]
pub fn cut() -> Error {
    let why = "the answer broke off before its end";
    Error { may_cost: true, ..Error::new(Class::Transient, "cut", why) }
}

/// Reads JSON of a known form. Nesting beyond 128 is refused by the parser.
///
/// # Errors
///
/// [`garbled`], with the place and without the text.
pub fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = match error.classify() {
            serde_json::error::Category::Data => "a field has another type",
            serde_json::error::Category::Eof => "its JSON breaks off",
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                "it is not JSON"
            }
        };
        garbled(&format!("{what} (line {line}, column {column})"))
    })
}

/// Makes a header of a secret or of an operator's word. It is marked, so that no log shows it.
///
/// # Errors
///
/// [`Class::Auth`] if it can stand in no header.
pub fn header_value(field: &str, text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        let why = format!("the {field} has characters that can stand in no header");
        Error::new(Class::Auth, "malformed-key", &why)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Makes an error of what a provider said with a status.
#[must_use]
pub fn refusal(class: Class, status: u16, code: &str, message: &str) -> Error {
    let code = if code.is_empty() { format!("http-{status}") } else { clipped(code) };
    let message = match message.trim() {
        "" => format!("the provider answered with status {status}"),
        message => message.to_owned(),
    };
    Error { status: Some(status), ..Error::new(class, code, &message) }
}

/// The same, with how long to wait.
#[must_use]
pub fn later(error: Error, retry_after: Option<Duration>) -> Error {
    Error { retry_after, ..error }
}

/// Keeps a foreign word short and plain.
fn clipped(code: &str) -> String {
    /// Characters of a code: the longest known one has 34.
    const CODE_CHARS_MAX: usize = 64;
    code.chars().filter(|it| it.is_ascii_graphic()).take(CODE_CHARS_MAX).collect()
}
