//! Why a plugin cannot be loaded, and why a call did not give an answer.
//!
//! Kinds are those of `ax:types/types.error-kind`, so that a failure reads the same to a guest, a
//! model and a person. Not here: exit codes and stable codes (`cli/fault.rs`).

use serde::Serialize;
use serde_json::Value;

use super::json::JsonError;
use super::limits::{Limit, Limits};
use super::value::ValueError;
use ax_manifest::{ByteSize, Span, nearest};

/// What a caller can do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The request is wrong and stays wrong.
    Invalid,
    /// Not granted.
    Denied,
    /// Granted, but a limit is used up.
    Exhausted,
    /// There is no such tool or thing.
    NotFound,
    /// A condition did not hold.
    Conflict,
    /// Failed, and may succeed later.
    Unavailable,
    /// Failed, and will not succeed if asked the same again.
    Failed,
    /// Whether the effect happened is not known.
    InDoubt,
    /// Somebody asked to stop.
    Cancelled,
    /// A kind this host does not know; the code says what it is.
    Other,
}

/// The code of the error that a guest gets where no model is set up, and mostly passes on.
pub(super) const NO_MODELS: &str = "no-models";

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Invalid,
        Self::Denied,
        Self::Exhausted,
        Self::NotFound,
        Self::Conflict,
        Self::Unavailable,
        Self::Failed,
        Self::InDoubt,
        Self::Cancelled,
        Self::Other,
    ];

    /// Reads the word of the WIT enum.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Returns the word of the WIT enum.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Denied => "denied",
            Self::Exhausted => "exhausted",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
            Self::InDoubt => "in-doubt",
            Self::Cancelled => "cancelled",
            Self::Other => "other",
        }
    }
}

/// Why a call did not give an answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The plugin offers no tool of that name.
    #[error("`{plugin}` has no tool `{tool}`")]
    NoSuchTool {
        /// The plugin that was asked.
        plugin: String,
        /// The name that was asked for.
        tool: String,
        /// The tools it has, sorted.
        known: Vec<String>,
    },
    /// The plugin has no agent of that name.
    #[error("`{plugin}` has no agent `{agent}`")]
    NoSuchAgent {
        /// The plugin that was asked.
        plugin: String,
        /// The name that was asked for.
        agent: String,
        /// The agents it has.
        known: Vec<String>,
    },
    /// The input does not fit the agent's schema.
    #[error("the input does not fit the agent: {why}")]
    AgentInput {
        /// Where, and what was expected.
        why: String,
    },
    /// The input is not JSON within bounds.
    #[error("the input is not usable JSON")]
    Json(#[from] JsonError),
    /// The input does not fit the tool's types.
    #[error("the input does not fit the tool")]
    Input(#[source] ValueError),
    /// A limit is used up.
    #[error("the call used up its limit on {}: {bound}{}", .limit.word(), instead(*.bytes))]
    Exhausted {
        /// Which one.
        limit: Limit,
        /// What it was, with its unit.
        bound: String,
        /// How many bytes there are instead, if they were counted.
        bytes: Option<u64>,
    },
    /// The guest crashed.
    #[error("the plugin crashed: {message}")]
    Trapped {
        /// What the engine says, without addresses of the host.
        message: String,
    },
    /// The guest ended its program instead of answering.
    #[error("the plugin ended itself with code {code} instead of answering")]
    Exited {
        /// The code it gave.
        code: i32,
    },
    /// The answer or an error held a secret, in one form or another.
    #[error("the answer held the secret `{secret}` and was withheld")]
    Leak {
        /// Its name.
        secret: String,
    },
    /// The secrets it may use cannot be read, so they could not be looked for either.
    #[error("the secrets this plugin may use cannot be read")]
    Secrets(#[source] crate::secret::error::SecretError),
    /// The tool answered with an error of its own.
    #[error("{message}")]
    Tool {
        /// What the plugin says the caller can do.
        kind: ErrorKind,
        /// The plugin's word for it.
        code: String,
        /// One sentence, scrubbed.
        message: String,
        /// Data that goes with it.
        data: Option<Value>,
    },
    /// The guest's answer is not what its types or its schema say.
    #[error("the plugin's answer is not usable: {why}")]
    Answer {
        /// What is wrong with it.
        why: String,
    },
    /// The instance could not be set up.
    #[error("the plugin could not be started: {message}")]
    Start {
        /// What the engine says.
        message: String,
    },
    /// Somebody asked to stop.
    #[error("the call was cancelled")]
    Cancelled,
    /// The call cannot be recorded, so it is not made.
    #[error("the call cannot be recorded in the audit log")]
    Audit(#[source] crate::audit::error::AuditError),
    /// What the call stood on was changed by something else before it had ended, so nothing of what it keeps
    /// was written.
    #[error("what the plugin keeps was changed by something else before the call had ended")]
    Conflict {
        /// The key that was changed, or how those begin that were.
        key: String,
    },
    /// The key of the call is that of another one.
    #[error("the key of this call was used for another tool or input")]
    KeyUsed,
    /// What a call with a key keeps cannot be read or written.
    #[error("what the plugin keeps cannot be used")]
    Keep(#[source] Box<crate::kv::KvError>),
    /// The task that ran the guest died; a defect of the host.
    #[error("the host lost the call")]
    Lost,
}

impl CallError {
    /// Returns what a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSuchTool { .. } | Self::NoSuchAgent { .. } => ErrorKind::NotFound,
            Self::Json(_) | Self::Input(_) | Self::AgentInput { .. } => ErrorKind::Invalid,
            Self::Exhausted { .. } => ErrorKind::Exhausted,
            Self::Trapped { .. } | Self::Exited { .. } | Self::Answer { .. } => ErrorKind::Failed,
            Self::Tool { kind, .. } => *kind,
            Self::Start { .. } | Self::Lost => ErrorKind::Failed,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Leak { .. } => ErrorKind::Denied,
            Self::Audit(_) | Self::Secrets(_) => ErrorKind::Unavailable,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::KeyUsed => ErrorKind::Invalid,
            Self::Keep(error) if error.is_transient() => ErrorKind::Unavailable,
            Self::Keep(_) => ErrorKind::Failed,
        }
    }

    /// Returns the word that goes with the kind: the plugin's own, or the limit that was used up; empty
    /// when there is none.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Tool { code, .. } => code,
            Self::Exhausted { limit, .. } => limit.word(),
            Self::Conflict { key } => key,
            Self::KeyUsed => "key",
            Self::NoSuchTool { .. }
            | Self::NoSuchAgent { .. }
            | Self::AgentInput { .. }
            | Self::Json(_)
            | Self::Input(_)
            | Self::Trapped { .. }
            | Self::Exited { .. }
            | Self::Leak { .. }
            | Self::Secrets(_)
            | Self::Answer { .. }
            | Self::Start { .. }
            | Self::Cancelled
            | Self::Audit(_)
            | Self::Keep(_)
            | Self::Lost => "",
        }
    }

    /// Answers whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Exhausted { limit, .. } => {
                matches!(limit, Limit::Concurrency | Limit::HostMemory | Limit::HostInstances)
            }
            Self::Tool { kind, .. } => *kind == ErrorKind::Unavailable,
            Self::Audit(_) | Self::Lost | Self::Conflict { .. } => true,
            Self::Keep(error) => error.is_transient(),
            Self::NoSuchTool { .. }
            | Self::NoSuchAgent { .. }
            | Self::AgentInput { .. }
            | Self::Json(_)
            | Self::Input(_)
            | Self::Trapped { .. }
            | Self::Exited { .. }
            | Self::Answer { .. }
            | Self::Start { .. }
            | Self::Leak { .. }
            | Self::Secrets(_)
            | Self::KeyUsed
            | Self::Cancelled => false,
        }
    }

    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuchTool { plugin, known, .. } if known.is_empty() => {
                Some(format!("`{plugin}` offers no tools; see `ax plugin show {plugin}`"))
            }
            Self::NoSuchTool { plugin, tool, known } => {
                Some(match nearest(tool, known.iter().map(String::as_str)) {
                    Some(meant) => format!("ax tool call {plugin}.{meant}"),
                    None => format!("ax tool list {plugin}"),
                })
            }
            Self::NoSuchAgent { plugin, agent, known } => {
                Some(match nearest(agent, known.iter().map(String::as_str)) {
                    Some(meant) => format!("ax agent run {plugin}.{meant}"),
                    None => "ax agent list".to_owned(),
                })
            }
            Self::AgentInput { .. } => Some("ax agent list shows what it takes".to_owned()),
            Self::Json(error) => error.hint(),
            Self::Input(error) => error.hint(),
            Self::Exhausted { limit, .. } => exhausted_hint(*limit).map(str::to_owned),
            Self::Trapped { .. } | Self::Exited { .. } => {
                Some("what it wrote before is shown above; run it again with -v".to_owned())
            }
            Self::Audit(error) => error.hint(),
            Self::Secrets(error) => error.hint(),
            Self::Keep(error) => error.hint(),
            Self::Conflict { .. } => Some("run it again; it sees what is there now".to_owned()),
            Self::Leak { secret } => Some(format!(
                "whoever answered gave the secret back; if its host is not to be trusted, set another \
                 value: ax secret set {secret}"
            )),
            Self::Tool { kind: ErrorKind::Unavailable, code, .. } if code == NO_MODELS => {
                Some("set a provider of models up: ax provider add".to_owned())
            }
            Self::Tool { .. }
            | Self::Answer { .. }
            | Self::Start { .. }
            | Self::Cancelled
            | Self::KeyUsed
            | Self::Lost => None,
        }
    }

    /// Returns whatever in it came from the guest.
    pub(super) fn said(&self) -> Vec<String> {
        let mut said = vec![self.to_string()];
        if let Self::Tool { code, data, .. } = self {
            said.push(code.clone());
            said.extend(data.as_ref().map(ToString::to_string));
        }
        said
    }

    /// Returns what the audit needs of an error that is told elsewhere too: its kind and its limit.
    pub(super) fn told_again(&self) -> Self {
        match self {
            Self::Exhausted { limit, bound, bytes } => {
                Self::Exhausted { limit: *limit, bound: bound.clone(), bytes: *bytes }
            }
            other => Self::Tool {
                kind: other.kind(),
                code: other.code().to_owned(),
                message: other.to_string(),
                data: None,
            },
        }
    }

    pub(super) fn exhausted(limit: Limit, limits: &Limits) -> Self {
        Self::Exhausted { limit, bound: bound(limit, limits), bytes: None }
    }

    /// Says that an answer is longer than it may be.
    pub(super) fn too_long(bytes: u64, limits: &Limits) -> Self {
        let limit = Limit::Result;
        Self::Exhausted { limit, bound: bound(limit, limits), bytes: Some(bytes) }
    }
}

/// Says how much there is instead of what may be.
fn instead(bytes: Option<u64>) -> String {
    bytes.map_or_else(String::new, |bytes| format!(", and it has {bytes} bytes"))
}

fn exhausted_hint(limit: Limit) -> Option<&'static str> {
    match limit {
        Limit::Fuel => Some("ask for more in its plugin.toml: [limits] fuel = 20_000_000_000"),
        Limit::Time => Some("ask for more in its plugin.toml: [limits] deadline = \"60 s\""),
        Limit::Memory => Some("ask for more in its plugin.toml: [limits] memory = \"128 MiB\""),
        Limit::Bytes => {
            Some("ask for more in its plugin.toml: [limits] hostcall-bytes = \"16 MiB\"")
        }
        Limit::Input => {
            Some("send less, or ask for more in its plugin.toml: [limits] input = \"2 MiB\"")
        }
        Limit::Result => {
            Some("ask for a smaller answer, or in its plugin.toml: [limits] result = \"2 MiB\"")
        }
        Limit::Concurrency => Some("try again when other calls of this plugin have ended"),
        Limit::WrittenBytes | Limit::WrittenFiles => {
            Some("revoke the grant and grant it anew; the count starts at nothing then")
        }
        Limit::HostMemory | Limit::HostInstances => {
            Some("try again when other calls have ended; `ax doctor` shows the bounds")
        }
        Limit::Tables
        | Limit::Instances
        | Limit::Stack
        | Limit::Log
        | Limit::Depth
        | Limit::Handles
        | Limit::Requests
        | Limit::BytesOut
        | Limit::BytesIn
        | Limit::Streams
        | Limit::Questions => None,
        Limit::Calls | Limit::Tokens | Limit::Cost => Some(
            "ask for more in its plugin.toml: [permissions] models = [{ tier = \"fast\", calls = 64 }]",
        ),
    }
}

fn bound(limit: Limit, limits: &Limits) -> String {
    use super::limits as fixed;
    let size = |bytes: u64| ByteSize(bytes).to_string();
    match limit {
        Limit::Fuel => limits.fuel.to_string(),
        Limit::Time => Span(limits.deadline).to_string(),
        Limit::Memory => size(limits.memory_bytes),
        Limit::Tables => {
            format!("{} tables of {} elements", fixed::TABLES, fixed::TABLE_ELEMENTS)
        }
        Limit::Instances => format!("{} core instances", fixed::CORE_INSTANCES),
        Limit::Stack => size(fixed::STACK_BYTES as u64),
        Limit::Bytes => format!(
            "{} a host call, {} a call",
            size(limits.host_call_bytes),
            size(fixed::HOST_CALLS_BYTES)
        ),
        Limit::Input => size(limits.input_bytes),
        Limit::Result => size(limits.result_bytes),
        Limit::Log => format!("{} lines, {}", limits.log_lines, size(limits.log_bytes)),
        Limit::Concurrency => {
            format!("{} calls at once, {} waiting", limits.concurrency, fixed::QUEUE)
        }
        Limit::Depth => format!("{} plugins deep", fixed::DEPTH),
        Limit::Handles => format!("{} open files and folders", fixed::HANDLES),
        Limit::Requests => format!("{} requests", fixed::REQUESTS),
        Limit::BytesOut => format!("{} sent", size(fixed::SENT_BYTES)),
        Limit::BytesIn => format!("{} received", size(fixed::RECEIVED_BYTES)),
        // A manifest may ask for another one, for each name.
        Limit::Calls => format!("{} requests to models", fixed::MODEL_CALLS),
        Limit::Tokens => format!("{} tokens of models", fixed::MODEL_TOKENS),
        Limit::Cost => format!("{} USD for models", ax_manifest::usd(fixed::MODEL_MICRO_USD)),
        Limit::Streams => format!("{} answers of models at once", fixed::MODEL_STREAMS),
        Limit::Questions => format!("{} questions of an agent", fixed::QUESTIONS),
        Limit::WrittenBytes => format!("{} more in a folder", size(fixed::WRITTEN_BYTES)),
        Limit::WrittenFiles => format!("{} more files in a folder", fixed::WRITTEN_FILES),
        Limit::HostMemory => "all guests together".to_owned(),
        Limit::HostInstances => "all live instances of this process".to_owned(),
    }
}

/// Why a component cannot be made ready to run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Compiling it was stopped, or the compiler refused it.
    #[error("cannot compile the component {component}")]
    Compile {
        /// Digest of the component.
        component: String,
        /// Why.
        source: super::jail::JailError,
    },
    /// The compiled code could not be mapped.
    #[error("cannot load the compiled component {component}: {message}")]
    Map {
        /// Digest of the component.
        component: String,
        /// What the engine says.
        message: String,
    },
    /// An import is missing or has another type than this host offers.
    #[error("the component does not fit this host: {message}")]
    Link {
        /// What the engine says.
        message: String,
    },
    /// The component needs more of something than any plugin may have.
    #[error("the component needs {needed} {what}, at most {max} are allowed")]
    TooMany {
        /// What it needs too many of.
        what: &'static str,
        /// How many it needs.
        needed: u64,
        /// How many it may have.
        max: u64,
    },
    /// A tool of the package is not exported by the component.
    #[error("the tool `{tool}` is not an export of the component")]
    MissingExport {
        /// The tool.
        tool: String,
    },
    /// The cache of compiled code cannot be used.
    #[error(transparent)]
    Cache(#[from] super::cache::CacheError),
}

impl LoadError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Compile { source, .. } => source.hint(),
            Self::Map { .. } => Some("ax doctor".to_owned()),
            Self::Link { .. } => Some("build it against the WIT packages of this host".to_owned()),
            Self::TooMany { .. } => None,
            Self::MissingExport { .. } => Some("ax plugin verify".to_owned()),
            Self::Cache(error) => error.hint(),
        }
    }
}
