//! One change of what is installed and granted, from the lock to the commit.
//!
//! ```text
//! App::change ──→ Change { lock file, grants }  edited by the caller ──→ commit
//!  home lock       read under the lock                                   audit row, then rename
//! ```
//!
//! Invariant: whoever changes the installation goes through here, so a change is always made on the
//! state the lock protects, and is in the audit, on disk, before it is committed.

use std::sync::Arc;

use ax_manifest::{Digest, Grants, PluginName};
use ax_registry::{Generation, GenerationError, HomeLock, HomeLockError, LockedPlugin, Lockfile};
use serde_json::{Value, json};

use super::installed::{LookupError, find};
use super::{App, AppError};
use crate::audit;
use crate::audit::entry::{Action, Decision, Entry, Record};

/// Why the installation cannot be changed, whatever the change is.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The plugin is not there.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Another process is changing the installation.
    #[error(transparent)]
    Lock(#[from] HomeLockError),
    /// The generation cannot be read or written.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// The change cannot be recorded.
    #[error(transparent)]
    App(#[from] AppError),
}

impl ChangeError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Lookup(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::Generation(error) => error.hint(),
            Self::App(error) => error.hint(),
        }
    }

    /// Tells whether trying again later may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Lock(error) => error.is_transient(),
            Self::Lookup(_) | Self::Generation(_) | Self::App(_) => false,
        }
    }
}

/// What the audit says about a change.
pub(super) struct Note<'a> {
    pub(super) action: Action,
    pub(super) plugin: &'a PluginName,
    pub(super) component: Digest,
    pub(super) subject: String,
    /// An object; the number of the generation is added to it.
    pub(super) detail: Value,
}

/// A change that is being made. Dropping it changes nothing.
pub(super) struct Change<'a> {
    app: &'a App,
    home_lock: HomeLock,
    before: Generation,
    /// What is installed, as it will be.
    pub(super) lock: Lockfile,
    /// What is granted, as it will be.
    pub(super) grants: Grants,
}

impl App {
    /// Begins a change: waits for the lock and reads the current state under it.
    pub(super) fn change(&self, what: &str) -> Result<Change<'_>, ChangeError> {
        self.private_home()?;
        let home_lock = HomeLock::acquire(&self.config.home.value, what, super::LOCK_WAIT)?;
        let before = self.current()?;
        let (lock, grants) = (before.lock.clone(), before.grants.clone());
        Ok(Change { app: self, home_lock, before, lock, grants })
    }
}

impl Change<'_> {
    /// Returns the number of the generation that holds now.
    pub(super) fn number(&self) -> u64 {
        self.before.number
    }

    /// Returns what was installed and granted when the change began.
    pub(super) fn before(&self) -> &Generation {
        &self.before
    }

    /// Looks an installed plugin up.
    pub(super) fn locked(&self, plugin: &PluginName) -> Result<LockedPlugin, ChangeError> {
        Ok(find(&self.before.lock, plugin)?.clone())
    }

    /// Records the change and makes it; returns the number of the new generation.
    pub(super) fn commit(self, note: Note<'_>) -> Result<u64, ChangeError> {
        let mut detail = note.detail;
        detail["generation"] = json!(self.before.number + 1);
        let (plugin, component) = (note.plugin.as_str(), Some(note.component));
        let record = |decision, detail| {
            self.app.record(note.action, decision, plugin, component, &note.subject, detail)
        };
        record(Decision::Allowed, detail.clone())?;
        let (generations, since) = (&self.app.generations, self.app.in_use_since());
        let committed = generations.commit(&self.home_lock, &self.lock, &self.grants, since);
        if committed.is_err() {
            // The row above promised a change that did not come.
            record(Decision::Stopped, detail)?;
        }
        Ok(committed?)
    }

    /// Records that the change is not made, after something of it was tried or refused.
    pub(super) fn give_up(
        self,
        note: Note<'_>,
        decision: Decision,
        why: &str,
    ) -> Result<(), ChangeError> {
        let entry = Entry {
            who: Arc::from("person"),
            plugin: Arc::from(note.plugin.as_str()),
            component: Some(note.component),
            decision,
            rule: Arc::from(why),
            is_rehearsal: false,
            record: Record::Change(audit::entry::Change {
                action: note.action,
                subject: note.subject.into(),
                detail: note.detail,
            }),
        };
        let audit = self.app.audit()?;
        Ok(audit.record_durable_blocking(entry).map_err(AppError::from)?)
    }
}
