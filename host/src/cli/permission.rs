//! `ax permission`: show, grant, revoke.

use ax_manifest::{Ask, Grant, GrantScope, Permission, PluginName};
use serde_json::{Value, json};

use super::args::{PermissionCommand, ScopeArgs};
use super::fault::CliError;
use super::output::Output;
use super::plugin::{scope, warn_of};
use super::render::date;
use crate::app::{App, InstalledPlugin, PolicyNote};

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
    let plugins = match only {
        Some(name) => vec![app.installed(&generation, name)?],
        None => {
            let found = app.installed_among(&generation, generation.lock.plugins.keys());
            warn_of(output, &found.damaged);
            found.whole
        }
    };
    let notes = plugins.iter().map(|plugin| policy_notes(app, plugin));
    let notes = notes.collect::<Result<Vec<Notes>, CliError>>()?;
    let values: Vec<Value> = plugins
        .iter()
        .zip(&notes)
        .map(|(plugin, notes)| {
            json!({
                "plugin": plugin.identity.name.to_string(),
                "source": plugin.identity.source.to_string(),
                "asks": asks_json(&plugin.config.manifest.permissions, notes),
                "grants": grants_json(generation.grants.get(&plugin.identity)),
            })
        })
        .collect();
    output.data(&values, || {
        let now_ms = app.clock().now_ms();
        let text = plugins.iter().zip(&notes).map(|(plugin, notes)| {
            let grants = generation.grants.get(&plugin.identity);
            format!("{}\n{}", plugin.identity, rows(plugin, grants, notes, now_ms))
        });
        text.collect()
    });
    Ok(())
}

/// What policies take away, for each permission that a plugin asks for.
pub(super) type Notes = Vec<Option<PolicyNote>>;

/// Finds what policies take away of what a plugin asks for.
pub(super) fn policy_notes(app: &App, plugin: &InstalledPlugin) -> Result<Notes, CliError> {
    let asks = plugin.config.manifest.permissions.iter();
    Ok(app.policy_notes(&plugin.identity.name, asks.map(|ask| &ask.permission))?)
}

/// Writes what a plugin asks for, each with what was granted and what a policy says.
pub(super) fn rows(
    plugin: &InstalledPlugin,
    grants: &[Grant],
    notes: &[Option<PolicyNote>],
    now_ms: u64,
) -> String {
    let asks = &plugin.config.manifest.permissions;
    if asks.is_empty() {
        return "  asks for nothing\n".to_owned();
    }
    let mut text = String::new();
    for (ask, note) in asks.iter().zip(notes) {
        text.push_str(&format!("  {}  {}\n", ask.permission, ask.permission.plain_words()));
        if let Some(budget) = plugin.budget(ask) {
            text.push_str(&format!("      {}\n", budget.words()));
        }
        let about = |grant: &&Grant| {
            grant.permission.covers(&ask.permission) || ask.permission.covers(&grant.permission)
        };
        let held: Vec<String> =
            grants.iter().filter(about).map(|held| state(held, now_ms)).collect();
        match held.is_empty() {
            true => text.push_str("      not granted\n"),
            false => held.iter().for_each(|held| text.push_str(&format!("      {held}\n"))),
        }
        if let Some(note) = note {
            text.push_str(&format!("      {note}\n"));
        }
    }
    text
}

/// Says where and until when a grant counts, and what for.
pub(super) fn state(grant: &Grant, now_ms: u64) -> String {
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
pub(super) fn asks_json(asks: &[Ask], notes: &[Option<PolicyNote>]) -> Value {
    let row = |(ask, note): (&Ask, &Option<PolicyNote>)| {
        let mut row = json!({
            "permission": ask.permission.to_string(),
            "words": ask.permission.plain_words(),
            "reason": ask.reason,
        });
        if let Some(note) = note {
            row["policy"] = json!(note);
        }
        row
    };
    asks.iter().zip(notes).map(row).collect()
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
    let granted = app.grant(plugin, permission, scope, expires_at_ms)?;
    let mut value = json!({
        "plugin": plugin.to_string(),
        "permission": permission.to_string(),
        "generation": granted.generation,
    });
    if let Some(note) = &granted.policy {
        value["policy"] = json!(note);
    }
    output.data(&value, String::new);
    output.note(&format!("granted: {plugin} may {}", permission.plain_words()));
    if let Some(note) = &granted.policy
        && !output.is_json()
    {
        output.warn(&note.to_string());
    }
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
