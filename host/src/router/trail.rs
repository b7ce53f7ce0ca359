//! What was tried for one request, for whoever asked.
//!
//! Invariant: names of providers, models and keys' names alone; at most one step for each attempt.

use serde::Deserialize;
use serde::Serialize;

use super::candidates::Degradation;
use super::verdict::Cause;
use crate::chat::Class;

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Who was asked.
    pub provider: String,
    /// By the name of which key.
    pub key: String,
    /// The model.
    pub model: String,
    /// What was left out for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degradations: Vec<Degradation>,
    /// What went wrong; nothing if it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// The status of what went wrong, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the target is blamed for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blame: Option<Cause>,
    /// Milliseconds until the first of an answer came, or until it went wrong.
    pub took_ms: u64,
}

/// All of them, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trail {
    /// The attempts.
    pub steps: Vec<Step>,
    /// Why the operator's policy was not followed, if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unranked: Option<String>,
    /// Our own budget is spent: whoever retries on top of us asks for nothing.
    pub is_spent: bool,
}

impl Trail {
    /// Writes it for `x-ax-attempts`: `claude/claude-opus-5 529, openai/gpt-6-sol ok`.
    #[must_use]
    pub fn header(&self) -> String {
        let step = |step: &Step| {
            let end = match (step.status, step.class) {
                (Some(status), Some(_)) => status.to_string(),
                (None, Some(class)) => class.word().to_owned(),
                (_, None) => "ok".to_owned(),
            };
            format!("{}/{} {end}", step.provider, step.model)
        };
        self.steps.iter().map(step).collect::<Vec<_>>().join(", ")
    }

    /// Says what `x-should-retry` says: false once our budget is spent; nothing otherwise.
    #[must_use]
    pub fn should_retry(&self) -> Option<bool> {
        self.is_spent.then_some(false)
    }
}
