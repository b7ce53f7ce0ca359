//! Splits source text into words, symbols and literals, without comments.
//!
//! One reader for four dialects that differ in comments, strings and a few symbols. It never fails:
//! what is left open ends at the end of its line (simple strings, regular expressions) or of the
//! text (block comments, long strings).
//!
//! Not here: what the tokens mean (`function`, `complexity`); the kinds of lines (`scan`).

use crate::language::Language;

/// Deepest nesting of template literals that is followed. Deeper ones are read as plain text: no
/// person writes them, and each level takes memory.
const TEMPLATES_MAX: usize = 256;
/// Symbols of more than one byte that matter; all others are read byte by byte.
const SYMBOLS: [&str; 8] = ["&&", "||", "=>", "->", "::", "==", "<=", ">="];
/// Those that only JavaScript has: in Rust `??` and `?.` are two symbols.
const SCRIPT_SYMBOLS: [&str; 2] = ["??", "?."];
/// Words after which a `/` begins a regular expression in JavaScript.
const BEFORE_REGEX: [&str; 12] = [
    "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do", "await",
];

/// Languages that are read alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// C, with the preprocessor: of several branches of a conditional the first is read.
    C,
    /// JavaScript and TypeScript, with or without elements.
    Script,
    /// Python.
    Python,
    /// Rust.
    Rust,
}

impl Dialect {
    /// Returns the dialect of a language that has functions.
    pub fn of(language: Language) -> Option<Self> {
        match language {
            Language::C | Language::CHeader => Some(Self::C),
            Language::JavaScript | Language::Jsx | Language::TypeScript | Language::Tsx => {
                Some(Self::Script)
            }
            Language::Python => Some(Self::Python),
            Language::Rust => Some(Self::Rust),
            Language::Markdown | Language::Toml => None,
        }
    }
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape<'a> {
    /// A name or keyword.
    Word(&'a str),
    /// An operator or bracket.
    Symbol(&'a str),
    /// A number, string, character or regular expression.
    Literal,
}

impl Shape<'_> {
    /// Whether an operator after this one takes it as its left side.
    pub fn is_operand(self) -> bool {
        match self {
            Self::Word(word) => !BEFORE_REGEX.contains(&word) && word != "move",
            Self::Symbol(symbol) => matches!(symbol, ")" | "]" | "}" | "?"),
            Self::Literal => true,
        }
    }
}

/// One token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub shape: Shape<'a>,
    /// Its first line, from 1.
    pub line: u32,
    /// Its last line, from 1.
    pub line_end: u32,
    /// Bytes before it on its line.
    pub column: u32,
    /// Whether it is the first on its line and no backslash joins that line to the one before.
    pub begins_line: bool,
}

/// Reads tokens from a text.
#[derive(Debug)]
pub struct Tokens<'a> {
    dialect: Dialect,
    text: &'a str,
    at: usize,
    line: u32,
    line_start: usize,
    begins_line: bool,
    previous: Option<Shape<'a>>,
    /// For each open `${`: how many braces are open inside it.
    templates: Vec<u32>,
}

impl<'a> Tokens<'a> {
    /// Begins at the start of `text`.
    pub fn new(dialect: Dialect, text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            dialect,
            text,
            at: 0,
            line: 1,
            line_start: 0,
            begins_line: true,
            previous: None,
            templates: Vec::new(),
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn starts_with(&self, start: &str) -> bool {
        self.text.as_bytes()[self.at..].starts_with(start.as_bytes())
    }

    fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Steps over one byte, keeping count of lines.
    fn step(&mut self) {
        if self.peek(0) == b'\n' {
            self.line += 1;
            self.line_start = self.at + 1;
            self.begins_line = true;
        }
        self.at += 1;
    }

    /// Steps over `count` bytes, or to the end.
    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            if self.is_done() {
                return;
            }
            self.step();
        }
    }

    fn skip_line(&mut self) {
        while !self.is_done() && self.peek(0) != b'\n' {
            self.at += 1;
        }
    }

    /// Steps over white space and comments.
    fn skip_space(&mut self) {
        while !self.is_done() {
            match (self.dialect, self.peek(0)) {
                (Dialect::C, b'#') if self.begins_line => self.directive(),
                (Dialect::Python, b'#') => self.skip_line(),
                (Dialect::Python, b'/') => return,
                (_, b'/') if self.peek(1) == b'/' => self.skip_line(),
                (_, b'/') if self.peek(1) == b'*' => self.block_comment(),
                (_, b'\\') => {
                    self.at += 1;
                    self.skip(usize::from(self.peek(0) == b'\r'));
                    if self.peek(0) == b'\n' {
                        self.step();
                        self.begins_line = false;
                    }
                }
                (_, byte) if byte.is_ascii_whitespace() => self.step(),
                _ => return,
            }
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_u32;
        while !self.is_done() {
            if self.starts_with("*/") {
                self.at += 2;
                depth -= 1;
                if depth == 0 {
                    return;
                }
            } else if self.starts_with("/*") && (depth == 0 || self.dialect == Dialect::Rust) {
                self.at += 2;
                depth += 1;
            } else {
                self.step();
            }
        }
    }

    /// Steps over a preprocessor line; of a conditional, over all branches but the first that is
    /// not `#if 0`, so that their braces do not count twice.
    fn directive(&mut self) {
        let line = self.directive_line();
        let is_off = line.strip_prefix("if").is_some_and(|rest| rest.trim() == "0");
        if is_off || line.starts_with("el") {
            self.skip_branch(is_off);
        }
    }

    /// Reads a directive with its continuation lines and returns the text after the `#` of its
    /// first line.
    fn directive_line(&mut self) -> &'a str {
        let text = self.text;
        let start = self.at;
        self.skip_line();
        let line = text[start..self.at].trim_start_matches('#').trim_start();
        let mut tail = line;
        while tail.trim_end().ends_with('\\') && !self.is_done() {
            self.step();
            let from = self.at;
            self.skip_line();
            tail = &text[from..self.at];
        }
        line
    }

    /// Steps to the end of the conditional, or when `to_else` to its next branch.
    fn skip_branch(&mut self, to_else: bool) {
        let mut depth = 0_u32;
        while !self.is_done() {
            if self.peek(0).is_ascii_whitespace() {
                self.step();
            } else if self.peek(0) == b'#' {
                let line = self.directive_line();
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
                self.skip_line();
            }
        }
    }

    fn word(&mut self) -> Shape<'a> {
        let text = self.text;
        let start = self.at;
        while is_word(self.peek(0)) {
            self.at += 1;
        }
        let word = &text[start..self.at];
        if self.dialect == Dialect::Rust && matches!(word, "r" | "br" | "cr") && self.raw_string() {
            return Shape::Literal;
        }
        if self.dialect == Dialect::Rust && word == "r" && self.peek(0) == b'#' {
            // A name that is spelled like a keyword.
            self.at += 1;
            while is_word(self.peek(0)) {
                self.at += 1;
            }
        }
        Shape::Word(&text[start..self.at])
    }

    /// Reads what follows `r` if it is a raw string.
    fn raw_string(&mut self) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        let hashes = rest.iter().take_while(|byte| **byte == b'#').count();
        if rest.get(hashes) != Some(&b'"') {
            return false;
        }
        self.skip(hashes + 1);
        while !self.is_done() {
            let is_quote = self.peek(0) == b'"';
            self.step();
            let after = &self.text.as_bytes()[self.at..];
            if is_quote && after.iter().take(hashes).filter(|byte| **byte == b'#').count() == hashes
            {
                self.skip(hashes);
                return true;
            }
        }
        true
    }

    fn number(&mut self) -> Shape<'a> {
        loop {
            match self.peek(0) {
                b'.' if self.peek(1) == b'.' || !self.peek(1).is_ascii_digit() => break,
                b'.' => self.at += 1,
                byte if is_word(byte) => self.at += 1,
                _ => break,
            }
        }
        Shape::Literal
    }

    /// Reads a string up to `end`; a simple one ends at the end of its line at the latest.
    fn string(&mut self, end: &str, is_simple: bool) -> Shape<'a> {
        while !self.is_done() {
            if self.starts_with(end) {
                self.at += end.len();
                break;
            }
            if is_simple && self.peek(0) == b'\n' {
                break;
            }
            let escaped = self.peek(0) == b'\\';
            self.step();
            if escaped {
                // A backslash before CR LF protects both.
                self.skip(1 + usize::from(self.starts_with("\r\n")));
            }
        }
        Shape::Literal
    }

    /// Reads a template literal up to its end or to the next `${`.
    fn template(&mut self) -> Shape<'a> {
        while !self.is_done() {
            match self.peek(0) {
                b'`' => {
                    self.at += 1;
                    break;
                }
                b'$' if self.peek(1) == b'{' && self.templates.len() < TEMPLATES_MAX => {
                    self.at += 2;
                    self.templates.push(0);
                    break;
                }
                b'\\' => self.skip(2),
                _ => self.step(),
            }
        }
        Shape::Literal
    }

    /// Reads `'x'`, or a lifetime.
    fn quote(&mut self) -> Shape<'a> {
        self.at += 1;
        if self.peek(0) == b'\\' {
            return self.string("'", true);
        }
        let length = self.text[self.at..].chars().next().map_or(1, char::len_utf8);
        if self.peek(length) == b'\'' {
            self.skip(length + 1);
            return Shape::Literal;
        }
        while is_word(self.peek(0)) {
            self.at += 1;
        }
        Shape::Literal
    }

    fn regex(&mut self) -> Shape<'a> {
        let mut in_class = false;
        self.at += 1;
        while !self.is_done() && self.peek(0) != b'\n' {
            match self.peek(0) {
                b'/' if !in_class => {
                    self.at += 1;
                    break;
                }
                b'[' => in_class = true,
                b']' => in_class = false,
                b'\\' if self.peek(1) != b'\n' => self.at += 1,
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.at.min(self.text.len());
        Shape::Literal
    }

    fn symbol(&mut self) -> Shape<'a> {
        let text = self.text;
        let mut known = SYMBOLS.iter().find(|symbol| self.starts_with(symbol));
        // `a?.5:b` is a condition.
        if self.dialect == Dialect::Script && !self.peek(2).is_ascii_digit() {
            let mut more = SCRIPT_SYMBOLS.iter();
            known = known.or_else(|| more.find(|symbol| self.starts_with(symbol)));
        }
        let length = known.map_or(1, |symbol| symbol.len());
        let symbol = &text[self.at..self.at + length];
        self.at += length;
        match (symbol, self.templates.last_mut()) {
            ("{", Some(braces)) => *braces += 1,
            ("}", Some(0)) => {
                self.templates.pop();
                return self.template();
            }
            ("}", Some(braces)) => *braces -= 1,
            _ => {}
        }
        Shape::Symbol(symbol)
    }

    /// Reads the token that begins here.
    fn shape(&mut self) -> Shape<'a> {
        let is_script = self.dialect == Dialect::Script;
        let is_python = self.dialect == Dialect::Python;
        match self.peek(0) {
            byte if byte.is_ascii_digit() => self.number(),
            byte if is_word(byte) => self.word(),
            b'"' | b'\'' if is_python && self.is_tripled() => {
                let end = if self.peek(0) == b'"' { "\"\"\"" } else { "'''" };
                self.at += 3;
                self.string(end, false)
            }
            b'"' => {
                self.at += 1;
                self.string("\"", self.dialect != Dialect::Rust)
            }
            b'\'' if self.dialect == Dialect::Rust => self.quote(),
            b'\'' => {
                self.at += 1;
                self.string("'", true)
            }
            b'`' if is_script => {
                self.at += 1;
                self.template()
            }
            b'/' if is_script && !self.previous.is_some_and(Shape::is_operand) => self.regex(),
            _ => self.symbol(),
        }
    }

    fn is_tripled(&self) -> bool {
        self.peek(1) == self.peek(0) && self.peek(2) == self.peek(0)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        if self.is_done() {
            return None;
        }
        let (line, begins_line) = (self.line, self.begins_line);
        let column = u32::try_from(self.at - self.line_start).unwrap_or(u32::MAX);
        self.begins_line = false;
        let shape = self.shape();
        // A token of several lines does not make what follows it the first on a line.
        self.begins_line = false;
        self.previous = Some(shape);
        // One that is never closed takes the last line break with it.
        let takes_break = self.text.as_bytes()[..self.at].last() == Some(&b'\n');
        let line_end = self.line - u32::from(takes_break);
        Some(Token { shape, line, line_end, column, begins_line })
    }
}

/// Whether a byte may stand in a word; every byte of a character beyond ASCII may.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}
