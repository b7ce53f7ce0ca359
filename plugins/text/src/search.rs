//! Finds what a pattern matches, with places.
//!
//! Invariant: an answer takes at most [`RESULT_BYTES_MAX`] as JSON, and `next` tells where the rest
//! begins.

use ax_sdk::data;
use regex::CaptureLocations;
use regex::Regex;

use crate::output::RESULT_BYTES_MAX;
use crate::output::escaped_bytes;
use crate::place::Cursor;
use crate::place::Place;
use crate::place::TEXT_BYTES_MAX;
use crate::refusal::Refusal;
use crate::refusal::check_length;
use crate::refusal::check_range;

/// Matches to return unless the request says otherwise: a few pages.
const LIMIT: u32 = 100;
/// What `limit` may be: each match is a hundred bytes of answer at least.
const LIMITS: std::ops::RangeInclusive<u32> = 1..=10_000;
/// Bytes of JSON that a match takes besides its text and groups: names and numbers.
const MATCH_BYTES: usize = 160;
/// Bytes of JSON that a group takes besides its name and text.
const GROUP_BYTES: usize = 80;
/// Bytes of JSON around all matches.
const FRAME_BYTES: usize = 64;
/// Matches between two questions whether to go on: a question is a host call.
pub const MATCHES_PER_QUESTION: usize = 256;

/// A group of the pattern that took part in a match.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its number, from 1.
    pub number: usize,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The byte at which it begins.
    pub start: usize,
    /// The byte after its end.
    pub end: usize,
    /// The text that it matched.
    pub text: String,
}

/// One match.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Where it begins.
    pub start: Place,
    /// The place after its end.
    pub end: Place,
    /// The text that matched.
    pub text: String,
    /// Its groups by number, without those that took no part.
    pub groups: Vec<Group>,
}

/// What was found.
#[data]
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The matches from left to right; they do not overlap.
    pub matches: Vec<Match>,
    /// Where the next match begins when there are more than `limit`, or than 1 MiB holds; pass it
    /// as `start` to read on.
    pub next: Option<usize>,
}

/// Goes through the matches of a pattern from left to right.
///
/// They do not overlap, and none is empty right where the one before ended, as in every program.
#[derive(Debug)]
pub struct Matches<'r, 'a> {
    regex: &'r Regex,
    text: &'a str,
    at: usize,
    last_end: Option<usize>,
    /// The places of the newest match's groups.
    pub locations: CaptureLocations,
}

impl<'r, 'a> Matches<'r, 'a> {
    /// Begins at a byte at which a character begins.
    pub fn new(regex: &'r Regex, text: &'a str, at: usize) -> Self {
        Self { regex, text, at, last_end: None, locations: regex.capture_locations() }
    }

    /// Finds the next match and returns the bytes at which it begins and ends.
    pub fn advance(&mut self) -> Option<(usize, usize)> {
        loop {
            if self.at > self.text.len() {
                return None;
            }
            let found = self.regex.captures_read_at(&mut self.locations, self.text, self.at)?;
            if !found.is_empty() || Some(found.end()) != self.last_end {
                self.at = found.end();
                self.last_end = Some(found.end());
                return Some((found.start(), found.end()));
            }
            let step = self.text[self.at..].chars().next().map_or(1, char::len_utf8);
            self.at += step;
        }
    }
}

/// Finds matches. `go_on` is asked now and then.
///
/// # Errors
///
/// [`Refusal::OutOfRange`], [`Refusal::NotAnOffset`], [`Refusal::TooLong`], [`Refusal::Cancelled`];
/// [`Refusal::Result`] when not even one match fits in an answer.
pub fn search(
    text: &str,
    regex: &Regex,
    limit: Option<u32>,
    start: Option<u32>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Found, Refusal> {
    check_length("text", text, TEXT_BYTES_MAX)?;
    let limit = limit.unwrap_or(LIMIT);
    check_range("limit", limit, LIMITS)?;
    let start = start.unwrap_or(0);
    if !text.is_char_boundary(start as usize) {
        return Err(Refusal::NotAnOffset { member: "start", found: start });
    }
    let names: Vec<Option<&str>> = regex.capture_names().collect();
    let mut matches = Matches::new(regex, text, start as usize);
    let mut cursor = Cursor::new(text);
    let mut answer = Found::default();
    let mut bytes = FRAME_BYTES;
    while let Some((from, to)) = matches.advance() {
        let groups = groups(text, &matches.locations, &names);
        bytes += MATCH_BYTES + escaped_bytes(&text[from..to]);
        bytes += groups.iter().map(group_bytes).sum::<usize>();
        if answer.matches.len() == limit as usize || bytes > RESULT_BYTES_MAX {
            if answer.matches.is_empty() {
                return Err(Refusal::Result);
            }
            answer.next = Some(from);
            break;
        }
        let (start, end) = (cursor.advance(from), cursor.advance(to));
        answer.matches.push(Match { start, end, text: text[from..to].to_owned(), groups });
        if answer.matches.len().is_multiple_of(MATCHES_PER_QUESTION) && !go_on() {
            return Err(Refusal::Cancelled);
        }
    }
    Ok(answer)
}

fn group_bytes(group: &Group) -> usize {
    let name = group.name.as_deref().unwrap_or_default();
    GROUP_BYTES + name.len() + escaped_bytes(&group.text)
}

fn groups(text: &str, locations: &CaptureLocations, names: &[Option<&str>]) -> Vec<Group> {
    let group = |(number, name): (usize, &Option<&str>)| {
        let (start, end) = locations.get(number)?;
        let (name, text) = (name.map(str::to_owned), text[start..end].to_owned());
        Some(Group { number, name, start, end, text })
    };
    names.iter().enumerate().skip(1).filter_map(group).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pattern::compile;

    fn find(text: &str, pattern: &str, limit: u32, start: u32) -> Found {
        let regex = compile(pattern, &[]).unwrap();
        search(text, &regex, Some(limit), Some(start), &mut || true).unwrap()
    }

    fn spans(found: &Found) -> Vec<(usize, usize)> {
        found.matches.iter().map(|one| (one.start.byte, one.end.byte)).collect()
    }

    #[test]
    fn a_match_has_places_and_named_groups() {
        let found = find("x\né=12 y=3", r"(?<name>\w)=(?<value>\d+)|(z)", 100, 0);
        let first = &found.matches[0];
        assert_eq!(first.start, Place { byte: 2, line: 2, column: 1 });
        assert_eq!(first.end, Place { byte: 7, line: 2, column: 5 });
        assert_eq!(first.text, "é=12");
        assert_eq!(first.groups.len(), 2, "the third group took no part");
        assert_eq!(first.groups[1].name.as_deref(), Some("value"));
        assert_eq!((first.groups[1].start, first.groups[1].text.as_str()), (5, "12"));
        assert_eq!((found.matches.len(), found.next), (2, None));
    }

    #[test]
    fn a_limit_tells_where_to_read_on_and_reading_on_misses_nothing() {
        let (mut start, mut all) = (0, Vec::new());
        loop {
            let found = find("aab aé", "a*", 1, start);
            all.extend(spans(&found));
            match found.next {
                Some(next) => start = u32::try_from(next).unwrap(),
                None => break,
            }
        }
        assert_eq!(all, spans(&find("aab aé", "a*", 100, 0)));
        assert_eq!(all, [(0, 2), (3, 3), (4, 5), (7, 7)]);
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let regex = compile("a", &[]).unwrap();
        let ask = |limit, start| search("é", &regex, limit, start, &mut || true).map(|_| ());
        assert_eq!(ask(Some(10_000), Some(2)), Ok(()));
        assert!(matches!(ask(Some(0), None), Err(Refusal::OutOfRange { .. })));
        assert!(matches!(ask(Some(10_001), None), Err(Refusal::OutOfRange { .. })));
        assert!(matches!(ask(None, Some(1)), Err(Refusal::NotAnOffset { .. })));
        assert!(matches!(ask(None, Some(3)), Err(Refusal::NotAnOffset { .. })));
    }

    #[test]
    fn an_answer_of_1_mib_is_cut_and_one_match_over_it_is_refused() {
        let text = "a".repeat(TEXT_BYTES_MAX);
        let halves = find(&text, "a{300}", 10_000, 0);
        assert!(
            halves.matches.len() > 2_000 && halves.matches.len() < 2_400 && halves.next.is_some()
        );
        let regex = compile("(a+)", &[]).unwrap();
        assert_eq!(search(&text, &regex, None, None, &mut || true), Err(Refusal::Result));
    }

    #[test]
    fn a_search_stops_when_asked() {
        let regex = compile("a", &[]).unwrap();
        let text = "a".repeat(MATCHES_PER_QUESTION);
        let found = search(&text, &regex, Some(10_000), None, &mut || false);
        assert_eq!(found, Err(Refusal::Cancelled));
    }

    proptest! {
        #[test]
        fn matches_are_those_of_the_library(
            text in "[ab\né]{0,20}",
            pattern in "[ab.|*?^$()é]{0,8}",
        ) {
            if let Ok(regex) = compile(&pattern, &[]) {
                let found = search(&text, &regex, None, None, &mut || true).unwrap();
                let wanted: Vec<_> =
                    regex.find_iter(&text).map(|one| (one.start(), one.end())).collect();
                prop_assert_eq!(spans(&found), wanted);
            }
        }

        #[test]
        fn no_input_panics(text in ".{0,50}", pattern in ".{0,20}", start in 0u32..60) {
            if let Ok(regex) = compile(&pattern, &[]) {
                let _any = search(&text, &regex, None, Some(start), &mut || true);
            }
        }
    }
}
