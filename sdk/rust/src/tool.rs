//! A tool: its description, and the function behind it.

use serde_json::Value;

use crate::{Output, Result};

/// What a tool promises about itself, to whoever calls it. A claim: the host never grants anything
/// because of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Annotations {
    /// It changes nothing that outlives the call.
    pub read_only: bool,
    /// It may remove or overwrite what was there before. Means nothing if it is `read_only`.
    pub destructive: bool,
    /// A second call with the same input changes nothing more.
    pub idempotent: bool,
    /// It reaches things outside this host, as the web.
    pub open_world: bool,
}

/// A tool as models, programs and people see it; [`#[tool]`](macro@crate::tool) makes one of a function.
///
/// ```
/// # use ax_sdk::prelude::*;
/// /// Greets somebody by name.
/// #[tool(read_only, idempotent)]
/// fn greet(name: String) -> Result<String> {
///     Ok(format!("Hello, {name}!"))
/// }
///
/// # fn main() {
/// let tool = greet::tool();
/// assert_eq!(tool.description, "Greets somebody by name.");
/// let answer = (tool.call)(r#"{"name": "Ada"}"#).unwrap();
/// assert_eq!(answer.content, [Content::text("Hello, Ada!")]);
/// # }
/// ```
#[derive(Clone)]
pub struct Tool {
    /// Unique within the plugin: kebab-case, at most 64 characters.
    pub name: String,
    /// A few words for people, one line of at most 256 bytes.
    pub title: Option<String>,
    /// What it does and when to use it: at most 4 KiB.
    pub description: String,
    /// JSON Schema of the input, an object; at most 64 KiB.
    pub input_schema: Value,
    /// JSON Schema of [`Output::structured`], an object; at most 64 KiB. None when there is no such thing.
    pub output_schema: Option<Value>,
    /// What it promises.
    pub annotations: Annotations,
    /// Runs it on one JSON document.
    pub call: fn(&str) -> Result<Output>,
}

impl std::fmt::Debug for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, description, input_schema, .. } = self;
        f.debug_struct("Tool")
            .field("name", name)
            .field("description", description)
            .field("input_schema", input_schema)
            .finish_non_exhaustive()
    }
}
