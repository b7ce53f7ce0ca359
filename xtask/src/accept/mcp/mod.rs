//! The suite `mcp`: the official conformance suite, the Inspector and the SDKs of two other languages, against
//! our transports.
//!
//! ```text
//! Inspector            ──→ ax mcp serve          stdio, HTTP with a token   the product
//! tasks.mjs            ──→ ax mcp serve          HTTP with a token          its tasks, by hand
//! Python, TypeScript   ──→ mcp-fixtures          stdio, HTTP with a token   the product's transports, over
//! conformance          ──→ mcp-fixtures          HTTP                       tools that others named
//! ```
//!
//! Not here: the fixtures (`tests/src/bin/mcp-fixtures`, `tests/guests/conformance`), the programs that use
//! the SDKs, and what of the suite is known to fail (`tests/accept/mcp`).

mod clients;
mod conformance;
mod inspector;
mod served;
mod tasks;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use serde_json::Value;

use super::score::Score;
use super::tools;
use crate::ax::Ax;
use crate::checkout::Checkout;
use crate::checkout::make_empty;
use crate::checkout::make_folder;
use crate::plugins;
use crate::process;
use crate::product;

/// Where what runs the SDKs is, and what is known to fail.
const SOURCES: &str = "tests/accept/mcp";
/// The plugins with the names of the suite: its tools, and what takes its time.
const PLUGINS: [&str; 2] = ["conformance", "jobs"];
/// The workflows with names of the suite, which ask.
const WORKFLOWS: &str = "tests/accept/mcp/workflows";
/// Lets the suite answer what a person is asked.
const POLICY: &str = "[approvals]\nmcp = \"elicit\"\n";
/// The program that serves it.
const FIXTURES: &str = "mcp-fixtures";
/// The revisions that every check is made at.
const REVISIONS: [&str; 2] = ["2026-07-28", "2025-11-25"];
/// Rows of the audit that are looked through: more than the suite makes.
const ROWS: &str = "100000";

/// What the checks share.
struct Ground<'a> {
    checkout: &'a Checkout,
    ax: Ax,
    /// Serves the fixtures.
    fixtures: PathBuf,
    /// A token of this home.
    token: String,
    /// Holds the packages of npm.
    npm: PathBuf,
    /// Has the Python SDK.
    python: PathBuf,
}

/// Runs the suite.
pub(super) fn run(checkout: &Checkout, score: &mut Score) -> Result<()> {
    let (mut npm, mut python) = (None, None);
    let installed = tools::mcp_npm(checkout).map(|folder| npm = Some(folder));
    score.check("mcp: install the suite, the Inspector and the TypeScript SDK", installed);
    let installed = tools::mcp_py(checkout).map(|program| python = Some(program));
    score.check("mcp: install the Python SDK", installed);
    let (Some(npm), Some(python)) = (npm, python) else { return Ok(()) };
    let mut made = None;
    let prepared = Ground::new(checkout, npm, python).map(|ground| made = Some(ground));
    score.check("mcp: build, install and serve the fixtures", prepared);
    let Some(ground) = made else { return Ok(()) };
    inspector::run(&ground, score);
    clients::run(&ground, score);
    tasks::run(&ground, score);
    conformance::run(&ground, score);
    score.check("mcp: every call that a client cancelled has ended", cancelled_have_ended(&ground));
    score.check("mcp: audit verify", process::run_quietly(&mut ground.ax.command(&AUDIT_VERIFY)));
    Ok(())
}

const AUDIT_VERIFY: [&str; 2] = ["audit", "verify"];

impl<'a> Ground<'a> {
    fn new(checkout: &'a Checkout, npm: PathBuf, python: PathBuf) -> Result<Self> {
        plugins::build_test_guests(checkout)?;
        product::build_program(checkout, FIXTURES)?;
        let ax = Ax::with_fresh_home(checkout, "accept/mcp/home")?;
        for plugin in PLUGINS {
            let folder = checkout.scratch(&format!("accept/mcp/plugin-{plugin}"));
            make_empty(&folder)?;
            let manifest = checkout.root().join("tests/guests").join(plugin).join("plugin.toml");
            let component = checkout.guests().join("tests").join(format!("{plugin}.wasm"));
            copy(&manifest, &folder.join("plugin.toml"))?;
            copy(&component, &folder.join("plugin.wasm"))?;
            process::run_quietly(&mut ax.command(&["plugin", "add", &folder.to_string_lossy()]))?;
        }
        shelve(checkout, &ax)?;
        let policy = ax.home().join("policy.toml");
        fs::write(&policy, POLICY)
            .with_context(|| format!("cannot write `{}`", policy.display()))?;
        let made = json(&ax, &["mcp", "token", "add", "accept", "--json"])?;
        let token = made["token"].as_str().context("no token was made")?.to_owned();
        let fixtures = checkout.scratch("debug").join(FIXTURES);
        Ok(Self { checkout, ax, fixtures, token, npm, python })
    }

    /// Makes a command that runs a program with the pinned Node, in a home of its own: what it remembers is
    /// forgotten with the target folder.
    fn node(&self, program: &str) -> Result<Command> {
        let node = self.npm.join(tools::NODE_PROGRAM);
        let home = self.checkout.scratch("accept/mcp/node-home");
        make_folder(&home)?;
        let mut command = Command::new(node);
        command.arg(self.npm.join(program)).env("HOME", home).env("NO_COLOR", "1");
        command.current_dir(&self.npm);
        Ok(command)
    }
}

/// Puts the workflows where the server finds them.
fn shelve(checkout: &Checkout, ax: &Ax) -> Result<()> {
    let shelf = ax.home().join("workflows");
    make_folder(&shelf)?;
    for name in ["confirm-delete.toml", "multi-input.toml"] {
        copy(&checkout.root().join(WORKFLOWS).join(name), &shelf.join(name))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy `{}`", from.display()))?;
    Ok(())
}

/// Looks into the audit: a client that goes away, or says so, leaves no guest behind.
fn cancelled_have_ended(ground: &Ground) -> Result<()> {
    const TOOL: &str = "test-waiting";
    let rows = json(&ground.ax, &["audit", "tail", "--kind", "call", "-n", ROWS, "--json"])?;
    let rows = rows.as_array().context("the audit is no list")?;
    let bodies: Vec<&Value> =
        rows.iter().map(|row| &row["body"]).filter(|body| body["tool"] == TOOL).collect();
    let wrong = bodies.iter().find(|body| body["outcome"] != "error:cancelled");
    match wrong {
        Some(body) => bail!("`{TOOL}` ended otherwise: {body}"),
        None if bodies.len() != clients::RUNS => {
            bail!("{} calls of `{TOOL}` are recorded, not {}", bodies.len(), clients::RUNS)
        }
        None => Ok(()),
    }
}

/// Runs `ax` and reads what it prints on standard output: one document, or one each line.
fn json(ax: &Ax, arguments: &[&str]) -> Result<Value> {
    let printed = ax.command(arguments).output()?;
    if !printed.status.success() {
        bail!("{}: {}", printed.status, String::from_utf8_lossy(&printed.stderr));
    }
    let text = String::from_utf8_lossy(&printed.stdout);
    serde_json::from_str(&text).or_else(|_| {
        let rows = text.lines().map(serde_json::from_str);
        rows.collect::<Result<Vec<Value>, _>>().map(Value::from).with_context(|| text.into_owned())
    })
}
