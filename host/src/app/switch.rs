//! `ax plugin remove`, `enable` and `disable`.

use ax_manifest::{Identity, PluginName};
use serde_json::json;

use super::App;
use super::change::{ChangeError, Note};
use crate::audit::entry::Action;

impl App {
    /// Removes a plugin and its grants. Its bytes stay in the store until they are pruned, its data
    /// until somebody says that they go too.
    ///
    /// # Errors
    ///
    /// [`ChangeError`].
    pub fn remove(&self, plugin: &PluginName) -> Result<u64, ChangeError> {
        let mut change = self.change(&format!("ax plugin remove {plugin}"))?;
        let locked = change.locked(plugin)?;
        change.lock.plugins.remove(plugin);
        let identity = Identity { name: plugin.clone(), source: locked.source.clone() };
        let grants = change.grants.remove_identity(&identity);
        let texts: Vec<_> = grants.iter().map(|grant| grant.permission.to_string()).collect();
        change.commit(Note {
            action: Action::PluginRemove,
            plugin,
            component: locked.component,
            subject: format!("{plugin} {}", locked.version),
            detail: json!({ "grants": texts }),
        })
    }

    /// Offers a plugin's tools, or stops offering them; false when nothing changed.
    ///
    /// # Errors
    ///
    /// [`ChangeError`].
    pub fn set_enabled(&self, plugin: &PluginName, enabled: bool) -> Result<bool, ChangeError> {
        let (action, verb) = match enabled {
            true => (Action::PluginEnable, "enable"),
            false => (Action::PluginDisable, "disable"),
        };
        let mut change = self.change(&format!("ax plugin {verb} {plugin}"))?;
        let mut locked = change.locked(plugin)?;
        if locked.enabled == enabled {
            return Ok(false);
        }
        locked.enabled = enabled;
        let (component, subject) = (locked.component, format!("{plugin} {}", locked.version));
        change.lock.plugins.insert(plugin.clone(), locked);
        change.commit(Note { action, plugin, component, subject, detail: json!({}) })?;
        Ok(true)
    }
}
