//! Keeps text from being read as Markdown.
//!
//! Invariant: a text that went through here shows itself when the Markdown is rendered, so that a
//! page cannot forge headings, links, quotes or HTML by writing their marks as text.

/// How far ahead a `;` makes a `&` the start of a character reference: the longest name has 31.
const REFERENCE_BYTES_MAX: usize = 32;

/// Appends `text` with the marks that count inside a line escaped.
pub fn push_inline(text: &str, out: &mut String) {
    let mut before = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map(|(_, c)| *c);
        let is_mark = match c {
            '\\' | '`' | '*' | '[' | ']' => true,
            '_' => !(is_word(before) && is_word(after)),
            '<' => after.is_some_and(|c| c.is_ascii_alphabetic() || "/!?".contains(c)),
            '&' => is_reference(&text.as_bytes()[at + 1..]),
            '~' => before == Some('~') || after == Some('~'),
            _ => false,
        };
        if is_mark {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
}

/// Answers whether a line would be read as the start of a block although it is text.
pub fn starts_block(line: &str) -> bool {
    let line = line.trim_start_matches(' ');
    let is_end = |rest: &str| rest.is_empty() || rest.starts_with(' ');
    match line.as_bytes().first() {
        Some(b'>') => true,
        Some(b'#') => {
            let rest = line.trim_start_matches('#');
            line.len() - rest.len() <= 6 && is_end(rest)
        }
        Some(b'-' | b'+') if is_end(&line[1..]) => true,
        Some(b'-' | b'=') => is_rule(line),
        Some(b'~') => line.starts_with("~~~"),
        Some(b':') => is_end(&line[1..]),
        Some(b'|') => true,
        _ => false,
    }
}

/// Returns where in a line the `.` or `)` stands that would make it an item of a numbered list.
pub fn number_mark(line: &str) -> Option<usize> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line.get(digits..)?;
    let is_item = (1..=9).contains(&digits)
        && rest.starts_with(['.', ')'])
        && (rest.len() == 1 || rest[1..].starts_with(' '));
    is_item.then_some(digits)
}

fn is_rule(line: &str) -> bool {
    let mark = line.as_bytes()[0];
    line.bytes().all(|byte| byte == mark || byte == b' ')
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}

/// Answers whether these bytes after a `&` make a character reference.
fn is_reference(bytes: &[u8]) -> bool {
    let length = bytes.len().min(REFERENCE_BYTES_MAX);
    let end =
        bytes[..length].iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'#');
    end.is_some_and(|end| end > 0 && bytes[end] == b';')
}

#[cfg(test)]
mod tests {
    use super::number_mark;
    use super::push_inline;
    use super::starts_block;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        push_inline(text, &mut out);
        out
    }

    #[test]
    fn marks_are_escaped_and_words_are_not() {
        assert_eq!(escaped("a*b* [x](y) `c`"), r"a\*b\* \[x\](y) \`c\`");
        assert_eq!(escaped("snake_case _emphasis_"), r"snake_case \_emphasis\_");
        assert_eq!(escaped("a < b, <b>, </b>, <!--"), r"a < b, \<b>, \</b>, \<!--");
        assert_eq!(escaped("AT&T &amp; &#65; R&D;"), r"AT&T \&amp; \&#65; R\&D;");
        assert_eq!(escaped("~5 ~~x~~"), r"~5 \~\~x\~\~");
    }

    #[test]
    fn what_would_start_a_block_is_told() {
        for line in
            ["# a", "###### a", "#", "> a", ">a", "- a", "-", "+ a", "---", "===", "- -", "~~~"]
        {
            assert!(starts_block(line), "{line}");
        }
        for line in ["#a", "####### a", "-a", "a > b", "--flag", "=> x", "", "+1"] {
            assert!(!starts_block(line), "{line}");
        }
        assert_eq!(number_mark("12. a"), Some(2));
        assert_eq!(number_mark("1)"), Some(1));
        assert_eq!(number_mark("1.5 a"), None);
        assert_eq!(number_mark("1234567890. a"), None);
    }
}
