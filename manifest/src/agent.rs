//! What work a plugin carries out: named agents with a goal and JSON in and out.
//!
//! Invariant: an [`Agent`] that passed [`check_agents`] can be shown to a person and sent to a model, as a
//! tool can: its name is kebab-case, its text holds nothing invisible, its schemas are small JSON objects.
//! Not here: running it (the host), what it may import (`capability`).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::name::TOOL_NAME_CHARS_MAX;
use crate::name::check_kebab;
use crate::text::Quoted;
use crate::tool::DESCRIPTION_BYTES_MAX;
use crate::tool::SCHEMA_DEPTH_MAX;
use crate::tool::check_schema;
use crate::tool::check_text;
use crate::tool::parse_schema;

/// Agents of one plugin: one is usual.
const AGENTS_MAX: usize = 32;

/// Work that a plugin can be asked to carry out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Agent {
    /// Kebab-case name, unique in the plugin.
    pub name: String,
    /// What it does, for people and models.
    pub summary: String,
    /// JSON Schema of its input, an object.
    pub input_schema: Value,
    /// JSON Schema of its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
}

/// One agent as a guest described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedAgent {
    /// Its name.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// JSON Schema of the input, as JSON text.
    pub input_schema: String,
    /// JSON Schema of the result, as JSON text.
    pub output_schema: Option<String>,
}

/// Why a plugin's agents cannot be offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// There are too many.
    #[error("the plugin has {count} agents; at most {max} are accepted")]
    TooMany {
        /// How many there are.
        count: usize,
        /// The bound.
        max: usize,
    },
    /// There is none, though the component exports the interface.
    #[error("the plugin exports `ax:guest/agent` and describes no agent")]
    None,
    /// Two have one name.
    #[error("the plugin has two agents named `{name}`")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A name that is not kebab-case, or too long.
    #[error("{} is no name for an agent: {why}", Quoted(name))]
    Name {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A summary or a schema that cannot be used.
    #[error("the {part} of the agent `{agent}` {why}")]
    Part {
        /// The agent.
        agent: String,
        /// `summary`, `input schema` or `output schema`.
        part: &'static str,
        /// What is wrong, as the rest of the sentence.
        why: String,
    },
}

impl AgentError {
    /// Says what the author can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooMany { .. } => "split it into several plugins".to_owned(),
            Self::None => "describe what `run` can do: a name, a summary, a schema".to_owned(),
            Self::Duplicate { .. } => "give each agent a name of its own".to_owned(),
            Self::Name { .. } => "use lower-case words with hyphens: `repo-report`".to_owned(),
            Self::Part { part: "summary", .. } => {
                let max = DESCRIPTION_BYTES_MAX;
                format!("write the summary in plain visible text of at most {max} bytes")
            }
            Self::Part { .. } => {
                "return a short JSON object: `{\"type\": \"object\", \"properties\": {}}`"
                    .to_owned()
            }
        })
    }
}

/// Makes agents of what a guest's `describe` answered, and checks all of them.
///
/// # Errors
///
/// [`AgentError`] about the first that breaks a bound.
pub fn describe_agents(answer: Vec<DescribedAgent>) -> Result<Vec<Agent>, AgentError> {
    let count = answer.len();
    if count > AGENTS_MAX {
        return Err(AgentError::TooMany { count, max: AGENTS_MAX });
    }
    if count == 0 {
        return Err(AgentError::None);
    }
    let agents: Vec<Agent> = answer.into_iter().map(read).collect::<Result<_, _>>()?;
    check_agents(&agents)?;
    Ok(agents)
}

/// Checks agents that were read from a package or made from a guest's answer.
///
/// # Errors
///
/// [`AgentError`] about the first that breaks a bound, or has a name taken by an earlier one.
pub fn check_agents(agents: &[Agent]) -> Result<(), AgentError> {
    if agents.len() > AGENTS_MAX {
        return Err(AgentError::TooMany { count: agents.len(), max: AGENTS_MAX });
    }
    let mut names = BTreeSet::new();
    for agent in agents {
        check(agent)?;
        if !names.insert(agent.name.as_str()) {
            return Err(AgentError::Duplicate { name: agent.name.clone() });
        }
    }
    Ok(())
}

fn check(agent: &Agent) -> Result<(), AgentError> {
    let Agent { name, summary, input_schema, output_schema } = agent;
    if let Err(why) = check_kebab(name, TOOL_NAME_CHARS_MAX) {
        return Err(AgentError::Name { name: name.clone(), why });
    }
    let part = |part, why: Result<(), String>| {
        why.map_err(|why| AgentError::Part { agent: name.clone(), part, why })
    };
    part("summary", check_text(summary, DESCRIPTION_BYTES_MAX, &['\n', '\t']))?;
    part("input schema", check_schema(input_schema, SCHEMA_DEPTH_MAX))?;
    match output_schema {
        Some(schema) => part("output schema", check_schema(schema, SCHEMA_DEPTH_MAX)),
        None => Ok(()),
    }
}

/// Reads the schemas of a described agent.
fn read(described: DescribedAgent) -> Result<Agent, AgentError> {
    let DescribedAgent { name, summary, input_schema, output_schema } = described;
    let schema = |part, text: String| {
        let wrong = |why| AgentError::Part { agent: name.clone(), part, why };
        parse_schema(&text).map_err(wrong)
    };
    let mut input_schema = schema("input schema", input_schema)?;
    // Clients refuse what takes something else than an object.
    if let Value::Object(members) = &mut input_schema {
        let kind = members.entry("type").or_insert_with(|| Value::from("object"));
        if kind != "object" {
            let why = "does not have `\"type\": \"object\"`".to_owned();
            return Err(AgentError::Part { agent: name, part: "input schema", why });
        }
    }
    let output_schema = output_schema.map(|text| schema("output schema", text)).transpose()?;
    Ok(Agent { name, summary, input_schema, output_schema })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str) -> DescribedAgent {
        DescribedAgent {
            name: name.to_owned(),
            summary: "Does it.".to_owned(),
            input_schema: "{}".to_owned(),
            output_schema: None,
        }
    }

    fn refused(answer: Vec<DescribedAgent>) -> String {
        describe_agents(answer).expect_err("it is refused").to_string()
    }

    #[test]
    fn what_a_guest_describes_is_checked_before_it_is_believed() {
        let agents = describe_agents(vec![one("a"), one("b")]).expect("both are agents");
        assert_eq!(agents[0].input_schema, serde_json::json!({ "type": "object" }));
        let list = DescribedAgent { input_schema: "{\"type\":\"array\"}".to_owned(), ..one("a") };
        let hidden = DescribedAgent { summary: "a\u{202e}b".to_owned(), ..one("a") };
        let broken = DescribedAgent { output_schema: Some("{".to_owned()), ..one("a") };
        let all = [
            refused(Vec::new()),
            refused(vec![one("a"), one("a")]),
            refused(vec![one("A b")]),
            refused(vec![list]),
            refused(vec![hidden]),
            refused(vec![broken]),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        the plugin exports `ax:guest/agent` and describes no agent
        the plugin has two agents named `a`
        `A b` is no name for an agent: only a-z, 0-9 and single hyphens are allowed
        the input schema of the agent `a` does not have `"type": "object"`
        the summary of the agent `a` holds the invisible character U+202E
        the output schema of the agent `a` is not JSON: EOF while parsing an object at line 1 column 1
        "#);
    }

    #[test]
    fn a_plugin_has_so_many_agents_and_not_one_more() {
        let many = |count| (0..count).map(|n| one(&format!("a{n}"))).collect::<Vec<_>>();
        assert!(describe_agents(many(AGENTS_MAX)).is_ok());
        assert!(refused(many(AGENTS_MAX + 1)).contains("has 33 agents; at most 32"));
    }
}
