//! Text of files, folders and variables, made safe to show.
//!
//! Invariant: what is shown holds no character that moves a cursor, hides, or changes the order of
//! the others, so a project file cannot make `ax config show` or an error say something else.
//! Not here: what a text may hold (each reader).

use std::fmt;
use std::path::Path;

use ax_manifest::is_hidden;

/// Displays all of a text, with hidden characters escaped.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| write_shown(character, f))
    }
}

fn write_shown(character: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if is_hidden(character) {
        write!(f, "{}", character.escape_unicode())
    } else {
        write!(f, "{character}")
    }
}

/// Returns a whole path with hidden characters escaped; a path is never cut, since its end is what
/// one looks for.
pub(super) fn shown_path(path: &Path) -> String {
    Shown(&path.to_string_lossy()).to_string()
}

/// Returns a path as one word of a shell. A folder's name can come from a stranger, and hints are
/// pasted.
pub(super) fn shell_word(path: &Path) -> String {
    let shown = shown_path(path);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&byte);
    if !shown.is_empty() && shown.bytes().all(is_plain) {
        return shown;
    }
    format!("'{}'", shown.replace('\'', r"'\''"))
}

/// Returns the JSON text of a value with hidden characters escaped; it is JSON still.
pub(super) fn shown_json(value: &serde_json::Value) -> String {
    let mut shown = String::new();
    for character in value.to_string().chars() {
        if is_hidden(character) {
            let units = character.encode_utf16(&mut [0; 2]).to_vec();
            shown.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ax_manifest::{Quoted, is_hidden};

    use super::{Shown, shell_word, shown_json};

    #[test]
    fn plain_words_of_any_script_are_not_hidden() {
        for text in ["it's \"a\\b\"", "zählt Zeilen", "行を数える", "считает", "e\u{301}"]
        {
            assert_eq!(text.chars().find(|&character| is_hidden(character)), None, "{text}");
            assert_eq!(Shown(text).to_string(), text);
        }
    }

    #[test]
    fn what_a_reader_cannot_see_is_hidden() {
        for character in "\0\n\t\u{1b}\u{7f}\u{9b}\u{ad}\u{200b}\u{200f}\u{202e}\u{2066}\u{feff}\
             \u{2028}\u{3164}\u{fe0f}\u{e0041}\u{e0100}"
            .chars()
        {
            assert!(is_hidden(character), "{}", character.escape_unicode());
        }
    }

    #[test]
    fn quoted_text_is_short_and_escaped() {
        assert_eq!(Quoted("a\u{202e}b\n").to_string(), "`a\\u{202e}b\\u{a}`");
        assert_eq!(Quoted(&"x".repeat(80)).to_string(), format!("`{}`", "x".repeat(80)));
        assert_eq!(Quoted(&"x".repeat(81)).to_string(), format!("`{}…`", "x".repeat(80)));
    }

    #[test]
    fn a_path_in_a_hint_stays_one_word() {
        let word = |path: &str| shell_word(Path::new(path));
        assert_eq!(word("/srv/my-data_2.toml"), "/srv/my-data_2.toml");
        assert_eq!(word("/srv/my data"), "'/srv/my data'");
        assert_eq!(word("/srv/$(reboot)"), "'/srv/$(reboot)'");
        assert_eq!(word("/srv/'; reboot; '"), r"'/srv/'\''; reboot; '\'''");
        assert_eq!(word("/srv/a\nb"), r"'/srv/a\u{a}b'");
    }

    #[test]
    fn escaped_json_still_means_the_same() {
        let value = serde_json::json!({"a\u{202e}": ["\u{1b}[2J", "\u{e0041}", "é", 1.5, null]});
        let shown = shown_json(&value);
        assert!(shown.contains("\\u202e") && shown.contains("\\udb40\\udc41"), "{shown}");
        assert!(!shown.chars().any(is_hidden), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }
}
