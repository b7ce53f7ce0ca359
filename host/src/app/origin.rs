//! Several sources of one name: whose data there are, and which of them a newcomer goes on with.
//!
//! A plugin is its name and where it came from, and a release in another file is from somewhere else.
//! So a person says that it is a release of the same plugin, by naming the source it goes on from
//! ([decision 11](../../../docs/decisions/0011-a-release-in-another-file-is-said-to-be-one.md)).
//!
//! Invariant: what keeps data is not replaced by what does not see them, and data go to another file
//! only by a person's word.
//! Not here: which state of the data is chosen (`start`).

use std::fmt::Display;

use ax_manifest::{Identity, PluginName, Source};
use ax_registry::LockedPlugin;

use super::App;
use crate::kv::KvError;

/// Why a newcomer cannot go on with data, or go on without them.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// It would take the place of a plugin of another source that keeps data.
    #[error("`{plugin}` from `{installed}` keeps data, which one from `{coming}` would not see")]
    OutOfSight {
        /// Which plugin.
        plugin: PluginName,
        /// Where the installed one came from.
        installed: Source,
        /// Where the other one is.
        coming: Source,
    },
    /// Nothing of the source that was named is here.
    #[error("no `{plugin}` from `{named}` is installed or keeps data here")]
    Nothing {
        /// Which plugin.
        plugin: PluginName,
        /// The source that was named.
        named: Source,
        /// One that does keep data here.
        other: Option<Source>,
    },
    /// Whoever signs is not told by a person's word.
    #[error("only what is signed by `{named}` goes on with its data")]
    Signed {
        /// The source that was named.
        named: Source,
    },
    /// It cannot be told who keeps data.
    #[error("cannot use what plugins keep")]
    Kv(#[from] KvError),
}

impl OriginError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OutOfSight { plugin, installed, .. } => Some(format!(
                "if it is a release of the same plugin, add `--data-of {}`; to start with \
                 nothing: ax plugin remove {plugin}",
                quoted(installed)
            )),
            Self::Nothing { other: Some(other), .. } => {
                Some(format!("--data-of {}", quoted(other)))
            }
            Self::Nothing { other: None, .. } | Self::Signed { .. } => {
                Some("leave out --data-of".to_owned())
            }
            Self::Kv(error) => error.hint(),
        }
    }
}

/// Writes a text as a shell reads it back, whatever is in it.
#[must_use]
pub fn quoted(text: &impl Display) -> String {
    format!("'{}'", text.to_string().replace('\'', r"'\''"))
}

impl App {
    /// Says whose release a newcomer is: its own source's, or that of the source a person named.
    pub(super) fn origin(
        &self,
        own: &Identity,
        named: Option<&Source>,
        old: Option<&LockedPlugin>,
    ) -> Result<Identity, OriginError> {
        let Some(named) = named.filter(|named| **named != own.source) else {
            return Ok(own.clone());
        };
        if matches!(named, Source::Publisher(_)) {
            return Err(OriginError::Signed { named: named.clone() });
        }
        let is_installed = old.is_some_and(|old| old.source == *named);
        let kept = self.sources_with_data(&own.name)?;
        if !is_installed && !kept.contains(named) {
            let other = kept.into_iter().find(|kept| *kept != own.source);
            let (plugin, named) = (own.name.clone(), named.clone());
            return Err(OriginError::Nothing { plugin, named, other });
        }
        Ok(Identity { name: own.name.clone(), source: named.clone() })
    }

    /// Refuses to put a plugin in the place of one of another source that keeps data.
    pub(super) fn refuse_out_of_sight(
        &self,
        coming: &Identity,
        old: Option<&LockedPlugin>,
    ) -> Result<(), OriginError> {
        let Some(old) = old.filter(|old| old.source != coming.source) else { return Ok(()) };
        if !self.sources_with_data(&coming.name)?.contains(&old.source) {
            return Ok(());
        }
        let (plugin, installed) = (coming.name.clone(), old.source.clone());
        Err(OriginError::OutOfSight { plugin, installed, coming: coming.source.clone() })
    }

    /// Lists the sources of the same name that left data here, where the newcomer has none itself.
    pub(super) fn unseen(&self, coming: &Identity) -> Result<Vec<Source>, KvError> {
        let kept = self.sources_with_data(&coming.name)?;
        Ok(if kept.contains(&coming.source) { Vec::new() } else { kept })
    }

    /// Lists the sources of a name of which something was ever written.
    fn sources_with_data(&self, name: &PluginName) -> Result<Vec<Source>, KvError> {
        let written = self.kv.lineages()?.into_iter().filter(|(_, states)| states.is_written());
        // As identities write themselves; what reads otherwise is no plugin's.
        let before = format!("{name} from ");
        let source = |owner: String| owner.strip_prefix(&before)?.parse().ok();
        Ok(written.filter_map(|(owner, _)| source(owner)).collect())
    }
}
