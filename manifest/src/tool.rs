//! What a plugin offers to callers: named tools with JSON in and out.
//!
//! ```text
//! exported functions ──► derive_tools ──┐
//!                                       ├──► Tool ──► frozen into the package
//! answer of `describe` ► describe_tools ┘
//! ```
//!
//! Invariant: a [`Tool`] that passed [`check_tools`] can be shown to a person and sent to a model:
//! its name is kebab-case, its texts hold nothing invisible, its schemas are small JSON objects.
//! Not here: ids and wire names (`name`), the schema of a type (`schema`), calling (the host).

mod derive;
mod describe;
mod error;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::manifest::ToolNotes;
use crate::name::TOOL_NAME_CHARS_MAX;
use crate::name::check_kebab;
use crate::text::Quoted;
use crate::text::hidden_character;
use crate::wit::Signature;

pub use derive::derive_tools;
pub use describe::Described;
pub use describe::describe_tools;
pub(crate) use describe::parse_schema;
pub use error::ToolError;

/// Tools of one plugin. A model reads all of them with every request; a few dozen is already much.
const TOOLS_MAX: usize = 256;

/// Longest title, in bytes: one line of a list.
const TITLE_BYTES_MAX: usize = 256;

/// Longest description, in bytes: about a page, read by a model with every request.
pub(crate) const DESCRIPTION_BYTES_MAX: usize = 4 << 10;

/// Longest schema as compact JSON, in bytes.
const SCHEMA_BYTES_MAX: usize = 64 << 10;

/// Levels of JSON in a schema that a guest wrote; model APIs refuse far fewer.
pub(crate) const SCHEMA_DEPTH_MAX: usize = 32;

/// Levels of JSON in a schema or signature derived from types. A package is read by a JSON reader
/// that stops at 128, of which the package itself uses a few.
const DERIVED_DEPTH_MAX: usize = 100;

/// One thing a plugin can be asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tool {
    /// Kebab-case name, unique in the plugin.
    pub name: String,
    /// A short name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does, for people and models.
    pub description: String,
    /// JSON Schema of its input, an object.
    pub input_schema: Value,
    /// JSON Schema of its answer, if it has a structured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// What it says about its own effects.
    pub annotations: Annotations,
    /// How the host calls it.
    pub entry: Entry,
}

/// What a tool claims about its effects. The host never grants anything because of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Annotations {
    /// Changes nothing.
    pub read_only: bool,
    /// May destroy something.
    pub destructive: bool,
    /// Doing it twice is doing it once.
    pub idempotent: bool,
    /// Deals with things outside the host.
    pub open_world: bool,
}

/// How the host calls a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Entry {
    /// An exported function whose types say what it takes.
    Typed {
        /// The exported interface it is in, with its version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interface: Option<String>,
        /// Its WIT name.
        function: String,
        /// Its types.
        signature: Signature,
    },
    /// `call(name, json)` of the exported `ax:guest/tools`.
    Described,
}

impl Default for Annotations {
    /// The defaults of MCP, which assume the worst.
    fn default() -> Self {
        Self { read_only: false, destructive: true, idempotent: false, open_world: true }
    }
}

/// Checks tools that were read from a package or made from a guest's answer.
///
/// # Errors
///
/// [`ToolError`] about the first tool that breaks a bound of this module, or has a name taken by
/// an earlier one.
pub fn check_tools(tools: &[Tool]) -> Result<(), ToolError> {
    if tools.len() > TOOLS_MAX {
        return Err(ToolError::TooMany { count: tools.len(), max: TOOLS_MAX });
    }
    let mut names = BTreeSet::new();
    for tool in tools {
        check_tool(tool)?;
        if !names.insert(tool.name.as_str()) {
            return Err(ToolError::Duplicate { name: tool.name.clone() });
        }
    }
    Ok(())
}

/// Checks one tool apart from the others.
fn check_tool(tool: &Tool) -> Result<(), ToolError> {
    let name = &tool.name;
    if let Err(why) = check_kebab(name, TOOL_NAME_CHARS_MAX) {
        return Err(ToolError::Name { name: name.clone(), why });
    }
    let text = |part, why: Result<(), String>| {
        why.map_err(|why| ToolError::Text { tool: name.clone(), part, why })
    };
    if let Some(title) = &tool.title {
        text("title", check_text(title, TITLE_BYTES_MAX, &[]))?;
    }
    text("description", check_text(&tool.description, DESCRIPTION_BYTES_MAX, &['\n', '\t']))?;
    let depth = match tool.entry {
        Entry::Typed { .. } => DERIVED_DEPTH_MAX,
        Entry::Described => SCHEMA_DEPTH_MAX,
    };
    let schemas = [
        ("input schema", Some(&tool.input_schema)),
        ("output schema", tool.output_schema.as_ref()),
    ];
    for (part, schema) in schemas {
        let Some(schema) = schema else { continue };
        if let Err(why) = check_schema(schema, depth) {
            return Err(ToolError::Schema { tool: name.clone(), part, why });
        }
    }
    Ok(())
}

/// Checks a text that people and models will read.
pub(crate) fn check_text(text: &str, max: usize, breaks: &[char]) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    if text.len() > max {
        return Err(format!("has {} bytes; at most {max} are accepted", text.len()));
    }
    match text.split(breaks).find_map(hidden_character) {
        None => Ok(()),
        Some(found) => Err(hidden(found)),
    }
}

/// Checks a schema: an object, short, shallow, and without hidden characters in any of its texts.
pub(crate) fn check_schema(schema: &Value, depth_max: usize) -> Result<(), String> {
    if !schema.is_object() {
        return Err("is not a JSON object".to_owned());
    }
    check_depth(schema, depth_max)?;
    let bytes = schema.to_string().len();
    if bytes > SCHEMA_BYTES_MAX {
        return Err(format!("has {bytes} bytes; at most {SCHEMA_BYTES_MAX} are accepted"));
    }
    Ok(())
}

/// Walks a JSON value; recursion ends at `levels`. What is wrong is told with its place, as a JSON pointer.
fn check_depth(value: &Value, levels: usize) -> Result<(), String> {
    check_below(value, levels, &mut String::new())
}

fn check_below(value: &Value, levels: usize, place: &mut String) -> Result<(), String> {
    let visible = |text: &str, breaks: &[char], place: &str| match text
        .split(breaks)
        .find_map(hidden_character)
    {
        None => Ok(()),
        Some(found) if place.is_empty() => Err(hidden(found)),
        Some(found) => Err(format!("{} at {}", hidden(found), Quoted(place))),
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => visible(text, &['\n', '\t'], place),
        Value::Array(_) | Value::Object(_) if levels == 0 => Err("nests too deep".to_owned()),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            below(place, &index.to_string(), |place| check_below(item, levels - 1, place))
        }),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            below(place, name, |place| {
                // Who reads a name expects one line.
                visible(name, &[], place)?;
                check_below(member, levels - 1, place)
            })
        }),
    }
}

/// Does something one step further down.
fn below<T>(place: &mut String, step: &str, work: impl FnOnce(&mut String) -> T) -> T {
    let length = place.len();
    place.push('/');
    place.push_str(&step.replace('~', "~0").replace('/', "~1"));
    let done = work(place);
    place.truncate(length);
    done
}

/// Names a character that nobody would see.
fn hidden(found: char) -> String {
    format!("holds the invisible character U+{:04X}", u32::from(found))
}

/// Puts what the manifest says about a tool over what is known without it.
fn annotate(tool: &mut Tool, notes: &ToolNotes) {
    if let Some(title) = &notes.title {
        tool.title = Some(title.clone());
    }
    if let Some(description) = &notes.description {
        tool.description.clone_from(description);
    }
    let known = &mut tool.annotations;
    known.read_only = notes.read_only.unwrap_or(known.read_only);
    known.destructive = notes.destructive.unwrap_or(known.destructive);
    known.idempotent = notes.idempotent.unwrap_or(known.idempotent);
    known.open_world = notes.open_world.unwrap_or(known.open_world);
}

#[cfg(test)]
mod tests;
