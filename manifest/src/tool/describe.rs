//! Makes tools of what a guest's `describe` answered.
//!
//! Invariant: nothing of the answer is believed. Each text is bounded and checked before it is
//! parsed, kept or shown.
//! Not here: calling `describe` (the host), tools from types (`derive`).

use serde_json::Value;

use super::Annotations;
use super::Entry;
use super::SCHEMA_BYTES_MAX;
use super::TOOLS_MAX;
use super::Tool;
use super::ToolError;
use super::annotate;
use super::check_tools;
use super::derive::check_notes;
use crate::manifest::Manifest;

/// One tool as a guest described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// A short name for people.
    pub title: Option<String>,
    /// What it does.
    pub description: String,
    /// JSON Schema of the input, as JSON text.
    pub input_schema: String,
    /// JSON Schema of the answer, as JSON text.
    pub output_schema: Option<String>,
    /// What it says about its effects.
    pub annotations: Annotations,
}

/// Adds the tools a guest described to those its types gave, and checks all of them.
///
/// # Errors
///
/// [`ToolError`] when a described tool breaks a bound, has an unusable schema or a name that is
/// taken, when there are too many, or when `[tools.x]` names none of them.
pub fn describe_tools(
    answer: Vec<Described>,
    typed: Vec<Tool>,
    manifest: Option<&Manifest>,
) -> Result<Vec<Tool>, ToolError> {
    let count = answer.len().saturating_add(typed.len());
    if count > TOOLS_MAX {
        return Err(ToolError::TooMany { count, max: TOOLS_MAX });
    }
    let mut tools = typed;
    for described in answer {
        let mut tool = parse(described)?;
        if let Some(notes) = manifest.and_then(|manifest| manifest.tools.get(&tool.name)) {
            annotate(&mut tool, notes);
        }
        tools.push(tool);
    }
    check_tools(&tools)?;
    if let Some(manifest) = manifest {
        check_notes(&manifest.tools, &tools.iter().map(|tool| tool.name.as_str()).collect())?;
    }
    Ok(tools)
}

/// Reads the schemas of a described tool.
fn parse(described: Described) -> Result<Tool, ToolError> {
    let Described { name, title, description, input_schema, output_schema, annotations } =
        described;
    let mut input_schema = schema(&name, "input schema", &input_schema)?;
    // Clients refuse a tool whose input is not said to be an object.
    if let Value::Object(members) = &mut input_schema {
        let kind = members.entry("type").or_insert_with(|| Value::from("object"));
        if kind != "object" {
            let why = "does not have `\"type\": \"object\"`".to_owned();
            return Err(ToolError::Schema { tool: name, part: "input schema", why });
        }
    }
    let output_schema =
        output_schema.map(|text| schema(&name, "output schema", &text)).transpose()?;
    let entry = Entry::Described;
    Ok(Tool { name, title, description, input_schema, output_schema, annotations, entry })
}

/// Parses one schema; the JSON reader itself stops at 128 levels.
fn schema(tool: &str, part: &'static str, text: &str) -> Result<Value, ToolError> {
    parse_schema(text).map_err(|why| ToolError::Schema { tool: tool.to_owned(), part, why })
}

/// Parses the text of a schema. What is wrong is told as the rest of a sentence.
pub(crate) fn parse_schema(text: &str) -> Result<Value, String> {
    if text.len() > SCHEMA_BYTES_MAX {
        let bytes = text.len();
        return Err(format!("has {bytes} bytes; at most {SCHEMA_BYTES_MAX} are accepted"));
    }
    serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))
}
