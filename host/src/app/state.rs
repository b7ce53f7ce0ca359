//! Which data of the key-value store a new release starts from.
//!
//! ```text
//! same version as the data ──→ the same state
//! another version ──→ a copy, brought to the new form by the component itself ──→ that copy
//! none yet ──→ a new, empty state
//! ```
//!
//! The generation that is committed afterwards names the state; until then the old release goes on
//! with the old one, and whoever goes back to an earlier generation goes back to its data.
//!
//! Invariant: nothing here changes a state that a committed generation names.

use ax_manifest::{ComponentFacts, Identity, Permission};
use ax_registry::LockedPlugin;
use semver::Version;

use super::App;
use super::change::ChangeError;
use crate::kv::KvError;
use crate::plugin::{Limits, MigrateError, PluginHost, Release};

/// Copies made when the old release keeps writing while its data are brought to the new form.
const COPIES_MAX: u32 = 3;

/// Why a release cannot be given its data.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The store cannot be used.
    #[error("cannot use what plugins keep")]
    Kv(#[from] KvError),
    /// The component failed to bring its data to the new form.
    #[error("the data of `{plugin}` cannot be migrated")]
    Migrate {
        /// Which plugin.
        plugin: String,
        /// Why.
        source: MigrateError,
    },
    /// The old release never stopped writing.
    #[error("`{plugin}` kept writing while its data were migrated")]
    Busy {
        /// Which plugin.
        plugin: String,
    },
    /// What is installed cannot be read.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl StateError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Kv(error) => error.hint(),
            Self::Migrate { source, .. } => source.hint(),
            Self::Busy { plugin } => {
                Some(format!("stop what calls it (ax plugin disable {plugin}), then try again"))
            }
            Self::Change(error) => error.hint(),
        }
    }

    /// Tells whether trying again later may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Kv(error) => error.is_transient(),
            Self::Busy { .. } => true,
            Self::Change(error) => error.is_transient(),
            Self::Migrate { .. } => false,
        }
    }
}

/// A release that is about to be installed.
pub(super) struct Coming<'a> {
    pub(super) identity: &'a Identity,
    pub(super) locked: &'a LockedPlugin,
    pub(super) limits: Limits,
    pub(super) facts: &'a ComponentFacts,
    pub(super) component: &'a [u8],
}

impl App {
    /// Gives a release its data; returns the state's number, 0 for one that keeps none. The caller
    /// holds the home lock.
    pub(super) fn state_of(
        &self,
        coming: &Coming<'_>,
        old: Option<&LockedPlugin>,
    ) -> Result<u64, StateError> {
        let old = old.filter(|old| old.source == coming.identity.source);
        let held = match old {
            Some(old) => (old.state > 0).then(|| (old.state, old.version.clone())),
            None => self.left_behind(coming.identity)?,
        };
        if !coming.locked.permissions.iter().any(|asked| *asked == Permission::Kv) {
            // It may ask again one day; what is there stays its own.
            return Ok(held.map_or(0, |(state, _)| state));
        }
        let owner = coming.identity.to_string();
        match held {
            None => Ok(self.kv.fork(&owner, None)?.state),
            Some((state, version)) if version == coming.locked.version => Ok(state),
            Some((state, version)) => self.migrated(coming, &owner, state, &version),
        }
    }

    /// Finds the data of a plugin that was removed, and the version that wrote them.
    fn left_behind(&self, identity: &Identity) -> Result<Option<(u64, Version)>, StateError> {
        if self.kv.newest_state(&identity.to_string())?.is_none() {
            return Ok(None);
        }
        let numbers = self.generations.list().map_err(ChangeError::from)?;
        for number in numbers.into_iter().rev() {
            // A damaged old generation says nothing about this plugin.
            let Ok(generation) = self.generations.read(number) else { continue };
            let found = generation.lock.plugins.get(&identity.name);
            if let Some(locked) = found.filter(|it| it.source == identity.source && it.state > 0) {
                return Ok(Some((locked.state, locked.version.clone())));
            }
        }
        Ok(None)
    }

    /// Copies a state and lets the component bring the copy to its form. When the old release wrote
    /// meanwhile, the copy is thrown away and made again.
    fn migrated(
        &self,
        coming: &Coming<'_>,
        owner: &str,
        state: u64,
        from: &Version,
    ) -> Result<u64, StateError> {
        for _ in 0..COPIES_MAX {
            let copy = self.kv.fork(owner, Some(state))?;
            let ran = self.migrate_copy(coming, copy.state, from);
            let is_current = self.kv.revision(owner, state)? == copy.revision;
            match ran {
                Ok(()) if is_current => return Ok(copy.state),
                Ok(()) => self.kv.drop_state(owner, copy.state)?,
                Err(error) => {
                    self.kv.drop_state(owner, copy.state)?;
                    return Err(error);
                }
            }
        }
        Err(StateError::Busy { plugin: coming.identity.name.to_string() })
    }

    fn migrate_copy(
        &self,
        coming: &Coming<'_>,
        state: u64,
        from: &Version,
    ) -> Result<(), StateError> {
        if !PluginHost::migrates(coming.facts) {
            return Ok(());
        }
        let release = Release {
            version: coming.locked.version.clone(),
            limits: coming.limits.clone(),
            state,
            ..Release::bare(coming.identity.clone(), coming.locked.component)
        };
        let host = self.host().map_err(ChangeError::from)?;
        host.migrate(&release, coming.component, from).map_err(|source| StateError::Migrate {
            plugin: coming.identity.name.to_string(),
            source,
        })
    }
}
