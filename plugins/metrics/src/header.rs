//! Recognises what stands before the body of a function, for languages with braces.
//!
//! | Dialect | Header |
//! |---|---|
//! | C | a name, its parameters and a brace, outside functions |
//! | JavaScript, TypeScript | `function`; a name, its parameters and a brace; `=>` and a brace |
//! | Rust | `fn` and a name |
//!
//! Not here: where a body ends (`braces`).

use crate::braces::FRAMES_MAX;
use crate::function::ANONYMOUS;
use crate::function::Step;
use crate::token::Dialect;
use crate::token::Shape;

/// Words of C before a parenthesis that name no function.
const NOT_NAMES_IN_C: [&str; 13] = [
    "__attribute__",
    "__declspec",
    "__asm__",
    "asm",
    "_Alignas",
    "alignas",
    "typeof",
    "__typeof__",
    "sizeof",
    "void",
    "int",
    "char",
    "_Static_assert",
];
/// Words of JavaScript before a parenthesis that begin no method.
const NOT_METHODS: [&str; 9] =
    ["if", "for", "while", "switch", "catch", "with", "return", "await", "super"];
/// Words of JavaScript that begin another statement, so that what was open before is not.
const STATEMENTS: [&str; 18] = [
    "if",
    "for",
    "while",
    "switch",
    "try",
    "return",
    "throw",
    "const",
    "let",
    "var",
    "class",
    "interface",
    "enum",
    "export",
    "import",
    "case",
    "default",
    "break",
];
/// What may turn out to be a function once its brace comes.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Its name; empty when it has none so far.
    pub name: &'a str,
    /// Its first line.
    pub line: u32,
    /// Parentheses around it.
    depth: u32,
    /// Whether its parameters are closed, so that a brace may open the body.
    is_ready: bool,
}

/// A name on the left of `=` or `:`, for the function on the right.
#[derive(Debug, Clone, Copy)]
struct Binding<'a> {
    name: &'a str,
    line: u32,
    depth: u32,
    /// Whether it names a type, so that an arrow after it is no function.
    is_type: bool,
    /// Whether its `=` is still to come.
    is_fresh: bool,
}

/// An open parenthesis.
#[derive(Debug, Clone, Copy)]
struct Group<'a> {
    /// The name before it, if it can be that of a function.
    name: Option<&'a str>,
    line: u32,
    depth: u32,
}

/// What was being read when a brace opened.
#[derive(Debug)]
pub struct Aside<'a> {
    depth: u32,
    header: Option<Header<'a>>,
    binding: Option<Binding<'a>>,
}

/// Reads headers.
#[derive(Debug)]
pub struct Headers<'a> {
    dialect: Dialect,
    /// Parentheses and square brackets that are open.
    depth: u32,
    header: Option<Header<'a>>,
    groups: Vec<Group<'a>>,
    binding: Option<Binding<'a>>,
    /// The word before the last `<`: a method's name may be followed by type parameters.
    generic: Option<&'a str>,
    /// Where the parenthesis opened that was closed last.
    group_line: u32,
    /// Where the parameters of the last arrow begin.
    arrow_line: u32,
}

impl<'a> Headers<'a> {
    /// Begins outside all headers.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            depth: 0,
            header: None,
            groups: Vec::new(),
            binding: None,
            generic: None,
            group_line: 0,
            arrow_line: 0,
        }
    }

    /// Takes a token that is no brace. `is_outside` says whether no function is open.
    pub fn read(&mut self, step: &Step<'a>, is_outside: bool) {
        match step.token.shape {
            Shape::Word(word) => self.word(step, word),
            Shape::Symbol("(") => self.open_group(step, is_outside),
            Shape::Symbol("[") => self.depth += 1,
            Shape::Symbol("]") => self.depth = self.depth.saturating_sub(1),
            Shape::Symbol(")") => self.close_group(step),
            Shape::Symbol(symbol) => self.symbol(step, symbol),
            Shape::Literal => {}
        }
    }

    /// Decides what an open brace is: the body of the header returned, or something else. What was
    /// being read is put aside until the brace closes.
    pub fn open_brace(&mut self, step: &Step<'a>) -> (Option<Header<'a>>, Aside<'a>) {
        let depth = self.depth;
        let header = self.header.filter(|header| header.is_ready && header.depth == depth);
        let binding = self.binding.filter(|binding| binding.depth == depth);
        let named = |line: u32| match binding {
            Some(binding) => {
                Header { name: binding.name, line: binding.line, depth, is_ready: true }
            }
            None => Header { name: ANONYMOUS, line, depth, is_ready: true },
        };
        let previous = step.previous;
        let body = match (self.dialect, header) {
            (Dialect::C, _) => header.filter(|_| previous == Some(Shape::Symbol(")"))),
            (Dialect::Script, _) if previous == Some(Shape::Symbol("=>")) => {
                let is_type = binding.is_some_and(|binding| binding.is_type);
                (!is_type).then(|| named(self.arrow_line))
            }
            (Dialect::Script, Some(header)) => match previous {
                // Parameters or the end of a return type; after anything else it is a type itself.
                Some(Shape::Symbol(")" | ">" | "]" | "}") | Shape::Word(_) | Shape::Literal) => {
                    Some(if header.name.is_empty() { named(header.line) } else { header })
                }
                _ => None,
            },
            _ => header,
        };
        let aside = Aside { depth, header: self.header.take(), binding: self.binding.take() };
        let is_body = body.is_some();
        (body, if is_body { Aside { depth, header: None, binding: None } } else { aside })
    }

    /// Goes on after a brace that closed.
    pub fn close_brace(&mut self, aside: Aside<'a>) {
        let depth = aside.depth;
        (self.depth, self.header, self.binding) = (depth, aside.header, aside.binding);
        while self.groups.last().is_some_and(|group| group.depth >= depth) {
            self.groups.pop();
        }
    }

    fn word(&mut self, step: &Step<'a>, word: &'a str) {
        let line = step.token.line;
        match (self.dialect, word, step.next) {
            (Dialect::Rust, "fn", Some(Shape::Word(name))) => {
                self.header = Some(Header { name, line, depth: self.depth, is_ready: false });
            }
            (Dialect::Script, _, _) if step.previous == Some(Shape::Symbol(".")) => {}
            (Dialect::Script, "function", _) => {
                self.header = Some(Header { name: "", line, depth: self.depth, is_ready: false });
            }
            (Dialect::Script, "const" | "let" | "var" | "type", Some(Shape::Word(name))) => {
                self.header = None;
                let is_type = word == "type";
                let depth = self.depth;
                self.binding = Some(Binding { name, line, depth, is_type, is_fresh: true });
            }
            (Dialect::Script, _, next)
                if STATEMENTS.contains(&word)
                    || matches!((word, next), ("declare" | "namespace", Some(Shape::Word(_)))) =>
            {
                // Inside parameters it is a name.
                let depth = self.depth;
                self.header.take_if(|header| header.depth >= depth);
                self.binding.take_if(|binding| binding.depth >= depth);
            }
            (Dialect::Script, _, _) => {
                let depth = self.depth;
                if let Some(header) = &mut self.header
                    && header.name.is_empty()
                    && !header.is_ready
                    && header.depth == depth
                {
                    header.name = word;
                }
            }
            _ => {}
        }
    }

    fn symbol(&mut self, step: &Step<'a>, symbol: &'a str) {
        let depth = self.depth;
        let ends = match self.dialect {
            Dialect::C => matches!(symbol, ";" | "," | "="),
            // A comma may separate the arguments of a generic return type.
            Dialect::Script => matches!(symbol, ";" | "="),
            Dialect::Python | Dialect::Rust => symbol == ";",
        };
        self.header.take_if(|header| ends && header.depth >= depth);
        if self.dialect != Dialect::Script {
            return;
        }
        match (symbol, step.previous) {
            (";" | ",", _) => {
                self.binding.take_if(|binding| binding.depth >= depth);
            }
            ("=" | ":", Some(Shape::Word(name))) => self.bind(name, symbol, step.token.line),
            ("=", _) => {
                if let Some(binding) = &mut self.binding {
                    binding.is_fresh = false;
                }
            }
            ("<", Some(Shape::Word(name))) => self.generic = Some(name),
            ("=>", Some(Shape::Symbol(")"))) => self.arrow_line = self.group_line,
            ("=>", _) => self.arrow_line = step.token.line,
            _ => {}
        }
    }

    /// Notes the name before a `=` or `:`, unless an outer or a declared one holds.
    fn bind(&mut self, name: &'a str, symbol: &str, line: u32) {
        let depth = self.depth;
        if let Some(binding) = &mut self.binding {
            if binding.depth < depth {
                return;
            }
            if binding.depth == depth && binding.is_fresh {
                binding.is_fresh = symbol == ":";
                return;
            }
        }
        self.binding = Some(Binding { name, line, depth, is_type: false, is_fresh: symbol == ":" });
    }

    fn open_group(&mut self, step: &Step<'a>, is_outside: bool) {
        let (line, depth) = (step.token.line, self.depth);
        self.depth += 1;
        let is_header = self.header.is_some_and(|header| !header.is_ready && header.depth == depth);
        let name = match (self.dialect, step.previous) {
            (Dialect::C, Some(Shape::Word(word))) => {
                let is_name = is_outside && depth == 0 && !NOT_NAMES_IN_C.contains(&word);
                is_name.then_some(word)
            }
            (Dialect::Script, _) if is_header => None,
            (Dialect::Script, Some(Shape::Word(word))) => {
                (!NOT_METHODS.contains(&word)).then_some(word)
            }
            (Dialect::Script, Some(Shape::Symbol(">"))) => self.generic.take(),
            (Dialect::Script, Some(Shape::Symbol("]") | Shape::Literal)) => Some(ANONYMOUS),
            _ => None,
        };
        if self.groups.len() < FRAMES_MAX {
            self.groups.push(Group { name, line, depth });
        }
    }

    fn close_group(&mut self, step: &Step<'a>) {
        self.depth = self.depth.saturating_sub(1);
        let depth = self.depth;
        let group = self.groups.pop_if(|group| group.depth >= depth);
        self.header.take_if(|header| header.depth > depth);
        if let Some(header) = &mut self.header
            && header.depth == depth
        {
            header.is_ready = true;
            if self.dialect != Dialect::C {
                return;
            }
        }
        self.group_line = group.map_or(step.token.line, |group| group.line);
        let Some(group) = group else { return };
        let may_be_method = matches!(step.next, Some(Shape::Symbol("{" | ":")));
        if let Some(name) = group.name
            && (self.dialect == Dialect::C || may_be_method)
        {
            self.header = Some(Header { name, line: group.line, depth, is_ready: true });
        }
    }
}
