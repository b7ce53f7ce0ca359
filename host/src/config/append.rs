//! Adds a provider to the user's file: the one change that this program makes to it.
//!
//! Invariant: what stands in the file stays as it is, character by character; the whole is read as it will be
//! before anything is written, and put in its place at once.
//! Not here: what a provider may be (`provider`), locking (`app`).

use std::io;
use std::path::{Path, PathBuf};

use crate::config::error::ConfigError;
use crate::config::{file, user};
use crate::folder;
use crate::provider::{self, ProviderConfig};

/// Why a provider cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The file is wrong before or after.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is one of that name.
    #[error("there is a provider `{name}` already")]
    Exists {
        /// Its name.
        name: String,
        /// The file that names it.
        path: PathBuf,
    },
    /// It cannot be meant.
    #[error(transparent)]
    Provider(#[from] provider::ConfigError),
    /// The file cannot be written.
    #[error("`{path}` cannot be written", path = .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl AppendError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => Some(error.hint()),
            Self::Exists { name, path } => Some(format!(
                "change what stands below `[providers.{name}]` in `{}`, or choose another name",
                path.display()
            )),
            Self::Provider(error) => error.hint(),
            Self::Write { path, .. } => {
                Some(format!("look whose it is, and at the space on its disk: ls -ld {}", {
                    path.display()
                }))
            }
        }
    }
}

/// Adds a provider at the end of the user's file, which is made if it is not there.
///
/// # Errors
///
/// [`AppendError`]; the file is then as it was.
pub fn add_provider(path: &Path, added: &ProviderConfig) -> Result<(), AppendError> {
    added.validate()?;
    // Through a link, to the file that a person keeps elsewhere.
    let path = fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let text = file::read(&path)?.unwrap_or_default();
    let parsed = user::parse(&text, None).map_err(|error| file::located(&path, &text, error))?;
    if parsed.providers.contains_key(&added.name) {
        return Err(AppendError::Exists { name: added.name.clone(), path });
    }
    let gap = match text.is_empty() {
        true => "",
        false if text.ends_with('\n') => "\n",
        false => "\n\n",
    };
    let whole = format!("{text}{gap}{}", table(added));
    user::parse(&whole, None).map_err(|error| file::located(&path, &whole, error))?;
    replace(&path, &whole).map_err(|source| AppendError::Write { path, source })
}

/// Writes what differs from the defaults.
fn table(config: &ProviderConfig) -> String {
    let ProviderConfig {
        name,
        kind,
        enabled,
        priority,
        keys,
        base_url,
        organisation,
        timeout_ms,
        max_retries,
        requests_per_minute,
        tokens_per_minute,
        models,
        default_model,
    } = config;
    let usual = ProviderConfig::new(name.as_str(), *kind);
    let list = |items: &[String]| {
        let items: Vec<_> = items.iter().map(|item| quoted(item)).collect();
        (!items.is_empty()).then(|| format!("[{}]", items.join(", ")))
    };
    let text = |value: &Option<String>| value.as_deref().map(quoted);
    let lines = [
        ("kind", Some(quoted(kind.word()))),
        ("enabled", (!enabled).then(|| "false".to_owned())),
        ("priority", (*priority != usual.priority).then(|| priority.to_string())),
        ("keys", list(keys)),
        ("url", text(base_url)),
        ("organisation", text(organisation)),
        ("timeout-ms", (*timeout_ms != usual.timeout_ms).then(|| timeout_ms.to_string())),
        ("max-retries", (*max_retries != usual.max_retries).then(|| max_retries.to_string())),
        ("requests-per-minute", requests_per_minute.map(|it| it.to_string())),
        ("tokens-per-minute", tokens_per_minute.map(|it| it.to_string())),
        ("models", list(models)),
        ("default-model", text(default_model)),
    ];
    let lines = lines.into_iter().filter_map(|(key, value)| Some(format!("{key} = {}\n", value?)));
    let name = if name.contains('.') { quoted(name) } else { name.clone() };
    format!("[providers.{name}]\n{}", lines.collect::<String>())
}

/// Writes a basic string of TOML. What was validated has no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    folder::replace_synced(path, text.as_bytes(), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Kind;

    fn added(text: &str, config: &ProviderConfig) -> Result<String, AppendError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/config.toml");
        if !text.is_empty() {
            std::fs::create_dir(path.parent().unwrap()).unwrap();
            fs_err::write(&path, text).unwrap();
        }
        let done = add_provider(&path, config);
        let now = fs_err::read_to_string(&path).unwrap_or_default();
        match done {
            Ok(()) => Ok(now),
            Err(error) => {
                assert_eq!(now, text, "a refusal changes nothing");
                Err(error)
            }
        }
    }

    #[test]
    fn what_was_added_is_what_is_read() {
        let mut config = ProviderConfig::new("a.b", Kind::Compatible);
        config.base_url = Some("http://127.0.0.1:11434/v1".to_owned());
        config.models = vec!["lla\"ma\\3".to_owned(), "b".to_owned()];
        config.priority = 3;
        config.keys = vec!["my-key".to_owned()];
        config.enabled = false;
        config.tokens_per_minute = Some(5);
        config.default_model = Some("b".to_owned());
        let before = "# mine\ncolor = 'never' # why\n[folders]\na = '/srv'";
        let text = added(before, &config).unwrap();
        assert!(text.starts_with(before), "{text}");
        let read = user::parse(&text, None).unwrap();
        assert_eq!(read.providers.into_values().collect::<Vec<_>>(), [config.clone()]);
        let text = added("", &config).unwrap();
        assert_eq!(user::parse(&text, None).unwrap().providers["a.b"], config);
    }

    #[test]
    fn what_is_there_or_wrong_is_refused() {
        let config = ProviderConfig::new("claude", Kind::Claude);
        let there = added("[providers.claude]\nkind = 'gemini'\n", &config);
        assert!(matches!(there, Err(AppendError::Exists { .. })), "{there:?}");
        let wrong = added("colour = 1\n", &config);
        assert!(matches!(wrong, Err(AppendError::Config(_))), "{wrong:?}");
        // Tables cannot be opened twice in TOML.
        let inline = added("providers = { a = { kind = 'claude' } }\n", &config);
        assert!(matches!(inline, Err(AppendError::Config(_))), "{inline:?}");
        let odd = added("", &ProviderConfig::new("a b", Kind::Claude));
        assert!(matches!(odd, Err(AppendError::Provider(_))), "{odd:?}");
    }
}
