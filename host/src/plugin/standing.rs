//! The rights that a plugin has when it is called: what stands between two changes of its grants.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use ax_manifest::{Grant, Permission};

use super::Plugin;
use super::rights::{Bounds, Rights};

/// Rights computed from grants, good until one of them ends.
pub(super) struct Standing {
    rights: Arc<Rights>,
    until_ms: u64,
}

impl Plugin {
    /// Returns the rights for a call; computed anew only when a grant ended or some were given for
    /// this call alone.
    pub(super) fn rights(
        &self,
        once: &[Permission],
        workspace: Option<&Path>,
        now_ms: u64,
    ) -> Arc<Rights> {
        let compute = || {
            let release = &self.release;
            let name = release.identity.name.clone();
            let bounds = Bounds {
                declared: release.declared.clone(),
                policy: release.policy.clone().map(|policy| (policy, name)),
            };
            Arc::new(Rights::new(bounds, &release.grants, once, workspace, now_ms))
        };
        if !once.is_empty() {
            return compute();
        }
        if let Some(standing) = &*self.standing.read().unwrap_or_else(PoisonError::into_inner)
            && now_ms < standing.until_ms
        {
            return Arc::clone(&standing.rights);
        }
        let rights = compute();
        let ends = self.release.grants.iter().filter_map(|grant| grant.expires_at_ms);
        let until_ms = ends.filter(|end| *end > now_ms).min().unwrap_or(u64::MAX);
        *self.standing.write().unwrap_or_else(PoisonError::into_inner) =
            Some(Standing { rights: Arc::clone(&rights), until_ms });
        rights
    }

    /// Returns the rights for a call without those to change something outside.
    pub(super) fn reading_rights(
        &self,
        once: &[Permission],
        workspace: Option<&Path>,
        now_ms: u64,
    ) -> Arc<Rights> {
        let release = &self.release;
        let name = release.identity.name.clone();
        let bounds = Bounds {
            declared: release.declared.iter().filter_map(Permission::reading).collect(),
            policy: release.policy.clone().map(|policy| (policy, name)),
        };
        let reading = |grant: &Grant| {
            let permission = grant.permission.reading()?;
            Some(Grant { permission, ..grant.clone() })
        };
        let grants: Vec<Grant> = release.grants.iter().filter_map(reading).collect();
        let once: Vec<Permission> = once.iter().filter_map(Permission::reading).collect();
        Arc::new(Rights::new(bounds, &grants, &once, workspace, now_ms))
    }
}
