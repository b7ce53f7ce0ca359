//! The seam to whatever a task does outside of itself.
//!
//! The runtime decides when an effect is begun and writes down that it is; a [`Performer`] knows what it is
//! and does it. The application's performer calls plugins and models, that of a test keeps a list.
//!
//! Invariant: nothing is performed that was not prepared, and nothing is performed before its intent is on
//! disk.

use std::sync::Arc;

use ax_manifest::{Digest, EffectClass};
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::plugin::agent::Offered;
use crate::plugin::{Listed, Plugin, PluginHost};
use crate::workflow::{
    EffectKey, Failure, Order, Planned, Program, Run, Spent, Started, TaskId, Text, Work,
};

/// What an effect is, before it is intended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What is known of it when it is interrupted.
    pub class: EffectClass,
    /// The code that performs it, where it is a plugin's.
    pub component: Option<Digest>,
    /// What it may use at most, as far as that can be known.
    pub reserved: Spent,
}

/// An effect that is to be performed now.
#[derive(Debug, Clone)]
pub struct Performance {
    /// The task.
    pub task: TaskId,
    /// Who began the task: `person`, `mcp:…`.
    pub by: Arc<str>,
    /// Names the effect to whoever does it once per key.
    pub key: EffectKey,
    /// The entry of its intent.
    pub intent: u64,
    /// Whether the one before may have been performed already.
    pub is_again: bool,
    /// What is to be done.
    pub order: Order,
    /// The code it was prepared for.
    pub component: Option<Digest>,
    /// Millionths of a US dollar that the task may still spend, if that is bounded.
    pub cost_left_micro_usd: Option<u64>,
    /// Milliseconds it may take.
    pub timeout_ms: Option<u64>,
    /// Turns true when nobody needs it any more.
    pub cancel: watch::Receiver<bool>,
}

/// What came of an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Its answer. A failure of the kind `in-doubt` says that nobody knows whether it happened.
    pub outcome: Result<Text, Failure>,
    /// What it used.
    pub spent: Spent,
    /// Whether something outside was changed, as far as the host saw.
    pub changed_outside: bool,
}

/// An agent that is ready to be run.
pub struct Guest {
    /// The sandbox.
    pub host: Arc<PluginHost>,
    /// Its plugin.
    pub plugin: Arc<Plugin>,
}

/// Whatever performs effects.
pub trait Performer: Send + Sync {
    /// Looks up what a task depends on: the engine, and the code of what it names.
    ///
    /// # Errors
    ///
    /// A failure if something is not there; the task fails with it.
    fn plan(&self, run: &Run) -> Result<Planned, Failure>;

    /// Finds out what an effect is, and refuses what cannot be done. Changes nothing.
    ///
    /// # Errors
    ///
    /// A failure, which is what the effect comes to.
    fn prepare<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Prepared, Failure>>;

    /// Performs an effect whose intent is on disk.
    fn perform(&self, performance: Performance) -> BoxFuture<'_, Done>;

    /// Makes an agent ready to run.
    ///
    /// # Errors
    ///
    /// A failure if it is not there, or is not the one that the task began with.
    fn guest(&self, program: &Program) -> Result<Guest, Failure>;

    /// Lists the tools that an agent may be told of, and the models.
    fn offered(&self) -> (Vec<Offered>, Vec<Listed>);

    /// Counts the tokens of a request to a model: a number, as JSON.
    ///
    /// # Errors
    ///
    /// A failure if nobody can.
    fn count(&self, request: String) -> BoxFuture<'_, Result<Text, Failure>>;

    /// Says what a task of its own does: its work, title, name and input.
    ///
    /// # Errors
    ///
    /// A failure if there is no such agent or file.
    fn work_of(
        &self,
        parent: &Started,
        order: &Order,
    ) -> Result<(Work, String, String, Text), Failure>;

    /// Computes the digest of what an answer of a person holds for besides the question: the code of the
    /// plugins that the task uses, and the policies.
    fn ground(&self, run: &Run) -> Digest;
}
