//! Makes text from a guest safe to print and to store.
//!
//! Control characters can move a terminal's cursor, invisible and bidirectional ones can make a
//! line read as something else. Both are replaced, newlines and tabs kept.

use ax_manifest::is_hidden;

/// Put in place of a character that is not shown.
const REPLACEMENT: char = '\u{fffd}';
/// Added where text was cut.
const CUT: &str = "…";

/// Replaces what a terminal or a reader could be fooled by, and cuts what is longer than
/// `bytes_max`, the mark of the cut included.
#[must_use]
pub fn scrub(text: &str, bytes_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(bytes_max));
    for character in text.chars() {
        let shown = if is_shown(character) { character } else { REPLACEMENT };
        if out.len() + shown.len_utf8() > bytes_max {
            return cut(out, bytes_max);
        }
        out.push(shown);
    }
    out
}

/// As [`scrub`], and on one line.
pub(super) fn line(text: &str, bytes_max: usize) -> String {
    scrub(text, bytes_max).replace(['\n', '\t'], " ")
}

/// Makes room at the end for the mark of a cut; where it does not fit, there is none.
fn cut(mut text: String, bytes_max: usize) -> String {
    let Some(room) = bytes_max.checked_sub(CUT.len()) else { return text };
    text.truncate(text.floor_char_boundary(room));
    text.push_str(CUT);
    text
}

/// Answers whether a character of running text is shown as it is. Stricter places (names,
/// descriptions) refuse whatever is hidden; here joiners and variation selectors stay, since words
/// and pictures of many languages need them and they move nothing.
#[must_use]
pub(super) fn is_shown(character: char) -> bool {
    match character {
        '\n' | '\t' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => true,
        other => !is_hidden(other),
    }
}

/// Answers whether a character can stand in a line of text: shown, and no line break or tab.
#[must_use]
pub fn is_shown_on_a_line(character: char) -> bool {
    is_shown(character) && !matches!(character, '\n' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_direction_changes_are_replaced() {
        assert_eq!(scrub("a\u{1b}[2Jb", 100), "a\u{fffd}[2Jb");
        assert_eq!(scrub("safe\u{202e}exe.txt", 100), "safe\u{fffd}exe.txt");
        assert_eq!(scrub("line\nnext\tcell\r", 100), "line\nnext\tcell\u{fffd}");
    }

    #[test]
    fn what_stands_on_a_line_has_no_second_one() {
        assert_eq!(line("a\nerror: b\tc", 100), "a error: b c");
    }

    #[test]
    fn joined_pictures_and_words_stay_whole() {
        for text in ["👩\u{200d}🚀", "❤\u{fe0f}", "می\u{200c}خواهم"] {
            assert_eq!(scrub(text, 100), text);
        }
    }

    #[test]
    fn text_is_cut_at_a_character_not_inside_one() {
        assert_eq!(scrub("aé", 3), "aé");
        assert_eq!(scrub("aéaé", 6), "aéaé");
        assert_eq!(scrub("aéaéb", 6), "aé…");
        assert_eq!(scrub("aéaéb", 5), "a…");
        assert_eq!(scrub("aé", 2), "a");
    }
}
