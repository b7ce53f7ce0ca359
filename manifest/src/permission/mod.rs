//! The grammar of permissions: one text for the manifest, errors, hints, grants, policy and audit.
//!
//! ```text
//! kv                                                  secret:github-token@https://api.github.com
//! net:https://api.github.com:GET,HEAD:/repos/**       models:fast         tools:ax:fetch.get
//! services:ax:notes/search    events:publish:review.*     events:subscribe:task.completed
//! memory:private    memory:shared:team    agents:reviewer    fs:workspace:read    env:LANG
//! ```
//!
//! `*` in the place of a name stands for all of them; it is for policies, and a manifest may not
//! use it alone.
//!
//! Invariant: a parsed permission is canonical. Its text parses to itself, and two permissions that
//! cover each other are equal, so sets of them can be compared by text.
//! Not here: who holds a permission (`grant`), which import needs which kind (`capability`), what
//! an operator takes away (`policy`).

mod covers;
mod error;
mod net;
mod origin;
mod overlap;
mod parse;
mod path;
mod set;
mod url;
mod words;

use crate::name::{PluginName, ToolId};

pub use error::{Flaw, PermissionError};
pub use net::{Method, NetRule};
pub use origin::{HostPattern, Origin, Scheme};
pub use path::PathPattern;
pub use set::{PermissionDifference, PermissionSet};
pub use url::{RequestUrl, URL_BYTES_MAX, UrlError};

pub(crate) use parse::{check_length, parse_detail};

/// Bytes of the text of one permission: a long list of paths fits, and a card can still show it.
pub const PERMISSION_BYTES_MAX: usize = 2 * 1024;

/// Stands for every name where a single name is expected.
pub(crate) const ANY: &str = "*";

/// Stands for the model of a request that names none.
pub const DEFAULT_MODEL: &str = "default";

/// What somebody may do. Fields hold canonical text; use [`str::parse`] to build one from input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// `kv`: keep data of its own in the key-value store.
    Kv,
    /// `net:…`: send HTTP requests.
    Net(NetRule),
    /// `secret:name@origin`: have a secret added to requests toward an origin.
    Secret {
        /// The secret, kebab-case or `*`.
        name: String,
        /// Where it may be sent.
        to: Origin,
    },
    /// `models:name`: ask models.
    Models {
        /// What a request says as its model: a tier, a model's own name, `default` for none, or `*`.
        tier: String,
    },
    /// `tools:plugin.tool`: call tools of other plugins.
    Tools(ToolPattern),
    /// `services:plugin/service`: use a service of another plugin.
    Services {
        /// Whose service.
        plugin: PluginName,
        /// The service, kebab-case or `*`.
        service: String,
    },
    /// `events:publish:topic`, `events:subscribe:topic`.
    Events {
        /// To send or to receive.
        direction: EventDirection,
        /// Kebab-case words between full stops; a last word `*` stands for one or more words.
        topic: String,
    },
    /// `memory:private`, `memory:shared:name`.
    Memory(MemoryScope),
    /// `agents:name`: hand work to an agent.
    Agents {
        /// The agent, kebab-case or `*`.
        name: String,
    },
    /// `fs:folder:access`: open files.
    Fs {
        /// The folder's name, kebab-case or `*`; the operator binds it to a path.
        folder: String,
        /// What may be done there.
        access: Access,
    },
    /// `env:NAME`: see an environment variable.
    Env {
        /// The variable, or `*`.
        name: String,
    },
}

impl Permission {
    /// Answers whether what it opens could change something outside of this host.
    pub fn changes_outside(&self) -> bool {
        match self {
            Self::Fs { access, .. } => *access == Access::Write,
            Self::Net(rule) => !rule.methods().iter().all(|method| method.only_reads()),
            Self::Tools(_) | Self::Services { .. } | Self::Events { .. } | Self::Agents { .. } => {
                true
            }
            Self::Kv
            | Self::Secret { .. }
            | Self::Models { .. }
            | Self::Memory(_)
            | Self::Env { .. } => false,
        }
    }

    /// Returns what is left of it when nothing outside may be changed; nothing if that is all it opens.
    pub fn reading(&self) -> Option<Self> {
        match self {
            Self::Net(rule) => rule.reading().map(Self::Net),
            other if other.changes_outside() => None,
            other => Some(other.clone()),
        }
    }

    /// Returns the permission to do the same again under the same key; none where nothing needs it.
    pub fn again(&self) -> Option<Self> {
        match self {
            Self::Net(rule) => rule.clone().honouring_key().ok().map(Self::Net),
            _ => None,
        }
    }

    /// Returns the kind, the word before the first colon.
    pub fn kind(&self) -> PermissionKind {
        match self {
            Self::Kv => PermissionKind::Kv,
            Self::Net(_) => PermissionKind::Net,
            Self::Secret { .. } => PermissionKind::Secret,
            Self::Models { .. } => PermissionKind::Models,
            Self::Tools(_) => PermissionKind::Tools,
            Self::Services { .. } => PermissionKind::Services,
            Self::Events { .. } => PermissionKind::Events,
            Self::Memory(_) => PermissionKind::Memory,
            Self::Agents { .. } => PermissionKind::Agents,
            Self::Fs { .. } => PermissionKind::Fs,
            Self::Env { .. } => PermissionKind::Env,
        }
    }
}

/// The kinds of permission, in the order in which a card shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PermissionKind {
    /// The key-value store.
    Kv,
    /// HTTP requests.
    Net,
    /// Secrets added to requests.
    Secret,
    /// Models.
    Models,
    /// Tools of other plugins.
    Tools,
    /// Services of other plugins.
    Services,
    /// Events.
    Events,
    /// Memory.
    Memory,
    /// Agents.
    Agents,
    /// Files in folders.
    Fs,
    /// Environment variables.
    Env,
}

impl PermissionKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Kv,
        Self::Net,
        Self::Secret,
        Self::Models,
        Self::Tools,
        Self::Services,
        Self::Events,
        Self::Memory,
        Self::Agents,
        Self::Fs,
        Self::Env,
    ];

    /// Returns the word before the first colon of such a permission.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::Net => "net",
            Self::Secret => "secret",
            Self::Models => "models",
            Self::Tools => "tools",
            Self::Services => "services",
            Self::Events => "events",
            Self::Memory => "memory",
            Self::Agents => "agents",
            Self::Fs => "fs",
            Self::Env => "env",
        }
    }

    /// Returns a permission of this kind that parses, to show what one looks like.
    pub fn example(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::Net => "net:https://api.github.com:GET,HEAD:/repos/**",
            Self::Secret => "secret:github-token@https://api.github.com",
            Self::Models => "models:fast",
            Self::Tools => "tools:ax:fetch.get",
            Self::Services => "services:ax:notes/search",
            Self::Events => "events:publish:review.*",
            Self::Memory => "memory:private",
            Self::Agents => "agents:reviewer",
            Self::Fs => "fs:workspace:read",
            Self::Env => "env:LANG",
        }
    }
}

/// What may be done in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// List and read.
    Read,
    /// Read, create, change and remove.
    Write,
}

impl Access {
    /// Returns the word in the text form.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// Which way an event goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventDirection {
    /// From the plugin to others.
    Publish,
    /// From others to the plugin.
    Subscribe,
}

impl EventDirection {
    /// Returns the word in the text form.
    pub fn word(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
        }
    }
}

/// Which memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemoryScope {
    /// The plugin's own.
    Private,
    /// One that others use too: its name, kebab-case or `*`.
    Shared(String),
}

/// Which tools.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ToolPattern {
    /// `*`: every tool of every plugin.
    Any,
    /// `ax:fetch.*`: every tool of one plugin.
    AllOf(PluginName),
    /// `ax:fetch.get`: one tool.
    One(ToolId),
}
