//! Text that strangers wrote, made safe to show.
//!
//! Invariant: whatever passes [`hidden_character`] or goes through [`Quoted`] shows every character
//! it holds, in the order it holds them, so that a screen cannot say something else than the bytes.
//! Not here: what a given kind of text may hold (`name`, `permission`, `manifest`).

use std::fmt;

/// Characters of a wrong text that an error repeats: enough to recognise it on one line.
const QUOTED_CHARS_MAX: usize = 80;

/// Displays untrusted text in backticks, cut at [`QUOTED_CHARS_MAX`] and with control, invisible
/// and direction-changing characters escaped.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`")?;
        for character in self.0.chars().take(QUOTED_CHARS_MAX) {
            if is_hidden(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        if self.0.chars().nth(QUOTED_CHARS_MAX).is_some() {
            f.write_str("…")?;
        }
        f.write_str("`")
    }
}

/// Returns the first character of `text` that a reader would not see, or that changes how the
/// others are shown. Line breaks and tabs count: what is checked here is one line.
pub(crate) fn hidden_character(text: &str) -> Option<char> {
    text.chars().find(|&character| is_hidden(character))
}

/// Answers whether a reader would not see a character, or would see the others changed by it.
///
/// Unicode general categories Cc and Cf, line and paragraph separators, and the letters that are
/// drawn as nothing. Private-use and unassigned characters are left: they show as a box.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Implements serde for a type through its `Display` and `FromStr`, so that what is read from a
/// file is checked exactly as what is typed.
macro_rules! serde_as_text {
    ($($type:ty),+) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}
pub(crate) use serde_as_text;

#[cfg(test)]
mod tests {
    use super::{Quoted, hidden_character};

    #[test]
    fn plain_words_of_any_script_are_not_hidden() {
        for text in ["Counts lines", "zählt Zeilen", "行を数える", "считает строки", "e\u{301}"]
        {
            assert_eq!(hidden_character(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_reader_cannot_see_is_found() {
        for character in [
            '\0',
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{200b}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{ad}',
            '\u{e0041}',
            '\u{3164}',
        ] {
            assert_eq!(hidden_character(&format!("ab{character}c")), Some(character));
        }
    }

    #[test]
    fn quoted_text_is_short_and_escaped() {
        assert_eq!(Quoted("a\u{202e}b\n").to_string(), "`a\\u{202e}b\\u{a}`");
        assert_eq!(Quoted(&"x".repeat(80)).to_string(), format!("`{}`", "x".repeat(80)));
        assert_eq!(Quoted(&"x".repeat(81)).to_string(), format!("`{}…`", "x".repeat(80)));
    }
}
