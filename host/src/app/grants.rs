//! `ax permission grant` and `revoke`: the only writers of grants besides the consent prompt.

use std::path::PathBuf;

use ax_manifest::{Grant, GrantScope, Identity, Permission, PluginName};
use serde_json::json;

use super::App;
use super::change::{ChangeError, Note};
use super::consent::{ConsentError, project_scope};
use super::policy::{self, Forbidden, PolicyNote};
use crate::audit::entry::Action;

/// Why a grant cannot be given or taken back.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The installation cannot be changed.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The plugin does not ask for it, so the grant would open nothing.
    #[error(transparent)]
    Consent(#[from] ConsentError),
    /// A policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// There is nothing to take back.
    #[error("`{plugin}` holds no grant that `{permission}` covers")]
    NothingToRevoke {
        /// Which plugin.
        plugin: PluginName,
        /// What was to be taken back.
        permission: Permission,
        /// A wider grant that stays, if one covers it.
        wider: Option<Permission>,
    },
}

impl GrantError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Change(error) => error.hint(),
            Self::Consent(ConsentError::NotAsked { plugin, asked, .. }) => match asked.first() {
                Some(first) => Some(format!("ax permission grant {plugin} '{first}'")),
                None => Some(format!("`{plugin}` asks for nothing; ax plugin show {plugin}")),
            },
            Self::Consent(error) => error.hint(),
            Self::Forbidden(error) => error.hint(),
            Self::NothingToRevoke { plugin, wider: Some(wider), .. } => {
                Some(format!("ax permission revoke {plugin} '{wider}'"))
            }
            Self::NothingToRevoke { plugin, .. } => Some(format!("ax permission show {plugin}")),
        }
    }
}

/// A permission that was granted.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The generation that has it.
    pub generation: u64,
    /// What the policies in force take away of it all the same.
    pub policy: Option<PolicyNote>,
}

impl App {
    /// Grants one permission. Granting what is granted already changes nothing.
    ///
    /// # Errors
    ///
    /// [`GrantError`].
    pub fn grant(
        &self,
        plugin: &PluginName,
        permission: &Permission,
        scope: GrantScope,
        expires_at_ms: Option<u64>,
    ) -> Result<Granted, GrantError> {
        let policies = self.policies().map_err(ChangeError::from)?;
        let policy = PolicyNote::unless_allowed(policies, plugin, permission);
        let mut change = self.change(&format!("ax permission grant {plugin}"))?;
        let locked = change.locked(plugin)?;
        if locked.permissions.covering(permission).is_none() {
            return Err(ConsentError::NotAsked {
                plugin: plugin.to_string(),
                permission: permission.clone(),
                asked: locked.permissions.iter().map(ToString::to_string).collect(),
            }
            .into());
        }
        let ruling = policy::admit_grant(policies, plugin, permission);
        self.change_on_record(ruling).map_err(ChangeError::from)??;
        let identity = Identity { name: plugin.clone(), source: locked.source.clone() };
        let grant = Grant {
            permission: permission.clone(),
            scope,
            expires_at_ms,
            granted_at_ms: self.clock.now_ms(),
        };
        let held = change.grants.get(&identity).iter().any(|held| {
            (&held.permission, &held.scope, held.expires_at_ms)
                == (&grant.permission, &grant.scope, grant.expires_at_ms)
        });
        if held {
            return Ok(Granted { generation: change.number(), policy });
        }
        let detail = json!({
            "scope": grant.scope.to_string(),
            "expiresAtMs": expires_at_ms,
            "source": locked.source.to_string(),
        });
        change.grants.add(identity, grant);
        let generation = change.commit(Note {
            action: Action::PermissionGrant,
            plugin,
            component: locked.component,
            subject: permission.to_string(),
            detail,
        })?;
        Ok(Granted { generation, policy })
    }

    /// Takes back every grant that `permission` covers; returns them.
    ///
    /// # Errors
    ///
    /// [`GrantError`].
    pub fn revoke(
        &self,
        plugin: &PluginName,
        permission: &Permission,
    ) -> Result<Vec<Grant>, GrantError> {
        let mut change = self.change(&format!("ax permission revoke {plugin}"))?;
        let locked = change.locked(plugin)?;
        let identity = Identity { name: plugin.clone(), source: locked.source.clone() };
        let revoked = change.grants.revoke(&identity, permission);
        if revoked.is_empty() {
            let mut held = change.grants.get(&identity).iter().map(|grant| &grant.permission);
            return Err(GrantError::NothingToRevoke {
                plugin: plugin.clone(),
                permission: permission.clone(),
                wider: held.find(|held| held.covers(permission)).cloned(),
            });
        }
        let texts: Vec<_> = revoked.iter().map(|grant| grant.permission.to_string()).collect();
        change.commit(Note {
            action: Action::PermissionRevoke,
            plugin,
            component: locked.component,
            subject: permission.to_string(),
            detail: json!({ "revoked": texts }),
        })?;
        Ok(revoked)
    }

    /// Returns the scope of a grant for the project this process is bound to.
    ///
    /// # Errors
    ///
    /// [`ConsentError::NoProject`].
    pub fn project_scope(&self) -> Result<GrantScope, ConsentError> {
        project_scope(self.real_workspace().as_deref())
    }

    /// Returns the real path of the workspace, which the sandbox compares with.
    pub(super) fn real_workspace(&self) -> Option<PathBuf> {
        let workspace = self.config.workspace.as_ref()?;
        workspace.value.canonicalize().ok()
    }
}
