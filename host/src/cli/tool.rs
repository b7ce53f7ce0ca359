//! `ax tool`: list, call; `profile` and `stats` have files of their own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ax_manifest::{Permission, PluginName, ToolId};
use serde_json::{Map, Value, json};

use super::args::{CallArgs, ToolCommand, ToolName, WantedArgs};
use super::attendant::Attendant;
use super::backtrace::Backtrace;
use super::cause::Cause;
use super::fault::CliError;
use super::output::Output;
use super::plugin::warn_of;
use super::read_named;
use super::render::{answer, table};
use super::{profile, stats, trace};
use crate::app::{App, Offered, ReadyProject, outdated};
use crate::plugin::{Call, Denial, Level, Line, Plugin, PluginHost, Report};

pub(super) fn run(app: &App, output: Output, command: ToolCommand) -> Result<(), CliError> {
    match command {
        ToolCommand::List { plugin } => list(app, output, plugin.as_ref()),
        ToolCommand::Call(arguments) => call(app, output, &arguments),
        ToolCommand::Profile(arguments) => profile::run(app, output, &arguments),
        ToolCommand::Stats(arguments) => stats::run(app, output, &arguments),
    }
}

fn list(app: &App, output: Output, only: Option<&PluginName>) -> Result<(), CliError> {
    if let Some(plugin) = only {
        app.installed(&app.current()?, plugin)?;
    }
    let Offered { mut tools, damaged } = app.tools()?;
    match only {
        Some(plugin) => tools.retain(|listed| listed.id.plugin == *plugin),
        None => warn_of(output, &damaged),
    }
    let values: Vec<Value> = tools
        .iter()
        .map(|listed| {
            json!({
                "id": listed.id.to_string(),
                "wireName": listed.id.wire_name(),
                "title": listed.tool.title,
                "description": listed.tool.description,
                "inputSchema": listed.tool.input_schema,
                "outputSchema": listed.tool.output_schema,
                "annotations": listed.tool.annotations,
            })
        })
        .collect();
    output.data(&values, || {
        if tools.is_empty() {
            return "no tools are offered; ax plugin add FOLDER\n".to_owned();
        }
        table(tools.iter().map(|listed| {
            let first = listed.tool.description.lines().next().unwrap_or_default();
            [("TOOL", listed.id.to_string()), ("DESCRIPTION", first.to_owned())]
        }))
    });
    Ok(())
}

/// Builds the input from JSON, a file, standard input, or `--arg` members.
pub(super) fn input_text(wanted: &WantedArgs) -> Result<String, CliError> {
    // The call checks the length against the plugin's own limit; this only bounds what is read.
    const READ_BYTES_MAX: u64 = 64 << 20;
    match wanted.input.as_deref() {
        Some("-") => return read_named("-", READ_BYTES_MAX),
        Some(text) => {
            return match text.strip_prefix('@') {
                Some(path) => read_named(path, READ_BYTES_MAX),
                None => Ok(text.to_owned()),
            };
        }
        None => {}
    }
    let mut members = Map::new();
    for arg in &wanted.arg {
        let (name, value) = arg.split_once('=').ok_or_else(|| CliError::Usage {
            what: format!("`--arg {arg}` has no value"),
            hint: format!("--arg {arg}=VALUE"),
        })?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        if members.insert(name.to_owned(), value).is_some() {
            return Err(CliError::Usage {
                what: format!("`--arg {name}` is given twice"),
                hint: format!("for a list: --arg '{name}=[\"a\", \"b\"]'"),
            });
        }
    }
    Ok(Value::Object(members).to_string())
}

fn call(app: &App, output: Output, arguments: &CallArgs) -> Result<(), CliError> {
    let CallArgs { wanted, deadline, trace } = arguments;
    let input = input_text(wanted)?;
    let callee = callee(app, output, wanted, &input)?;
    let deadline = deadline.map(|span| span.0);
    let call = Call {
        once: callee.once.clone(),
        deadline,
        is_traced: *trace,
        ..Call::new(&callee.id.tool, &input)
    };
    let report = Attendant::new(output)?.attend(&callee, call);
    // An answer whose call could not be recorded is not given.
    app.audit()?.flush_blocking()?;
    finish(app, output, &callee, deadline, report)
}

/// Prints what came of a call, or says why nothing did.
pub(super) fn finish(
    app: &App,
    output: Output,
    callee: &Callee,
    deadline: Option<Duration>,
    report: Report,
) -> Result<(), CliError> {
    let cause = |report: &mut Report| match callee.in_project && !report.denials.is_empty() {
        true => Some(Cause::Project),
        false => Cause::of(app, &callee.id, deadline, report),
    };
    let here = &app.config().directory.value;
    let component = &callee.plugin.release().component;
    let backtrace = Backtrace::of(app, here, component, &report.backtrace, output.is_verbose());
    print(output, &callee.id, cause, backtrace, report)
}

/// A tool with what it takes to call it.
pub(super) struct Callee {
    pub(super) id: ToolId,
    pub(super) host: Arc<PluginHost>,
    pub(super) plugin: Arc<Plugin>,
    pub(super) once: Vec<Permission>,
    in_project: bool,
}

/// Finds a tool: by its id among those installed, or by its short name in the project around the
/// current folder, else among those installed.
pub(super) fn callee(
    app: &App,
    output: Output,
    wanted: &WantedArgs,
    input: &str,
) -> Result<Callee, CliError> {
    let WantedArgs { tool, allow, .. } = wanted;
    let id = match tool {
        ToolName::Id(id) => id.clone(),
        ToolName::Short { plugin, tool } => {
            if let Some((folder, name)) = app.project_here(plugin)? {
                refuse_impostor(app, wanted, &folder, &name)?;
                if let Some(what) = outdated(&folder) {
                    output.note(&format!("note: {what}: ax build"));
                }
                let ReadyProject { host, plugin } = app.ready_project(&folder, allow)?;
                let id = ToolId { plugin: name, tool: tool.clone() };
                return Ok(Callee { id, host, plugin, once: allow.clone(), in_project: true });
            }
            ToolId { plugin: app.named_in_short(plugin)?, tool: tool.clone() }
        }
    };
    let (plugin, once) = app.ready(&id, input, allow)?;
    Ok(Callee { id, host: Arc::clone(app.host()?), plugin, once, in_project: false })
}

/// Refuses a project that would answer for an installed plugin: somebody else may have filled the folder.
fn refuse_impostor(
    app: &App,
    wanted: &WantedArgs,
    folder: &Path,
    name: &PluginName,
) -> Result<(), CliError> {
    let ToolName::Short { plugin, tool } = &wanted.tool else { return Ok(()) };
    match app.named_in_short(plugin) {
        Ok(installed) if installed != *name => Err(CliError::Usage {
            what: format!(
                "`{plugin}` is `{name}` of the project `{}` and the installed `{installed}`",
                folder.display()
            ),
            hint: format!("ax tool call {installed}.{tool}, or remove it to call the project's"),
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn print(
    output: Output,
    id: &ToolId,
    cause: impl FnOnce(&mut Report) -> Option<Cause>,
    backtrace: Backtrace,
    mut report: Report,
) -> Result<(), CliError> {
    let failed = report.result.is_err();
    let trace = report.trace.take();
    if let Some(trace) = trace.as_ref().filter(|_| !output.is_json()) {
        // The lines of the guest are in it.
        output.show(&trace::text(trace, &report.log, &report.usage));
        report.log.clear();
    }
    let trace = trace.map_or(Value::Null, |trace| trace::value(&trace, &report.log));
    show_log(output, &report.log, failed);
    if report.usage.log_lines_dropped > 0 {
        output.warn(&format!(
            "{} log lines went beyond the limit and were dropped",
            report.usage.log_lines_dropped
        ));
    }
    output.show(&backtrace.text());
    let cause = if failed { cause(&mut report) } else { None };
    let answered = report.result.map_err(|source| CliError::Call {
        plugin: id.plugin.to_string(),
        denials: std::mem::take(&mut report.denials),
        cause: cause.map(Box::new),
        trace: trace.clone(),
        backtrace: backtrace.shown,
        source,
    })?;
    for denial in &report.denials {
        output.warn(&refused(id, denial));
    }
    if let Some(trouble) = &report.trouble {
        let hint = trouble.hint().map_or_else(String::new, |hint| format!("; {hint}"));
        output.warn(&format!("`{}` could not use what it keeps: {trouble}{hint}", id.plugin));
    }
    if output.is_json() {
        let mut printed = json!({
            "id": report.id.to_string(),
            "tool": id.to_string(),
            "output": answered,
            "usage": report.usage,
            "denials": report.denials.iter().map(|denial| &denial.permission).collect::<Vec<_>>(),
        });
        if !trace.is_null() {
            printed["trace"] = trace;
        }
        output.json_line(&printed);
        return Ok(());
    }
    output.text(&answer(&answered));
    if output.is_verbose() {
        output.note(&usage(&report.usage));
    }
    Ok(())
}

/// Repeats what a guest said: all of it after a failure.
pub(super) fn show_log(output: Output, log: &[Line], failed: bool) {
    for line in log {
        if failed || output.is_verbose() || line.level >= Level::Warn {
            let fields: String =
                line.fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            output.guest(line.level.word(), &format!("{}{fields}", line.message));
        }
    }
}

fn refused(id: &ToolId, denial: &Denial) -> String {
    let rule = denial.policy_rule().map_or_else(String::new, |rule| format!(": {rule}"));
    format!(
        "`{}` was refused `{}` {} times: {}{rule}",
        id.plugin,
        denial.permission,
        denial.count,
        denial.reason.word()
    )
}

fn usage(usage: &crate::plugin::Usage) -> String {
    format!(
        "used {} fuel, {} of memory, {} ms",
        usage.fuel,
        ax_manifest::ByteSize(usage.memory_peak_bytes),
        usage.duration_us / 1_000
    )
}
