//! `fuzz`: hands inputs that libFuzzer makes to every parser, on stable Rust.
//!
//! ```text
//! cargo build, this program as RUSTC_WRAPPER ──→ instrument ──→ rustc
//!       └─→ target/fuzz/…/manifest, axp, … ──→ run, one after the other ──→ a line each
//! ```
//!
//! Nothing is installed. The crate `libfuzzer-sys` brings libFuzzer as C++, so a C++ compiler must
//! be there. Coverage needs no nightly compiler: the pass that counts is part of every rustc. What
//! nightly would add is AddressSanitizer, of use only for `unsafe` code, of which we have next to none.
//!
//! Not here: the targets (`fuzz/fuzz_targets`), what must hold (`fuzz/entries`).

pub(crate) mod instrument;
mod run;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;

use anyhow::Context as _;
use anyhow::Result;

use crate::checkout::Checkout;
use crate::failure::Failure;
use crate::process;
use run::Outcome;

/// Seconds for each target when none are given: enough to see that everything still holds.
const SECONDS_DEFAULT: u64 = 60;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    /// None is every target.
    targets: Vec<String>,
    seconds: u64,
}

/// Runs the task; it fails when a target found something.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    let known = targets(checkout)?;
    let Request { targets, seconds } = read(arguments, &known)?;
    let targets = if targets.is_empty() { known } else { targets };
    let programs = build(checkout, &targets)?;
    let mut is_clean = true;
    for target in &targets {
        let outcome = run::run(checkout, &programs, target, seconds)?;
        println!("{outcome}");
        is_clean &= !matches!(outcome, Outcome { findings: 1.., .. });
    }
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads `[TARGET…] [--seconds N]`.
fn read(arguments: &[String], known: &[String]) -> Result<Request> {
    let usage = format!("cargo xtask fuzz [{}] [--seconds N]", known.join("|"));
    let mut request = Request { targets: Vec::new(), seconds: SECONDS_DEFAULT };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let number = words.next().and_then(|text| text.parse().ok());
            request.seconds = number.filter(|seconds| *seconds > 0).ok_or_else(|| {
                Failure::new("`--seconds` needs a whole number from 1", usage.clone())
            })?;
        } else if known.contains(word) {
            request.targets.push(word.clone());
        } else {
            return Err(Failure::new(format!("there is no fuzz target `{word}`"), usage));
        }
    }
    Ok(request)
}

/// Lists the targets by the names of their files.
fn targets(checkout: &Checkout) -> Result<Vec<String>> {
    let folder = checkout.root().join("fuzz/fuzz_targets");
    let cannot = || format!("cannot list `{}`", folder.display());
    let mut targets = Vec::new();
    for entry in fs::read_dir(&folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        targets.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    targets.sort();
    Ok(targets)
}

/// Compiles targets and gives the folder of their programs.
fn build(checkout: &Checkout, targets: &[String]) -> Result<PathBuf> {
    let mut compiler = Command::new(env::var_os("CXX").unwrap_or_else(|| "c++".into()));
    if process::capture(compiler.arg("--version")).is_err() {
        return Err(Failure::new(
            "libFuzzer is C++, and there is no C++ compiler",
            "install one, like `apt install g++` or `xcode-select --install`",
        ));
    }
    let folder = checkout.scratch("fuzz");
    eprintln!(
        "compiling libFuzzer and everything under test into `{}`, once; nothing is installed",
        checkout.short(&folder)
    );
    let triple = host_triple(checkout)?;
    let mut cargo = process::cargo(checkout);
    cargo.args(["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    // With a target named, what runs at compile time is compiled apart, and not instrumented.
    cargo.args(["--target", &triple]).arg("--target-dir").arg(&folder);
    cargo.args(targets.iter().flat_map(|target| ["--bin", target]));
    let wrapper = env::current_exe().context("cannot tell where this program lies")?;
    process::run(cargo.env("RUSTC_WRAPPER", wrapper).env(instrument::VARIABLE, "1"))?;
    Ok(folder.join(triple).join("release"))
}

/// Asks the compiler what it compiles for by itself.
fn host_triple(checkout: &Checkout) -> Result<String> {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(checkout.root()).arg("-vV");
    let printed = process::capture(&mut rustc)?;
    let host = printed.text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Failure::new("rustc does not say what it compiles for", "rustc -vV"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Result<Request> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&words, &["axp".to_owned(), "url".to_owned()])
    }

    #[test]
    fn targets_and_seconds_come_in_any_order() {
        let all = request("").expect("nothing is everything");
        assert_eq!(all, Request { targets: Vec::new(), seconds: SECONDS_DEFAULT });
        let some = request("url --seconds 5 axp").expect("both are known");
        assert_eq!(some, Request { targets: vec!["url".into(), "axp".into()], seconds: 5 });
    }

    #[test]
    fn what_is_no_target_and_no_time_is_refused_with_the_names() {
        for line in ["nothing", "--seconds", "--seconds 0", "--seconds x", "--second 1"] {
            let error = request(line).expect_err(line);
            let failure = error.downcast_ref::<Failure>().expect("it has a hint");
            assert_eq!(failure.hint, "cargo xtask fuzz [axp|url] [--seconds N]", "{line}");
        }
    }
}
