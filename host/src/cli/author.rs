//! `ax new`, `build`, `test`, `check` and `pack`: the author's loop.

use std::path::{Path, PathBuf};

use ax_manifest::{ByteSize, PluginName};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::fault::CliError;
use super::output::Output;
use crate::app::{App, CheckFinding, Checked, Packed, Severity};
use crate::project::{self, NewPlugin};

/// What `ax new` is told.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// What to call it: `hello`, or `acme:hello` with a namespace of your own
    #[arg(value_parser = name)]
    name: PluginName,
    /// What to write it in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// What to begin with
    #[arg(long, value_enum, default_value_t = Kind::Tools)]
    kind: Kind,
    /// Where to put it [default: a folder of its name]
    #[arg(value_name = "DIR")]
    path: Option<PathBuf>,
}

/// What `ax build` is told.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    path: PathBuf,
}

/// What `ax check` is told.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The plugin's folder
    #[arg(default_value = ".", value_name = "DIR")]
    path: PathBuf,
}

/// What `ax pack` is told.
#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// The plugin's folder
    #[arg(default_value = ".", value_name = "DIR")]
    path: PathBuf,
    /// Write to this file, or into this folder [default: NAMESPACE-NAME-VERSION.axp in the plugin's]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What a plugin can be written in.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    /// Compiled by cargo for wasm32-wasip2
    Rust,
    /// Bundled with QuickJS; needs Node.js
    #[value(name = "ts", alias = "typescript")]
    TypeScript,
    /// Made into a component by componentize-py
    #[value(alias = "py")]
    Python,
}

/// What a plugin can begin as.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// A tool that computes
    Tools,
    /// Tools that keep data between calls
    State,
    /// A tool that asks a server
    Http,
}

/// What `ax new` cannot call a plugin.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct NewNameError(ax_manifest::NameError);

impl NewNameError {
    /// Says what the user can do: a name says nothing of the folder.
    pub(super) fn hint(&self) -> String {
        "ax new hello, or `ax new hello DIR` to say where to put it".to_owned()
    }
}

fn name(text: &str) -> Result<PluginName, NewNameError> {
    let whole = match text.contains(':') {
        true => text.to_owned(),
        false => format!("{}:{text}", project::NAMESPACE),
    };
    whole.parse().map_err(NewNameError)
}

pub(super) fn new(output: Output, arguments: NewArgs) -> Result<(), CliError> {
    let NewArgs { name, lang, kind, path } = arguments;
    let language = match lang {
        Language::Rust => project::Language::Rust,
        Language::TypeScript => project::Language::TypeScript,
        Language::Python => project::Language::Python,
    };
    let kind = match kind {
        Kind::Tools => project::Kind::Tools,
        Kind::State => project::Kind::State,
        Kind::Http => project::Kind::Http,
    };
    let folder = path.unwrap_or_else(|| PathBuf::from(name.name()));
    let plugin = name.to_string();
    let new = NewPlugin { name, language, kind };
    let created = project::create(&new, &folder)?;
    let files: Vec<String> = created.files.iter().map(|file| file.display().to_string()).collect();
    let shown = created.folder.display().to_string();
    output.data(&json!({ "plugin": plugin, "folder": shown, "files": files }), || {
        format!("made {plugin} in {shown}: {}\n", files.join(", "))
    });
    output.note(&format!("try: cd {shown} && ax test && ax tool call {}", new.example()));
    Ok(())
}

pub(super) fn build(app: &App, output: Output, arguments: &BuildArgs) -> Result<(), CliError> {
    let built = app.build_project(&arguments.path, &|line| output.note(line))?;
    for warning in &built.warnings {
        output.warn(&warning.to_string());
    }
    let component = shown(&built.component);
    let data = json!({
        "plugin": built.name.to_string(),
        "version": built.version.to_string(),
        "component": component,
        "bytes": built.bytes,
        "tools": built.tools,
    });
    output.data(&data, || {
        let size = ByteSize(built.bytes.div_ceil(1024) * 1024);
        let tools = built.tools.join(", ");
        format!("built {} {}: {component}, {size}, tools {tools}\n", built.name, built.version)
    });
    Ok(())
}

pub(super) fn check(app: &App, output: Output, arguments: &CheckArgs) -> Result<(), CliError> {
    let Checked { name, findings } = app.check_project(&arguments.path);
    let name = name.map(|name| name.to_string());
    output.data(&json!({ "plugin": name, "findings": findings }), || {
        let line = |finding: &CheckFinding| {
            let mark = match finding.severity {
                Severity::Error => "FAIL",
                Severity::Warning => "note",
            };
            let hint = finding.hint.as_ref().map_or_else(String::new, |it| format!("      {it}\n"));
            let at = finding.at.as_ref().map_or_else(String::new, |at| format!("{at}: "));
            format!("{mark}  {at}{}\n{hint}", finding.what)
        };
        match (&name, findings.as_slice()) {
            (Some(name), []) => format!("ok    {name} can be installed\n"),
            (_, findings) => findings.iter().map(line).collect(),
        }
    });
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    match errors {
        0 => Ok(()),
        count => Err(CliError::ProjectFindings { count }),
    }
}

pub(super) fn pack(app: &App, output: Output, arguments: &PackArgs) -> Result<(), CliError> {
    let file = arguments.output.as_deref();
    let packed = app.pack_project(&arguments.path, file, &|line| output.note(line))?;
    for warning in &packed.warnings {
        output.warn(&warning.to_string());
    }
    let path = shown(&packed.path);
    let data = json!({
        "plugin": packed.name.to_string(),
        "version": packed.version.to_string(),
        "package": path,
        "bytes": packed.bytes,
        "digest": packed.digest.to_string(),
        "packageDigest": packed.package.to_string(),
        "tools": packed.tools,
    });
    output.data(&data, || {
        let size = ByteSize(packed.bytes.div_ceil(1024) * 1024);
        let Packed { name, version, digest, package: content, .. } = &packed;
        format!(
            "packed {name} {version}: {path}, {size}\n  file     {digest}\n  package  {content}\n"
        )
    });
    output.note(&format!("install it: ax plugin add {path}"));
    Ok(())
}

/// Shows a path as seen from here, if it lies below.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.as_deref().unwrap_or(path).display().to_string()
}
