//! Runs `ax:guest/lifecycle.migrate`: a plugin brings its data to the form of a new version.
//!
//! It runs with `kv` and nothing else, whatever is granted to calls, and without it where a policy
//! forbids it; on the state it is given, which is a copy that nobody else uses yet.
//! Not here: making the copy, and switching to it; whether a person allows it (`app`).

use std::sync::Arc;

use ax_manifest::{ComponentFacts, Permission};
use semver::Version;

use super::backtrace::Frame;
use super::errand::{Ended, Errand};
use super::error::{CallError, LoadError};
use super::exports;
use super::guest::{Holdings, World};
use super::log::Line;
use super::rights::{Bounds, Rights};
use super::{PluginHost, Release};

/// The interface, whatever its patch version.
const LIFECYCLE: &str = "ax:guest/lifecycle@0.1";

/// Why data could not be brought to a new form.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The component cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It did not do it.
    #[error("it could not bring its data from version {from} to {to}")]
    Call {
        /// The version that wrote the data.
        from: Version,
        /// The version that is to read them.
        to: Version,
        /// Why.
        source: CallError,
        /// What there is to look at.
        trail: Box<Trail>,
    },
}

/// What a migration that failed left to look at.
#[derive(Debug)]
pub struct Trail {
    /// What the component said.
    pub log: Vec<Line>,
    /// Where it was when the engine ended it, the innermost function first.
    pub backtrace: Vec<Frame>,
}

impl MigrateError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Load(error) => error.hint(),
            Self::Call { .. } => {
                Some("the version before and its data are as they were; tell the author".to_owned())
            }
        }
    }
}

impl PluginHost {
    /// Answers whether a component brings its data to new forms itself.
    #[must_use]
    pub fn migrates(facts: &ComponentFacts) -> bool {
        facts.guest_interfaces.iter().any(|interface| interface.starts_with(LIFECYCLE))
    }

    /// Runs `migrate` of a component on the state that `release` names; the row about it is on disk
    /// when this returns. Blocks.
    ///
    /// # Errors
    ///
    /// [`MigrateError`]; the state may be half changed then and is to be dropped.
    pub fn migrate(
        &self,
        release: &Release,
        bytes: &[u8],
        from: &Version,
    ) -> Result<(), MigrateError> {
        let component = self.compiled(&release.identity.name, &release.component, || {
            Ok::<_, LoadError>(bytes.to_vec())
        })?;
        let ready = self.link(&component)?;
        let declared = std::iter::once(Permission::Kv).collect();
        let name = release.identity.name.clone();
        let policy = release.policy.clone().map(|policy| (policy, name));
        let bounds = Bounds { declared, policy };
        let input = format!("{from} {}", release.version);
        let errand = Errand {
            name: "lifecycle.migrate",
            plugin: &release.identity.name,
            component: release.component,
            limits: &release.limits,
            world: World::Real,
            holdings: Arc::new(Holdings::of(release)),
            // Whoever installs allows it for this run.
            rights: Rights::new(bounds, &[], &[Permission::Kv], None, self.clock.now_ms()),
            input: &input,
            is_kept: true,
        };
        let versions = (from.to_string(), release.version.to_string());
        let work = self.run_errand(errand, &ready, async |store, instance| {
            exports::migrate(store, instance, &component, versions).await
        });
        let to = release.version.clone();
        let failed = |Ended { error, log, backtrace }| MigrateError::Call {
            from: from.clone(),
            to,
            source: error,
            trail: Box::new(Trail { log, backtrace }),
        };
        self.executor.block_on(work).map_err(failed)
    }
}
