//! Reads answers of Gemini, as they come and whole.
//!
//! A signature belongs to the part in which it came, and a part that has one must not be joined with one
//! that has none (guide "Thought signatures"). So text that has none is closed before text that has one
//! ([`border`]), and a signature in a part of its own is marked as standing [`APART`].
//!
//! Invariant: an answer is at its end when the connection closes after a `finishReason`; usage may come
//! after that.

use serde_json::{Map, Value, json};

use super::error;
use super::wire::{Candidate, FunctionCall, Generated, Part};
use crate::chat::{Chunk, Class, Done, Error, Finish, Opaque, ToolCall, Usage};
use crate::provider::dialect::{CALL_BYTES_MAX, Reader, Route, cut, garbled, parse};
use crate::provider::openai::call::made_id;
use crate::provider::sse::Event;

/// Calls of one answer: twice what a model was ever seen to ask for at once.
const CALLS_MAX: usize = 256;

/// The field of a signature, in a part and in what is kept of it.
pub(super) const SIGNATURE: &str = "thoughtSignature";

/// Says of a signature that it came in a part without anything else.
pub(super) const APART: &str = "apart";

/// Reads one answer.
pub(super) struct Stream {
    owner: String,
    model: String,
    id: Option<String>,
    calls: usize,
    bytes: usize,
    usage: Option<Usage>,
    finish: Option<String>,
    /// What came last, if more may be joined to it.
    open: Option<Open>,
    is_done: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thought,
}

impl Stream {
    pub(super) fn new(route: &Route) -> Self {
        Self {
            owner: route.owner(),
            model: route.model.clone(),
            id: None,
            calls: 0,
            bytes: 0,
            usage: None,
            finish: None,
            open: None,
            is_done: false,
        }
    }

    fn read(&mut self, json: &[u8]) -> Result<Vec<Chunk>, Error> {
        let it: Generated = parse(json)?;
        if let Some(said) = it.error {
            return Err(error::said(None, &said));
        }
        if let Some(model) = it.model_version.filter(|model| !model.is_empty()) {
            self.model = model;
        }
        if let Some(id) = it.response_id.filter(|id| !id.is_empty()) {
            self.id = Some(id);
        }
        let mut chunks = Vec::new();
        let candidates = it.candidates.unwrap_or_default();
        for candidate in candidates.into_iter().filter(|it| it.index.unwrap_or(0) == 0) {
            let Candidate { content, finish_reason, finish_message, .. } = candidate;
            for part in content.and_then(|content| content.parts).unwrap_or_default() {
                self.add(part, &mut chunks)?;
            }
            if let Some(word) = finish_reason.filter(|word| !word.is_empty()) {
                failure(&word, finish_message.as_deref().unwrap_or_default())?;
                self.finish = Some(word);
            }
        }
        if let Some(usage) = it.usage_metadata.map(Usage::from).filter(|it| Some(*it) != self.usage)
        {
            self.usage = Some(usage);
            chunks.push(Chunk::Usage(usage));
        }
        let feedback = it.prompt_feedback;
        if let Some((word, feedback)) = feedback.and_then(|it| Some((it.block_reason.clone()?, it)))
        {
            let why = feedback.block_reason_message.unwrap_or_default();
            let message = if why.is_empty() { "the prompt was blocked" } else { &why };
            return Err(Error::new(Class::Policy, word, message));
        }
        Ok(chunks)
    }

    fn add(&mut self, part: Part, chunks: &mut Vec<Chunk>) -> Result<(), Error> {
        let Part { text, thought, thought_signature, function_call } = part;
        let signature = thought_signature.filter(|signature| !signature.is_empty());
        let text = text.filter(|text| !text.is_empty());
        let kind = if thought == Some(true) { Open::Thought } else { Open::Text };
        let is_apart = text.is_none() && function_call.is_none();
        if let Some(text) = text {
            if signature.is_some() && self.open == Some(kind) {
                chunks.push(self.border());
            }
            self.open = Some(kind);
            chunks.push(match kind {
                Open::Thought => Chunk::Reasoning(text),
                Open::Text => Chunk::Text(text),
            });
        }
        if let Some(call) = function_call {
            self.open = None;
            chunks.push(Chunk::ToolCall(self.call(call)?));
        }
        if let Some(signature) = signature {
            let mut data = Map::from_iter([(SIGNATURE.to_owned(), json!(signature))]);
            if is_apart {
                data.insert(APART.to_owned(), json!(true));
            }
            self.open = None;
            let owner = self.owner.clone();
            chunks.push(Chunk::Opaque(Opaque { owner, data: Value::Object(data) }));
        }
        Ok(())
    }

    /// Ends a part that has no signature, so that what follows is not joined to it.
    fn border(&self) -> Chunk {
        Chunk::Opaque(Opaque { owner: self.owner.clone(), data: json!({}) })
    }

    fn call(&mut self, call: FunctionCall) -> Result<ToolCall, Error> {
        let FunctionCall { id, name, args } = call;
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Err(garbled("a tool call has no name"));
        };
        let at = self.calls;
        self.calls += 1;
        if self.calls > CALLS_MAX {
            return Err(garbled("there are too many tool calls"));
        }
        let input = Value::Object(args.unwrap_or_default());
        self.bytes += input.to_string().len();
        if self.bytes > CALL_BYTES_MAX {
            return Err(garbled("tool calls are too long"));
        }
        let id = id.filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| made_id(self.id.as_deref().unwrap_or_default(), at));
        Ok(ToolCall { id, name, input })
    }

    /// Ends the answer.
    fn done(&mut self) -> Result<Vec<Chunk>, Error> {
        let Some(word) = &self.finish else { return Err(cut()) };
        let finish = match word.as_str() {
            "MAX_TOKENS" | "CONTINUATION" => Finish::Length,
            word if is_held_back(word) => Finish::ContentFilter,
            // Anything else is the end; that tools are to be called has no word of its own.
            _ if self.calls > 0 => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        self.is_done = true;
        let (model, provider_request_id) = (self.model.clone(), self.id.clone());
        Ok(vec![Chunk::Done(Done { finish, model, provider_request_id })])
    }
}

impl Reader for Stream {
    fn event(&mut self, event: &Event) -> Result<Vec<Chunk>, Error> {
        if self.is_done {
            return Ok(Vec::new());
        }
        // An error may stand in the stream without being an event of it.
        let stray = event.stray.trim();
        if stray.starts_with(['{', '[']) {
            return Err(error::said(None, &parse(stray.as_bytes())?));
        }
        match event.data.trim() {
            "" | "[DONE]" => Ok(Vec::new()),
            data => self.read(data.as_bytes()),
        }
    }

    fn end(&mut self) -> Result<Vec<Chunk>, Error> {
        if self.is_done { Ok(Vec::new()) } else { self.done() }
    }
}

/// Reads an answer that came whole.
pub(super) fn whole(route: &Route, body: &[u8]) -> Result<Vec<Chunk>, Error> {
    let mut stream = Stream::new(route);
    let mut chunks = stream.read(body)?;
    if stream.finish.is_none() {
        return Err(garbled("there is no answer in it"));
    }
    chunks.extend(stream.done()?);
    Ok(chunks)
}

/// The reasons for which the rest is held back (`FinishReason`).
fn is_held_back(word: &str) -> bool {
    matches!(
        word,
        "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "OTHER"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
            | "IMAGE_OTHER"
            | "ESCALATION"
            | "MODEL_ARMOR"
    )
}

/// Refuses the ends that are failures (`FinishReason`).
fn failure(word: &str, why: &str) -> Result<(), Error> {
    let (class, what) = match word {
        "MALFORMED_FUNCTION_CALL" => (Class::Transient, "the model wrote a call that is none"),
        "UNEXPECTED_TOOL_CALL" => (Class::Transient, "the model called a tool that is not there"),
        "TOO_MANY_TOOL_CALLS" => (Class::Transient, "the model called too many tools"),
        "MALFORMED_RESPONSE" => (Class::Transient, "the model wrote an answer that is none"),
        "MISSING_THOUGHT_SIGNATURE" => {
            (Class::CallerFault, "the signature of an earlier thought is missing")
        }
        "PUP_LIMITED_DISABLED" => (Class::Auth, "the account is limited or disabled"),
        _ => return Ok(()),
    };
    Err(Error::new(class, word, if why.is_empty() { what } else { why }))
}
