//! Gives a release its data: a state of the key-value store, copied and migrated if need be.
//!
//! ```text
//! Start ──Same──→ it
//!       ──Copy──→ fork ─────────────────────→ settle ──→ a generation names it
//!       ──Migrated──→ fork ──→ the component ──→ settle ──→ a generation names it
//! ```
//!
//! The generation that is committed afterwards names the state; until then the old release goes on
//! with the old one, and whoever goes back to an earlier generation goes back to its data.
//!
//! Invariant: nothing here changes a state that a committed generation names; no guest runs here
//! that may not keep data.
//! Not here: which state is chosen (`start`).

use std::sync::Arc;

use ax_manifest::{ComponentFacts, Grant, Identity, Permission, PermissionSet};
use ax_registry::LockedPlugin;
use semver::Version;

use super::App;
use super::change::ChangeError;
use super::policy::{self, Forbidden};
use super::start::{Asking, LeftBehind, Obstacle, Start};
use crate::audit::entry::Decision;
use crate::kv::{KvError, Lineage, Writer};
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
    /// An earlier host did not write down whose the data are, and nothing that is left says it.
    #[error("it is not known which version wrote the data of `{plugin}`")]
    Unknown {
        /// Which plugin.
        plugin: String,
    },
    /// The version left nothing but what is in use.
    #[error("`{plugin}` {coming} left no data of its own here")]
    NothingOwn {
        /// Which plugin.
        plugin: String,
        /// The version that is to be installed.
        coming: Version,
    },
    /// The data need to be migrated, and nobody allowed the component to touch them, or a policy
    /// forbids it.
    #[error(
        "{coming} has to migrate the data that {wrote} of `{plugin}` left, and may not use `kv`"
    )]
    NotGranted {
        /// Which plugin.
        plugin: String,
        /// The version that wrote them.
        wrote: Version,
        /// The version that is to be installed.
        coming: Version,
        /// What the policy says, if it is that.
        #[source]
        policy: Option<Forbidden>,
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
            Self::Newer { wrote, .. } => Some(format!(
                "install {wrote} or a later release; to start empty, remove it and install it from \
                 another folder"
            )),
            Self::Unknown { .. } => Some(
                "its data stay as they are; to start empty, remove it and install it from another \
                 folder"
                    .into(),
            ),
            Self::NothingOwn { .. } => Some("leave out --own-data".to_owned()),
            Self::NotGranted { policy: Some(forbidden), .. } => forbidden.hint(),
            Self::NotGranted { wrote, .. } => {
                Some(format!("add --allow kv, or stay with {wrote}: all is as it was"))
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
            Self::Migrate { .. }
            | Self::Newer { .. }
            | Self::Unknown { .. }
            | Self::NothingOwn { .. }
            | Self::NotGranted { .. } => false,
        }
    }

    /// Says what the audit says of an installation that ends by this; nothing of one that was
    /// neither begun nor forbidden.
    pub(super) fn decision(&self) -> Option<(Decision, &str)> {
        match self {
            Self::Migrate { .. } | Self::Busy { .. } => {
                Some((Decision::Stopped, "its data could not be migrated"))
            }
            Self::NotGranted { policy: Some(forbidden), .. } => {
                Some((Decision::Denied, forbidden.rule()))
            }
            Self::NotGranted { .. } => Some((Decision::Denied, "it may not migrate its data")),
            Self::Kv(_)
            | Self::Newer { .. }
            | Self::Unknown { .. }
            | Self::NothingOwn { .. }
            | Self::Change(_) => None,
        }
    }
}

/// Answers whether a release that asks for this keeps data itself.
pub(super) fn keeps(asked: &PermissionSet) -> bool {
    asked.iter().any(|asked| *asked == Permission::Kv)
}

/// A release that is about to be installed.
pub(super) struct Coming<'a> {
    pub(super) identity: &'a Identity,
    pub(super) version: &'a Version,
    /// Whether it keeps data itself.
    pub(super) keeps: bool,
    pub(super) limits: Limits,
    pub(super) facts: &'a ComponentFacts,
    pub(super) component: &'a [u8],
    /// What a person grants with the installation.
    pub(super) grants: &'a [Grant],
    /// Whether a person asked for what this version itself left.
    pub(super) own_data: bool,
    /// Whether a person said whose data are its own.
    pub(super) is_newcomer: bool,
}

impl Coming<'_> {
    fn asking(&self) -> Asking<'_> {
        Asking {
            version: self.version,
            migrates: PluginHost::migrates(self.facts),
            own_data: self.own_data,
            is_newcomer: self.is_newcomer,
        }
    }

    fn refused(&self, obstacle: Obstacle) -> StateError {
        let (plugin, coming) = (self.identity.name.to_string(), self.version.clone());
        match obstacle {
            Obstacle::Newer(wrote) => StateError::Newer { plugin, wrote, coming },
            Obstacle::Unknown => StateError::Unknown { plugin },
            Obstacle::NothingOwn => StateError::NothingOwn { plugin, coming },
        }
    }
}

/// The data of a release.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The state's number, 0 for one that never kept any.
    pub(super) state: u64,
    /// What is not in them.
    pub(super) left: Vec<LeftBehind>,
}

/// What there is of a plugin's data.
struct Found {
    states: Lineage,
    /// The state in use, or in use last.
    held: Option<u64>,
    /// States of which generations tell whose they are, and the database does not.
    attributed: Vec<(u64, Version)>,
}

impl App {
    /// Gives a release its data. The caller holds the home lock.
    pub(super) fn state_of(
        &self,
        coming: &Coming<'_>,
        old: Option<&LockedPlugin>,
    ) -> Result<Given, StateError> {
        let owner = coming.identity.to_string();
        let found = self.data_of(coming.identity, old)?;
        if !coming.keeps {
            // It may ask again one day; what is there stays its own.
            return match coming.own_data {
                true => Err(coming.refused(Obstacle::NothingOwn)),
                false => Ok(Given { state: found.held.unwrap_or(0), left: Vec::new() }),
            };
        }
        for (state, version) in &found.attributed {
            self.kv.attribute(&owner, *state, version)?;
        }
        let (states, version) = (&found.states, coming.version);
        let start = Start::choose(states, found.held, coming.asking())
            .map_err(|obstacle| coming.refused(obstacle))?;
        let left = start.leaves(states, found.held, version);
        let copied = |from| {
            let state = self.kv.fork(&owner, from)?.state;
            self.kv.settle(&owner, state, version)?;
            Ok::<_, StateError>(state)
        };
        let state = match start {
            Start::Empty => copied(None)?,
            Start::Same(state) => state,
            Start::Copy(from) => copied(Some(from))?,
            Start::Migrated(from, wrote) => self.migrated(coming, &owner, from, &wrote)?,
        };
        Ok(Given { state, left })
    }

    /// Lists what a release would leave behind, were it installed now. Changes nothing, and says
    /// nothing where the installation would be refused.
    pub(super) fn leaves_of(
        &self,
        coming: &Coming<'_>,
        old: Option<&LockedPlugin>,
    ) -> Result<Vec<LeftBehind>, StateError> {
        if !coming.keeps {
            return Ok(Vec::new());
        }
        let Found { states, held, .. } = self.data_of(coming.identity, old)?;
        let start = Start::choose(&states, held, coming.asking()).ok();
        let version = coming.version;
        Ok(start.map(|start| start.leaves(&states, held, version)).unwrap_or_default())
    }

    /// Finds the states of a plugin, and the one in use or, of one that was removed, in use last.
    fn data_of(
        &self,
        identity: &Identity,
        old: Option<&LockedPlugin>,
    ) -> Result<Found, StateError> {
        let mut states = self.kv.lineages()?.remove(&identity.to_string()).unwrap_or_default();
        let old = old.filter(|old| old.source == identity.source && old.state > 0).cloned();
        let named = match old {
            None if states.0.is_empty() => None,
            None => self.row(identity, |_| true)?,
            old => old,
        };
        let unknown: Vec<u64> = states
            .0
            .iter()
            .filter(|(_, kept)| kept.writer == Writer::Unknown)
            .map(|(state, _)| *state)
            .collect();
        let mut attributed = Vec::new();
        for state in unknown {
            // Whoever asks for `kv` and has a state in its row writes into it.
            let is_writer = |row: &LockedPlugin| row.state == state && keeps(&row.permissions);
            if let Some(row) = self.row(identity, is_writer)?
                && let Some(kept) = states.0.get_mut(&state)
            {
                kept.writer = Writer::Release(row.version.clone());
                attributed.push((state, row.version));
            }
        }
        let named = named.map(|row| row.state).filter(|state| states.0.contains_key(state));
        let held = named.or_else(|| states.newest());
        Ok(Found { states, held, attributed })
    }

    /// Finds the latest row about a plugin that has data, among those that `is_meant`.
    fn row(
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
        self.may_migrate(coming, from)?;
        for _ in 0..COPIES_MAX {
            let copy = self.kv.fork(owner, Some(state))?;
            let ran = self.migrate_copy(coming, copy.state, from);
            let is_current = self.kv.revision(owner, state)? == copy.revision;
            match ran {
                Ok(()) if is_current => {
                    self.kv.settle(owner, copy.state, coming.version)?;
                    return Ok(copy.state);
                }
                Ok(()) => self.kv.drop_state(owner, copy.state)?,
                Err(error) => {
                    self.kv.drop_state(owner, copy.state)?;
                    return Err(error);
                }
            }
        }
        Err(StateError::Busy { plugin: coming.identity.name.to_string() })
    }

    /// Refuses to run a component on data that a person, or a policy, keeps from it.
    fn may_migrate(&self, coming: &Coming<'_>, wrote: &Version) -> Result<(), StateError> {
        let is_granted = coming.grants.iter().any(|grant| grant.permission.covers(&Permission::Kv));
        if is_granted || !PluginHost::migrates(coming.facts) {
            return Ok(());
        }
        let policies = self.policies().map_err(ChangeError::from)?;
        let admitted = policy::admit_grant(policies, &coming.identity.name, &Permission::Kv);
        Err(StateError::NotGranted {
            policy: admitted.err(),
            plugin: coming.identity.name.to_string(),
            wrote: wrote.clone(),
            coming: coming.version.clone(),
        })
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
        let policies = self.policies().map_err(ChangeError::from)?;
        let release = Release {
            version: coming.version.clone(),
            limits: coming.limits.clone(),
            state,
            policy: (!policies.is_empty()).then(|| Arc::clone(policies)),
            ..Release::bare(coming.identity.clone(), coming.facts.digest)
        };
        let host = self.host().map_err(ChangeError::from)?;
        host.migrate(&release, coming.component, from).map_err(|source| StateError::Migrate {
            plugin: coming.identity.name.to_string(),
            source,
        })
    }
}
