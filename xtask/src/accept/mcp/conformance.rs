//! The official conformance suite: both revisions, as all scenarios that it has, and as the frozen set that a
//! revision requires.
//!
//! The suite compares what fails with what is known to (`tests/accept/mcp/known-….yaml`); what fails beside
//! that, and what passes of that, fails here. Scenarios that it does not score (extensions, such as tasks) it
//! leaves out of the comparison; this program compares them by the same file.

use std::fmt;
use std::fs;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use super::Ground;
use super::REVISIONS;
use super::SOURCES;
use super::served::Served;
use crate::accept::score::Score;
use crate::checkout::make_empty;
use crate::process;

const PROGRAM: &str = "node_modules/.bin/conformance";

/// How scenarios are chosen; what follows is the revision.
const PROFILES: [(&str, &[&str]); 2] =
    [("all", &["--suite", "all", "--spec-version"]), ("requirements", &["--requirements"])];

/// What came of a run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// Scenarios that passed.
    passed: Vec<String>,
    /// Scenarios of which something failed.
    failed: Vec<String>,
    /// Those of either that the suite does not score.
    unscored: Vec<String>,
    /// `126 passed, 18 failed`, in checks.
    checks: String,
}

/// Runs it at both revisions.
pub(super) fn run(ground: &Ground, score: &mut Score) {
    let served = match Served::fixtures(ground, false) {
        Ok(served) => served,
        Err(error) => {
            score.check("conformance: serve the fixtures over HTTP", Err(error));
            return;
        }
    };
    for revision in REVISIONS {
        for (profile, arguments) in PROFILES {
            let mut outcome = Outcome::default();
            let ran = conform(ground, &served, revision, profile, arguments, &mut outcome);
            score.check(&format!("conformance {revision} {profile}: {outcome}"), ran);
        }
    }
}

fn conform(
    ground: &Ground,
    served: &Served,
    revision: &str,
    profile: &str,
    arguments: &[&str],
    outcome: &mut Outcome,
) -> Result<()> {
    let known = ground.checkout.root().join(SOURCES).join(format!("known-{revision}.yaml"));
    let results = ground.checkout.scratch(&format!("accept/mcp/conformance-{revision}-{profile}"));
    make_empty(&results)?;
    let mut suite = ground.node(PROGRAM)?;
    suite.args(["server", "--url", &served.url]).args(arguments).arg(revision);
    suite.arg("--expected-failures").arg(&known).arg("-o").arg(&results);
    let printed = process::capture(&mut suite)?;
    *outcome = Outcome::read(&printed.text);
    let about = |text: &str| {
        let verdict = text.split_once("Total: ").map_or(text, |(_, verdict)| verdict);
        format!("{verdict}\nwhat each check saw is in {}", results.display())
    };
    if !printed.status.success() {
        bail!("{}", about(&printed.text));
    }
    if outcome.passed.is_empty() {
        bail!("nothing was looked at: {}", printed.text);
    }
    let text = fs::read_to_string(&known).with_context(|| format!("`{}`", known.display()))?;
    outcome.unscored_are_known(&text)
}

impl Outcome {
    /// Reads what the suite prints.
    fn read(text: &str) -> Self {
        let mut outcome = Self::default();
        let (scored, unscored) = text.split_once("Not scored for").unwrap_or((text, ""));
        let (_, summary) = scored.split_once("=== SUMMARY ===").unwrap_or(("", ""));
        for line in summary.lines() {
            let name = |rest: &str| rest.split(':').next().unwrap_or_default().trim().to_owned();
            if let Some(rest) = line.strip_prefix("✓ ") {
                outcome.passed.push(name(rest));
            } else if let Some(rest) = line.strip_prefix("✗ ") {
                outcome.failed.push(name(rest));
            } else if let Some(checks) = line.strip_prefix("Total: ") {
                outcome.checks = checks.trim().to_owned();
            }
        }
        for line in unscored.lines().map(str::trim) {
            let named = line.strip_prefix("✓ ").or_else(|| line.strip_prefix("✗ "));
            let name = named.and_then(|rest| rest.split_once(" (")).map(|(name, _)| name);
            outcome.unscored.extend(name.map(str::to_owned));
        }
        outcome
    }

    /// Compares the scenarios that are not scored with those that are known to fail.
    fn unscored_are_known(&self, known: &str) -> Result<()> {
        let is_known =
            |name: &str| known.lines().any(|line| line.trim().strip_prefix("- ") == Some(name));
        for name in &self.unscored {
            match (self.failed.contains(name), is_known(name)) {
                (true, false) => bail!("`{name}`, which is not scored, fails"),
                (false, true) => {
                    bail!("`{name}`, which is not scored, is known to fail and passes")
                }
                (true, true) | (false, false) => {}
            }
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed) = (self.passed.len(), self.failed.len());
        write!(f, "{passed} scenarios pass, {failed} are known to fail (checks: {})", self.checks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
Running …
=== SUMMARY ===
✓ ping: 2 passed, 0 failed
✗ prompts-list: 1 passed, 1 failed
✗ tasks-lifecycle: 2 passed, 7 failed

Total: 5 passed, 8 failed

Not scored for 2026-07-28: 1 scenario(s) run, 1 failing. These do not affect conformance.
  ✗ tasks-lifecycle (extension)
";

    #[test]
    fn scenarios_are_counted_as_the_suite_counts_them() {
        let read = Outcome::read(PRINTED);
        assert_eq!(
            read.to_string(),
            "1 scenarios pass, 2 are known to fail (checks: 5 passed, 8 failed)"
        );
        assert_eq!(read.unscored, ["tasks-lifecycle"]);
        assert_eq!(Outcome::read("it crashed"), Outcome::default());
    }

    #[test]
    fn a_scenario_that_is_not_scored_has_to_be_known_to_fail_and_to_fail() {
        let read = Outcome::read(PRINTED);
        assert!(read.unscored_are_known("server:\n  - tasks-lifecycle\n").is_ok());
        assert!(read.unscored_are_known("server:\n  - tasks-lifecycle-2\n").is_err());
        let passes = Outcome::read(&PRINTED.replace('✗', "✓"));
        assert!(passes.unscored_are_known("  - tasks-lifecycle\n").is_err());
        assert!(passes.unscored_are_known("  - prompts-list\n").is_ok());
    }
}
