//! The words of an expression.

use super::error::{ExpressionError, ExpressionFlaw};

/// A word and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'t> {
    /// Byte offset in the expression.
    pub(super) at: usize,
    pub(super) word: Word<'t>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Word<'t> {
    Name(&'t str),
    Text(&'t str),
    Integer(i64),
    Float(f64),
    /// A sign of one or two characters.
    Sign(&'static str),
    End,
}

impl Word<'_> {
    /// Names it in an error.
    pub(super) fn shown(&self) -> String {
        match self {
            Word::Name(name) => ax_manifest::Quoted(name).to_string(),
            Word::Text(_) => "a text".to_owned(),
            Word::Integer(_) | Word::Float(_) => "a number".to_owned(),
            Word::Sign(sign) => format!("`{sign}`"),
            Word::End => "the end".to_owned(),
        }
    }
}

/// Signs, those of two characters first.
const SIGNS: [&str; 12] = ["==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ".", ","];

/// What people type who know another language, and what it is called here.
const FOREIGN: [(&str, Option<&str>); 11] = [
    ("=", Some("==")),
    ("&&", Some("and")),
    ("||", Some("or")),
    ("!", Some("not")),
    ("&", Some("and")),
    ("|", None),
    ("+", None),
    ("-", None),
    ("*", None),
    ("/", None),
    ("%", None),
];

/// Cuts an expression into words; the last one is [`Word::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ExpressionError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (word, bytes) = word(rest).map_err(|flaw| ExpressionError::new(at, flaw))?;
        tokens.push(Token { at, word });
        at += bytes;
    }
    tokens.push(Token { at, word: Word::End });
    Ok(tokens)
}

/// Reads the word with which `rest` begins, and says how many bytes it has.
fn word(rest: &str) -> Result<(Word<'_>, usize), ExpressionFlaw> {
    let first = rest.as_bytes()[0];
    if first.is_ascii_alphabetic() || first == b'_' {
        let name = while_in(rest, |byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        return Ok((Word::Name(name), name.len()));
    }
    if first == b'"' || first == b'\'' {
        let inside = &rest[1..];
        let end = inside.find(char::from(first)).ok_or(ExpressionFlaw::OpenText)?;
        return Ok((Word::Text(&inside[..end]), end + 2));
    }
    let unsigned = rest.strip_prefix('-').unwrap_or(rest);
    if unsigned.starts_with(|digit: char| digit.is_ascii_digit()) {
        return number(rest, rest.len() - unsigned.len());
    }
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        return Ok((Word::Sign(sign), sign.len()));
    }
    Err(match FOREIGN.into_iter().find(|(sign, _)| rest.starts_with(sign)) {
        Some((sign, meant)) => ExpressionFlaw::Character { character: sign.to_owned(), meant },
        None => {
            let character = rest.chars().take(1).collect();
            ExpressionFlaw::Character { character, meant: None }
        }
    })
}

/// Reads a number as JSON has them. A full stop belongs to it only before a digit.
fn number(rest: &str, sign_bytes: usize) -> Result<(Word<'_>, usize), ExpressionFlaw> {
    let mut end = sign_bytes + while_in(&rest[sign_bytes..], |byte| byte.is_ascii_digit()).len();
    let digits_at = |at: usize| rest.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let mut is_whole = true;
    if rest[end..].starts_with('.') && digits_at(end + 1) {
        is_whole = false;
        end += 1 + while_in(&rest[end + 1..], |byte| byte.is_ascii_digit()).len();
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['-', '+']));
        if digits_at(end + 1 + sign) {
            is_whole = false;
            let from = end + 1 + sign;
            end = from + while_in(&rest[from..], |byte| byte.is_ascii_digit()).len();
        }
    }
    let text = &rest[..end];
    let wrong = || ExpressionFlaw::Number { text: text.to_owned() };
    if rest[end..].starts_with(|next: char| next.is_alphanumeric() || next == '_') {
        return Err(wrong());
    }
    let word = if is_whole {
        Word::Integer(text.parse().map_err(|_| wrong())?)
    } else {
        let float: f64 = text.parse().map_err(|_| wrong())?;
        Word::Float(if float.is_finite() { float } else { return Err(wrong()) })
    };
    Ok((word, end))
}

fn while_in(text: &str, is_in: impl Fn(u8) -> bool) -> &str {
    let end = text.bytes().position(|byte| !is_in(byte)).unwrap_or(text.len());
    &text[..end]
}
