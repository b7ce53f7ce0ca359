//! Our tools as a client sees them.
//!
//! Names are wire names, for clients refuse a whole list for one colon; the id is the title. Structured
//! answers are objects: a client of 2025-11-25 takes nothing else.
//!
//! Invariant: nothing in a schema makes a client put an argument elsewhere than into the call
//! (`x-mcp-header` would copy it into an HTTP header, past proxies and their logs).

use std::sync::Arc;

use ax_manifest::ToolId;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

/// What makes a client send an argument as a header, too.
const HEADER_KEYWORD: &str = "x-mcp-header";

/// Keywords whose members are names of the author's, not keywords.
const NAMED: [&str; 5] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/// The member that an answer is put into which is no object.
pub(super) const WRAPPED: &str = "result";

/// Writes a tool as a client reads it.
pub(super) fn offered(id: &ToolId, tool: &ax_manifest::Tool) -> Tool {
    let title = match &tool.title {
        Some(title) => format!("{title} ({id})"),
        None => id.to_string(),
    };
    let claims = &tool.annotations;
    let annotations = ToolAnnotations::from_raw(
        Some(title.clone()),
        Some(claims.read_only),
        Some(claims.destructive),
        Some(claims.idempotent),
        Some(claims.open_world),
    );
    let input = Arc::new(object(without_headers(&tool.input_schema)));
    let offered = Tool::new(id.wire_name(), tool.description.clone(), input)
        .with_title(title)
        .with_annotations(annotations);
    match &tool.output_schema {
        Some(schema) => offered.with_raw_output_schema(Arc::new(object(wrapped(schema)))),
        None => offered,
    }
}

/// Something a client can call that is carried as a task.
pub(super) struct Worded<'w> {
    /// Its wire name.
    pub(super) name: String,
    /// Its name for people, with its id.
    pub(super) title: String,
    pub(super) description: String,
    pub(super) input: &'w Value,
    pub(super) output: Option<&'w Value>,
    /// Whether nothing it does can change anything.
    pub(super) only_reads: bool,
}

/// Writes an agent or a workflow as a client reads it. What may change something is said to destroy: what it
/// does is up to what it calls.
pub(super) fn worded(work: Worded<'_>) -> Tool {
    let Worded { name, title, description, input, output, only_reads } = work;
    let annotations = ToolAnnotations::from_raw(
        Some(title.clone()),
        Some(only_reads),
        Some(!only_reads),
        Some(false),
        Some(true),
    );
    let input = Arc::new(object(without_headers(input)));
    let offered =
        Tool::new(name, description, input).with_title(title).with_annotations(annotations);
    match output {
        Some(schema) => offered.with_raw_output_schema(Arc::new(object(wrapped(schema)))),
        None => offered,
    }
}

/// Answers whether structured answers by this schema are objects.
pub(super) fn is_of_objects(schema: &Value) -> bool {
    schema["type"] == "object"
}

/// Writes the schema of answers that are objects.
fn wrapped(schema: &Value) -> Value {
    let schema = without_headers(schema);
    if is_of_objects(&schema) {
        return schema;
    }
    let mut whole = json!({ "type": "object", "properties": {}, "required": [WRAPPED] });
    let mut inner = schema;
    // References count from the root, so what they lead to has to be there.
    for definitions in ["$defs", "definitions"] {
        if let Some(held) = inner.as_object_mut().and_then(|inner| inner.remove(definitions)) {
            whole[definitions] = held;
        }
    }
    whole["properties"][WRAPPED] = inner;
    whole
}

fn without_headers(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let kept = members.iter().filter(|(key, _)| *key != HEADER_KEYWORD);
            let cleaned = kept.map(|(key, value)| {
                let value = match value {
                    Value::Object(named) if NAMED.contains(&key.as_str()) => {
                        let each = named.iter();
                        Value::Object(
                            each.map(|(name, it)| (name.clone(), without_headers(it))).collect(),
                        )
                    }
                    value => without_headers(value),
                };
                (key.clone(), value)
            });
            Value::Object(cleaned.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_headers).collect()),
        other => other.clone(),
    }
}

/// Schemas are objects: `true` is one that holds nothing against anything.
fn object(schema: Value) -> JsonObject {
    match schema {
        Value::Object(members) => members,
        _ => Map::from_iter([("type".to_owned(), json!("object"))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_schema_makes_a_client_send_an_argument_as_a_header() {
        let schema = json!({
            "type": "object",
            "properties": {
                "x-mcp-header": { "type": "string", "x-mcp-header": "Region" },
                "list": { "type": "array", "items": { "x-mcp-header": "Name", "type": "string" } },
            },
            "anyOf": [{ "x-mcp-header": "Name" }],
        });
        assert_eq!(
            without_headers(&schema),
            json!({
                "type": "object",
                "properties": {
                    "x-mcp-header": { "type": "string" },
                    "list": { "type": "array", "items": { "type": "string" } },
                },
                "anyOf": [{}],
            })
        );
    }

    #[test]
    fn answers_that_are_no_objects_are_put_into_one() {
        let number = json!({ "type": "integer" });
        assert_eq!(
            wrapped(&number),
            json!({
                "type": "object",
                "properties": { "result": { "type": "integer" } },
                "required": ["result"],
            })
        );
        let referring =
            json!({ "type": "array", "items": { "$ref": "#/$defs/a" }, "$defs": { "a": {} } });
        assert_eq!(wrapped(&referring)["$defs"], json!({ "a": {} }));
        assert_eq!(wrapped(&referring)["properties"]["result"]["$defs"], Value::Null);
        let object = json!({ "type": "object" });
        assert_eq!(wrapped(&object), object);
    }
}
