//! Builds what `demo`, `test`, `hostile` and `accept` need: the wasm target, the plugins, `ax`.
//!
//! Invariant: all of them compile the same units. Cargo gives a dependency the features of the
//! packages that were *selected*, so `cargo build -p ax-host` and `cargo test --workspace` would
//! each compile cranelift for themselves; [`build_ax`] selects what the tests select.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use serde_json::Value;
use serde_json::json;

use crate::checkout::Checkout;
use crate::checkout::write_if_changed;
use crate::cpu;
use crate::plugins;
use crate::process;
use crate::wasm_target;

/// CPU minutes (user and system time) that a cold build may take after `cargo fetch`: what a
/// newcomer waits for on a small machine before anything can be seen.
const COLD_BUILD_CPU_MINUTES_MAX: f64 = 15.0;

/// Sets up the target and compiles plugins and `ax`; records what it cost if nothing was there.
/// The guests of tests are not part of it: a newcomer's demo does not wait for them.
///
/// # Errors
///
/// When the target is missing and cannot be installed, or something does not compile.
pub(crate) fn prepare(checkout: &Checkout) -> Result<()> {
    let cold = is_cold(checkout);
    let begun = Instant::now();
    wasm_target::ensure(checkout)?;
    plugins::build(checkout)?;
    build_ax(checkout)?;
    if cold {
        record(checkout, cpu::of_children()?, begun.elapsed())?;
    }
    Ok(())
}

/// One line about the cost of a cold build: this one's or the last one's.
pub(crate) fn cold_build_line(checkout: &Checkout, was_cold: bool) -> String {
    let Some((minutes, wall)) = recorded(checkout) else {
        return "no cold build was measured in this checkout".to_owned();
    };
    let verdict = if minutes > COLD_BUILD_CPU_MINUTES_MAX { ", exceeded" } else { "" };
    let which = if was_cold { "cold build" } else { "last cold build" };
    format!(
        "{which}: {minutes:.1} CPU minutes (budget {COLD_BUILD_CPU_MINUTES_MAX:.0}{verdict}), \
         {wall:.1} minutes on the clock"
    )
}

/// Answers whether nothing that counts was compiled before: a build that was interrupted and goes
/// on would otherwise pass for a cheap cold one.
pub(crate) fn is_cold(checkout: &Checkout) -> bool {
    const COSTLIEST: &str = "cranelift-codegen-";
    let compiled = fs::read_dir(checkout.scratch("debug").join(".fingerprint"));
    let begun = compiled.is_ok_and(|entries| {
        let names = entries.flatten().map(|entry| entry.file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with(COSTLIEST))
    });
    !begun && !checkout.ax().exists() && !checkout.guests().exists()
}

/// Compiles the `ax` binary in the dev profile.
fn build_ax(checkout: &Checkout) -> Result<()> {
    build_program(checkout, "ax")
}

/// Compiles a binary of the workspace in the dev profile.
///
/// # Errors
///
/// When it does not compile.
pub(crate) fn build_program(checkout: &Checkout, name: &str) -> Result<()> {
    let mut cargo = process::cargo(checkout);
    // `--examples` (there are none) makes cargo count the features of dev-dependencies, as it does
    // for tests; without it wasmparser differs, and all of wasmtime above it.
    cargo.args(["build", "--workspace", "--bin", name, "--examples"]);
    process::run(&mut cargo)
}

/// Where the figure is kept.
fn record_path(checkout: &Checkout) -> PathBuf {
    checkout.scratch("ax-cold-build.json")
}

fn record(checkout: &Checkout, cpu: Duration, wall: Duration) -> Result<()> {
    let minutes = |time: Duration| (time.as_secs_f64() / 6.0).round() / 10.0;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let record =
        json!({ "cpu_minutes": minutes(cpu), "wall_minutes": minutes(wall), "cores": cores });
    let text = format!("{record}\n");
    write_if_changed(&record_path(checkout), text.as_bytes()).context("cannot keep the figure")?;
    Ok(())
}

/// CPU and wall minutes of the last cold build, if one was measured.
fn recorded(checkout: &Checkout) -> Option<(f64, f64)> {
    let text = fs::read_to_string(record_path(checkout)).ok()?;
    let record: Value = serde_json::from_str(&text).ok()?;
    Some((record["cpu_minutes"].as_f64()?, record["wall_minutes"].as_f64()?))
}
