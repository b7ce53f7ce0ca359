//! The Inspector, as a person runs it: against the product itself, under the names that it gives.

use std::process::Output;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use serde_json::Value;

use super::Ground;
use super::served::Served;
use crate::accept::score::Score;

const PROGRAM: &str = "node_modules/.bin/mcp-inspector";

/// The exit code for a tool that failed, or that is not there.
const TOOL_FAILED: i32 = 5;

/// How it reaches a server: words before what it is to do, and behind. It takes a command only behind, and an
/// address behind for one more argument of the tool.
#[derive(Default)]
struct Way {
    transport: &'static str,
    before: Vec<String>,
    behind: Vec<String>,
}

/// Runs it over both transports.
pub(super) fn run(ground: &Ground, score: &mut Score) {
    let home = ground.ax.home().to_string_lossy().into_owned();
    let program = ground.ax.program().to_string_lossy().into_owned();
    let words = ["--", &program, "--home", &home, "mcp", "serve", "--stdio"];
    let behind = words.map(str::to_owned).into();
    check(ground, score, &Way { transport: "stdio", behind, ..Way::default() });
    match Served::product(ground) {
        Ok(served) => {
            let header = format!("Authorization: Bearer {}", ground.token);
            let before = vec![served.url.clone(), "--header".to_owned(), header];
            check(ground, score, &Way { transport: "http", before, ..Way::default() });
            score.check("inspector http: is not let in without a token", refused(ground, &served));
        }
        Err(error) => {
            score.check("inspector http: serve the product", Err(error));
        }
    }
}

fn check(ground: &Ground, score: &mut Score, way: &Way) {
    let inspect = |arguments: &[&str]| -> Result<Output> {
        let mut command = ground.node(PROGRAM)?;
        command.arg("--cli").args(&way.before).args(arguments).args(&way.behind);
        command.output().context("the Inspector cannot be started")
    };
    let about = format!("inspector {}", way.transport);
    let listed = inspect(&["--strict", "--method", "tools/list"]).and_then(is_list);
    score.check(&format!("{about}: lists the tools, whose schemas are fit for all"), listed);
    let greet = ["--method", "tools/call", "--tool-name", "test_conformance_greet"];
    let greeted = inspect(&[&greet[..], &["--tool-arg", "name=Ada"]].concat()).and_then(greets);
    score.check(&format!("{about}: calls a tool"), greeted);
    let misfit = inspect(&[&greet[..], &["--tool-arg", "nome=Ada"]].concat());
    score.check(&format!("{about}: reads which arguments do not fit"), misfit.and_then(misfits));
}

fn is_list(output: Output) -> Result<()> {
    let document = document(&output, 0)?;
    let tools = document["tools"].as_array().context("it has no tools")?;
    match tools.iter().any(|tool| tool["name"] == "test_conformance_greet") {
        true => Ok(()),
        false => bail!("a tool is missing: {document}"),
    }
}

fn greets(output: Output) -> Result<()> {
    let document = document(&output, 0)?;
    match document["content"][0]["text"] == "Hello, Ada!" {
        true => Ok(()),
        false => bail!("{document}"),
    }
}

fn misfits(output: Output) -> Result<()> {
    let document = document(&output, TOOL_FAILED)?;
    let text = document["content"][0]["text"].as_str().unwrap_or_default();
    match text.contains("`name`") && text.contains("`nome`") {
        true => Ok(()),
        false => bail!("{document}"),
    }
}

fn refused(ground: &Ground, served: &Served) -> Result<()> {
    let mut command = ground.node(PROGRAM)?;
    command.args(["--cli", "--method", "tools/list", &served.url]);
    let output = command.output().context("the Inspector cannot be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    match !output.status.success() && said.contains("auth_required") {
        true => Ok(()),
        false => bail!("{}: {said}", output.status),
    }
}

/// Reads what it prints; advice is on the other stream.
fn document(output: &Output, code: i32) -> Result<Value> {
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() != Some(code) {
        bail!("{}, not {code}: {}", output.status, said());
    }
    serde_json::from_slice(&output.stdout).with_context(said)
}
