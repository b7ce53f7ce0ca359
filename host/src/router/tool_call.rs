//! Whether a call that a model asks for is one that its tool takes.
//!
//! The part of JSON Schema that models get wrong: `type`, `enum`, `const`, `required`, `properties`,
//! `additionalProperties: false`, `items`. Other words are not looked at: whoever runs the tool checks
//! its input wholly, and here a call must never be refused that is right.
//!
//! Invariant: a call is handed on whole and checked, or not at all.

use serde_json::Map;
use serde_json::Value;

use crate::chat::Class;
use crate::chat::Error;
use crate::chat::Request;
use crate::chat::ToolCall;

/// How deep an input is looked into; what is deeper is the tool's to check.
const DEPTH_MAX: usize = 32;

/// Checks a call against the tools of a request.
///
/// # Errors
///
/// Transient, `tool-call-invalid`: the model may do better when it is asked again.
pub(super) fn check(request: &Request, call: &ToolCall) -> Result<(), Error> {
    let wrong = |why: &str| Error::new(Class::Transient, "tool-call-invalid", why);
    let Some(tool) = request.tools.iter().find(|tool| tool.name == call.name) else {
        return Err(wrong(&format!(
            "the model calls `{}`, which is no tool it was given",
            call.name
        )));
    };
    match fault(&tool.input_schema, &call.input, "input", 0) {
        None => Ok(()),
        Some(why) => Err(wrong(&format!("the model calls `{}`, and {why}", tool.name))),
    }
}

/// Finds what is wrong with a value. The path is of names of the schema alone, or of numbers.
fn fault(schema: &Value, value: &Value, path: &str, depth: usize) -> Option<String> {
    let schema = schema.as_object().filter(|_| depth < DEPTH_MAX)?;
    if schema.get("type").is_some_and(|kind| !is_of(kind, value)) {
        return Some(format!("`{path}` is of another type"));
    }
    let is_listed = |listed: &Value| listed.as_array().is_none_or(|all| all.contains(value));
    let is_named = schema.get("enum").is_none_or(is_listed);
    if !is_named || schema.get("const").is_some_and(|only| only != value) {
        return Some(format!("`{path}` is none of what is allowed"));
    }
    match value {
        Value::Object(fields) => fault_of_fields(schema, fields, path, depth),
        Value::Array(items) => {
            let of_items = schema.get("items")?;
            let mut numbered = items.iter().enumerate();
            numbered
                .find_map(|(at, item)| fault(of_items, item, &format!("{path}[{at}]"), depth + 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn fault_of_fields(
    schema: &Map<String, Value>,
    fields: &Map<String, Value>,
    path: &str,
    depth: usize,
) -> Option<String> {
    let required = schema.get("required").and_then(Value::as_array);
    let mut required = required.into_iter().flatten().filter_map(Value::as_str);
    if let Some(name) = required.find(|name| !fields.contains_key(*name)) {
        return Some(format!("`{path}.{name}` is missing"));
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let of = |name: &str| properties.and_then(|all| all.get(name));
    let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false))
        && !schema.contains_key("patternProperties");
    if is_closed && fields.keys().any(|name| of(name).is_none()) {
        return Some(format!("`{path}` has a field that is not allowed"));
    }
    let mut known = fields.iter().filter_map(|(name, value)| Some((name, value, of(name)?)));
    known.find_map(|(name, value, schema)| {
        fault(schema, value, &format!("{path}.{name}"), depth + 1)
    })
}

fn is_of(kind: &Value, value: &Value) -> bool {
    let is_one = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        // `1.0` is an integer, too (JSON Schema 2020-12, §4.2.3).
        "integer" => value.as_f64().is_some_and(|it| it.fract() == 0.0),
        _ => true,
    };
    match kind {
        Value::String(kind) => is_one(kind),
        Value::Array(kinds) => kinds.iter().any(|kind| kind.as_str().is_none_or(is_one)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    }
}
