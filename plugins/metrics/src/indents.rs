//! Follows functions of Python: a function ends where a line begins at its own indent or less.
//!
//! Not here: functions in braces (`braces`).

use crate::function::Function;
use crate::function::Step;
use crate::token::Shape;

/// Deepest nesting of functions that is followed; deeper ones count as part of the one around them.
const OPEN_MAX: usize = 1_000;

/// The functions that are open.
#[derive(Debug, Default)]
pub struct Indents {
    open: Vec<Open>,
    /// Brackets that are open: inside them a line does not begin a statement.
    brackets: u32,
    /// Indent of the statement.
    indent: u32,
    /// Line of a `def` whose name comes next.
    pending: Option<u32>,
    /// Last line with a token.
    line: u32,
}

#[derive(Debug)]
struct Open {
    function: Function,
    indent: u32,
}

impl Indents {
    /// Takes the next token.
    pub fn read(&mut self, step: &Step, is_branch: bool, found: &mut dyn FnMut(Function)) {
        let token = &step.token;
        if token.begins_line && self.brackets == 0 {
            self.indent = token.column;
            self.close(self.indent, found);
        }
        self.line = token.line_end;
        match token.shape {
            Shape::Word("def") => self.pending = Some(token.line),
            Shape::Word(name) => {
                let begins = matches!(step.next, Some(Shape::Symbol("(" | "[")));
                if let Some(line) = self.pending.take()
                    && begins
                    && self.open.len() < OPEN_MAX
                {
                    let function = Function::begin(name, line);
                    self.open.push(Open { function, indent: self.indent });
                }
            }
            Shape::Symbol("(" | "[" | "{") => self.brackets += 1,
            Shape::Symbol(")" | "]" | "}") => self.brackets = self.brackets.saturating_sub(1),
            Shape::Symbol(_) | Shape::Literal => {}
        }
        if is_branch && let Some(open) = self.open.last_mut() {
            open.function.complexity += 1;
        }
    }

    /// Ends what is open at the end of the text.
    pub fn finish(mut self, found: &mut dyn FnMut(Function)) {
        self.close(0, found);
    }

    /// Ends the functions that are indented by `indent` or more.
    fn close(&mut self, indent: u32, found: &mut dyn FnMut(Function)) {
        while self.open.last().is_some_and(|open| open.indent >= indent) {
            if let Some(mut open) = self.open.pop() {
                open.function.line_end = self.line;
                found(open.function);
            }
        }
    }
}
