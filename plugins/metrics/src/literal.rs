//! Reads literals: strings, characters, numbers, regular expressions.
//!
//! Not here: which of them may begin where (`token`).

use crate::cursor::Cursor;
use crate::cursor::is_word;

/// Reads what follows `r` if it is a raw string.
pub fn raw_string(cursor: &mut Cursor) -> bool {
    let rest = cursor.rest();
    let hashes = rest.iter().take_while(|byte| **byte == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return false;
    }
    cursor.skip(hashes + 1);
    while !cursor.is_done() {
        let is_quote = cursor.peek(0) == b'"';
        cursor.step();
        let after = cursor.rest();
        let mut marks = after.iter().take(hashes);
        if is_quote && after.len() >= hashes && marks.all(|byte| *byte == b'#') {
            cursor.skip(hashes);
            return true;
        }
    }
    true
}

/// Reads a number; in `1..2` only the `1`.
pub fn number(cursor: &mut Cursor) {
    loop {
        match cursor.peek(0) {
            b'.' if cursor.peek(1) == b'.' || !cursor.peek(1).is_ascii_digit() => break,
            b'.' => cursor.at += 1,
            byte if is_word(byte) => cursor.at += 1,
            _ => break,
        }
    }
}

/// Reads a string up to `end`; a simple one ends at the end of its line at the latest.
pub fn string(cursor: &mut Cursor, end: &str, is_simple: bool) {
    while !cursor.is_done() {
        if cursor.starts_with(end) {
            cursor.at += end.len();
            break;
        }
        if is_simple && cursor.peek(0) == b'\n' {
            break;
        }
        let escaped = cursor.peek(0) == b'\\';
        cursor.step();
        if escaped {
            // A backslash before CR LF protects both.
            cursor.skip(1 + usize::from(cursor.starts_with("\r\n")));
        }
    }
}

/// Reads `'x'`, or a lifetime.
pub fn character(cursor: &mut Cursor) {
    cursor.at += 1;
    if cursor.peek(0) == b'\\' {
        string(cursor, "'", true);
        return;
    }
    let length = cursor.text[cursor.at..].chars().next().map_or(1, char::len_utf8);
    if cursor.peek(length) == b'\'' {
        cursor.skip(length + 1);
        return;
    }
    cursor.skip_word();
}

/// Reads a regular expression, up to the end of its line at the latest.
pub fn regex(cursor: &mut Cursor) {
    let mut in_class = false;
    cursor.at += 1;
    while !cursor.is_done() && cursor.peek(0) != b'\n' {
        match cursor.peek(0) {
            b'/' if !in_class => {
                cursor.at += 1;
                break;
            }
            b'[' => in_class = true,
            b']' => in_class = false,
            b'\\' if cursor.peek(1) != b'\n' => cursor.at += 1,
            _ => {}
        }
        cursor.at += 1;
    }
    cursor.at = cursor.at.min(cursor.text.len());
}
