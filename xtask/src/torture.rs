//! `torture`: kills tasks everywhere and looks whether anything was lost, doubled or guessed.
//!
//! Not here: where they are killed and what must hold (`tests/src/torture`).

use std::process::Command;
use std::process::ExitCode;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::plugins;
use crate::process;
use crate::product;

/// The program that does it.
const PROGRAM: &str = "torture";

/// Runs the task and ends with the program's exit code.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    product::prepare(checkout)?;
    plugins::build_test_guests(checkout)?;
    product::build_program(checkout, PROGRAM)?;
    let mut torture = Command::new(checkout.scratch("debug").join(PROGRAM));
    torture.current_dir(checkout.root()).args(arguments);
    Ok(process::exit_code(process::status(&mut torture)?))
}
