//! What is known of the world a workflow is checked against, as plain data.
//!
//! Not here: where it comes from (`app`).

use std::collections::BTreeMap;

use ax_manifest::{EffectClass, Permission};
use serde_json::Value;

/// What there is. Where nothing is known, nothing is said against a file.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Tools by their ids.
    pub tools: Option<BTreeMap<String, KnownTool>>,
    /// Agents by their names: `reviewer`, or `ax:repo-report.repo-report`.
    pub agents: Option<BTreeMap<String, KnownAgent>>,
    /// Models and tiers.
    pub models: Option<Vec<String>>,
    /// Other workflow files, by the way to them as it is written.
    pub files: BTreeMap<String, KnownFile>,
}

/// A tool.
#[derive(Debug, Clone)]
pub struct KnownTool {
    /// JSON Schema of its input.
    pub input: Value,
    /// JSON Schema of its answer, if it has a structured one.
    pub output: Option<Value>,
    /// What is known of a call of it that was interrupted.
    pub class: EffectClass,
    /// What its plugin asks for and does not hold.
    pub not_granted: Vec<Permission>,
    /// What its plugin asks for.
    pub asked: Vec<Permission>,
}

/// An agent.
#[derive(Debug, Clone, Default)]
pub struct KnownAgent {
    /// JSON Schema of its input, if it says one.
    pub input: Option<Value>,
    /// JSON Schema of its result, if it says one.
    pub output: Option<Value>,
}

/// Another workflow file.
#[derive(Debug, Clone)]
pub enum KnownFile {
    /// It is right in itself.
    Usable {
        /// JSON Schema of its input.
        input: Option<Value>,
    },
    /// It is not there.
    Missing,
    /// It is there and cannot be used.
    Unusable {
        /// Why.
        why: String,
    },
    /// It contains this one.
    Circle {
        /// The files on the way, this one at both ends.
        files: Vec<String>,
    },
}
