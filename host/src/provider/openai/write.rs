//! Writes requests for chat completions.
//!
//! Thoughts and opaque state of others are left out, since these messages have no place for them.
//! Tools answer in text; pictures that they gave follow in a message of the user's, after all the
//! results, because nothing may stand between calls and their results.

use serde_json::{Map, Value, json};

use super::OpenAi;
use crate::chat::{
    Error, Media, Message, PartKind, Request, Role, Thinking, ToolCall, ToolChoice, ToolDef,
    ToolResult,
};
use crate::provider::dialect::Route;

/// Stop texts that OpenAI takes (`CompletionCreateParams.stop`).
const STOP_MAX: usize = 4;

/// Characters of a message's name that OpenAI takes.
const NAME_CHARS_MAX: usize = 64;

/// Writes a request.
///
/// # Errors
///
/// [`crate::chat::Class::CallerFault`] for what OpenAI would refuse.
pub(super) fn body(request: &Request, route: &Route, flavour: OpenAi) -> Result<Value, Error> {
    let is_own = flavour == OpenAi::Own;
    if is_own {
        check(request)?;
    }
    let mut body = Map::new();
    let mut put = |field: &str, value: Value| drop(body.insert(field.to_owned(), value));
    put("model", json!(route.model));
    put("messages", Value::Array(messages(&request.messages)));
    if !request.tools.is_empty() {
        put("tools", request.tools.iter().map(tool).collect());
        if let Some(choice) = choice(&request.tool_choice) {
            put("tool_choice", choice);
        }
    }
    if let Some(schema) = &request.output_schema {
        let schema = json!({ "name": "answer", "schema": schema, "strict": is_strict(schema) });
        put("response_format", json!({ "type": "json_schema", "json_schema": schema }));
    }
    if let Some(tokens) = request.max_tokens {
        put(if is_own { "max_completion_tokens" } else { "max_tokens" }, json!(tokens));
    }
    if let Some(temperature) = request.temperature {
        put("temperature", json!(temperature));
    }
    if let Some(top_p) = request.top_p {
        put("top_p", json!(top_p));
    }
    if !request.stop.is_empty() {
        put("stop", json!(request.stop));
    }
    if let Some(thinking) = request.thinking {
        put("reasoning_effort", json!(effort(thinking)));
    }
    if request.stream {
        put("stream", json!(true));
        put("stream_options", json!({ "include_usage": true }));
    }
    Ok(Value::Object(body))
}

/// How much a model thinks (`ReasoningEffort`).
pub(in crate::provider) fn effort(thinking: Thinking) -> &'static str {
    match thinking {
        Thinking::Off => "none",
        Thinking::Low => "low",
        Thinking::Medium => "medium",
        Thinking::High => "high",
    }
}

/// Answers whether OpenAI can keep to a schema strictly: every object in it lists all its properties
/// as required and allows no others. Anything else it refuses to be strict about.
pub(in crate::provider) fn is_strict(schema: &Value) -> bool {
    let (map, list) = match schema {
        Value::Object(map) => (Some(map), None),
        Value::Array(list) => (None, Some(list)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return true,
    };
    if let Some(list) = list {
        return list.iter().all(is_strict);
    }
    let Some(map) = map else { return true };
    let is_object = map.get("type").is_some_and(|word| word == "object");
    let properties = map.get("properties").and_then(Value::as_object);
    let required = map.get("required").and_then(Value::as_array);
    let is_closed = map.get("additionalProperties") == Some(&Value::Bool(false));
    let lists_all = || match (properties, required) {
        (None, _) => true,
        (Some(properties), None) => properties.is_empty(),
        (Some(properties), Some(required)) => {
            properties.keys().all(|name| required.iter().any(|listed| listed == name.as_str()))
        }
    };
    (!is_object || (is_closed && lists_all())) && map.values().all(is_strict)
}

/// Writes a picture as the URL that holds it (RFC 2397).
pub(in crate::provider) fn data_url(media: &Media) -> String {
    format!("data:{};base64,{}", media.media_type, media.data)
}

/// Names a file, which has no name here: OpenAI wants one.
pub(in crate::provider) fn file_name(media: &Media) -> String {
    let subtype = media.media_type.split('/').nth(1).unwrap_or_default();
    let is_plain = !subtype.is_empty() && subtype.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain { format!("file.{subtype}") } else { "file".to_owned() }
}

/// Writes what a tool answered; there is no field that says that it failed.
pub(in crate::provider) fn result_text(result: &ToolResult) -> String {
    if result.is_error { format!("error: {}", result.text) } else { result.text.clone() }
}

fn check(request: &Request) -> Result<(), Error> {
    let count = request.stop.len();
    if count > STOP_MAX {
        let why = format!("`stop` has {count} texts, and OpenAI takes 0 to {STOP_MAX}");
        return Err(Error::invalid(why));
    }
    let is_name = |name: &str| {
        let is_odd = |it: char| it.is_whitespace() || it.is_control() || "<|\\/>".contains(it);
        (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.contains(is_odd)
    };
    let mut names = request.messages.iter().map(|message| message.name.as_deref()).enumerate();
    match names.find(|(_, name)| name.is_some_and(|name| !is_name(name))) {
        None => Ok(()),
        Some((at, _)) => Err(Error::invalid(format!(
            "`messages[{at}].name` has more than {NAME_CHARS_MAX} characters, blanks or one of `<|\\/>`, which OpenAI does not take"
        ))),
    }
}

fn tool(tool: &ToolDef) -> Value {
    let ToolDef { name, description, input_schema } = tool;
    let function = json!({ "name": name, "description": description, "parameters": input_schema });
    json!({ "type": "function", "function": function })
}

fn choice(choice: &ToolChoice) -> Option<Value> {
    Some(match choice {
        ToolChoice::Auto => return None,
        ToolChoice::Required => json!("required"),
        ToolChoice::Forbidden => json!("none"),
        ToolChoice::Named(name) => json!({ "type": "function", "function": { "name": name } }),
    })
}

fn messages(messages: &[Message]) -> Vec<Value> {
    let mut written = Vec::new();
    let mut pictures = Vec::new();
    for message in messages {
        if message.role != Role::Tool {
            flush(&mut pictures, &mut written);
        }
        match message.role {
            Role::System => written.push(named("system", message, json!(message.joined_text()))),
            Role::User => written.push(named("user", message, user(message))),
            Role::Assistant => written.extend(assistant(message)),
            Role::Tool => {
                for part in &message.parts {
                    if let PartKind::ToolResult(result) = &part.kind {
                        written.push(tool_message(result, &mut pictures));
                    }
                }
            }
        }
    }
    flush(&mut pictures, &mut written);
    written
}

fn named(role: &str, message: &Message, content: Value) -> Value {
    match &message.name {
        None => json!({ "role": role, "content": content }),
        Some(name) => json!({ "role": role, "name": name, "content": content }),
    }
}

fn user(message: &Message) -> Value {
    let is_text = |kind: &PartKind| matches!(kind, PartKind::Text(_));
    if message.parts.iter().all(|part| is_text(&part.kind)) {
        return json!(message.joined_text());
    }
    let parts = message.parts.iter().filter_map(|part| match &part.kind {
        PartKind::Text(text) => Some(json!({ "type": "text", "text": text })),
        PartKind::Image(media) => Some(image(media)),
        PartKind::File(media) => {
            let file = json!({ "filename": file_name(media), "file_data": data_url(media) });
            Some(json!({ "type": "file", "file": file }))
        }
        PartKind::ToolCall(_) | PartKind::ToolResult(_) | PartKind::Reasoning(_) => None,
    });
    parts.collect()
}

fn image(media: &Media) -> Value {
    json!({ "type": "image_url", "image_url": { "url": data_url(media) } })
}

/// Writes what the model said; nothing if all of it was thoughts.
fn assistant(message: &Message) -> Option<Value> {
    let calls = message.parts.iter().filter_map(|part| match &part.kind {
        PartKind::ToolCall(call) => Some(self::call(call)),
        _ => None,
    });
    let calls: Vec<Value> = calls.collect();
    let text = message.joined_text();
    let content = if text.is_empty() { Value::Null } else { json!(text) };
    if calls.is_empty() {
        return (!text.is_empty()).then(|| named("assistant", message, content));
    }
    let mut written = named("assistant", message, content);
    written["tool_calls"] = Value::Array(calls);
    Some(written)
}

fn call(call: &ToolCall) -> Value {
    let function = json!({ "name": call.name, "arguments": call.input.to_string() });
    json!({ "id": call.id, "type": "function", "function": function })
}

fn tool_message(result: &ToolResult, pictures: &mut Vec<Value>) -> Value {
    if !result.images.is_empty() {
        let text = format!("Pictures of the result of `{}`:", result.id);
        pictures.push(json!({ "type": "text", "text": text }));
        pictures.extend(result.images.iter().map(image));
    }
    json!({ "role": "tool", "tool_call_id": result.id, "content": result_text(result) })
}

fn flush(pictures: &mut Vec<Value>, written: &mut Vec<Value>) {
    if !pictures.is_empty() {
        written.push(json!({ "role": "user", "content": std::mem::take(pictures) }));
    }
}
