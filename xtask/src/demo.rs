//! `demo`: sets up what is needed, builds, and runs the main job on this repository.
//!
//! The job is what the product is for: a plugin that was granted nothing is denied, is granted one
//! read-only folder, does its work under limits, and all of it is in the audit log. Each step is
//! checked, so a demo that goes through proves it.
//!
//! `demo models` shows another: an answer of a model that falls back from a provider that fails. `demo agents`
//! a third: a task that survives `kill -9`.
//!
//! Invariant: it uses a home folder of its own and touches nobody's `AX_HOME`.

mod agents;
mod models;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use crate::ax::Ax;
use crate::checkout::Checkout;
use crate::failure::Failure;
use crate::process;
use crate::process::Printed;
use crate::product;
use crate::refuse;

/// The home folder of the demo, below the target folder.
const HOME: &str = "demo/home";

/// One command, and what must come of it.
struct Step {
    arguments: &'static [&'static str],
    /// Exit code (INTERFACES §1 of the design): 0 done, 5 denied.
    exit: i32,
    /// Texts that the output must hold.
    holds: &'static [&'static str],
    /// A further look at the output; says what is missing.
    check: fn(&str) -> Result<(), &'static str>,
}

const STEPS: &[Step] = &[
    Step {
        arguments: &["plugin", "add", "plugins/metrics", "--grant-nothing"],
        exit: 0,
        holds: &["ax:metrics", "fs:workspace:read"],
        check: |_| Ok(()),
    },
    Step {
        arguments: &["tool", "call", "ax:metrics.measure"],
        exit: 5,
        holds: &["hint: ax permission grant ax:metrics fs:workspace:read"],
        check: |_| Ok(()),
    },
    Step {
        arguments: &["permission", "grant", "ax:metrics", "fs:workspace:read"],
        exit: 0,
        holds: &["granted: ax:metrics may read files in the folder `workspace`"],
        check: |_| Ok(()),
    },
    Step {
        arguments: &["tool", "call", "ax:metrics.measure"],
        exit: 0,
        holds: &[],
        check: |output| match has_rust_lines(output) {
            true => Ok(()),
            false => Err("a row for Rust with more than 0 lines"),
        },
    },
    Step {
        arguments: &["audit", "tail"],
        exit: 0,
        holds: &["ax:metrics", "denied", "allowed"],
        check: |_| Ok(()),
    },
    Step { arguments: &["audit", "verify"], exit: 0, holds: &[], check: |_| Ok(()) },
];

/// Runs the task.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    if let [first, others @ ..] = arguments
        && first == "models"
    {
        return models::run(checkout, others);
    }
    if let [first, others @ ..] = arguments
        && first == "agents"
    {
        return agents::run(checkout, others);
    }
    refuse("demo", arguments)?;
    let was_cold = product::is_cold(checkout);
    product::prepare(checkout)?;
    let ax = Ax::with_fresh_home(checkout, HOME)?;
    let begun = Instant::now();
    for step in STEPS {
        take(&ax, step)?;
    }
    let took = begun.elapsed();
    println!("the job took {:.1} s", took.as_secs_f64());
    println!("limits that were on: {}", limits(&ax)?);
    println!("{}", product::cold_build_line(checkout, was_cold));
    Ok(ExitCode::SUCCESS)
}

/// Runs one step, prints it as a terminal would show it, and checks what came of it.
fn take(ax: &Ax, step: &Step) -> Result<()> {
    let command = process::shown(&ax.command(step.arguments));
    println!("$ {command}");
    let printed = ax.run(step.arguments)?;
    println!("{}", printed.text);
    judge(step, &printed).map_err(|what| {
        Failure::new(
            format!("the demo went wrong at `{command}`: {what}"),
            "this is a defect of AX: cargo xtask test says more",
        )
    })
}

fn judge(step: &Step, printed: &Printed) -> Result<(), String> {
    if printed.status.code() != Some(step.exit) {
        return Err(format!("it should exit with {}, not {}", step.exit, printed.status));
    }
    if let Some(missing) = step.holds.iter().find(|text| !printed.text.contains(**text)) {
        return Err(format!("it should print `{missing}`"));
    }
    (step.check)(&printed.text).map_err(|missing| format!("it should print {missing}"))
}

/// Answers whether the table has a row for Rust with more than 0 lines: files, then lines.
fn has_rust_lines(output: &str) -> bool {
    let rows = output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut rows = rows.filter(|row| row.first() == Some(&"Rust"));
    rows.any(|row| row.get(2).and_then(|lines| lines.parse::<u64>().ok()).unwrap_or(0) > 0)
}

/// Asks `ax` which limits the plugin ran under.
fn limits(ax: &Ax) -> Result<String> {
    let printed = ax.run(&["plugin", "show", "ax:metrics"])?;
    let section = printed.text.lines().skip_while(|line| *line != "limits").skip(1);
    let rows = section.take_while(|line| line.starts_with("  "));
    let rows: Vec<String> =
        rows.map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    match rows.is_empty() {
        false => Ok(rows.join(", ")),
        true => Err(Failure::new(
            "`ax plugin show ax:metrics` lists no limits",
            "this is a defect of AX: cargo xtask test says more",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_without_rust_lines_is_not_taken_for_one_with() {
        assert!(has_rust_lines("languages\n  name  files  lines\n  Rust     12   3400\n"));
        assert!(!has_rust_lines("  Rust  0  0\n"));
        assert!(!has_rust_lines("  TOML  1  30\n"));
        assert!(!has_rust_lines("Rust\n"));
    }
}
