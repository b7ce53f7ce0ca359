//! `ax agent`: the agents of installed plugins, and running one as a task.

use std::collections::BTreeMap;
use std::sync::Arc;

use ax_manifest::{Span, ToolId, micro_usd};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::carry::{carry, patience};
use super::fault::CliError;
use super::output::Output;
use super::read_named;
use super::render::table;
use crate::app::{App, Beginning, Doing, TaskBudget, TaskError};
use crate::workflow::Budget;

/// Bytes of an input: what an agent or a workflow may be given.
const INPUT_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// List the agents of installed plugins
    List,
    /// Run an agent as a task, and carry it until it ends or rests
    Run(Box<AgentRunArgs>),
}

/// What an agent is to do.
#[derive(Debug, Args)]
pub(crate) struct AgentRunArgs {
    /// The agent, as `ax:repo-report.repo-report`; its plugin is enough if it has one
    #[arg(value_name = "AGENT")]
    agent: String,
    /// What it is to reach, in words
    #[arg(value_name = "GOAL")]
    goal: Vec<String>,
    #[command(flatten)]
    begun: BegunArgs,
}

/// How a task begins.
#[derive(Debug, Args)]
pub(crate) struct BegunArgs {
    /// What it is given: a JSON object, `@FILE`, or `-` for standard input
    #[arg(long, value_name = "JSON")]
    input: Option<String>,
    /// One member of what it is given; the value is JSON, or else text
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = member)]
    set: Vec<(String, Value)>,
    /// A label, to find it by
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    #[command(flatten)]
    budget: BudgetArgs,
    /// Fail when the budget is used up, instead of resting
    #[arg(long)]
    fail_at_limit: bool,
    /// Fail if it has not ended by then, from now: `2 h`
    #[arg(long, value_name = "TIME")]
    deadline: Option<Span>,
    /// Wait for answers of people, also when nobody watches
    #[arg(long)]
    wait: bool,
}

/// What a task may use.
#[derive(Debug, Clone, Args)]
pub(crate) struct BudgetArgs {
    /// US dollars it may spend [default: 0.50]
    #[arg(long, value_name = "USD", value_parser = dollars)]
    usd: Option<u64>,
    /// Tokens of models it may use [default: 200000]
    #[arg(long, value_name = "COUNT")]
    tokens: Option<u64>,
    /// Calls of tools it may make [default: 50]
    #[arg(long, value_name = "COUNT")]
    calls: Option<u64>,
    /// Minutes it may be at work [default: 30]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=525_600))]
    minutes: Option<u64>,
}

impl BudgetArgs {
    fn told(&self, fails_at_limit: bool) -> TaskBudget {
        TaskBudget {
            cost_micro_usd: self.usd,
            tokens: self.tokens,
            calls: self.calls,
            ms: self.minutes.map(|minutes| minutes * 60_000),
            fails_at_limit: fails_at_limit.then_some(true),
        }
    }

    /// Puts what was said over what holds; nothing if nothing was said.
    pub(super) fn over(&self, limit: Budget) -> Option<Budget> {
        let told = self.told(false);
        (told != TaskBudget::default()).then(|| told.over(limit))
    }
}

fn dollars(text: &str) -> Result<u64, String> {
    micro_usd(text).ok_or_else(|| "it is an amount of US dollars, as 0.50".to_owned())
}

pub(super) fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is NAME=VALUE")?;
    match name.is_empty() || name.len() > 64 || value.len() > 256 {
        true => Err("a name has 1 to 64 bytes, a value at most 256".to_owned()),
        false => Ok((name.to_owned(), value.to_owned())),
    }
}

fn member(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("it is NAME=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

impl BegunArgs {
    fn input(&self) -> Result<Value, CliError> {
        let text = match self.input.as_deref() {
            None => "{}".to_owned(),
            Some("-") => read_named("-", INPUT_BYTES_MAX)?,
            Some(named) if named.starts_with('@') => read_named(&named[1..], INPUT_BYTES_MAX)?,
            Some(json) => json.to_owned(),
        };
        let wrong = |why: String| CliError::Usage {
            what: format!("the input is no JSON object: {why}"),
            hint: "--input '{\"path\": \"src\"}', or --set path=src".to_owned(),
        };
        let parsed: Value =
            serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let Value::Object(mut members) = parsed else {
            return Err(wrong("it is something else".to_owned()));
        };
        members.extend(self.set.iter().cloned());
        Ok(Value::Object(members))
    }

    /// Begins a task and carries it.
    pub(super) fn carry(
        &self,
        app: &Arc<App>,
        output: Output,
        doing: Doing,
    ) -> Result<(), CliError> {
        let now_ms = app.clock().now_ms();
        let deadline_ms = self.deadline.map(|span| {
            now_ms.saturating_add(u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX))
        });
        let labels: BTreeMap<String, String> = self.label.iter().cloned().collect();
        let (started, name) = app.beginning(Beginning {
            doing,
            input: self.input()?,
            budget: self.budget.told(self.fail_at_limit),
            deadline_ms,
            labels,
            by: "person".to_owned(),
        })?;
        let patience = patience(output, self.wait);
        output.note(&format!("task {}", started.task));
        carry(app, output, |runtime, stop| {
            Box::pin(async move { runtime.begin(started, &name, patience, stop).await })
        })
    }
}

pub(super) fn run(app: &Arc<App>, output: Output, command: AgentCommand) -> Result<(), CliError> {
    match command {
        AgentCommand::List => list(app, output),
        AgentCommand::Run(arguments) => {
            let agent = named(app, &arguments.agent)?;
            let goal = arguments.goal.join(" ");
            arguments.begun.carry(app, output, Doing::Agent { agent, goal })
        }
    }
}

/// Finds an agent by its name, or by its plugin's if that has one.
fn named(app: &App, name: &str) -> Result<ToolId, CliError> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let agents = app.agents()?;
    let mut of_plugin = agents.iter().filter(|it| it.id.plugin.to_string() == name);
    match (of_plugin.next(), of_plugin.next()) {
        (Some(agent), None) => Ok(agent.id.clone()),
        _ => Err(TaskError::NoAgent { agent: name.to_owned(), near: None }.into()),
    }
}

fn list(app: &App, output: Output) -> Result<(), CliError> {
    let agents = app.agents()?;
    let shown: Vec<Value> = agents
        .iter()
        .map(|it| {
            json!({
                "name": it.id.to_string(),
                "summary": it.agent.summary,
                "inputSchema": it.agent.input_schema,
                "outputSchema": it.agent.output_schema,
            })
        })
        .collect();
    output.data(&shown, || match agents.is_empty() {
        true => "no installed plugin has agents: ax plugin list".to_owned(),
        false => {
            let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
            table(agents.iter().map(|it| {
                [("agent", it.id.to_string()), ("what it does", first_line(&it.agent.summary))]
            }))
        }
    });
    Ok(())
}
