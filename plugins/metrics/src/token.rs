//! Splits source text into words, symbols and literals, without comments.
//!
//! One reader for four dialects that differ in comments, strings and a few symbols. It never fails:
//! what is left open ends at the end of its line (simple strings, regular expressions) or of the
//! text (block comments, long strings).
//!
//! Not here: what the tokens mean (`function`, `complexity`); the kinds of lines (`scan`).

use crate::cursor::Cursor;
use crate::cursor::is_word;
use crate::directive::directive;
use crate::language::Language;
use crate::literal;

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
    cursor: Cursor<'a>,
    previous: Option<Shape<'a>>,
    /// For each open `${`: how many braces are open inside it.
    templates: Vec<u32>,
}

impl<'a> Tokens<'a> {
    /// Begins at the start of `text`.
    pub fn new(dialect: Dialect, text: &'a str) -> Self {
        Self { dialect, cursor: Cursor::new(text), previous: None, templates: Vec::new() }
    }

    /// Steps over white space and comments.
    fn skip_space(&mut self) {
        while !self.cursor.is_done() {
            match (self.dialect, self.cursor.peek(0)) {
                (Dialect::C, b'#') if self.cursor.begins_line => directive(&mut self.cursor),
                (Dialect::Python, b'#') => self.cursor.skip_line(),
                (Dialect::Python, b'/') => return,
                (_, b'/') if self.cursor.peek(1) == b'/' => self.cursor.skip_line(),
                (_, b'/') if self.cursor.peek(1) == b'*' => self.block_comment(),
                (_, b'\\') => {
                    self.cursor.at += 1;
                    self.cursor.skip(usize::from(self.cursor.peek(0) == b'\r'));
                    if self.cursor.peek(0) == b'\n' {
                        self.cursor.step();
                        self.cursor.begins_line = false;
                    }
                }
                (_, byte) if byte.is_ascii_whitespace() => self.cursor.step(),
                _ => return,
            }
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_u32;
        while !self.cursor.is_done() {
            if self.cursor.starts_with("*/") {
                self.cursor.at += 2;
                depth -= 1;
                if depth == 0 {
                    return;
                }
            } else if self.cursor.starts_with("/*") && (depth == 0 || self.dialect == Dialect::Rust)
            {
                self.cursor.at += 2;
                depth += 1;
            } else {
                self.cursor.step();
            }
        }
    }

    fn word(&mut self) -> Shape<'a> {
        let text = self.cursor.text;
        let start = self.cursor.at;
        self.cursor.skip_word();
        let word = &text[start..self.cursor.at];
        if self.dialect == Dialect::Rust
            && matches!(word, "r" | "br" | "cr")
            && literal::raw_string(&mut self.cursor)
        {
            return Shape::Literal;
        }
        if self.dialect == Dialect::Rust && word == "r" && self.cursor.peek(0) == b'#' {
            // A name that is spelled like a keyword.
            self.cursor.at += 1;
            self.cursor.skip_word();
        }
        Shape::Word(&text[start..self.cursor.at])
    }

    /// Reads a template literal up to its end or to the next `${`.
    fn template(&mut self) -> Shape<'a> {
        while !self.cursor.is_done() {
            match self.cursor.peek(0) {
                b'`' => {
                    self.cursor.at += 1;
                    break;
                }
                b'$' if self.cursor.peek(1) == b'{' && self.templates.len() < TEMPLATES_MAX => {
                    self.cursor.at += 2;
                    self.templates.push(0);
                    break;
                }
                b'\\' => self.cursor.skip(2),
                _ => self.cursor.step(),
            }
        }
        Shape::Literal
    }

    fn symbol(&mut self) -> Shape<'a> {
        let text = self.cursor.text;
        let mut known = SYMBOLS.iter().find(|symbol| self.cursor.starts_with(symbol));
        // `a?.5:b` is a condition.
        if self.dialect == Dialect::Script && !self.cursor.peek(2).is_ascii_digit() {
            let mut more = SCRIPT_SYMBOLS.iter();
            known = known.or_else(|| more.find(|symbol| self.cursor.starts_with(symbol)));
        }
        let length = known.map_or(1, |symbol| symbol.len());
        let symbol = &text[self.cursor.at..self.cursor.at + length];
        self.cursor.at += length;
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

    fn literal(&mut self, read: impl FnOnce(&mut Cursor<'a>)) -> Shape<'a> {
        read(&mut self.cursor);
        Shape::Literal
    }

    /// Reads the token that begins here.
    fn shape(&mut self) -> Shape<'a> {
        let is_script = self.dialect == Dialect::Script;
        let is_python = self.dialect == Dialect::Python;
        match self.cursor.peek(0) {
            byte if byte.is_ascii_digit() => self.literal(literal::number),
            byte if is_word(byte) => self.word(),
            b'"' | b'\'' if is_python && self.is_tripled() => {
                let end = if self.cursor.peek(0) == b'"' { "\"\"\"" } else { "'''" };
                self.cursor.at += 3;
                self.literal(|cursor| literal::string(cursor, end, false))
            }
            b'"' => {
                self.cursor.at += 1;
                let is_simple = self.dialect != Dialect::Rust;
                self.literal(|cursor| literal::string(cursor, "\"", is_simple))
            }
            b'\'' if self.dialect == Dialect::Rust => self.literal(literal::character),
            b'\'' => {
                self.cursor.at += 1;
                self.literal(|cursor| literal::string(cursor, "'", true))
            }
            b'`' if is_script => {
                self.cursor.at += 1;
                self.template()
            }
            b'/' if is_script && !self.previous.is_some_and(Shape::is_operand) => {
                self.literal(literal::regex)
            }
            _ => self.symbol(),
        }
    }

    fn is_tripled(&self) -> bool {
        self.cursor.peek(1) == self.cursor.peek(0) && self.cursor.peek(2) == self.cursor.peek(0)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        if self.cursor.is_done() {
            return None;
        }
        let (line, begins_line) = (self.cursor.line, self.cursor.begins_line);
        let column = u32::try_from(self.cursor.at - self.cursor.line_start).unwrap_or(u32::MAX);
        self.cursor.begins_line = false;
        let shape = self.shape();
        // A token of several lines does not make what follows it the first on a line.
        self.cursor.begins_line = false;
        self.previous = Some(shape);
        // One that is never closed takes the last line break with it.
        let takes_break = self.cursor.text.as_bytes()[..self.cursor.at].last() == Some(&b'\n');
        let line_end = self.cursor.line - u32::from(takes_break);
        Some(Token { shape, line, line_end, column, begins_line })
    }
}
