//! `ax approve`: what waits for a person, and their answers.
//!
//! Invariant: an answer holds for exactly what was looked at; if that has changed since, it is void.

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::fault::CliError;
use super::output::Output;
use super::render::table;
use crate::app::{App, TaskError};
use crate::journal::{JournalError, Question, Request};
use crate::plugin::schema::violations;
use crate::plugin::scrub;
use crate::runtime::Nobody;
use crate::workflow::{Answer, Asked, Gate, State, Text};

/// What is wrong with a form: so much is told at once.
const MISFITS_MAX: usize = 10;

/// Bytes of a question on a line.
const LINE_BYTES: usize = 256;

#[derive(Debug, Subcommand)]
pub(crate) enum ApproveCommand {
    /// List what waits for an answer
    List,
    /// Show what is asked, with all there is to look at
    Show(WhichArgs),
    /// Allow it, or fill in a form
    Yes(YesArgs),
    /// Refuse it
    No(WhichArgs),
}

/// Which question.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// The task, and with `:ENTRY` which of its questions
    #[arg(value_name = "TASK[:ENTRY]")]
    question: String,
}

/// What is allowed.
#[derive(Debug, Args)]
pub(crate) struct YesArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// What is filled in, if a form is asked for: a JSON object
    #[arg(long, value_name = "JSON")]
    form: Option<String>,
}

pub(super) fn run(app: &Arc<App>, output: Output, command: ApproveCommand) -> Result<(), CliError> {
    match command {
        ApproveCommand::List => list(app, output),
        ApproveCommand::Show(which) => show(app, output, &which),
        ApproveCommand::Yes(YesArgs { which, form }) => {
            let question = found(app, &which)?;
            let usage = |what: &str, hint: String| CliError::Usage { what: what.to_owned(), hint };
            let answer = match (question.is_form, form) {
                (false, None) => Answer::Yes,
                (true, Some(form)) => filled(&schema(app, &question)?, &form)?,
                (true, None) => {
                    let hint = format!("ax approve yes {} --form '{{…}}'", which.question);
                    return Err(usage("a form is to be filled in", hint));
                }
                (false, Some(_)) => {
                    let hint = format!("ax approve yes {}", which.question);
                    return Err(usage("this is a question, not a form", hint));
                }
            };
            answered(app, output, &question, answer)
        }
        ApproveCommand::No(which) => {
            let question = found(app, &which)?;
            answered(app, output, &question, Answer::No)
        }
    }
}

/// Returns what the form of a question is to be filled in with.
fn schema(app: &Arc<App>, question: &Question) -> Result<Value, CliError> {
    let asked = asked(app, question)?;
    let schema = asked.and_then(|asked| match asked.gate {
        Gate::Form { schema } => serde_json::from_str(schema.here()?).ok(),
        Gate::Approval => None,
    });
    Ok(schema.unwrap_or(Value::Null))
}

fn filled(schema: &Value, form: &str) -> Result<Answer, CliError> {
    let wrong =
        |what: String| CliError::Usage { what, hint: "--form '{\"name\": …}'".to_owned() };
    let value: Value = serde_json::from_str(form)
        .map_err(|error| wrong(format!("the form is no JSON: {error}")))?;
    let misfits = violations(schema, &value, MISFITS_MAX);
    match misfits.is_empty() {
        true => Ok(Answer::Filled(Text::new(value.to_string()))),
        false => {
            let lines: Vec<String> = misfits.iter().map(ToString::to_string).collect();
            Err(wrong(format!("the form is not filled in right: {}", lines.join("; "))))
        }
    }
}

fn name(question: &Question) -> String {
    format!("{}:{}", question.run, question.seq)
}

fn list(app: &App, output: Output) -> Result<(), CliError> {
    let questions = app.journal().questions(None).map_err(TaskError::from)?;
    let shown: Vec<Value> = questions
        .iter()
        .map(|it| {
            json!({
                "question": name(it),
                "task": it.run,
                "entry": it.seq,
                "gate": kind(it),
                "text": it.text,
                "boundTo": it.bound_to,
                "askedAtMs": it.asked_at_ms,
                "expiresAtMs": it.expires_at_ms,
            })
        })
        .collect();
    output.data(&shown, || match questions.is_empty() {
        true => "nothing waits for an answer".to_owned(),
        false => {
            let now_ms = app.clock().now_ms();
            table(questions.iter().map(|it| {
                let left = it.expires_at_ms.saturating_sub(now_ms);
                [
                    ("question", name(it)),
                    ("kind", kind(it).to_owned()),
                    ("time left", hours(left)),
                    ("what", scrub(&it.text, LINE_BYTES)),
                ]
            }))
        }
    });
    Ok(())
}

fn kind(question: &Question) -> &'static str {
    if question.is_form { "form" } else { "approval" }
}

fn hours(ms: u64) -> String {
    match (ms / 3_600_000, ms / 60_000 % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours}:{minutes:02} h"),
    }
}

/// Finds an open question.
fn found(app: &App, which: &WhichArgs) -> Result<Question, CliError> {
    let (task, entry) = match which.question.rsplit_once(':') {
        Some((task, entry)) => (task, entry.parse::<u64>().ok()),
        None => (which.question.as_str(), None),
    };
    let run = super::task::named(app, task)?.about.run;
    let mut open = app.journal().questions(Some(run)).map_err(TaskError::from)?;
    let asks = open.len();
    let found = match entry {
        Some(entry) => open.into_iter().find(|it| it.seq == entry),
        None if asks == 1 => open.pop(),
        None if asks > 1 => {
            return Err(CliError::Usage {
                what: format!("the task asks {asks} questions"),
                hint: "name one of them: ax approve list".to_owned(),
            });
        }
        None => None,
    };
    let none = || JournalError::NotAsked { run, question: entry.unwrap_or(0) };
    Ok(found.ok_or_else(none).map_err(TaskError::from)?)
}

/// Reads the whole of a question.
fn asked(app: &Arc<App>, question: &Question) -> Result<Option<Asked>, CliError> {
    let run = app.runtime(Arc::new(Nobody))?.folded(question.run).map_err(TaskError::from)?;
    Ok(run.questions().get(&question.seq).map(|asked| (**asked).clone()))
}

fn show(app: &Arc<App>, output: Output, which: &WhichArgs) -> Result<(), CliError> {
    let question = found(app, which)?;
    let asked = asked(app, &question)?;
    let details = asked.as_ref().and_then(|it| it.details.here().cloned());
    let details: Value =
        details.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let schema = match question.is_form {
        true => Some(schema(app, &question)?),
        false => None,
    };
    let shown = json!({
        "question": name(&question), "gate": kind(&question), "text": question.text,
        "details": details, "schema": schema, "boundTo": question.bound_to,
        "expiresAtMs": question.expires_at_ms,
    });
    output.data(&shown, || {
        let mut text = format!("{}\n", scrub(&question.text, 4 << 10));
        if !details.is_null() {
            text.push_str(&format!("\n{details:#}\n"));
        }
        if let Some(schema) = &schema {
            text.push_str(&format!("\nto be filled in: {schema:#}\n"));
        }
        text.push_str(&format!("\nax approve yes {0}, or ax approve no {0}\n", name(&question)));
        text
    });
    Ok(())
}

fn answered(
    app: &Arc<App>,
    output: Output,
    question: &Question,
    answer: Answer,
) -> Result<(), CliError> {
    let word = crate::runtime::events::word(&answer);
    let bound_to = question.bound_to;
    let request = Request::Answer { question: question.seq, bound_to, answer };
    let runtime = app.runtime(Arc::new(Nobody))?;
    let sent = runtime.journal.send(question.run, &request, "person", app.clock().now_ms());
    sent.wait().map_err(TaskError::from)?;
    let (state, is_carried) = match app.host()?.block_on(runtime.deliver(question.run)) {
        Ok(ended) => (ended.state, false),
        Err(error) if error.is_taken() => (State::Executing, true),
        Err(error) => return Err(TaskError::from(error).into()),
    };
    let next = match is_carried || state.is_terminal() {
        true => None,
        false => Some(format!("ax task resume {}", question.run)),
    };
    let told = json!({ "question": name(question), "answer": word, "next": next });
    output.data(&told, || match &next {
        None => format!("{}: {word}", name(question)),
        Some(next) => format!("{}: {word}\nthe task goes on with: {next}", name(question)),
    });
    Ok(())
}
