//! An agent: its description, and the function behind it.

use serde_json::Value;

use crate::{Content, Error, Output, Result};

/// An agent as programs and people see it; [`#[agent]`](macro@crate::agent) makes one of a function.
#[derive(Clone)]
pub struct Agent {
    /// Unique within the plugin: kebab-case, at most 64 characters.
    pub name: String,
    /// What it does and when to use it: at most 4 KiB.
    pub summary: String,
    /// JSON Schema of the input, an object; at most 64 KiB.
    pub input_schema: Value,
    /// JSON Schema of the result, an object; at most 64 KiB. None when there is no such thing.
    pub output_schema: Option<Value>,
    /// Runs it with a goal and one JSON document.
    pub run: fn(&str, &str) -> Result<Output>,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Runs one of the agents by name, and returns its result.
///
/// # Errors
///
/// What the agent says, and when there is none of this name.
pub fn run(agents: &[Agent], name: &str, goal: &str, input: &str) -> Result<Value> {
    match agents.iter().find(|agent| agent.name == name) {
        Some(agent) => (agent.run)(goal, input).map(result),
        None => Err(Error::not_found(name, format!("there is no agent `{name}`"))),
    }
}

/// The answer for programs, or what is told as one text.
fn result(output: Output) -> Value {
    let Output { content, structured } = output;
    structured.unwrap_or_else(|| {
        let texts: Vec<String> = content
            .into_iter()
            .filter_map(|piece| match piece {
                Content::Text(text) => Some(text),
                _ => None,
            })
            .collect();
        match texts.is_empty() {
            true => Value::Null,
            false => Value::String(texts.join("\n")),
        }
    })
}
