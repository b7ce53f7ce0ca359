//! `ax policy explain`: why a plugin may or may not do something, with everything that decides.
//!
//! Not here: the deciding, which is that of a call (`plugin::rights`).

use ax_manifest::{Grant, GrantScope, Identity, Permission, PluginName};

use super::policy::PolicyNote;
use super::{App, AppError, ChangeError};
use crate::egress::is_closed;
use crate::plugin::{Bounds, DenialReason, Rights, Ruling};

/// What decides about one permission of one plugin.
#[derive(Debug, Clone)]
pub struct Explained {
    /// What the policies say.
    pub note: PolicyNote,
    /// What is known of the plugin; none if it is not installed.
    pub plugin: Option<ExplainedPlugin>,
}

/// What an installed plugin asks for and holds of one permission.
#[derive(Debug, Clone)]
pub struct ExplainedPlugin {
    /// Whether its tools are offered.
    pub is_enabled: bool,
    /// What its manifest asks for that covers it.
    pub declared: Option<Permission>,
    /// The grants about it, ended ones included.
    pub grants: Vec<Grant>,
    /// What a call here and now would be told, and the grant that allows it.
    pub ruling: Result<String, DenialReason>,
    /// The folder that it is about, if that is bound to nothing here.
    pub unbound: Option<String>,
}

impl App {
    /// Explains what decides about one permission of one plugin, whether it is installed or not.
    ///
    /// # Errors
    ///
    /// When a policy cannot be used or what is installed cannot be read.
    pub fn explain(
        &self,
        plugin: &PluginName,
        permission: &Permission,
    ) -> Result<Explained, ChangeError> {
        let policies = self.policies().map_err(ChangeError::from)?;
        let note = PolicyNote::on(policies, plugin, permission);
        let generation = self.current()?;
        let Some(locked) = generation.lock.plugins.get(plugin) else {
            return Ok(Explained { note, plugin: None });
        };
        let identity = Identity { name: plugin.clone(), source: locked.source.clone() };
        let grants = generation.grants.get(&identity);
        let bounds = Bounds {
            declared: locked.permissions.clone(),
            policy: Some((policies.clone(), plugin.clone())),
        };
        // A grant for the next call is one that a person allowed for it.
        let is_once = |grant: &&Grant| grant.scope == GrantScope::Once;
        let now_ms = self.clock.now_ms();
        let once = grants.iter().filter(is_once).filter(|grant| grant.is_live(now_ms, None));
        let once: Vec<Permission> = once.map(|grant| grant.permission.clone()).collect();
        let standing: Vec<Grant> = grants.iter().filter(|grant| !is_once(grant)).cloned().collect();
        let workspace = self.real_workspace();
        let rights = Rights::new(bounds, &standing, &once, workspace.as_deref(), now_ms);
        let ruling = match rights.decide(permission) {
            Ruling::Allowed(_) if self.is_closed(&rights, permission) => Err(DenialReason::Address),
            Ruling::Allowed(at) => {
                Ok(rights.rule(at).map_or_else(String::new, |(_, rule)| rule.to_string()))
            }
            Ruling::Denied(reason) => Err(reason),
        };
        let about = |grant: &&Grant| {
            grant.permission.covers(permission) || permission.covers(&grant.permission)
        };
        Ok(Explained {
            note,
            plugin: Some(ExplainedPlugin {
                is_enabled: locked.enabled,
                declared: locked.permissions.covering(permission).cloned(),
                grants: grants.iter().filter(about).cloned().collect(),
                ruling,
                unbound: self.unbound_in(permission),
            }),
        })
    }

    /// Answers whether a request that is permitted would be refused for its host's address.
    fn is_closed(&self, rights: &Rights, permission: &Permission) -> bool {
        let Permission::Net(rule) = permission else { return false };
        let opened = &self.config.network.open.value;
        let is_named = rights.names_host(permission);
        rule.origin().is_some_and(|origin| is_closed(origin.host(), is_named, opened))
    }

    /// Answers what the policies take away of each permission a plugin asks for, in their order.
    ///
    /// # Errors
    ///
    /// When a policy cannot be used.
    pub fn policy_notes<'a>(
        &self,
        plugin: &PluginName,
        asked: impl Iterator<Item = &'a Permission>,
    ) -> Result<Vec<Option<PolicyNote>>, AppError> {
        let policies = self.policies()?;
        Ok(asked.map(|asked| PolicyNote::unless_allowed(policies, plugin, asked)).collect())
    }
}
