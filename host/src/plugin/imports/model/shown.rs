//! Shows a guest what models answered.
//!
//! Invariant: a message that is shown and read again is the message as it was.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::super::super::exchange::{Piece, Whole};
use super::super::super::models::Listed;
use super::super::bindings::ax::model::chat as wit;
use super::super::bindings::ax::types::types::Media as WitMedia;
use crate::chat::{Finish, Media, Message, Part, PartKind, Role, ToolCall, ToolResult};

/// Shows what may be asked.
pub(super) fn model(listed: Listed) -> wit::ModelInfo {
    let Listed { name, tier, context_tokens, output_tokens, vision, tools } = listed;
    wit::ModelInfo { name, tier, context_tokens, output_tokens, vision, tools, extra: None }
}

/// Shows a piece, and counts its bytes.
pub(super) fn piece(piece: Option<Piece>) -> (Option<wit::Chunk>, u64) {
    let Some(piece) = piece else { return (None, 0) };
    let (chunk, bytes) = match piece {
        Piece::Text(text) => {
            let bytes = text.len() as u64;
            (wit::Chunk::Text(text), bytes)
        }
        Piece::Reasoning(text) => {
            let bytes = text.len() as u64;
            (wit::Chunk::Reasoning(text), bytes)
        }
        Piece::ToolCall(call) => {
            let call = tool_call(call);
            let bytes = (call.id.len() + call.name.len() + call.input.len()) as u64;
            (wit::Chunk::ToolCall(call), bytes)
        }
        Piece::Done(whole) => {
            let (response, bytes) = response(*whole);
            (wit::Chunk::Done(response), bytes)
        }
    };
    (Some(chunk), bytes)
}

/// Shows a whole answer, and counts its bytes.
pub(super) fn response(whole: Whole) -> (wit::Response, u64) {
    let Whole { id, response, usage, is_estimated, micro_usd } = whole;
    let message = message(response.message);
    let bytes = message.parts.iter().map(super::read::part_bytes).sum::<usize>() as u64;
    let response = wit::Response {
        id: id.to_string(),
        provider: response.provider,
        model: response.model,
        message,
        finish: finish(response.finish),
        usage: wit::Usage {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            reasoning: usage.reasoning,
            cost_micro_usd: micro_usd,
            estimated: is_estimated,
        },
        extra: None,
    };
    (response, bytes)
}

fn finish(finish: Finish) -> wit::Finish {
    match finish {
        Finish::Stop => wit::Finish::Stop,
        Finish::Length => wit::Finish::Length,
        Finish::ToolCalls => wit::Finish::ToolCalls,
        Finish::ContentFilter => wit::Finish::ContentFilter,
        Finish::Refusal => wit::Finish::Refusal,
    }
}

pub(super) fn message(message: Message) -> wit::Message {
    let role = match message.role {
        Role::System => wit::Role::System,
        Role::User => wit::Role::User,
        Role::Assistant => wit::Role::Assistant,
        Role::Tool => wit::Role::Tool,
    };
    let parts = message.parts.into_iter().map(part).collect();
    wit::Message { role, name: message.name, parts }
}

fn part(part: Part) -> wit::Part {
    let content = match part.kind {
        PartKind::Text(text) => wit::Content::Text(text),
        PartKind::Image(it) => wit::Content::Image(media(it)),
        PartKind::File(it) => wit::Content::File(media(it)),
        PartKind::ToolCall(call) => wit::Content::ToolCall(tool_call(call)),
        PartKind::ToolResult(result) => wit::Content::ToolResult(tool_result(result)),
        PartKind::Reasoning(text) => wit::Content::Reasoning(text),
    };
    let opaque = part.opaque.map(|it| wit::Opaque { owner: it.owner, data: it.data.to_string() });
    wit::Part { content, opaque }
}

fn tool_call(call: ToolCall) -> wit::ToolCall {
    wit::ToolCall { id: call.id, name: call.name, input: call.input.to_string() }
}

fn tool_result(result: ToolResult) -> wit::ToolResult {
    let text = (!result.text.is_empty()).then_some(wit::ResultPart::Text(result.text));
    let images = result.images.into_iter().map(|it| wit::ResultPart::Image(media(it)));
    let parts = text.into_iter().chain(images).collect();
    wit::ToolResult { id: result.id, name: result.name, parts, is_error: result.is_error }
}

/// What a provider sends as a picture is base64; what is none is empty.
fn media(media: Media) -> WitMedia {
    let data = BASE64_STANDARD.decode(&media.data).unwrap_or_default();
    WitMedia { media_type: media.media_type, data, extra: None }
}
