//! Goes through the characters of a query.
//!
//! Not here: what they mean together (`parse`).

use serde_json::Number;

use crate::refusal::Refusal;

/// Largest integer of a query, as RFC 9535 has it: 2^53 − 1.
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// The characters of a query that are not read yet.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Passes over a text if it comes next.
    pub(super) fn take(&mut self, token: &str) -> bool {
        let comes = self.rest().starts_with(token);
        if comes {
            self.at += token.len();
        }
        comes
    }

    /// Passes over blanks.
    pub(super) fn blanks(&mut self) {
        self.take_while(|character| matches!(character, ' ' | '\t' | '\n' | '\r'));
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|character| !wanted(character)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    pub(super) fn wrong(&self, why: &'static str) -> Refusal {
        Refusal::Query { byte: self.at, why }
    }

    /// Reads `-`, `0` or digits that do not begin with 0.
    pub(super) fn integer(&mut self) -> Result<i64, Refusal> {
        let start = self.clone();
        self.take("-");
        let digits = self.take_while(|character| character.is_ascii_digit());
        let written = &start.rest()[..self.at - start.at];
        let is_canonical = !digits.is_empty()
            && (written == "0" || !digits.starts_with('0'))
            && digits.len() <= 16;
        let number = written.parse::<i64>().ok().filter(|_| is_canonical);
        number.filter(|number| number.abs() <= INTEGER_MAX).ok_or_else(|| {
            start.wrong("this is no integer within ±(2^53 − 1) without leading zeros")
        })
    }

    /// Reads a number as JSON writes it.
    pub(super) fn number(&mut self) -> Result<Number, Refusal> {
        let start = self.clone();
        let is_number_char =
            |character: char| matches!(character, '0'..='9' | '+' | '-' | '.' | 'e' | 'E');
        let written = self.take_while(is_number_char);
        serde_json::from_str(written).map_err(|_| start.wrong("this is no number"))
    }

    /// Reads a name after a full stop.
    pub(super) fn name(&mut self) -> Result<&'a str, Refusal> {
        let is_first = |character: char| {
            character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
        };
        if !self.peek().is_some_and(is_first) {
            return Err(self.wrong("a name begins with a letter or `_`; write others as `['…']`"));
        }
        Ok(self.take_while(|character| is_first(character) || character.is_ascii_digit()))
    }

    /// Reads the name of a function.
    pub(super) fn function_name(&mut self) -> &'a str {
        self.take_while(|character| matches!(character, 'a'..='z' | '0'..='9' | '_'))
    }

    /// Reads a string with its quotes, of either kind.
    pub(super) fn string(&mut self) -> Result<String, Refusal> {
        let start = self.clone();
        let quote = if self.take("'") { '\'' } else { '"' };
        if quote == '"' && !self.take("\"") {
            return Err(self.wrong("a string is wanted here"));
        }
        let mut string = String::new();
        loop {
            let character = self.peek().ok_or_else(|| start.wrong("the string is not closed"))?;
            if character < ' ' {
                return Err(self.wrong("a string holds no control character; write `\\n`"));
            }
            self.at += character.len_utf8();
            match character {
                '\\' => string.push(self.escape(quote)?),
                _ if character == quote => return Ok(string),
                _ => string.push(character),
            }
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self, quote: char) -> Result<char, Refusal> {
        let character = self.peek().ok_or_else(|| self.wrong("the string is not closed"))?;
        let meant = match character {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '/' | '\\' => character,
            'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ if character == quote => character,
            _ => return Err(self.wrong("a backslash begins no such escape")),
        };
        self.at += 1;
        Ok(meant)
    }

    /// Reads four hexadecimal digits, or a pair of surrogates.
    fn unicode(&mut self) -> Result<char, Refusal> {
        let start = self.clone();
        let wrong = || start.wrong("`\\u` wants the four digits of a character, or a pair of them");
        let high = self.hexadecimal().ok_or_else(wrong)?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or_else(wrong);
        }
        let low = if self.take("\\u") { self.hexadecimal() } else { None };
        let low = low.filter(|low| (0xdc00..0xe000).contains(low)).ok_or_else(wrong)?;
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or_else(wrong)
    }

    fn hexadecimal(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}
