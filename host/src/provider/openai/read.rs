//! Reads answers of chat completions, as they come and whole.
//!
//! Invariant: the same words come out of both. An answer is at its end with `[DONE]`, or when the
//! connection closes after a `finish_reason`: usage and `[DONE]` come later than that, or never.

use super::call::Calls;
use super::wire::{Choice, Completion, Said};
use super::{error, wire};
use crate::chat::{Chunk, Done, Error, Finish, Usage};
use crate::provider::dialect::{Reader, Route, cut, garbled, parse};
use crate::provider::sse::Event;

/// What ends a stream.
const END: &str = "[DONE]";

/// Reads one answer.
pub(super) struct Chat {
    /// As the provider calls it, as soon as it does.
    model: String,
    id: Option<String>,
    calls: Calls,
    usage: Option<Usage>,
    finish: Option<String>,
    has_text: bool,
    is_refusal: bool,
    is_done: bool,
}

impl Chat {
    pub(super) fn new(route: &Route) -> Self {
        Self {
            model: route.model.clone(),
            id: None,
            calls: Calls::default(),
            usage: None,
            finish: None,
            has_text: false,
            is_refusal: false,
            is_done: false,
        }
    }

    fn read(&mut self, json: &[u8]) -> Result<Vec<Chunk>, Error> {
        let it: Completion = parse(json)?;
        if let Some(said) = it.error {
            return Err(error::said(None, &said));
        }
        if it.object.as_deref() == Some("error") {
            return Err(error::said(None, &parse(json)?));
        }
        if let Some(model) = it.model.filter(|model| !model.is_empty()) {
            self.model = model;
        }
        if let Some(id) = it.id.filter(|id| !id.is_empty()) {
            self.id = Some(id);
        }
        let mut chunks = Vec::new();
        let choices = it.choices.unwrap_or_default();
        for choice in choices.into_iter().filter(|choice| choice.index.unwrap_or(0) == 0) {
            let Choice { delta, message, finish_reason, .. } = choice;
            for said in [delta, message].into_iter().flatten() {
                self.add(said, &mut chunks)?;
            }
            self.finish = finish_reason.filter(|word| !word.is_empty()).or(self.finish.take());
        }
        if let Some(usage) = it.usage.map(Usage::from).filter(|it| Some(*it) != self.usage) {
            self.usage = Some(usage);
            chunks.push(Chunk::Usage(usage));
        }
        Ok(chunks)
    }

    fn add(&mut self, said: Said, chunks: &mut Vec<Chunk>) -> Result<(), Error> {
        let Said { content, refusal, reasoning_content, reasoning, tool_calls } = said;
        let is_some = |text: &String| !text.is_empty();
        let thought = reasoning_content.filter(is_some).or(reasoning).filter(is_some);
        chunks.extend(thought.map(Chunk::Reasoning));
        let text = content.map(wire::Content::into_text).filter(is_some);
        let refusal = refusal.filter(is_some);
        self.is_refusal |= refusal.is_some();
        self.has_text |= text.is_some() || refusal.is_some();
        chunks.extend(text.into_iter().chain(refusal).map(Chunk::Text));
        tool_calls.unwrap_or_default().into_iter().try_for_each(|call| self.calls.add(call))
    }

    /// Ends the answer.
    fn done(&mut self) -> Result<Vec<Chunk>, Error> {
        if self.finish.is_none() && self.calls.is_empty() && !self.has_text {
            return Err(cut());
        }
        self.is_done = true;
        let word = self.finish.as_deref().unwrap_or_default();
        let no_room = matches!(word, "length" | "content_filter");
        let id = self.id.clone();
        let calls = self.calls.take(no_room, id.as_deref().unwrap_or_default())?;
        let finish = match word {
            "length" => Finish::Length,
            "content_filter" => Finish::ContentFilter,
            _ if self.is_refusal => Finish::Refusal,
            _ if !calls.is_empty() => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        let mut chunks: Vec<Chunk> = calls.into_iter().map(Chunk::ToolCall).collect();
        let model = self.model.clone();
        chunks.push(Chunk::Done(Done { finish, model, provider_request_id: id }));
        Ok(chunks)
    }
}

impl Reader for Chat {
    fn event(&mut self, event: &Event) -> Result<Vec<Chunk>, Error> {
        if self.is_done {
            return Ok(Vec::new());
        }
        // Older llama.cpp writes an error as a field of its own.
        if let Some(said) = event.stray.strip_prefix("error:") {
            return Err(error::said(None, &parse(said.trim().as_bytes())?));
        }
        match event.data.trim() {
            "" => Ok(Vec::new()),
            data if data.starts_with(END) => self.done(),
            data => self.read(data.as_bytes()),
        }
    }

    fn end(&mut self) -> Result<Vec<Chunk>, Error> {
        match &self.finish {
            _ if self.is_done => Ok(Vec::new()),
            None => Err(cut()),
            Some(_) => self.done(),
        }
    }

    fn is_speaking(&self) -> bool {
        !self.calls.is_empty()
    }
}

/// Reads an answer that came whole.
pub(super) fn whole(route: &Route, body: &[u8]) -> Result<Vec<Chunk>, Error> {
    let mut chat = Chat::new(route);
    let mut chunks = chat.read(body)?;
    if chat.finish.is_none() && chat.calls.is_empty() && !chat.has_text {
        return Err(garbled("there is no answer in it"));
    }
    // Usage stands before the end, as in a stream.
    chunks.extend(chat.done()?);
    Ok(chunks)
}
