//! The tools of the suite that no plugin can be: they are about what a host says to its clients.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ax_host::server::mcp::ToolCall;
use rmcp::ErrorData;
use rmcp::model::{CallToolResponse, ClientCapabilities, JsonObject, SamplingCapability, Tool};
use serde_json::{Value, json};

use crate::asking::{Asking, Question, ask_now, text};
use crate::states::States;

/// A tool, and what it does.
pub(crate) struct Native {
    pub(crate) tool: Tool,
    does: Does,
}

enum Does {
    /// Refuses whoever cannot sample; that this host never asks anybody to does not matter.
    NeedsSampling,
    /// Says that there are other tools.
    ChangesTools,
    /// Answers with its argument `value`.
    SaysBack,
    /// Asks before it answers.
    Asks(Asking),
    /// Asks a client with a session, with this schema.
    AsksNow(Value),
}

impl Native {
    pub(crate) async fn call(
        &self,
        call: &ToolCall,
        states: &States,
        changes: &AtomicU64,
    ) -> Result<CallToolResponse, ErrorData> {
        match &self.does {
            Does::NeedsSampling => {
                let capabilities = call.context.client_capabilities().unwrap_or_default();
                match capabilities.sampling {
                    Some(_) => Ok(text("it could be asked")),
                    None => Err(ErrorData::missing_required_client_capability(sampling())),
                }
            }
            Does::ChangesTools => {
                changes.fetch_add(1, Ordering::Relaxed);
                Ok(text("there are other tools"))
            }
            Does::SaysBack => {
                let value = call.arguments.get("value").and_then(Value::as_str);
                Ok(text(value.unwrap_or_default()))
            }
            Does::Asks(asking) => asking.call(call, states),
            Does::AsksNow(schema) => ask_now(call, schema.clone()).await,
        }
    }
}

fn sampling() -> ClientCapabilities {
    let mut needed = ClientCapabilities::default();
    needed.sampling = Some(SamplingCapability::default());
    needed
}

/// Lists them by name.
pub(crate) fn all() -> BTreeMap<&'static str, Native> {
    let stateless = |rounds| Does::Asks(Asking { rounds, has_state: false });
    let stateful = |rounds| Does::Asks(Asking { rounds, has_state: true });
    let message = json!({ "message": { "type": "string" } });
    // What a plugin's schema says is taken out of it: a client would send the argument as a header too.
    let header = json!({ "value": { "type": "string", "x-mcp-header": "Value" } });
    let tools = [
        ("test_missing_capability", json!({}), Does::NeedsSampling),
        ("test_trigger_tool_change", json!({}), Does::ChangesTools),
        ("test_custom_header", header, Does::SaysBack),
        ("test_elicitation", message, Does::AsksNow(person())),
        ("test_elicitation_sep1034_defaults", json!({}), Does::AsksNow(defaults())),
        ("test_elicitation_sep1330_enums", json!({}), Does::AsksNow(choices())),
        ("test_streaming_elicitation", json!({}), stateless(&STREAMED)),
        ("test_input_required_result_elicitation", json!({}), stateless(&NAME)),
        ("test_input_required_result_request_state", json!({}), stateful(&CONFIRM)),
        ("test_input_required_result_tampered_state", json!({}), stateful(&CONFIRM)),
        ("test_input_required_result_multi_round", json!({}), stateful(&STEPS)),
    ];
    tools.into_iter().map(|(name, members, does)| (name, native(name, members, does))).collect()
}

const STREAMED: [Question; 1] = [question("streaming_elicitation", "value", "string")];
const NAME: [Question; 1] = [question("user_name", "name", "string")];
const CONFIRM: [Question; 1] = [question("confirm", "ok", "boolean")];
const STEPS: [Question; 2] =
    [question("step1", "name", "string"), question("step2", "color", "string")];

const fn question(key: &'static str, member: &'static str, kind: &'static str) -> Question {
    Question { key, member, kind }
}

fn native(name: &'static str, members: Value, does: Does) -> Native {
    let required: Vec<&String> = members.as_object().into_iter().flat_map(|it| it.keys()).collect();
    let mut schema = JsonObject::new();
    schema.insert("required".to_owned(), json!(required));
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), members);
    Native { tool: Tool::new(name, "A fixture of this program.", Arc::new(schema)), does }
}

fn person() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": { "type": "string", "description": "User's response" },
            "email": { "type": "string", "description": "User's email address" },
        },
        "required": ["username", "email"],
    })
}

/// A member of each kind, filled in already.
fn defaults() -> Value {
    let states = ["active", "inactive", "pending"];
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "default": "John Doe" },
            "age": { "type": "integer", "default": 30 },
            "score": { "type": "number", "default": 95.5 },
            "status": { "type": "string", "enum": states, "default": "active" },
            "verified": { "type": "boolean", "default": true },
        },
    })
}

/// Each way to offer a choice.
fn choices() -> Value {
    let options = ["option1", "option2", "option3"];
    let titled = |what: &str| {
        let each = [("value1", "First"), ("value2", "Second"), ("value3", "Third")];
        each.map(|(value, title)| json!({ "const": value, "title": format!("{title} {what}") }))
    };
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": { "type": "string", "enum": options },
            "titledSingle": { "type": "string", "oneOf": titled("Option") },
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": { "type": "array", "items": { "type": "string", "enum": options } },
            "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
        },
    })
}
