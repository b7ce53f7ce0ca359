//! The configuration as a listing.
//!
//! Invariant: every field of [`Config`] has a row, whether or not it is set, and no row holds a
//! character that would not show. There are no secrets in a configuration.
//! Not here: printing (`cli`).

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;

use ax_manifest::PluginName;

use crate::config::Config;
use crate::config::NetworkSettings;
use crate::config::RouterSettings;
use crate::config::Sandbox;
use crate::config::Settings;
use crate::config::plugins::key_of;
use crate::config::shown::Shown;
use crate::config::shown::shown_json;
use crate::config::shown::shown_path;
use crate::config::source::Setting;
use crate::config::source::Source;
use crate::provider::ProviderConfig;

/// Stands for a setting that has no value.
const NONE: &str = "none";

/// One setting, ready to print.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Row {
    /// The setting, as its file calls it: `sandbox.threads`.
    pub key: String,
    /// Its value; JSON for what plugins are told, `none` where nothing is set.
    pub value: String,
    /// Where the value came from.
    pub source: String,
}

/// Lists every setting, sorted by key.
pub(super) fn of(config: &Config) -> Vec<Row> {
    // Taken apart, so that a new field without a row does not compile.
    let Config {
        directory,
        // Of other programs: no settings.
        person: _,
        others: _,
        home,
        user_file,
        toolchains,
        policy_file,
        project_file,
        project_name,
        workspace,
        folders,
        color,
        output,
        quiet,
        verbose,
        no_input,
        yes,
        sandbox: Sandbox { memory_percent, instances, threads },
        network: NetworkSettings { open, ca_file },
        providers,
        router,
        plugins,
        plugin_keys,
    } = config;
    let project_path = project_file
        .as_ref()
        .map(|path| Setting { value: path.clone(), source: Source::Project(path.clone()) });
    let mut rows = vec![
        path_row("directory", Some(directory)),
        path_row("home", Some(home)),
        path_row("user-file", Some(user_file)),
        path_row("toolchains", Some(toolchains)),
        path_row("policy-file", policy_file.as_ref()),
        path_row("project-file", project_path.as_ref()),
        path_row("workspace", workspace.as_ref()),
        project_name.as_ref().map_or_else(|| absent("project.name"), |it| row("project.name", it)),
        row("color", color),
        row("output", output),
        row("quiet", quiet),
        row("verbose", verbose),
        row("no-input", no_input),
        row("yes", yes),
        row("sandbox.memory-percent", memory_percent),
        row("sandbox.instances", instances),
        row("sandbox.threads", threads),
        list_row("network.open", open),
        path_row("network.ca-file", ca_file.as_ref()),
    ];
    rows.extend(folders.iter().map(|(name, it)| path_row(&format!("folders.{name}"), Some(it))));
    rows.extend(told(plugins, plugin_keys));
    rows.extend(providers.iter().flat_map(|(name, it)| provider_rows(name, it)));
    rows.extend(router_rows(router));
    rows.sort();
    rows
}

/// Lists what plugins are told.
fn told(
    plugins: &BTreeMap<PluginName, Setting<Settings>>,
    plugin_keys: &BTreeMap<PluginName, BTreeMap<String, Source>>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, told) in plugins {
        if told.value.is_empty() {
            rows.push(Row {
                key: key_of(name),
                value: "{}".to_owned(),
                source: told.source.to_string(),
            });
        }
        rows.extend(told.value.iter().map(|(key, value)| {
            Row {
                key: plugin_key(name, key),
                value: shown_json(value),
                source: plugin_keys
                    .get(name)
                    .and_then(|keys| keys.get(key))
                    .unwrap_or(&told.source)
                    .to_string(),
            }
        }));
    }
    rows
}

/// Lists what is said of a provider: its keys are names.
fn provider_rows(name: &str, setting: &Setting<ProviderConfig>) -> Vec<Row> {
    let ProviderConfig {
        name: _,
        kind,
        enabled,
        priority,
        keys,
        base_url,
        organisation,
        timeout_ms,
        max_retries,
        requests_per_minute,
        tokens_per_minute,
        models,
        default_model,
    } = &setting.value;
    let or_none = |value: Option<String>| value.unwrap_or_else(|| NONE.to_owned());
    let listed = |items: &[String]| or_none((!items.is_empty()).then(|| items.join(", ")));
    let said = [
        ("kind", kind.word().to_owned()),
        ("enabled", enabled.to_string()),
        ("priority", priority.to_string()),
        ("keys", listed(keys)),
        ("url", or_none(base_url.clone())),
        ("organisation", or_none(organisation.clone())),
        ("timeout-ms", timeout_ms.to_string()),
        ("max-retries", max_retries.to_string()),
        ("requests-per-minute", or_none(requests_per_minute.map(|it| it.to_string()))),
        ("tokens-per-minute", or_none(tokens_per_minute.map(|it| it.to_string()))),
        ("models", listed(models)),
        ("default-model", or_none(default_model.clone())),
    ];
    let source = setting.source.to_string();
    let of = |(key, value): (&str, String)| Row {
        key: format!("providers.{name}.{key}"),
        value: Shown(&value).to_string(),
        source: source.clone(),
    };
    said.into_iter().map(of).collect()
}

fn router_rows(settings: &RouterSettings) -> Vec<Row> {
    let RouterSettings {
        primary,
        fallbacks,
        fallback,
        breaker,
        breaker_threshold,
        breaker_cooldown_ms,
        deadline_ms,
        hold_ms,
        policy,
        prices,
        keep,
        keep_days,
        tiers,
    } = settings;
    let mut rows = vec![
        primary.as_ref().map_or_else(|| absent("router.primary"), |it| row("router.primary", it)),
        list_row("router.fallbacks", fallbacks),
        row("router.fallback", fallback),
        row("router.breaker", breaker),
        row("router.breaker-threshold", breaker_threshold),
        row("router.breaker-cooldown-ms", breaker_cooldown_ms),
        row("router.deadline-ms", deadline_ms),
        row("router.hold-ms", hold_ms),
        policy.as_ref().map_or_else(|| absent("router.policy"), |it| row("router.policy", it)),
        path_row("router.prices", prices.as_ref()),
        row("router.keep", keep),
        row("router.keep-days", keep_days),
    ];
    rows.extend(tiers.iter().map(|(name, it)| list_row(&format!("router.tiers.{name}"), it)));
    rows
}

fn row(key: &str, setting: &Setting<impl Display>) -> Row {
    let value = Shown(&setting.value.to_string()).to_string();
    Row { key: key.to_owned(), value, source: setting.source.to_string() }
}

fn list_row(key: &str, setting: &Setting<Vec<impl Display>>) -> Row {
    let items: Vec<String> = setting.value.iter().map(ToString::to_string).collect();
    let value = if items.is_empty() { NONE.to_owned() } else { items.join(", ") };
    let value = Shown(&value).to_string();
    Row { key: key.to_owned(), value, source: setting.source.to_string() }
}

fn path_row(key: &str, setting: Option<&Setting<PathBuf>>) -> Row {
    setting.map_or_else(
        || absent(key),
        |setting| Row {
            key: key.to_owned(),
            value: shown_path(&setting.value),
            source: setting.source.to_string(),
        },
    )
}

fn absent(key: &str) -> Row {
    Row { key: key.to_owned(), value: NONE.to_owned(), source: Source::Default.to_string() }
}

/// Names a key of a plugin as it stands in a file, quoted where TOML wants it.
fn plugin_key(name: &PluginName, key: &str) -> String {
    let is_bare = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_bare {
        format!("{}.{key}", key_of(name))
    } else {
        format!("{}.{}", key_of(name), shown_json(&key.into()))
    }
}
