//! Writes requests.
//!
//! Invariant: what Claude has no word for is an error that names the field, unless it is what Claude does
//! anyway. Names of speakers and metadata are left out: no provider sees them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use crate::chat::{
    Error, Media, Message, Part, PartKind, Request, Role, Thinking, ToolChoice, ToolDef, ToolResult,
};
use crate::provider::dialect::Route;

/// Tokens that are written at most where the request does not say: `max_tokens` is required, and every
/// model that is served writes as many.
const MAX_TOKENS: u32 = 32_000;

/// The pictures that are taken ("Base64ImageSource").
const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// The models that think by a budget and know no `adaptive`; those that came later refuse a budget
/// ("Adaptive thinking").
const BUDGETED: [&str; 5] = [
    "claude-haiku-4-5",
    "claude-sonnet-4-5",
    "claude-opus-4-5",
    "claude-opus-4-1",
    "claude-sonnet-4-2025",
];

/// The least budget of thoughts ("ThinkingConfigEnabled").
const BUDGET_TOKENS_MIN: u32 = 1_024;

/// Writes the body of a message.
pub(super) fn message(request: &Request, route: &Route) -> Result<Value, Error> {
    let mut body = shared(request, route)?;
    body["max_tokens"] = json!(request.max_tokens.unwrap_or(MAX_TOKENS));
    if !request.stop.is_empty() {
        body["stop_sequences"] = json!(request.stop);
    }
    if request.stream {
        body["stream"] = json!(true);
    }
    Ok(body)
}

/// Writes the body of a count, which has what is read and nothing of what is written.
pub(super) fn count(request: &Request, route: &Route) -> Result<Value, Error> {
    shared(request, route)
}

fn shared(request: &Request, route: &Route) -> Result<Value, Error> {
    sampling("temperature", request.temperature)?;
    sampling("topP", request.top_p)?;
    let mut body = json!({ "model": route.model });
    let system = system(request);
    if !system.is_empty() {
        body["system"] = json!(system);
    }
    body["messages"] = json!(messages(request, route)?);
    if !request.tools.is_empty() {
        body["tools"] = request.tools.iter().map(tool).collect();
        match &request.tool_choice {
            ToolChoice::Auto => {}
            ToolChoice::Required => body["tool_choice"] = json!({ "type": "any" }),
            ToolChoice::Forbidden => body["tool_choice"] = json!({ "type": "none" }),
            ToolChoice::Named(name) => {
                body["tool_choice"] = json!({ "type": "tool", "name": name });
            }
        }
    }
    if let Some(schema) = &request.output_schema {
        body["output_config"]["format"] = json!({ "type": "json_schema", "schema": schema });
    }
    if let Some(thinking) = request.thinking {
        think(&mut body, thinking, request, route)?;
    }
    Ok(body)
}

/// Since 2026-10-21 sampling is refused with 400; 1 is what the models do.
fn sampling(field: &str, value: Option<f64>) -> Result<(), Error> {
    match value {
        Some(value) if value != 1.0 => Err(Error::invalid(format!(
            "`{field}` is {value}, and Claude takes none but 1 since its version {}",
            super::VERSION
        ))),
        Some(_) | None => Ok(()),
    }
}

fn think(
    body: &mut Value,
    thinking: Thinking,
    request: &Request,
    route: &Route,
) -> Result<(), Error> {
    let (effort, budget_tokens) = match thinking {
        Thinking::Off => {
            body["thinking"] = json!({ "type": "disabled" });
            return Ok(());
        }
        Thinking::Low => ("low", BUDGET_TOKENS_MIN),
        Thinking::Medium => ("medium", 4 * BUDGET_TOKENS_MIN),
        Thinking::High => ("high", 16 * BUDGET_TOKENS_MIN),
    };
    if !BUDGETED.iter().any(|name| route.model.starts_with(name)) {
        body["thinking"] = json!({ "type": "adaptive" });
        body["output_config"]["effort"] = json!(effort);
        return Ok(());
    }
    // The budget is a part of what is written, and less than it.
    let room = request.max_tokens.unwrap_or(MAX_TOKENS) - 1;
    if room < BUDGET_TOKENS_MIN {
        return Err(Error::invalid(format!(
            "`maxTokens` leaves no room for thoughts, which need more than {BUDGET_TOKENS_MIN}"
        )));
    }
    let budget_tokens = budget_tokens.min(room);
    body["thinking"] = json!({ "type": "enabled", "budget_tokens": budget_tokens });
    Ok(())
}

fn tool(tool: &ToolDef) -> Value {
    let mut schema = tool.input_schema.clone();
    if schema.get("type").is_none() {
        schema["type"] = json!("object");
    }
    let mut written = json!({ "name": tool.name, "input_schema": schema });
    if !tool.description.is_empty() {
        written["description"] = json!(tool.description);
    }
    written
}

/// Puts what the system says in front: not every model knows such messages further down.
fn system(request: &Request) -> Vec<Value> {
    let said = request.messages.iter().filter(|message| message.role == Role::System);
    let texts = said.map(Message::joined_text).filter(|text| !text.is_empty());
    texts.map(|text| json!({ "type": "text", "text": text })).collect()
}

/// Writes the turns; those of one side that follow each other become one, as the API takes them.
fn messages(request: &Request, route: &Route) -> Result<Vec<Value>, Error> {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        let role = match message.role {
            Role::System => continue,
            Role::Assistant => "assistant",
            Role::User | Role::Tool => "user",
        };
        let mut blocks = Vec::new();
        for (number, part) in message.parts.iter().enumerate() {
            let field = || format!("messages[{at}].parts[{number}]");
            blocks.extend(
                block(part, route).map_err(|why| Error::invalid(format!("`{}` {why}", field())))?,
            );
        }
        match turns.last_mut() {
            Some((last, all)) if *last == role => all.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    turns.retain(|(_, blocks)| !blocks.is_empty());
    if turns.is_empty() {
        return Err(Error::invalid("`messages` has nothing that a user says".to_owned()));
    }
    let turn = |(role, content): (&str, Vec<Value>)| json!({ "role": role, "content": content });
    Ok(turns.into_iter().map(turn).collect())
}

/// Writes a part; none for what is not sent. An empty text is refused, so it is left out.
fn block(part: &Part, route: &Route) -> Result<Option<Value>, String> {
    Ok(Some(match &part.kind {
        PartKind::Text(text) if text.is_empty() => return Ok(None),
        PartKind::Text(text) => json!({ "type": "text", "text": text }),
        PartKind::Image(media) => image(media)?,
        PartKind::File(media) => document(media)?,
        PartKind::ToolCall(call) if call.input.is_object() => json!({
            "type": "tool_use", "id": wire_id(&call.id), "name": call.name, "input": call.input,
        }),
        PartKind::ToolCall(_) => return Err("has an input that is no object".to_owned()),
        PartKind::ToolResult(it) => result(it)?,
        PartKind::Reasoning(text) => return Ok(thought(text, part, route)),
    }))
}

/// A thought goes back with its signature to the route that wrote it; without one it would be refused.
fn thought(text: &str, part: &Part, route: &Route) -> Option<Value> {
    let opaque = part.opaque.as_ref().filter(|it| it.owner == route.owner())?;
    if let Some(data) = opaque.data.get("redacted") {
        return Some(json!({ "type": "redacted_thinking", "data": data }));
    }
    let signature = opaque.data.get("signature")?;
    Some(json!({ "type": "thinking", "thinking": text, "signature": signature }))
}

fn image(media: &Media) -> Result<Value, String> {
    if !IMAGE_TYPES.contains(&media.media_type.as_str()) {
        let taken = IMAGE_TYPES.join(", ");
        return Err(format!("is a picture of another kind than Claude takes: {taken}"));
    }
    let source = json!({ "type": "base64", "media_type": media.media_type, "data": media.data });
    Ok(json!({ "type": "image", "source": source }))
}

fn document(media: &Media) -> Result<Value, String> {
    let source = match media.media_type.as_str() {
        "application/pdf" => {
            json!({ "type": "base64", "media_type": media.media_type, "data": media.data })
        }
        "text/plain" => {
            let bytes = STANDARD.decode(&media.data).map_err(|_| "is not base64".to_owned())?;
            let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
            json!({ "type": "text", "media_type": "text/plain", "data": text })
        }
        _ => {
            let why = "is a file of another kind than Claude takes: application/pdf, text/plain";
            return Err(why.to_owned());
        }
    };
    Ok(json!({ "type": "document", "source": source }))
}

fn result(result: &ToolResult) -> Result<Value, String> {
    let mut written = json!({ "type": "tool_result", "tool_use_id": wire_id(&result.id) });
    if result.images.is_empty() {
        written["content"] = json!(result.text);
    } else {
        let text =
            (!result.text.is_empty()).then(|| json!({ "type": "text", "text": result.text }));
        let images = result.images.iter().map(image).collect::<Result<Vec<_>, _>>()?;
        written["content"] = text.into_iter().chain(images).collect();
    }
    if result.is_error {
        written["is_error"] = json!(true);
    }
    Ok(written)
}

/// Writes the id of a call, which may come from a provider that takes other characters:
/// Claude's pattern is `^[a-zA-Z0-9_-]+$`.
fn wire_id(id: &str) -> String {
    let plain = |it: char| if it.is_ascii_alphanumeric() || it == '-' { it } else { '_' };
    if id.is_empty() { "_".to_owned() } else { id.chars().map(plain).collect() }
}
