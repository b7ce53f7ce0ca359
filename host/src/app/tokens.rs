//! `ax mcp token add | list | remove`: which programs are let in over HTTP, and by which name.
//!
//! Invariant: a change is made under the home lock, and is in the audit, on disk, before it takes effect.
//! The audit holds the name, never the token.
//! Not here: how tokens are kept (`secret::tokens`), asking for one at the door (`server`).

use std::collections::BTreeMap;

use ax_manifest::nearest;
use ax_registry::{HomeLock, HomeLockError};
use serde_json::json;
use zeroize::Zeroizing;

use super::{App, AppError};
use crate::audit::entry::{Action, Decision};
use crate::secret::error::SecretError;
use crate::secret::tokens::{TokenFile, TokenInfo, TokenName};

/// Why tokens cannot be listed or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The file of tokens refuses.
    #[error(transparent)]
    File(#[from] SecretError),
    /// Another process is changing the installation.
    #[error(transparent)]
    Lock(#[from] HomeLockError),
    /// The change cannot be recorded.
    #[error(transparent)]
    App(#[from] AppError),
    /// There is no token of that name.
    #[error("there is no token `{name}`")]
    NotFound {
        /// The name.
        name: TokenName,
        /// A name that looks like it.
        nearest: Option<String>,
    },
}

impl TokensError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::App(error) => error.hint(),
            Self::NotFound { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`? `ax mcp token list` shows all"))
            }
            Self::NotFound { .. } => Some("ax mcp token list".to_owned()),
        }
    }

    /// Tells whether trying again later may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Lock(error) if error.is_transient())
    }
}

impl App {
    /// Returns where the tokens are kept.
    #[must_use]
    pub fn token_file(&self) -> TokenFile {
        TokenFile::open(&self.config.home.value)
    }

    /// Lists the tokens, by their names.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn tokens(&self) -> Result<BTreeMap<TokenName, TokenInfo>, TokensError> {
        Ok(self.token_file().list()?)
    }

    /// Makes a token, and returns it; nobody can read it again.
    ///
    /// # Errors
    ///
    /// [`TokensError`]; the tokens are then as they were before.
    pub fn add_token(&self, name: &TokenName) -> Result<Zeroizing<String>, TokensError> {
        let _home_lock = self.lock_tokens(&format!("ax mcp token add {name}"))?;
        let file = self.token_file();
        if file.list()?.contains_key(name) {
            return Err(SecretError::TokenExists { name: name.clone() }.into());
        }
        self.recorded_token(Action::TokenAdd, name, || file.add(name, self.clock.now_ms()))
    }

    /// Removes a token. Who holds it is not let in any more, by servers that run already, too.
    ///
    /// # Errors
    ///
    /// [`TokensError`], when there is none, too; the tokens are then as they were before.
    pub fn remove_token(&self, name: &TokenName) -> Result<(), TokensError> {
        let _home_lock = self.lock_tokens(&format!("ax mcp token remove {name}"))?;
        self.expect_token(name)?;
        self.recorded_token(Action::TokenRemove, name, || self.token_file().remove(name))
    }

    /// Insists that there is a token of that name.
    ///
    /// # Errors
    ///
    /// [`TokensError::NotFound`], and when the file cannot be read.
    pub fn expect_token(&self, name: &TokenName) -> Result<(), TokensError> {
        let held = self.tokens()?;
        if held.contains_key(name) {
            return Ok(());
        }
        let known = held.keys().map(TokenName::as_str);
        let nearest = nearest(name.as_str(), known).map(str::to_owned);
        Err(TokensError::NotFound { name: name.clone(), nearest })
    }

    fn lock_tokens(&self, what: &str) -> Result<HomeLock, TokensError> {
        self.private_home()?;
        Ok(HomeLock::acquire(&self.config.home.value, what, super::LOCK_WAIT)?)
    }

    /// Records a change of one token, then makes it.
    fn recorded_token<T>(
        &self,
        action: Action,
        name: &TokenName,
        change: impl FnOnce() -> Result<T, SecretError>,
    ) -> Result<T, TokensError> {
        let record = |decision| self.record(action, decision, "", None, name.as_str(), json!({}));
        record(Decision::Allowed)?;
        let changed = change();
        if changed.is_err() {
            // The row above promised a change that did not come.
            record(Decision::Stopped)?;
        }
        Ok(changed?)
    }
}
