//! Replaces what a pattern matches.
//!
//! ```text
//! $1  ${1}    a group by number, $0 the whole match; digits end at the first other character
//! ${name}     a group by name
//! $$          a dollar sign
//! ```
//!
//! Invariant: a replacement means the same for every match, and no `$` is ever passed over.

use ax_sdk::data;
use regex::Regex;

use crate::output::Output;
use crate::place::TEXT_BYTES_MAX;
use crate::refusal::Refusal;
use crate::refusal::check_length;
use crate::refusal::check_range;
use crate::refusal::quote;
use crate::search::MATCHES_PER_QUESTION;
use crate::search::Matches;

/// Longest replacement, in bytes. It is a line or a page; the answer is bounded by itself.
const REPLACEMENT_BYTES_MAX: usize = 64 << 10;

/// One piece of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Group(usize),
}

/// The changed text.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The text with the replacements.
    pub text: String,
    /// How many there were.
    pub count: usize,
}

/// Replaces matches from the left: all, or `limit`. `go_on` is asked now and then.
///
/// # Errors
///
/// [`Refusal::Dollar`], [`Refusal::NoGroup`], [`Refusal::TooLong`], [`Refusal::OutOfRange`],
/// [`Refusal::Result`], [`Refusal::Cancelled`].
pub fn replace(
    text: &str,
    regex: &Regex,
    replacement: &str,
    limit: Option<u32>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Replaced, Refusal> {
    check_length("text", text, TEXT_BYTES_MAX)?;
    check_length("replacement", replacement, REPLACEMENT_BYTES_MAX)?;
    let limit = limit.unwrap_or(u32::MAX);
    check_range("limit", limit, 1..=u32::MAX)?;
    let pieces = parse(replacement, regex)?;
    let mut matches = Matches::new(regex, text, 0);
    let mut output = Output::default();
    let (mut copied, mut count) = (0, 0);
    while count < limit as usize
        && let Some((start, end)) = matches.advance()
    {
        output.push(&text[copied..start])?;
        for piece in &pieces {
            match piece {
                Piece::Text(text) => output.push(text)?,
                Piece::Group(number) => {
                    let (start, end) = matches.locations.get(*number).unwrap_or((0, 0));
                    output.push(&text[start..end])?;
                }
            }
        }
        copied = end;
        count += 1;
        if count.is_multiple_of(MATCHES_PER_QUESTION) && !go_on() {
            return Err(Refusal::Cancelled);
        }
    }
    output.push(&text[copied..])?;
    Ok(Replaced { text: output.into_text(), count })
}

fn parse<'a>(replacement: &'a str, regex: &Regex) -> Result<Vec<Piece<'a>>, Refusal> {
    let mut pieces = Vec::new();
    let mut rest = replacement;
    while let Some(dollar) = rest.find('$') {
        if dollar > 0 {
            pieces.push(Piece::Text(&rest[..dollar]));
        }
        let wrong = || Refusal::Dollar { byte: replacement.len() - rest.len() + dollar };
        let after = &rest[dollar + 1..];
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(further) = after.strip_prefix('$') {
            pieces.push(Piece::Text("$"));
            rest = further;
        } else if digits > 0 {
            pieces.push(Piece::Group(group(&after[..digits], regex)?));
            rest = &after[digits..];
        } else {
            let named = after.strip_prefix('{').and_then(|name| name.split_once('}'));
            let (name, further) = named.ok_or_else(wrong)?;
            pieces.push(Piece::Group(group(name, regex)?));
            rest = further;
        }
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

fn group(name: &str, regex: &Regex) -> Result<usize, Refusal> {
    let number = if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        name.parse().ok().filter(|number| *number < regex.captures_len())
    } else {
        regex.capture_names().position(|found| found == Some(name))
    };
    number.ok_or_else(|| Refusal::NoGroup { name: quote(name) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::RESULT_BYTES_MAX;
    use crate::pattern::compile;

    fn replaced(text: &str, pattern: &str, replacement: &str) -> Result<String, String> {
        let regex = compile(pattern, &[]).unwrap();
        let answer = replace(text, &regex, replacement, None, &mut || true);
        answer.map(|answer| answer.text).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn groups_are_put_in_by_number_and_name() {
        let pattern = r"(?<year>\d{4})-(\d\d)|(x)";
        assert_eq!(replaced("on 2024-05", pattern, "$2/${year}").unwrap(), "on 05/2024");
        assert_eq!(replaced("2024-05", pattern, "$2a${1}b$0").unwrap(), "05a2024b2024-05");
        assert_eq!(replaced("2024-05", pattern, "[$3]$$1").unwrap(), "[]$1");
    }

    #[test]
    fn what_begins_no_group_is_refused() {
        for (replacement, why) in [
            ("a$", "`replacement` has a `$` at byte 1 that begins no group"),
            ("$x", "`replacement` has a `$` at byte 0 that begins no group"),
            ("$1${", "`replacement` has a `$` at byte 2 that begins no group"),
            ("$2", "`replacement` names the group `2`, which `pattern` does not have"),
            ("${}", "`replacement` names the group ``, which `pattern` does not have"),
            (
                "$99999999999999999999",
                "`replacement` names the group `99999999999999999999`, which `pattern` does not have",
            ),
        ] {
            assert_eq!(replaced("a", "(a)", replacement).unwrap_err(), why);
        }
    }

    #[test]
    fn empty_matches_and_limits_are_replaced_from_the_left() {
        assert_eq!(replaced("aé", "", "-").unwrap(), "-a-é-");
        let regex = compile("a", &[]).unwrap();
        let answer = replace("aaa", &regex, "b", Some(2), &mut || true).unwrap();
        assert_eq!(answer, Replaced { text: "bba".to_owned(), count: 2 });
        let none = replace("aaa", &regex, "b", Some(0), &mut || true);
        assert!(matches!(none, Err(Refusal::OutOfRange { .. })));
    }

    #[test]
    fn an_answer_over_1_mib_is_refused() {
        let text = "a".repeat(1 << 10);
        assert_eq!(replaced(&text, "a", &"b".repeat(1 << 10)).unwrap().len(), RESULT_BYTES_MAX);
        let over = replaced(&text, "a", &"b".repeat((1 << 10) + 1));
        assert_eq!(over.unwrap_err(), "the answer is longer than 1 MiB");
    }

    proptest! {
        #[test]
        fn the_whole_match_put_back_changes_nothing(
            text in "[ab\né]{0,20}",
            pattern in "[ab.|*?()]{0,8}",
        ) {
            if compile(&pattern, &[]).is_ok() {
                prop_assert_eq!(replaced(&text, &pattern, "$0").unwrap(), text);
            }
        }

        #[test]
        fn no_input_panics(
            text in ".{0,30}",
            pattern in ".{0,10}",
            replacement in "[$a{}0-9é]{0,10}",
        ) {
            if compile(&pattern, &[]).is_ok() {
                let _any = replaced(&text, &pattern, &replacement);
            }
        }
    }
}
