//! Reads answers of Responses, as they come and whole.
//!
//! ```text
//! response.created … (output_item.added → deltas → output_item.done)* … response.completed
//!                                                                       response.incomplete
//!                                                         error         response.failed
//! ```
//!
//! Text and thoughts are handed on by their deltas; calls, and thoughts that go back, by the item that
//! is done, which alone is whole. An item whose deltas did not come is read from what is done of it, and
//! one that was never done from the answer's end.
//!
//! Invariant: the same words come out of a stream and of a whole answer.

use serde_json::{Value, json};

use super::wire::{Event as Wire, Item, Piece, Response};
use crate::chat::{Chunk, Class, Done, Error, Finish, Opaque, ToolCall, Usage};
use crate::provider::dialect::{CALL_BYTES_MAX, Reader, Route, cut, garbled, parse};
use crate::provider::openai::call::{arguments, made_id};
use crate::provider::openai::error;
use crate::provider::sse::Event;

/// Calls of one answer: twice what a model was ever seen to ask for at once.
const CALLS_MAX: usize = 256;

/// Stands between two summaries of one thought.
const PARAGRAPH: &str = "\n\n";

/// Reads one answer.
pub(super) struct Stream {
    owner: String,
    model: String,
    id: Option<String>,
    calls: usize,
    bytes: usize,
    is_refusal: bool,
    /// Something of the item that is on its way was handed on.
    is_heard: bool,
    /// Deltas of words come at all.
    has_deltas: bool,
    /// A call is on its way.
    is_speaking: bool,
    /// Items that are done.
    items: usize,
    is_done: bool,
}

impl Stream {
    pub(super) fn new(route: &Route) -> Self {
        Self {
            owner: route.owner(),
            model: route.model.clone(),
            id: None,
            calls: 0,
            bytes: 0,
            is_refusal: false,
            is_heard: false,
            has_deltas: false,
            is_speaking: false,
            items: 0,
            is_done: false,
        }
    }

    fn read(&mut self, name: &str, json: &[u8]) -> Result<Vec<Chunk>, Error> {
        let it: Wire = parse(json)?;
        let kind = it.kind.as_deref().unwrap_or(name);
        if kind == "error" || it.error.is_some() {
            let said = match it.error {
                Some(said) => said,
                None => parse(json)?,
            };
            return Err(self.named(error::said(None, &said)));
        }
        let delta = it.delta.as_ref().and_then(Value::as_str).unwrap_or_default();
        match kind {
            "response.created" | "response.in_progress" | "response.queued" => {
                it.response.iter().for_each(|response| self.meet(response));
                Ok(Vec::new())
            }
            "response.output_item.added" => {
                self.is_heard = false;
                Ok(Vec::new())
            }
            "response.output_text.delta" => Ok(self.heard(Chunk::Text(delta.to_owned()))),
            "response.refusal.delta" => {
                self.is_refusal = true;
                Ok(self.heard(Chunk::Text(delta.to_owned())))
            }
            "response.function_call_arguments.delta" => {
                self.is_speaking = true;
                Ok(Vec::new())
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                Ok(self.heard(Chunk::Reasoning(delta.to_owned())))
            }
            "response.reasoning_summary_part.added"
                if it.summary_index.is_some_and(|at| at > 0) =>
            {
                Ok(self.heard(Chunk::Reasoning(PARAGRAPH.to_owned())))
            }
            "response.output_item.done" => match it.item {
                Some(item) => self.item(item),
                None => Err(garbled("an item that is done is missing")),
            },
            "response.completed" | "response.incomplete" | "response.failed" => match it.response {
                Some(response) => self.done(response, kind.trim_start_matches("response.")),
                None => Err(garbled("the end of the answer is missing")),
            },
            _ => Ok(Vec::new()),
        }
    }

    fn meet(&mut self, response: &Response) {
        if let Some(id) = response.id.as_ref().filter(|id| !id.is_empty()) {
            self.id = Some(id.clone());
        }
        if let Some(model) = response.model.as_ref().filter(|model| !model.is_empty()) {
            self.model.clone_from(model);
        }
    }

    fn heard(&mut self, chunk: Chunk) -> Vec<Chunk> {
        (self.is_heard, self.has_deltas) = (true, true);
        if chunk.is_content() { vec![chunk] } else { Vec::new() }
    }

    /// Reads an item that is done.
    fn item(&mut self, raw: Value) -> Result<Vec<Chunk>, Error> {
        let item = Item::deserialize_from(&raw)?;
        let is_heard = std::mem::replace(&mut self.is_heard, false);
        self.items += 1;
        let mut chunks = Vec::new();
        match item.kind.as_deref().unwrap_or_default() {
            "message" => {
                if !is_heard {
                    chunks.extend(self.texts(item.content.unwrap_or_default()));
                }
                if let Some(phase) = item.phase {
                    chunks.push(self.opaque(json!({ "phase": phase })));
                }
            }
            "reasoning" => {
                let summary = item.summary.unwrap_or_default();
                let pieces = if summary.is_empty() { item.content } else { Some(summary) };
                let texts = pieces.unwrap_or_default().into_iter().filter_map(|it| it.text);
                let text = texts.collect::<Vec<_>>().join(PARAGRAPH);
                if !is_heard && !text.is_empty() {
                    chunks.push(Chunk::Reasoning(text));
                }
                // An item that OpenAI does not keep is of use only with what is encrypted in it.
                if item.encrypted_content.is_some() {
                    chunks.push(self.opaque(raw));
                }
            }
            // A call that is not whole ends an answer for which there was no room.
            "function_call" if item.status.as_deref() != Some("incomplete") => {
                chunks.push(Chunk::ToolCall(self.call(item)?));
            }
            _ => {}
        }
        Ok(chunks)
    }

    fn texts(&mut self, pieces: Vec<Piece>) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for Piece { kind, text, refusal } in pieces {
            let text = match kind.as_deref() {
                Some("output_text") => text,
                Some("refusal") => {
                    self.is_refusal = true;
                    refusal
                }
                _ => None,
            };
            chunks.extend(text.filter(|text| !text.is_empty()).map(Chunk::Text));
        }
        chunks
    }

    fn opaque(&self, data: Value) -> Chunk {
        Chunk::Opaque(Opaque { owner: self.owner.clone(), data })
    }

    fn call(&mut self, item: Item) -> Result<ToolCall, Error> {
        let Some(name) = item.name.filter(|name| !name.is_empty()) else {
            return Err(garbled("a tool call has no name"));
        };
        let at = self.calls;
        self.calls += 1;
        if self.calls > CALLS_MAX {
            return Err(garbled("there are too many tool calls"));
        }
        let text = item.arguments.unwrap_or_default();
        self.bytes += text.len();
        if self.bytes > CALL_BYTES_MAX {
            return Err(garbled("tool calls are too long"));
        }
        let id = item.call_id.filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| made_id(self.id.as_deref().unwrap_or_default(), at));
        Ok(ToolCall { id, name, input: arguments(&text)? })
    }

    /// Reads the end of an answer, or all of it. `word` is its status where it has none.
    fn done(&mut self, response: Response, word: &str) -> Result<Vec<Chunk>, Error> {
        self.meet(&response);
        let Response { status, output, usage, incomplete_details, error, .. } = response;
        let status = status.as_deref().unwrap_or(word);
        if status == "failed" || error.is_some() {
            return Err(self.named(error::said(None, &error.unwrap_or_default())));
        }
        let mut chunks = Vec::new();
        for item in output.unwrap_or_default().into_iter().skip(self.items) {
            self.is_heard = self.has_deltas;
            chunks.extend(self.item(item)?);
        }
        chunks.extend(usage.map(Usage::from).map(Chunk::Usage));
        let reason = incomplete_details.and_then(|details| details.reason);
        let finish = match (status, reason.as_deref()) {
            ("incomplete", Some("content_filter")) => Finish::ContentFilter,
            ("incomplete", _) => Finish::Length,
            ("cancelled", _) => {
                let why = "the provider cancelled its answer";
                return Err(self.named(Error::new(Class::Transient, "cancelled", why)));
            }
            ("queued" | "in_progress", _) => return Err(cut()),
            _ if self.is_refusal => Finish::Refusal,
            _ if self.calls > 0 => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        self.is_done = true;
        let (model, provider_request_id) = (self.model.clone(), self.id.clone());
        chunks.push(Chunk::Done(Done { finish, model, provider_request_id }));
        Ok(chunks)
    }

    fn named(&self, error: Error) -> Error {
        Error { provider_request_id: self.id.clone(), ..error }
    }
}

impl Item {
    fn deserialize_from(raw: &Value) -> Result<Self, Error> {
        serde::Deserialize::deserialize(raw)
            .map_err(|_| garbled("a field of an item has another type"))
    }
}

impl Reader for Stream {
    fn event(&mut self, event: &Event) -> Result<Vec<Chunk>, Error> {
        match event.data.trim() {
            _ if self.is_done => Ok(Vec::new()),
            "" | "[DONE]" => Ok(Vec::new()),
            data => self.read(&event.name, data.as_bytes()),
        }
    }

    fn end(&mut self) -> Result<Vec<Chunk>, Error> {
        if self.is_done { Ok(Vec::new()) } else { Err(cut()) }
    }

    fn is_speaking(&self) -> bool {
        self.is_speaking
    }
}

/// Reads an answer that came whole.
pub(super) fn whole(route: &Route, body: &[u8]) -> Result<Vec<Chunk>, Error> {
    let response: Response = parse(body)?;
    if response.output.is_none() && response.error.is_none() {
        return Err(garbled("there is no answer in it"));
    }
    Stream::new(route).done(response, "completed")
}
