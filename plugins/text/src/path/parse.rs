//! Reads queries.
//!
//! Invariant: no character is looked at more than a few times, so no query takes long; nesting ends
//! at [`NEST_MAX`]; a query that was read is well-typed in the sense of RFC 9535.

use serde_json::Value;

use super::lexer::Lexer;
use super::query::Call;
use super::query::Comparison;
use super::query::Logic;
use super::query::Operand;
use super::query::Query;
use super::query::Segment;
use super::query::Selector;
use crate::refusal::Refusal;

/// Levels of parentheses, filters and functions together. Reading and evaluating recurse, and each
/// filter multiplies the work.
const NEST_MAX: usize = 8;

/// Reads a whole query.
///
/// # Errors
///
/// [`Refusal::Query`] where it stops making sense.
pub(super) fn parse(text: &str) -> Result<Query, Refusal> {
    let mut parser = Parser { lexer: Lexer::new(text), nested: 0 };
    if !parser.lexer.take("$") {
        return Err(parser.lexer.wrong("a query begins with `$`"));
    }
    let segments = parser.segments()?;
    if !parser.lexer.is_at_end() {
        return Err(parser.lexer.wrong("a segment is wanted here: `.name`, `[…]` or `..`"));
    }
    Ok(Query { absolute: true, segments })
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    nested: usize,
}

impl Parser<'_> {
    fn nest<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if self.nested == NEST_MAX {
            return Err(self
                .lexer
                .wrong("filters, parentheses and functions nest more than 8 deep"));
        }
        self.nested += 1;
        let read = read(self);
        self.nested -= 1;
        read
    }

    fn segments(&mut self) -> Result<Vec<Segment>, Refusal> {
        let mut segments = Vec::new();
        loop {
            // Blanks may stand before a segment and not at the end.
            let before = self.lexer.clone();
            self.lexer.blanks();
            let descendant = self.lexer.take("..");
            let selectors = if self.lexer.take("[") {
                self.bracketed()?
            } else if descendant || self.lexer.take(".") {
                vec![self.shorthand()?]
            } else {
                self.lexer = before;
                return Ok(segments);
            };
            segments.push(Segment { descendant, selectors });
        }
    }

    fn shorthand(&mut self) -> Result<Selector, Refusal> {
        if self.lexer.take("*") {
            return Ok(Selector::Wildcard);
        }
        Ok(Selector::Name(self.lexer.name()?.to_owned()))
    }

    fn bracketed(&mut self) -> Result<Vec<Selector>, Refusal> {
        let mut selectors = Vec::new();
        loop {
            self.lexer.blanks();
            selectors.push(self.selector()?);
            self.lexer.blanks();
            if self.lexer.take("]") {
                return Ok(selectors);
            }
            if !self.lexer.take(",") {
                return Err(self.lexer.wrong("`,` or `]` is wanted here"));
            }
        }
    }

    fn selector(&mut self) -> Result<Selector, Refusal> {
        match self.lexer.peek() {
            Some('\'' | '"') => Ok(Selector::Name(self.lexer.string()?)),
            Some('*') => {
                self.lexer.take("*");
                Ok(Selector::Wildcard)
            }
            Some('?') => {
                self.lexer.take("?");
                Ok(Selector::Filter(self.nest(Self::or)?))
            }
            Some('-' | ':' | '0'..='9') => self.index_or_slice(),
            _ => Err(self
                .lexer
                .wrong("a selector is wanted here: a quoted name, a number, `*` or `?`")),
        }
    }

    fn index_or_slice(&mut self) -> Result<Selector, Refusal> {
        let start = self.optional_integer()?;
        let before = self.lexer.clone();
        self.lexer.blanks();
        if !self.lexer.take(":") {
            self.lexer = before;
            let index = start.ok_or_else(|| self.lexer.wrong("an index is wanted here"))?;
            return Ok(Selector::Index(index));
        }
        self.lexer.blanks();
        let end = self.optional_integer()?;
        let before = self.lexer.clone();
        self.lexer.blanks();
        let mut step = None;
        if self.lexer.take(":") {
            self.lexer.blanks();
            step = self.optional_integer()?;
        } else {
            self.lexer = before;
        }
        Ok(Selector::Slice { start, end, step: step.unwrap_or(1) })
    }

    fn optional_integer(&mut self) -> Result<Option<i64>, Refusal> {
        match self.lexer.peek() {
            Some('-' | '0'..='9') => self.lexer.integer().map(Some),
            _ => Ok(None),
        }
    }

    fn or(&mut self) -> Result<Logic, Refusal> {
        self.joined("||", Self::and, Logic::Or)
    }

    fn and(&mut self) -> Result<Logic, Refusal> {
        self.joined("&&", Self::basic, Logic::And)
    }

    /// Reads one part, or several with a sign between them.
    fn joined(
        &mut self,
        sign: &str,
        part: fn(&mut Self) -> Result<Logic, Refusal>,
        join: fn(Vec<Logic>) -> Logic,
    ) -> Result<Logic, Refusal> {
        let mut parts = Vec::new();
        loop {
            self.lexer.blanks();
            let read = part(self)?;
            let before = self.lexer.clone();
            self.lexer.blanks();
            if self.lexer.take(sign) {
                parts.push(read);
                continue;
            }
            self.lexer = before;
            if parts.is_empty() {
                return Ok(read);
            }
            parts.push(read);
            return Ok(join(parts));
        }
    }

    fn basic(&mut self) -> Result<Logic, Refusal> {
        if self.lexer.take("!") {
            self.lexer.blanks();
            let negated = match self.lexer.peek() {
                Some('(') => self.parenthesis()?,
                _ => {
                    let operand = self.operand()?;
                    self.test(operand)?
                }
            };
            return Ok(Logic::Not(Box::new(negated)));
        }
        if self.lexer.peek() == Some('(') {
            return self.parenthesis();
        }
        let left = self.operand()?;
        let before = self.lexer.clone();
        self.lexer.blanks();
        let Some(comparison) = self.comparison() else {
            self.lexer = before;
            return self.test(left);
        };
        let left = self.comparable(left)?;
        self.lexer.blanks();
        let right = self.operand()?;
        let right = self.comparable(right)?;
        Ok(Logic::Compare { left, comparison, right })
    }

    fn parenthesis(&mut self) -> Result<Logic, Refusal> {
        self.lexer.take("(");
        let inner = self.nest(Self::or)?;
        self.lexer.blanks();
        if !self.lexer.take(")") {
            return Err(self.lexer.wrong("`)`, `&&` or `||` is wanted here"));
        }
        Ok(inner)
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let signs = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        signs.into_iter().find(|(sign, _)| self.lexer.take(sign)).map(|(_, comparison)| comparison)
    }

    /// Takes an operand as a condition of its own.
    fn test(&self, operand: Operand) -> Result<Logic, Refusal> {
        match operand {
            Operand::Query(query) => Ok(Logic::Exists(query)),
            Operand::Call(call) if call.is_logical() => Ok(Logic::Matches(call)),
            Operand::Call(_) => Err(self.lexer.wrong("the function's value must be compared")),
            Operand::Literal(_) => Err(self.lexer.wrong("a literal must be compared")),
        }
    }

    /// Takes an operand as a value.
    fn comparable(&self, operand: Operand) -> Result<Operand, Refusal> {
        match &operand {
            Operand::Query(query) if !query.is_singular() => {
                Err(self.lexer.wrong("only a query of one node by its form has a value"))
            }
            Operand::Call(call) if call.is_logical() => {
                Err(self.lexer.wrong("the function gives no value but true or false"))
            }
            Operand::Literal(_) | Operand::Query(_) | Operand::Call(_) => Ok(operand),
        }
    }

    /// Reads a literal, a query or a function.
    fn operand(&mut self) -> Result<Operand, Refusal> {
        match self.lexer.peek() {
            Some('$' | '@') => self.query().map(Operand::Query),
            Some('\'' | '"') => self.lexer.string().map(|text| Operand::Literal(text.into())),
            Some('-' | '0'..='9') => {
                self.lexer.number().map(|number| Operand::Literal(Value::Number(number)))
            }
            Some('a'..='z') => self.word(),
            _ => Err(self.lexer.wrong("a literal, a query or a function is wanted here")),
        }
    }

    fn query(&mut self) -> Result<Query, Refusal> {
        let absolute = self.lexer.take("$");
        if !absolute && !self.lexer.take("@") {
            return Err(self.lexer.wrong("a query is wanted here: `@…` or `$…`"));
        }
        Ok(Query { absolute, segments: self.segments()? })
    }

    fn word(&mut self) -> Result<Operand, Refusal> {
        let start = self.lexer.clone();
        let name = self.lexer.function_name();
        if !self.lexer.take("(") {
            return match name {
                "true" => Ok(Operand::Literal(Value::Bool(true))),
                "false" => Ok(Operand::Literal(Value::Bool(false))),
                "null" => Ok(Operand::Literal(Value::Null)),
                _ => Err(start.wrong("this is no literal and no function")),
            };
        }
        let call = self.nest(|parser| parser.call(name, &start))?;
        self.lexer.blanks();
        if !self.lexer.take(")") {
            return Err(self.lexer.wrong("`)` is wanted here"));
        }
        Ok(Operand::Call(call))
    }

    fn call(&mut self, name: &str, start: &Lexer<'_>) -> Result<Call, Refusal> {
        self.lexer.blanks();
        match name {
            "length" => Ok(Call::Length(self.value_argument()?)),
            "count" => Ok(Call::Count(self.query()?)),
            "value" => Ok(Call::Value(self.query()?)),
            "match" | "search" => {
                let text = self.value_argument()?;
                self.lexer.blanks();
                if !self.lexer.take(",") {
                    return Err(self.lexer.wrong("`,` and a second argument are wanted here"));
                }
                self.lexer.blanks();
                let pattern = self.value_argument()?;
                Ok(Call::Match { whole: name == "match", text, pattern })
            }
            _ => Err(start.wrong("the functions are length, count, value, match and search")),
        }
    }

    fn value_argument(&mut self) -> Result<Box<Operand>, Refusal> {
        let operand = self.operand()?;
        self.comparable(operand).map(Box::new)
    }
}
