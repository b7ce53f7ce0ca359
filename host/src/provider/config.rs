//! What an operator says of a provider.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Time for one request, where nothing else is said.
pub const TIMEOUT_MS: u64 = 60_000;

/// The longest time for one request: an hour of thinking.
pub const TIMEOUT_MS_MAX: u64 = 3_600_000;

/// Further tries of one provider, where nothing else is said.
pub const RETRIES: u32 = 3;

/// Further tries at most: with doubling waits the tenth is a quarter of an hour away.
pub const RETRIES_MAX: u32 = 10;

/// Characters of a name, of a provider, a key or a model.
pub const NAME_CHARS_MAX: usize = 100;

/// Keys of one provider.
pub const KEYS_MAX: usize = 100;

/// Models of one provider: a proxy may offer hundreds.
pub const MODELS_MAX: usize = 1_000;

/// Characters of a base URL or an organisation.
const TEXT_CHARS_MAX: usize = 2_000;

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
    /// The field.
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
            Self::Gemini => Some("https://generativelanguage.googleapis.com"),
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
        None
    }
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
