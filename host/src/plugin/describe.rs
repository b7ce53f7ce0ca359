//! Asks a component that describes its tools as values what they are.
//!
//! Runs once, when a package is made: no permissions, time stands still, random numbers repeat, so
//! that the answer is the same on every machine and can be frozen into the package.

use std::sync::Arc;
use std::time::Duration;

use ax_manifest::{Annotations, ComponentFacts, Described, LimitMaxima, PluginName};

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
        let exported = facts.guest_interfaces.iter();
        if !exported.into_iter().any(|interface| interface.starts_with("ax:guest/tools@")) {
            return Ok(Vec::new());
        }
        let limits = Limits { fuel: FUEL, deadline: DEADLINE, ..Limits::default() };
        let limits = limits.at_most(maxima);
        let errand = Errand {
            name: DESCRIBE,
            plugin,
            component: facts.digest,
            limits: &limits,
            world: World::Frozen,
            holdings: Arc::new(Holdings::none()),
            rights: Rights::default(),
            input: "",
            is_kept: false,
        };
        let work = self.run_errand(errand, &ready, async |store, instance| {
            exports::describe(store, instance, &component).await.map(Ok)
        });
        let told =
            self.executor.block_on(work).map_err(|ended| DescribeError::Call(ended.error))?;
        Ok(told.into_iter().map(described).collect())
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
