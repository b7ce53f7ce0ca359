//! `ax request` and `ax usage`: what was asked of models, what came of it, and what it cost.
//!
//! Not here: where it is kept (`ledger`).

use ax_manifest::Span;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::fault::CliError;
use super::output::Output;
use super::render::{counted, date, dollars, table};
use crate::app::App;
use crate::ledger::account::{By, Usage};
use crate::ledger::entry::State;
use crate::ledger::health::{Sla, Span as Window};
use crate::ledger::read::{Filter, LIST_MAX, Reader, Request, Shown};

#[derive(Debug, Subcommand)]
pub(crate) enum RequestCommand {
    /// List what was asked of models, the newest first
    ///
    /// ax request list --state failed --since 1h
    #[command(verbatim_doc_comment)]
    List(ListArgs),
    /// Show one request with its attempts
    Show {
        /// Its id, as `ax request list` shows it
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// What `ax request list` is told.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those that stand there
    #[arg(long, value_enum)]
    state: Option<Stands>,
    /// Only those that this provider was asked last
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Only those of this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Only those that this made ask, as `chat` or `plugin:ax:summarise`
    #[arg(long, value_name = "NAME")]
    trigger: Option<String>,
    /// Only those that began within this time, as `90s`, `2h` or `7d`
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Span>,
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = limit)]
    limit: usize,
}

/// What `ax usage` is told.
#[derive(Debug, Args)]
pub(crate) struct UsageArgs {
    /// What sums are told apart by
    #[arg(long, value_enum, default_value = "day")]
    by: Column,
    /// Only days that this time reaches back to, as `7d`
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Span>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Stands {
    /// It goes on
    Requesting,
    /// There was an answer
    Completed,
    /// There was none
    Failed,
    /// Its process ended before it did
    Orphaned,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Column {
    /// The day it began, in UTC
    Day,
    /// The model that was asked last
    Model,
    /// Its provider
    Provider,
    /// What made it ask
    Trigger,
}

fn since(text: &str) -> Result<Span, String> {
    text.parse::<Span>().map_err(|error| error.to_string())
}

fn limit(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|it| (1..=LIST_MAX).contains(it));
    number.ok_or_else(|| format!("it is not a number from 1 to {LIST_MAX}"))
}

/// Returns the time so long ago.
fn ago(app: &App, span: Span) -> u64 {
    let ms = u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX);
    app.now_ms().saturating_sub(ms)
}

pub(super) fn run(app: &App, output: Output, command: RequestCommand) -> Result<(), CliError> {
    match command {
        RequestCommand::List(arguments) => list(app, output, arguments),
        RequestCommand::Show { id } => show(app, output, &id),
    }
}

/// Opens the ledger, and says what of it is missing.
fn reader(app: &App, output: Output) -> Result<Option<Reader>, CliError> {
    let reader = app.requests()?;
    for damage in reader.iter().flat_map(Reader::damaged) {
        output.warn(&damage.to_string());
        output.note(&damage.hint().unwrap_or_default());
    }
    Ok(reader)
}

fn list(app: &App, output: Output, arguments: ListArgs) -> Result<(), CliError> {
    let ListArgs { state, provider, model, trigger, since, limit } = arguments;
    let state = state.map(|it| match it {
        Stands::Requesting => State::Requesting,
        Stands::Completed => State::Completed,
        Stands::Failed => State::Failed,
        Stands::Orphaned => State::Orphaned,
    });
    let since_ms = since.map(|span| ago(app, span));
    let filter = Filter { state, provider, model, trigger, since_ms };
    let rows = match reader(app, output)? {
        Some(reader) => reader.list(&filter, limit)?,
        None => Vec::new(),
    };
    output.data(&rows, || match rows.is_empty() {
        true => "no requests\n".to_owned(),
        false => table(rows.iter().map(cells)),
    });
    Ok(())
}

fn cells(request: &Request) -> [(&'static str, String); 8] {
    let [input, output, ..] = request.tokens;
    let asked = match request.provider.is_empty() {
        true => "nobody".to_owned(),
        false => format!("{}/{}", request.provider, request.model),
    };
    let outcome = match (&request.error, &request.finish) {
        (Some(error), _) => error.code.clone().unwrap_or_else(|| error.class.clone()),
        (None, finish) => finish.clone().unwrap_or_default(),
    };
    [
        ("TIME", date(request.began_ms)),
        ("ID", request.id.clone()),
        ("TRIGGER", request.trigger.clone()),
        ("ASKED", asked),
        ("STATE", request.state.clone()),
        ("OUTCOME", outcome),
        ("TOKENS", format!("{input}/{output}")),
        ("COST", cost(request)),
    ]
}

/// What a request cost, or costs at most.
fn cost(request: &Request) -> String {
    match (request.state.as_str(), request.cost_micro_usd, request.bound_micro_usd) {
        ("requesting" | "orphaned", _, Some(bound)) => format!("at most {}", dollars(bound)),
        ("requesting" | "orphaned", _, None) | (_, None, _) => "unknown".to_owned(),
        (_, Some(cost), _) if request.basis.as_deref() == Some("reported") => dollars(cost),
        (_, Some(cost), _) => format!("about {}", dollars(cost)),
    }
}

fn show(app: &App, output: Output, id: &str) -> Result<(), CliError> {
    let found = match reader(app, output)? {
        Some(reader) => reader.show(id)?,
        None => None,
    };
    let Some(shown) = found else { return Err(CliError::NoRequest { id: id.to_owned() }) };
    output.data(&shown, || text(&shown));
    Ok(())
}

fn text(shown: &Shown) -> String {
    let Shown { request, trail, body, is_body_whole, chunks } = shown;
    let [input, output, cache_read, cache_write, reasoning] = request.tokens;
    let mut rows = vec![
        ("id", request.id.clone()),
        ("trigger", request.trigger.clone()),
        ("state", request.state.clone()),
        ("began", date(request.began_ms)),
    ];
    rows.extend(request.duration_ms.map(|ms| ("took", format!("{ms} ms"))));
    rows.push(("tokens", format!(
        "{input} read ({cache_read} from the cache, {cache_write} into it), {output} written ({reasoning} of thoughts)"
    )));
    rows.push(("cost", cost(request)));
    rows.extend(request.finish.clone().map(|finish| ("finish", finish)));
    if let Some(error) = &request.error {
        let said = [Some(error.class.clone()), error.code.clone(), error.message.clone()];
        rows.push(("error", said.into_iter().flatten().collect::<Vec<_>>().join(", ")));
    }
    let mut text: String =
        rows.iter().map(|(name, value)| format!("{name:<8} {value}\n")).collect();
    let attempts: Vec<&Value> = trail.as_array().into_iter().flatten().collect();
    if !attempts.is_empty() {
        text.push('\n');
        text.push_str(&table(attempts.iter().enumerate().map(|(at, step)| attempt(at, step))));
    }
    if let Some(body) = body {
        let cut = if *is_body_whole { "" } else { " (cut)" };
        text.push_str(&format!("\nanswer{cut}\n{body}\n"));
    }
    if *chunks > 0 {
        text.push_str(&format!("\n{} of the stream are kept\n", counted(*chunks, "piece")));
    }
    text
}

fn attempt(at: usize, step: &Value) -> [(&'static str, String); 5] {
    let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
    let outcome = match (step["status"].as_u64(), step["code"].as_str()) {
        (Some(status), Some(code)) => format!("{status} {code}"),
        (None, Some(code)) => code.to_owned(),
        (_, None) => "ok".to_owned(),
    };
    [
        ("ATTEMPT", (at + 1).to_string()),
        ("ASKED", format!("{}/{}", text("provider"), text("model"))),
        ("KEY", text("key")),
        ("OUTCOME", outcome),
        ("MS", step["tookMs"].as_u64().unwrap_or_default().to_string()),
    ]
}

/// `ax usage`.
pub(super) fn usage(app: &App, output: Output, arguments: &UsageArgs) -> Result<(), CliError> {
    let by = match arguments.by {
        Column::Day => By::Day,
        Column::Model => By::Model,
        Column::Provider => By::Provider,
        Column::Trigger => By::Trigger,
    };
    let since_ms = arguments.since.map(|span| ago(app, span));
    let rows = match reader(app, output)? {
        Some(reader) => reader.usage(by, since_ms)?,
        None => Vec::new(),
    };
    let head = match by {
        By::Day => "DAY",
        By::Model => "MODEL",
        By::Provider => "PROVIDER",
        By::Trigger => "TRIGGER",
    };
    output.data(&rows, || match rows.is_empty() {
        true => "no requests\n".to_owned(),
        false => table(rows.iter().map(|row| sums(head, row))),
    });
    Ok(())
}

fn sums(head: &'static str, row: &Usage) -> [(&'static str, String); 9] {
    let [input, output, ..] = row.tokens;
    let bound = match (row.orphaned, row.unbounded) {
        (0, _) => String::new(),
        (orphaned, 0) => format!("{orphaned}, at most {}", dollars(row.bound_micro_usd)),
        (orphaned, _) => format!("{orphaned}, unknown"),
    };
    [
        (head, if row.name.is_empty() { "nobody".to_owned() } else { row.name.clone() }),
        ("REQUESTS", row.requests.to_string()),
        ("FAILED", row.failed.to_string()),
        ("READ", input.to_string()),
        ("WRITTEN", output.to_string()),
        ("REPORTED", dollars(row.reported_micro_usd)),
        ("ESTIMATED", dollars(row.estimated_micro_usd)),
        // Requests of which a part has no known price: their cost is in no sum.
        ("UNPRICED", row.unpriced.to_string()),
        ("ORPHANED", bound),
    ]
}

/// `ax provider sla`.
pub(super) fn sla(app: &App, output: Output) -> Result<(), CliError> {
    let rows = match reader(app, output)? {
        Some(reader) => reader.sla(app.now_ms())?,
        None => Vec::new(),
    };
    output.data(&rows, || match rows.is_empty() {
        true => "no provider was asked\n".to_owned(),
        false => table(rows.iter().flat_map(|sla| sla.spans.iter().map(move |it| window(sla, it)))),
    });
    Ok(())
}

fn window(sla: &Sla, window: &Window) -> [(&'static str, String); 7] {
    let percent = |ppm: u64| format!("{}.{:02}%", ppm / 10_000, ppm % 10_000 / 100);
    let ms = |ms: Option<u64>| ms.map_or_else(String::new, |ms| ms.to_string());
    let failed = window.attempts - window.answered;
    [
        ("PROVIDER", sla.provider.clone()),
        (
            "WITHIN",
            if window.hours < 48 {
                format!("{} h", window.hours)
            } else {
                format!("{} d", window.hours / 24)
            },
        ),
        ("ATTEMPTS", window.attempts.to_string()),
        ("FAILED", failed.to_string()),
        ("AVAILABLE", window.availability_ppm.map_or_else(String::new, percent)),
        ("P50 MS", ms(window.p50_ms)),
        ("P95 MS", ms(window.p95_ms)),
    ]
}
