//! Writes requests for Responses.
//!
//! A conversation is a list of items: messages, calls, results, and thoughts, which go back as they
//! came. Names of those who speak and stop texts have no place here; the latter are refused.
//!
//! A summary of thoughts is not asked for, since OpenAI gives it to verified organisations only and
//! refuses the whole request of others; where it comes by itself, it is read.

use serde_json::{Map, Value, json};

use crate::chat::{
    Error, Media, Message, Opaque, Part, PartKind, Request, Role, ToolChoice, ToolDef, ToolResult,
};
use crate::provider::dialect::Route;
use crate::provider::openai::write::{data_url, effort, file_name, is_strict, result_text};

/// Writes a request.
///
/// # Errors
///
/// [`crate::chat::Class::CallerFault`] for what Responses has no word for.
pub(super) fn body(request: &Request, route: &Route) -> Result<Value, Error> {
    if !request.stop.is_empty() {
        let why = "`stop` has texts, and OpenAI's Responses takes none: use the kind `openai`";
        return Err(Error::invalid(why.to_owned()));
    }
    let mut body = counted(request, route);
    let mut put = |field: &str, value: Value| body[field] = value;
    if let Some(tokens) = request.max_tokens {
        put("max_output_tokens", json!(tokens));
    }
    if let Some(temperature) = request.temperature {
        put("temperature", json!(temperature));
    }
    if let Some(top_p) = request.top_p {
        put("top_p", json!(top_p));
    }
    put("store", json!(false));
    put("include", json!(["reasoning.encrypted_content"]));
    if request.stream {
        put("stream", json!(true));
    }
    Ok(body)
}

/// Writes what of a request is read, and so counted (`InputTokenCountParams`).
pub(super) fn counted(request: &Request, route: &Route) -> Value {
    let mut body = Map::new();
    let mut put = |field: &str, value: Value| drop(body.insert(field.to_owned(), value));
    let owner = route.owner();
    put("model", json!(route.model));
    put("input", request.messages.iter().flat_map(|it| items(it, &owner)).collect());
    if !request.tools.is_empty() {
        put("tools", request.tools.iter().map(tool).collect());
        if let Some(choice) = choice(&request.tool_choice) {
            put("tool_choice", choice);
        }
    }
    if let Some(schema) = &request.output_schema {
        let strict = is_strict(schema);
        let format =
            json!({ "type": "json_schema", "name": "answer", "schema": schema, "strict": strict });
        put("text", json!({ "format": format }));
    }
    if let Some(thinking) = request.thinking {
        put("reasoning", json!({ "effort": effort(thinking) }));
    }
    Value::Object(body)
}

fn tool(tool: &ToolDef) -> Value {
    let ToolDef { name, description, input_schema } = tool;
    // Left out, it would be true, and most schemas would be refused.
    json!({
        "type": "function",
        "name": name,
        "description": description,
        "parameters": input_schema,
        "strict": false,
    })
}

fn choice(choice: &ToolChoice) -> Option<Value> {
    Some(match choice {
        ToolChoice::Auto => return None,
        ToolChoice::Required => json!("required"),
        ToolChoice::Forbidden => json!("none"),
        ToolChoice::Named(name) => json!({ "type": "function", "name": name }),
    })
}

fn items(message: &Message, owner: &str) -> Vec<Value> {
    let content = || message.parts.iter().filter_map(content).collect::<Value>();
    match message.role {
        Role::System => vec![json!({ "role": "system", "content": content() })],
        Role::User => vec![json!({ "role": "user", "content": content() })],
        Role::Assistant => message.parts.iter().filter_map(|it| said(it, owner)).collect(),
        Role::Tool => message.parts.iter().filter_map(result).collect(),
    }
}

fn content(part: &Part) -> Option<Value> {
    match &part.kind {
        PartKind::Text(text) => Some(json!({ "type": "input_text", "text": text })),
        PartKind::Image(media) => Some(image(media)),
        PartKind::File(media) => Some(json!({
            "type": "input_file",
            "filename": file_name(media),
            "file_data": data_url(media),
        })),
        PartKind::ToolCall(_) | PartKind::ToolResult(_) | PartKind::Reasoning(_) => None,
    }
}

fn image(media: &Media) -> Value {
    json!({ "type": "input_image", "image_url": data_url(media) })
}

/// Writes a part of what the model said. A thought of another route is left out.
fn said(part: &Part, owner: &str) -> Option<Value> {
    let own = part.opaque.as_ref().filter(|opaque| opaque.owner == owner);
    match &part.kind {
        PartKind::Text(text) => {
            let phase = own.and_then(|opaque| opaque.data.get("phase")).and_then(Value::as_str);
            let mut item = json!({ "role": "assistant", "content": text });
            if let Some(phase) = phase {
                item["phase"] = json!(phase);
            }
            (!text.is_empty()).then_some(item)
        }
        PartKind::Reasoning(_) => own.filter(|it| is_item(it)).map(|it| it.data.clone()),
        PartKind::ToolCall(call) => Some(json!({
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.input.to_string(),
        })),
        PartKind::Image(_) | PartKind::File(_) | PartKind::ToolResult(_) => None,
    }
}

fn is_item(opaque: &Opaque) -> bool {
    opaque.data.get("type").is_some_and(|kind| kind == "reasoning")
}

fn result(part: &Part) -> Option<Value> {
    let PartKind::ToolResult(result) = &part.kind else { return None };
    let ToolResult { id, images, .. } = result;
    let text = result_text(result);
    let output = if images.is_empty() {
        json!(text)
    } else {
        let text = json!({ "type": "input_text", "text": text });
        std::iter::once(text).chain(images.iter().map(image)).collect()
    };
    Some(json!({ "type": "function_call_output", "call_id": id, "output": output }))
}
