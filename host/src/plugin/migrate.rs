//! Runs `ax:guest/lifecycle.migrate`: a plugin brings its data to the form of a new version.
//!
//! It runs with `kv` and nothing else, on the state it is given, which is a copy that nobody else
//! uses yet. Not here: making the copy, and switching to it (`app`).

use std::sync::Arc;

use ax_manifest::{ComponentFacts, Permission};
use semver::Version;
use wasmtime::component::{Component, InstancePre};

use super::error::{CallError, LoadError};
use super::exports;
use super::gate::Gate;
use super::guest::{CallFrame, Guest, Holdings, World};
use super::limits::Limit;
use super::log::Log;
use super::rights::{Bounds, Rights};
use super::secrets::CallSecrets;
use super::store::{Stage, broken_off, confined};
use super::{PluginHost, Release};
use crate::secret::leak::LeakScan;

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
    },
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

    /// Runs `migrate` of a component on the state that `release` names. Blocks.
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
        let ran = self.executor.block_on(self.run_migrate(release, &component, &ready, from));
        let to = release.version.clone();
        ran.map_err(|source| MigrateError::Call { from: from.clone(), to, source })
    }

    async fn run_migrate(
        &self,
        release: &Release,
        component: &Component,
        ready: &InstancePre<Guest>,
        from: &Version,
    ) -> Result<(), CallError> {
        let limits = &release.limits;
        let meter =
            self.meter.admit(limits).map_err(|limit| CallError::exhausted(limit, limits))?;
        let frame = CallFrame {
            id: self.next_id(),
            depth: 0,
            ends_at: self.clock.monotonic() + limits.deadline,
            world: World::Real,
            clock: Arc::clone(&self.clock),
            environment: |_| None,
            progress: None,
            cancel: None,
            holdings: Arc::new(Holdings::of(release)),
            outside: Arc::clone(&self.outside),
            secrets: CallSecrets::default(),
        };
        let declared = std::iter::once(Permission::Kv).collect();
        let bounds = Bounds { declared, policy: None };
        let rights = Rights::new(bounds, &[], &[Permission::Kv], None, self.clock.now_ms());
        let log = Log::new(limits, LeakScan::none());
        let guest = Guest::new(Gate::new(Arc::new(rights)), meter, log, frame, Arc::from([]));
        let mut store = confined(&self.engine, guest, limits);
        let _ticking = self.engine.tick();
        let versions = (from.to_string(), release.version.to_string());
        let work = async {
            let instance = ready.instantiate_async(&mut store).await.map_err(Stage::Start)?;
            exports::migrate(&mut store, &instance, component, versions).await.map_err(Stage::Call)
        };
        let ended = tokio::time::timeout(limits.deadline, work).await;
        store.data_mut().end().await;
        match ended {
            Err(_) => Err(CallError::exhausted(Limit::Time, limits)),
            Ok(Ok(answer)) => answer,
            Ok(Err(stage)) => Err(broken_off(stage, store.data(), limits)),
        }
    }
}
