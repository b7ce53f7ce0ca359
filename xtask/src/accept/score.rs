//! Counts checks and prints a line for each.

use std::fmt;

use anyhow::Result;

/// What passed and what failed so far.
#[derive(Debug, Default)]
pub(super) struct Score {
    passed: u32,
    failed: u32,
}

impl Score {
    /// Prints and counts one check. The reason of a failure goes below its line. Answers whether it
    /// passed, so that what depends on it can be left out.
    pub(super) fn check(&mut self, name: &str, outcome: Result<()>) -> bool {
        match outcome {
            Ok(()) => {
                self.passed += 1;
                println!("PASS {name}");
                true
            }
            Err(error) => {
                self.failed += 1;
                println!("FAIL {name}");
                for reason in error.chain().map(ToString::to_string) {
                    println!("     {}", reason.trim_end().replace('\n', "\n     "));
                }
                false
            }
        }
    }

    /// Answers whether something passed and nothing failed.
    pub(super) fn is_clean(&self) -> bool {
        self.passed > 0 && self.failed == 0
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}
