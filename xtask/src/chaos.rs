//! `chaos`: routes requests to an upstream that fails in every way.
//!
//! Not here: what fails and what must hold (`tests/src/chaos`).

use std::process::Command;
use std::process::ExitCode;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::process;
use crate::product;

/// The program that does it.
const PROGRAM: &str = "chaos";

/// Runs the task and ends with the program's exit code.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    product::build_program(checkout, PROGRAM)?;
    let mut chaos = Command::new(checkout.scratch("debug").join(PROGRAM));
    chaos.current_dir(checkout.root()).args(arguments);
    Ok(process::exit_code(process::status(&mut chaos)?))
}
