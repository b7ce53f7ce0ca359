//! `ax mcp config`: the lines that a client needs, to be pasted.
//!
//! Invariant: what a client starts with these lines reads what this command would: the same home, the same
//! settings, the same policies, the folders that were named. No file of a client is touched.
//! Not here: the shapes (`server::mcp`).

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;

use crate::cli::fault::CliError;
use crate::cli::output::Output;
use crate::config::{Config, Setting, Source, USER_FILE};
use crate::server::mcp::client::{CLIENTS, Client, Folders, Started, TOKEN_VARIABLE, client};

/// Where `ax mcp serve --http` listens unless told otherwise.
const URL: &str = "http://127.0.0.1:7420/mcp";

/// Longest address; longer ones are no one's.
const URL_BYTES_MAX: usize = 2_048;

/// What `ax mcp config` is told.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Which client
    #[arg(value_parser = of_client())]
    client: &'static Client,
    /// Reach a server that runs, rather than start one
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = URL, value_parser = url)]
    http: Option<String>,
}

fn of_client() -> impl TypedValueParser<Value = &'static Client> {
    let words = PossibleValuesParser::new(CLIENTS.iter().map(|client| client.word));
    words.try_map(|word| client(&word).ok_or("there is no such client"))
}

/// Reads the address of a server; it may not hold a token.
fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let (host, _) = rest.map_or(("", ""), |rest| rest.split_once('/').unwrap_or((rest, "")));
    let is_plain = |it: char| it.is_ascii_graphic() && !"\"'<>\\^`{|}@?#".contains(it);
    match !host.is_empty() && text.len() <= URL_BYTES_MAX && text.chars().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err(format!("write it as {URL}, without a name, a password or a query")),
    }
}

pub(super) fn run(config: &Config, output: Output, arguments: &ConfigArgs) -> Result<(), CliError> {
    let ConfigArgs { client, http } = arguments;
    let lines = match http {
        Some(url) => client.reaching(url)?,
        None => client.starting(&started(config)?),
    };
    let folders = folders_of(config);
    let places: Vec<String> = client.files.iter().map(|it| it.shown(&folders)).collect();
    if output.is_json() {
        output.json_line(&json!({
            "client": client.word, "file": places.first(), "lines": lines.config,
            "command": lines.command, "then": client.after,
        }));
        return Ok(());
    }
    output.pasteable(&lines.config);
    let (first, others) = places.split_first().map_or(("", &[][..]), |(a, b)| (a.as_str(), b));
    let or = others.iter().map(|other| format!(", or {other}")).collect::<String>();
    output.note(&format!("into {first}{or}, beside what is there"));
    if let Some(command) = &lines.command {
        output.note(&format!("or type: {command}"));
    }
    if let Some(url) = http {
        let holder = match client.word {
            "vscode" => "it asks for a token of `ax mcp token add NAME`",
            _ => "it takes a token of `ax mcp token add NAME` from the variable",
        };
        let variable = if client.word == "vscode" { "" } else { TOKEN_VARIABLE };
        output.note(format!("{holder} {variable}").trim_end());
        if url.starts_with("http://") && !is_of_this_machine(url) {
            output.warn("anybody on the way can read the token: this is not https");
        }
    }
    output.note(&format!("then: {}", client.after));
    Ok(())
}

/// Answers whether an address leads to this machine, whatever names mean here.
fn is_of_this_machine(url: &str) -> bool {
    let rest = url.strip_prefix("http://").unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

/// Returns the folders that clients keep their settings in.
pub(in crate::cli) fn folders_of(config: &Config) -> Folders<'_> {
    let project = config.workspace.as_ref().unwrap_or(&config.directory);
    Folders {
        person: config.person.as_deref(),
        settings: config.others.as_deref(),
        project: &project.value,
    }
}

/// Says how a client starts a server that reads what this command would.
fn started(config: &Config) -> Result<Started, CliError> {
    let program = std::env::current_exe().map_err(|source| {
        let path = "this `ax`".to_owned();
        CliError::File { path, source }
    })?;
    let mut arguments = Vec::new();
    let mut add = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
    let Config { home, user_file, .. } = config;
    let has_home = home.source != Source::Default;
    if has_home {
        add("--home", text(&home.value)?);
    }
    // A home that was named has its own file in it.
    let is_implied = match has_home {
        true => user_file.value == home.value.join(USER_FILE),
        false => user_file.source == Source::Default,
    };
    if !is_implied && user_file.value.exists() {
        add("--config", text(&user_file.value)?);
    }
    // What was found is found again, wherever it is started; what was named has to be named.
    if let Some(workspace) = config.workspace.as_ref().filter(|it| is_named(it)) {
        add("--workspace", text(&workspace.value)?);
    }
    for (name, folder) in config.folders.iter().filter(|(_, it)| is_named(it)) {
        add("--folder", format!("{name}={}", text(&folder.value)?));
    }
    arguments.extend(["mcp", "serve", "--stdio"].map(str::to_owned));
    let mut environment = BTreeMap::new();
    if let Some(policy) = &config.policy_file {
        // It takes away, and there is no flag for it.
        environment.insert("AX_POLICY".to_owned(), text(&policy.value)?);
    }
    Ok(Started { program: text(&program)?, arguments, environment })
}

fn is_named<T>(setting: &Setting<T>) -> bool {
    matches!(setting.source, Source::Flag(_) | Source::Environment(_))
}

/// Returns a path as JSON can hold it.
fn text(path: &Path) -> Result<String, CliError> {
    path.to_str().map(str::to_owned).ok_or_else(|| CliError::Usage {
        what: format!("`{}` is not UTF-8, and JSON holds nothing else", path.display()),
        hint: "give it another name, or a link to it that has one".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{is_of_this_machine, url};

    #[test]
    fn an_address_holds_no_secret_and_nothing_that_a_reader_cannot_see() {
        for good in ["http://127.0.0.1:7420/mcp", "https://ax.example.org", "http://[::1]:1/mcp"] {
            assert_eq!(url(good).as_deref(), Ok(good));
        }
        for bad in [
            "cursor",
            "http://",
            "ftp://a/",
            "http://me:pw@a/mcp",
            "http://a/mcp?token=1",
            "http://a/\u{202e}",
            "http://a/ b",
            "http://a/${X}",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
        let long = |bytes: usize| format!("http://a/{}", "b".repeat(bytes - "http://a/".len()));
        assert!(url(&long(2_048)).is_ok() && url(&long(2_049)).is_err());
    }

    #[test]
    fn what_leaves_this_machine_unencrypted_is_seen() {
        assert!(is_of_this_machine("http://127.0.0.1:7420/mcp"));
        assert!(is_of_this_machine("http://[::1]:7420/mcp"));
        assert!(!is_of_this_machine("http://localhost.example.org/mcp"));
        assert!(!is_of_this_machine("http://10.0.0.1:7420/mcp"));
    }
}
