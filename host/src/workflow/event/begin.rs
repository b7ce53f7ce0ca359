//! How a task begins: what it does, with what, and all it depends on.

use std::collections::BTreeMap;

use ax_manifest::{Digest, PluginName};
use serde::{Deserialize, Serialize};

use super::super::budget::Budget;
use super::super::id::TaskId;
use super::super::text::Text;

/// How a task begins. Everything it depends on is named here, or recorded when it is met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Started {
    /// Which task.
    pub task: TaskId,
    /// A few words for people.
    pub title: String,
    /// What is done.
    pub work: Work,
    /// What it is done with.
    pub input: Text,
    /// From which all chance in it is drawn.
    pub seed: u64,
    /// What it may use.
    pub budget: Budget,
    /// Whether it fails when its budget is used up, rather than asking for more.
    #[serde(default)]
    pub fails_at_limit: bool,
    /// When its time is up, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// The task it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// What whoever began it wrote on it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Who began it: `person`, `mcp:…`.
    pub by: String,
}

/// The task that a task is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parent {
    /// It.
    pub task: TaskId,
    /// The one that is part of no other.
    pub root: TaskId,
    /// Tasks above this one.
    pub depth: u8,
}

/// What a task does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// The steps of a spec.
    Workflow {
        /// The file's text, as a JSON string.
        spec: Text,
        /// The digest of the file's text.
        digest: Digest,
        /// The files it names as steps, by the path they are named with, as JSON strings.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        nested: BTreeMap<String, Text>,
    },
    /// A program that a plugin offers.
    Agent(Program),
}

/// A programmed agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Program {
    /// The plugin.
    pub plugin: PluginName,
    /// The name of the agent within it.
    pub agent: String,
    /// Its code.
    pub component: Digest,
    /// What the operator set for it.
    pub settings: Text,
    /// What it is to reach, in words.
    pub goal: String,
}

/// The plan of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Planned {
    /// What distinguishes the engine that runs its guests.
    pub engine: Digest,
    /// The code of the plugins it names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<PluginName, Digest>,
}
