//! Leaves out characters that a reader does not see, since they carry text past people.
//!
//! Left out: control characters, zero-width and direction-changing ones, fillers, tags (U+E0000 …) and
//! variation selectors. A joiner (U+200C, U+200D) stays between letters beyond ASCII, where scripts
//! and emoji need it, and never twice in a row.
//!
//! Not here: letters that look like others, text that is hidden by style (`style`).

/// Lets through what can be seen. White space passes as it is.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    previous: Option<char>,
}

impl Filter {
    /// Takes the next character; none when it is left out.
    pub fn pass(&mut self, c: char) -> Option<char> {
        let passes = match c {
            '\u{200c}' | '\u{200d}' => self.previous.is_some_and(|before| {
                !before.is_ascii() && !before.is_whitespace() && !is_joiner(before)
            }),
            c => !is_invisible(c),
        };
        if passes {
            self.previous = Some(c);
        }
        passes.then_some(c)
    }
}

/// Returns `text` without what cannot be seen.
pub fn visible(text: &str) -> String {
    let mut filter = Filter::default();
    text.chars().filter_map(|c| filter.pass(c)).collect()
}

/// Returns `text` on one line: without what cannot be seen, white space as single spaces, at most
/// `chars_max` characters.
pub fn line(text: &str, chars_max: usize) -> String {
    let mut filter = Filter::default();
    let mut line = String::new();
    let mut count = 0;
    for c in text.chars().filter_map(|c| filter.pass(c)) {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c == ' ' && (line.is_empty() || line.ends_with(' ')) {
            continue;
        }
        if count == chars_max {
            break;
        }
        line.push(c);
        count += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn is_invisible(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        c if c.is_control() => true,
        '\u{ad}' // soft hyphen
        | '\u{34f}' // grapheme joiner
        | '\u{61c}' // Arabic letter mark
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
        | '\u{17b4}' | '\u{17b5}' // Khmer inherent vowels
        | '\u{180b}'..='\u{180f}' // Mongolian selectors
        | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' // embeddings, overrides
        | '\u{2060}'..='\u{206f}' // joiners, isolates, operators
        | '\u{2800}' // empty Braille
        | '\u{fe00}'..='\u{fe0f}' // variation selectors
        | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}' // unassigned, annotations
        | '\u{1bca0}'..='\u{1bca3}' // shorthand
        | '\u{1d173}'..='\u{1d17a}' // music
        | '\u{e0000}'..='\u{e0fff}' => true, // tags, more variation selectors
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::line;
    use super::visible;

    #[test]
    fn what_cannot_be_seen_is_left_out() {
        assert_eq!(visible("a\u{200b}b\u{2060}c\u{feff}d\u{ad}e\u{202e}f\0g\u{1b}h"), "abcdefgh");
        assert_eq!(visible("x\u{e0041}\u{e0042}\u{fe01}\u{e0100}y"), "xy");
        assert_eq!(visible("a\tb\nc"), "a\tb\nc");
    }

    #[test]
    fn joiners_stay_where_scripts_need_them() {
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(visible(family), family);
        assert_eq!(visible("می\u{200c}خواهم"), "می\u{200c}خواهم");
        assert_eq!(visible("a\u{200d}b \u{200c}c"), "ab c");
        assert_eq!(visible("ی\u{200c}\u{200d}\u{200c}خ"), "ی\u{200c}خ");
    }

    #[test]
    fn a_line_is_one_line_of_bounded_length() {
        assert_eq!(line("  a \n\t b\u{a0}c ", 9), "a b c");
        assert_eq!(line("abcdef", 3), "abc");
        assert_eq!(line("ab cd", 3), "ab");
    }
}
