//! `ax workflow`: check, run, graph.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ax_manifest::{EffectClass, PluginName, Span, usd};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::agent::BegunArgs;
use super::fault::CliError;
use super::output::Output;
use super::read_named;
use super::render::counted;
use super::verdict;
use crate::app::{App, CheckedFile, CheckedWorkflow, Doing};
use crate::plugin::scrub;
use crate::workflow::spec::{Graph, Known, SPEC_BYTES_MAX, Spec, SpecError, StepKind, check};

#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowCommand {
    /// Say all that is wrong with a workflow, or what it would need
    ///
    /// It is compared with the tools that are installed and what they are granted; nothing is run. Files
    /// that it does the steps of are looked at too.
    Check {
        /// The file, or `-` for standard input
        file: String,
    },
    /// Run the steps of a workflow as a task, and carry it until it ends or rests
    Run {
        /// The file, or the name of one in the folder `workflows` of the home: `review`
        file: PathBuf,
        #[command(flatten)]
        begun: BegunArgs,
    },
    /// Draw how the steps of a workflow hang together
    Graph {
        /// The file, or `-` for standard input
        file: String,
        /// How to draw it
        #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
        format: GraphFormat,
    },
}

/// How a workflow is drawn.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum GraphFormat {
    /// For a terminal
    Text,
    /// For Mermaid, which many pages show as a picture
    Mermaid,
    /// For Graphviz
    Dot,
    /// For programs
    Json,
}

/// Bytes of one printed line, which may repeat what a stranger wrote.
const LINE_BYTES: usize = 4 << 10;

pub(super) fn run(
    app: &Arc<App>,
    output: Output,
    command: WorkflowCommand,
) -> Result<(), CliError> {
    match command {
        WorkflowCommand::Run { file, begun } => {
            let file = on_shelf(app, file);
            // All mistakes at once, and those that only what is installed shows.
            let named = file.display().to_string();
            let checked = app.check_workflow(&file, &read(&named)?)?;
            let mistakes: usize = checked.files.iter().map(|it| it.checked.mistakes.len()).sum();
            if mistakes > 0 {
                let text = checked.files.iter().map(|it| file_text(it, &checked));
                output.show(&text.collect::<String>());
                return findings(mistakes);
            }
            begun.carry(app, output, Doing::Workflow(file))
        }
        WorkflowCommand::Check { file } => check_file(app, output, &file),
        WorkflowCommand::Graph { file, format } => graph(output, &file, format),
    }
}

/// Returns the file that is meant: what is no file here and may be a name is looked for on the shelf.
fn on_shelf(app: &App, file: PathBuf) -> PathBuf {
    let shelved = file.to_str().and_then(|name| app.shelved(name));
    shelved.filter(|shelved| !file.exists() && shelved.exists()).unwrap_or(file)
}

fn shown(file: &str) -> String {
    scrub(if file == "-" { "(standard input)" } else { file }, LINE_BYTES)
}

fn read(file: &str) -> Result<String, CliError> {
    read_named(file, SPEC_BYTES_MAX as u64)
}

fn check_file(app: &App, output: Output, file: &str) -> Result<(), CliError> {
    let text = read(file)?;
    let name = if file == "-" { "(standard input)" } else { file };
    let checked = app.check_workflow(Path::new(name), &text)?;
    let values: Vec<Value> = checked.files.iter().map(|it| file_json(it, &checked)).collect();
    output.data(&values, || {
        checked.files.iter().map(|it| file_text(it, &checked)).collect::<String>()
    });
    findings(checked.files.iter().map(|it| it.checked.mistakes.len()).sum())
}

fn findings(count: usize) -> Result<(), CliError> {
    match count {
        0 => Ok(()),
        count => Err(CliError::WorkflowFindings { count }),
    }
}

fn graph(output: Output, file: &str, format: GraphFormat) -> Result<(), CliError> {
    let text = read(file)?;
    // What is installed says nothing about how steps hang together.
    let checked = check(&text, &Known::default());
    let Some(spec) = checked.spec else {
        let values: Vec<Value> = checked.mistakes.iter().map(mistake_json).collect();
        output.data(&values, || mistakes_text(&shown(file), &checked.mistakes));
        return findings(checked.mistakes.len());
    };
    let graph = Graph::of(&spec);
    match format {
        GraphFormat::Json => output.json_line(&graph.json()),
        GraphFormat::Text => output.data(&graph.json(), || lines(&graph.text())),
        GraphFormat::Mermaid => output.data(&graph.json(), || lines(&graph.mermaid())),
        GraphFormat::Dot => output.data(&graph.json(), || lines(&graph.dot())),
    }
    Ok(())
}

/// Makes every line safe to print.
fn lines(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", scrub(line, LINE_BYTES))).collect()
}

fn mistake_json(mistake: &SpecError) -> Value {
    json!({
        "line": mistake.line,
        "column": mistake.column,
        "code": verdict::of_workflow(mistake.flaw.group()).text,
        "what": mistake.flaw.to_string(),
        "hint": mistake.hint(),
    })
}

fn mistakes_text(file: &str, mistakes: &[SpecError]) -> String {
    let mut text = String::new();
    for mistake in mistakes {
        let SpecError { line, column, flaw } = mistake;
        let code = verdict::of_workflow(flaw.group()).text;
        let told = format!("{file}:{line}:{column}: error[{code}]: {flaw}");
        text.push_str(&format!("{}\n", scrub(&told, LINE_BYTES)));
        if let Some(hint) = mistake.hint() {
            text.push_str(&format!("    hint: {}\n", scrub(&hint, LINE_BYTES)));
        }
    }
    text
}

fn file_json(file: &CheckedFile, all: &CheckedWorkflow) -> Value {
    let mistakes: Vec<Value> = file.checked.mistakes.iter().map(mistake_json).collect();
    let state = if mistakes.is_empty() { "ok" } else { "wrong" };
    let mut row = json!({ "file": file.file, "state": state, "mistakes": mistakes });
    if let Some(spec) = &file.checked.spec {
        let needs = Needs::of(spec, &all.known);
        row["name"] = json!(spec.name);
        row["steps"] = json!(spec.steps.len());
        row["digest"] = json!(spec.digest.to_string());
        row["needs"] = json!({
            "tools": needs.tools.iter().map(|(id, class)| json!({ "id": id, "effect": class })).collect::<Vec<_>>(),
            "permissions": needs.permissions.iter().map(|(plugin, permission, is_granted)| {
                json!({ "plugin": plugin.to_string(), "permission": permission, "granted": is_granted })
            }).collect::<Vec<_>>(),
            "agents": needs.agents,
            "models": needs.models,
            "files": spec.files(),
            "budget": {
                "microUsd": spec.budget.cost_micro_usd,
                "tokens": spec.budget.tokens,
                "calls": spec.budget.calls,
            },
            "timeMs": spec.budget.ms,
            "failsAtLimit": spec.fails_at_limit,
        });
    }
    row
}

fn file_text(file: &CheckedFile, all: &CheckedWorkflow) -> String {
    let name = shown(&file.file);
    if !file.checked.mistakes.is_empty() {
        return mistakes_text(&name, &file.checked.mistakes);
    }
    let Some(spec) = &file.checked.spec else { return String::new() };
    let needs = Needs::of(spec, &all.known);
    let steps = counted(spec.steps.len() as u64, "step");
    let mut text = format!("ok    {name}  {}, {steps}\n", spec.name);
    let mut row = |what: &str, values: Vec<String>| {
        for value in values {
            text.push_str(&format!("  {what:11} {}\n", scrub(&value, LINE_BYTES)));
        }
    };
    row("tool", needs.tools.iter().map(|(id, class)| format!("{id}  {class}")).collect());
    let permissions = needs.permissions.iter().map(|(plugin, permission, is_granted)| {
        let state = if *is_granted { "granted" } else { "not granted" };
        format!("{plugin} {permission}  {state}")
    });
    row("permission", permissions.collect());
    row("agent", needs.agents.iter().cloned().collect());
    row("model", needs.models.iter().cloned().collect());
    row("file", spec.files().into_iter().map(str::to_owned).collect());
    row("budget", vec![budget(spec)]);
    text
}

/// Says what a workflow may use.
fn budget(spec: &Spec) -> String {
    let amounts = [
        spec.budget.cost_micro_usd.map(|amount| format!("{} USD", usd(amount))),
        spec.budget.tokens.map(|amount| format!("{amount} tokens")),
        spec.budget.calls.map(|amount| format!("{amount} calls of tools")),
        spec.budget.ms.map(|ms| Span(std::time::Duration::from_millis(ms)).to_string()),
    ];
    let amounts: Vec<String> = amounts.into_iter().flatten().collect();
    let then = if spec.fails_at_limit { "then it fails" } else { "then it asks" };
    format!("{}; {then}", amounts.join(", "))
}

/// Says what becomes of an interrupted call.
fn effect(class: EffectClass) -> &'static str {
    match class {
        EffectClass::Pure => "pure",
        EffectClass::Keyed => "keyed",
        EffectClass::Readable => "readable",
        EffectClass::Compensable => "compensable",
        EffectClass::Unsafe => "unsafe",
    }
}

/// What a workflow would use.
struct Needs {
    /// Tools, and what is known of an interrupted call.
    tools: Vec<(String, &'static str)>,
    /// Plugins, what they ask for, whether they hold it.
    permissions: Vec<(PluginName, String, bool)>,
    agents: BTreeSet<String>,
    models: BTreeSet<String>,
}

impl Needs {
    fn of(spec: &Spec, known: &Known) -> Self {
        let (mut tools, mut permissions) = (Vec::new(), Vec::new());
        let (mut seen, mut plugins) = (BTreeSet::new(), BTreeSet::new());
        for call in spec.calls() {
            let id = call.tool.to_string();
            let tool = known.tools.as_ref().and_then(|tools| tools.get(&id));
            let Some(tool) = tool.filter(|_| seen.insert(id.clone())) else { continue };
            tools.push((id, effect(tool.class)));
            if plugins.insert(call.tool.plugin.clone()) {
                permissions.extend(tool.asked.iter().map(|asked| {
                    let is_granted = !tool.not_granted.contains(asked);
                    (call.tool.plugin.clone(), asked.to_string(), is_granted)
                }));
            }
        }
        let (mut agents, mut models) = (BTreeSet::new(), BTreeSet::new());
        for step in &spec.steps {
            match &step.kind {
                StepKind::Agent { agent, .. } => {
                    agents.insert(agent.to_string());
                }
                StepKind::Model { model, .. } => {
                    models.insert(model.clone());
                }
                StepKind::Tool { .. }
                | StepKind::Approve { .. }
                | StepKind::Wait(_)
                | StepKind::Workflow { .. }
                | StepKind::Set { .. } => {}
            }
        }
        Self { tools, permissions, agents, models }
    }
}
