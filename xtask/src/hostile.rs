//! `hostile`: runs the hostile guests and prints one line each, `guest expected got PASS|FAIL`.
//!
//! Not here: the guests (`tests/guests`), what each must get and the bounds that must hold
//! (`tests/`).

use std::process::ExitCode;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::failure::Failure;
use crate::plugins;
use crate::process;
use crate::product;
use crate::refuse;

/// Asks the test program for the table.
const TABLE_VARIABLE: &str = "AX_HOSTILE_TABLE";

/// Runs the task; it fails when one guest does, or when none was run.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    refuse("hostile", arguments)?;
    product::prepare(checkout)?;
    plugins::build_test_guests(checkout)?;
    // `--workspace` for its features: the tests of one package would compile wasmtime once more.
    let tests = ["test", "--workspace", "--test", "hostile"];
    // First alone, so that the progress of compiling is seen and is not among the lines.
    process::run(process::cargo(checkout).args(tests).arg("--no-run"))?;
    let mut cargo = process::cargo(checkout);
    cargo.args(tests).args(["--quiet", "--", "--nocapture"]).env(TABLE_VARIABLE, "1");
    let printed = process::capture(&mut cargo)?;
    // The test harness puts a dot for each test before whatever is printed next.
    let lines = printed.text.lines().map(|line| line.trim_start_matches('.'));
    let mut table: Vec<(&str, bool)> =
        lines.filter_map(|line| verdict(line).map(|passed| (line, passed))).collect();
    table.sort_unstable();
    for (line, _) in &table {
        println!("{line}");
    }
    let passed = table.iter().filter(|(_, passed)| *passed).count();
    let failed = table.len() - passed;
    println!("{passed} passed, {failed} failed");
    if !printed.status.success() && failed == 0 {
        // The reason is in none of the lines above: a test without a line failed, or all crashed.
        eprint!("{}", printed.text);
        return Err(process::ended(&cargo, printed.status));
    }
    if passed + failed == 0 {
        return Err(Failure::new(
            "the hostile tests printed no line",
            format!("{TABLE_VARIABLE}=1 cargo test --workspace --test hostile -- --nocapture"),
        ));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads how a line of the table ends; `None` for any other line.
fn verdict(line: &str) -> Option<bool> {
    // At least a guest and a verdict: a test whose name ends so is none.
    match line.rsplit_once(' ')? {
        (guest, _) if guest.starts_with("test ") => None,
        (_, "PASS") => Some(true),
        (_, "FAIL") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_the_table_have_a_verdict() {
        assert_eq!(verdict("infinite-loop exhausted(fuel) exhausted(fuel) PASS"), Some(true));
        assert_eq!(verdict("table-bomb exhausted(tables) crashed FAIL"), Some(false));
        assert_eq!(verdict("test infinite_loop ... ok"), None);
        assert_eq!(verdict("PASS"), None);
    }
}
