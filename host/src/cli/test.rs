//! `ax test`: the cases of a project, each in the sandbox.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::backtrace::place;
use super::fault::CliError;
use super::output::Output;
use super::played;
use super::stop::asked_to_stop;
use crate::app::{App, Located, RanCase, TestOptions};
use crate::plugin::scrub;
use crate::project;

/// Bytes of the name of a function or a file that are shown.
const PLACE_BYTES: usize = 500;

/// What `ax test` is told.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The plugin's folder
    #[arg(default_value = ".", value_name = "DIR")]
    path: PathBuf,
    /// Run those cases only whose name has this in it
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Take the answers as the golden ones that cases name
    #[arg(long)]
    bless: bool,
    /// Do not build it first
    #[arg(long)]
    no_build: bool,
    /// Read cases from standard input, a JSON object on each line, and answer each with one
    #[arg(long, conflicts_with_all = ["only", "bless"])]
    stdio: bool,
}

pub(super) fn run(app: &App, output: Output, arguments: &TestArgs) -> Result<(), CliError> {
    let TestArgs { path, only, bless, no_build, stdio } = arguments;
    let built = match !no_build && project::language_of(path).is_some() {
        true => Some(app.build_project(path, &|line| output.note(line))?),
        false => None,
    };
    if *stdio {
        return played::run(app, output, path, built);
    }
    let tested = app.tested(path, built, Some(asked_to_stop(|| {})?))?;
    let mut ran = Vec::new();
    let options = TestOptions { only: only.as_deref(), bless: *bless };
    tested.run(options, |case| {
        if !output.is_json() {
            output.text(&shown(&case));
        }
        ran.push(case);
    })?;
    let failed = ran.iter().filter(|case| !case.failures.is_empty()).count();
    let passed = ran.len() - failed;
    let data = json!({ "passed": passed, "failed": failed, "cases": ran });
    output.data(&data, || format!("{passed} passed, {failed} failed\n"));
    match failed {
        0 => Ok(()),
        count => Err(CliError::CasesFailed { count }),
    }
}

/// One case for a person. What the guest said is worth reading when something is wrong.
pub(super) fn shown(case: &RanCase) -> String {
    let RanCase { file, name, failures, blessed, log, backtrace, usage } = case;
    let mark = if failures.is_empty() { "ok  " } else { "FAIL" };
    let golden = if *blessed { ", its golden answer was written" } else { "" };
    let mut text = format!("{mark}  {file}: {name} ({} fuel{golden})\n", usage.fuel);
    // What is quoted may have lines of its own, which must not look like another case.
    let indented = |text: &str| text.replace('\n', "\n      ");
    text.extend(failures.iter().map(|why| format!("      {}\n", indented(why))));
    if !failures.is_empty() {
        let said = |line: &crate::plugin::Line| {
            format!("      {:>5} | {}\n", line.level.word(), indented(&line.message))
        };
        text.extend(log.iter().map(said));
        let at = |it: &Located| {
            let at = scrub(format!("at {} {}", it.function, place(it)).trim_end(), PLACE_BYTES);
            format!("      {}\n", indented(&at))
        };
        text.extend(backtrace.iter().map(at));
    }
    text
}
