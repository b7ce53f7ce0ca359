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
use crate::config::Sandbox;
use crate::config::Settings;
use crate::config::plugins::key_of;
use crate::config::shown::Shown;
use crate::config::shown::shown_json;
use crate::config::shown::shown_path;
use crate::config::source::Setting;
use crate::config::source::Source;

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

fn row(key: &str, setting: &Setting<impl Display>) -> Row {
    let value = Shown(&setting.value.to_string()).to_string();
    Row { key: key.to_owned(), value, source: setting.source.to_string() }
}

fn list_row(key: &str, setting: &Setting<Vec<impl Display>>) -> Row {
    let items: Vec<String> = setting.value.iter().map(ToString::to_string).collect();
    let value = if items.is_empty() { NONE.to_owned() } else { items.join(", ") };
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
