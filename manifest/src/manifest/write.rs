//! A manifest back into the shape it is read from.
//!
//! Invariant: what is written parses to the same manifest; there is no `null` in it, so it can
//! become TOML too.
//! Not here: reading, and the layout of a `plugin.toml` for people (`ax new`).

use serde_json::{Map, Value};

use crate::manifest::asks::key_of;
use crate::manifest::{Ask, LimitRequests, Manifest, PluginSection, Reuse, ToolNotes};
use crate::permission::{NetRule, PathPattern, Permission};

/// A table in the making; members that are `None` are left out.
#[derive(Default)]
struct Table(Map<String, Value>);

impl Table {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn put_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn put_filled(&mut self, key: &str, table: Map<String, Value>) {
        if !table.is_empty() {
            self.put(key, table);
        }
    }
}

/// Writes the whole manifest.
pub(super) fn to_json(manifest: &Manifest) -> Value {
    let mut file = Table::default();
    file.put("plugin", plugin(&manifest.plugin));
    let dependencies = manifest
        .dependencies
        .iter()
        .map(|(name, wanted)| (name.to_string(), wanted.to_string().into()))
        .collect();
    file.put_filled("dependencies", dependencies);
    file.put_filled("permissions", permissions(&manifest.permissions));
    file.put_filled("limits", limits(&manifest.limits));
    let tools =
        manifest.tools.iter().map(|(name, notes)| (name.clone(), tool(notes).into())).collect();
    file.put_filled("tools", tools);
    file.put_some("config", manifest.config.clone());
    file.0.into()
}

fn plugin(section: &PluginSection) -> Map<String, Value> {
    let mut table = Table::default();
    table.put("name", section.name.as_str());
    table.put("version", section.version.to_string());
    table.put("description", section.description.as_str());
    table.put_some("license", section.license.as_deref());
    table.put_some("homepage", section.homepage.as_deref());
    table.put("host", section.host.to_string());
    table.put("component", section.component.as_str());
    if section.reuse != Reuse::default() {
        table.put("reuse", section.reuse.word());
    }
    table.0
}

/// Writes `[limits]`.
pub(super) fn limits(limits: &LimitRequests) -> Map<String, Value> {
    let mut table = Table::default();
    table.put_some("fuel", limits.fuel);
    table.put_some("deadline", limits.deadline.map(|span| span.to_string()));
    table.put_some("memory", limits.memory.map(|size| size.to_string()));
    table.put_some("input", limits.input.map(|size| size.to_string()));
    table.put_some("result", limits.result.map(|size| size.to_string()));
    table.put_some("log-lines", limits.log_lines);
    table.put_some("log-bytes", limits.log_bytes.map(|size| size.to_string()));
    table.put_some("concurrency", limits.concurrency);
    table.put_some("hostcall-bytes", limits.hostcall_bytes.map(|size| size.to_string()));
    table.0
}

fn tool(notes: &ToolNotes) -> Map<String, Value> {
    let mut table = Table::default();
    table.put_some("title", notes.title.as_deref());
    table.put_some("description", notes.description.as_deref());
    table.put_some("read-only", notes.read_only);
    table.put_some("destructive", notes.destructive);
    table.put_some("idempotent", notes.idempotent);
    table.put_some("open-world", notes.open_world);
    table.0
}

fn permissions(asks: &[Ask]) -> Map<String, Value> {
    let mut sections = Map::new();
    for ask in asks {
        let key = key_of(ask.permission.kind()).to_owned();
        match &ask.permission {
            Permission::Kv => {
                let mut table = Table::default();
                table.put_some("bytes", ask.quota.bytes.map(|size| size.to_string()));
                table.put_some("reason", ask.reason.as_deref());
                sections.insert(key, table.0.into());
            }
            Permission::Events { direction, .. } => {
                let events = sections.entry(key).or_insert_with(|| Map::new().into());
                if let Value::Object(events) = events {
                    push(events, direction.word().to_owned(), entry(ask));
                }
            }
            Permission::Net(_)
            | Permission::Secret { .. }
            | Permission::Models { .. }
            | Permission::Tools(_)
            | Permission::Services { .. }
            | Permission::Memory(_)
            | Permission::Agents { .. }
            | Permission::Fs { .. }
            | Permission::Env { .. } => push(&mut sections, key, entry(ask)),
        }
    }
    sections
}

fn push(sections: &mut Map<String, Value>, key: String, entry: Value) {
    if let Value::Array(entries) = sections.entry(key).or_insert_with(|| Vec::<Value>::new().into())
    {
        entries.push(entry);
    }
}

/// Writes one entry of a list: a plain string where a name says all, else a table.
fn entry(ask: &Ask) -> Value {
    let mut table = Table::default();
    match &ask.permission {
        Permission::Net(rule) => put_net(&mut table, rule),
        Permission::Secret { name, to } => {
            table.put("name", name.as_str());
            table.put("to", to.to_string());
            table.put_some("header", ask.header.as_deref());
        }
        Permission::Models { tier } => {
            table.put("tier", tier.as_str());
            table.put_some("calls", ask.quota.calls);
            table.put_some("tokens", ask.quota.tokens);
            table.put_some("cost-usd", ask.quota.micro_usd.map(usd_number));
        }
        Permission::Fs { folder, access } => {
            table.put("path", folder.as_str());
            table.put("access", access.word());
        }
        Permission::Kv
        | Permission::Tools(_)
        | Permission::Services { .. }
        | Permission::Events { .. }
        | Permission::Memory(_)
        | Permission::Agents { .. }
        | Permission::Env { .. } => {
            let name = name_in_list(&ask.permission);
            if ask.reason.is_none() {
                return name.into();
            }
            table.put("name", name);
        }
    }
    table.put_some("reason", ask.reason.as_deref());
    table.0.into()
}

/// Returns what follows the kind, and the direction of an event, in the text of a permission.
fn name_in_list(permission: &Permission) -> String {
    match permission {
        Permission::Events { topic, .. } => topic.clone(),
        other => {
            let text = other.to_string();
            text.split_once(':').map_or(String::new(), |(_, detail)| detail.to_owned())
        }
    }
}

/// Writes millionths of a US dollar as a number that is read back as the same.
fn usd_number(micro_usd: u64) -> Value {
    // Both are whole numbers below 2^53, so the nearest number to their quotient has its six places.
    #[expect(clippy::cast_precision_loss, reason = "a manifest asks for less than 2^53")]
    let usd = micro_usd as f64 / 1_000_000.0;
    usd.into()
}

fn put_net(table: &mut Table, rule: &NetRule) {
    // A rule for everywhere has no origin; a manifest cannot ask it, so `*` is never read back.
    table.put("to", rule.origin().map_or_else(|| "*".to_owned(), ToString::to_string));
    let methods: Vec<&str> = rule.methods().iter().map(|method| method.word()).collect();
    table.put("methods", methods);
    let paths: Vec<&str> = rule.paths().iter().map(PathPattern::as_str).collect();
    if !paths.is_empty() {
        table.put("paths", paths);
    }
    if rule.honours_key() {
        table.put("idempotency-key", true);
    }
}
