//! Which data of the key-value store a new release starts from.
//!
//! ```text
//! same version as the data ──→ the same state
//! an older one that brings nothing back ──→ a copy of what that version left, or a refusal
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
    /// An older release would be given data in a form it does not know.
    #[error("the data of `{plugin}` were written by {wrote}, and {coming} left none to go back to")]
    Newer {
        /// Which plugin.
        plugin: String,
        /// The version that wrote them.
        wrote: Version,
        /// The version that is to be installed.
        coming: Version,
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
            Self::Newer { plugin, wrote, .. } => Some(format!(
                "install {wrote} or a later release; to start empty: ax plugin remove {plugin}, then \
                 ax plugin prune --data"
            )),
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
            Self::Migrate { .. } | Self::Newer { .. } => false,
        }
    }
}

/// Answers whether a release keeps data itself.
fn keeps(locked: &LockedPlugin) -> bool {
    locked.permissions.iter().any(|asked| *asked == Permission::Kv)
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
            Some(old) if old.state == 0 => None,
            Some(old) => Some((old.state, self.wrote(coming.identity, old)?)),
            None => self.left_behind(coming.identity)?,
        };
        if !keeps(coming.locked) {
            // It may ask again one day; what is there stays its own.
            return Ok(held.map_or(0, |(state, _)| state));
        }
        let owner = coming.identity.to_string();
        match held {
            None => Ok(self.kv.fork(&owner, None)?.state),
            Some((state, version)) if version == coming.locked.version => Ok(state),
            Some((_, wrote))
                if coming.locked.version < wrote && !PluginHost::migrates(coming.facts) =>
            {
                self.gone_back(coming, &owner, wrote)
            }
            Some((state, version)) => self.migrated(coming, &owner, state, &version),
        }
    }

    /// Returns a copy of what the coming version left when a later one took over: it cannot read the
    /// later one's data, and would not know it.
    fn gone_back(
        &self,
        coming: &Coming<'_>,
        owner: &str,
        wrote: Version,
    ) -> Result<u64, StateError> {
        let version = &coming.locked.version;
        let left = self.found(coming.identity, |it| it.version == *version && keeps(it))?;
        if let Some(left) = left
            && let Ok(copy) = self.kv.fork(owner, Some(left.state))
        {
            return Ok(copy.state);
        }
        let plugin = coming.identity.name.to_string();
        Err(StateError::Newer { plugin, wrote, coming: version.clone() })
    }

    /// Returns the version that wrote the data of an installed plugin: releases that keep none carry
    /// them along.
    fn wrote(&self, identity: &Identity, old: &LockedPlugin) -> Result<Version, StateError> {
        if keeps(old) {
            return Ok(old.version.clone());
        }
        let before = self.found(identity, |it| it.state == old.state && keeps(it))?;
        Ok(before.map_or_else(|| old.version.clone(), |it| it.version))
    }

    /// Finds the data of a plugin that was removed, and the version that wrote them.
    fn left_behind(&self, identity: &Identity) -> Result<Option<(u64, Version)>, StateError> {
        if self.kv.newest_state(&identity.to_string())?.is_none() {
            return Ok(None);
        }
        let Some(locked) = self.found(identity, |_| true)? else { return Ok(None) };
        Ok(Some((locked.state, self.wrote(identity, &locked)?)))
    }

    /// Finds the latest row about a plugin that has data, among those that `is_meant`.
    fn found(
        &self,
        identity: &Identity,
        is_meant: impl Fn(&LockedPlugin) -> bool,
    ) -> Result<Option<LockedPlugin>, StateError> {
        let numbers = self.generations.list().map_err(ChangeError::from)?;
        for number in numbers.into_iter().rev() {
            // A damaged old generation says nothing about this plugin.
            let Ok(mut generation) = self.generations.read(number) else { continue };
            let found = generation.lock.plugins.remove(&identity.name);
            let has_data = |it: &LockedPlugin| it.source == identity.source && it.state > 0;
            if let Some(locked) = found.filter(|it| has_data(it) && is_meant(it)) {
                return Ok(Some(locked));
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
