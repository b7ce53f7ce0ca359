//! What every text must keep to that goes from a stranger's bytes to a person.

use ax_manifest::is_hidden;

/// Bytes of one error: the longest quotes a path of 1,024 characters, each escaped.
const LINE_BYTES_MAX: usize = 16 << 10;

/// Checks that a text is one bounded line whose characters can all be seen.
pub(crate) fn line(text: &str) {
    assert!(!text.is_empty(), "an empty text says nothing");
    assert!(text.len() <= LINE_BYTES_MAX, "{} bytes in one line", text.len());
    let hidden = text.chars().find(|character| is_hidden(*character));
    assert_eq!(hidden, None, "a hidden character in {text:?}");
}

/// Checks an error with what it advises.
pub(crate) fn refusal(error: &dyn std::error::Error, hint: Option<String>) {
    line(&error.to_string());
    if let Some(hint) = hint {
        line(&hint);
    }
}
