//! Reads answers: a stream of blocks, or all of them at once.
//!
//! ```text
//! message_start → (content_block_start → content_block_delta* → content_block_stop)*
//!               → message_delta → message_stop        ping, error: anywhere
//! ```
//!
//! Invariant: a call is handed on when its block ended and its input is JSON. One that is cut by the end of
//! what may be written is left out, and the answer says [`Finish::Length`].

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use super::error;
use super::wire;
use crate::chat::{Chunk, Done, Error, Finish, Opaque, ToolCall, Usage};
use crate::provider::dialect::{CALL_BYTES_MAX, Reader, Route, cut, garbled, parse};
use crate::provider::sse;

/// Blocks that are open at one time: Claude has one.
const OPEN_MAX: usize = 64;

/// Reads an answer while it comes.
pub(super) struct Stream {
    owner: String,
    model: Option<String>,
    usage: wire::Usage,
    open: BTreeMap<u32, Open>,
    stop_reason: Option<String>,
    /// A call whose input is not JSON.
    broken_call: Option<Error>,
    is_over: bool,
}

/// A block that is not at its end.
enum Open {
    Text,
    Thinking { signature: String },
    Redacted { data: String },
    Call { id: String, name: String, input: Value, json: String },
    Unknown,
}

impl Stream {
    pub(super) fn new(route: &Route) -> Self {
        Self {
            owner: route.owner(),
            model: None,
            usage: wire::Usage::default(),
            open: BTreeMap::new(),
            stop_reason: None,
            broken_call: None,
            is_over: false,
        }
    }

    fn read(&mut self, event: wire::Event, chunks: &mut Vec<Chunk>) -> Result<(), Error> {
        use wire::Event as E;
        match event {
            E::MessageStart { message } => {
                self.model = Some(message.model);
                self.use_up(message.usage);
                chunks.push(Chunk::Usage(usage(self.usage)));
            }
            E::ContentBlockStart { index, content_block } => {
                if self.open.len() == OPEN_MAX {
                    return Err(garbled("too many blocks are open"));
                }
                let open = begin(content_block, chunks);
                self.open.insert(index, open);
            }
            E::ContentBlockDelta { index, delta } => {
                let open = self.open.get_mut(&index);
                let open = open.ok_or_else(|| garbled("a block goes on that has not begun"))?;
                go_on(open, delta, chunks)?;
            }
            E::ContentBlockStop { index } => {
                let open = self.open.remove(&index);
                let open = open.ok_or_else(|| garbled("a block ends that has not begun"))?;
                self.finish_block(open, chunks);
            }
            E::MessageDelta { delta, usage: used } => {
                self.use_up(used);
                self.stop_reason = delta.stop_reason.or(self.stop_reason.take());
                chunks.push(Chunk::Usage(usage(self.usage)));
            }
            E::MessageStop => chunks.push(self.finish()?),
            E::Error { error, request_id } => return Err(error::of_event(&error, request_id)),
            E::Unknown => {}
        }
        Ok(())
    }

    fn use_up(&mut self, later: wire::Usage) {
        let now = &mut self.usage;
        now.input_tokens = later.input_tokens.or(now.input_tokens);
        now.output_tokens = later.output_tokens.or(now.output_tokens);
        now.cache_creation_input_tokens =
            later.cache_creation_input_tokens.or(now.cache_creation_input_tokens);
        now.cache_read_input_tokens = later.cache_read_input_tokens.or(now.cache_read_input_tokens);
        now.output_tokens_details = later.output_tokens_details.or(now.output_tokens_details);
    }

    fn finish_block(&mut self, open: Open, chunks: &mut Vec<Chunk>) {
        match open {
            Open::Text | Open::Unknown => {}
            Open::Thinking { signature } => {
                if !signature.is_empty() {
                    chunks.push(self.opaque(json!({ "signature": signature })));
                }
            }
            Open::Redacted { data } => chunks.push(self.opaque(json!({ "redacted": data }))),
            Open::Call { id, name, input, json } => {
                let input = match json.trim() {
                    // A call without arguments has no delta, or an empty one.
                    "" if input.is_null() => Ok(json!({})),
                    "" => Ok(input),
                    json => parse(json.as_bytes()),
                };
                match input {
                    Ok(input) => chunks.push(Chunk::ToolCall(ToolCall { id, name, input })),
                    Err(error) => self.broken_call = Some(error),
                }
            }
        }
    }

    fn opaque(&self, data: Value) -> Chunk {
        Chunk::Opaque(Opaque { owner: self.owner.clone(), data })
    }

    fn finish(&mut self) -> Result<Chunk, Error> {
        let model = self.model.take().ok_or_else(|| garbled("it ends before it has begun"))?;
        let reason = self.stop_reason.take();
        let reason = reason.ok_or_else(|| garbled("it ends without a reason"))?;
        let finish = finish(&reason);
        let is_cut_short = matches!(finish, Finish::Length | Finish::Refusal);
        if let Some(error) = self.broken_call.take().filter(|_| !is_cut_short) {
            return Err(error);
        }
        self.is_over = true;
        Ok(Chunk::Done(Done { finish, model, provider_request_id: None }))
    }
}

impl Reader for Stream {
    fn event(&mut self, event: &sse::Event) -> Result<Vec<Chunk>, Error> {
        let mut chunks = Vec::new();
        if !self.is_over && !event.data.is_empty() {
            self.read(parse(event.data.as_bytes())?, &mut chunks)?;
        }
        Ok(chunks)
    }

    fn end(&mut self) -> Result<Vec<Chunk>, Error> {
        if self.is_over { Ok(Vec::new()) } else { Err(cut()) }
    }

    fn is_speaking(&self) -> bool {
        self.open.values().any(|open| matches!(open, Open::Call { .. }))
    }
}

/// Begins a block. A thought begins with an empty piece, so that its signature is not another part's.
fn begin(block: wire::Block, chunks: &mut Vec<Chunk>) -> Open {
    match block {
        wire::Block::Text { text } => {
            chunks.extend((!text.is_empty()).then_some(Chunk::Text(text)));
            Open::Text
        }
        wire::Block::Thinking { thinking, signature } => {
            chunks.push(Chunk::Reasoning(thinking));
            Open::Thinking { signature }
        }
        wire::Block::RedactedThinking { data } => {
            chunks.push(Chunk::Reasoning(String::new()));
            Open::Redacted { data }
        }
        wire::Block::ToolUse { id, name, input } => {
            Open::Call { id, name, input, json: String::new() }
        }
        wire::Block::Unknown => Open::Unknown,
    }
}

fn go_on(open: &mut Open, delta: wire::Delta, chunks: &mut Vec<Chunk>) -> Result<(), Error> {
    use wire::Delta as D;
    match (open, delta) {
        (Open::Text, D::Text { text }) => {
            chunks.extend((!text.is_empty()).then_some(Chunk::Text(text)));
        }
        (Open::Thinking { .. }, D::Thinking { thinking }) => {
            chunks.extend((!thinking.is_empty()).then_some(Chunk::Reasoning(thinking)));
        }
        (Open::Thinking { signature }, D::Signature { signature: whole }) => {
            *signature = whole;
        }
        (Open::Call { json, .. }, D::InputJson { partial_json }) => {
            append(json, &partial_json)?;
        }
        (Open::Unknown, _) | (_, D::Unknown) => {}
        (Open::Text | Open::Thinking { .. } | Open::Redacted { .. } | Open::Call { .. }, _) => {
            return Err(garbled("a block goes on as another kind than it began"));
        }
    }
    Ok(())
}

fn append(text: &mut String, more: &str) -> Result<(), Error> {
    if text.len() + more.len() > CALL_BYTES_MAX {
        return Err(garbled(&format!("a block is longer than {CALL_BYTES_MAX} bytes")));
    }
    text.push_str(more);
    Ok(())
}

/// Reads an answer that came whole, as the stream that it would have been.
pub(super) fn whole(route: &Route, body: &[u8]) -> Result<Vec<Chunk>, Error> {
    if let Ok(failed) = parse::<wire::ErrorBody>(body) {
        return Err(error::of_event(&failed.error, failed.request_id));
    }
    let message: wire::Message = parse(body)?;
    let mut stream = Stream::new(route);
    let mut chunks = Vec::new();
    for block in message.content {
        let open = begin(block, &mut chunks);
        stream.finish_block(open, &mut chunks);
    }
    chunks.push(Chunk::Usage(usage(message.usage)));
    (stream.model, stream.stop_reason) = (Some(message.model), message.stop_reason);
    chunks.push(stream.finish()?);
    Ok(chunks)
}

/// All that is read is the sum of three ("Prompt caching").
fn usage(usage: wire::Usage) -> Usage {
    let cache_read = usage.cache_read_input_tokens.unwrap_or(0);
    let cache_write = usage.cache_creation_input_tokens.unwrap_or(0);
    let rest = usage.input_tokens.unwrap_or(0);
    Usage {
        input: rest.saturating_add(cache_read).saturating_add(cache_write),
        output: usage.output_tokens.unwrap_or(0),
        cache_read,
        cache_write,
        reasoning: usage.output_tokens_details.and_then(|it| it.thinking_tokens).unwrap_or(0),
    }
}

/// A reason that is not known here is an end like any other ("Stop reasons").
fn finish(reason: &str) -> Finish {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::Refusal,
        _ => Finish::Stop,
    }
}
