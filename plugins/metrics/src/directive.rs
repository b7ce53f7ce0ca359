//! Reads over the preprocessor lines of C.
//!
//! Not here: tokens (`token`).

use crate::cursor::Cursor;

/// Steps over a preprocessor line; of a conditional, over all branches but the first that is
/// not `#if 0`, so that their braces do not count twice.
pub fn directive(cursor: &mut Cursor) {
    let line = directive_line(cursor);
    let is_off = line.strip_prefix("if").is_some_and(|rest| rest.trim() == "0");
    if is_off || line.starts_with("el") {
        skip_branch(cursor, is_off);
    }
}

/// Reads a directive with its continuation lines and returns the text after the `#` of its
/// first line.
fn directive_line<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    let text = cursor.text;
    let start = cursor.at;
    cursor.skip_line();
    let line = text[start..cursor.at].trim_start_matches('#').trim_start();
    let mut tail = line;
    while tail.trim_end().ends_with('\\') && !cursor.is_done() {
        cursor.step();
        let from = cursor.at;
        cursor.skip_line();
        tail = &text[from..cursor.at];
    }
    line
}

/// Steps to the end of the conditional, or when `to_else` to its next branch.
fn skip_branch(cursor: &mut Cursor, to_else: bool) {
    let mut depth = 0_u32;
    while !cursor.is_done() {
        if cursor.peek(0).is_ascii_whitespace() {
            cursor.step();
        } else if cursor.peek(0) == b'#' {
            let line = directive_line(cursor);
            if line.starts_with("if") {
                depth += 1;
            } else if line.starts_with("endif") {
                if depth == 0 {
                    return;
                }
                depth -= 1;
            } else if line.starts_with("el") && depth == 0 && to_else {
                return;
            }
        } else {
            cursor.skip_line();
        }
    }
}
