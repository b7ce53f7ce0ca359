//! `lint`: what can be checked without running anything.
//!
//! Every check runs, whatever the one before found.

mod paths;

use std::process::Command;
use std::process::ExitCode;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::process;
use crate::refuse;

/// Runs the task; it fails when a check found something.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    refuse("lint", arguments)?;
    let mut clean = true;
    let mut check = |name: &str, found: Result<bool>| -> Result<()> {
        let is_clean = found?;
        println!("{} {name}", if is_clean { "PASS" } else { "FAIL" });
        clean &= is_clean;
        Ok(())
    };
    check("format", passes(process::cargo(checkout).args(["fmt", "--all", "--check"])))?;
    check("clippy", passes(&mut clippy(checkout)))?;
    match has_deny(checkout) {
        true => check("licences, bans, sources", passes(&mut deny(checkout)))?,
        false => println!(
            "SKIP licences, bans, sources: cargo-deny is not installed; \
             cargo install --locked cargo-deny"
        ),
    }
    match paths::machine_paths(checkout)? {
        Some(found) => {
            for place in &found {
                eprintln!("{place}");
            }
            check("no file names a machine's path", Ok(found.is_empty()))?;
        }
        None => println!("SKIP no file names a machine's path: this is no git checkout"),
    }
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn passes(command: &mut Command) -> Result<bool> {
    Ok(process::status(command)?.success())
}

fn clippy(checkout: &Checkout) -> Command {
    let mut cargo = process::cargo(checkout);
    cargo.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    cargo
}

fn deny(checkout: &Checkout) -> Command {
    let mut cargo = process::cargo(checkout);
    // Advisories need a database from the network; `cargo deny check` runs them where there is one.
    cargo.args(["deny", "check", "--deny", "unmatched-skip", "licenses", "bans", "sources"]);
    cargo
}

fn has_deny(checkout: &Checkout) -> bool {
    let printed = process::capture(process::cargo(checkout).args(["deny", "--version"]));
    printed.is_ok_and(|printed| printed.status.success())
}
