//! Finds functions with a body: name, first and last line, branches.
//!
//! A branch belongs to the innermost function around it. Closures, lambdas and arrow functions
//! whose body is an expression belong to the function around them.
//!
//! Not here: what a branch is (`complexity`); text to tokens (`token`).

use crate::braces::Braces;
use crate::complexity::Context;
use crate::complexity::is_branch;
use crate::indents::Indents;
use crate::token::Dialect;
use crate::token::Shape;
use crate::token::Token;
use crate::token::Tokens;

/// Longest name that is kept, in bytes; a longer one is cut. Names are shown, not looked up.
pub const NAME_BYTES_MAX: usize = 128;
/// What a function without a name is called.
pub const ANONYMOUS: &str = "<anonymous>";

/// A function with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name, or [`ANONYMOUS`].
    pub name: String,
    /// Its first line, from 1.
    pub line: u32,
    /// Its last line.
    pub line_end: u32,
    /// Branches + 1.
    pub complexity: u32,
}

impl Function {
    /// Begins a function that has no branch yet.
    pub fn begin(name: &str, line: u32) -> Self {
        let mut length = name.len().min(NAME_BYTES_MAX);
        while !name.is_char_boundary(length) {
            length -= 1;
        }
        Self { name: name[..length].to_owned(), line, line_end: line, complexity: 1 }
    }

    /// Lines from the first to the last, both included.
    pub fn lines(&self) -> u32 {
        self.line_end.saturating_sub(self.line) + 1
    }
}

/// A token and the shapes around it.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The token.
    pub token: Token<'a>,
    /// The shape before.
    pub previous: Option<Shape<'a>>,
    /// The shape after.
    pub next: Option<Shape<'a>>,
}

/// Calls `found` for each function of `text`, in the order in which they end.
pub fn functions(dialect: Dialect, text: &str, found: &mut dyn FnMut(Function)) {
    let mut finder = match dialect {
        Dialect::Python => Finder::Indents(Indents::default()),
        Dialect::C | Dialect::Script | Dialect::Rust => Finder::Braces(Braces::new(dialect)),
    };
    let mut tokens = Tokens::new(dialect, text).peekable();
    let mut previous = None;
    while let Some(token) = tokens.next() {
        let next = tokens.peek().map(|token| token.shape);
        let (shape, begins_line) = (token.shape, token.begins_line);
        let step = Step { token, previous, next };
        let branch = is_branch(dialect, &Context { previous, shape, next, begins_line });
        match &mut finder {
            Finder::Indents(finder) => finder.read(&step, branch, found),
            Finder::Braces(finder) => finder.read(&step, branch, found),
        }
        previous = Some(shape);
    }
    match finder {
        Finder::Indents(finder) => finder.finish(found),
        Finder::Braces(finder) => finder.finish(found),
    }
}

/// The two ways in which languages say where a function ends.
enum Finder<'a> {
    Indents(Indents),
    Braces(Braces<'a>),
}

#[cfg(test)]
mod tests {
    use super::functions;
    use crate::token::Dialect;

    /// Lists the functions of `text` as `name:first-last`, in the order of their lines.
    fn found(dialect: Dialect, text: &str) -> String {
        let mut all = Vec::new();
        functions(dialect, text, &mut |function| all.push(function));
        all.sort_by(|a, b| (a.line, &a.name).cmp(&(b.line, &b.name)));
        let shown = all.iter().map(|f| format!("{}:{}-{}", f.name, f.line, f.line_end));
        shown.collect::<Vec<_>>().join(" ")
    }

    fn check(dialect: Dialect, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(found(dialect, text), *expected, "{text}");
        }
    }

    #[test]
    fn functions_of_rust_are_found() {
        check(
            Dialect::Rust,
            &[
                ("fn a() {\n}\n\npub async fn b<T>(x: T)\nwhere T: C {\n  d()\n}", "a:1-2 b:4-7"),
                ("impl A {\n fn b(&self) -> u8 { 1 }\n}", "b:2-2"),
                ("trait A { fn b(); fn c(x: [u8; 2]) {} }", "c:1-1"),
                ("fn a() {\n fn b() {\n }\n}", "a:1-4 b:2-3"),
                ("type F = fn(u8) -> u8; struct S { f: fn() }", ""),
                ("fn a() -> [u8; { 2 }] { x }", "a:1-1"),
                ("fn a() { let s = S { x: 1 }; }\nfn b() {}", "a:1-1 b:2-2"),
            ],
        );
    }

    #[test]
    fn strings_and_comments_of_rust_hide_nothing() {
        check(
            Dialect::Rust,
            &[
                ("// fn a() {\n/* fn b() { /* } */ */ fn c() {}", "c:2-2"),
                ("fn a() { let c = '{'; let s = \"}\"; }\nfn b() {}", "a:1-1 b:2-2"),
                (
                    "fn a<'x>(y: &'x str) { r#\"}\"{\"#; b'\\''; '\\u{7d}'; }\nfn b() {}",
                    "a:1-1 b:2-2",
                ),
                ("fn a() { \"\\\"}\" }\nfn b() {}", "a:1-1 b:2-2"),
                ("fn a() { r\"\\\"; }\nfn b() {}", "a:1-1 b:2-2"),
                ("fn r#for() { '√'; 'x: loop {} }\nfn b() {}", "r#for:1-1 b:2-2"),
            ],
        );
    }

    #[test]
    fn functions_of_scripts_are_found() {
        check(
            Dialect::Script,
            &[
                ("function a() {\n}\nexport default async function* b() {}", "a:1-2 b:3-3"),
                ("const a = () => {\n};\nlet b = async x => {};", "a:1-2 b:3-3"),
                ("const a = function () {};", "a:1-1"),
                (
                    "class A {\n  constructor() { }\n  get b() { return 1 }\n  #c() {}\n}",
                    "constructor:2-2 b:3-3 c:4-4",
                ),
                (
                    "const o = { a() {}, b: () => {}, 'c': function () {} }",
                    "<anonymous>:1-1 a:1-1 b:1-1",
                ),
                ("list.map(x => {\n  return x\n})", "<anonymous>:1-3"),
                ("const a = x => x + 1", ""),
                ("module.exports = function () {}", "exports:1-1"),
                ("if (a) { b() } else if (c) { } while (d) { } switch (e) { }", ""),
                ("try { } catch (e) { }", ""),
            ],
        );
    }

    #[test]
    fn types_of_typescript_are_no_functions() {
        check(
            Dialect::Script,
            &[
                ("function a(x: { y: number }): { z: string } {\n}\n", "a:1-2"),
                ("function a(): Promise<{ b: c }> {\n}", "a:1-2"),
                ("type F = (x: number) => { y: string };\n", ""),
                ("interface A { b(x: number): void; c: string }\nfunction d() {}", "d:2-2"),
                ("class A { b<T>(x: T): Map<T, number> { } }", "b:1-1"),
                ("declare function a(): void;\nclass B { }", ""),
                ("const a = (x: number): string => { return '' }", "a:1-1"),
                ("const x = a ? f(b) : { c: 1 }", ""),
            ],
        );
    }

    #[test]
    fn strings_and_patterns_of_scripts_hide_nothing() {
        check(
            Dialect::Script,
            &[
                ("function a() { return /[/{]\\/}/g }\nfunction b() {}", "a:1-1 b:2-2"),
                ("function a() { return `}${ { x: `{` } }{` }\nfunction b() {}", "a:1-1 b:2-2"),
                ("function a() { return b / c / d } // {\nfunction e() {}", "a:1-1 e:2-2"),
                ("function a() { return <p>don't</p>\n}\nfunction b() {}", "a:1-2 b:3-3"),
            ],
        );
    }

    #[test]
    fn functions_of_python_are_found() {
        check(
            Dialect::Python,
            &[
                ("def a():\n    pass\n\n\ndef b(): return 1\nx = 1\n", "a:1-2 b:5-5"),
                (
                    "class A:\n    async def b(self,\n          c):\n        '''}\n\n'''\n    d = 1",
                    "b:2-6",
                ),
                ("def a():\n    def b():\n        pass\n    return b\n", "a:1-4 b:2-3"),
                ("def a():\n    x = (1,\n2)\n    # end\n\ny = 1", "a:1-3"),
                ("if x:\n  def a():\n    pass\nelse:\n  def b(): pass\n", "a:2-3 b:5-5"),
                ("x = 'def a():'\n\"\"\"\ndef b():\n  pass\n\"\"\"\n", ""),
                ("def a():\n    return 1 + \\\n2\nb = 3", "a:1-3"),
            ],
        );
    }

    #[test]
    fn functions_of_c_are_found() {
        check(
            Dialect::C,
            &[
                ("int a(void)\n{\n  return 1;\n}\nstatic void *b(int x) { }\n", "a:1-4 b:5-5"),
                (
                    "int a(void);\nstruct s { int x; };\nenum e { A, B };\nint t[] = { f(1), 2 };",
                    "",
                ),
                ("int a(void) __attribute__((noreturn)) { }", "a:1-1"),
                ("extern \"C\" {\nint a(void) { if (x) { } }\n}", "a:2-2"),
                ("#define X(a) { \\\n {\nint b(void) {\n}\n", "b:3-4"),
                (
                    "int a(void) {\n#ifdef X\n if (x) {\n#else\n if (y) {\n#endif\n }\n}\nint b() {}",
                    "a:1-8 b:9-9",
                ),
                ("#if 0\nint a() {\n#else\nint b() {\n#endif\n}", "b:4-6"),
                ("int a(void) { char c = '{'; char *s = \"}\\\"{\"; }\nint b() {}", "a:1-1 b:2-2"),
                ("struct s x = { .f = g(1) };\nint b() {}", "b:2-2"),
            ],
        );
    }

    #[test]
    fn what_never_ends_ends_with_the_text() {
        check(
            Dialect::Rust,
            &[("fn a() {\n {", "a:1-2"), ("fn a() { \"", "a:1-1"), ("}}} fn a() {}", "a:1-1")],
        );
        check(Dialect::Script, &[("function a() { `${", "a:1-1"), ("function a() { /", "a:1-1")]);
        check(Dialect::Python, &[("def a(", "a:1-1"), ("def a():", "a:1-1"), ("def", "")]);
        check(Dialect::C, &[("int a() { #if", "a:1-1"), ("#if 0\nint a() {", "")]);
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        let name = "é".repeat(100);
        let text = format!("fn {name}() {{}}");
        assert_eq!(found(Dialect::Rust, &text), format!("{}:1-1", "é".repeat(64)));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[ \\n'\"`/*{}()\\[\\]#$\\\\=>?:;,.a-cfé]{0,60}(fn |def |function |#if |=> ?\\{)?[\\n {}()a:'\"`\\\\/]{0,20}") {
            for dialect in [Dialect::C, Dialect::Script, Dialect::Python, Dialect::Rust] {
                let lines = u32::try_from(text.lines().count().max(1)).expect("few lines");
                functions(dialect, &text, &mut |function| {
                    assert!(1 <= function.line && function.line <= function.line_end);
                    assert!(function.line_end <= lines);
                });
            }
        }
    }
}
