//! What a person agreed to, and in what form.
//!
//! Consent comes from the prompt, from `--allow`, from `--accept-card` or as `--grant-nothing`;
//! `--yes` is none of these. Nothing reachable from a model, a plugin or a peer gets here.

use std::path::{Path, PathBuf};

use ax_manifest::{Digest, Grant, GrantScope, Permission, PermissionSet, Span};

use super::card::Card;

/// What a person agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Everything on the card, limits included.
    Whole {
        /// For how long and where.
        scope: GrantScope,
        /// Until when, in milliseconds since 1970.
        expires_at_ms: Option<u64>,
    },
    /// These permissions and no raised limits.
    Some(Vec<Allowed>),
    /// Nothing: the plugin is installed and runs empty-handed.
    Nothing,
}

/// One permission that was agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// What.
    pub permission: Permission,
    /// Where.
    pub scope: GrantScope,
    /// Until when, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

/// Why a consent does not fit.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// The card that was accepted is not the card there is.
    #[error("the card has the digest {actual}, not {accepted}")]
    OtherCard {
        /// What was accepted.
        accepted: Digest,
        /// What there is.
        actual: Digest,
    },
    /// A permission was allowed that the plugin does not ask for.
    #[error("`{plugin}` does not ask for `{permission}`")]
    NotAsked {
        /// Which plugin.
        plugin: String,
        /// What was allowed.
        permission: Permission,
        /// What it does ask for.
        asked: Vec<String>,
    },
    /// A grant for this project, and there is none.
    #[error("there is no project here to grant it for")]
    NoProject,
    /// The time of expiry is not one.
    #[error("`{text}` is not a time from now")]
    Expiry {
        /// What was given.
        text: String,
    },
}

impl ConsentError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OtherCard { actual, .. } => {
                Some(format!("read the card again, then: --accept-card {actual}"))
            }
            Self::NotAsked { asked, .. } if asked.is_empty() => {
                Some("leave out --allow: it asks for nothing".to_owned())
            }
            Self::NotAsked { asked, .. } => {
                Some(format!("--allow '{}'", asked.join("' --allow '")))
            }
            Self::NoProject => {
                Some("name its folder: --workspace DIR, or use --scope always".into())
            }
            Self::Expiry { .. } => Some("--expires 7d".to_owned()),
        }
    }
}

/// Reads `7d`, `12 h` or `30 min` as a time from now.
///
/// # Errors
///
/// [`ConsentError::Expiry`].
pub fn parse_expiry(text: &str, now_ms: u64) -> Result<u64, ConsentError> {
    let wrong = || ConsentError::Expiry { text: text.to_owned() };
    let span: Span = text.parse().map_err(|_| wrong())?;
    let ms = u64::try_from(span.0.as_millis()).map_err(|_| wrong())?;
    if ms == 0 {
        return Err(wrong());
    }
    now_ms.checked_add(ms).ok_or_else(wrong)
}

impl Consent {
    /// Turns `--allow` texts into a consent, refusing what the card does not ask for.
    ///
    /// # Errors
    ///
    /// [`ConsentError::NotAsked`].
    pub fn allow(
        card: &Card,
        permissions: Vec<Permission>,
        scope: &GrantScope,
        expires_at_ms: Option<u64>,
    ) -> Result<Self, ConsentError> {
        let asked: PermissionSet =
            card.permissions.iter().map(|entry| entry.permission.clone()).collect();
        let allowed = permissions
            .into_iter()
            .map(|permission| {
                if asked.covering(&permission).is_none() {
                    return Err(ConsentError::NotAsked {
                        plugin: card.plugin.to_string(),
                        permission,
                        asked: asked.iter().map(ToString::to_string).collect(),
                    });
                }
                Ok(Allowed { permission, scope: scope.clone(), expires_at_ms })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::Some(allowed))
    }

    /// Turns `--accept-card` into a consent, refusing another card.
    ///
    /// # Errors
    ///
    /// [`ConsentError::OtherCard`].
    pub fn accept(
        card: &Card,
        accepted: Digest,
        scope: GrantScope,
        expires_at_ms: Option<u64>,
    ) -> Result<Self, ConsentError> {
        let actual = card.digest();
        if accepted != actual {
            return Err(ConsentError::OtherCard { accepted, actual });
        }
        Ok(Self::Whole { scope, expires_at_ms })
    }

    /// Returns the grants that follow.
    #[must_use]
    pub fn grants(&self, card: &Card, now_ms: u64) -> Vec<Grant> {
        let grant = |permission: &Permission, scope: &GrantScope, expires_at_ms| Grant {
            permission: permission.clone(),
            scope: scope.clone(),
            expires_at_ms,
            granted_at_ms: now_ms,
        };
        match self {
            Self::Whole { scope, expires_at_ms } => card
                .permissions
                .iter()
                .map(|entry| grant(&entry.permission, scope, *expires_at_ms))
                .collect(),
            Self::Some(allowed) => allowed
                .iter()
                .map(|one| grant(&one.permission, &one.scope, one.expires_at_ms))
                .collect(),
            Self::Nothing => Vec::new(),
        }
    }

    /// Answers whether raised limits were agreed to.
    #[must_use]
    pub fn raises_limits(&self) -> bool {
        matches!(self, Self::Whole { .. })
    }
}

/// Reads `once`, `project` or `always`.
///
/// # Errors
///
/// [`ConsentError::NoProject`] for `project` where there is none.
pub(super) fn project_scope(workspace: Option<&Path>) -> Result<GrantScope, ConsentError> {
    workspace.map(|path| GrantScope::Project(PathBuf::from(path))).ok_or(ConsentError::NoProject)
}
