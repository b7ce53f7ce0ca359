//! `bench`: measures in the release profile and prints `name ours raw ratio bar PASS|FAIL`.
//!
//! Not here: what is measured and the bars (`tests/`).

use std::process::Command;
use std::process::ExitCode;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::failure::Failure;
use crate::plugins;
use crate::process;
use crate::wasm_target;

/// What is built: the measuring program and the product.
const BINARIES: &[&str] =
    &["--package=ax-host", "--package=ax-tests", "--bin=ax", "--bin=bench-sandbox"];

/// Runs the task and ends with the measuring program's exit code.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    let options = match arguments {
        [subject, options @ ..] if subject == "sandbox" => options,
        _ => {
            return Err(Failure::new(
                "`bench` needs to know what to measure",
                "cargo xtask bench sandbox [--quick] [SUBJECT…]",
            ));
        }
    };
    wasm_target::ensure(checkout)?;
    plugins::build_test_guests(checkout)?;
    eprintln!("compiling in release first; from nothing this takes minutes");
    // One build of both, so that they share their dependencies: the bench also times `ax` itself.
    process::run(process::cargo(checkout).args(["build", "--release"]).args(BINARIES))?;
    let mut bench = Command::new(checkout.scratch("release").join("bench-sandbox"));
    bench.current_dir(checkout.root()).args(options);
    // A backtrace for each error would be timed with it.
    bench.env_remove("RUST_BACKTRACE");
    Ok(process::exit_code(process::status(&mut bench)?))
}
