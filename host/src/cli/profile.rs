//! `ax tool profile`: where the time of a tool goes.
//!
//! Not here: taking samples (`plugin`), whose they are (`app`), the file's format (`firefox`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::args::WantedArgs;
use super::attendant::Attendant;
use super::fault::CliError;
use super::firefox;
use super::output::Output;
use super::render::{counted, table};
use super::tool::{self, Callee};
use crate::app::{App, FunctionTime, Profiled};
use crate::folder;
use crate::plugin::{Call, Profiler, Report};

/// Samples that are enough for a first look; a tool that only reads is called until there are.
const SAMPLES_WANTED: usize = 200;

/// How long a tool that only reads is called again for more samples.
const REPEATED_FOR: Duration = Duration::from_secs(2);

/// How often it is called at most, each time with rows in the audit.
const CALLS_MAX: u32 = 300;

/// Characters of a function's name that are printed; the file has all of it.
const FUNCTION_CHARS: usize = 60;

/// What `ax tool profile` is told.
#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    #[command(flatten)]
    wanted: WantedArgs,
    /// Write to this file [default: TOOL.profile.json]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Call it so often [default: once; a tool that only reads until there are enough samples]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    iterations: Option<u32>,
}

pub(super) fn run(app: &App, output: Output, arguments: &ProfileArgs) -> Result<(), CliError> {
    let ProfileArgs { wanted, output: file, iterations } = arguments;
    let input = tool::input_text(wanted)?;
    let callee = tool::callee(app, output, wanted, &input)?;
    let file =
        file.clone().unwrap_or_else(|| PathBuf::from(format!("{}.profile.json", callee.id.tool)));
    // Asked first: a call may take long, and may change something.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder
        .map_or(Ok(()), |folder| folder.metadata().map(drop))
        .map_err(|source| CliError::File { path: file.display().to_string(), source })?;
    // What is read as it is written, or is somebody else's by a link, is not written over.
    if file.symlink_metadata().is_ok_and(|data| !data.is_file()) {
        return Err(CliError::Usage {
            what: format!("`{}` is there and not an ordinary file", file.display()),
            hint: "name another file: -o FILE".to_owned(),
        });
    }
    let profiler = Profiler::new(Arc::clone(app.clock()));
    let began_ms = app.clock().now_ms();
    let (last, calls) = repeat(app, output, &callee, *iterations, |calls| {
        // What was granted for one call is for the first.
        let once = if calls == 0 { &callee.once } else { &wanted.allow };
        Call {
            once: once.clone(),
            profiler: Some(profiler.clone()),
            ..Call::new(&callee.id.tool, &input)
        }
    })?;
    app.audit()?.flush_blocking()?;
    let here = &app.config().directory.value;
    let toolchains = &app.config().toolchains.value;
    let profiled =
        Profiled::of(profiler.take(), toolchains, here, &callee.plugin.release().component);
    let shown = file.display().to_string();
    let profile = firefox::profile(&callee.id.to_string(), began_ms, &profiled);
    folder::replace(&file, profile.to_string().as_bytes())
        .map_err(|source| CliError::File { path: shown.clone(), source })?;
    // A call that failed is worth a profile too: of a limit that it ran into, for one.
    if last.result.is_err() {
        output.note(&format!("wrote {shown}, until it failed"));
        return tool::finish(app, output, &callee, None, last);
    }
    let functions = profiled.functions();
    let data = json!({
        "tool": callee.id.to_string(),
        "file": shown,
        "calls": calls,
        "samples": profiled.samples.len(),
        "dropped": profiled.dropped,
        "functions": functions,
    });
    output.data(&data, || text(&functions, profiled.samples.len(), calls));
    if profiled.dropped > 0 {
        let dropped = counted(profiled.dropped, "sample");
        output.warn(&format!("there was no room for {dropped} more"));
    }
    output.note(&format!("open https://profiler.firefox.com and load {shown}"));
    if profiled.samples.len() < SAMPLES_WANTED && iterations.is_none() {
        let more = (calls * 10).min(CALLS_MAX);
        output.note(&format!("for more samples, call it more often: --iterations {more}"));
    }
    Ok(())
}

/// Calls the tool as often as was asked for, or as is sensible; returns the last report and how often.
fn repeat(
    app: &App,
    output: Output,
    callee: &Callee,
    iterations: Option<u32>,
    call: impl Fn(u32) -> Call,
) -> Result<(Report, u32), CliError> {
    let known = callee.plugin.release().tools.iter().find(|tool| tool.name == callee.id.tool);
    // Whoever changes something should not do so again unasked.
    let is_repeatable = known.is_some_and(|tool| tool.annotations.read_only);
    let began = app.clock().monotonic();
    let mut calls = 0;
    let attendant = Attendant::new(output)?;
    loop {
        let call = call(calls);
        let profiler = call.profiler.clone();
        let report = attendant.attend(callee, call);
        calls += 1;
        let samples = profiler.map_or(0, |profiler| profiler.samples());
        let passed = app.clock().monotonic().saturating_sub(began);
        let has_enough = match iterations {
            Some(wanted) => calls >= wanted,
            None => {
                let is_over = samples >= SAMPLES_WANTED || passed >= REPEATED_FOR;
                !is_repeatable || is_over || calls >= CALLS_MAX
            }
        };
        if has_enough || report.result.is_err() {
            return Ok((report, calls));
        }
    }
}

/// Cuts the name of a function: generic ones are longer than anybody reads.
fn short(function: &str) -> String {
    match function.char_indices().nth(FUNCTION_CHARS) {
        Some((end, _)) => format!("{}…", &function[..end]),
        None => function.to_owned(),
    }
}

fn text(functions: &[FunctionTime], samples: usize, calls: u32) -> String {
    let percent = |part: usize| (part * 100 / samples.max(1)).to_string();
    let rows = functions.iter().map(|time| {
        [
            ("SELF", time.self_samples.to_string()),
            ("%", percent(time.self_samples)),
            ("WITH CALLEES %", percent(time.total_samples)),
            ("FILE", time.file.clone().filter(|_| time.is_own).unwrap_or_else(|| "-".to_owned())),
            ("FUNCTION", short(&time.function)),
        ]
    });
    let seen = counted(samples as u64, "sample");
    format!("{}{seen} of 1 ms in {}\n", table(rows), counted(calls, "call"))
}
