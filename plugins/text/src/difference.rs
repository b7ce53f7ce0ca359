//! Compares two texts line by line.
//!
//! Lines become numbers, the numbers are compared by `similar`'s Myers, whose search is cut at a
//! cost that grows with the square root of the input. Invariant: the difference applied to the old
//! text gives the new one, byte for byte.

use std::collections::HashMap;
use std::fmt::Write;

use ax_sdk::data;
use similar::Algorithm;
use similar::DiffOp;

use crate::output::Output;
use crate::place::TEXT_BYTES_MAX;
use crate::refusal::Refusal;
use crate::refusal::check_length;
use crate::refusal::check_range;

/// Lines of both texts together. The worst texts known (random ones of some hundred different
/// lines) take a third of a call's fuel at that, and twice the lines more than two thirds.
const LINES_MAX: usize = 50_000;
/// Context lines unless the request says otherwise, as everywhere.
const CONTEXT: u32 = 3;
/// What `context` may be.
const CONTEXTS: std::ops::RangeInclusive<u32> = 0..=1_000;
/// Longest name of a text, in bytes.
const NAME_BYTES_MAX: usize = 1024;

/// What to compare.
#[derive(Debug, Default)]
pub struct Comparison<'a> {
    /// The text before.
    pub old: &'a str,
    /// The text after.
    pub new: &'a str,
    /// Context lines, if not 3.
    pub context: Option<u32>,
    /// What to call the old text.
    pub old_name: Option<&'a str>,
    /// What to call the new text.
    pub new_name: Option<&'a str>,
}

/// Where one run of changes lies. Lines count from 1; a side with no lines names the line before.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hunk {
    /// First line in the old text.
    pub old_start: usize,
    /// Lines of the old text.
    pub old_lines: usize,
    /// First line in the new text.
    pub new_start: usize,
    /// Lines of the new text.
    pub new_lines: usize,
}

/// How two texts differ, by lines.
#[data]
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// The difference in the unified format, which `patch` and `git apply` read; empty when the
    /// texts are the same. Line breaks are part of the lines, so LF and CR LF differ.
    pub unified: String,
    /// Lines that only the new text has.
    pub added: usize,
    /// Lines that only the old text has.
    pub removed: usize,
    /// Lines that both have.
    pub unchanged: usize,
    /// The parts of `unified`, in order.
    pub hunks: Vec<Hunk>,
}

/// Compares two texts.
///
/// # Errors
///
/// [`Refusal::TooLong`], [`Refusal::TooMany`], [`Refusal::OutOfRange`], [`Refusal::NotOneLine`],
/// [`Refusal::Result`].
pub fn compare(comparison: &Comparison<'_>) -> Result<Difference, Refusal> {
    let context = comparison.context.unwrap_or(CONTEXT);
    check_range("context", context, CONTEXTS)?;
    let old_name = checked_name("old-name", comparison.old_name.unwrap_or("old"))?;
    let new_name = checked_name("new-name", comparison.new_name.unwrap_or("new"))?;
    check_length("old", comparison.old, TEXT_BYTES_MAX)?;
    check_length("new", comparison.new, TEXT_BYTES_MAX)?;
    let old: Vec<&str> = lines(comparison.old, LINES_MAX, "old")?;
    let new: Vec<&str> = lines(comparison.new, LINES_MAX - old.len(), "new")?;
    let mut numbers = HashMap::new();
    let (old_numbers, new_numbers) = (number(&old, &mut numbers), number(&new, &mut numbers));
    let operations = similar::capture_diff_slices(Algorithm::Myers, &old_numbers, &new_numbers);

    let mut difference = Difference::default();
    for operation in &operations {
        match *operation {
            DiffOp::Equal { len, .. } => difference.unchanged += len,
            DiffOp::Delete { old_len, .. } => difference.removed += old_len,
            DiffOp::Insert { new_len, .. } => difference.added += new_len,
            DiffOp::Replace { old_len, new_len, .. } => {
                difference.removed += old_len;
                difference.added += new_len;
            }
        }
    }
    if difference.removed == 0 && difference.added == 0 {
        return Ok(difference);
    }
    let mut output = Output::default();
    output.push(&format!("--- {old_name}\n+++ {new_name}\n"))?;
    for group in similar::group_diff_ops(operations, context as usize) {
        let Some(hunk) = hunk(&group) else { continue };
        output.push(&header(&hunk))?;
        for operation in &group {
            write_lines(operation, &old, &new, &mut output)?;
        }
        difference.hunks.push(hunk);
    }
    difference.unified = output.into_text();
    Ok(difference)
}

fn checked_name<'a>(member: &'static str, name: &'a str) -> Result<&'a str, Refusal> {
    check_length(member, name, NAME_BYTES_MAX)?;
    if name.chars().any(char::is_control) { Err(Refusal::NotOneLine { member }) } else { Ok(name) }
}

/// Splits a text into lines, line breaks included.
fn lines<'a>(text: &'a str, max: usize, member: &'static str) -> Result<Vec<&'a str>, Refusal> {
    let lines: Vec<&str> = text.split_inclusive('\n').take(max + 1).collect();
    if lines.len() > max {
        return Err(Refusal::TooMany {
            member,
            things: "lines together with the other",
            max: LINES_MAX,
        });
    }
    Ok(lines)
}

/// Gives equal lines equal numbers, so that comparing two takes one step.
fn number<'a>(lines: &[&'a str], numbers: &mut HashMap<&'a str, usize>) -> Vec<usize> {
    let mut numbered = Vec::with_capacity(lines.len());
    for line in lines {
        let next = numbers.len();
        numbered.push(*numbers.entry(*line).or_insert(next));
    }
    numbered
}

fn hunk(group: &[DiffOp]) -> Option<Hunk> {
    let (first, last) = (group.first()?, group.last()?);
    let (old_from, old_to) = (first.old_range().start, last.old_range().end);
    let (new_from, new_to) = (first.new_range().start, last.new_range().end);
    // An empty side names the line before, which is 0 at the top.
    Some(Hunk {
        old_start: old_from + usize::from(old_to > old_from),
        old_lines: old_to - old_from,
        new_start: new_from + usize::from(new_to > new_from),
        new_lines: new_to - new_from,
    })
}

fn header(hunk: &Hunk) -> String {
    let mut text = String::from("@@");
    let sides = [('-', hunk.old_start, hunk.old_lines), ('+', hunk.new_start, hunk.new_lines)];
    for (sign, start, lines) in sides {
        let written = match lines {
            1 => write!(text, " {sign}{start}"),
            _ => write!(text, " {sign}{start},{lines}"),
        };
        written.expect("writing to a string never fails");
    }
    text.push_str(" @@\n");
    text
}

fn write_lines(
    operation: &DiffOp,
    old: &[&str],
    new: &[&str],
    output: &mut Output,
) -> Result<(), Refusal> {
    let (old, new) = (&old[operation.old_range()], &new[operation.new_range()]);
    match operation {
        DiffOp::Equal { .. } => write_side(" ", old, output),
        DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
            write_side("-", old, output)?;
            write_side("+", new, output)
        }
    }
}

fn write_side(sign: &str, lines: &[&str], output: &mut Output) -> Result<(), Refusal> {
    for line in lines {
        output.push(sign)?;
        output.push(line)?;
        if !line.ends_with('\n') {
            output.push("\n\\ No newline at end of file\n")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn diff(old: &str, new: &str, context: u32) -> Difference {
        compare(&Comparison { old, new, context: Some(context), ..Comparison::default() }).unwrap()
    }

    /// Applies a unified difference, believing nothing: every line and number is compared.
    fn apply(old: &str, unified: &str) -> String {
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let mut lines = unified.split_inclusive('\n').skip(2).peekable();
        let (mut at, mut made) = (0, Vec::new());
        while let Some(header) = lines.next() {
            let side = |sign: char| {
                let text = header.split(sign).nth(1).unwrap().split(' ').next().unwrap();
                let (start, count) = text.split_once(',').unwrap_or((text, "1"));
                let (start, count): (usize, usize) =
                    (start.parse().unwrap(), count.parse().unwrap());
                (if count == 0 { start } else { start - 1 }, count)
            };
            let ((old_from, old_count), (new_from, new_count)) = (side('-'), side('+'));
            made.extend(old[at..old_from].iter().map(|line| (*line).to_owned()));
            assert_eq!(made.len(), new_from);
            at = old_from;
            while let Some(line) = lines.next_if(|line| !line.starts_with("@@")) {
                let (sign, text) = line.split_at(1);
                let no_break = lines.next_if(|next| next.starts_with('\\')).is_some();
                let text = if no_break { text.strip_suffix('\n').unwrap() } else { text };
                if sign != "+" {
                    assert_eq!(old[at], text);
                    at += 1;
                }
                if sign != "-" {
                    made.push(text.to_owned());
                }
            }
            assert_eq!((at, made.len()), (old_from + old_count, new_from + new_count));
        }
        made.extend(old[at..].iter().map(|line| (*line).to_owned()));
        made.concat()
    }

    #[test]
    fn a_change_is_shown_with_its_context() {
        let difference = diff("a\nb\nc\nd\ne\n", "a\nb\nC\nd\ne", 1);
        assert_eq!(
            difference.unified,
            "--- old\n+++ new\n@@ -2,4 +2,4 @@\n b\n-c\n+C\n d\n-e\n+e\n\\ No newline at end of file\n"
        );
        assert_eq!((difference.added, difference.removed, difference.unchanged), (2, 2, 3));
        let hunk = Hunk { old_start: 2, old_lines: 4, new_start: 2, new_lines: 4 };
        assert_eq!(difference.hunks, [hunk]);
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(diff("a\n", "a\n", 3), Difference { unchanged: 1, ..Difference::default() });
        assert_eq!(diff("", "", 3), Difference::default());
    }

    #[test]
    fn an_empty_side_names_the_line_before() {
        assert!(diff("", "a\n", 3).unified.ends_with("@@ -0,0 +1 @@\n+a\n"));
        assert!(diff("a\nb\n", "a\n", 0).unified.ends_with("@@ -2 +1,0 @@\n-b\n"));
    }

    #[test]
    fn fifty_thousand_lines_are_the_most() {
        let half = "\n".repeat(LINES_MAX / 2);
        assert!(compare(&Comparison { old: &half, new: &half, ..Comparison::default() }).is_ok());
        let over = format!("{half}a");
        let refused = compare(&Comparison { old: &half, new: &over, ..Comparison::default() });
        let message = "`new` has more than 50000 lines together with the other";
        assert_eq!(refused.unwrap_err().to_string(), message);
    }

    #[test]
    fn names_are_one_line_and_contexts_at_most_a_thousand() {
        let named = |name| compare(&Comparison { old_name: Some(name), ..Comparison::default() });
        assert!(named("a b").is_ok());
        assert_eq!(named("a\n+++ b"), Err(Refusal::NotOneLine { member: "old-name" }));
        let wide =
            |context| compare(&Comparison { context: Some(context), ..Comparison::default() });
        assert!(wide(1_000).is_ok());
        assert!(matches!(wide(1_001), Err(Refusal::OutOfRange { .. })));
    }

    #[test]
    fn an_answer_over_1_mib_is_refused() {
        let (old, new) = ("a".repeat(TEXT_BYTES_MAX / 2), "b".repeat(TEXT_BYTES_MAX / 2));
        let refused = compare(&Comparison { old: &old, new: &new, ..Comparison::default() });
        assert_eq!(refused, Err(Refusal::Result));
    }

    /// Texts of few different lines, some without a last line break.
    fn text() -> impl Strategy<Value = String> {
        let line = prop_oneof!["[abc]\n", "[ab]\r\n", "\n", "[-+ \\\\@]{1,3}\n"];
        (prop::collection::vec(line, 0..40), "[ab]?").prop_map(|(lines, end)| lines.concat() + &end)
    }

    proptest! {
        #[test]
        fn a_difference_applied_to_the_old_text_gives_the_new(
            old in text(),
            new in text(),
            context in 0u32..5,
        ) {
            let difference = diff(&old, &new, context);
            prop_assert_eq!(apply(&old, &difference.unified), new.clone());
            let lines = |text: &str| text.split_inclusive('\n').count();
            prop_assert_eq!(difference.unchanged + difference.removed, lines(&old));
            prop_assert_eq!(difference.unchanged + difference.added, lines(&new));
        }

        #[test]
        fn a_change_in_a_long_text_applies(
            seed in prop::collection::vec(0u8..4, 200..600),
            from in 0usize..200,
            count in 0usize..100,
        ) {
            let lines: Vec<String> = seed.iter().map(|line| format!("{line}\n")).collect();
            let old = lines.concat();
            let kept = [&lines[..from], &lines[from + count.min(lines.len() - from)..]].concat();
            let new = kept.concat() + "x\n";
            prop_assert_eq!(apply(&old, &diff(&old, &new, 3).unified), new);
        }
    }
}
