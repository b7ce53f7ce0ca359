//! What an operator says of a provider.

use std::fmt::Display;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::secret::name::SecretName;

/// Time for one request, where nothing else is said.
const TIMEOUT_MS: u64 = 60_000;

/// The longest time for one request: an hour of thinking.
const TIMEOUT_MS_MAX: u64 = 3_600_000;

/// Further tries of one provider, where nothing else is said.
const RETRIES: u32 = 3;

/// Further tries at most: with doubling waits the tenth is a quarter of an hour away.
const RETRIES_MAX: u32 = 10;

/// Characters of a name, of a provider, a key or a model.
const NAME_CHARS_MAX: usize = 100;

/// Keys of one provider.
const KEYS_MAX: usize = 100;

/// Models of one provider: a proxy may offer hundreds.
const MODELS_MAX: usize = 1_000;

/// Bytes of a base URL: servers take lines of 8 KiB, and a path comes behind.
const URL_BYTES_MAX: usize = 2_000;

/// The last priority.
const PRIORITY_MAX: u8 = 10;

/// Which interface a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Claude's Messages.
    Claude,
    /// Gemini's generateContent.
    Gemini,
    /// OpenAI's chat completions.
    Openai,
    /// OpenAI's Responses.
    Responses,
    /// Chat completions as others offer them: Ollama, vLLM, llama.cpp.
    #[serde(alias = "openai-compatible", alias = "ollama", alias = "vllm", alias = "llama-cpp")]
    Compatible,
}

/// What an operator says of a provider. Keys are names of secrets, never the keys themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderConfig {
    /// What it is called everywhere.
    pub name: String,
    /// Which interface it speaks.
    pub kind: Kind,
    /// Whether it is asked.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// 1 to 10; 1 is asked first.
    #[serde(default = "first")]
    pub priority: u8,
    /// Names of secrets; none for a server that wants no key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Where it is, without what the interface adds; the provider's own place if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// On whose account, where a key opens several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Time for one request.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// Further tries.
    #[serde(default = "max_retries")]
    pub max_retries: u32,
    /// Requests that are begun in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Tokens that are read and written in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// The models that it answers with; all that it has if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// The model of a request that names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_model: Option<String>,
}

/// What is wrong with what an operator says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("provider `{provider}`: `{field}` {why}")]
pub struct ConfigError {
    /// The provider, as far as it has a name.
    pub provider: String,
    /// The key, as the configuration file spells it.
    pub field: &'static str,
    /// What is wrong with it, its bounds among that.
    pub why: String,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Claude, Self::Gemini, Self::Openai, Self::Responses, Self::Compatible];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Gemini => "gemini",
            Self::Openai => "openai",
            Self::Responses => "responses",
            Self::Compatible => "compatible",
        }
    }

    /// Where the provider itself offers it; none if anybody does.
    #[must_use]
    pub fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Claude => Some("https://api.anthropic.com"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1"),
            Self::Openai | Self::Responses => Some("https://api.openai.com/v1"),
            Self::Compatible => None,
        }
    }
}

impl ProviderConfig {
    /// A provider of a kind, at its own place, with every default.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            enabled: true,
            priority: first(),
            keys: Vec::new(),
            base_url: None,
            organisation: None,
            timeout_ms: TIMEOUT_MS,
            max_retries: RETRIES,
            requests_per_minute: None,
            tokens_per_minute: None,
            models: Vec::new(),
            default_model: None,
        }
    }

    /// Refuses what cannot be meant, naming the field and its bounds.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], of the first field that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |field: &'static str, why: String| {
            let provider = self.name.chars().filter(|it| !it.is_control()).take(NAME_CHARS_MAX);
            Err(ConfigError { provider: provider.collect(), field, why })
        };
        if let Some(why) = name_fault(&self.name) {
            return wrong("name", why);
        }
        if !(1..=PRIORITY_MAX).contains(&self.priority) {
            return wrong("priority", bounds(self.priority, 1, PRIORITY_MAX));
        }
        if !(1..=TIMEOUT_MS_MAX).contains(&self.timeout_ms) {
            return wrong("timeout-ms", bounds(self.timeout_ms, 1, TIMEOUT_MS_MAX));
        }
        if self.max_retries > RETRIES_MAX {
            return wrong("max-retries", bounds(self.max_retries, 0, RETRIES_MAX));
        }
        if self.requests_per_minute == Some(0) {
            return wrong("requests-per-minute", "is 0, and at least 1 is allowed".to_owned());
        }
        if self.tokens_per_minute == Some(0) {
            return wrong("tokens-per-minute", "is 0, and at least 1 is allowed".to_owned());
        }
        if self.keys.len() > KEYS_MAX {
            return wrong("keys", format!("has {}", bounds(self.keys.len(), 0, KEYS_MAX)));
        }
        if self.keys.iter().any(|it| is_key(it)) {
            return wrong("keys", "has what is a key itself, not the name of a secret".to_owned());
        }
        // What is no name may be the key itself: it is not repeated.
        if self.keys.iter().any(|it| it.parse::<SecretName>().is_err()) {
            return wrong("keys", "has what is no name of a secret".to_owned());
        }
        if self.models.len() > MODELS_MAX {
            return wrong("models", format!("has {}", bounds(self.models.len(), 0, MODELS_MAX)));
        }
        if let Some(why) = self.models.iter().find_map(|it| text_fault(it)) {
            return wrong("models", format!("has one that {why}"));
        }
        if let Some(why) = self.default_model.as_deref().and_then(text_fault) {
            return wrong("default-model", why);
        }
        let is_listed = |model: &String| self.models.is_empty() || self.models.contains(model);
        if let Some(model) = self.default_model.as_ref().filter(|model| !is_listed(model)) {
            return wrong("default-model", format!("is `{model}`, which `models` does not have"));
        }
        if let Some(why) = self.organisation.as_deref().and_then(text_fault) {
            return wrong("organisation", why);
        }
        match self.place() {
            Ok(_) => Ok(()),
            Err(why) => wrong("url", why),
        }
    }

    /// Returns where it is, without a slash at the end.
    pub(super) fn place(&self) -> Result<String, String> {
        let text = match (&self.base_url, self.kind.base_url()) {
            (Some(text), _) => text,
            (None, Some(place)) => return Ok(place.to_owned()),
            (None, None) => {
                return Err(
                    "is missing: a provider of the kind `compatible` has no place of its own"
                        .to_owned(),
                );
            }
        };
        if text.len() > URL_BYTES_MAX {
            return Err(format!("has {}", bounds(text.len(), 1, URL_BYTES_MAX)));
        }
        let url = reqwest::Url::parse(text).map_err(|error| format!("is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err("does not begin with `https://` or `http://` and a host".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has a user or a password, which belong into `keys`".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("has a query or a fragment".to_owned());
        }
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }

    /// Time for one request.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

impl ConfigError {
    /// Says what to write instead.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self.field {
            "url" => "write a base URL as `http://127.0.0.1:11434/v1`".to_owned(),
            "keys" => "write names of secrets; `ax secret set NAME` keeps a key".to_owned(),
            "default-model" => "add it to `models`, or name one of them".to_owned(),
            _ => return None,
        })
    }
}

/// Answers whether something begins as providers' keys do, rather than as anybody calls a secret.
fn is_key(text: &str) -> bool {
    let begins =
        |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    begins("sk-") || begins("AIza")
}

fn yes() -> bool {
    true
}

fn first() -> u8 {
    1
}

fn timeout_ms() -> u64 {
    TIMEOUT_MS
}

fn max_retries() -> u32 {
    RETRIES
}

/// Says what is wrong with a provider's name, which stands in logs, metrics and routes.
fn name_fault(name: &str) -> Option<String> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    let is_name = (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(is_plain);
    (!is_name)
        .then(|| format!("is no name of 1 to {NAME_CHARS_MAX} letters, digits, `-`, `_` and `.`"))
}

/// Says what is wrong with a word that goes to a provider.
fn text_fault(text: &str) -> Option<String> {
    let chars = text.chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&chars) {
        return Some(format!("has {} characters", bounds(chars, 1, NAME_CHARS_MAX)));
    }
    let is_odd = |it: char| it.is_control() || it.is_whitespace();
    text.contains(is_odd).then(|| "has spaces or control characters".to_owned())
}

fn bounds(found: impl Display, least: u32, most: impl Display) -> String {
    format!("is {found}, and {least} to {most} are allowed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> ProviderConfig {
        let base_url = Some("http://127.0.0.1:11434/v1/".to_owned());
        ProviderConfig { base_url, ..ProviderConfig::new("local", Kind::Compatible) }
    }

    fn refused(config: &ProviderConfig) -> &'static str {
        config.validate().unwrap_err().field
    }

    #[test]
    fn every_kind_has_its_defaults() {
        for kind in Kind::ALL {
            let text = format!(r#"{{ "name": "a", "kind": "{}" }}"#, kind.word());
            let read: ProviderConfig = serde_json::from_str(&text).unwrap();
            assert_eq!(read, ProviderConfig::new("a", kind));
            assert_eq!((read.priority, read.timeout_ms, read.max_retries), (1, 60_000, 3));
            assert_eq!(read.validate().is_ok(), kind != Kind::Compatible);
        }
        assert!(serde_json::from_str::<ProviderConfig>(r#"{ "name": "a", "kind": "x" }"#).is_err());
        for word in ["openai-compatible", "ollama", "vllm", "llama-cpp"] {
            assert_eq!(
                serde_json::from_str::<Kind>(&format!("{word:?}")).unwrap(),
                Kind::Compatible
            );
        }
        assert_eq!(local().place().unwrap(), "http://127.0.0.1:11434/v1");
    }

    #[test]
    fn bounds_hold_at_their_edges() {
        for (priority, is_allowed) in [(0, false), (1, true), (10, true), (11, false)] {
            assert_eq!(ProviderConfig { priority, ..local() }.validate().is_ok(), is_allowed);
        }
        for (timeout_ms, is_allowed) in
            [(0, false), (1, true), (3_600_000, true), (3_600_001, false)]
        {
            assert_eq!(ProviderConfig { timeout_ms, ..local() }.validate().is_ok(), is_allowed);
        }
        for (max_retries, is_allowed) in [(0, true), (10, true), (11, false)] {
            assert_eq!(ProviderConfig { max_retries, ..local() }.validate().is_ok(), is_allowed);
        }
        for (chars, is_allowed) in [(0, false), (1, true), (100, true), (101, false)] {
            let name = "x".repeat(chars);
            assert_eq!(
                ProviderConfig { name: name.clone(), ..local() }.validate().is_ok(),
                is_allowed
            );
            let models = vec![name.clone()];
            assert_eq!(ProviderConfig { models, ..local() }.validate().is_ok(), is_allowed);
            let organisation = Some(name);
            assert_eq!(ProviderConfig { organisation, ..local() }.validate().is_ok(), is_allowed);
        }
        for (count, is_allowed) in [(100, true), (101, false)] {
            let keys = vec!["key".to_owned(); count];
            assert_eq!(ProviderConfig { keys, ..local() }.validate().is_ok(), is_allowed);
        }
        for (count, is_allowed) in [(1_000, true), (1_001, false)] {
            let models = vec!["m".to_owned(); count];
            assert_eq!(ProviderConfig { models, ..local() }.validate().is_ok(), is_allowed);
        }
    }

    #[test]
    fn each_field_is_refused_by_its_name() {
        let name = "a b".to_owned();
        assert_eq!(refused(&ProviderConfig { name, ..local() }), "name");
        let requests_per_minute = Some(0);
        assert_eq!(
            refused(&ProviderConfig { requests_per_minute, ..local() }),
            "requests-per-minute"
        );
        let tokens_per_minute = Some(0);
        assert_eq!(refused(&ProviderConfig { tokens_per_minute, ..local() }), "tokens-per-minute");
        let keys = vec!["sk-ant-api03-THE/KEY ITSELF".to_owned()];
        assert_eq!(refused(&ProviderConfig { keys, ..local() }), "keys");
        for key in ["sk-ant-api03-abc", "SK-proj-abc", "AIzaSyAbc", "aizasyabc"] {
            let error = ProviderConfig { keys: vec![key.to_owned()], ..local() }.validate();
            let told = error.unwrap_err().to_string();
            let wanted = "`keys` has what is a key itself, not the name of a secret";
            assert_eq!(told, format!("provider `local`: {wanted}"));
        }
        for name in ["sk", "skeleton", "my-sk-key", "aiz"] {
            let keys = vec![name.to_owned()];
            ProviderConfig { keys, ..local() }.validate().unwrap();
        }
        let (models, default_model) = (vec!["a".to_owned()], Some("b".to_owned()));
        assert_eq!(refused(&ProviderConfig { models, default_model, ..local() }), "default-model");
        let organisation = Some("a\r\nx-evil: 1".to_owned());
        assert_eq!(refused(&ProviderConfig { organisation, ..local() }), "organisation");
    }

    #[test]
    fn a_base_url_is_a_place_and_nothing_more() {
        for odd in [
            "",
            "api.example.com",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://",
            "https://user@example.com",
            "https://:secret@example.com",
            "https://example.com?key=1",
            "https://example.com/#x",
            "unix:/run/x",
        ] {
            let base_url = Some(odd.to_owned());
            let error = ProviderConfig { base_url, ..local() }.validate().unwrap_err();
            assert_eq!(error.field, "url", "{odd}");
            assert!(error.hint().is_some());
            assert!(!error.to_string().contains("secret"));
        }
        for fine in ["https://example.com", "http://[::1]:8080/v1", "HTTPS://Example.com/a/b/"] {
            let base_url = Some(fine.to_owned());
            ProviderConfig { base_url, ..local() }.validate().unwrap();
        }
    }
}
