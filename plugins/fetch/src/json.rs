//! Indents JSON without changing what it says: numbers, names and their order stay as they are.
//!
//! Not a value in memory: 4 MiB of `[` or of zeros would be more than a guest has.

use serde::de::IgnoredAny;

use crate::outline::OUTPUT_BYTES_MAX;

/// Deepest level that is indented further, so that no line is mostly white space.
const INDENT_LEVELS_MAX: usize = 32;

/// Indents `text` by two spaces a level; none when it is not JSON. The flag is true when the end is
/// left out since the text became too long.
pub fn indent(text: &str) -> Option<(String, bool)> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len().min(OUTPUT_BYTES_MAX));
    let mut depth = 0usize;
    let mut is_string = false;
    let mut is_escaped = false;
    let mut chars = text.chars().filter(|c| !c.is_ascii_control()).peekable();
    while let Some(c) = chars.next() {
        if out.len() >= OUTPUT_BYTES_MAX {
            return Some((out, true));
        }
        if is_string {
            out.push(c);
            is_string = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
            continue;
        }
        match c {
            ' ' => {}
            '{' | '[' => {
                out.push(c);
                while chars.next_if_eq(&' ').is_some() {}
                if let Some(close) = chars.next_if(|c| matches!(c, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(depth, &mut out);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(depth, &mut out);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(depth, &mut out);
            }
            ':' => out.push_str(": "),
            c => {
                is_string = c == '"';
                out.push(c);
            }
        }
    }
    Some((out, false))
}

fn new_line(depth: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(INDENT_LEVELS_MAX)));
}

#[cfg(test)]
mod tests {
    use super::indent;

    #[test]
    fn what_it_says_stays_as_it_is() {
        let text = "{\"b\" :[1.10,1e999,\"x, {\\\"y\\\\\"],\r\n\"b\":{ },\"a\":[\t]}";
        let indented = "{\n  \"b\": [\n    1.10,\n    1e999,\n    \"x, {\\\"y\\\\\"\n  ],\n  \"b\": {},\n  \"a\": []\n}";
        assert_eq!(indent(text), Some((indented.to_owned(), false)));
        assert_eq!(indent(" true "), Some(("true".to_owned(), false)));
    }

    #[test]
    fn what_is_not_json_is_left_alone() {
        for text in ["", "{", "[1,]", "{a:1}", "1 2", "<p>"] {
            assert_eq!(indent(text), None, "{text}");
        }
    }

    #[test]
    fn depth_costs_neither_stack_nor_memory() {
        let text = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(indent(&text).map(|(_, is_cut)| is_cut), Some(true));
    }
}
