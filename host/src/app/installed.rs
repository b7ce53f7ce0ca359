//! What is installed, as commands ask for it.

use ax_manifest::{Ask, ByteSize, Identity, Manifest, PluginName, Policies, nearest};
use ax_registry::{
    Generation, GenerationError, LockedPlugin, Lockfile, PackageError, PluginConfig, StoreError,
};

use super::App;
use crate::plugin::{Budget, Limits};

/// One installed plugin with everything known of it.
#[derive(Debug, Clone)]
pub struct InstalledPlugin {
    /// Name and source.
    pub identity: Identity,
    /// Its row in the lock file.
    pub locked: LockedPlugin,
    /// What its package says.
    pub config: PluginConfig,
}

/// Some installed plugins. A damaged one hides no other.
#[derive(Debug, Default)]
pub struct InstalledPlugins {
    /// Those whose packages can be read.
    pub whole: Vec<InstalledPlugin>,
    /// What is wrong with each of the others.
    pub damaged: Vec<LookupError>,
}

/// Why an installed plugin cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// There is no plugin of that name.
    #[error("`{name}` is not installed")]
    NotInstalled {
        /// The name.
        name: PluginName,
        /// A name that looks like it.
        nearest: Option<String>,
    },
    /// A name without a namespace is nobody's, or that of several.
    #[error("{} `{name}` here", if .several.is_empty() { "no plugin is called" } else { "several plugins are called" })]
    Short {
        /// What it was called.
        name: String,
        /// Whose name it could be.
        several: Vec<PluginName>,
    },
    /// The current generation cannot be read.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// A blob is missing or damaged.
    #[error("the package of `{name}` cannot be read from the store")]
    Store {
        /// Which plugin.
        name: PluginName,
        /// What is wrong.
        source: StoreError,
    },
    /// A blob is whole and not what it should be.
    #[error("the package of `{name}` is not usable")]
    Config {
        /// Which plugin.
        name: PluginName,
        /// What is wrong.
        source: PackageError,
    },
}

impl LookupError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotInstalled { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`? `ax plugin list` shows all"))
            }
            Self::NotInstalled { .. } => Some("ax plugin add FOLDER".to_owned()),
            Self::Short { several, .. } if several.is_empty() => Some(
                "type it in the project's folder, or install it first; `ax tool list` shows what is \
                 installed"
                    .to_owned(),
            ),
            Self::Short { several, .. } => {
                let names: Vec<String> = several.iter().map(ToString::to_string).collect();
                Some(format!("say which, with its namespace: {}", names.join(", ")))
            }
            Self::Generation(error) => error.hint(),
            Self::Store { name, .. } | Self::Config { name, .. } => Some(format!(
                "install `{name}` again: ax plugin add FOLDER, or ax plugin remove {name}"
            )),
        }
    }
}

impl InstalledPlugin {
    /// Returns the limits that hold for it, under the policies in force.
    #[must_use]
    pub fn limits(&self, policies: &Policies) -> Limits {
        self.own_limits().at_most(&policies.limits())
    }

    /// Returns the limits that would hold without a policy.
    #[must_use]
    pub fn own_limits(&self) -> Limits {
        let asked = &self.config.manifest.limits;
        // The lock holds the requests a person agreed to; without consent it holds none.
        let limits = Limits::effective(asked, self.locked.limits == *asked);
        limits.keeping(kv_asked(&self.config.manifest), self.locked.kv_bytes)
    }
}

impl InstalledPlugin {
    /// Returns what one call of it may use of models; none for what is no ask for models.
    #[must_use]
    pub fn budget(&self, ask: &Ask) -> Option<Budget> {
        Budget::of(ask, self.locked.models_raised)
    }
}

impl App {
    /// Finds the one installed plugin that has this name after the colon.
    ///
    /// # Errors
    ///
    /// [`LookupError::Short`] when there is none, or more than one.
    pub fn named_in_short(&self, name: &str) -> Result<PluginName, LookupError> {
        let installed = self.current()?.lock.plugins.into_keys();
        let mut found: Vec<_> = installed.filter(|known| known.name() == name).collect();
        match found.pop() {
            Some(only) if found.is_empty() => Ok(only),
            last => {
                found.extend(last);
                Err(LookupError::Short { name: name.to_owned(), several: found })
            }
        }
    }

    /// Looks up one plugin in a generation.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    pub fn installed(
        &self,
        generation: &Generation,
        name: &PluginName,
    ) -> Result<InstalledPlugin, LookupError> {
        let locked = find(&generation.lock, name)?;
        let json = self
            .store
            .get(&locked.config)
            .map_err(|source| LookupError::Store { name: name.clone(), source })?;
        let config = PluginConfig::parse(&json)
            .map_err(|source| LookupError::Config { name: name.clone(), source })?;
        let identity = Identity { name: name.clone(), source: locked.source.clone() };
        Ok(InstalledPlugin { identity, locked: locked.clone(), config })
    }

    /// Looks several plugins up.
    #[must_use]
    pub fn installed_among<'a>(
        &self,
        generation: &Generation,
        names: impl Iterator<Item = &'a PluginName>,
    ) -> InstalledPlugins {
        let mut found = InstalledPlugins::default();
        for name in names {
            match self.installed(generation, name) {
                Ok(plugin) => found.whole.push(plugin),
                Err(error) => found.damaged.push(error),
            }
        }
        found
    }
}

/// Returns the quota on key-value data that a manifest asks for.
pub(super) fn kv_asked(manifest: &Manifest) -> Option<ByteSize> {
    manifest.permissions.iter().find_map(|ask| ask.quota.bytes)
}

/// Looks a plugin up in a lock file, which knows it even when its package is damaged.
///
/// # Errors
///
/// [`LookupError::NotInstalled`].
pub fn find<'a>(lock: &'a Lockfile, name: &PluginName) -> Result<&'a LockedPlugin, LookupError> {
    lock.plugins.get(name).ok_or_else(|| LookupError::NotInstalled {
        name: name.clone(),
        nearest: nearest(name.as_str(), lock.plugins.keys().map(PluginName::as_str))
            .map(str::to_owned),
    })
}
