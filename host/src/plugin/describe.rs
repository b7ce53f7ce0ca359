//! Asks a component that describes its tools as values what they are.
//!
//! Runs once, when a package is made: no permissions, time stands still, random numbers repeat, so
//! that the answer is the same on every machine and can be frozen into the package.

use std::sync::Arc;
use std::time::Duration;

use ax_manifest::{
    Annotations, ComponentFacts, Described, DescribedAgent, LimitMaxima, PluginName,
};

use super::PluginHost;
use super::errand::Errand;
use super::error::{CallError, LoadError};
use super::exports;
use super::guest::{Holdings, World};
use super::imports::bindings::ax::types::types as wit;
use super::limits::Limits;
use super::rights::Rights;

/// What a call of `describe` is called in the audit.
pub const DESCRIBE: &str = "tools.describe";

/// The same for agents.
pub const DESCRIBE_AGENTS: &str = "agent.describe";

/// Fuel for `describe`; Python needs 60 K, JavaScript 94 K.
const FUEL: u64 = 100_000_000;
/// Wall clock for `describe`.
const DEADLINE: Duration = Duration::from_secs(2);

/// Why a component's tools could not be learned.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// It cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It did not answer.
    #[error("`describe` gave no answer")]
    Call(#[source] CallError),
}

impl DescribeError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Load(error) => error.hint(),
            // Its manifest cannot ask for more of these.
            Self::Call(CallError::Exhausted { .. }) => {
                Some("`describe` has fixed limits, and those of a policy that are lower".to_owned())
            }
            Self::Call(error) => error.hint(),
        }
    }
}

impl PluginHost {
    /// Compiles the component of `plugin`, sees that it links, and returns the tools it describes; none if it
    /// does not export `ax:guest/tools`. Nothing it says is believed yet:
    /// [`ax_manifest::describe_tools`] checks it. It has the limits below, and no more than `maxima`.
    ///
    /// Blocks while the component is compiled and runs.
    ///
    /// # Errors
    ///
    /// [`DescribeError`].
    pub fn describe(
        &self,
        plugin: &PluginName,
        facts: &ComponentFacts,
        bytes: &[u8],
        maxima: &LimitMaxima,
    ) -> Result<Vec<Described>, DescribeError> {
        let component =
            self.compiled(plugin, &facts.digest, || Ok::<_, LoadError>(bytes.to_vec()))?;
        let ready = self.link(&component)?;
        if !exports_of(facts, "ax:guest/tools@") {
            return Ok(Vec::new());
        }
        let limits = limits_of(maxima);
        let errand = errand(DESCRIBE, plugin, facts, &limits);
        let work = self.run_errand(errand, &ready, async |store, instance| {
            exports::describe(store, instance, &component).await.map(Ok)
        });
        let told =
            self.executor.block_on(work).map_err(|ended| DescribeError::Call(ended.error))?;
        Ok(told.into_iter().map(described).collect())
    }
}

impl PluginHost {
    /// The same for agents: none if the component does not export `ax:guest/agent`.
    /// [`ax_manifest::describe_agents`] checks what it says.
    ///
    /// # Errors
    ///
    /// [`DescribeError`].
    pub fn describe_agents(
        &self,
        plugin: &PluginName,
        facts: &ComponentFacts,
        bytes: &[u8],
        maxima: &LimitMaxima,
    ) -> Result<Vec<DescribedAgent>, DescribeError> {
        if !Self::has_agents(facts) {
            return Ok(Vec::new());
        }
        let component =
            self.compiled(plugin, &facts.digest, || Ok::<_, LoadError>(bytes.to_vec()))?;
        let ready = self.link(&component)?;
        let limits = limits_of(maxima);
        let errand = errand(DESCRIBE_AGENTS, plugin, facts, &limits);
        let work = self.run_errand(errand, &ready, async |store, instance| {
            exports::describe_agents(store, instance, &component).await.map(Ok)
        });
        let told =
            self.executor.block_on(work).map_err(|ended| DescribeError::Call(ended.error))?;
        let described = |told: exports::AgentDescription| DescribedAgent {
            name: told.name,
            summary: told.summary,
            input_schema: told.input_schema,
            output_schema: told.output_schema,
        };
        Ok(told.into_iter().map(described).collect())
    }

    /// Answers whether a component exports agents.
    #[must_use]
    pub fn has_agents(facts: &ComponentFacts) -> bool {
        exports_of(facts, "ax:guest/agent@")
    }
}

fn exports_of(facts: &ComponentFacts, interface: &str) -> bool {
    facts.guest_interfaces.iter().any(|exported| exported.starts_with(interface))
}

fn limits_of(maxima: &LimitMaxima) -> Limits {
    Limits { fuel: FUEL, deadline: DEADLINE, ..Limits::default() }.at_most(maxima)
}

fn errand<'a>(
    name: &'static str,
    plugin: &'a PluginName,
    facts: &ComponentFacts,
    limits: &'a Limits,
) -> Errand<'a> {
    Errand {
        name,
        plugin,
        component: facts.digest,
        limits,
        world: World::Frozen,
        holdings: Arc::new(Holdings::none()),
        rights: Rights::default(),
        input: "",
        is_kept: false,
    }
}

fn described(told: wit::Tool) -> Described {
    Described {
        name: told.name,
        title: told.title,
        description: told.description,
        input_schema: told.input_schema,
        output_schema: told.output_schema,
        annotations: Annotations {
            read_only: told.annotations.read_only,
            destructive: told.annotations.destructive,
            idempotent: told.annotations.idempotent,
            open_world: told.annotations.open_world,
        },
    }
}
