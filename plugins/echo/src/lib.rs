//! The smallest plugin: `say` gives back its text, `fail` gives back an error.
//!
//! Not here: everything a real plugin needs. Start from `plugins/metrics` for typed interfaces.

use serde_json::{Value, json};

use bindings::ax::log::log;
use bindings::ax::types::types::{Annotations, Content, Error, ErrorKind, Output, Tool};

/// What `wit-bindgen` writes for the world `tools`.
mod bindings {
    #![cfg_attr(target_arch = "wasm32", expect(unsafe_code, reason = "the ABI passes addresses"))]
    wit_bindgen::generate!({ world: "ax:plugin/tools", path: "../../wit", generate_all });
    #[cfg(target_arch = "wasm32")]
    export!(Echo with_types_in self);
    #[cfg(target_arch = "wasm32")]
    use super::Echo;
}

/// The plugin; it keeps nothing between calls.
pub struct Echo;

impl bindings::exports::ax::guest::tools::Guest for Echo {
    fn describe() -> Vec<Tool> {
        vec![
            tool("say", "text", "Gives back `text`, as content and as structured output."),
            tool("fail", "message", "Answers with an error of the kind `failed` and this message."),
        ]
    }

    fn call(name: String, input: String) -> Result<Output, Error> {
        log::write(log::Level::Info, "echo was called", &[("tool".to_owned(), name.clone())]);
        match name.as_str() {
            "say" => {
                let text = member(&input, "text")?;
                let structured = Some(json!({ "text": text }).to_string());
                Ok(Output { content: vec![Content::Text(text)], structured, extra: None })
            }
            "fail" => Err(error(ErrorKind::Failed, member(&input, "message")?, "")),
            _ => Err(error(ErrorKind::NotFound, format!("there is no tool `{name}`"), &name)),
        }
    }
}

/// Describes a tool whose input is one string member; `say` answers with the same object.
fn tool(name: &str, member: &str, description: &str) -> Tool {
    let schema = json!({
        "type": "object", "properties": { member: { "type": "string" } },
        "required": [member], "additionalProperties": false,
    });
    Tool {
        name: name.to_owned(),
        title: None,
        description: description.to_owned(),
        input_schema: schema.to_string(),
        output_schema: (name == "say").then(|| schema.to_string()),
        annotations: Annotations {
            read_only: true,
            destructive: false,
            idempotent: true,
            open_world: false,
            extra: None,
        },
        extra: None,
    }
}

/// Returns the string at `name` of the object `input`.
fn member(input: &str, name: &str) -> Result<String, Error> {
    let value: Value = serde_json::from_str(input)
        .map_err(|cause| error(ErrorKind::Invalid, format!("input is not JSON: {cause}"), ""))?;
    let text = value.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| error(ErrorKind::Invalid, format!("`{name}` must be a string"), name))
}

/// Makes an error; `code` is for programs.
fn error(kind: ErrorKind, message: String, code: &str) -> Error {
    Error { kind, message, code: code.to_owned(), retry_after_ms: None, data: None }
}
