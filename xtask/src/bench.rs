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

/// What can be measured, by the program that does it.
const SUBJECTS: [(&str, &str); 4] = [
    ("sandbox", "bench-sandbox"),
    ("mcp", "bench-mcp"),
    ("router", "bench-router"),
    ("runtime", "bench-runtime"),
];

/// Runs the task and ends with the measuring program's exit code.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    let asked = arguments.split_first();
    let found = asked.and_then(|(asked, options)| {
        let (_, program) = SUBJECTS.iter().find(|(name, _)| name == asked)?;
        Some((*program, options))
    });
    let Some((program, options)) = found else {
        return Err(Failure::new(
            "`bench` needs to know what to measure",
            "cargo xtask bench sandbox [--quick] [SUBJECT…], or mcp [--quick], or router [--quick], \
             or runtime [--quick]",
        ));
    };
    wasm_target::ensure(checkout)?;
    plugins::build_test_guests(checkout)?;
    eprintln!("compiling in release first; from nothing this takes minutes");
    // One build of both, so that they share their dependencies: the bench also times `ax` itself.
    let program_flag = format!("--bin={program}");
    let build = ["build", "--release", "--package=ax-host", "--package=ax-tests", "--bin=ax"];
    process::run(process::cargo(checkout).args(build).arg(program_flag))?;
    let mut bench = Command::new(checkout.scratch("release").join(program));
    bench.current_dir(checkout.root()).args(options);
    // A backtrace for each error would be timed with it.
    bench.env_remove("RUST_BACKTRACE");
    Ok(process::exit_code(process::status(&mut bench)?))
}
