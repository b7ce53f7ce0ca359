//! What changes from one lock to the next, for the person who is asked.
//!
//! Invariant: two equal locks differ in nothing, and every plugin that differs is named once.
//! Not here: whether a change is allowed (the person, the policy).

use ax_manifest::PermissionDifference;
use ax_manifest::PluginName;

use super::LockedPlugin;
use super::Lockfile;

/// What is new, gone and different, each by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LockDifference {
    /// Plugins only in the newer lock.
    pub added: Vec<PluginName>,
    /// Plugins only in the older lock.
    pub removed: Vec<PluginName>,
    /// Plugins in both, not equal.
    pub changed: Vec<PluginChange>,
}

/// How one plugin changes.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginChange {
    /// Which one.
    pub name: PluginName,
    /// As it was.
    pub before: LockedPlugin,
    /// As it becomes.
    pub after: LockedPlugin,
    /// What it asks for more and for less; from another source, everything is more.
    pub permissions: PermissionDifference,
}

impl PluginChange {
    /// Tells whether another publisher or folder stands behind the name: another identity.
    pub fn is_another_identity(&self) -> bool {
        self.before.source != self.after.source
    }
}

impl LockDifference {
    /// Tells whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl Lockfile {
    /// Compares this lock with a newer one.
    pub fn difference(&self, newer: &Self) -> LockDifference {
        let only_in = |one: &Self, other: &Self| {
            let names = one.plugins.keys().filter(|name| !other.plugins.contains_key(name));
            names.cloned().collect()
        };
        let changed = self.plugins.iter().filter_map(|(name, before)| {
            let after = newer.plugins.get(name)?;
            (before != after).then(|| change(name, before, after))
        });
        LockDifference {
            added: only_in(newer, self),
            removed: only_in(self, newer),
            changed: changed.collect(),
        }
    }
}

fn change(name: &PluginName, before: &LockedPlugin, after: &LockedPlugin) -> PluginChange {
    // Consent belongs to an identity: nothing that another one was granted counts.
    let permissions = if before.source == after.source {
        before.permissions.difference(&after.permissions)
    } else {
        PermissionDifference {
            added: after.permissions.iter().cloned().collect(),
            removed: before.permissions.iter().cloned().collect(),
        }
    };
    PluginChange { name: name.clone(), before: before.clone(), after: after.clone(), permissions }
}
