//! Follows functions of languages with braces: a function ends with the brace that closes its body.
//!
//! What opens a body is told by the tokens before the brace, its header. Each dialect has its own
//! headers (`header`); following the braces is the same for all.
//!
//! Not here: functions by indent (`indents`).

use crate::function::Function;
use crate::function::Step;
use crate::header::Aside;
use crate::header::Headers;
use crate::token::Dialect;
use crate::token::Shape;

/// Deepest nesting of braces that is followed; deeper braces are only counted, so that no file can
/// use up the memory.
pub const FRAMES_MAX: usize = 10_000;

/// The braces that are open.
#[derive(Debug)]
pub struct Braces<'a> {
    headers: Headers<'a>,
    frames: Vec<Frame<'a>>,
    /// The functions among the frames.
    open: Vec<Function>,
    /// Braces beyond [`FRAMES_MAX`].
    beyond: usize,
    /// Last line with a token.
    line: u32,
}

/// One open brace.
#[derive(Debug)]
struct Frame<'a> {
    is_function: bool,
    aside: Aside<'a>,
}

impl<'a> Braces<'a> {
    /// Begins outside all braces.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            headers: Headers::new(dialect),
            frames: Vec::new(),
            open: Vec::new(),
            beyond: 0,
            line: 0,
        }
    }

    /// Takes the next token.
    pub fn read(&mut self, step: &Step<'a>, is_branch: bool, found: &mut dyn FnMut(Function)) {
        self.line = step.token.line_end;
        match step.token.shape {
            Shape::Symbol("{") => self.open(step),
            Shape::Symbol("}") => self.close(found),
            _ => self.headers.read(step, self.open.is_empty()),
        }
        if is_branch && let Some(function) = self.open.last_mut() {
            function.complexity += 1;
        }
    }

    /// Ends what is open at the end of the text.
    pub fn finish(mut self, found: &mut dyn FnMut(Function)) {
        while let Some(mut function) = self.open.pop() {
            function.line_end = self.line;
            found(function);
        }
    }

    fn open(&mut self, step: &Step<'a>) {
        if self.frames.len() == FRAMES_MAX {
            self.beyond += 1;
            return;
        }
        let (body, aside) = self.headers.open_brace(step);
        if let Some(body) = body {
            self.open.push(Function::begin(body.name, body.line));
        }
        self.frames.push(Frame { is_function: body.is_some(), aside });
    }

    fn close(&mut self, found: &mut dyn FnMut(Function)) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let Some(frame) = self.frames.pop() else { return };
        self.headers.close_brace(frame.aside);
        if frame.is_function
            && let Some(mut function) = self.open.pop()
        {
            function.line_end = self.line;
            found(function);
        }
    }
}
