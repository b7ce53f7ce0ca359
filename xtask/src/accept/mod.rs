//! `accept`: checks the product with tools that others wrote.
//!
//! One line per check, `PASS|FAIL name`, and a closing `N passed, N failed`. A tool that cannot be
//! installed is a failure with its reason, never a silent skip.

mod abroad;
mod calls;
mod languages;
mod llm;
mod mcp;
mod score;
mod tools;

use std::process::ExitCode;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::failure::Failure;
use crate::product;

use score::Score;

/// Runs the checks of one suite; an error is a defect of the machine, not of the product.
type Suite = fn(&Checkout, &mut Score) -> Result<()>;

/// The suites that exist.
const SUITES: &[(&str, Suite)] =
    &[("languages", languages::run), ("mcp", mcp::run), ("llm", llm::run)];

/// Runs one suite, or all of them.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    let wanted = match arguments {
        [] => "all",
        [suite] => suite.as_str(),
        [_, extra, ..] => {
            return Err(Failure::new(
                format!("`accept` takes one suite, not also `{extra}`"),
                usage(),
            ));
        }
    };
    let suites: Vec<_> =
        SUITES.iter().filter(|(name, _)| wanted == "all" || wanted == *name).collect();
    if suites.is_empty() {
        return Err(Failure::new(format!("there is no suite `{wanted}`"), usage()));
    }
    product::prepare(checkout)?;
    let mut score = Score::default();
    for (_, suite) in suites {
        suite(checkout, &mut score)?;
    }
    println!("{score}");
    Ok(if score.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn usage() -> String {
    let names: Vec<&str> = SUITES.iter().map(|(name, _)| *name).collect();
    format!("cargo xtask accept [{}|all]", names.join("|"))
}
