//! `ax task`: what tasks there are, how they went, and what people do with them.
//!
//! Not here: what a task is (`workflow`), how it is carried (`runtime`, `carry`).

mod resume;

use std::sync::Arc;

use ax_manifest::Span;
use clap::{Args, Subcommand};
use resume::{ResumeArgs, RetryArgs};
use serde_json::{Value, json};

use super::carry::Shown;
use super::fault::CliError;
use super::output::Output;
use super::render::{counted, table};
use super::timeline;
use super::unfinished::Unfinished;
use crate::app::{App, TaskError};

use crate::journal::{Filter, JournalError, Phase, Request, Row, find};
use crate::plugin::scrub;
use crate::runtime::events::TaskEvent;
use crate::runtime::{Nobody, Runtime, Watcher as _};
use crate::workflow::{Budget, Dimension, Fact, Run, State};

/// How often a task that is watched is looked at.
const LOOK: std::time::Duration = std::time::Duration::from_millis(250);

/// Bytes of a title on a line.
const LINE_BYTES: usize = 80;

/// Tasks that are listed when nothing is said.
const LISTED: usize = 50;

#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// List tasks, newest first
    List(ListArgs),
    /// Show a task: its state, what it used, and its history
    Show(ShowArgs),
    /// Follow a task while it goes on
    Watch(NamedArgs),
    /// Show what a task's agent said and logged
    Logs(NamedArgs),
    /// Let a task rest; what it is doing comes to its end
    Pause(NamedArgs),
    /// Go on with a task that rests or was interrupted
    Resume(ResumeArgs),
    /// End a task
    Cancel(NamedArgs),
    /// Try a task again that failed
    Retry(RetryArgs),
    /// Remove the history of tasks that are over
    Delete(DeleteArgs),
    /// Run a task again from its record, performing nothing, and compare
    Replay(NamedArgs),
}

/// Which tasks are listed.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only in this state: planning, executing, paused, completed or failed
    #[arg(long, value_name = "STATE", value_parser = phase)]
    state: Vec<Phase>,
    /// Only with this label
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::agent::label)]
    label: Option<(String, String)>,
    /// Those that are part of others, too
    #[arg(long)]
    all: bool,
    /// How many
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = LISTED)]
    limit: usize,
}

/// Which task, by a part of its name.
#[derive(Debug, Args)]
pub(crate) struct NamedArgs {
    /// The task: its name, the beginning or end of it, or `last`
    #[arg(value_name = "TASK")]
    task: String,
}

/// How a task is shown.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    named: NamedArgs,
    /// Every entry of its journal
    #[arg(long)]
    all: bool,
}

/// Which histories are removed.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// The task: its name, the beginning or end of it, or `last`
    #[arg(value_name = "TASK", required_unless_present = "older_than")]
    task: Option<String>,
    /// All that have been over for longer than this: `30 d`
    #[arg(long, value_name = "TIME", conflicts_with = "task")]
    older_than: Option<Span>,
    /// But for so many of the newest
    #[arg(long, value_name = "COUNT", default_value_t = 0, requires = "older_than")]
    keep: usize,
}

fn phase(text: &str) -> Result<Phase, String> {
    let found = Phase::ALL.into_iter().find(|phase| phase.word() == text);
    found.ok_or_else(|| "it is planning, executing, paused, completed or failed".to_owned())
}

pub(super) fn run(app: &Arc<App>, output: Output, command: TaskCommand) -> Result<(), CliError> {
    match command {
        TaskCommand::List(arguments) => list(app, output, arguments),
        TaskCommand::Show(arguments) => show(app, output, &arguments),
        TaskCommand::Watch(named) => watch(app, output, &named),
        TaskCommand::Logs(named) => logs(app, output, &named),
        TaskCommand::Pause(named) => tell(app, output, &named, &Request::Pause, "paused"),
        TaskCommand::Cancel(named) => tell(app, output, &named, &Request::Cancel, "cancelled"),
        TaskCommand::Resume(arguments) => resume::resume(app, output, &arguments),
        TaskCommand::Retry(arguments) => resume::retry(app, output, &arguments),
        TaskCommand::Delete(arguments) => delete(app, output, &arguments),
        TaskCommand::Replay(named) => replay(app, output, &named),
    }
}

/// Finds a task by what a person calls it.
pub(super) fn named(app: &App, name: &str) -> Result<Row, CliError> {
    let journal = app.journal();
    if name == "last" {
        let filter = Filter { roots: true, limit: 1, ..Filter::default() };
        let newest = journal.list(&filter).map_err(TaskError::from)?.pop();
        let none = || TaskError::from(JournalError::Unknown { name: name.to_owned() });
        return Ok(newest.ok_or_else(none)?);
    }
    Ok(find(&*journal, name).map_err(TaskError::from)?)
}

fn runtime(app: &Arc<App>) -> Result<Runtime, CliError> {
    Ok(app.runtime(Arc::new(Nobody))?)
}

fn is_carried(app: &App, row: &Row) -> bool {
    app.journal().is_held(row, app.clock().now_ms())
}

fn list(app: &Arc<App>, output: Output, arguments: ListArgs) -> Result<(), CliError> {
    let ListArgs { state, label, all, limit } = arguments;
    let filter = Filter { states: state, label, roots: !all, limit, ..Filter::default() };
    let rows = app.journal().list(&filter).map_err(TaskError::from)?;
    let shown: Vec<Value> = rows.iter().map(|row| row_json(app, row)).collect();
    output.data(&shown, || match rows.is_empty() {
        true => "no tasks yet: ax workflow run FILE, ax agent run NAME".to_owned(),
        false => table(rows.iter().map(|row| {
            let status = &row.status;
            let state = timeline::state(status.state, is_carried(app, row));
            let done = match status.total {
                0 => status.done.to_string(),
                total => format!("{}/{total}", status.done),
            };
            let cost = super::render::dollars(status.spent.cost_micro_usd);
            let calls = status.spent.calls.to_string();
            [
                ("task", row.about.run.to_string()),
                ("state", state),
                ("done", done),
                ("calls", calls),
                ("cost", cost),
                ("what", scrub(&row.about.title, LINE_BYTES)),
            ]
        })),
    });
    Ok(())
}

fn row_json(app: &App, row: &Row) -> Value {
    let (about, status) = (&row.about, &row.status);
    json!({
        "task": about.run,
        "parent": about.parent.map(|parent| parent.task),
        "title": about.title,
        "kind": about.work.word(),
        "name": about.name,
        "state": timeline::state(status.state, is_carried(app, row)),
        "phase": Phase::of(status.state).word(),
        "carried": is_carried(app, row),
        "by": about.by,
        "labels": about.labels,
        "done": status.done,
        "total": status.total,
        "spent": status.spent,
        "limit": status.limit,
        "deadlineMs": status.deadline_ms,
        "createdAtMs": about.created_at_ms,
        "updatedAtMs": status.updated_at_ms,
        "entries": row.head_seq,
        "deleted": row.is_deleted,
    })
}

fn show(app: &Arc<App>, output: Output, arguments: &ShowArgs) -> Result<(), CliError> {
    let row = named(app, &arguments.named.task)?;
    let runtime = runtime(app)?;
    let entries = runtime.entries(row.about.run).map_err(TaskError::from)?;
    if output.is_json() {
        let mut shown = row_json(app, &row);
        let mut run = Run::default();
        let mut events = Vec::with_capacity(entries.len());
        for entry in &entries {
            let before = run.state();
            run.apply(&entry.event).map_err(|error| TaskError::Runtime(error.into()))?;
            events.extend(TaskEvent::of(before, &run, entry.seq, &entry.event));
        }
        shown["events"] = json!(events);
        shown["headHash"] = json!(row.head_hash);
        output.json_line(&shown);
        return Ok(());
    }
    let (about, status) = (&row.about, &row.status);
    let mut text = format!("{}\n", about.title);
    let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<9} {value}\n"));
    line("task", about.run.to_string());
    line("does", format!("{} {}", about.work.word(), about.name));
    line("state", timeline::state(status.state, is_carried(app, &row)));
    line("used", format!("{}{}", timeline::spent(&status.spent), limits(&status.limit)));
    line("journal", format!("{} entries, {}", row.head_seq, row.head_hash.short()));
    text.push('\n');
    for entry in timeline::timeline(&entries, arguments.all) {
        text.push_str(&entry);
        text.push('\n');
    }
    if let Some(next) = next_step(&row, is_carried(app, &row)) {
        text.push_str(&format!("\nnext: {next}\n"));
    }
    output.text(&text);
    Ok(())
}

fn limits(limit: &Budget) -> String {
    let mut parts = Vec::new();
    for dimension in [Dimension::Calls, Dimension::Tokens, Dimension::Cost] {
        let Some(bound) = limit.of(dimension) else { continue };
        parts.push(match dimension {
            Dimension::Cost => super::render::dollars(bound),
            _ => format!("{bound} {}", dimension.word()),
        });
    }
    if parts.is_empty() { String::new() } else { format!(" (at most {})", parts.join(", ")) }
}

/// Says what a person can do with a task.
fn next_step(row: &Row, is_carried: bool) -> Option<String> {
    use crate::workflow::Why as W;
    let task = row.about.run;
    Some(match row.status.state {
        State::Paused { why: W::Approval | W::Form, .. } => "ax approve list".to_owned(),
        State::Paused { why: W::InDoubt, .. } => {
            format!("ax task resume {task} --happened JSON | --again | --failed")
        }
        State::Paused { why: W::Budget, .. } => {
            format!("ax task resume {task} --calls 100 --usd 1")
        }
        State::Paused { why: W::Person, .. } => format!("ax task resume {task}"),
        State::Failed { .. } => format!("ax task retry {task}"),
        State::Planning | State::Executing if !is_carried => format!("ax task resume {task}"),
        State::Idle | State::Planning | State::Executing | State::Completed => return None,
    })
}

fn watch(app: &Arc<App>, output: Output, arguments: &NamedArgs) -> Result<(), CliError> {
    let task = named(app, &arguments.task)?.about.run;
    let journal = app.journal();
    let shown = Shown::new(output);
    let mut run = Run::default();
    loop {
        let page = journal.entries(task, run.head()).map_err(TaskError::from)?;
        for entry in &page {
            run.apply(&entry.event).map_err(|error| TaskError::Runtime(error.into()))?;
            shown.saw(&run, entry.seq, &entry.event);
        }
        if super::output::is_closed() {
            return Ok(());
        }
        if page.is_empty() {
            let row = journal.row(task).map_err(TaskError::from)?;
            let is_carried = row.as_ref().is_some_and(|row| is_carried(app, row));
            // Nobody is there who could go on with it.
            if run.state().is_terminal() || !is_carried {
                if let Some(next) = row.and_then(|row| next_step(&row, is_carried)) {
                    output.note(&format!("next: {next}"));
                }
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }
}

fn logs(app: &Arc<App>, output: Output, arguments: &NamedArgs) -> Result<(), CliError> {
    let task = named(app, &arguments.task)?.about.run;
    let entries = runtime(app)?.entries(task).map_err(TaskError::from)?;
    for entry in &entries {
        match &entry.event.fact {
            Fact::Logged { lines } => {
                for line in lines {
                    said(output, entry.seq, entry.event.at_ms, &line.level, &line.text);
                }
            }
            Fact::Noted(it) if it.import == "task.emit" => {
                let text = it.said.as_ref().and_then(|said| said.here());
                let value: Option<Value> = text.and_then(|json| serde_json::from_str(json).ok());
                let text = value.as_ref().and_then(|it| it["text"].as_str()).unwrap_or_default();
                said(output, entry.seq, entry.event.at_ms, "says", text);
            }
            _ => {}
        }
    }
    Ok(())
}

fn said(output: Output, seq: u64, at_ms: u64, level: &str, text: &str) {
    let line = json!({ "seq": seq, "atMs": at_ms, "level": level, "text": text });
    output.data(&line, || format!("{level:>5} | {text}"));
}

/// Writes to a task, and deals with the letter at once if nobody carries it.
fn tell(
    app: &Arc<App>,
    output: Output,
    arguments: &NamedArgs,
    request: &Request,
    wanted: &'static str,
) -> Result<(), CliError> {
    let row = named(app, &arguments.task)?;
    let task = row.about.run;
    if row.status.state.is_terminal() {
        let state = row.status.state.to_string();
        return Err(Unfinished::Unfit { task, state, wanted }.into());
    }
    let runtime = runtime(app)?;
    let sent = runtime.journal.send(task, request, "person", app.clock().now_ms());
    sent.wait().map_err(TaskError::from)?;
    let delivered = app.host()?.block_on(runtime.deliver(task));
    let state = match delivered {
        Ok(ended) => ended.state.to_string(),
        // Whoever carries it reads its letters.
        Err(error) if error.is_taken() => format!("being {wanted}"),
        Err(error) => return Err(TaskError::from(error).into()),
    };
    let told = json!({ "task": task, "state": state });
    output.data(&told, || format!("task {task} is {state}"));
    Ok(())
}

fn delete(app: &Arc<App>, output: Output, arguments: &DeleteArgs) -> Result<(), CliError> {
    let journal = app.journal();
    if let Some(span) = arguments.older_than {
        let age_ms = u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX);
        let before_ms = app.clock().now_ms().saturating_sub(age_ms);
        let mut deleted = 0;
        loop {
            // Some at a time, so that others may write in between.
            match journal.prune(before_ms, arguments.keep).wait().map_err(TaskError::from)? {
                0 => break,
                count => deleted += count,
            }
        }
        output.data(&json!({ "deleted": deleted }), || {
            format!("the histories of {} are removed", counted(deleted as u64, "task"))
        });
        return Ok(());
    }
    let task = named(app, arguments.task.as_deref().unwrap_or_default())?.about.run;
    let deleted = journal.delete(task).wait().map_err(TaskError::from)?;
    output.data(&json!({ "task": task, "deleted": deleted }), || {
        format!("the history of task {task} is removed")
    });
    Ok(())
}

fn replay(app: &Arc<App>, output: Output, arguments: &NamedArgs) -> Result<(), CliError> {
    let task = named(app, &arguments.task)?.about.run;
    let runtime = runtime(app)?;
    let replayed = app.host()?.block_on(runtime.replay(task)).map_err(TaskError::from)?;
    for warning in &replayed.warnings {
        output.warn(warning);
    }
    let told = json!({
        "task": task,
        "entries": replayed.entries,
        "calls": replayed.calls,
        "recorded": replayed.recorded,
        "replayed": replayed.replayed,
        "identical": replayed.divergence.is_none(),
        "divergence": replayed.divergence,
        "warnings": replayed.warnings,
    });
    output.data(&told, || {
        let (entries, calls) = (replayed.entries, replayed.calls);
        match &replayed.divergence {
            None => format!(
                "identical: {entries} entries, {calls} calls of the agent, nothing performed\n{}",
                replayed.replayed
            ),
            Some(how) => format!(
                "it went another way: {how}\nrecorded {}\nreplayed {}",
                replayed.recorded, replayed.replayed
            ),
        }
    });
    match replayed.divergence {
        None => Ok(()),
        Some(how) => Err(Unfinished::Diverged { task, how }.into()),
    }
}
