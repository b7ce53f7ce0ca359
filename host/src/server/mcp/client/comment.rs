//! JSON as editors read it: with comments, and with a comma before what closes.
//!
//! Invariant: one pass, and the text keeps its length and its lines, so that the place of an error is that
//! of the file.

/// Puts blanks where comments are and where a comma stands before what closes.
pub(super) fn without_comments(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    // The last comma, as long as nothing but blanks came after it.
    let mut comma = None;
    while let Some(byte) = out.get(at).copied() {
        let end = match (byte, out.get(at + 1)) {
            (b'"', _) => end_of_string(&out, at),
            (b'/', Some(b'/')) => end_of_line(&out, at),
            (b'/', Some(b'*')) => end_of_block(&out, at),
            _ => at + 1,
        };
        match byte {
            b'/' if end > at + 1 => blank(&mut out[at..end]),
            b',' => comma = Some(at),
            b'}' | b']' => {
                if let Some(comma) = comma.take() {
                    blank(&mut out[comma..=comma]);
                }
            }
            space if space.is_ascii_whitespace() => {}
            _ => comma = None,
        }
        at = end;
    }
    // Whole comments were replaced, and they begin and end with a byte that is a character.
    String::from_utf8(out).unwrap_or_default()
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_line(bytes: &[u8], start: usize) -> usize {
    let length = bytes[start..].iter().position(|byte| *byte == b'\n');
    length.map_or(bytes.len(), |length| start + length)
}

fn end_of_block(bytes: &[u8], start: usize) -> usize {
    let inside = start + 2;
    let length = bytes[inside..].windows(2).position(|pair| pair == b"*/");
    length.map_or(bytes.len(), |length| inside + length + 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::without_comments;

    fn read(text: &str) -> Value {
        serde_json::from_str(&without_comments(text)).expect("JSON")
    }

    #[test]
    fn comments_and_last_commas_are_no_part_of_it() {
        let text = "// first\n{ /* a */ \"a\": [1, 2, /* b */ ], // c\n \"b\": { \"c\": 1, }, }";
        assert_eq!(read(text), json!({ "a": [1, 2], "b": { "c": 1 } }));
        assert_eq!(without_comments("[1,/*é\n*/2]"), "[1,    \n  2]");
    }

    #[test]
    fn what_looks_like_a_comment_in_a_string_stays() {
        let text = r#"{ "url": "http://a/*b*/", "c": "\"// ,]" }"#;
        assert_eq!(read(text), json!({ "url": "http://a/*b*/", "c": "\"// ,]" }));
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_length_and_json_its_meaning(text in any::<String>()) {
            prop_assert_eq!(without_comments(&text).len(), text.len());
            let plain = json!({ text.clone(): [text] });
            prop_assert_eq!(read(&plain.to_string()), plain);
        }

        #[test]
        fn many_signs_keep_their_length(text in "[\"\\\\/*,\\]\n aé]{0,40}") {
            prop_assert_eq!(without_comments(&text).len(), text.len());
        }
    }
}
