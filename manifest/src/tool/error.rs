//! Why the tools of a plugin are refused.
//!
//! Invariant: names taken from a component or its manifest are shown through `Quoted`.
//! Not here: the checks (`derive`, `describe`, the module above).

use super::{DESCRIPTION_BYTES_MAX, TITLE_BYTES_MAX};
use crate::text::Quoted;

/// Why a plugin's tools cannot be offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// The manifest has `[tools.x]`, but the component has no such tool.
    #[error("the manifest describes the tool {}, which the component does not have", Quoted(name))]
    NoSuchTool {
        /// The key in `[tools]`.
        name: String,
        /// A tool that looks like it.
        nearest: Option<String>,
    },
    /// A function cannot be offered as a tool.
    #[error("the function {} cannot be a tool: {why}", Quoted(function))]
    Unusable {
        /// The function with its interface: `acme:db/api@1.0.0#open`.
        function: String,
        /// The reason.
        why: String,
    },
    /// Two functions would make tools of one name.
    #[error(
        "the functions {} and {} would both be the tool `{name}`",
        Quoted(first),
        Quoted(second)
    )]
    Clash {
        /// The name both would have.
        name: String,
        /// One function with its interface.
        first: String,
        /// The other one.
        second: String,
    },
    /// There are too many tools.
    #[error("the plugin has {count} tools; at most {max} are accepted")]
    TooMany {
        /// How many there are at least.
        count: usize,
        /// The bound.
        max: usize,
    },
    /// Two tools have one name.
    #[error("the plugin has two tools named `{name}`")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A name that is not kebab-case, or too long.
    #[error("{} is no name for a tool: {why}", Quoted(name))]
    Name {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A title or description that cannot be shown.
    #[error("the {part} of the tool `{tool}` {why}")]
    Text {
        /// The tool.
        tool: String,
        /// `title` or `description`.
        part: &'static str,
        /// What is wrong, as the rest of the sentence.
        why: String,
    },
    /// A schema that cannot be used.
    #[error("the {part} of the tool `{tool}` {why}")]
    Schema {
        /// The tool.
        tool: String,
        /// `input schema` or `output schema`.
        part: &'static str,
        /// What is wrong, as the rest of the sentence.
        why: String,
    },
}

impl ToolError {
    /// Says what the author can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSuchTool { nearest: Some(nearest), .. } => {
                format!("did you mean `[tools.{nearest}]`?")
            }
            Self::NoSuchTool { name, nearest: None } => {
                format!("remove {} from the `[tools]` of plugin.toml", Quoted(name))
            }
            Self::Unusable { .. } => {
                "export functions of plain values: numbers, text, lists, records".to_owned()
            }
            Self::Clash { .. } => "rename one of them, or its interface".to_owned(),
            Self::TooMany { .. } => "split it into several plugins".to_owned(),
            Self::Duplicate { .. } => "give each tool a name of its own".to_owned(),
            Self::Name { .. } => "use lower-case words with hyphens: `count-lines`".to_owned(),
            Self::Text { part, .. } => {
                let max = if *part == "title" { TITLE_BYTES_MAX } else { DESCRIPTION_BYTES_MAX };
                format!("write the {part} in plain visible text of at most {max} bytes")
            }
            Self::Schema { .. } => {
                "return a short JSON object: `{\"type\": \"object\", \"properties\": {}}`"
                    .to_owned()
            }
        })
    }
}
