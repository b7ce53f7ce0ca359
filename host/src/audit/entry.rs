//! What one record says, as the host hands it over.
//!
//! Invariant: an entry is cheap to build and to send (shared strings, integers, digests; no
//! formatting), and holds no secret: inputs appear only as digests, and an effect's target is what
//! the host decided on, before any secret is put into it. Whoever makes an entry has bounded what a
//! guest supplied; `encode` bounds once more what is stored.
//!
//! Not here: when it happened (`Audit::record` stamps it), and how it is bounded, scrubbed and
//! written (`encode`).

use std::borrow::Cow;
use std::sync::Arc;

use ax_manifest::Digest;
use serde::Serialize;
use serde_json::Value;

pub use super::trace_parent::TraceParent;

/// One thing that happened and the decision on it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The principal on whose behalf it happened: `user:501`, `mcp:claude-desktop`, `agent:<run>`.
    pub who: Arc<str>,
    /// The plugin concerned, as `namespace:name`; empty for a change that concerns none.
    pub plugin: Arc<str>,
    /// The component that ran; none for a change, or when nothing was loaded.
    pub component: Option<Digest>,
    /// What was decided.
    pub decision: Decision,
    /// The grant, policy rule or limit that decided, in its own text form; empty when the
    /// baseline did.
    pub rule: Arc<str>,
    /// Whether it was played with servers, files and a clock made for it (`ax test`): whatever it says
    /// happened, happened to those.
    pub is_rehearsal: bool,
    /// What happened.
    pub record: Record,
}

/// What the host decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It was let through; it may still have failed on its own.
    Allowed,
    /// A missing grant or a policy refused it before it had any effect.
    Denied,
    /// It was let through and then ended by a limit or an operator.
    Stopped,
}

impl Decision {
    /// Every decision, for help texts and filters.
    pub const ALL: [Self; 3] = [Self::Allowed, Self::Denied, Self::Stopped];

    /// The word stored in the column `decision`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Stopped => "stopped",
        }
    }
}

/// The three kinds of record.
#[derive(Debug, Clone)]
pub enum Record {
    /// A tool call, written once it has ended.
    Call(Call),
    /// One effect worth its own row: denied, or reaching outside the host.
    Effect(Effect),
    /// Something an operator did.
    Change(Change),
}

impl Record {
    /// The words stored in the column `kind`, for help texts and filters.
    pub const KINDS: [&'static str; 3] = ["call", "effect", "change"];

    /// The word stored in the column `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::Effect(_) => "effect",
            Self::Change(_) => "change",
        }
    }
}

/// A tool call from admission to answer.
#[derive(Debug, Clone)]
pub struct Call {
    /// Identifies the call; its effects carry the same id.
    pub call_id: Arc<str>,
    /// The tool, without its plugin.
    pub tool: Arc<str>,
    /// The digest of the input; the input itself is never recorded.
    pub input: Digest,
    /// How it ended.
    pub outcome: Outcome,
    /// Where it belongs in a trace of whoever called, if they said so.
    pub trace_parent: Option<TraceParent>,
    /// What it used.
    pub usage: Usage,
    /// Effects that have no row of their own, counted by permission and rule.
    pub effects: Vec<EffectCount>,
}

/// One effect at the host's boundary.
#[derive(Debug, Clone)]
pub struct Effect {
    /// The call it belongs to.
    pub call_id: Arc<str>,
    /// The tool that was running.
    pub tool: Arc<str>,
    /// What it needed, in the permission grammar: `net:https://example.com:GET`.
    pub permission: Arc<str>,
    /// What it was aimed at: a path below a granted folder, an origin. Never a query or a header.
    pub target: Arc<str>,
    /// The digest of what was sent, if anything was.
    pub input: Option<Digest>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it used.
    pub usage: Usage,
}

/// An operator's action on the installation.
#[derive(Debug, Clone)]
pub struct Change {
    /// What was done.
    pub action: Action,
    /// What it was done to: a plugin, a permission, a secret by its name.
    pub subject: Arc<str>,
    /// Everything needed to read the change later, such as the card that was accepted;
    /// [`Value::Null`] for nothing.
    pub detail: Value,
}

/// What an operator can do that is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A plugin was installed or replaced.
    PluginAdd,
    /// A plugin was removed, its grants with it.
    PluginRemove,
    /// A plugin may be called again.
    PluginEnable,
    /// A plugin may not be called any more.
    PluginDisable,
    /// What no generation names was removed.
    PluginPrune,
    /// A permission was granted.
    PermissionGrant,
    /// A permission was taken back.
    PermissionRevoke,
    /// A secret was set or replaced; its name is the subject.
    SecretSet,
    /// A secret was removed; its name is the subject.
    SecretRemove,
    /// A program may come in; the name of its token is the subject.
    TokenAdd,
    /// A program may not come in any more; the name of its token is the subject.
    TokenRemove,
}

impl Action {
    /// The word stored as `action`: noun, dot, verb, as on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::PluginAdd => "plugin.add",
            Self::PluginRemove => "plugin.remove",
            Self::PluginEnable => "plugin.enable",
            Self::PluginDisable => "plugin.disable",
            Self::PluginPrune => "plugin.prune",
            Self::PermissionGrant => "permission.grant",
            Self::PermissionRevoke => "permission.revoke",
            Self::SecretSet => "secret.set",
            Self::SecretRemove => "secret.remove",
            Self::TokenAdd => "token.add",
            Self::TokenRemove => "token.remove",
        }
    }
}

/// How a call or an effect ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It returned a result.
    Ok,
    /// It failed; the kind of error, such as `fuel`, `denied` or `guest`, never its message.
    Error(Cow<'static, str>),
}

impl Outcome {
    /// Makes a failure of `kind`.
    pub fn error(kind: &'static str) -> Self {
        Self::Error(Cow::Borrowed(kind))
    }
}

/// What a call or an effect used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Fuel, in Wasmtime's units (about one per instruction).
    pub fuel: u64,
    /// The most linear memory held at once, in bytes.
    pub memory_peak_bytes: u64,
    /// Bytes the host gave to the guest.
    pub bytes_in: u64,
    /// Bytes the guest gave to the host.
    pub bytes_out: u64,
    /// Wall-clock duration, in microseconds.
    pub duration_us: u64,
    /// Cost in millionths of a US dollar; 0 until something has a price.
    pub cost_micro_usd: u64,
}

/// Effects of one permission decided by one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectCount {
    /// What was needed, in the permission grammar.
    pub permission: Arc<str>,
    /// The grant or policy rule that decided.
    pub rule: Arc<str>,
    /// How often.
    pub count: u64,
}
