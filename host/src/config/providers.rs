//! `[providers.NAME]` of the user's file: which models may be asked, where, and with which secrets.
//!
//! ```toml
//! [providers.claude]
//! kind = "claude"
//! keys = ["anthropic-key"]
//! default-model = "claude-sonnet-5-5"
//!
//! [providers.local]
//! kind = "compatible"
//! url = "http://127.0.0.1:11434/v1"
//! priority = 2
//! ```
//!
//! Invariant: only the user's file says so: a project's file may come from a stranger, who could have the
//! person's words sent elsewhere. A key is the name of a secret, never the key.
//! Not here: what the values may be (`provider::ProviderConfig`), asking (`provider`, `router`).

use std::collections::BTreeMap;

use crate::config::document::{Entry, Located, entries};
use crate::config::error::FileFlaw;
use crate::provider::{self, Kind, ProviderConfig};
use ax_manifest::Quoted;

/// Providers of one installation.
pub const PROVIDERS_MAX: usize = 50;

/// The keys of one provider.
const KEYS: &[&str] = &[
    "default-model",
    "enabled",
    "keys",
    "kind",
    "max-retries",
    "models",
    "organisation",
    "priority",
    "requests-per-minute",
    "timeout-ms",
    "tokens-per-minute",
    "url",
];

/// Numbers whose own bounds are those of the provider's configuration.
const ANY: std::ops::RangeInclusive<u32> = 0..=u32::MAX;

/// What is wrong in the section.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFlaw {
    /// More providers than there can be.
    #[error("there are more than {max} providers")]
    TooMany {
        /// Providers there may be.
        max: usize,
    },
    /// A provider that does not say which interface it speaks.
    #[error("provider {} has no `kind`", Quoted(.provider))]
    NoKind {
        /// Its name.
        provider: String,
    },
    /// Not an interface that is spoken here.
    #[error("`kind` is {}, which is not one of {KINDS}", Quoted(.found))]
    NotAKind {
        /// What was written.
        found: String,
    },
    /// A provider that cannot be meant.
    #[error(transparent)]
    Config(provider::ConfigError),
}

/// The kinds, as an error lists them.
const KINDS: &str = "claude, gemini, openai, responses, compatible";

impl ProviderFlaw {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::TooMany { max } => format!("keep the {max} that are asked"),
            Self::NoKind { .. } => format!("write `kind = \"claude\"`; there are {KINDS}"),
            Self::NotAKind { .. } => "write `kind = \"compatible\"` for what speaks as OpenAI \
                                      does: Ollama, vLLM, llama.cpp"
                .to_owned(),
            Self::Config(error) => {
                error.hint().unwrap_or_else(|| "ax config show --sources".to_owned())
            }
        }
    }
}

/// Reads the section.
pub(super) fn parse(section: &Entry<'_>) -> Result<BTreeMap<String, ProviderConfig>, Located> {
    let mut providers = BTreeMap::new();
    for (name, entry) in entries(section.table()?, "providers") {
        if providers.len() == PROVIDERS_MAX {
            return Err(
                entry.wrong_key(FileFlaw::Provider(ProviderFlaw::TooMany { max: PROVIDERS_MAX }))
            );
        }
        providers.insert(name.to_owned(), provider(name, &entry)?);
    }
    Ok(providers)
}

fn provider(name: &str, section: &Entry<'_>) -> Result<ProviderConfig, Located> {
    let table = section.table()?;
    let kind = entries(table, &section.key).find(|(key, _)| *key == "kind");
    let Some((_, kind)) = kind else {
        return Err(section
            .wrong_key(FileFlaw::Provider(ProviderFlaw::NoKind { provider: name.to_owned() })));
    };
    let mut read = ProviderConfig::new(name, kind_of(&kind)?);
    for (key, entry) in entries(table, &section.key) {
        match key {
            "kind" => {}
            "enabled" => read.enabled = entry.truth()?,
            "priority" => {
                read.priority = u8::try_from(entry.number(&ANY)?).unwrap_or(u8::MAX);
            }
            "keys" => read.keys = texts(&entry)?,
            "url" => read.base_url = Some(entry.text()?.to_owned()),
            "organisation" => read.organisation = Some(entry.text()?.to_owned()),
            "timeout-ms" => read.timeout_ms = entry.number(&ANY)?.into(),
            "max-retries" => read.max_retries = entry.number(&ANY)?,
            "requests-per-minute" => read.requests_per_minute = Some(entry.number(&ANY)?),
            "tokens-per-minute" => read.tokens_per_minute = Some(entry.number(&ANY)?.into()),
            "models" => read.models = texts(&entry)?,
            "default-model" => read.default_model = Some(entry.text()?.to_owned()),
            other => return Err(entry.unknown(other, KEYS)),
        }
    }
    read.validate()
        .map_err(|error| section.wrong_key(FileFlaw::Provider(ProviderFlaw::Config(error))))?;
    Ok(read)
}

fn kind_of(entry: &Entry<'_>) -> Result<Kind, Located> {
    let text = entry.text()?;
    Kind::ALL.into_iter().find(|kind| kind.word() == text).ok_or_else(|| {
        entry.wrong(FileFlaw::Provider(ProviderFlaw::NotAKind { found: text.to_owned() }))
    })
}

fn texts(entry: &Entry<'_>) -> Result<Vec<String>, Located> {
    entry.list()?.map(|item| item.text().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_lists_every_kind() {
        assert_eq!(Kind::ALL.map(Kind::word).join(", "), KINDS);
    }
}
