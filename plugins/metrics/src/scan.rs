//! Sorts the lines of a text into code, comment and blank, text inside text included: doc comments
//! are Markdown, and code blocks of Markdown are in their own language.
//!
//! Invariant: each line of the text is counted once, whatever it holds.
//! Not here: one line (`marks`); functions (`function`).

use std::collections::BTreeMap;

use ax_sdk::data;

use crate::marks::Marks;
use crate::marks::Read;
use crate::syntax::MARKDOWN;
use crate::syntax::Syntax;
use crate::syntax::syntax_named;

/// Most languages inside one another: a doc comment with a code block with a doc comment is three;
/// deeper blocks count as prose, so that no file can exhaust the stack.
const EMBEDDED_DEPTH_MAX: u32 = 8;
/// What opens and closes a code block in Markdown.
const FENCE: &str = "```";

/// Lines by kind.
#[data]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCount {
    /// Lines of all kinds: `code + comment + blank`.
    pub lines: u64,
    /// Lines that hold code.
    pub code: u64,
    /// Lines that hold nothing but comment, or text in Markdown.
    pub comment: u64,
    /// Lines that hold nothing but white space.
    pub blank: u64,
}

impl LineCount {
    /// Counts blank lines alone.
    fn blank(lines: usize) -> Self {
        let lines = lines as u64;
        Self { lines, blank: lines, ..Self::default() }
    }

    /// Adds one line.
    fn count(&mut self, kind: Kind) {
        self.lines += 1;
        match kind {
            Kind::Code => self.code += 1,
            Kind::Comment => self.comment += 1,
            Kind::Blank => self.blank += 1,
        }
    }

    /// Adds the lines of `other`.
    pub fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.code += other.code;
        self.comment += other.comment;
        self.blank += other.blank;
    }
}

/// What one line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It holds code.
    Code,
    /// It holds nothing but comment.
    Comment,
    /// It holds nothing but white space.
    Blank,
}

/// The lines of one text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The kind of each line.
    pub kinds: Vec<Kind>,
    /// All lines.
    pub total: LineCount,
    /// The part that is in another language, by its name.
    pub embedded: BTreeMap<&'static str, LineCount>,
    /// The part of `total` that `tokei` 15 loses (see the README).
    pub uncounted: LineCount,
}

/// Sorts the lines of `text`.
pub fn scan(syntax: &'static Syntax, text: &str) -> Scan {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut scanner = Scanner { syntax, lines: text.lines(), depth: 0, found: Scan::default() };
    scanner.run();
    scanner.found
}

/// Sorts lines that stand inside another language.
fn scan_embedded(syntax: &'static Syntax, lines: &[&str], depth: u32) -> Scan {
    let lines = lines.iter().copied();
    let mut scanner = Scanner { syntax, lines, depth, found: Scan::default() };
    scanner.run();
    scanner.found
}

struct Scanner<I> {
    syntax: &'static Syntax,
    /// The lines to come.
    lines: I,
    /// How many languages are around this one.
    depth: u32,
    found: Scan,
}

impl<'a, I: Iterator<Item = &'a str> + Clone> Scanner<I> {
    fn run(&mut self) {
        let mut marks = Marks::new(self.syntax);
        while let Some(line) = self.lines.next() {
            let line = line.trim_matches(is_space);
            if line.is_empty() {
                self.count(marks.blank());
            } else if self.syntax.prose {
                self.count(Kind::Comment);
                if self.depth < EMBEDDED_DEPTH_MAX {
                    self.fenced(line);
                }
            } else {
                match marks.read(line) {
                    Read::Line { kind, is_lost } => {
                        self.count(kind);
                        if is_lost {
                            self.lose_before_doc(kind);
                        }
                    }
                    Read::Doc { marker, text } => self.doc(marker, text),
                }
            }
        }
    }

    fn count(&mut self, kind: Kind) {
        self.found.total.count(kind);
        self.found.kinds.push(kind);
    }

    /// Reads the block after an opening fence, if `line` has one of a known language. The closing
    /// fence is left to the caller.
    fn fenced(&mut self, line: &str) {
        let Some(syntax) = fence_language(line).and_then(syntax_named) else { return };
        let mut texts = Vec::new();
        let mut is_closed = false;
        for line in self.lines.by_ref() {
            is_closed = line.contains(FENCE);
            if is_closed {
                break;
            }
            texts.push(line);
        }
        self.embed(syntax, &texts, texts.len());
        if is_closed {
            self.count(Kind::Comment);
        }
    }

    /// Reads a doc comment, of which `first` is the text on the line already taken. Blank lines
    /// between its lines belong to it.
    fn doc(&mut self, marker: &'static str, first: &'a str) {
        self.found.kinds.push(Kind::Comment);
        let mut texts = vec![first];
        // Lines taken so far, and how many would be with the blank ones just seen.
        let (mut taken, mut seen) = (0, 0);
        let mut ahead = self.lines.clone();
        while let Some(line) = ahead.next() {
            let line = line.trim_start_matches(is_space);
            seen += 1;
            if let Some(text) = line.strip_prefix(marker) {
                texts.push(text);
                taken = seen;
                self.lines = ahead.clone();
            } else if !line.is_empty() {
                break;
            }
        }
        let gaps = taken + 1 - texts.len();
        let gaps = LineCount::blank(gaps);
        self.found.total.add(&gaps);
        self.found.uncounted.add(&gaps);
        self.embed(&MARKDOWN, &texts, taken);
    }

    /// Counts `texts`, which took `length` lines not yet booked, as `syntax`.
    fn embed(&mut self, syntax: &'static Syntax, texts: &[&str], length: usize) {
        let is_full = |text: &&str| !text.trim_matches(is_space).is_empty();
        let first = texts.iter().position(is_full).unwrap_or(texts.len());
        let end = texts.iter().rposition(is_full).map_or(first, |last| last + 1);
        let mut inner = scan_embedded(syntax, &texts[first..end], self.depth + 1);
        // tokei trims the text first, and the blank lines at its ends are lost.
        let edges = first + texts.len() - end;
        let edges = LineCount::blank(edges);
        inner.total.add(&edges);
        inner.uncounted.add(&edges);
        self.found.total.add(&inner.total);
        self.found.uncounted.add(&inner.uncounted);
        self.found.embedded.entry(syntax.name).or_default().add(&inner.total);
        let kind = if syntax.prose { Kind::Comment } else { Kind::Code };
        self.found.kinds.extend(std::iter::repeat_n(kind, length));
    }

    /// Books what tokei loses when a doc comment follows the line just counted, of this `kind`: the
    /// line and the blank ones after it.
    fn lose_before_doc(&mut self, kind: Kind) {
        let mut ahead = self.lines.clone();
        let Some(blank) = ahead.position(|line| !line.trim_matches(is_space).is_empty()) else {
            return;
        };
        let Some(next) = self.lines.clone().nth(blank) else { return };
        let next = next.trim_start_matches(is_space);
        if self.syntax.doc_comments.iter().any(|marker| next.starts_with(marker)) {
            self.found.uncounted.count(kind);
            self.found.uncounted.blank += blank as u64;
        }
    }
}

/// Whether a character is white space: of ASCII only, as in tokei and as compilers see it.
fn is_space(character: char) -> bool {
    character.is_ascii_whitespace() || character == '\u{b}'
}

/// Returns the language that an opening fence anywhere in `line` names.
fn fence_language(line: &str) -> Option<&str> {
    let (_, after) = line.split_once(FENCE)?;
    let word = after.split(char::is_whitespace).next()?;
    word.split(',').next()
}

#[cfg(test)]
mod tests {
    use super::EMBEDDED_DEPTH_MAX;
    use super::Scan;
    use super::scan;
    use crate::language::Language;
    use crate::syntax::syntax_of;

    fn scanned(language: Language, text: &str) -> Scan {
        scan(syntax_of(language), text)
    }

    /// Checks `[code, comment, blank]` of each text.
    fn check(language: Language, cases: &[(&str, [u64; 3])]) {
        for (text, expected) in cases {
            let total = scanned(language, text).total;
            assert_eq!([total.code, total.comment, total.blank], *expected, "{text}");
        }
    }

    #[test]
    fn lines_of_c_are_sorted() {
        check(
            Language::C,
            &[
                ("int a;\n\n// b\n/* c */\nint d; // e\n/* f */ int g;\n", [3, 2, 1]),
                ("/*\n\n a */ int b;\n", [0, 3, 0]),
                ("/* a\n// */\nint b;\n", [1, 2, 0]),
                ("char *a = \"/*\";\nint b;\n", [2, 0, 0]),
                ("char *a = \"\\\"/*\";\nint b;\n", [2, 0, 0]),
                ("/* /* */ int a;\n\n", [1, 0, 1]),
                ("#define A \\\n  1\n", [2, 0, 0]),
            ],
        );
    }

    #[test]
    fn lines_of_scripts_are_sorted() {
        for language in [Language::JavaScript, Language::Jsx, Language::TypeScript, Language::Tsx] {
            check(
                language,
                &[
                    ("let a = `\n\n// b\n`\n// c\n", [4, 1, 0]),
                    ("let a = '/*'\n\nlet b = \"//\" // c\n", [2, 0, 1]),
                    ("/**\n * a\n */\nfunction b() {}\n", [1, 3, 0]),
                    ("<p>\n{/* a */}\n</p>\n", [3, 0, 0]),
                ],
            );
        }
    }

    #[test]
    fn lines_of_python_are_sorted() {
        check(
            Language::Python,
            &[
                ("#!/usr/bin/env python3\n# a\nb = 1  # c\n", [1, 2, 0]),
                ("def a():\n    \"\"\"b\n\n    # c\n    \"\"\"\n", [5, 0, 0]),
                ("a = '''\n\"\"\"\n'''\n# b\n", [3, 1, 0]),
                ("a = '#'\n\n", [1, 0, 1]),
            ],
        );
    }

    #[test]
    fn lines_of_toml_are_sorted() {
        check(
            Language::Toml,
            &[("[a] # b\n# c\n\nd = '''\n\n# e\n'''\n", [5, 1, 1]), ("a = \"#\"\n", [1, 0, 0])],
        );
    }

    #[test]
    fn lines_of_rust_are_sorted() {
        check(
            Language::Rust,
            &[
                ("//! a\n\nuse b; // c\n/* d /* e */\nf */\nfn g() {}\n", [2, 3, 1]),
                ("let a = r#\"\n// \"\n\"#;\n// b\n", [3, 1, 0]),
                ("let a = b'\\'';\nlet c = '\\\"';\n\n", [2, 0, 1]),
                ("#[a] /// b\nfn c() {}\n", [1, 1, 0]),
            ],
        );
    }

    #[test]
    fn prose_is_comment_and_its_blocks_are_code() {
        check(
            Language::Markdown,
            &[
                ("# a\n\nb\n", [0, 2, 1]),
                ("```rust\nfn a() {}\n// b\n\nfn c() {}\n```\nd\n", [2, 4, 1]),
                ("```\nfn a() {}\n```\n", [0, 3, 0]),
                ("```no-such-language\na\n```\n", [0, 3, 0]),
                ("```Rust,ignore\na\n```\n", [1, 2, 0]),
                ("```rust\na", [1, 1, 0]),
            ],
        );
    }

    #[test]
    fn text_in_another_language_is_told_apart() {
        let found = scanned(
            Language::Rust,
            "//! a\n//!\n//! ```toml\n//! b = 1 # c\n//! # d\n//! ```\nuse e;\n",
        );
        let markdown = found.embedded["Markdown"];
        assert_eq!([markdown.code, markdown.comment, markdown.blank], [1, 4, 1]);
        assert_eq!([found.total.code, found.total.comment, found.total.blank], [2, 4, 1]);
    }

    #[test]
    fn what_tokei_loses_is_counted_and_said() {
        let cases = [
            // Blank lines at the ends of a doc comment, and between two.
            ("//! a\n//!\nuse b;\n", [0, 0, 1]),
            ("/// a\n\n/// b\nfn c() {}\n", [0, 0, 1]),
            // A line with a string, and the blank ones after it, before a doc comment.
            ("const A: &str = \"b\";\n\n/// c\nfn d() {}\n", [1, 0, 1]),
            ("/* a */\n/// b\nfn c() {}\n", [0, 1, 0]),
            ("const A: &str = \"b\"; // c\n/// d\nfn e() {}\n", [0, 0, 0]),
            ("const A: u8 = 1;\n\n/// b\nfn c() {}\n", [0, 0, 0]),
        ];
        for (text, expected) in cases {
            let found = scanned(Language::Rust, text);
            let lost = found.uncounted;
            assert_eq!([lost.code, lost.comment, lost.blank], expected, "{text}");
            assert_eq!(found.total.lines, text.lines().count() as u64, "{text}");
        }
    }

    #[test]
    fn a_mark_at_the_start_of_the_file_is_no_code() {
        check(Language::Python, &[("\u{feff}# a\n", [0, 1, 0])]);
    }

    #[test]
    fn blocks_in_blocks_beyond_the_limit_are_prose() {
        let mut text = "let a;\n".to_owned();
        for _ in 0..EMBEDDED_DEPTH_MAX {
            let lines: String = text.lines().map(|line| format!("/// {line}\n")).collect();
            text = format!("/// ```rust\n{lines}");
        }
        let found = scanned(Language::Rust, &text);
        assert_eq!(found.total.lines, text.lines().count() as u64);
        assert_eq!(found.total.code, 0);
    }

    proptest::proptest! {
        #[test]
        fn each_line_is_counted_once(text in "([ \\n'\"`/*#\\\\a]|///|//!|```|rust|\r\n|r#\"|\"#|é){0,80}") {
            for language in Language::ALL {
                let found = scanned(language, &text);
                assert_eq!(found.total.lines, text.lines().count() as u64);
                assert_eq!(found.kinds.len(), text.lines().count());
                assert!(found.uncounted.lines <= found.total.lines);
                let embedded: u64 = found.embedded.values().map(|lines| lines.lines).sum();
                assert!(embedded <= found.total.lines);
            }
        }
    }
}
