//! `test`: sets up what is needed and runs every test of the workspace.
//!
//! Not here: formatting and lints (`lint`); checks with tools of others (`accept`).

use std::env;
use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Command;
use std::process::ExitCode;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;

use crate::checkout::Checkout;
use crate::failure::Failure;
use crate::plugins;
use crate::process;
use crate::product;

/// From where proptest draws its cases, so that a commit passes always or never. `cargo xtask fuzz`
/// and a bare `cargo test` look for new ones.
const PROPTEST_SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "20260728");

/// Where tests find what `ax` installs for authors, below the target folder. A bare `cargo test` looks
/// there too.
const TOOLCHAINS: &str = "toolchains";

/// Runs the task and ends with cargo's exit code.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    let (nextest, passed_on) = read(arguments)?;
    let was_cold = product::is_cold(checkout);
    product::prepare(checkout)?;
    plugins::build_test_guests(checkout)?;
    let toolchains = checkout.scratch(TOOLCHAINS);
    println!(
        "toolchains of plugin authors: {}; the first test that needs one installs it there, once",
        toolchains.display()
    );
    let begun = Instant::now();
    let mut cargo = process::cargo(checkout);
    cargo.env("AX_TOOLCHAINS", toolchains);
    cargo.args(match nextest {
        true => ["nextest", "run", "--workspace", "--no-fail-fast"].as_slice(),
        // Every failure of a run is worth seeing, not only the first.
        false => ["test", "--workspace", "--no-fail-fast"].as_slice(),
    });
    cargo.args(passed_on);
    if env::var_os(PROPTEST_SEED.0).is_none() {
        cargo.env(PROPTEST_SEED.0, PROPTEST_SEED.1);
    }
    let status = if nextest {
        process::status(&mut cargo)?
    } else {
        let (status, tally) = watch(&mut cargo)?;
        println!("\n{tally} in {} s", begun.elapsed().as_secs());
        status
    };
    println!("{}", product::cold_build_line(checkout, was_cold));
    Ok(process::exit_code(status))
}

/// Splits our own arguments from cargo's. A fresh machine has no nextest, so it must be asked for.
fn read(arguments: &[String]) -> Result<(bool, &[String])> {
    let (ours, theirs) = match arguments.iter().position(|argument| argument == "--") {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (arguments, &arguments[arguments.len()..]),
    };
    match ours {
        [] => Ok((false, theirs)),
        [flag] if flag == "--nextest" => Ok((true, theirs)),
        [other, ..] => Err(Failure::new(
            format!("`test` does not know `{other}`"),
            format!("cargo xtask test -- {other}, to give it to cargo test"),
        )),
    }
}

/// Results of all test programs together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    /// Adds a line such as `test result: ok. 12 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        let words: Vec<&str> = counts.split([' ', ';']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { passed, failed, ignored } = self;
        write!(f, "{passed} tests passed, {failed} failed, {ignored} ignored")
    }
}

/// Runs cargo, repeats what it prints, and adds up the results.
fn watch(cargo: &mut Command) -> Result<(ExitStatus, Tally)> {
    let mut child = cargo
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", process::shown(cargo)))?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        // Bytes, not text: a test may print anything.
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("cannot hear the tests")?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            tally.add(&line);
        }
    }
    let status = child.wait().context("cannot await the tests")?;
    Ok((status, tally))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_programs_are_added_up() {
        let mut tally = Tally::default();
        tally.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out");
        tally.add("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        tally.add("test that mentions 7 passed ... ok");
        assert_eq!(tally, Tally { passed: 13, failed: 2, ignored: 1 });
    }

    #[test]
    fn arguments_behind_the_dashes_are_cargos() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let given = words("--nextest -- -p xtask -- --nocapture");
        let (nextest, theirs) = read(&given).expect("both parts are known");
        assert!(nextest);
        assert_eq!(theirs, words("-p xtask -- --nocapture"));
        assert!(read(&words("-p")).is_err());
    }
}
