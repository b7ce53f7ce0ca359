//! `ax secret set | list | remove`: what a person does to the vault, and which plugins would use it.
//!
//! ```text
//! lock file ── asks ──┐
//! grants    ── may ───┼──→ ListedSecret      names, never values
//! vault     ── set ───┘
//! ```
//!
//! Invariant: a change is made under the home lock, and is in the audit, on disk, before it takes
//! effect. The audit holds the name: neither a value nor its length.
//! Not here: how secrets are kept (`secret`), asking for a value (`cli`), using one (`plugin`).

use std::collections::BTreeMap;

use ax_manifest::{Grant, Identity, Origin, Permission, PluginName, nearest};
use ax_registry::{Generation, GenerationError, HomeLock, HomeLockError};
use serde_json::json;

use super::{App, AppError};
use crate::audit::entry::{Action, Decision};
use crate::secret::error::SecretError;
use crate::secret::name::SecretName;
use crate::secret::value::SecretValue;
use crate::secret::vault::{SecretSet, Vault};

/// Why secrets cannot be listed or changed.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The vault refuses.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Another process is changing the installation.
    #[error(transparent)]
    Lock(#[from] HomeLockError),
    /// What is installed cannot be read.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// The change cannot be recorded.
    #[error(transparent)]
    App(#[from] AppError),
    /// There is no secret of that name.
    #[error("there is no secret `{name}`")]
    NotSet {
        /// The name.
        name: SecretName,
        /// A name that looks like it.
        nearest: Option<String>,
    },
}

impl SecretsError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Secret(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::Generation(error) => error.hint(),
            Self::App(error) => error.hint(),
            Self::NotSet { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`? `ax secret list` shows all"))
            }
            Self::NotSet { .. } => Some("ax secret list".to_owned()),
        }
    }

    /// Tells whether trying again later may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Lock(error) => error.is_transient(),
            Self::Secret(error) => error.is_transient(),
            Self::Generation(_) | Self::App(_) | Self::NotSet { .. } => false,
        }
    }
}

/// A secret that is set, or that an installed plugin asks for.
#[derive(Debug, Clone)]
pub struct ListedSecret {
    /// Its name.
    pub name: String,
    /// When it was set, in milliseconds since 1970 UTC; none if it is not.
    pub set_at_ms: Option<u64>,
    /// Who asks for it.
    pub uses: Vec<SecretUse>,
}

/// One plugin that asks for a secret.
#[derive(Debug, Clone)]
pub struct SecretUse {
    /// Which plugin.
    pub plugin: PluginName,
    /// Toward where it would be sent.
    pub origin: Origin,
    /// What was granted of that, ended grants included; none if nothing was.
    pub grants: Vec<Grant>,
}

impl App {
    /// Returns the vault, to say where its files lie.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Lists what is set and what installed plugins ask for, by name.
    ///
    /// # Errors
    ///
    /// When the vault or the current generation cannot be read.
    pub fn secrets(&self) -> Result<Vec<ListedSecret>, SecretsError> {
        let mut uses = uses(&self.current()?);
        let set = self.vault.list()?.into_iter().map(|info| {
            let name = info.name.to_string();
            let uses = uses.remove(&name).unwrap_or_default();
            ListedSecret { name, set_at_ms: Some(info.set_at_ms), uses }
        });
        let mut listed: Vec<_> = set.collect();
        let missing = uses.into_iter();
        listed.extend(missing.map(|(name, uses)| ListedSecret { name, set_at_ms: None, uses }));
        listed.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(listed)
    }

    /// Answers whether a secret is set. Asked before a person is, so that they type no value that
    /// could not be kept.
    ///
    /// # Errors
    ///
    /// When the vault cannot be opened.
    pub fn is_secret_set(&self, name: &SecretName) -> Result<bool, SecretsError> {
        Ok(self.vault.list()?.iter().any(|known| known.name == *name))
    }

    /// Sets a secret or replaces it.
    ///
    /// # Errors
    ///
    /// [`SecretsError`]; the secrets are then as they were before.
    pub fn set_secret(
        &self,
        name: &SecretName,
        value: &SecretValue,
    ) -> Result<SecretSet, SecretsError> {
        let _home_lock = self.lock_secrets(&format!("ax secret set {name}"))?;
        // Whatever refuses to be read is found before the audit promises a change.
        let is_replaced = self.is_secret_set(name)?;
        let now_ms = self.clock.now_ms();
        self.recorded(Action::SecretSet, name, is_replaced, || self.vault.set(name, value, now_ms))
    }

    /// Removes a secret. Grants for it stay, since they belong to the plugins; returns them, for
    /// they would open the next secret of this name.
    ///
    /// # Errors
    ///
    /// [`SecretsError`], when there is none, too; the secrets are then as they were before.
    pub fn remove_secret(
        &self,
        name: &SecretName,
    ) -> Result<Vec<(PluginName, Permission)>, SecretsError> {
        let _home_lock = self.lock_secrets(&format!("ax secret remove {name}"))?;
        self.expect_secret(name)?;
        let left = uses(&self.current()?).remove(name.as_str()).unwrap_or_default();
        self.recorded(Action::SecretRemove, name, true, || self.vault.remove(name))?;
        let now_ms = self.clock.now_ms();
        let grants = left.into_iter().flat_map(|used| {
            let counts = |grant: &Grant| grant.expires_at_ms.is_none_or(|end_ms| now_ms < end_ms);
            let held = used.grants.into_iter().filter(counts);
            held.map(move |grant| (used.plugin.clone(), grant.permission))
        });
        Ok(grants.collect())
    }

    /// Insists that a secret is set.
    ///
    /// # Errors
    ///
    /// [`SecretsError::NotSet`], and when the vault cannot be opened.
    pub fn expect_secret(&self, name: &SecretName) -> Result<(), SecretsError> {
        let listed = self.vault.list()?;
        if listed.iter().any(|known| known.name == *name) {
            return Ok(());
        }
        let known = listed.iter().map(|known| known.name.as_str());
        let nearest = nearest(name.as_str(), known).map(str::to_owned);
        Err(SecretsError::NotSet { name: name.clone(), nearest })
    }

    fn lock_secrets(&self, what: &str) -> Result<HomeLock, SecretsError> {
        self.private_home()?;
        Ok(HomeLock::acquire(&self.config.home.value, what, super::LOCK_WAIT)?)
    }

    /// Records a change of one secret, then makes it.
    fn recorded<T>(
        &self,
        action: Action,
        name: &SecretName,
        was_set: bool,
        change: impl FnOnce() -> Result<T, SecretError>,
    ) -> Result<T, SecretsError> {
        let record = |decision| {
            let detail = json!({ "wasSet": was_set });
            self.record(action, decision, "", None, name.as_str(), detail)
        };
        record(Decision::Allowed)?;
        let changed = change();
        if changed.is_err() {
            // The row above promised a change that did not come.
            record(Decision::Stopped)?;
        }
        Ok(changed?)
    }
}

/// Collects who asks for which secret. The lock file says so, so a damaged package hides nothing.
fn uses(generation: &Generation) -> BTreeMap<String, Vec<SecretUse>> {
    let mut uses: BTreeMap<String, Vec<SecretUse>> = BTreeMap::new();
    for (plugin, locked) in &generation.lock.plugins {
        let identity = Identity { name: plugin.clone(), source: locked.source.clone() };
        let held = generation.grants.get(&identity);
        for asked in locked.permissions.iter() {
            let Permission::Secret { name, to } = asked else { continue };
            let about =
                |grant: &&Grant| grant.permission.covers(asked) || asked.covers(&grant.permission);
            uses.entry(name.clone()).or_default().push(SecretUse {
                plugin: plugin.clone(),
                origin: to.clone(),
                grants: held.iter().filter(about).cloned().collect(),
            });
        }
    }
    uses
}
