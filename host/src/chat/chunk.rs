//! An answer while it comes.
//!
//! Invariant: [`Chunk::Done`] comes once, and last; a stream that ends without it was cut. A tool's call
//! comes when its input is whole JSON, so nobody acts on half of one.

use serde::{Deserialize, Serialize};

use super::message::{Message, Opaque, Part, PartKind, Role, ToolCall};
use super::response::{Finish, Response, Usage};

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type", content = "value")]
pub enum Chunk {
    /// More text.
    Text(String),
    /// More of what the model thinks.
    Reasoning(String),
    /// What the provider wants back with the part that just came, unchanged; that part is at its end.
    Opaque(Opaque),
    /// A call, whole.
    ToolCall(ToolCall),
    /// What was used so far; a later one takes its place.
    Usage(Usage),
    /// The end.
    Done(Done),
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// Why.
    pub finish: Finish,
    /// Which model it was, as the provider calls it.
    pub model: String,
    /// The provider's name of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_request_id: Option<String>,
}

impl Chunk {
    /// Answers whether a caller has seen something of the answer with it, so that nothing can be tried
    /// again without telling.
    #[must_use]
    pub fn is_content(&self) -> bool {
        match self {
            Self::Text(text) | Self::Reasoning(text) => !text.is_empty(),
            Self::ToolCall(_) => true,
            Self::Opaque(_) | Self::Usage(_) | Self::Done(_) => false,
        }
    }
}

/// Joins the pieces of an answer.
#[derive(Debug, Default)]
pub struct Assembly {
    parts: Vec<Part>,
    usage: Option<Usage>,
    done: Option<Done>,
    /// The last part is at its end.
    is_closed: bool,
}

impl Assembly {
    /// Adds a piece.
    pub fn add(&mut self, chunk: Chunk) {
        match chunk {
            Chunk::Text(more) => match self.parts.last_mut().map(|part| &mut part.kind) {
                Some(PartKind::Text(text)) if !self.is_closed => text.push_str(&more),
                _ => self.push(PartKind::Text(more)),
            },
            Chunk::Reasoning(more) => match self.parts.last_mut().map(|part| &mut part.kind) {
                Some(PartKind::Reasoning(text)) if !self.is_closed => text.push_str(&more),
                _ => self.push(PartKind::Reasoning(more)),
            },
            Chunk::Opaque(opaque) => {
                match self.parts.last_mut() {
                    Some(part) if part.opaque.is_none() => part.opaque = Some(opaque),
                    _ => {
                        let kind = PartKind::Reasoning(String::new());
                        self.parts.push(Part { kind, opaque: Some(opaque) });
                    }
                }
                self.is_closed = true;
            }
            Chunk::ToolCall(call) => self.push(PartKind::ToolCall(call)),
            Chunk::Usage(usage) => self.usage = Some(usage),
            Chunk::Done(done) => self.done = Some(done),
        }
    }

    fn push(&mut self, kind: PartKind) {
        self.parts.push(kind.into());
        self.is_closed = false;
    }

    /// Returns what was used, as far as it is known.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Returns what was said until it was cut, without what cannot be gone on with: thoughts, and calls that
    /// nobody answers. Nothing if that is nothing.
    #[must_use]
    pub fn begun(self) -> Option<Message> {
        let is_said = |part: &Part| matches!(&part.kind, PartKind::Text(text) if !text.is_empty());
        let parts: Vec<_> = self.parts.into_iter().filter(is_said).collect();
        let message = Message { parts, ..Message::text(Role::Assistant, "") };
        (!message.parts.is_empty()).then_some(message)
    }

    /// Returns the whole answer of `provider`; none if it was cut.
    #[must_use]
    pub fn finish(self, provider: &str) -> Option<Response> {
        let Done { finish, model, provider_request_id } = self.done?;
        let message = Message { parts: self.parts, ..Message::text(Role::Assistant, "") };
        let provider = provider.to_owned();
        Some(Response { provider, model, message, finish, usage: self.usage, provider_request_id })
    }
}
