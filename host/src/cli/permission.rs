//! `ax permission`: show, grant, revoke.

use ax_manifest::{Ask, Grant, GrantScope, Permission, PluginName};
use serde_json::{Value, json};

use super::args::{PermissionCommand, ScopeArgs};
use super::fault::CliError;
use super::output::Output;
use super::plugin::scope;
use super::render::date;
use crate::app::{App, InstalledPlugin};

pub(super) fn run(app: &App, output: Output, command: PermissionCommand) -> Result<(), CliError> {
    match command {
        PermissionCommand::Show { plugin } => show(app, output, plugin.as_ref()),
        PermissionCommand::Grant { plugin, permission, scope } => {
            grant(app, output, &plugin, &permission, &scope)
        }
        PermissionCommand::Revoke { plugin, permission } => {
            revoke(app, output, &plugin, &permission)
        }
    }
}

fn show(app: &App, output: Output, only: Option<&PluginName>) -> Result<(), CliError> {
    let generation = app.current()?;
    let names: Vec<PluginName> = match only {
        Some(name) => vec![name.clone()],
        None => generation.lock.plugins.keys().cloned().collect(),
    };
    let mut plugins = Vec::new();
    for name in &names {
        plugins.push(app.installed(&generation, name)?);
    }
    let values: Vec<Value> = plugins
        .iter()
        .map(|plugin| {
            json!({
                "plugin": plugin.identity.name.to_string(),
                "source": plugin.identity.source.to_string(),
                "asks": asks_json(&plugin.config.manifest.permissions),
                "grants": grants_json(generation.grants.get(&plugin.identity)),
            })
        })
        .collect();
    output.data(&values, || {
        let now_ms = app.clock().now_ms();
        let text = plugins.iter().map(|plugin| {
            let grants = generation.grants.get(&plugin.identity);
            format!("{}\n{}", plugin.identity, rows(plugin, grants, now_ms))
        });
        text.collect()
    });
    Ok(())
}

/// Writes what a plugin asks for, each with what was granted.
pub(super) fn rows(plugin: &InstalledPlugin, grants: &[Grant], now_ms: u64) -> String {
    let asks = &plugin.config.manifest.permissions;
    if asks.is_empty() {
        return "  asks for nothing\n".to_owned();
    }
    let mut text = String::new();
    for ask in asks {
        text.push_str(&format!("  {}  {}\n", ask.permission, ask.permission.plain_words()));
        let about = |grant: &&Grant| {
            grant.permission.covers(&ask.permission) || ask.permission.covers(&grant.permission)
        };
        let held: Vec<String> =
            grants.iter().filter(about).map(|held| state(held, now_ms)).collect();
        match held.is_empty() {
            true => text.push_str("      not granted\n"),
            false => held.iter().for_each(|held| text.push_str(&format!("      {held}\n"))),
        }
    }
    text
}

fn state(grant: &Grant, now_ms: u64) -> String {
    format!("{}: {}", term(grant, now_ms), grant.permission)
}

/// Says where and until when a grant counts.
pub(super) fn term(grant: &Grant, now_ms: u64) -> String {
    let place = match &grant.scope {
        GrantScope::Once => "for the next call".to_owned(),
        GrantScope::Project(folder) => format!("in {}", folder.display()),
        GrantScope::Always => "always".to_owned(),
    };
    match grant.expires_at_ms {
        Some(end) if end <= now_ms => format!("ended {}", date(end)),
        Some(end) => format!("granted {place} until {}", date(end)),
        None => format!("granted {place}"),
    }
}

/// Writes what a manifest asks for as JSON.
pub(super) fn asks_json(asks: &[Ask]) -> Value {
    let row = |ask: &Ask| {
        json!({
            "permission": ask.permission.to_string(),
            "words": ask.permission.plain_words(),
            "reason": ask.reason,
        })
    };
    asks.iter().map(row).collect()
}

/// Writes grants as JSON.
pub(super) fn grants_json(grants: &[Grant]) -> Value {
    let row = |grant: &Grant| {
        json!({
            "permission": grant.permission.to_string(),
            "scope": grant.scope.to_string(),
            "grantedAtMs": grant.granted_at_ms,
            "expiresAtMs": grant.expires_at_ms,
        })
    };
    grants.iter().map(row).collect()
}

fn grant(
    app: &App,
    output: Output,
    plugin: &PluginName,
    permission: &Permission,
    args: &ScopeArgs,
) -> Result<(), CliError> {
    let (scope, expires_at_ms) = scope(app, args)?;
    let generation = app.grant(plugin, permission, scope, expires_at_ms)?;
    let value = json!({
        "plugin": plugin.to_string(),
        "permission": permission.to_string(),
        "generation": generation,
    });
    output.data(&value, String::new);
    output.note(&format!("granted: {plugin} may {}", permission.plain_words()));
    Ok(())
}

fn revoke(
    app: &App,
    output: Output,
    plugin: &PluginName,
    permission: &Permission,
) -> Result<(), CliError> {
    let revoked = app.revoke(plugin, permission)?;
    output.data(&grants_json(&revoked), String::new);
    for grant in &revoked {
        output.note(&format!("revoked: {plugin} {}", grant.permission));
    }
    Ok(())
}
