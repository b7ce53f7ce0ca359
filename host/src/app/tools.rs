//! `ax tool list` and `call`: from a tool's id to a loaded plugin and a call.

use std::sync::Arc;

use ax_manifest::{
    Grant, GrantScope, Permission, PermissionSet, PluginName, Policies, Tool, ToolId,
};
use ax_registry::{Generation, StoreError};
use serde_json::json;

use super::App;
use super::change::{ChangeError, Note};
use super::installed::{InstalledPlugin, InstalledPlugins, LookupError};
use super::policy::{self, Forbidden};
use crate::audit::entry::Action;
use crate::plugin::{Injection, LoadError, Plugin, Release, WORKSPACE};
use crate::secret::error::SecretError;

/// A tool that is offered.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its id.
    pub id: ToolId,
    /// What it is.
    pub tool: Tool,
}

/// All tools that are offered.
#[derive(Debug)]
pub struct Offered {
    /// The tools, sorted by id.
    pub tools: Vec<Listed>,
    /// Plugins whose tools would be here if their packages could be read.
    pub damaged: Vec<LookupError>,
}

/// Why a tool cannot be offered or made ready.
#[derive(Debug, thiserror::Error)]
pub enum ToolsError {
    /// The plugin is not there, or a grant for one use could not be used up.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The plugin is switched off.
    #[error("`{plugin}` is switched off")]
    Disabled {
        /// Which plugin.
        plugin: String,
    },
    /// A policy keeps the plugin out.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// It cannot be made ready to run.
    #[error("`{plugin}` cannot be loaded")]
    Load {
        /// Which plugin.
        plugin: String,
        /// Why.
        source: LoadError,
    },
    /// The secrets it may use cannot be read, so they could not be looked for either.
    #[error("the secrets this plugin may use cannot be read")]
    Secrets(#[source] SecretError),
    /// Another `ax` put another release in its place before a grant for one use was used up.
    #[error("`{plugin}` was replaced by another `ax` before it was called")]
    Moved {
        /// Which plugin.
        plugin: String,
    },
    /// A permission for one call was given that the plugin does not ask for.
    #[error("`{plugin}` does not ask for `{permission}`")]
    NotAsked {
        /// Which plugin.
        plugin: String,
        /// What was allowed.
        permission: Permission,
        /// What it does ask for that is less than that.
        less: Option<Permission>,
    },
}

impl ToolsError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Change(error) => error.hint(),
            Self::Disabled { plugin } => Some(format!("ax plugin enable {plugin}")),
            Self::Forbidden(error) => error.hint(),
            Self::Load { source, .. } => source.hint(),
            Self::Secrets(error) => error.hint(),
            Self::Moved { plugin } => {
                Some(format!("look at it, then type this again: ax plugin show {plugin}"))
            }
            Self::NotAsked { less: Some(less), .. } => {
                Some(format!("it asks for less: --allow '{less}'"))
            }
            Self::NotAsked { plugin, .. } => Some(format!("ax permission show {plugin}")),
        }
    }
}

impl App {
    /// Lists the tools of all plugins that are switched on and that no policy keeps out.
    ///
    /// # Errors
    ///
    /// [`ToolsError`].
    pub fn tools(&self) -> Result<Offered, ToolsError> {
        let policies = self.policies().map_err(ChangeError::from)?;
        let found = self.offering(&self.current().map_err(ChangeError::from)?, policies);
        let mut tools = Vec::new();
        for plugin in found.whole {
            let name = plugin.identity.name;
            tools.extend(plugin.config.tools.into_iter().map(|tool| Listed {
                id: ToolId { plugin: name.clone(), tool: tool.name.clone() },
                tool,
            }));
        }
        tools.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Offered { tools, damaged: found.damaged })
    }

    /// Looks up the plugins that are switched on and that no policy keeps out.
    pub(super) fn offering(
        &self,
        generation: &Generation,
        policies: &Policies,
    ) -> InstalledPlugins {
        let offering = generation.lock.plugins.iter();
        let offering = offering.filter(|(name, it)| it.enabled && policies.admits(name).is_ok());
        self.installed_among(generation, offering.map(|(name, _)| name))
    }

    /// Makes the plugin of a tool ready, and returns what was granted for this one call: grants of
    /// scope `once`, which are used up by this, and what `allow` names.
    ///
    /// # Errors
    ///
    /// [`ToolsError`].
    pub fn ready(
        &self,
        id: &ToolId,
        input: &str,
        allow: &[Permission],
    ) -> Result<(Arc<Plugin>, Vec<Permission>), ToolsError> {
        self.ready_under(self.policies().map_err(ChangeError::from)?, id, input, allow)
    }

    /// As [`App::ready`], under policies that were read for it.
    pub(super) fn ready_under(
        &self,
        policies: &Arc<Policies>,
        id: &ToolId,
        input: &str,
        allow: &[Permission],
    ) -> Result<(Arc<Plugin>, Vec<Permission>), ToolsError> {
        let generation = self.current().map_err(ChangeError::from)?;
        let installed = self.installed(&generation, &id.plugin).map_err(ChangeError::from)?;
        let plugin = id.plugin.to_string();
        if !installed.locked.enabled {
            return Err(ToolsError::Disabled { plugin });
        }
        let ruling = policy::admit(policies, &id.plugin);
        self.call_on_record(ruling, id, input).map_err(ChangeError::from)??;
        for permission in allow {
            if installed.locked.permissions.covering(permission).is_none() {
                let (permission, less) =
                    (permission.clone(), less_than(&installed.locked.permissions, permission));
                return Err(ToolsError::NotAsked { plugin, permission, less });
            }
        }
        let loaded = self.load(policies, &generation, &installed)?;
        // A call that will be refused must not cost a grant: for its tool or its input, …
        let mut once = Vec::new();
        if loaded.check(&id.tool, input).is_ok() && self.has_once(&generation, &installed) {
            // … or since what it may use cannot be read.
            if let Err(error) = self.readable_secrets(&generation, &installed, allow) {
                self.record_unreadable(id, input).map_err(ChangeError::from)?;
                return Err(ToolsError::Secrets(error));
            }
            once = self.use_up(&installed)?;
        }
        once.extend_from_slice(allow);
        Ok((loaded, once))
    }

    /// Returns a folder that a plugin asks for and that is bound to nothing here.
    #[must_use]
    pub fn unbound_folder(&self, plugin: &PluginName) -> Option<String> {
        let generation = self.current().ok()?;
        let asked = &generation.lock.plugins.get(plugin)?.permissions;
        asked.iter().find_map(|permission| self.unbound_in(permission))
    }

    /// Returns the folder that a permission is about, if it is bound to nothing here.
    pub(super) fn unbound_in(&self, permission: &Permission) -> Option<String> {
        let Permission::Fs { folder, .. } = permission else { return None };
        let is_bound = match folder.as_str() {
            WORKSPACE => self.config.workspace.is_some(),
            "*" => true,
            other => self.config.folders.contains_key(other),
        };
        (!is_bound).then(|| folder.clone())
    }

    pub(super) fn load(
        &self,
        policies: &Arc<Policies>,
        generation: &Generation,
        installed: &InstalledPlugin,
    ) -> Result<Arc<Plugin>, ToolsError> {
        let name = &installed.identity.name;
        self.load_policy_for(name, &installed.locked.permissions);
        let settings = self.config.plugins.get(name).map(|set| set.value.clone());
        let grants = generation.grants.get(&installed.identity).iter();
        let asks = &installed.config.manifest.permissions;
        let release = Release {
            identity: installed.identity.clone(),
            version: installed.locked.version.clone(),
            component: installed.locked.component,
            tools: installed.config.tools.clone(),
            agents: installed.config.agents.clone(),
            declared: installed.locked.permissions.clone(),
            grants: grants.filter(|grant| grant.scope != GrantScope::Once).cloned().collect(),
            limits: installed.limits(policies),
            settings: Arc::new(settings.unwrap_or_default()),
            reuse: installed.config.manifest.plugin.reuse,
            state: installed.locked.state,
            injections: asks.iter().filter_map(Injection::of).collect(),
            budgets: asks.iter().filter_map(|ask| installed.budget(ask)).collect(),
            policy: (!policies.is_empty()).then(|| Arc::clone(policies)),
        };
        /// Loading reads the component only when it must be compiled again.
        enum Failed {
            Load(LoadError),
            Store(StoreError),
        }
        impl From<LoadError> for Failed {
            fn from(error: LoadError) -> Self {
                Self::Load(error)
            }
        }
        let component = installed.locked.component;
        let read = || self.store.get(&component).map_err(Failed::Store);
        self.host().map_err(ChangeError::from)?.load(release, read).map_err(|failed| match failed {
            Failed::Load(source) => ToolsError::Load { plugin: name.to_string(), source },
            Failed::Store(source) => {
                ChangeError::from(LookupError::Store { name: name.clone(), source }).into()
            }
        })
    }

    /// Answers whether a plugin holds a grant of scope `once`.
    fn has_once(&self, generation: &Generation, installed: &InstalledPlugin) -> bool {
        generation.grants.get(&installed.identity).iter().any(|grant| is_once(&grant))
    }

    /// Opens the vault if the next call may use a secret.
    fn readable_secrets(
        &self,
        generation: &Generation,
        installed: &InstalledPlugin,
        allow: &[Permission],
    ) -> Result<(), SecretError> {
        let (now_ms, workspace) = (self.clock.now_ms(), self.real_workspace());
        let grants = generation.grants.get(&installed.identity).iter();
        let live = grants.filter(|grant| grant.is_live(now_ms, workspace.as_deref()));
        let mut may = live.map(|grant| &grant.permission).chain(allow);
        if may.any(|permission| matches!(permission, Permission::Secret { .. })) {
            self.vault.list()?;
        }
        Ok(())
    }

    /// Takes the grants of scope `once` out of the current generation, so that the next call does
    /// not find them. Two calls at the same time: the lock lets one of them have them.
    fn use_up(&self, installed: &InstalledPlugin) -> Result<Vec<Permission>, ToolsError> {
        let identity = &installed.identity;
        let mut change = self.change(&format!("ax tool call {}", identity.name))?;
        let locked = change.locked(&identity.name)?;
        // What was granted to other bytes is not for those that are loaded.
        if (locked.component, &locked.source) != (installed.locked.component, &identity.source) {
            return Err(ToolsError::Moved { plugin: identity.name.to_string() });
        }
        let now_ms = self.clock.now_ms();
        let (held, others): (Vec<_>, Vec<_>) =
            change.grants.remove_identity(identity).into_iter().partition(|grant| is_once(&grant));
        for grant in others {
            change.grants.add(identity.clone(), grant);
        }
        let live = held.iter().filter(|grant| grant.is_live(now_ms, None));
        let permissions: Vec<Permission> = live.map(|grant| grant.permission.clone()).collect();
        if held.is_empty() {
            return Ok(permissions);
        }
        let texts: Vec<_> = held.iter().map(|grant| grant.permission.to_string()).collect();
        change.commit(Note {
            action: Action::PermissionRevoke,
            plugin: &identity.name,
            component: installed.locked.component,
            subject: "granted once, used now".to_owned(),
            detail: json!({ "usedUp": texts }),
        })?;
        Ok(permissions)
    }
}

/// Finds what is asked for and covered by something wider that is not.
pub(super) fn less_than(asked: &PermissionSet, wanted: &Permission) -> Option<Permission> {
    asked.iter().find(|asked| wanted.covers(asked)).cloned()
}

fn is_once(grant: &&Grant) -> bool {
    grant.scope == GrantScope::Once
}
