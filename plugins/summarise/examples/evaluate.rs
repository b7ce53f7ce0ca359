//! Asks a model for the summaries of the evaluation set and scores them: `cargo xtask evaluate summarise`.
//!
//! Calls the `ax` that it is given, with the user's own configuration and so at the user's own cost. One
//! line for each case, then a sum; fails if a summary is not good.
//!
//! `evaluate AX FOLDER MODEL`: the program, a project with the plugin, and what to ask for.
#![expect(clippy::print_stdout, reason = "it is a program of its own")]

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use ax_plugin_summarise::evaluation::{Case, Cases, score};
use ax_sdk::serde_json::{Value, json};

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [ax, folder, model] = &arguments[..] else { bail!("usage: evaluate AX FOLDER MODEL") };
    let cases: Cases = toml::from_str(include_str!("../evaluation/cases.toml"))?;
    let mut good = 0;
    for case in &cases.case {
        let line = match summary(ax, folder, model, case) {
            Ok(text) => {
                let score = score(case, &text);
                good += usize::from(score.is_good());
                let verdict = if score.is_good() { "PASS" } else { "FAIL" };
                let words = format!("{}/{} words", score.words, case.max_words);
                format!(
                    "{verdict}  missing {:?}  made up {:?}  {words}",
                    score.missing, score.made_up
                )
            }
            Err(error) => format!("FAIL  {error:#}"),
        };
        println!("{:<32} {line}", case.name);
    }
    println!("{good} of {} summaries are good", cases.case.len());
    Ok(if good == cases.case.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Lets the plugin sum a case up.
fn summary(ax: &str, folder: &str, model: &str, case: &Case) -> anyhow::Result<String> {
    let mut input = json!({ "text": case.text, "max-words": case.max_words, "model": model });
    if let Some(style) = &case.style {
        input["style"] = json!(style);
    }
    let input = input.to_string();
    let allow = format!("models:{model}");
    let arguments = ["--json", "tool", "call", "summarise.summarise", &input, "--allow", &allow];
    let ran = Command::new(ax).args(arguments).current_dir(folder).output()?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stdout);
        let said = if said.trim().is_empty() { String::from_utf8_lossy(&ran.stderr) } else { said };
        bail!("{}", said.trim().replace('\n', " "));
    }
    let answer: Value = ax_sdk::serde_json::from_slice(&ran.stdout)?;
    let text = answer.pointer("/output/structuredContent/text");
    Ok(text.and_then(Value::as_str).context("it has no `text`")?.to_owned())
}
