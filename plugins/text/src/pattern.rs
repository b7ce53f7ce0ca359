//! Regular expressions of a request, compiled within bounds.
//!
//! Invariant: a compiled pattern is small and finds each match in time linear in the text; what
//! would need more, look-around and back references, is not in the syntax.

use ax_sdk::data;
use regex::Regex;
use regex::RegexBuilder;

use crate::refusal::Refusal;
use crate::refusal::check_length;
use crate::refusal::quote;

/// Longest pattern, in bytes. People write hundreds; each byte costs time for each byte of text.
pub const PATTERN_BYTES_MAX: usize = 4 << 10;
/// Bytes of the compiled program: `\w{100}` takes 300 KiB, and a search steps through all of it at
/// worst.
const PROGRAM_BYTES_MAX: usize = 1 << 20;
/// Bytes of the cache that makes searches fast; beyond it they get slower, not larger.
const CACHE_BYTES_MAX: usize = 2 << 20;
/// Levels of groups: the compiler recurses.
const NEST_MAX: u32 = 64;

/// How a pattern is read.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternFlag {
    /// Letters match in either case.
    IgnoreCase,
    /// `^` and `$` match at each line's ends too.
    MultiLine,
    /// `.` matches line breaks too.
    DotAll,
    /// White space and `# …` in the pattern mean nothing.
    Extended,
}

/// Compiles a pattern.
///
/// # Errors
///
/// [`Refusal::Pattern`], [`Refusal::TooLarge`], [`Refusal::TooLong`].
pub fn compile(pattern: &str, flags: &[PatternFlag]) -> Result<Regex, Refusal> {
    check_length("pattern", pattern, PATTERN_BYTES_MAX)?;
    RegexBuilder::new(pattern)
        .case_insensitive(flags.contains(&PatternFlag::IgnoreCase))
        .multi_line(flags.contains(&PatternFlag::MultiLine))
        .dot_matches_new_line(flags.contains(&PatternFlag::DotAll))
        .ignore_whitespace(flags.contains(&PatternFlag::Extended))
        .size_limit(PROGRAM_BYTES_MAX)
        .dfa_size_limit(CACHE_BYTES_MAX)
        .nest_limit(NEST_MAX)
        .build()
        .map_err(|cause| match cause {
            regex::Error::CompiledTooBig(max) => Refusal::TooLarge { member: "pattern", max },
            // The text is several lines that quote the pattern; the last one says what is wrong.
            cause => {
                let text = cause.to_string();
                let last = text.lines().last().unwrap_or_default();
                Refusal::Pattern { why: quote(last.strip_prefix("error: ").unwrap_or(last)) }
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(pattern: &str) -> String {
        compile(pattern, &[]).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_pattern_is_refused_in_one_line() {
        assert_eq!(refused("a("), "`pattern` is no regular expression: unclosed group");
        assert!(refused(r"(a)\1").ends_with("backreferences are not supported"));
        assert!(refused("(?=a)").starts_with("`pattern` is no regular expression: look-around"));
    }

    #[test]
    fn a_pattern_that_explodes_is_refused() {
        assert_eq!(
            refused(r"(?:\w{100}){100}"),
            "`pattern` takes more than 1048576 bytes of memory once it is read"
        );
        assert!(refused(&"(".repeat(1000)).contains("regular expression"));
    }

    #[test]
    fn a_pattern_of_4_kib_is_the_longest() {
        assert!(compile(&"a".repeat(PATTERN_BYTES_MAX), &[]).is_ok());
        assert!(refused(&"a".repeat(PATTERN_BYTES_MAX + 1)).contains("4097 bytes"));
    }
}
