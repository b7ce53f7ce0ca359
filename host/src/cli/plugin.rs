//! `ax plugin`: add, list, show, remove, enable, disable, verify; `prune` has a file of its own.

use ax_manifest::{GrantScope, PluginName, Source, Warning};
use serde_json::{Value, json};

use super::args::{ConsentArgs, PluginCommand, Scope, ScopeArgs};
use super::backtrace::Backtrace;
use super::fault::CliError;
use super::output::Output;
use super::render::{self, counted, table};
use super::{permission, prompt, prune, tool};
use crate::app::{
    App, Candidate, Card, Consent, InstallError, Installed, LeftBehind, LookupError, Named,
    StateError, find, outdated, parse_expiry, quoted,
};
use crate::plugin::{MigrateError, scrub};

/// Bytes of a printed card: more than 128 permissions with reasons take.
const CARD_BYTES: usize = 64 << 10;

pub(super) fn run(app: &App, output: Output, command: PluginCommand) -> Result<(), CliError> {
    match command {
        PluginCommand::Add { path, name, release, own_data, data_of, consent } => {
            let named = name.map(|name| Named { name, version: release });
            let mut candidate = app.prepare(&path, named.as_ref(), data_of.as_ref())?;
            candidate.own_data = own_data;
            if let Some(what) = outdated(&path) {
                output.note(&format!("note: {what}: ax build"));
            }
            add(app, output, &candidate, consent)
        }
        PluginCommand::List => list(app, output),
        PluginCommand::Show { plugin } => show(app, output, &plugin),
        PluginCommand::Remove { plugin } => remove(app, output, &plugin),
        PluginCommand::Enable { plugin } => set_enabled(app, output, &plugin, true),
        PluginCommand::Disable { plugin } => set_enabled(app, output, &plugin, false),
        PluginCommand::Verify { plugin } => verify(app, output, plugin.as_ref()),
        PluginCommand::Prune(args) => prune::run(app, output, &args),
    }
}

fn add(
    app: &App,
    output: Output,
    candidate: &Candidate,
    args: ConsentArgs,
) -> Result<(), CliError> {
    for warning in &candidate.warnings {
        let plugin = &candidate.card.plugin;
        output.warn(&match warning {
            Warning::Unused { permission } => {
                format!("`{plugin}` asks for `{permission}` and imports nothing that could use it")
            }
            Warning::Dependency { on } => {
                format!("`{plugin}` depends on `{on}`, which is not installed with it")
            }
        });
    }
    let decided = args.grant_nothing || args.accept_card.is_some() || !args.allow.is_empty();
    // Nobody is asked to agree to what they were not shown.
    let unseen = output.is_json() || (output.is_quiet() && decided);
    if !unseen {
        output.show(&scrub(&candidate.card.text(), CARD_BYTES));
        output.show(&changes(candidate));
        for left in app.leaves(candidate)? {
            let changes = counted(left.changes, "change");
            output.show(&format!("  leaves     {changes} by {} behind\n", left.version));
        }
        for source in &candidate.unseen {
            output.show(&format!("  leaves     the data of the one from {source}\n"));
        }
    }
    let consent = agree(app, output, candidate, args)?;
    let installed = app.install(candidate, &consent).inspect_err(|error| {
        if let InstallError::State(StateError::Migrate { source, .. }) = error {
            how_it_ended(app, output, candidate, source);
        }
    })?;
    report(output, candidate, &installed);
    Ok(())
}

/// Shows what a migration that failed said, and where it was, as a call shows it.
fn how_it_ended(app: &App, output: Output, candidate: &Candidate, error: &MigrateError) {
    let MigrateError::Call { trail, .. } = error else { return };
    tool::show_log(output, &trail.log, true);
    let here = match &candidate.identity.source {
        Source::Folder(project) => project,
        Source::File(_) | Source::Publisher(_) => &app.config().directory.value,
    };
    let component = &candidate.card.component;
    let backtrace = Backtrace::of(app, here, component, &trail.backtrace, output.is_verbose());
    output.show(&backtrace.text());
}

/// Finds out what the person agrees to: by flag, by prompt, or not at all.
fn agree(
    app: &App,
    output: Output,
    candidate: &Candidate,
    args: ConsentArgs,
) -> Result<Consent, CliError> {
    let card = &candidate.card;
    if args.grant_nothing {
        return Ok(Consent::Nothing);
    }
    let (scope, expires_at_ms) = scope(app, &args.scope)?;
    if let Some(accepted) = args.accept_card {
        return Ok(Consent::accept(card, accepted, scope, expires_at_ms)?);
    }
    if !args.allow.is_empty() {
        return Ok(Consent::allow(card, args.allow, &scope, expires_at_ms)?);
    }
    if card.is_empty() {
        return Ok(Consent::Nothing);
    }
    if prompt::can_ask(app, output) {
        return prompt::consent(app, candidate);
    }
    Err(InstallError::ConsentMissing {
        plugin: card.plugin.to_string(),
        card: Box::new(card.clone()),
    }
    .into())
}

/// Reads `--scope` and `--expires`.
pub(super) fn scope(app: &App, args: &ScopeArgs) -> Result<(GrantScope, Option<u64>), CliError> {
    let scope = match args.scope {
        Scope::Once => GrantScope::Once,
        Scope::Always => GrantScope::Always,
        Scope::Project => app.project_scope()?,
    };
    let now_ms = app.clock().now_ms();
    let expires = args.expires.as_deref().map(|text| parse_expiry(text, now_ms)).transpose()?;
    Ok((scope, expires))
}

/// Says what changes when another release of the same name is there.
fn changes(candidate: &Candidate) -> String {
    let Some(old) = &candidate.replaces else { return String::new() };
    let mut text = format!("  replaces   {}\n", old.version);
    if !old.same_identity {
        text.push_str("  it comes from another source: nothing granted before carries over\n");
        return text;
    }
    for permission in &old.difference.added {
        text.push_str(&format!("    + {permission}\n"));
    }
    for permission in &old.difference.removed {
        text.push_str(&format!("    - {permission}\n"));
    }
    text
}

/// Says what is not in the data of what was installed, and how to come back to it.
fn left_behind(card: &Card, left: &LeftBehind) -> String {
    let LeftBehind { version, changes } = left;
    let (are, them) = if *changes == 1 { ("is", "it") } else { ("are", "them") };
    format!(
        "{} by {version} {are} not in the data of {} {}; to go on with {them}, install {version} \
         with --own-data",
        counted(*changes, "change"),
        card.plugin,
        card.version,
    )
}

fn report(output: Output, candidate: &Candidate, installed: &Installed) {
    let card = &candidate.card;
    let name = card.plugin.to_string();
    let not_granted: Vec<String> = installed.not_granted.iter().map(ToString::to_string).collect();
    if output.is_json() {
        let mut value = json!({
            "plugin": name,
            "version": card.version.to_string(),
            "component": card.component,
            "card": card.digest(),
            "generation": installed.generation,
            "changed": installed.changed,
            "notGranted": not_granted,
            "tools": card.tools,
        });
        if !installed.left.is_empty() {
            value["leftBehind"] = json!(installed.left);
        }
        if !candidate.unseen.is_empty() {
            value["unseenDataOf"] = json!(candidate.unseen);
        }
        output.json_line(&value);
        return;
    }
    match installed.changed {
        true => output.note(&format!("installed {name} {}", card.version)),
        false => output.note(&format!("{name} {} is installed already", card.version)),
    }
    for left in &installed.left {
        output.warn(&left_behind(card, left));
    }
    for source in &candidate.unseen {
        output.warn(&format!(
            "{name} {} does not see the data of the one from {source}; if they are its own, add \
             it with --data-of {}",
            card.version,
            quoted(source)
        ));
    }
    for permission in not_granted {
        output.note(&format!("not granted: {permission}"));
    }
    if let Some(call) = candidate.first_call() {
        output.note(&format!("try: ax tool call {call}"));
    }
}

fn list(app: &App, output: Output) -> Result<(), CliError> {
    let generation = app.current()?;
    // What is installed can be listed, and removed, whatever the state of the policies.
    let policies = app.policies().inspect_err(|error| output.warn(&error.to_string())).ok();
    let is_kept_out =
        |name: &PluginName| policies.is_some_and(|policies| policies.admits(name).is_err());
    let plugins: Vec<Value> = generation
        .lock
        .plugins
        .iter()
        .map(|(name, locked)| {
            let mut row = json!({
                "plugin": name.to_string(),
                "version": locked.version.to_string(),
                "enabled": locked.enabled,
                "source": locked.source.to_string(),
                "component": locked.component.to_string(),
            });
            if is_kept_out(name) {
                row["keptOut"] = json!(true);
            }
            row
        })
        .collect();
    output.data(&plugins, || {
        if plugins.is_empty() {
            return "no plugins are installed; ax plugin add FOLDER\n".to_owned();
        }
        table(generation.lock.plugins.iter().map(|(name, locked)| {
            [
                ("PLUGIN", name.to_string()),
                ("VERSION", locked.version.to_string()),
                ("STATE", state(locked.enabled, is_kept_out(name)).to_owned()),
                ("SOURCE", locked.source.to_string()),
            ]
        }))
    });
    Ok(())
}

/// Names the plugins that a list leaves out, since their packages cannot be read.
pub(super) fn warn_of(output: Output, damaged: &[LookupError]) {
    for error in damaged {
        let hint = error.hint().map_or_else(String::new, |hint| format!("; {hint}"));
        output.warn(&format!("{error}{hint}"));
    }
}

fn state(is_enabled: bool, is_kept_out: bool) -> &'static str {
    match (is_enabled, is_kept_out) {
        (false, _) => "off",
        (true, true) => "kept out",
        (true, false) => "on",
    }
}

fn show(app: &App, output: Output, name: &PluginName) -> Result<(), CliError> {
    let generation = app.current()?;
    let plugin = app.installed(&generation, name)?;
    let grants = generation.grants.get(&plugin.identity);
    let policies = app.policies()?;
    let limits = plugin.limits(policies);
    let lowered = plugin.own_limits().lowered(&policies.limits());
    let kept_out = policies.admits(name).err().map(|rule| rule.to_string());
    let notes = permission::policy_notes(app, &plugin)?;
    let mut value = json!({
        "plugin": name.to_string(),
        "version": plugin.locked.version.to_string(),
        "description": plugin.config.manifest.plugin.description,
        "license": plugin.config.manifest.plugin.license,
        "source": plugin.locked.source.to_string(),
        "enabled": plugin.locked.enabled,
        "package": plugin.locked.package,
        "component": plugin.locked.component,
        "card": plugin.locked.card,
        "asks": permission::asks_json(&plugin.config.manifest.permissions, &notes),
        "grants": permission::grants_json(grants),
        "limits": limits,
        "tools": plugin.config.tools,
    });
    if let Some(rule) = &kept_out {
        value["keptOut"] = json!(rule);
    }
    if !lowered.is_empty() {
        value["lowered"] = json!(lowered);
    }
    output.data(&value, || {
        let mut text = format!(
            "{name} {}  {}\n  source     {}\n  package    {}\n  component  {}\n  state      {}\n",
            plugin.locked.version,
            plugin.config.manifest.plugin.description,
            plugin.locked.source,
            plugin.locked.package,
            plugin.locked.component,
            if plugin.locked.enabled { "on" } else { "off" },
        );
        if let Some(rule) = &kept_out {
            text.push_str(&format!("  policy     keeps it out: {rule}\n"));
        }
        text.push_str("permissions\n");
        text.push_str(&permission::rows(&plugin, grants, &notes, app.clock().now_ms()));
        text.push_str("limits\n");
        text.push_str(&render::limits(&limits));
        for limit in &lowered {
            text.push_str(&format!("  by policy at most {} of {}\n", limit.max, limit.key));
        }
        text.push_str("tools\n");
        for tool in &plugin.config.tools {
            text.push_str(&format!("  {name}.{}  {}\n", tool.name, tool.description));
        }
        text
    });
    Ok(())
}

fn remove(app: &App, output: Output, name: &PluginName) -> Result<(), CliError> {
    // Asked before the question: there is no point in confirming what cannot be done.
    find(&app.current()?.lock, name)?;
    if !prompt::confirm(app, output, &format!("Remove {name} and its grants?"))? {
        output.note("nothing was removed");
        return Ok(());
    }
    let generation = app.remove(name)?;
    output.data(&json!({ "plugin": name.to_string(), "generation": generation }), String::new);
    output.note(&format!("removed {name}"));
    Ok(())
}

fn set_enabled(
    app: &App,
    output: Output,
    name: &PluginName,
    enabled: bool,
) -> Result<(), CliError> {
    let changed = app.set_enabled(name, enabled)?;
    let state = if enabled { "on" } else { "off" };
    let value = json!({ "plugin": name.to_string(), "enabled": enabled, "changed": changed });
    output.data(&value, String::new);
    output.note(&match changed {
        true => format!("{name} is {state}"),
        false => format!("{name} was {state} already"),
    });
    Ok(())
}

fn verify(app: &App, output: Output, only: Option<&PluginName>) -> Result<(), CliError> {
    let generation = app.current()?;
    if let Some(name) = only {
        find(&generation.lock, name)?;
    }
    let findings = app.verify(&generation, only);
    let checked = match only {
        Some(_) => 1,
        None => generation.lock.plugins.len(),
    };
    let value = json!({ "checked": checked, "findings": findings });
    output.data(&value, || {
        let found = findings
            .iter()
            .map(|finding| format!("{}: {}\n  {}\n", finding.plugin, finding.what, finding.hint));
        let verdict = match findings.len() {
            0 => format!("{} checked, all as installed\n", counted(checked as u64, "plugin")),
            found => format!(
                "{} checked, {}\n",
                counted(checked as u64, "plugin"),
                counted(found as u64, "finding")
            ),
        };
        found.chain([verdict]).collect()
    });
    match findings.len() {
        0 => Ok(()),
        count => Err(CliError::VerifyFindings { count }),
    }
}
