//! `ax provider`: list, add, test. How they did (`sla`) is told with requests (`request`).
//!
//! Not here: asking (`provider`), what is written into the settings (`config::append`).

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::fault::CliError;
use super::interrupts::current_thread;
use super::output::Output;
use super::render::{counted, table};
use crate::app::{App, Provider};
use crate::provider::{Kind, ProviderConfig, hint};

#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// List the providers of models, and whether their keys are set
    List,
    /// Add a provider of models to config.toml
    ///
    /// ax provider add claude --kind claude --key anthropic-key --model claude-sonnet-5-5
    /// ax provider add local --kind compatible --url http://127.0.0.1:11434/v1 --model llama3.3
    #[command(verbatim_doc_comment)]
    Add(AddArgs),
    /// Ask a provider for its models, to see that it answers and the keys open
    Test {
        /// Which [default: all that are switched on]
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Say how providers did in the last hour, day and 30 days
    Sla,
}

/// What `ax provider add` is told.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// What it is called here
    #[arg(value_name = "NAME")]
    name: String,
    /// Which interface it speaks; `compatible` is OpenAI's as Ollama, vLLM and llama.cpp speak it
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Kind,
    /// The name of the secret that is its key, several if it has several
    #[arg(long, value_name = "SECRET")]
    key: Vec<String>,
    /// Where it is [default: the provider's own place]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// A model that may be asked; the first is asked where none is named
    #[arg(long, value_name = "MODEL")]
    model: Vec<String>,
    /// 1 to 10; 1 is asked first
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    priority: u8,
    /// On whose account, where a key opens several
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
}

fn kind(text: &str) -> Result<Kind, String> {
    let words: Vec<_> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    let found = Kind::ALL.into_iter().find(|kind| kind.word() == text);
    found.ok_or_else(|| format!("it is not one of {}", words.join(", ")))
}

pub(super) fn run(app: &App, output: Output, command: ProviderCommand) -> Result<(), CliError> {
    match command {
        ProviderCommand::List => list(app, output),
        ProviderCommand::Add(arguments) => add(app, output, arguments),
        ProviderCommand::Sla => super::request::sla(app, output),
        ProviderCommand::Test { name } => test(app, output, name.as_deref()),
    }
}

fn list(app: &App, output: Output) -> Result<(), CliError> {
    let names = app.config().providers.keys();
    let providers: Vec<Provider> =
        names.map(|name| app.provider(name)).collect::<Result<_, _>>()?;
    let values: Vec<Value> = providers
        .iter()
        .map(|Provider { config, missing_keys, .. }| {
            json!({
                "name": config.name, "kind": config.kind, "enabled": config.enabled,
                "priority": config.priority, "keys": config.keys, "missingKeys": missing_keys,
                "url": config.base_url.as_deref().or(config.kind.base_url()),
                "models": config.models, "defaultModel": config.default_model,
            })
        })
        .collect();
    output.data(&values, || match providers.is_empty() {
        true => "no provider is configured; ax provider add --help\n".to_owned(),
        false => table(providers.iter().map(cells)),
    });
    Ok(())
}

fn cells(Provider { config, missing_keys, .. }: &Provider) -> [(&'static str, String); 6] {
    let of_key = |key: &String| match missing_keys.contains(key) {
        true => format!("{key} (not set)"),
        false => key.clone(),
    };
    let keys: Vec<_> = config.keys.iter().map(of_key).collect();
    let others = config.models.iter().filter(|it| config.default_model.as_ref() != Some(it));
    let models: Vec<_> = config.default_model.iter().chain(others).map(String::as_str).collect();
    let or = |list: String, none: &str| if list.is_empty() { none.to_owned() } else { list };
    [
        ("PROVIDER", config.name.clone()),
        ("KIND", config.kind.word().to_owned()),
        ("PRIORITY", if config.enabled { config.priority.to_string() } else { "off".to_owned() }),
        ("KEYS", or(keys.join(", "), "none")),
        ("MODELS", or(models.join(", "), "whatever is named")),
        ("URL", config.base_url.as_deref().or(config.kind.base_url()).unwrap_or("").to_owned()),
    ]
}

fn add(app: &App, output: Output, arguments: AddArgs) -> Result<(), CliError> {
    let AddArgs { name, kind, key, url, model, priority, organisation } = arguments;
    let config = ProviderConfig {
        keys: key,
        base_url: url,
        default_model: model.first().cloned(),
        models: if model.len() > 1 { model } else { Vec::new() },
        priority,
        organisation,
        ..ProviderConfig::new(name, kind)
    };
    app.add_provider(&config)?;
    let path = app.config().user_file.value.display().to_string();
    output.data(&json!({ "name": config.name, "file": path }), String::new);
    output.note(&format!("added `{}` to {path}", config.name));
    for key in &config.keys {
        let is_set = key.parse().is_ok_and(|key| app.is_secret_set(&key).unwrap_or(false));
        if !is_set {
            output.note(&format!("its key is not set yet: ax secret set {key}"));
        }
    }
    output.note(&format!("ax provider test {}", config.name));
    Ok(())
}

fn test(app: &App, output: Output, name: Option<&str>) -> Result<(), CliError> {
    let providers = match name {
        Some(name) => vec![app.provider(name)?],
        None => app.providers()?,
    };
    let runtime = current_thread()?;
    // Whether providers answer can be seen without a record of it.
    let ledger = app.ledger().map_err(|error| output.warn(&error.to_string())).ok();
    let (mut rows, mut failed) = (Vec::new(), 0);
    for provider in &providers {
        let Provider { config, clients, missing_keys } = provider;
        for (key, checked) in runtime.block_on(app.look_at(provider, ledger.as_ref())) {
            if checked.is_err() {
                failed += 1;
            }
            rows.push(row(config, &key, checked));
        }
        // A key that is not set is told even where another one opens.
        let was_asked = |key: &&String| clients.iter().any(|(name, _)| name == *key);
        for key in missing_keys.iter().filter(|key| !was_asked(key)) {
            failed += 1;
            let hint = format!("ax secret set {key}");
            rows.push(json!({
                "provider": config.name, "key": key, "ok": false, "error": "the key is not set",
                "hint": hint,
            }));
        }
    }
    output.data(&rows, || table(rows.iter().map(tested)));
    if !output.is_json() {
        for row in &rows {
            if let (Some(hint), Some(provider)) = (row["hint"].as_str(), row["provider"].as_str()) {
                output.note(&format!("{provider}: {hint}"));
            }
        }
    }
    match failed {
        0 => Ok(()),
        count => Err(CliError::ProvidersFailed { count }),
    }
}

fn row(
    config: &ProviderConfig,
    key: &str,
    checked: Result<crate::provider::Health, crate::chat::Error>,
) -> Value {
    match checked {
        Ok(health) => {
            let latency_ms = u64::try_from(health.latency.as_millis()).unwrap_or(u64::MAX);
            let mut row = json!({
                "provider": config.name, "key": key, "ok": true, "latencyMs": latency_ms,
                "models": health.models.len(), "missingModels": health.missing,
            });
            if !health.missing.is_empty() {
                let name = &config.name;
                row["hint"] = json!(format!("see what it has: ax model list --provider {name}"));
            }
            row
        }
        Err(error) => json!({
            "provider": config.name, "key": key, "ok": false, "error": error.message,
            "code": error.code, "status": error.status, "class": error.class,
            "hint": hint(&error, config),
        }),
    }
}

fn tested(row: &Value) -> [(&'static str, String); 4] {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let said = match row["ok"] == true {
        true => {
            let missing: Vec<_> = row["missingModels"].as_array().into_iter().flatten().collect();
            let missing: Vec<_> = missing.iter().filter_map(|it| it.as_str()).collect();
            let models = counted(row["models"].as_u64().unwrap_or(0), "model");
            let without = match missing.is_empty() {
                true => String::new(),
                false => format!(", but not {}", missing.join(", ")),
            };
            format!("{models} in {} ms{without}", row["latencyMs"])
        }
        false => text("error"),
    };
    let is_ok = if row["ok"] == true { "ok" } else { "FAILED" };
    [("PROVIDER", text("provider")), ("KEY", text("key")), ("", is_ok.to_owned()), ("ANSWER", said)]
}
