//! Whether the data that installed plugins keep are there.
//!
//! Not here: which data are whose (`state`), and the database (`kv`).

use ax_manifest::{Identity, PluginName};
use ax_registry::Generation;

use super::App;
use crate::kv::KvError;

/// Why what plugins keep cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The database cannot be used.
    #[error(transparent)]
    Kv(#[from] KvError),
    /// The database is usable, or absent, and does not hold them.
    #[error("the data of `{plugin}` are gone from `plugins.db`")]
    Gone {
        /// Whose data.
        plugin: PluginName,
    },
}

impl KeptError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Kv(error) => error.hint(),
            Self::Gone { plugin } => Some(format!(
                "restore `plugins.db` from a backup; to start empty: ax plugin remove {plugin}, then \
                 ax plugin add FOLDER"
            )),
        }
    }
}

impl App {
    /// Looks for the data of every plugin that has some; returns how many have. Makes nothing.
    ///
    /// # Errors
    ///
    /// [`KeptError`].
    pub fn kept(&self, generation: &Generation) -> Result<u64, KeptError> {
        let there = self.kv.states()?;
        let mut count = 0;
        for (name, locked) in generation.lock.plugins.iter().filter(|(_, it)| it.state > 0) {
            let owner = Identity { name: name.clone(), source: locked.source.clone() }.to_string();
            if !there.iter().any(|(of, state, _)| *of == owner && *state == locked.state) {
                return Err(KeptError::Gone { plugin: name.clone() });
            }
            count += 1;
        }
        Ok(count)
    }
}
