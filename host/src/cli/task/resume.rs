//! `ax task resume` and `retry`: going on with a task, with what a person says about it.

use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::super::agent::BudgetArgs;
use super::super::carry::{carry, patience};
use super::super::fault::CliError;
use super::super::output::Output;
use super::super::unfinished::Unfinished;
use super::{NamedArgs, named};
use crate::app::{App, TaskError};
use crate::journal::Request;
use crate::workflow::{Open, State, Text, Verdict};

/// How a task goes on.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    named: NamedArgs,
    #[command(flatten)]
    settling: Settling,
    #[command(flatten)]
    raised: BudgetArgs,
    /// Wait for answers of people, also when nobody watches
    #[arg(long)]
    wait: bool,
}

/// What became of effects that are in doubt.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Settling {
    /// The effect in doubt happened, and this came of it: JSON
    #[arg(long, value_name = "JSON", num_args = 0..=1, default_missing_value = "null")]
    happened: Option<String>,
    /// The effect in doubt did not happen: perform it
    #[arg(long)]
    again: bool,
    /// The effect in doubt counts as failed
    #[arg(long)]
    failed: bool,
}

/// How a task is tried again.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    named: NamedArgs,
    /// Forget what its agent did before, instead of going on from there
    #[arg(long)]
    anew: bool,
    #[command(flatten)]
    raised: BudgetArgs,
    /// Wait for answers of people, also when nobody watches
    #[arg(long)]
    wait: bool,
}

pub(super) fn resume(
    app: &Arc<App>,
    output: Output,
    arguments: &ResumeArgs,
) -> Result<(), CliError> {
    let row = named(app, &arguments.named.task)?;
    let task = row.about.run;
    if row.status.state.is_terminal() {
        let state = row.status.state.to_string();
        return Err(Unfinished::Unfit { task, state, wanted: "resumed" }.into());
    }
    let journal = app.journal();
    let send = |request: &Request| {
        let sent = journal.send(task, request, "person", app.clock().now_ms());
        sent.wait().map(drop).map_err(TaskError::from)
    };
    if let Some(verdict) = arguments.settling.verdict()? {
        let run = super::runtime(app)?.folded(task).map_err(TaskError::from)?;
        let doubts = run.open().iter().filter(|(_, open): &(&u64, &Open)| open.is_in_doubt);
        let doubts: Vec<u64> = doubts.map(|(intent, _)| *intent).collect();
        if doubts.is_empty() {
            let state = row.status.state.to_string();
            return Err(Unfinished::Unfit { task, state, wanted: "settled" }.into());
        }
        for intent in doubts {
            send(&Request::Settle { intent, verdict: verdict.clone() })?;
        }
    }
    if let Some(budget) = arguments.raised.over(row.status.limit) {
        send(&Request::Raise { budget, deadline_ms: row.status.deadline_ms })?;
    }
    let patience = patience(output, arguments.wait);
    carry(app, output, |runtime, stop| Box::pin(runtime.take_on(task, patience, stop)))
}

impl Settling {
    fn verdict(&self) -> Result<Option<Verdict>, CliError> {
        if self.again {
            return Ok(Some(Verdict::Again));
        }
        if self.failed {
            return Ok(Some(Verdict::Failed));
        }
        let Some(json) = &self.happened else { return Ok(None) };
        let value: Value = serde_json::from_str(json).map_err(|error| CliError::Usage {
            what: format!("what came of it is no JSON: {error}"),
            hint: "--happened '{\"id\": 7}'".to_owned(),
        })?;
        // In the form in which a tool answers.
        let answer = json!({ "content": [], "structured": value });
        Ok(Some(Verdict::Happened(Text::new(answer.to_string()))))
    }
}

pub(super) fn retry(app: &Arc<App>, output: Output, arguments: &RetryArgs) -> Result<(), CliError> {
    let row = named(app, &arguments.named.task)?;
    let task = row.about.run;
    let State::Failed { reason } = row.status.state else {
        let state = row.status.state.to_string();
        return Err(Unfinished::Unfit { task, state, wanted: "retried" }.into());
    };
    // What an agent did before leads to the same end again, unless that came from outside.
    use crate::workflow::Reason as R;
    let anew = arguments.anew || matches!(reason, R::Error | R::Nondeterminism);
    let journal = app.journal();
    let mut letters = Vec::new();
    if let Some(budget) = arguments.raised.over(row.status.limit) {
        letters.push(Request::Raise { budget, deadline_ms: None });
    }
    letters.push(Request::Retry { anew });
    for letter in letters {
        let sent = journal.send(task, &letter, "person", app.clock().now_ms());
        sent.wait().map_err(TaskError::from)?;
    }
    let patience = patience(output, arguments.wait);
    carry(app, output, |runtime, stop| Box::pin(runtime.take_on(task, patience, stop)))
}
