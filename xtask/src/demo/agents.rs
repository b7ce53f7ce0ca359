//! `demo agents`: an agent reads this repository, is killed with `kill -9` half-way, and goes on.
//!
//! The kill is real and comes from here, while calls of tools are being performed: what was begun is on
//! record, so that another process goes on with it. At the end the whole task is run again from its record,
//! which has to come to the same without performing anything.

use std::io::{BufRead as _, BufReader};
use std::process::{ExitCode, Stdio};

use anyhow::{Context as _, Result};

use crate::ax::Ax;
use crate::checkout::Checkout;
use crate::failure::Failure;
use crate::{process, product, refuse};

/// The home folder of this demo, below the target folder.
const HOME: &str = "demo/agents";

/// What is installed, with what it is granted.
const PLUGINS: &[(&str, &[&str])] = &[
    ("plugins/files", &["fs:workspace:read"]),
    ("plugins/metrics", &["fs:workspace:read"]),
    (
        "plugins/repo-report",
        &["tools:ax:files.list", "tools:ax:files.search", "tools:ax:metrics.count"],
    ),
];

/// A line of the timeline that says that calls are being performed: the time to kill.
const HALF_WAY: &str = "ax:metrics.count …";

/// Runs the demo.
pub(super) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    refuse("demo agents", arguments)?;
    product::prepare(checkout)?;
    let ax = Ax::with_fresh_home(checkout, HOME)?;
    for (plugin, allowed) in PLUGINS {
        let mut words = vec!["plugin", "add", plugin];
        words.extend(allowed.iter().flat_map(|permission| ["--allow", permission]));
        show(&ax, &words, 0, &["installed"])?;
    }
    kill_half_way(&ax)?;
    show(&ax, &["task", "list"], 0, &["interrupted"])?;
    let again = ["performed again, with the same key", "is completed", "# Report on"];
    show(&ax, &["task", "resume", "last"], 0, &again)?;
    show(&ax, &["task", "replay", "last"], 0, &["identical", "nothing performed"])?;
    show(&ax, &["task", "show", "last"], 0, &["taken over from a program that is gone"])?;
    show(&ax, &["audit", "verify"], 0, &[])?;
    println!("killed half-way, resumed, finished, and replayed to the same end");
    Ok(ExitCode::SUCCESS)
}

/// Begins the agent, and kills the program while its calls are being performed.
fn kill_half_way(ax: &Ax) -> Result<()> {
    let mut command = ax.command(&["agent", "run", "ax:repo-report"]);
    println!("$ {}", process::shown(&command));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start ax")?;
    let lines = BufReader::new(child.stderr.take().context("standard error is not there")?).lines();
    let mut was_half_way = false;
    for line in lines {
        let line = line?;
        println!("{line}");
        if line.contains(HALF_WAY) && !was_half_way {
            was_half_way = true;
            // SIGKILL: nothing of it can put anything in order.
            child.kill()?;
        }
    }
    let status = child.wait()?;
    println!("kill -9: {status}");
    match was_half_way && !status.success() {
        true => Ok(()),
        false => Err(wrong("agent run", "it ended before it could be killed")),
    }
}

/// Runs a command, prints it as a terminal would show it, and checks what came of it.
fn show(ax: &Ax, arguments: &[&str], exit: i32, holds: &[&str]) -> Result<()> {
    let command = process::shown(&ax.command(arguments));
    println!("$ {command}");
    let printed = ax.run(arguments)?;
    println!("{}", printed.text);
    if printed.status.code() != Some(exit) {
        return Err(wrong(
            &command,
            &format!("it should exit with {exit}, not {}", printed.status),
        ));
    }
    match holds.iter().find(|text| !printed.text.contains(**text)) {
        Some(missing) => Err(wrong(&command, &format!("it should print `{missing}`"))),
        None => Ok(()),
    }
}

fn wrong(command: &str, what: &str) -> anyhow::Error {
    Failure::new(
        format!("the demo went wrong at `{command}`: {what}"),
        "this is a defect of AX: cargo xtask test says more",
    )
}
