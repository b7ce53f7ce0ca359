//! Rust source as text, without what is not code: comments, strings, tests.
//!
//! What is taken out is replaced by spaces, so that every offset and line stays where it was.
//! Not here: any understanding of Rust beyond braces.

use std::path::Path;
use std::path::PathBuf;

/// A file of Rust source.
pub(crate) struct Source {
    /// Its path below the folder that was listed, with `/`.
    pub(crate) file: String,
    /// Its code, without comments, strings and tests.
    pub(crate) code: String,
    /// Its code without comments and strings, tests included.
    pub(crate) with_tests: String,
    /// Its lines, comments included and tests not.
    pub(crate) lines: usize,
}

impl Source {
    /// Tells whether the file holds nothing but tests, which its name says.
    pub(crate) fn is_test(&self) -> bool {
        self.file.split('/').any(|part| part == "tests" || part == "tests.rs")
    }

    /// Gives the module at the root of the crate that the file belongs to.
    pub(crate) fn owner(&self) -> &str {
        let first = self.file.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

/// Reads all Rust files below a folder, sorted by path.
pub(crate) fn sources(folder: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(folder).expect("it lies below").to_string_lossy();
        let text = fs_err::read_to_string(&path).expect("source is text");
        let with_tests = code_of(&text);
        let (code, test_lines) = without_tests(&with_tests);
        let lines = text.lines().count() - test_lines;
        Source { file: name.replace('\\', "/"), code, with_tests, lines }
    };
    files.into_iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
}

/// Gives the line, from 1, of an offset.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Finds a word, not as a part of a longer one; a needle may end in punctuation.
pub(crate) fn find_word(code: &str, word: &str) -> Vec<usize> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let ends_in_name = word.ends_with(is_part);
    let stands_alone = |at: usize| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let continues = ends_in_name && after.is_some_and(is_part);
        !before.is_some_and(is_part) && !continues
    };
    code.match_indices(word).map(|(at, _)| at).filter(|at| stands_alone(*at)).collect()
}

/// Replaces comments, strings and characters by spaces.
fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if text[at..].starts_with("//") => end_of_line(bytes, at),
            b'/' if text[at..].starts_with("/*") => end_of_block(bytes, at),
            b'"' => end_of_string(bytes, at),
            b'r' | b'b' | b'c' if !follows_name(bytes, at) => end_of_prefixed(bytes, at),
            b'\'' => end_of_character(text, at),
            _ => at,
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8(out).expect("whole characters were replaced")
}

fn follows_name(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
}

/// Block comments nest.
fn end_of_block(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn end_of_string(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Ends `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `b'…'`; anything else ends where it begins.
fn end_of_prefixed(bytes: &[u8], start: usize) -> usize {
    let letters = bytes[start..].iter().take_while(|byte| b"rbc".contains(byte)).count();
    let is_raw = bytes[start..start + letters].contains(&b'r');
    let mut at = start + letters;
    let hashes = bytes[at..].iter().take_while(|byte| **byte == b'#').count();
    at += hashes;
    if letters > 2 || bytes.get(at) != Some(&b'"') || (hashes > 0 && !is_raw) {
        return start;
    }
    if !is_raw {
        return end_of_string(bytes, at);
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let length = bytes[at + 1..].windows(close.len()).position(|window| window == close);
    length.map_or(bytes.len(), |length| at + 1 + length + close.len())
}

/// Ends `'x'` and `'\n'`; a lifetime ends where it begins.
fn end_of_character(text: &str, quote: usize) -> usize {
    let rest = &text[quote + 1..];
    let mut characters = rest.char_indices();
    match characters.next() {
        Some((_, '\\')) => {
            let after = rest[2..].find('\'').map(|length| quote + 1 + 2 + length + 1);
            after.unwrap_or(quote)
        }
        Some(_) => match characters.next() {
            Some((length, '\'')) => quote + 1 + length + 1,
            _ => quote,
        },
        None => quote,
    }
}

/// Blanks every item under `#[cfg(test)]`, and counts the lines they take.
fn without_tests(code: &str) -> (String, usize) {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    let (mut from, mut lines) = (0, 0);
    while let Some(found) = code[from..].find(MARK) {
        let start = from + found;
        let end = end_of_item(code, start + MARK.len());
        let blank: String =
            code[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        // Only what is ASCII is left of code, but names may be of any script.
        if blank.len() == end - start {
            out.replace_range(start..end, &blank);
        }
        lines += blank.matches('\n').count() + 1;
        from = end;
    }
    (out, lines)
}

/// Finds the end of the item that begins at an offset: its `;` or its closing brace.
pub(crate) fn end_of_item(code: &str, start: usize) -> usize {
    let mut depth = 0_i32;
    for (length, character) in code[start..].char_indices() {
        match character {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth -= 1;
                if depth <= 0 && character == '}' {
                    return start + length + 1;
                }
            }
            ';' if depth == 0 => return start + length + 1,
            _ => {}
        }
    }
    code.len()
}

#[test]
fn comments_strings_and_characters_are_no_code() {
    let text = concat!(
        "let a = \"x // y\"; // print!(\n",
        "/* a /* b */ unsafe */ let 'b: char = '\"'; let c = r#\"un\"safe\"#;\n",
        "fn f<'a>(x: &'a str) -> u8 { b'\\'' as u8 }\n"
    );
    let code = code_of(text);
    assert_eq!(code.len(), text.len());
    assert!(!code.contains("print") && !code.contains("safe") && !code.contains('y'), "{code}");
    assert!(code.contains("fn f<'a>(x: &'a str) -> u8 { b"), "{code}");
}

#[test]
fn what_is_under_cfg_test_is_left_out_and_lines_stay() {
    let text =
        "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n#[cfg(test)]\nmod c;\nfn d() {}\n";
    let (code, lines) = without_tests(&code_of(text));
    assert_eq!(lines, 6);
    assert_eq!(find_word(&code, "fn").len(), 2);
    assert!(!code.contains("mod"));
    assert_eq!(line_of(&code, code.find("fn d").expect("d is code")), 8);
}

#[test]
fn a_word_is_not_a_part_of_a_word() {
    assert_eq!(find_word("unsafe_code unsafe { not_unsafe }", "unsafe"), [12]);
    assert_eq!(find_word("std::env::vars() env::var(x)", "env::var("), [17]);
}
