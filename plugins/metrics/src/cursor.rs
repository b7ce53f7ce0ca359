//! A place in a text, with its line.
//!
//! Invariant: `at` is never beyond the end.
//! Not here: what stands there (`token`, `literal`, `directive`).

/// A place in a text.
#[derive(Debug)]
pub struct Cursor<'a> {
    /// The text.
    pub text: &'a str,
    /// Bytes read.
    pub at: usize,
    /// The line, from 1.
    pub line: u32,
    /// Where that line begins, in bytes.
    pub line_start: usize,
    /// Whether no token has been read on this line.
    pub begins_line: bool,
}

impl<'a> Cursor<'a> {
    /// Begins at the start of `text`, after a byte order mark.
    pub fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { text, at: 0, line: 1, line_start: 0, begins_line: true }
    }

    /// The bytes to come.
    pub fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// Steps over the rest of a word.
    pub fn skip_word(&mut self) {
        while is_word(self.peek(0)) {
            self.at += 1;
        }
    }

    /// The byte `ahead` bytes further; 0 beyond the end.
    pub fn peek(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Whether `start` comes next.
    pub fn starts_with(&self, start: &str) -> bool {
        self.text.as_bytes()[self.at..].starts_with(start.as_bytes())
    }

    /// Whether the text is read.
    pub fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Steps over one byte, keeping count of lines.
    pub fn step(&mut self) {
        if self.peek(0) == b'\n' {
            self.line += 1;
            self.line_start = self.at + 1;
            self.begins_line = true;
        }
        self.at += 1;
    }

    /// Steps over `count` bytes, or to the end.
    pub fn skip(&mut self, count: usize) {
        for _ in 0..count {
            if self.is_done() {
                return;
            }
            self.step();
        }
    }

    /// Steps to the end of the line.
    pub fn skip_line(&mut self) {
        while !self.is_done() && self.peek(0) != b'\n' {
            self.at += 1;
        }
    }
}

/// Whether a byte may stand in a word; every byte of a character beyond ASCII may.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}
