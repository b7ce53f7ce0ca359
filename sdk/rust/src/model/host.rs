//! Between the words of this crate and those that `wit-bindgen` wrote. Only in the sandbox.

use super::words::{
    Content, Finish, Message, Opaque, Part, Response, Role, ToolCall, ToolChoice, ToolDef,
    ToolResult, Usage,
};
use super::{Chunk, ModelInfo, Request};
use crate::bindings::ax::model::chat as wit;
use crate::bindings::ax::types::types::Media as WitMedia;
use crate::guest::error;
use crate::{Media, Result};

pub(super) fn complete(request: Request) -> Result<Response> {
    wit::complete(&wanted(request)).map(shown).map_err(error)
}

pub(super) fn complete_all(requests: Vec<Request>) -> Vec<Result<Response>> {
    let requests: Vec<_> = requests.into_iter().map(wanted).collect();
    let answers = wit::complete_all(&requests).into_iter();
    answers.map(|answer| answer.map(shown).map_err(error)).collect()
}

pub(super) fn count_tokens(request: Request) -> Result<u64> {
    wit::count_tokens(&wanted(request)).map_err(error)
}

pub(super) fn models() -> Vec<ModelInfo> {
    let shown = |it: wit::ModelInfo| {
        let wit::ModelInfo { name, tier, context_tokens, output_tokens, vision, tools, .. } = it;
        ModelInfo { name, tier, context_tokens, output_tokens, vision, tools }
    };
    wit::models().into_iter().map(shown).collect()
}

pub(super) fn begin(request: Request) -> Result<Chunks> {
    wit::begin(&wanted(request)).map(Chunks).map_err(error)
}

#[derive(Debug)]
pub(super) struct Chunks(wit::Chunks);

impl Chunks {
    pub(super) fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            let Some(chunk) = self.0.next().map_err(error)? else { return Ok(None) };
            return Ok(Some(match chunk {
                wit::Chunk::Text(text) => Chunk::Text(text),
                wit::Chunk::Reasoning(text) => Chunk::Reasoning(text),
                wit::Chunk::ToolCall(call) => Chunk::ToolCall(heard_call(call)),
                wit::Chunk::Done(response) => Chunk::Done(Box::new(shown(response))),
                wit::Chunk::Other(_) => continue,
            }));
        }
    }
}

fn wanted(request: Request) -> wit::Request {
    let thinking = request.thinking.map(|it| format!(r#"{{"thinking":"{}"}}"#, it.word()));
    wit::Request {
        model: request.model,
        messages: request.messages.into_iter().map(message).collect(),
        tools: request.tools.into_iter().map(tool).collect(),
        tool_choice: match request.tool_choice {
            ToolChoice::Auto => wit::ToolChoice::Auto,
            ToolChoice::Required => wit::ToolChoice::Required,
            ToolChoice::Forbidden => wit::ToolChoice::Forbidden,
            ToolChoice::Named(name) => wit::ToolChoice::Named(name),
        },
        output_schema: request.output_schema.map(|schema| schema.to_string()),
        max_tokens: request.max_tokens,
        temperature: request.temperature,
        top_p: request.top_p,
        stop: request.stop,
        extra: thinking,
    }
}

fn tool(tool: ToolDef) -> wit::ToolDef {
    let ToolDef { name, description, input_schema } = tool;
    wit::ToolDef { name, description, input_schema: input_schema.to_string() }
}

fn message(message: Message) -> wit::Message {
    let role = match message.role {
        Role::System => wit::Role::System,
        Role::User => wit::Role::User,
        Role::Assistant => wit::Role::Assistant,
        Role::Tool => wit::Role::Tool,
        Role::Other => wit::Role::Other,
    };
    let parts = message.parts.into_iter().map(part).collect();
    wit::Message { role, name: message.name, parts }
}

fn part(part: Part) -> wit::Part {
    let content = match part.content {
        Content::Text(text) => wit::Content::Text(text),
        Content::Image(it) => wit::Content::Image(media(it)),
        Content::File(it) => wit::Content::File(media(it)),
        Content::ToolCall(ToolCall { id, name, input }) => {
            wit::Content::ToolCall(wit::ToolCall { id, name, input: input.to_string() })
        }
        Content::ToolResult(result) => wit::Content::ToolResult(tool_result(result)),
        Content::Reasoning(text) => wit::Content::Reasoning(text),
        Content::Other(text) => wit::Content::Other(text),
    };
    let opaque = part.opaque.map(|Opaque { owner, data }| wit::Opaque { owner, data });
    wit::Part { content, opaque }
}

fn tool_result(result: ToolResult) -> wit::ToolResult {
    let ToolResult { id, name, text, images, is_error } = result;
    let text = (!text.is_empty()).then_some(wit::ResultPart::Text(text));
    let images = images.into_iter().map(|it| wit::ResultPart::Image(media(it)));
    wit::ToolResult { id, name, parts: text.into_iter().chain(images).collect(), is_error }
}

fn media(media: Media) -> WitMedia {
    let Media { media_type, data } = media;
    WitMedia { media_type, data, extra: None }
}

fn shown(response: wit::Response) -> Response {
    let wit::Response { id, provider, model, message, finish, usage, .. } = response;
    Response {
        id,
        provider,
        model,
        message: heard(message),
        finish: match finish {
            wit::Finish::Stop => Finish::Stop,
            wit::Finish::Length => Finish::Length,
            wit::Finish::ToolCalls => Finish::ToolCalls,
            wit::Finish::ContentFilter => Finish::ContentFilter,
            wit::Finish::Refusal => Finish::Refusal,
            wit::Finish::Other => Finish::Other,
        },
        usage: Usage {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            reasoning: usage.reasoning,
            cost_micro_usd: usage.cost_micro_usd,
            estimated: usage.estimated,
        },
    }
}

fn heard(message: wit::Message) -> Message {
    let role = match message.role {
        wit::Role::System => Role::System,
        wit::Role::User => Role::User,
        wit::Role::Assistant => Role::Assistant,
        wit::Role::Tool => Role::Tool,
        wit::Role::Other => Role::Other,
    };
    let parts = message.parts.into_iter().map(|part| Part {
        content: heard_content(part.content),
        opaque: part.opaque.map(|wit::Opaque { owner, data }| Opaque { owner, data }),
    });
    Message { role, name: message.name, parts: parts.collect() }
}

fn heard_content(content: wit::Content) -> Content {
    match content {
        wit::Content::Text(text) => Content::Text(text),
        wit::Content::Image(it) => Content::Image(heard_media(it)),
        wit::Content::File(it) => Content::File(heard_media(it)),
        wit::Content::ToolCall(call) => Content::ToolCall(heard_call(call)),
        wit::Content::ToolResult(result) => Content::ToolResult(heard_result(result)),
        wit::Content::Reasoning(text) => Content::Reasoning(text),
        wit::Content::Other(text) => Content::Other(text),
    }
}

fn heard_call(call: wit::ToolCall) -> ToolCall {
    let input = serde_json::from_str(&call.input).unwrap_or_default();
    ToolCall { id: call.id, name: call.name, input }
}

fn heard_result(result: wit::ToolResult) -> ToolResult {
    let wit::ToolResult { id, name, parts, is_error } = result;
    let (mut text, mut images) = (String::new(), Vec::new());
    for part in parts {
        match part {
            wit::ResultPart::Text(more) => text.push_str(&more),
            wit::ResultPart::Image(it) => images.push(heard_media(it)),
            wit::ResultPart::Other(_) => {}
        }
    }
    ToolResult { id, name, text, images, is_error }
}

fn heard_media(media: WitMedia) -> Media {
    Media { media_type: media.media_type, data: media.data }
}
