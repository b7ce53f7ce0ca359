//! Regular expressions in queries: `match` and `search`, with I-Regexp (RFC 9485).
//!
//! The syntax taken is that of `regex`, which holds I-Regexp; `.` matches no CR and no LF. A
//! pattern that cannot be read matches nothing, as RFC 9535 wants. Invariant: at most
//! [`PATTERNS_MAX`] patterns are kept, whatever the document holds.

use regex::Regex;
use regex::RegexBuilder;

use super::evaluate::Budget;
use super::evaluate::Stop;
use crate::pattern::PATTERN_BYTES_MAX;

/// Patterns kept: a query holds few; a document's own come in turn.
const PATTERNS_MAX: usize = 8;
/// Bytes of a compiled pattern. A document may hold thousands that are compiled one by one.
const PROGRAM_BYTES_MAX: usize = 128 << 10;
/// Steps for compiling one: about a millisecond.
const COMPILE_STEPS: u64 = 10_000;

/// Patterns that were compiled, the newest last.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    kept: Vec<(String, bool, Option<Regex>)>,
}

impl Patterns {
    /// Tells whether a text matches a pattern, as a whole or somewhere.
    pub(super) fn is_match(
        &mut self,
        text: &str,
        pattern: &str,
        whole: bool,
        budget: &mut Budget<'_>,
    ) -> Result<bool, Stop> {
        // A byte costs a step, since a search may step through all of the pattern for it.
        budget.charge(1 + text.len() as u64)?;
        budget.charge_bytes(pattern.len())?;
        let kept = self
            .kept
            .iter()
            .position(|(known, as_whole, _)| known == pattern && *as_whole == whole);
        let index = match kept {
            Some(index) => index,
            None => {
                budget.charge(COMPILE_STEPS)?;
                if self.kept.len() == PATTERNS_MAX {
                    self.kept.remove(0);
                }
                self.kept.push((pattern.to_owned(), whole, compile(pattern, whole)));
                self.kept.len() - 1
            }
        };
        Ok(self.kept[index].2.as_ref().is_some_and(|regex| regex.is_match(text)))
    }
}

fn compile(pattern: &str, whole: bool) -> Option<Regex> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return None;
    }
    let build = |pattern: &str| {
        RegexBuilder::new(pattern).crlf(true).size_limit(PROGRAM_BYTES_MAX).build().ok()
    };
    // Read alone first, so that `a)|(b` is as wrong within the group as it is without.
    let regex = build(pattern)?;
    if whole { build(&format!(r"\A(?:{pattern})\z")) } else { Some(regex) }
}
