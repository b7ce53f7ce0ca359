//! One run of one target, and what it came to.
//!
//! ```text
//! fuzz/corpus/<target>            seeds: read                fuzz/artifacts/<target>   findings
//! target/fuzz/corpus/<target>     what reached something new: read and written, kept between runs
//! ```

use std::fmt;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;

use crate::checkout::Checkout;
use crate::checkout::make_folder;
use crate::process;

/// Longest input, in bytes, as `ax_fuzz::INPUT_BYTES_MAX`.
const INPUT_BYTES_MAX: u32 = 64 << 10;

/// Seconds for one input; the slowest honest one takes a tenth of one.
const INPUT_SECONDS_MAX: u32 = 10;

/// MiB of memory for the whole process, the engine included.
const MEMORY_MIB_MAX: u32 = 1024;

/// What a run came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    target: String,
    executions: u64,
    per_second: u64,
    /// From the first input to the last.
    seconds: u64,
    /// Counters that were ever above zero.
    coverage: u64,
    corpus: usize,
    /// LibFuzzer ends with the first one.
    pub(super) findings: usize,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, executions, per_second, seconds, coverage, corpus, findings } = self;
        write!(f, "{target:<12} {executions:>9} executions {seconds:>5} s {per_second:>7}/s ")?;
        write!(f, "{coverage:>6} coverage {corpus:>5} corpus {findings} findings")
    }
}

/// Runs a target for some seconds; a finding is explained on standard error.
pub(super) fn run(
    checkout: &Checkout,
    programs: &Path,
    target: &str,
    seconds: u64,
) -> Result<Outcome> {
    let seeds = checkout.root().join("fuzz/corpus").join(target);
    let corpus = checkout.scratch("fuzz/corpus").join(target);
    let artifacts = checkout.root().join("fuzz/artifacts").join(target);
    make_folder(&corpus)?;
    make_folder(&artifacts)?;
    let mut program = Command::new(programs.join(target));
    program.args([
        format!("-max_total_time={seconds}"),
        format!("-max_len={INPUT_BYTES_MAX}"),
        format!("-timeout={INPUT_SECONDS_MAX}"),
        format!("-rss_limit_mb={MEMORY_MIB_MAX}"),
        format!("-artifact_prefix={}/", artifacts.display()),
        "-print_final_stats=1".to_owned(),
    ]);
    program.arg(&corpus).arg(&seeds).env("RUST_BACKTRACE", "0");
    let printed = process::capture(&mut program)?;
    let mut outcome = Outcome { target: target.to_owned(), ..read(&printed.text) };
    outcome.corpus = count(&corpus)? + count(&seeds)?;
    if !printed.status.success() {
        outcome.findings = 1;
        explain(checkout, &programs.join(target), &printed.text);
    }
    Ok(outcome)
}

/// Reads the statistics that libFuzzer prints.
fn read(text: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let number = |text: &str| text.split_whitespace().next().and_then(|word| word.parse().ok());
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once("cov: ") {
            outcome.coverage = number(rest).unwrap_or(outcome.coverage);
        }
        if let Some(rest) = line.strip_prefix("stat::number_of_executed_units:") {
            outcome.executions = number(rest).unwrap_or(0);
        }
        if let Some(rest) = line.strip_prefix("stat::average_exec_per_sec:") {
            outcome.per_second = number(rest).unwrap_or(0);
        }
        if let Some((_, rest)) = line.split_once(" runs in ") {
            outcome.seconds = number(rest).unwrap_or(0);
        }
    }
    if outcome.seconds == 0 {
        // A finding ends it before it says so.
        outcome.seconds = outcome.executions.checked_div(outcome.per_second).unwrap_or(0);
    }
    outcome
}

/// Repeats what a run said about its finding, and how to see it again.
fn explain(checkout: &Checkout, program: &Path, text: &str) {
    let is_noise = |line: &&str| line.starts_with(['#', '\t']) && !line.contains("panicked");
    let from = text.lines().position(|line| line.contains("panicked at") || line.contains("ERROR"));
    let told = text.lines().skip(from.unwrap_or(0)).filter(|line| !is_noise(line));
    told.take_while(|line| !line.starts_with("stat::")).for_each(|line| eprintln!("{line}"));
    let written = text.lines().find_map(|line| line.split_once("Test unit written to "));
    if let Some((_, input)) = written {
        let (program, input) = (checkout.short(program), PathBuf::from(input.trim()));
        eprintln!("to repeat it: {program} {}", checkout.short(&input));
    }
}

fn count(folder: &Path) -> Result<usize> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
    Ok(entries.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_a_whole_run_are_read() {
        let text = "\
#5\tINITED cov: 10 ft: 12 corp: 3/9b
#4096\tNEW    cov: 345 ft: 900 corp: 20/1Kb lim: 4096
#99000\tDONE   cov: 346 ft: 901 corp: 21/1Kb
Done 99000 runs in 61 second(s)
stat::number_of_executed_units: 99000
stat::average_exec_per_sec:     1622
";
        let outcome = read(text);
        let wanted = Outcome {
            executions: 99_000,
            per_second: 1_622,
            seconds: 61,
            coverage: 346,
            ..Outcome::default()
        };
        assert_eq!(outcome, wanted);
    }

    #[test]
    fn a_run_that_ended_early_has_its_seconds_by_its_speed() {
        let text = "stat::number_of_executed_units: 500\nstat::average_exec_per_sec: 100\n";
        assert_eq!(read(text).seconds, 5);
        assert_eq!(read("").executions, 0);
    }
}
