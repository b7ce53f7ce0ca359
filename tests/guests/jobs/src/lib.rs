//! The agents that the conformance suite of MCP calls, as tasks.
//!
//! Not here: its workflows, which ask a person (`tests/accept/mcp/workflows`), and what is the host's own to
//! do (`tests/src/bin/mcp-fixtures`).

use std::time::Duration;

use ax_sdk::prelude::*;
use ax_sdk::task;

/// Takes so many seconds.
#[agent]
fn slow_compute(
    /// How long it takes.
    seconds: u32,
    /// What it is said to be about.
    label: Option<String>,
) -> Result<String> {
    task::sleep(Duration::from_secs(seconds.into()))?;
    Ok(format!("computed {} in {seconds} s", label.unwrap_or_default()))
}

/// Fails after a second.
#[agent]
fn failing_job() -> Result<String> {
    task::sleep(Duration::from_secs(1))?;
    Err(Error::failed("it fails on purpose"))
}

/// Greets after a moment.
#[agent]
fn greet_later(
    /// Whom.
    name: String,
) -> Result<String> {
    task::sleep(Duration::from_millis(100))?;
    Ok(format!("Hello, {name}!"))
}

ax_sdk::agents!(agents: [slow_compute, failing_job, greet_later]);
