//! The permission card: what a plugin could do here, in plain words, before anyone agrees.
//!
//! Its digest covers every fact on it, the component's digest included, so accepting a card by
//! digest (`--accept-card`) accepts these bytes with these permissions on these folders and
//! nothing else.

use std::collections::{BTreeMap, BTreeSet};

use ax_manifest::{
    Ask, ByteSize, Digest, Identity, Permission, PermissionKind, PluginName, Policies, Source,
    ToolPattern,
};
use ax_registry::{LockedPlugin, Lockfile};
use semver::Version;
use serde::Serialize;

use super::policy::PolicyNote;
use crate::plugin::{Budget, Folder, Injection, Lowered, Raise};

/// Plugins followed when the reach through other plugins is computed; calls go 8 deep.
const REACH_DEPTH: usize = 8;

/// What a card says of a plugin that can be the policy of the router.
const RANKS: &str = "chooses which model is asked, if `router.policy` names it";

/// What a person is shown before a plugin is installed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    /// Name and source: whose grants these would be.
    pub plugin: PluginName,
    /// Where it comes from.
    pub source: String,
    /// The source with whose data it goes on, if that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_of: Option<String>,
    /// Its version.
    pub version: Version,
    /// What it says it is for.
    pub description: String,
    /// Who vouches for it.
    pub publisher: &'static str,
    /// Digest of the component.
    pub component: Digest,
    /// Size of the component in bytes.
    pub size_bytes: u64,
    /// Its tools.
    pub tools: Vec<String>,
    /// Its agents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<String>,
    /// What the host asks of it besides, in plain words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub serves: Vec<&'static str>,
    /// What it asks for.
    pub permissions: Vec<CardPermission>,
    /// Limits it asks to be raised.
    pub raises: Vec<Raise>,
    /// Limits that the policies in force hold below what it would have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lowered: Vec<Lowered>,
    /// What it reaches through other plugins, if granted: `ax:fetch: net:https://…`.
    pub reach: Vec<String>,
    /// Whether it can reach the network by any path, if everything is granted.
    pub network: bool,
}

/// One permission on the card.
#[derive(Debug, Clone, Serialize)]
pub struct CardPermission {
    /// The permission in its grammar.
    pub permission: Permission,
    /// The same in plain words.
    pub words: String,
    /// The author's reason.
    pub reason: Option<String>,
    /// For a secret: the header of requests that carries it, with `{}` for the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// For models: what one call may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// The folder it is about, absolute; none if it is not bound here or not about one.
    pub path: Option<String>,
    /// Why granting it has no effect on this host, if so.
    pub idle: Option<&'static str>,
    /// What the policies in force take away of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyNote>,
}

/// What the card is made from.
pub(super) struct Facts<'a> {
    /// Whose data and grants it will have.
    pub(super) identity: &'a Identity,
    /// Where it was read from.
    pub(super) source: &'a Source,
    pub(super) version: &'a Version,
    pub(super) description: &'a str,
    pub(super) component: Digest,
    pub(super) size_bytes: u64,
    pub(super) tools: Vec<String>,
    pub(super) agents: Vec<String>,
    /// It can be the policy that orders models.
    pub(super) ranks: bool,
    pub(super) asks: &'a [Ask],
    pub(super) raises: Vec<Raise>,
    pub(super) lowered: Vec<Lowered>,
    pub(super) policies: &'a Policies,
}

impl Card {
    pub(super) fn new(facts: Facts<'_>, folders: &[Folder], lock: &Lockfile) -> Self {
        let asked: Vec<&Permission> = facts.asks.iter().map(|ask| &ask.permission).collect();
        let reach = reach(&asked, &lock.plugins);
        let permissions = facts.asks.iter().map(|ask| shown(ask, folders, &facts)).collect();
        let network = asked.iter().copied().chain(&reach.permissions).any(reaches_network);
        Self {
            plugin: facts.identity.name.clone(),
            source: facts.source.to_string(),
            data_of: (facts.identity.source != *facts.source)
                .then(|| facts.identity.source.to_string()),
            version: facts.version.clone(),
            description: facts.description.to_owned(),
            publisher: "none: it is not signed",
            component: facts.component,
            size_bytes: facts.size_bytes,
            tools: facts.tools,
            agents: facts.agents,
            serves: facts.ranks.then_some(RANKS).into_iter().collect(),
            permissions,
            raises: facts.raises,
            lowered: facts.lowered,
            reach: reach.lines,
            network,
        }
    }

    /// Answers whether there is anything to agree to.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.permissions.is_empty() && self.raises.is_empty()
    }

    /// Returns the digest of all that the card says.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // The field order is fixed and every value has one text form.
        let said = serde_json::to_vec(self).expect("a card holds only text, numbers and lists");
        Digest::of(&said)
    }

    /// Lists what it offers to callers and to the host, a line each.
    fn offers(&self) -> Vec<String> {
        let listed = |what: &str, names: &[String]| format!("  {what:<10} {}", names.join(", "));
        let mut lines = Vec::new();
        match (self.tools.is_empty(), self.agents.is_empty()) {
            (true, true) => lines.push("  tools      none".to_owned()),
            (false, _) => lines.push(listed("tools", &self.tools)),
            (true, false) => {}
        }
        if !self.agents.is_empty() {
            lines.push(listed("agents", &self.agents));
        }
        lines.extend(self.serves.iter().map(|served| format!("  serves     {served}")));
        lines
    }

    /// Writes the card as people read it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        line(format!("{} {}  {}", self.plugin, self.version, self.description));
        line(format!("  from       {}", self.source));
        if let Some(origin) = &self.data_of {
            line(format!("  data of    {origin}"));
        }
        line(format!("  publisher  {}", self.publisher));
        line(format!("  component  {} ({})", self.component.short(), rounded(self.size_bytes)));
        self.offers().into_iter().for_each(&mut line);
        if self.permissions.is_empty() {
            line("  asks for   nothing".to_owned());
        } else {
            line("  asks to".to_owned());
        }
        for entry in &self.permissions {
            let mut text = format!("    - {}", entry.words);
            match &entry.path {
                Some(path) => text.push_str(&format!(" ({path})")),
                None if entry.permission.kind() == PermissionKind::Fs => {
                    text.push_str(" (not bound to a folder here)");
                }
                None => {}
            }
            line(text);
            line(format!("        {}", entry.permission));
            if let Some(budget) = &entry.budget {
                line(format!("        {budget}"));
            }
            if let Some(header) = &entry.header {
                line(format!("        as the header `{header}`"));
            }
            if let Some(reason) = &entry.reason {
                line(format!("        because: {reason}"));
            }
            if let Some(idle) = entry.idle {
                line(format!("        {idle}"));
            }
            if let Some(note) = &entry.policy {
                line(format!("        {note}"));
            }
        }
        for raise in &self.raises {
            line(format!(
                "    - use more {}: {} instead of {}",
                raise.key, raise.asked, raise.default
            ));
        }
        for lowered in &self.lowered {
            line(format!("    - by policy at most {} of {}", lowered.max, lowered.key));
        }
        for reached in &self.reach {
            line(format!("    through {reached}"));
        }
        line(format!(
            "  network    {}",
            if self.network { "yes, as listed" } else { "none, by any path" }
        ));
        out
    }
}

fn rounded(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => ByteSize(bytes.div_ceil(1 << 20) << 20).to_string(),
    }
}

fn shown(ask: &Ask, folders: &[Folder], facts: &Facts<'_>) -> CardPermission {
    let path = match &ask.permission {
        Permission::Fs { folder, .. } => folders
            .iter()
            .find(|bound| bound.name() == folder)
            .map(|bound| bound.path().display().to_string()),
        _ => None,
    };
    CardPermission {
        words: ask.permission.plain_words(),
        header: Injection::header_of(ask).map(str::to_owned),
        budget: Budget::asked(ask).map(|budget| budget.words()),
        reason: ask.reason.clone(),
        path,
        idle: idle(&ask.permission),
        policy: PolicyNote::unless_allowed(facts.policies, &facts.identity.name, &ask.permission),
        permission: ask.permission.clone(),
    }
}

/// Says why granting a permission has no effect yet. Only what this host serves can be used.
pub(super) fn idle(permission: &Permission) -> Option<&'static str> {
    match permission {
        Permission::Fs { .. }
        | Permission::Env { .. }
        | Permission::Kv
        | Permission::Net(_)
        | Permission::Models { .. }
        | Permission::Tools(_)
        | Permission::Secret { .. } => None,
        Permission::Services { .. }
        | Permission::Events { .. }
        | Permission::Memory(_)
        | Permission::Agents { .. } => Some("this host does not serve it yet; host 0.3 will"),
    }
}

fn reaches_network(permission: &Permission) -> bool {
    // Asking a model sends text to its provider.
    matches!(permission.kind(), PermissionKind::Net | PermissionKind::Models)
}

struct Reach {
    lines: Vec<String>,
    permissions: BTreeSet<Permission>,
}

/// Follows tools and services into the plugins that offer them: a callee acts under its own
/// permissions, so whoever may call it reaches what it reaches.
fn reach(asked: &[&Permission], plugins: &BTreeMap<PluginName, LockedPlugin>) -> Reach {
    let mut found = Reach { lines: Vec::new(), permissions: BTreeSet::new() };
    let mut seen = BTreeSet::new();
    let mut front = callees(asked.iter().copied(), plugins);
    for _ in 0..REACH_DEPTH {
        let mut next = BTreeSet::new();
        for name in front {
            let Some(plugin) = plugins.get(&name).filter(|_| seen.insert(name.clone())) else {
                continue;
            };
            for permission in plugin.permissions.iter() {
                found.lines.push(format!("{name}: {permission}"));
                found.permissions.insert(permission.clone());
            }
            next.extend(callees(plugin.permissions.iter(), plugins));
        }
        front = next;
    }
    found.lines.sort();
    found
}

fn callees<'a>(
    permissions: impl Iterator<Item = &'a Permission>,
    plugins: &BTreeMap<PluginName, LockedPlugin>,
) -> BTreeSet<PluginName> {
    let mut names = BTreeSet::new();
    for permission in permissions {
        match permission {
            Permission::Tools(pattern) => {
                names.extend(plugins.keys().filter(|name| may_name(pattern, name)).cloned());
            }
            Permission::Services { plugin, .. } => {
                names.extend(plugins.keys().filter(|name| *name == plugin).cloned());
            }
            Permission::Kv
            | Permission::Net(_)
            | Permission::Secret { .. }
            | Permission::Models { .. }
            | Permission::Events { .. }
            | Permission::Memory(_)
            | Permission::Agents { .. }
            | Permission::Fs { .. }
            | Permission::Env { .. } => {}
        }
    }
    names
}

fn may_name(pattern: &ToolPattern, name: &PluginName) -> bool {
    match pattern {
        ToolPattern::Any => true,
        ToolPattern::AllOf(plugin) => plugin == name,
        ToolPattern::One(tool) => tool.plugin == *name,
    }
}
