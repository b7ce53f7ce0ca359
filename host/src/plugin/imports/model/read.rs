//! Reads what a guest asks models.
//!
//! Invariant: nothing is parsed before its length was compared with a bound.
//! Not here: the bounds of the words themselves (`chat`).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::super::super::json;
use super::super::super::limits;
use super::super::bindings::ax::model::chat as wit;
use super::super::bindings::ax::types::types::{Error, Media as WitMedia};
use super::failure::member;
use crate::chat::{
    LIMITS, Media, Message, Opaque, Part, PartKind, Request, RequestId, Role, Thinking, ToolCall,
    ToolChoice, ToolDef, ToolResult,
};

/// Counts the bytes of a request.
pub(super) fn bytes_of(request: &wit::Request) -> u64 {
    let mut bytes: usize = request.messages.iter().map(message_bytes).sum();
    bytes += request
        .tools
        .iter()
        .map(|tool| tool.name.len() + tool.description.len() + tool.input_schema.len())
        .sum::<usize>();
    bytes += request.stop.iter().map(String::len).sum::<usize>();
    let documents = [&request.output_schema, &request.extra, &request.model];
    bytes += documents.into_iter().flatten().map(String::len).sum::<usize>();
    bytes as u64
}

fn message_bytes(message: &wit::Message) -> usize {
    let parts = message.parts.iter().map(part_bytes);
    message.name.as_ref().map_or(0, String::len) + parts.sum::<usize>()
}

/// Counts the bytes of a part.
pub(super) fn part_bytes(part: &wit::Part) -> usize {
    let opaque = part.opaque.as_ref().map_or(0, |it| it.owner.len() + it.data.len());
    opaque + content_bytes(&part.content)
}

fn content_bytes(content: &wit::Content) -> usize {
    match content {
        wit::Content::Text(text) | wit::Content::Reasoning(text) | wit::Content::Other(text) => {
            text.len()
        }
        wit::Content::Image(media) | wit::Content::File(media) => media.data.len(),
        wit::Content::ToolCall(call) => call.id.len() + call.name.len() + call.input.len(),
        wit::Content::ToolResult(result) => {
            let parts = result.parts.iter().map(|part| match part {
                wit::ResultPart::Text(text) | wit::ResultPart::Other(text) => text.len(),
                wit::ResultPart::Image(media) => media.data.len(),
            });
            result.id.len() + result.name.len() + parts.sum::<usize>()
        }
    }
}

/// Reads a request.
pub(super) fn request(request: wit::Request, id: RequestId) -> Result<Request, Error> {
    if request.messages.len() > LIMITS.messages_max {
        return Err(many("messages", request.messages.len(), "messages", LIMITS.messages_max));
    }
    if request.tools.len() > LIMITS.tools_max {
        return Err(many("tools", request.tools.len(), "tools", LIMITS.tools_max));
    }
    let messages = request.messages.into_iter().enumerate();
    let messages = messages.map(|(at, it)| message(&format!("messages[{at}]"), it));
    let tools = request.tools.into_iter().enumerate();
    let tools = tools.map(|(at, it)| tool(&format!("tools[{at}]"), it));
    let extra = request.extra.map(|text| document("extra", &text)).transpose()?;
    let schema = request.output_schema.map(|text| document("output-schema", &text));
    let output_schema = schema.transpose()?;
    if output_schema.as_ref().is_some_and(|schema| !schema.is_object()) {
        return Err(member("output-schema", "`output-schema` is no object"));
    }
    Ok(Request {
        // The router chooses where none is named.
        model: request.model.filter(|name| name != ax_manifest::DEFAULT_MODEL),
        tools: tools.collect::<Result<_, _>>()?,
        tool_choice: tool_choice(request.tool_choice)?,
        output_schema,
        max_tokens: request.max_tokens,
        temperature: request.temperature,
        top_p: request.top_p,
        stop: request.stop,
        thinking: thinking(extra.as_ref())?,
        ..Request::new(id, messages.collect::<Result<_, _>>()?)
    })
}

fn many(field: &str, found: usize, what: &str, most: usize) -> Error {
    member(field, &format!("`{field}` has {found} {what}, and at most {most} are allowed"))
}

/// Reads a document of JSON.
fn document(field: &str, text: &str) -> Result<Value, Error> {
    json::parse(text, limits::MODEL_JSON_BYTES)
        .map_err(|error| member(field, &format!("`{field}` is no JSON: {error}")))
}

fn thinking(extra: Option<&Value>) -> Result<Option<Thinking>, Error> {
    let Some(extra) = extra else { return Ok(None) };
    let Value::Object(members) = extra else {
        return Err(member("extra", "`extra` is no object"));
    };
    let Some(word) = members.get("thinking") else { return Ok(None) };
    serde_json::from_value(word.clone())
        .map(Some)
        .map_err(|_| member("extra", "`extra.thinking` is none of off, low, medium, high"))
}

fn tool(field: &str, tool: wit::ToolDef) -> Result<ToolDef, Error> {
    let input_schema = document(&format!("{field}.input-schema"), &tool.input_schema)?;
    Ok(ToolDef { name: tool.name, description: tool.description, input_schema })
}

fn tool_choice(choice: wit::ToolChoice) -> Result<ToolChoice, Error> {
    Ok(match choice {
        wit::ToolChoice::Auto => ToolChoice::Auto,
        wit::ToolChoice::Required => ToolChoice::Required,
        wit::ToolChoice::Forbidden => ToolChoice::Forbidden,
        wit::ToolChoice::Named(name) => ToolChoice::Named(name),
        wit::ToolChoice::Other(_) => return Err(unknown("tool-choice")),
    })
}

fn unknown(field: &str) -> Error {
    member(field, &format!("`{field}` is of a kind that this host does not know"))
}

fn message(field: &str, message: wit::Message) -> Result<Message, Error> {
    let role = match message.role {
        wit::Role::System => Role::System,
        wit::Role::User => Role::User,
        wit::Role::Assistant => Role::Assistant,
        wit::Role::Tool => Role::Tool,
        wit::Role::Other => return Err(unknown(&format!("{field}.role"))),
    };
    if message.parts.len() > limits::MODEL_PARTS {
        let field = format!("{field}.parts");
        return Err(many(&field, message.parts.len(), "parts", limits::MODEL_PARTS));
    }
    let parts = message.parts.into_iter().enumerate();
    let parts = parts.map(|(at, it)| part(&format!("{field}.parts[{at}]"), it));
    let parts = parts.collect::<Result<_, _>>()?;
    Ok(Message { name: message.name, parts, ..Message::text(role, "") })
}

fn part(field: &str, part: wit::Part) -> Result<Part, Error> {
    let kind = match part.content {
        wit::Content::Text(text) => PartKind::Text(text),
        wit::Content::Image(it) => PartKind::Image(media(it)),
        wit::Content::File(it) => PartKind::File(media(it)),
        wit::Content::ToolCall(call) => {
            let input = document(&format!("{field}.input"), &call.input)?;
            PartKind::ToolCall(ToolCall { id: call.id, name: call.name, input })
        }
        wit::Content::ToolResult(result) => PartKind::ToolResult(tool_result(field, result)?),
        wit::Content::Reasoning(text) => PartKind::Reasoning(text),
        wit::Content::Other(_) => return Err(unknown(field)),
    };
    let opaque = part.opaque.map(|it| {
        let data = document(&format!("{field}.opaque"), &it.data)?;
        Ok::<_, Error>(Opaque { owner: it.owner, data })
    });
    Ok(Part { kind, opaque: opaque.transpose()? })
}

fn tool_result(field: &str, result: wit::ToolResult) -> Result<ToolResult, Error> {
    let (mut texts, mut images) = (Vec::new(), Vec::new());
    for part in result.parts {
        match part {
            wit::ResultPart::Text(text) => texts.push(text),
            wit::ResultPart::Image(it) => images.push(media(it)),
            wit::ResultPart::Other(_) => return Err(unknown(field)),
        }
    }
    let (id, name, is_error) = (result.id, result.name, result.is_error);
    Ok(ToolResult { id, name, text: texts.join("\n"), images, is_error })
}

fn media(media: WitMedia) -> Media {
    Media { media_type: media.media_type, data: BASE64_STANDARD.encode(media.data) }
}
