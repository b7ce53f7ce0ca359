//! `ax plugin remove`, `enable` and `disable`.

use ax_manifest::{Identity, PluginName};
use ax_registry::{GenerationError, HomeLockError};
use serde_json::json;

use super::installed::LookupError;
use super::{App, AppError};
use crate::audit::entry::Action;

/// Why an installation cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// The plugin is not there.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Another process is changing the installation.
    #[error(transparent)]
    Lock(#[from] HomeLockError),
    /// The generation cannot be written.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// The audit is not there.
    #[error(transparent)]
    App(#[from] AppError),
}

impl SwitchError {
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
}

impl App {
    /// Removes a plugin and its grants. Its bytes stay in the store, unreferenced.
    ///
    /// # Errors
    ///
    /// [`SwitchError`].
    pub fn remove(&self, plugin: &PluginName) -> Result<u64, SwitchError> {
        let lock = self.lock(&format!("ax plugin remove {plugin}"))?;
        let mut next = self.current()?;
        let locked = self.locked(&next, plugin)?.clone();
        next.lock.plugins.remove(plugin);
        let identity = Identity { name: plugin.clone(), source: locked.source.clone() };
        let grants = next.grants.remove_identity(&identity);
        let texts: Vec<_> = grants.iter().map(|grant| grant.permission.to_string()).collect();
        let detail = json!({ "grants": texts, "generation": next.number + 1 });
        let subject = format!("{plugin} {}", locked.version);
        let component = Some(locked.component);
        self.record(Action::PluginRemove, &plugin.to_string(), component, &subject, detail)?;
        Ok(self.generations.commit(&lock, &next.lock, &next.grants)?)
    }

    /// Offers a plugin's tools, or stops offering them; false when nothing changed.
    ///
    /// # Errors
    ///
    /// [`SwitchError`].
    pub fn set_enabled(&self, plugin: &PluginName, enabled: bool) -> Result<bool, SwitchError> {
        let (action, verb) = match enabled {
            true => (Action::PluginEnable, "enable"),
            false => (Action::PluginDisable, "disable"),
        };
        let lock = self.lock(&format!("ax plugin {verb} {plugin}"))?;
        let mut next = self.current()?;
        let mut locked = self.locked(&next, plugin)?.clone();
        if locked.enabled == enabled {
            return Ok(false);
        }
        locked.enabled = enabled;
        let (component, subject) = (Some(locked.component), format!("{plugin} {}", locked.version));
        next.lock.plugins.insert(plugin.clone(), locked);
        let detail = json!({ "generation": next.number + 1 });
        self.record(action, &plugin.to_string(), component, &subject, detail)?;
        self.generations.commit(&lock, &next.lock, &next.grants)?;
        Ok(true)
    }
}
