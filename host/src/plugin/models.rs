//! Who answers plugins that ask models.
//!
//! Invariant: whoever answers says to the [`Purse`] what a request may cost before it is sent, and what
//! it cost when it is over.
//! Not here: who that is (`app`), the permission and the words of the interface (`imports/model`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::guest::CallId;
use super::purse::Purse;
use crate::chat::Model;

/// A call of a plugin that asks.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The plugin: `ax:summarise`.
    pub plugin: Arc<str>,
    /// Its call, as the audit names it.
    pub call: CallId,
}

/// What may be asked, be it a tier or a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Listed {
    /// What a request says as its model.
    pub name: String,
    /// The tier it belongs to, if it is a model of one.
    pub tier: Option<String>,
    /// Tokens of a conversation, where that is known.
    pub context_tokens: Option<u64>,
    /// Tokens of an answer, where that is known; of a tier, what each of its models writes.
    pub output_tokens: Option<u64>,
    /// Whether it looks at pictures.
    pub vision: bool,
    /// Whether it calls tools.
    pub tools: bool,
}

/// Models for plugins.
pub trait Models: Send + Sync + 'static {
    /// Returns who answers the requests of one call. A request names a tier, a model or none.
    fn of(&self, asker: Asker, purse: Arc<Purse>) -> Arc<dyn Model>;

    /// Lists what may be asked, asking nobody; nothing when no model is set up.
    fn list(&self) -> Vec<Listed>;
}
