//! `[config]`: the JSON Schema of what the operator may set.
//!
//! Invariant: what is kept reads as a schema of an object, so that settings written where a schema
//! belongs are not taken for one.
//! Not here: comparing settings with it.

use serde_json::Value as Json;

use crate::manifest::error::{Located, ManifestErrorKind};
use crate::manifest::tree::{Node, Value};
use crate::text::hidden_character;

/// The words of JSON Schema 2020-12 for an object. A schema may have others, and has one of these.
const KEYWORDS: [&str; 34] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "title",
    "description",
    "default",
    "examples",
    "enum",
    "const",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "deprecated",
    "$schema",
    "$id",
    "$ref",
    "$defs",
    "$comment",
    "$anchor",
    "$vocabulary",
    "$dynamicRef",
    "$dynamicAnchor",
];

/// The types of JSON.
const TYPES: [&str; 7] = ["object", "array", "string", "number", "integer", "boolean", "null"];

pub(super) fn from_node(node: &Node) -> Result<Json, Located> {
    let entries = node.entries("config")?;
    let get = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node);
    if !entries.is_empty() && !KEYWORDS.iter().any(|known| get(known).is_some()) {
        return Err(wrong(node, "it holds settings, and not what settings there are"));
    }
    if let Some(kind) = get("type")
        && kind.text("config.type")? != "object"
    {
        return Err(wrong(kind, "settings are a table, so its type is `object`"));
    }
    if let Some(properties) = get("properties") {
        for entry in properties.entries("config.properties")? {
            property(&entry.node, &format!("config.properties.{}", entry.key))?;
        }
    }
    if let Some(required) = get("required") {
        for item in required.items("config.required")? {
            item.text("config.required[]")?;
        }
    }
    visible(node, "config")?;
    node.to_json()
}

/// Refuses texts of the schema, and names in it, that say something else than a person sees.
fn visible(node: &Node, key: &str) -> Result<(), Located> {
    let hidden = |text: &str, breaks: &[char], at: &Node, key: &str| match text
        .split(breaks)
        .find_map(hidden_character)
    {
        None => Ok(()),
        Some(character) => {
            let key = key.to_owned();
            Err(at.wrong(ManifestErrorKind::HiddenCharacter { key, character }))
        }
    };
    match &node.value {
        Value::String(text) => hidden(text, &['\n', '\t'], node, key),
        Value::List(items) => items.iter().try_for_each(|item| visible(item, &format!("{key}[]"))),
        Value::Table(entries) => entries.iter().try_for_each(|entry| {
            let key = format!("{key}.{}", entry.key);
            hidden(&entry.key, &[], &entry.node, &key)?;
            visible(&entry.node, &key)
        }),
        _ => Ok(()),
    }
}

/// Checks that what stands for a setting is a schema, and its types are types.
fn property(node: &Node, key: &str) -> Result<(), Located> {
    if matches!(node.value, Value::Boolean(_)) {
        return Ok(());
    }
    let kind = node.entries(key)?.iter().find(|entry| entry.key == "type");
    let Some(kind) = kind else { return Ok(()) };
    let key = format!("{key}.type");
    let types = match &kind.node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(&kind.node),
    };
    for node in types {
        if !TYPES.contains(&node.text(&key)?) {
            return Err(wrong(node, "that is no type of JSON"));
        }
    }
    Ok(())
}

fn wrong(node: &Node, why: &'static str) -> Located {
    node.wrong(ManifestErrorKind::Schema { why })
}
