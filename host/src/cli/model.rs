//! `ax model list`: which models may be asked, what they cost and can do.
//!
//! Not here: where that is known from (`router::catalogue`, the provider itself).

use clap::Subcommand;
use serde_json::{Value, json};

use super::fault::CliError;
use super::interrupts::current_thread;
use super::output::Output;
use super::render::table;
use crate::app::{App, Unanswered};
use crate::chat::{LIMITS, Model as _, ModelInfo};
use crate::provider::hint;
use crate::router::catalogue::Catalogue;
use crate::router::trail::Trail;

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// List the models that may be asked, with their prices and bounds
    List {
        /// Ask this provider for all that it has
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
    },
}

/// A model that may be asked.
struct Listed {
    provider: String,
    model: String,
    info: Option<ModelInfo>,
}

pub(super) fn run(app: &App, output: Output, command: &ModelCommand) -> Result<(), CliError> {
    let ModelCommand::List { provider } = command;
    let (listed, prices) = match provider {
        Some(name) => (all_of(app, name)?, app.prices()?),
        None => configured(app)?,
    };
    let rows: Vec<Value> = listed.iter().map(|it| row(it, &prices)).collect();
    output.data(&rows, || match rows.is_empty() {
        true => "no model is configured; ax provider add --help\n".to_owned(),
        false => table(rows.iter().map(cells)),
    });
    Ok(())
}

fn configured(app: &App) -> Result<(Vec<Listed>, Catalogue), CliError> {
    let models = app.models(None)?;
    let targets = models.router.targets();
    let mut listed: Vec<Listed> = Vec::new();
    for target in targets {
        let is_there = |it: &Listed| (&it.provider, &it.model) == (&target.provider, &target.model);
        if !listed.iter().any(is_there) {
            let (provider, model) = (target.provider.clone(), target.model.clone());
            listed.push(Listed { provider, model, info: None });
        }
    }
    Ok((listed, models.prices))
}

/// Asks a provider for its models.
fn all_of(app: &App, name: &str) -> Result<Vec<Listed>, CliError> {
    let provider = app.provider(name)?;
    let (_, client) = provider.clients.first().expect("a provider has a client");
    let asked = current_thread()?.block_on(client.models());
    let models = asked.map_err(|error| {
        let (hint, trail) = (hint(&error, &provider.config), Trail::default());
        CliError::Unanswered(Box::new(Unanswered { id: None, error, trail, hint }))
    })?;
    let of = |info: ModelInfo| Listed {
        provider: name.to_owned(),
        model: info.name.clone(),
        info: Some(info),
    };
    // A longer name could not be asked for.
    let is_name = |info: &ModelInfo| info.name.chars().count() <= LIMITS.model_chars_max;
    Ok(models.into_iter().filter(is_name).map(of).collect())
}

fn row(listed: &Listed, prices: &Catalogue) -> Value {
    let Listed { provider, model, info } = listed;
    let (known, row) = (prices.abilities(model), prices.row(model));
    let said = |of: fn(&ModelInfo) -> Option<u64>| info.as_ref().and_then(of);
    json!({
        "provider": provider,
        "model": model,
        "contextTokens": known.context_tokens.or(said(|it| it.context_tokens)),
        "outputTokens": known.output_tokens.or(said(|it| it.output_tokens)),
        "prices": row.map(|row| row.prices),
        "date": row.map(|row| &row.date),
        "source": row.map(|row| &row.source),
    })
}

fn cells(row: &Value) -> [(&'static str, String); 7] {
    let text = |key: &str| row[key].as_str().unwrap_or("unknown").to_owned();
    let number = |value: &Value| value.as_u64().map_or("unknown".to_owned(), |it| it.to_string());
    // USD for a million tokens is written as it is known: millionths of a dollar.
    let price = |key: &str| match row["prices"][key].as_u64() {
        Some(micro) => format!("{}.{:02}", micro / 1_000_000, micro % 1_000_000 / 10_000),
        None => "unknown".to_owned(),
    };
    [
        ("PROVIDER", text("provider")),
        ("MODEL", text("model")),
        ("CONTEXT", number(&row["contextTokens"])),
        ("ANSWER", number(&row["outputTokens"])),
        ("USD/M READ", price("input")),
        ("WRITTEN", price("output")),
        ("AS OF", text("date")),
    ]
}
