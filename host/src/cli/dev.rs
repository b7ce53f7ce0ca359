//! `ax dev`: builds and tests a project whenever a file of it is saved, and shows the calls that are
//! made of it meanwhile.
//!
//! Invariant: a mistake in the project ends nothing; it is told, and the next save is waited for.
//! Not here: what building and testing are (`app`).

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::sync::watch;

use super::audit::used;
use super::fault::{CliError, Fault};
use super::output::{self, Output};
use super::stop::asked_to_stop;
use super::test;
use crate::app::{App, TestError, TestOptions};
use crate::audit::read::{Filter, Reader, Row};
use crate::plugin::DESCRIBE;
use crate::project::Snapshot;

/// How often files and calls are looked at. A person does not notice so little.
const TICK: Duration = Duration::from_millis(250);

/// Calls that are shown in one go; the next tick shows those after them.
const ROWS_MAX: usize = 100;

/// What `ax dev` is told.
#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    path: PathBuf,
    /// Build only; run no cases
    #[arg(long)]
    no_test: bool,
}

/// Runs until somebody ends the program.
pub(super) fn run(app: &App, output: Output, arguments: &DevArgs) -> Result<(), CliError> {
    let DevArgs { path, no_test } = arguments;
    // What is no project at all is worth an end.
    let mut manifest = app.manifest_of(path)?;
    let stop = asked_to_stop(|| {})?;
    loop {
        // Each save may give the plugin another name; one that broke the manifest gives none.
        manifest = app.manifest_of(path).unwrap_or(manifest);
        let plugin = Some(manifest.plugin.name.to_string());
        let filter = Filter { plugin, ..Filter::default() };
        let component = Path::new(&manifest.plugin.component);
        let look = || {
            let name = || path.display().to_string();
            let looked = Snapshot::of(path, component);
            looked.map_err(|source| CliError::File { path: name(), source })
        };
        let before = look()?;
        let begun = app.clock().monotonic();
        let turned = turn(app, output, path, !no_test, &stop);
        if *stop.borrow() {
            return Ok(());
        }
        if let Err(error) = turned {
            output.fault(&Fault::from(&error));
        }
        // The calls of the cases are shown as cases, and so not again.
        app.audit()?.flush_blocking()?;
        let mut seen = newest(app, &filter);
        let took = app.clock().monotonic().saturating_sub(begun);
        output.note(&format!("{:.1} s; waiting for a change (Ctrl-C ends)", took.as_secs_f64()));
        loop {
            thread::sleep(TICK);
            if *stop.borrow() {
                return Ok(());
            }
            show_calls(app, output, &filter, &mut seen);
            // Nobody reads what it would go on to say.
            if output::is_closed() {
                return Ok(());
            }
            if let Some(changed) = look()?.changed_since(&before) {
                let changed = changed.strip_prefix(path).unwrap_or(changed);
                output.note(&format!("\n{} was saved", changed.display()));
                break;
            }
        }
    }
}

/// Builds and tests once.
fn turn(
    app: &App,
    output: Output,
    path: &Path,
    with_cases: bool,
    stop: &watch::Receiver<bool>,
) -> Result<(), CliError> {
    let built = app.build_project(path, &|line| output.note(line))?;
    for warning in &built.warnings {
        output.warn(&warning.to_string());
    }
    let tools = built.tools.join(", ");
    match output.is_json() {
        true => {
            output.json_line(&json!({ "built": { "bytes": built.bytes, "tools": built.tools } }))
        }
        false => output.text(&format!("built {} {}: tools {tools}\n", built.name, built.version)),
    }
    if !with_cases {
        return Ok(());
    }
    let (mut passed, mut failed) = (0, 0);
    let tested = app.tested(path, Some(built), Some(stop.clone()))?;
    let ran = tested.run(TestOptions::default(), |case| {
        match case.failures.is_empty() {
            true => passed += 1,
            false => failed += 1,
        }
        match output.is_json() {
            true => output.json_line(&json!({ "case": case })),
            false => output.text(&test::shown(&case)),
        }
    });
    match ran {
        // Whoever has no cases yet is still writing.
        Err(TestError::None { .. }) => return Ok(()),
        ran => ran?,
    }
    match output.is_json() {
        true => output.json_line(&json!({ "passed": passed, "failed": failed })),
        false => output.text(&format!("{passed} passed, {failed} failed\n")),
    }
    Ok(())
}

/// Returns the number of the newest row about the plugin; 0 if nothing was ever recorded.
fn newest(app: &App, filter: &Filter) -> i64 {
    let page = Reader::open(&app.config().home.value).and_then(|reader| reader.tail(filter, 1));
    page.ok().and_then(|page| page.rows.last().map(|row| row.seq)).unwrap_or(0)
}

/// Shows what was called since the last time, by whichever program.
fn show_calls(app: &App, output: Output, filter: &Filter, seen: &mut i64) {
    let rows = Reader::open(&app.config().home.value)
        .and_then(|reader| reader.rows_after(*seen, filter, ROWS_MAX));
    // Nothing was recorded yet, or somebody is at it: the next tick tells.
    let Ok(page) = rows else { return };
    for row in &page.rows {
        *seen = row.seq;
        // The host asks what the tools are whenever it reads a project.
        if row.body_json()["tool"] == DESCRIBE {
            continue;
        }
        match output.is_json() {
            true => output.json_line(&json!({ "row": row.body_json(), "kind": row.kind })),
            false => output.text(&line(row)),
        }
    }
}

/// One call or effect for a person.
fn line(row: &Row) -> String {
    let body = row.body_json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let call = if row.is_rehearsal() { "case" } else { "call" };
    match row.kind.as_str() {
        "call" => format!("{call}  {}: {} ({})\n", text("tool"), text("outcome"), used(&body)),
        _ => format!("      {} {}: {}\n", row.decision, text("permission"), text("rule")),
    }
}
