//! `bench`: measures in the release profile and prints `name ours raw ratio bar PASS|FAIL`.
//!
//! Not here: what is measured and the bars (`tests/`).

use std::process::ExitCode;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::failure::Failure;
use crate::plugins;
use crate::process;
use crate::wasm_target;

/// Runs the task and ends with the measuring program's exit code.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    let options = match arguments {
        [subject, options @ ..] if subject == "sandbox" => options,
        _ => {
            return Err(Failure::new(
                "`bench` needs to know what to measure",
                "cargo xtask bench sandbox [--quick]",
            ));
        }
    };
    wasm_target::ensure(checkout)?;
    plugins::build_test_guests(checkout)?;
    eprintln!("compiling in release first; from nothing this takes minutes");
    let mut cargo = process::cargo(checkout);
    cargo.args(["run", "--release", "--package", "ax-tests", "--bin", "bench-sandbox", "--"]);
    cargo.args(options);
    // A backtrace per error would be measured with it.
    cargo.env_remove("RUST_BACKTRACE");
    Ok(process::exit_code(process::status(&mut cargo)?))
}
