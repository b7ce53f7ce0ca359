//! Makes text that came from a file fit to be shown on one line of a terminal.
//!
//! Invariant: the result holds no control, bidirectional or invisible character and is at most
//! [`PRINTABLE_CHARS_MAX`] characters long, so an error about a hostile file is not itself hostile.
//! Not here: what a plugin says while it runs (the host scrubs that).

/// Longest excerpt of a file's text in an error, in characters: a line or two of a terminal.
pub(crate) const PRINTABLE_CHARS_MAX: usize = 240;

/// Escapes what a terminal would obey or hide, and cuts what is too long.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::new();
    let mut count = 0;
    for character in text.chars() {
        let piece = if is_plain(character) {
            character.to_string()
        } else {
            character.escape_unicode().to_string()
        };
        count += piece.chars().count();
        if count > PRINTABLE_CHARS_MAX - 1 {
            shown.push('…');
            break;
        }
        shown.push_str(&piece);
    }
    shown
}

/// Tells whether a character neither steers a terminal nor hides or reorders its neighbours.
fn is_plain(character: char) -> bool {
    !character.is_control()
        && !matches!(
            u32::from(character),
            // Soft hyphen, Arabic letter mark, Mongolian vowel separator.
            0xAD | 0x61C | 0x180E
            // Zero-width characters and direction marks; line and paragraph separators, overrides.
            | 0x200B..=0x200F | 0x2028..=0x202E
            // Word joiner to the deprecated format characters, isolates among them.
            | 0x2060..=0x206F
            // Byte order mark, interlinear annotation, tags.
            | 0xFEFF | 0xFFF9..=0xFFFB | 0xE0000..=0xE0FFF
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_sees_no_command_and_no_hidden_text() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(printable("evil\u{202e}gpj.exe"), "evil\\u{202e}gpj.exe");
        assert_eq!(printable("two\nlines"), "two\\u{a}lines");
        assert_eq!(printable("naïve 漢字"), "naïve 漢字");
    }

    #[test]
    fn an_excerpt_has_an_end() {
        let fits = "x".repeat(PRINTABLE_CHARS_MAX - 1);
        assert_eq!(printable(&fits), fits);
        for text in ["x".repeat(PRINTABLE_CHARS_MAX), "\u{202e}".repeat(PRINTABLE_CHARS_MAX)] {
            let shown = printable(&text);
            assert!(shown.chars().count() <= PRINTABLE_CHARS_MAX);
            assert!(shown.ends_with('…'));
        }
    }
}
