//! This program in the place of rustc: adds counters to the crates under test.
//!
//! Cargo starts it as `xtask rustc ARGUMENTS…`, once for each crate. Flags for all crates
//! (`RUSTFLAGS`) would count inside the engine too: it takes three times as long to compile, and
//! libFuzzer reads every counter after every input.
//!
//! Invariant: whatever is not under test is compiled exactly as without this.

use std::env;
use std::process::Command;
use std::process::ExitCode;

use anyhow::Result;

use crate::process;

/// Says that this program was started in the place of rustc.
pub(super) const VARIABLE: &str = "AX_XTASK_INSTRUMENT";

/// The crates that count: ours, and the readers they trust.
const CRATES: &[&str] = &[
    "ax_fuzz",
    "ax_host",
    "ax_manifest",
    "ax_registry",
    "semver",
    "serde_json",
    "toml",
    "toml_parser",
    "wasmparser",
];

/// What cargo-fuzz gives to rustc, without what needs nightly.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Runs rustc if cargo started this program for that; `None` if a person did.
pub(crate) fn instead_of_rustc(words: &[String]) -> Option<Result<ExitCode>> {
    let [rustc, arguments @ ..] = words else { return None };
    env::var_os(VARIABLE)?;
    let mut command = Command::new(rustc);
    command.args(arguments).env_remove(VARIABLE);
    if is_under_test(arguments) {
        command.args(FLAGS);
    }
    Some(process::status(&mut command).map(process::exit_code))
}

/// Tells whether a crate is to count. Build scripts and macros are not: they are compiled without
/// `--target`, and run without libFuzzer.
fn is_under_test(arguments: &[String]) -> bool {
    let is_named = |pair: &[String]| pair[0] == "--crate-name" && CRATES.contains(&&*pair[1]);
    arguments.windows(2).any(is_named) && arguments.iter().any(|word| word == "--target")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(line: &str) -> bool {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        is_under_test(&words)
    }

    #[test]
    fn only_crates_under_test_count_and_not_where_they_run_at_compile_time() {
        assert!(counts(
            "--crate-name ax_manifest --edition=2024 --target x86_64-unknown-linux-gnu"
        ));
        assert!(!counts("--crate-name semver --edition=2021"));
        assert!(!counts("--crate-name wasmtime --target x86_64-unknown-linux-gnu"));
        assert!(!counts("-vV"));
    }
}
