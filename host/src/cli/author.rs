//! `ax new` and `ax build`: the author's loop.

use std::path::{Path, PathBuf};

use ax_manifest::{ByteSize, PluginName};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::fault::CliError;
use super::output::Output;
use crate::app::App;
use crate::project::{self, NewPlugin};

/// The namespace of a plugin that is given none: nobody else's.
const NAMESPACE: &str = "my";

/// What `ax new` is told.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// What to call it: `hello`, or `acme:hello` with a namespace of your own
    #[arg(value_parser = name)]
    name: PluginName,
    /// What to write it in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
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

/// What a plugin can be written in.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    /// Compiled by cargo for wasm32-wasip2
    Rust,
}

fn name(text: &str) -> Result<PluginName, ax_manifest::NameError> {
    match text.contains(':') {
        true => text.parse(),
        false => format!("{NAMESPACE}:{text}").parse(),
    }
}

pub(super) fn new(output: Output, arguments: NewArgs) -> Result<(), CliError> {
    let NewArgs { name, lang, path } = arguments;
    let language = match lang {
        Language::Rust => project::Language::Rust,
    };
    let folder = path.unwrap_or_else(|| PathBuf::from(name.name()));
    let plugin = name.to_string();
    let tool = format!("{}.greet", name.name());
    let created = project::create(&NewPlugin { name, language }, &folder)?;
    let files: Vec<String> = created.files.iter().map(|file| file.display().to_string()).collect();
    let shown = created.folder.display().to_string();
    output.data(&json!({ "plugin": plugin, "folder": shown, "files": files }), || {
        format!("made {plugin} in {shown}: {}\n", files.join(", "))
    });
    output.note(&format!("try: cd {shown} && ax build && ax tool call {tool} --arg name=Ada"));
    Ok(())
}

pub(super) fn build(app: &App, output: Output, arguments: &BuildArgs) -> Result<(), CliError> {
    let built = app.build_project(&arguments.path)?;
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

/// Shows a path as seen from here, if it lies below.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.as_deref().unwrap_or(path).display().to_string()
}
