//! Follows comments and strings through the lines of a text, and so tells what each line is.
//!
//! The rules are those of tokei 15, found by running it on generated texts: a line that begins
//! inside a comment is comment even when code follows, an empty line belongs to what is open around
//! it, and a backslash outside strings protects a quote.
//!
//! Not here: text inside text (`scan`); what marks a language has (`syntax`).

use crate::scan::Kind;
use crate::syntax::Pair;
use crate::syntax::Syntax;

/// What a line turned out to be.
pub enum Read<'a> {
    /// A line of its own.
    Line {
        kind: Kind,
        /// Whether tokei loses it when a doc comment follows: a string, block comment or escaped
        /// quote is on it, no line comment is, and nothing is open at its end.
        is_lost: bool,
    },
    /// The first of a doc comment, with the text after the marker.
    Doc { marker: &'static str, text: &'a str },
}

/// What is open at the end of a line.
#[derive(Debug)]
pub struct Marks {
    syntax: &'static Syntax,
    /// Whether a byte can begin anything that matters; most bytes cannot, and are passed quickly.
    begins: [bool; 256],
    /// What ends the open comment, and how many are open inside one another.
    comment: Option<(&'static str, u32)>,
    /// What ends the open string.
    quote: Option<&'static str>,
    /// Whether the string opened last takes no escapes. As in tokei this outlives the string: after
    /// it a backslash outside strings protects no quote either.
    is_verbatim: bool,
}

impl Marks {
    /// Begins with nothing open.
    pub fn new(syntax: &'static Syntax) -> Self {
        let mut begins = [false; 256];
        begins[usize::from(b'\\')] = true;
        let pairs =
            [syntax.block_comments, syntax.quotes, syntax.verbatim_quotes].into_iter().flatten();
        let words = pairs.flat_map(|(start, end)| [*start, *end]);
        let words = words.chain(syntax.line_comments.iter().chain(syntax.doc_comments).copied());
        for first in words.filter_map(|word| word.bytes().next()) {
            begins[usize::from(first)] = true;
        }
        Self { syntax, begins, comment: None, quote: None, is_verbatim: false }
    }

    /// Says what an empty line is: part of whatever is open around it.
    pub fn blank(&self) -> Kind {
        if self.comment.is_some() {
            Kind::Comment
        } else if self.quote.is_some() {
            Kind::Code
        } else {
            Kind::Blank
        }
    }

    /// Reads one trimmed line that is not empty.
    pub fn read<'a>(&mut self, text: &'a str) -> Read<'a> {
        let syntax = self.syntax;
        let line = text.as_bytes();
        let began_in_comment = self.comment.is_some();
        let mut has_marks = began_in_comment || self.quote.is_some();
        let mut at = 0;
        while at < line.len() {
            if !self.begins[usize::from(line[at])] {
                at += 1;
                continue;
            }
            if self.is_plain() {
                let mut markers = syntax.doc_comments.iter();
                if let Some(marker) = markers.find(|start| line[at..].starts_with(start.as_bytes()))
                {
                    return Read::Doc { marker, text: &text[at + marker.len()..] };
                }
            }
            let rest = &line[at..];
            if self.is_plain() && starts(syntax.line_comments, rest) {
                has_marks = false;
                break;
            }
            let length = self.step(rest);
            has_marks |= length > 1 || !self.is_plain();
            at += length;
        }
        let is_comment = if self.quote.is_some() {
            false
        } else if starts(syntax.line_comments, line) || began_in_comment {
            true
        } else {
            begins(syntax.block_comments, line)
                .is_some_and(|(_, end)| self.comment.is_some() || line.ends_with(end.as_bytes()))
        };
        let kind = if is_comment { Kind::Comment } else { Kind::Code };
        Read::Line { kind, is_lost: has_marks && self.is_plain() }
    }

    /// Whether neither comment nor string is open.
    fn is_plain(&self) -> bool {
        self.comment.is_none() && self.quote.is_none()
    }

    /// Reads what begins `rest` and returns its length in bytes.
    fn step(&mut self, rest: &[u8]) -> usize {
        let syntax = self.syntax;
        if let Some(end) = self.quote {
            if rest.starts_with(end.as_bytes()) {
                self.quote = None;
                return end.len();
            }
            return if rest[0] == b'\\' && !self.is_verbatim { 2 } else { 1 };
        }
        let escapes = |next: &[u8]| next[0] == b'\\' || begins(syntax.quotes, next).is_some();
        if rest[0] == b'\\' && !self.is_verbatim && rest.len() > 1 && escapes(&rest[1..]) {
            return 2;
        }
        if let Some((end, depth)) = self.comment
            && rest.starts_with(end.as_bytes())
        {
            self.comment = (depth > 1).then(|| (end, depth - 1));
            return end.len();
        }
        if let Some(pair) = begins(syntax.block_comments, rest) {
            // Without nesting the start of a comment inside a comment is read whole, so that the
            // slash of `/*/` cannot end what is open.
            let depth = self.comment.map_or(0, |(_, depth)| if syntax.nested { depth } else { 0 });
            self.comment = Some((pair.1, depth + 1));
            return pair.0.len();
        }
        if self.comment.is_some() {
            return 1;
        }
        if let Some(pair) = begins(syntax.verbatim_quotes, rest) {
            (self.quote, self.is_verbatim) = (Some(pair.1), true);
            return pair.0.len();
        }
        if let Some(pair) = begins(syntax.quotes, rest) {
            (self.quote, self.is_verbatim) = (Some(pair.1), false);
            return pair.0.len();
        }
        1
    }
}

/// Whether one of `starts` begins `text`.
fn starts(starts: &[&str], text: &[u8]) -> bool {
    starts.iter().any(|start| text.starts_with(start.as_bytes()))
}

/// Returns the first pair that begins `text`.
fn begins(pairs: &'static [Pair], text: &[u8]) -> Option<&'static Pair> {
    pairs.iter().find(|(start, _)| text.starts_with(start.as_bytes()))
}
