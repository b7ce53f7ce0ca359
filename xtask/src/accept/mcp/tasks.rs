//! Tasks of the product: begun, looked after and ended over HTTP, by a program that speaks the protocol by hand.
//!
//! Not here: the claims (`tests/accept/mcp/tasks.mjs`).

use anyhow::Context as _;
use anyhow::Result;

use super::Ground;
use super::SOURCES;
use super::clients::claims;
use super::json;
use crate::accept::score::Score;
use crate::ax::Ax;
use crate::plugins;
use crate::process;

const PROGRAM: &str = "tasks.mjs";

/// Whose the tokens are: the owner, and somebody else.
const NAMES: [&str; 2] = ["owner", "other"];

/// Runs it.
pub(super) fn run(ground: &Ground, score: &mut Score) {
    let looked = program(ground).and_then(|mut program| claims(&mut program, "tasks", score));
    if let Err(error) = looked {
        score.check("tasks: looks at every claim", Err(error));
    }
}

fn program(ground: &Ground) -> Result<std::process::Command> {
    plugins::build(ground.checkout)?;
    let ax = Ax::with_fresh_home(ground.checkout, "accept/mcp/tasks-home")?;
    let jobs = ground.checkout.scratch("accept/mcp/plugin-jobs");
    process::run_quietly(&mut ax.command(&["plugin", "add", &jobs.to_string_lossy()]))?;
    let notes = ground.checkout.root().join("plugins/notes");
    let add = ["plugin", "add", &notes.to_string_lossy(), "--allow", "kv"];
    process::run_quietly(&mut ax.command(&add))?;
    super::shelve(ground.checkout, &ax)?;
    let mut program =
        ground.node(&ground.checkout.root().join(SOURCES).join(PROGRAM).to_string_lossy())?;
    program.arg(ax.program()).arg(ax.home());
    for name in NAMES {
        let made = json(&ax, &["mcp", "token", "add", name, "--json"])?;
        program.arg(made["token"].as_str().context("no token was made")?);
    }
    Ok(program)
}
