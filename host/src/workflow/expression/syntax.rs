//! What the words of an expression form.
//!
//! Invariant: a term is at most [`EXPRESSION_DEPTH_MAX`] deep, since only parentheses, `not` and functions
//! nest; `and` and `or` are lists.

use std::fmt;

use ax_manifest::nearest;
use serde_json::Value;

use super::error::{ExpressionError, ExpressionFlaw};
use super::token::{Token, Word, tokens};
use super::{EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX};

/// What stands between `{{` and `}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: Box<str>,
    term: Term,
}

/// What an expression is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// A value that is written out.
    Literal(Value),
    /// A value that is named.
    Path(Path),
    /// Whether two values are so.
    Compared(Box<Compared>),
    /// Whether all are true.
    And(Vec<Term>),
    /// Whether one is true.
    Or(Vec<Term>),
    /// Whether it is false.
    Not(Box<Term>),
    /// What a function makes of it.
    Call(Function, Box<Term>),
}

/// A comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// How.
    pub operator: Operator,
    /// What.
    pub left: Term,
    /// With what.
    pub right: Term,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

/// What can be made of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// The number of items, members or characters.
    Length,
    /// The names of the members.
    Keys,
}

/// The name of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Byte offset in the expression.
    pub at: usize,
    /// Where it begins.
    pub root: Root,
    /// Which way it goes from there.
    pub accessors: Vec<Accessor>,
}

/// Where the name of a value begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// What the workflow was given.
    Input,
    /// What a step gave.
    Step(String),
    /// What the step is done for.
    Item,
    /// The place of that in its list, from 0.
    Index,
}

/// One turn on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accessor {
    /// A member of an object.
    Member(String),
    /// An item of a list, from 0.
    Item(usize),
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => f.write_str("input"),
            Self::Step(name) => write!(f, "steps.{name}"),
            Self::Item => f.write_str("item"),
            Self::Index => f.write_str("index"),
        }
    }
}

impl fmt::Display for Accessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) if is_name(name) => write!(f, ".{name}"),
            Self::Member(name) => write!(f, "[{name:?}]"),
            Self::Item(index) => write!(f, "[{index}]"),
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

impl Path {
    /// Returns the text of its first `turns` turns.
    #[must_use]
    pub fn up_to(&self, turns: usize) -> String {
        let turns = self.accessors.iter().take(turns).map(ToString::to_string);
        format!("{}{}", self.root, turns.collect::<String>())
    }
}

impl Expression {
    /// Parses what stands between the braces.
    ///
    /// # Errors
    ///
    /// [`ExpressionError`] with the byte offset in `text`.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > EXPRESSION_BYTES_MAX {
            let flaw = ExpressionFlaw::TooLong { bytes: text.len() };
            return Err(ExpressionError::new(0, flaw));
        }
        let tokens = tokens(text)?;
        if tokens.len() == 1 {
            return Err(ExpressionError::new(0, ExpressionFlaw::Empty));
        }
        let mut parser = Parser { tokens: &tokens, next: 0, depth_left: EXPRESSION_DEPTH_MAX };
        let term = parser.or()?;
        match parser.peek() {
            Word::End => Ok(Self { text: text.trim().into(), term }),
            _ => Err(parser.expected("`and`, `or`, a comparison or the end")),
        }
    }

    /// Returns it as it was written, without the blanks around it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns what it is made of.
    #[must_use]
    pub fn term(&self) -> &Term {
        &self.term
    }

    /// Lists the values it names, in the order of the text.
    #[must_use]
    pub fn references(&self) -> Vec<&Path> {
        let mut found = Vec::new();
        self.term.collect(&mut found);
        found
    }
}

impl Term {
    fn collect<'t>(&'t self, found: &mut Vec<&'t Path>) {
        match self {
            Self::Literal(_) => {}
            Self::Path(path) => found.push(path),
            Self::Compared(it) => {
                it.left.collect(found);
                it.right.collect(found);
            }
            Self::And(terms) | Self::Or(terms) => {
                terms.iter().for_each(|term| term.collect(found));
            }
            Self::Not(term) | Self::Call(_, term) => term.collect(found),
        }
    }
}

struct Parser<'p, 't> {
    tokens: &'p [Token<'t>],
    next: usize,
    depth_left: usize,
}

impl<'t> Parser<'_, 't> {
    fn token(&self) -> &Token<'t> {
        // The last one is the end, and nothing steps over it.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn peek(&self) -> Word<'t> {
        self.token().word
    }

    fn take(&mut self) -> Word<'t> {
        let word = self.peek();
        self.next += 1;
        word
    }

    fn take_if(&mut self, word: Word<'_>) -> bool {
        let is_it = self.peek() == word;
        self.next += usize::from(is_it);
        is_it
    }

    fn wrong(&self, flaw: ExpressionFlaw) -> ExpressionError {
        ExpressionError::new(self.token().at, flaw)
    }

    fn expected(&self, wanted: &'static str) -> ExpressionError {
        self.wrong(ExpressionFlaw::Expected { wanted, found: self.peek().shown() })
    }

    fn close(&mut self, sign: &'static str, wanted: &'static str) -> Result<(), ExpressionError> {
        if self.take_if(Word::Sign(sign)) { Ok(()) } else { Err(self.expected(wanted)) }
    }

    /// Reads what is nested one deeper.
    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
        let Some(left) = self.depth_left.checked_sub(1) else {
            return Err(self.wrong(ExpressionFlaw::TooDeep));
        };
        self.depth_left = left;
        let inner = read(self)?;
        self.depth_left += 1;
        Ok(inner)
    }

    fn or(&mut self) -> Result<Term, ExpressionError> {
        let first = self.and()?;
        let mut terms = vec![first];
        while self.take_if(Word::Name("or")) {
            terms.push(self.and()?);
        }
        Ok(one_or(terms, Term::Or))
    }

    fn and(&mut self) -> Result<Term, ExpressionError> {
        let first = self.not()?;
        let mut terms = vec![first];
        while self.take_if(Word::Name("and")) {
            terms.push(self.not()?);
        }
        Ok(one_or(terms, Term::And))
    }

    fn not(&mut self) -> Result<Term, ExpressionError> {
        if self.take_if(Word::Name("not")) {
            return Ok(Term::Not(Box::new(self.deeper(Self::not)?)));
        }
        let left = self.operand()?;
        let operator = match self.peek() {
            Word::Sign("==") => Operator::Equal,
            Word::Sign("!=") => Operator::Unequal,
            Word::Sign("<") => Operator::Less,
            Word::Sign("<=") => Operator::AtMost,
            Word::Sign(">") => Operator::More,
            Word::Sign(">=") => Operator::AtLeast,
            _ => return Ok(left),
        };
        self.next += 1;
        let right = self.operand()?;
        Ok(Term::Compared(Box::new(Compared { operator, left, right })))
    }

    fn operand(&mut self) -> Result<Term, ExpressionError> {
        const WANTED: &str = "a value";
        let at = self.token().at;
        let literal = match self.peek() {
            Word::Text(text) => Value::from(text),
            Word::Integer(integer) => Value::from(integer),
            Word::Float(float) => Value::from(float),
            Word::Sign("(") => {
                self.next += 1;
                let inner = self.deeper(Self::or)?;
                self.close(")", "`)`")?;
                return Ok(inner);
            }
            Word::Name("true") => Value::Bool(true),
            Word::Name("false") => Value::Bool(false),
            Word::Name("null") => Value::Null,
            Word::Name("and" | "or" | "not") | Word::Sign(_) | Word::End => {
                return Err(self.expected(WANTED));
            }
            Word::Name(name) => {
                self.next += 1;
                return self.named(at, name);
            }
        };
        self.next += 1;
        Ok(Term::Literal(literal))
    }

    /// Reads on after the first name of a path or of a call.
    fn named(&mut self, at: usize, name: &str) -> Result<Term, ExpressionError> {
        if self.take_if(Word::Sign("(")) {
            let function = match name {
                "length" => Function::Length,
                "keys" => Function::Keys,
                _ => {
                    let flaw = ExpressionFlaw::Function { name: name.to_owned() };
                    return Err(ExpressionError::new(at, flaw));
                }
            };
            let argument = self.deeper(Self::or)?;
            self.close(")", "`)`")?;
            return Ok(Term::Call(function, Box::new(argument)));
        }
        let root = match name {
            "input" => Root::Input,
            "item" => Root::Item,
            "index" => Root::Index,
            "steps" => match self.accessor()? {
                Some(Accessor::Member(step)) => Root::Step(step),
                _ => return Err(ExpressionError::new(at, ExpressionFlaw::NoStep)),
            },
            _ => {
                let nearest = nearest(name, ["input", "steps", "item", "index"]);
                let flaw = ExpressionFlaw::Root { name: name.to_owned(), nearest };
                return Err(ExpressionError::new(at, flaw));
            }
        };
        let mut accessors = Vec::new();
        while let Some(accessor) = self.accessor()? {
            accessors.push(accessor);
        }
        Ok(Term::Path(Path { at, root, accessors }))
    }

    fn accessor(&mut self) -> Result<Option<Accessor>, ExpressionError> {
        if self.take_if(Word::Sign(".")) {
            let Word::Name(name) = self.peek() else {
                return Err(self.expected("a name, or `[0]` for an item,"));
            };
            self.next += 1;
            return Ok(Some(Accessor::Member(name.to_owned())));
        }
        if !self.take_if(Word::Sign("[")) {
            return Ok(None);
        }
        let accessor = match self.peek() {
            Word::Text(name) => Accessor::Member(name.to_owned()),
            Word::Integer(index) if index >= 0 => {
                Accessor::Item(usize::try_from(index).unwrap_or(usize::MAX))
            }
            _ => return Err(self.expected("a number from 0 or a text")),
        };
        self.take();
        self.close("]", "`]`")?;
        Ok(Some(accessor))
    }
}

/// Takes a single term out of its list.
fn one_or(mut terms: Vec<Term>, many: fn(Vec<Term>) -> Term) -> Term {
    match terms.len() {
        1 => terms.remove(0),
        _ => many(terms),
    }
}
