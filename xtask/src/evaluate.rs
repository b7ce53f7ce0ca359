//! `evaluate summarise`: how good the summaries of `ax:summarise` are, by a model of the user's.
//!
//! Unlike all other commands it runs `ax` with the user's own settings and keys, so it costs the user money:
//! it runs when it is asked for and never by another command.
//! Not here: cases and scores (`plugins/summarise`).

use std::path::Path;
use std::process::Command;
use std::process::ExitCode;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::checkout::make_empty;
use crate::checkout::read_text;
use crate::checkout::write_if_changed;
use crate::failure::Failure;
use crate::process;
use crate::product;

/// What can be evaluated.
const PLUGIN: &str = "summarise";

/// What a model is asked by when nobody names one.
const DEFAULT_MODEL: &str = "default";

/// Runs the task.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let model = match words[..] {
        [PLUGIN] => DEFAULT_MODEL,
        [PLUGIN, "--model", model] => model,
        _ => {
            return Err(Failure::new(
                "`evaluate` takes the name of a plugin with an evaluation set",
                "cargo xtask evaluate summarise [--model NAME]",
            ));
        }
    };
    product::prepare(checkout)?;
    let project = checkout.scratch("evaluate");
    make_empty(&project)?;
    copy(&checkout.root().join("plugins").join(PLUGIN), &project, model)?;
    let mut evaluation = process::cargo(checkout);
    evaluation.args(["run", "--quiet", "--package", "ax-plugin-summarise"]);
    evaluation.args(["--example", "evaluate", "--"]);
    evaluation.arg(checkout.ax()).arg(&project).arg(model);
    Ok(exit_code(&mut evaluation)?)
}

/// Copies the plugin to where it is called from, asking for `model` instead of `fast`: only what a manifest
/// names can be asked.
fn copy(plugin: &Path, project: &Path, model: &str) -> Result<()> {
    let manifest = read_text(&plugin.join("plugin.toml"))?;
    let manifest = match model {
        DEFAULT_MODEL | "fast" => manifest,
        other => manifest.replace("tier = \"fast\"", &format!("tier = {other:?}")),
    };
    write_if_changed(&project.join("plugin.toml"), manifest.as_bytes())?;
    let component = std::fs::read(plugin.join("plugin.wasm"))?;
    write_if_changed(&project.join("plugin.wasm"), &component)?;
    Ok(())
}

/// Runs it to its end; its own code is that of the task.
fn exit_code(command: &mut Command) -> std::io::Result<ExitCode> {
    let status = command.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
