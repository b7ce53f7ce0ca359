//! The plugin that orders those who could answer: found, loaded once, and asked before each request.
//!
//! ```text
//! router.policy ─→ installed, on, exports ax:guest/routing ─→ loaded ─→ Ranker of the one router
//! ```
//!
//! Invariant: a policy that is named is there, or no model is asked at all; a policy that is there and fails
//! never keeps a request back.
//! Not here: running it (`plugin`), what its order means (`router`).

use std::sync::{Arc, PoisonError, RwLock, Weak};

use ax_manifest::{Permission, PermissionSet, PluginName};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::app::{App, ChangeError, ToolsError, policy};
use crate::plugin::{Plugin, PluginHost};
use crate::router::ranking::Ranker;

/// Why the plugin that `router.policy` names cannot order anything.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// There is no such plugin.
    #[error("`{name}`, which `router.policy` names, is not installed")]
    NotInstalled {
        /// Its name.
        name: PluginName,
    },
    /// It is switched off.
    #[error("`{name}`, which `router.policy` names, is switched off")]
    Disabled {
        /// Its name.
        name: PluginName,
    },
    /// It does not choose models.
    #[error("`{name}`, which `router.policy` names, does not export `ax:guest/routing`")]
    NoPolicy {
        /// Its name.
        name: PluginName,
    },
    /// It cannot be loaded.
    #[error("`{name}`, which `router.policy` names, cannot be used")]
    Unready {
        /// Its name.
        name: PluginName,
        /// Why.
        source: Box<ToolsError>,
    },
    /// A plugin asks for a model, and the policy was not loaded with it.
    #[error("`{name}`, which `router.policy` names, was not loaded")]
    NotLoaded {
        /// Its name.
        name: PluginName,
    },
}

impl PolicyError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let or_delete = "or delete `policy` from `[router]`";
        Some(match self {
            Self::NotInstalled { .. } => format!("ax plugin add FOLDER, {or_delete}"),
            Self::Disabled { name } => format!("ax plugin enable {name}, {or_delete}"),
            Self::NoPolicy { .. } => format!("name a plugin that does, {or_delete}"),
            Self::NotLoaded { name } => format!("ax plugin show {name}, {or_delete}"),
            Self::Unready { source, .. } => return source.hint(),
        })
    }
}

/// The policy, once somebody loaded it. All clones share it.
#[derive(Clone, Default)]
pub(super) struct LoadedPolicy(Arc<RwLock<Option<Found>>>);

type Found = Result<Arc<dyn Ranker>, Arc<PolicyError>>;

impl LoadedPolicy {
    /// Returns it, or why there is none; nothing if nobody tried.
    pub(super) fn get(&self) -> Option<Found> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, found: Found) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }
}

impl App {
    /// Loads the policy of the settings, if they name one and it is not loaded yet. May compile, so it takes
    /// its time. What comes of it is told by whoever makes models ready.
    pub(in crate::app) fn load_policy(&self) {
        let Some(name) = self.config.router.policy.as_ref().map(|it| &it.value) else { return };
        let loaded = self.sources.policy();
        if !matches!(loaded.get(), Some(Ok(_))) {
            loaded.set(self.policy_named(name).map_err(Arc::new));
        }
    }

    /// Loads the policy for a plugin that may ask models: it asks from a thread that cannot wait.
    pub(in crate::app) fn load_policy_for(&self, plugin: &PluginName, declared: &PermissionSet) {
        let asks = declared.iter().any(|it| matches!(it, Permission::Models { .. }));
        // A policy asks nobody while it chooses.
        let is_policy =
            self.config.router.policy.as_ref().is_some_and(|named| named.value == *plugin);
        if asks && !is_policy {
            self.load_policy();
        }
    }

    fn policy_named(&self, name: &PluginName) -> Result<Arc<dyn Ranker>, PolicyError> {
        let unready = |source| {
            let source = Box::new(source);
            PolicyError::Unready { name: name.clone(), source }
        };
        let generation = self.current().map_err(|it| unready(ChangeError::from(it).into()))?;
        match generation.lock.plugins.get(name) {
            None => return Err(PolicyError::NotInstalled { name: name.clone() }),
            Some(locked) if !locked.enabled => {
                return Err(PolicyError::Disabled { name: name.clone() });
            }
            Some(_) => {}
        }
        let policies = self.policies().map_err(|it| unready(ChangeError::from(it).into()))?;
        policy::admit(policies, name).map_err(|it| unready(it.into()))?;
        let installed = self
            .installed(&generation, name)
            .map_err(|it| unready(ChangeError::from(it).into()))?;
        let plugin = self.load(policies, &generation, &installed).map_err(unready)?;
        if !plugin.ranks() {
            return Err(PolicyError::NoPolicy { name: name.clone() });
        }
        let host = self.host().map_err(|it| unready(ChangeError::from(it).into()))?;
        Ok(Arc::new(PluginPolicy { host: Arc::downgrade(host), plugin }))
    }
}

/// A plugin that orders those who could answer.
struct PluginPolicy {
    /// Not held: the host holds the router for its plugins, and the router this.
    host: Weak<PluginHost>,
    plugin: Arc<Plugin>,
}

impl Ranker for PluginPolicy {
    fn rank(
        &self,
        request: Value,
        candidates: Value,
    ) -> BoxFuture<'static, Result<Vec<u32>, String>> {
        let (host, plugin) = (self.host.upgrade(), Arc::clone(&self.plugin));
        async move {
            let name = &plugin.release().identity.name;
            let host = host.ok_or_else(|| format!("the sandbox of `{name}` is gone"))?;
            let ranked = host.rank(&plugin, &request, &candidates).await;
            ranked.map_err(|error| format!("`{name}` gave no order: {error}"))
        }
        .boxed()
    }
}
