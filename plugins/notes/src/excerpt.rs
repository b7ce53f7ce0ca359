//! A line of a note's text that shows why it was found.
//!
//! Not here: which notes are found (`search`).

use crate::query::Query;
use crate::word::words;

/// Characters of an excerpt, marks of omission not counted: two lines of a terminal.
pub const EXCERPT_CHARS_MAX: usize = 160;
/// Characters shown before the word that was found.
const LEAD_CHARS: usize = 40;
/// What stands for text that is left out.
const OMISSION: char = '…';

/// Returns some of `body` around the first word that `query` matches, else its beginning, on one
/// line.
pub fn excerpt(body: &str, query: &Query) -> String {
    let found = words(body).find(|word| query.matches(&word.text).next().is_some());
    let at = found.map_or(0, |word| word.at);
    let before = &body[..at];
    // Back to a space among the characters before the word, so that no word is cut in two.
    let lead = before.char_indices().rev().take(LEAD_CHARS).last().map_or(at, |(start, _)| start);
    let begins_word = before[..lead].chars().next_back().is_none_or(char::is_whitespace);
    let start = match before[lead..].find(char::is_whitespace) {
        Some(space) if !begins_word => lead + space,
        Some(_) | None => lead,
    };
    let mut line = String::new();
    if !body[..start].trim().is_empty() {
        line.push(OMISSION);
    }
    let mut chars = 0;
    for word in body[start..].split_whitespace() {
        if chars > 0 && chars < EXCERPT_CHARS_MAX {
            line.push(' ');
            chars += 1;
        }
        for c in word.chars() {
            if chars == EXCERPT_CHARS_MAX {
                line.push(OMISSION);
                return line;
            }
            // A migrated note may hold them.
            line.push(if c.is_control() { ' ' } else { c });
            chars += 1;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str, query: &str) -> String {
        excerpt(body, &Query::parse(query).unwrap())
    }

    #[test]
    fn a_short_text_is_shown_whole_on_one_line() {
        assert_eq!(of("", "a"), "");
        assert_eq!(of(" buy\n\n\tbread ", "bread"), "buy bread");
        assert_eq!(of("buy bread", "title"), "buy bread");
        assert_eq!(of("a\u{1b}[1m", "a"), "a [1m");
    }

    #[test]
    fn a_long_text_is_shown_around_the_word() {
        let body = format!("{}bread {}", "before ".repeat(20), "after ".repeat(40));
        let shown = of(&body, "bre");
        assert!(shown.starts_with("…before before before before before bread after"), "{shown}");
        assert!(shown.ends_with('…'), "{shown}");
        assert_eq!(shown.chars().count(), 162);
    }

    proptest::proptest! {
        #[test]
        fn an_excerpt_is_one_short_line(body in "(\\PC| |\n|bread|京){0,400}", query in "[a-z京]{1,5}") {
            let shown = of(&body, &query);
            assert!(shown.chars().count() <= EXCERPT_CHARS_MAX + 2, "{shown}");
            assert!(!shown.contains(|c: char| c.is_control() && c != ' '));
        }
    }
}
