//! Writes requests for Gemini.
//!
//! What is said to the whole conversation stands in `systemInstruction`, wherever it stood; names of
//! those who speak have no place. Results of calls made at once go into one content.
//!
//! From Gemini 3 on, calls must carry the signatures that came with them. Calls that another route made
//! have none, and get the word that Google has for that ([`FOREIGN`]).

use serde_json::{Map, Value, json};

use super::read::{APART, SIGNATURE};
use crate::chat::{
    Error, Media, Message, Opaque, Part, PartKind, Request, Role, Thinking, ToolChoice, ToolDef,
    ToolResult,
};
use crate::provider::dialect::Route;

/// Stop texts that Gemini takes (`GenerationConfig.stopSequences`).
const STOP_MAX: usize = 5;

/// Stands where a call of another model has no signature (guide "Thought signatures", FAQ).
const FOREIGN: &str = "skip_thought_signature_validator";

/// Writes a request.
///
/// # Errors
///
/// [`crate::chat::Class::CallerFault`] for what Gemini would refuse.
pub(super) fn body(request: &Request, route: &Route) -> Result<Value, Error> {
    let count = request.stop.len();
    if count > STOP_MAX {
        let why = format!("`stop` has {count} texts, and Gemini takes 0 to {STOP_MAX}");
        return Err(Error::invalid(why));
    }
    let mut body = Map::new();
    let mut put = |field: &str, value: Value| drop(body.insert(field.to_owned(), value));
    let said: Vec<&Message> =
        request.messages.iter().filter(|message| message.role == Role::System).collect();
    if !said.is_empty() {
        let parts: Value =
            said.iter().map(|message| json!({ "text": message.joined_text() })).collect();
        put("systemInstruction", json!({ "parts": parts }));
    }
    put("contents", Value::Array(contents(&request.messages, route)));
    if !request.tools.is_empty() {
        let tools: Value = request.tools.iter().map(tool).collect();
        put("tools", json!([{ "functionDeclarations": tools }]));
        if let Some(choice) = choice(&request.tool_choice) {
            put("toolConfig", json!({ "functionCallingConfig": choice }));
        }
    }
    let settings = settings(request, route);
    if !settings.is_empty() {
        put("generationConfig", Value::Object(settings));
    }
    Ok(Value::Object(body))
}

/// Names a model as the API does: with what kind of thing it is.
pub(super) fn model_name(model: &str) -> String {
    if model.contains('/') { model.to_owned() } else { format!("models/{model}") }
}

/// Writes a model's name as part of a path.
///
/// # Errors
///
/// [`crate::chat::Class::CallerFault`] for a name that would lead elsewhere.
pub(super) fn model_path(model: &str) -> Result<String, Error> {
    let name = model_name(model);
    let segments: Vec<&str> = name.split('/').collect();
    let is_odd = |segment: &&str| matches!(*segment, "" | "." | "..");
    if segments.len() != 2 || segments.iter().any(is_odd) {
        return Err(Error::invalid("`model` is no name of a model of Gemini".to_owned()));
    }
    Ok(segments.iter().map(|segment| encoded(segment)).collect::<Vec<_>>().join("/"))
}

/// Writes a text so that it is one piece of a URL (RFC 3986 §2.3).
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut written, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            written.push(char::from(byte));
        } else {
            written.push_str(&format!("%{byte:02X}"));
        }
        written
    })
}

/// Answers whether a model is older than Gemini 3, which counts thoughts in tokens instead of levels,
/// and takes pictures of tools only beside their results.
fn is_old(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    ["gemini-1", "gemini-2"].iter().any(|old| name.starts_with(old))
}

fn settings(request: &Request, route: &Route) -> Map<String, Value> {
    let mut settings = Map::new();
    let mut put = |field: &str, value: Value| drop(settings.insert(field.to_owned(), value));
    if let Some(temperature) = request.temperature {
        put("temperature", json!(temperature));
    }
    if let Some(top_p) = request.top_p {
        put("topP", json!(top_p));
    }
    if let Some(tokens) = request.max_tokens {
        put("maxOutputTokens", json!(tokens));
    }
    if !request.stop.is_empty() {
        put("stopSequences", json!(request.stop));
    }
    if let Some(schema) = &request.output_schema {
        put("responseMimeType", json!("application/json"));
        put("responseJsonSchema", schema.clone());
    }
    if let Some(thinking) = request.thinking {
        put("thinkingConfig", self::thinking(thinking, is_old(&route.model)));
    }
    settings
}

/// Writes how much to think (`ThinkingConfig`): Gemini 2.5 in tokens, of which its largest model takes
/// 32768 and its smallest 24576; later ones by level, of which none is nothing.
fn thinking(thinking: Thinking, is_old: bool) -> Value {
    let (tokens, level) = match thinking {
        Thinking::Off => (0, "MINIMAL"),
        Thinking::Low => (1_024, "LOW"),
        Thinking::Medium => (8_192, "MEDIUM"),
        Thinking::High => (24_576, "HIGH"),
    };
    let is_shown = thinking != Thinking::Off;
    if is_old {
        json!({ "thinkingBudget": tokens, "includeThoughts": is_shown })
    } else {
        json!({ "thinkingLevel": level, "includeThoughts": is_shown })
    }
}

fn tool(tool: &ToolDef) -> Value {
    let ToolDef { name, description, input_schema } = tool;
    json!({ "name": name, "description": description, "parametersJsonSchema": input_schema })
}

fn choice(choice: &ToolChoice) -> Option<Value> {
    Some(match choice {
        ToolChoice::Auto => return None,
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Forbidden => json!({ "mode": "NONE" }),
        ToolChoice::Named(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
    })
}

fn contents(messages: &[Message], route: &Route) -> Vec<Value> {
    let owner = route.owner();
    let mut written: Vec<(Role, Vec<Value>)> = Vec::new();
    for message in messages {
        let parts: Vec<Value> = match message.role {
            Role::System => continue,
            Role::User => message.parts.iter().filter_map(user_part).collect(),
            Role::Assistant => model_parts(message, &owner, is_old(&route.model)),
            Role::Tool => message.parts.iter().flat_map(|it| results(it, route)).collect(),
        };
        match written.last_mut() {
            Some((Role::Tool, last)) if message.role == Role::Tool => last.extend(parts),
            // A message of nothing but thoughts of others says nothing here.
            _ if parts.is_empty() => {}
            _ => written.push((message.role, parts)),
        }
    }
    let contents = written.into_iter().map(|(role, parts)| {
        let role = if role == Role::Assistant { "model" } else { "user" };
        json!({ "role": role, "parts": parts })
    });
    contents.collect()
}

fn user_part(part: &Part) -> Option<Value> {
    match &part.kind {
        PartKind::Text(text) => (!text.is_empty()).then(|| json!({ "text": text })),
        PartKind::Image(media) | PartKind::File(media) => Some(inline(media)),
        PartKind::ToolCall(_) | PartKind::ToolResult(_) | PartKind::Reasoning(_) => None,
    }
}

fn inline(media: &Media) -> Value {
    json!({ "inlineData": { "mimeType": media.media_type, "data": media.data } })
}

/// Writes what the model said. Thoughts go back only with a signature, without which they say nothing.
fn model_parts(message: &Message, owner: &str, is_old: bool) -> Vec<Value> {
    let mut written = Vec::new();
    let mut is_first_call = true;
    for part in &message.parts {
        let own = part.opaque.as_ref().filter(|opaque| opaque.owner == owner);
        let signature = own.and_then(signature);
        let is_apart = own.is_some_and(|it| it.data.get(APART) == Some(&Value::Bool(true)));
        let mut value = match &part.kind {
            PartKind::Text(text) if !text.is_empty() => Some(json!({ "text": text })),
            PartKind::Reasoning(text) if signature.is_some() && !text.is_empty() => {
                Some(json!({ "text": text, "thought": true }))
            }
            PartKind::ToolCall(call) => {
                let call = json!({ "id": call.id, "name": call.name, "args": call.input });
                Some(json!({ "functionCall": call }))
            }
            _ => None,
        };
        if let Some(value) = &mut value {
            let is_call = matches!(part.kind, PartKind::ToolCall(_));
            let is_first = is_call && std::mem::replace(&mut is_first_call, false);
            if let Some(signature) = signature.filter(|_| !is_apart) {
                value[SIGNATURE] = json!(signature);
            } else if is_first && !is_old {
                value[SIGNATURE] = json!(FOREIGN);
            }
        }
        let is_alone = is_apart || value.is_none();
        written.extend(value);
        if let Some(signature) = signature.filter(|_| is_alone) {
            written.push(json!({ "text": "", SIGNATURE: signature }));
        }
    }
    written
}

fn signature(opaque: &Opaque) -> Option<&str> {
    opaque.data.get(SIGNATURE).and_then(Value::as_str)
}

/// Writes what a tool answered (`FunctionResponse`): `output`, or `error` if it failed.
fn results(part: &Part, route: &Route) -> Vec<Value> {
    let PartKind::ToolResult(result) = &part.kind else { return Vec::new() };
    let ToolResult { id, name, text, images, is_error } = result;
    let said = json!({ (if *is_error { "error" } else { "output" }): text });
    let mut response = json!({ "id": id, "name": name, "response": said });
    let pictures: Vec<Value> = images.iter().map(inline).collect();
    if is_old(&route.model) {
        return std::iter::once(json!({ "functionResponse": response })).chain(pictures).collect();
    }
    if !pictures.is_empty() {
        response["parts"] = Value::Array(pictures);
    }
    vec![json!({ "functionResponse": response })]
}
