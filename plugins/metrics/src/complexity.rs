//! Says which tokens are branches: the cyclomatic complexity of a function is their number + 1.
//!
//! | Dialect | Branches |
//! |---|---|
//! | C | `if` `for` `while` `case` `?:` `&&` `||` |
//! | JavaScript, TypeScript | those, `catch`, `??` |
//! | Python | `if` `elif` `for` `while` `except` `case` `and` `or` |
//! | Rust | `if` `for` `while` `loop`, each match arm, `let … else`, `?` `&&` `||` |
//!
//! Not here: which function a branch belongs to (`function`).

use crate::token::Dialect;
use crate::token::Shape;

/// A token between its neighbours.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The token before.
    pub previous: Option<Shape<'a>>,
    /// The token.
    pub shape: Shape<'a>,
    /// The token after.
    pub next: Option<Shape<'a>>,
    /// Whether the token is the first of its line.
    pub begins_line: bool,
}

/// Whether the token is a branch.
pub fn is_branch(dialect: Dialect, token: &Context) -> bool {
    match token.shape {
        Shape::Word(word) => is_branch_word(dialect, word, token),
        // After an operand they join conditions; else they are references, closures or patterns.
        Shape::Symbol("&&" | "||") => token.previous.is_some_and(Shape::is_operand),
        Shape::Symbol("??") => dialect == Dialect::Script,
        Shape::Symbol("=>") => dialect == Dialect::Rust,
        Shape::Symbol("?") => is_branch_question(dialect, token),
        Shape::Symbol(_) | Shape::Literal => false,
    }
}

fn is_branch_word(dialect: Dialect, word: &str, token: &Context) -> bool {
    let is_member = matches!(token.previous, Some(Shape::Symbol("." | "?.")));
    match dialect {
        Dialect::C => matches!(word, "if" | "for" | "while" | "case"),
        // `x.catch(…)` and `{ case: 1 }` are names.
        Dialect::Script => {
            matches!(word, "if" | "for" | "while" | "case" | "catch")
                && !is_member
                && token.next != Some(Shape::Symbol(":"))
        }
        Dialect::Python => match word {
            "if" | "elif" | "for" | "while" | "except" | "and" | "or" => true,
            // A name elsewhere.
            "case" => token.begins_line && !matches!(token.next, Some(Shape::Symbol("=" | "."))),
            _ => false,
        },
        Dialect::Rust => match word {
            "if" | "while" | "loop" => true,
            // `for<'a>` binds a lifetime, `impl A for B` no variable.
            "for" => {
                let follows_type =
                    matches!(token.previous, Some(Shape::Word(_) | Shape::Symbol(">")));
                token.next != Some(Shape::Symbol("<")) && !follows_type
            }
            "else" => token.previous != Some(Shape::Symbol("}")),
            _ => false,
        },
    }
}

/// `a ? b : c` and Rust's `a?`, not `?Sized`, `a?: T` or `f(a?)`.
fn is_branch_question(dialect: Dialect, token: &Context) -> bool {
    let follows_operand = token.previous.is_some_and(Shape::is_operand);
    match dialect {
        Dialect::C => true,
        Dialect::Python => false,
        Dialect::Rust => follows_operand,
        Dialect::Script => {
            let is_type = matches!(token.next, Some(Shape::Symbol(":" | "," | ")" | ";" | "=")));
            follows_operand && !is_type
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::function::functions;
    use crate::token::Dialect;

    fn complexity(dialect: Dialect, text: &str) -> u32 {
        let mut found = Vec::new();
        functions(dialect, text, &mut |function| found.push(function.complexity));
        assert_eq!(found.len(), 1, "{text}");
        found[0]
    }

    #[test]
    fn a_function_without_branches_has_one() {
        assert_eq!(complexity(Dialect::Rust, "fn f() { g(); }"), 1);
        assert_eq!(complexity(Dialect::C, "int f(void) { return 1; }"), 1);
        assert_eq!(complexity(Dialect::Script, "function f() { g() }"), 1);
        assert_eq!(complexity(Dialect::Python, "def f():\n  g()"), 1);
    }

    #[test]
    fn each_branch_of_rust_counts() {
        let cases = [
            ("if a && b || c {} else if d {}", 5),
            ("match x { A => 1, B | C => 2, _ => 3 }", 4),
            ("for x in y { while a { loop {} } }", 4),
            ("let Some(x) = y else { return };", 2),
            ("a()?.b()?;", 3),
        ];
        for (body, expected) in cases {
            assert_eq!(
                complexity(Dialect::Rust, &format!("fn f() {{ {body} }}")),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn what_only_looks_like_a_branch_in_rust_does_not_count() {
        let bodies = [
            "let f = || 1; g(|| 2, move || 3);",
            "let x = &&y; h(&&z);",
            "fn_ptr::<dyn for<'a> Fn(&'a u8)>();",
            "let s = \"if && ||\"; // if",
            "let t: &T where T: ?Sized;",
        ];
        for body in bodies {
            assert_eq!(complexity(Dialect::Rust, &format!("fn f() {{ {body} }}")), 1, "{body}");
        }
        assert_eq!(complexity(Dialect::Rust, "fn f() { impl A for B {} }"), 1);
    }

    #[test]
    fn each_branch_of_scripts_counts() {
        let cases = [
            ("if (a && b || c ?? d) {}", 5),
            ("switch (x) { case 1: case 2: default: }", 3),
            ("try {} catch (e) {}", 2),
            ("return a ? b : c?.d", 2),
            ("for (const x of y) while (z) {}", 3),
            ("p.catch(q); const o = { case: 1, if: 2 }", 1),
            ("const r = /if && [/?]/.test(x)", 1),
            ("return `${a ? b : `${c && d}`} && ||`", 3),
        ];
        for (body, expected) in cases {
            let text = format!("function f() {{ {body} }}");
            assert_eq!(complexity(Dialect::Script, &text), expected, "{body}");
        }
    }

    #[test]
    fn each_branch_of_c_and_python_counts() {
        let c =
            "int f(int a) { if (a && b) {} for (;;) {} do {} while (c || d); return a ? b : c; }";
        assert_eq!(complexity(Dialect::C, c), 7);
        let python = "def f():\n  if a and b: pass\n  elif c or d: pass\n  try: pass\n  except E: pass\n  \
                      return [x for x in y if x]\n";
        assert_eq!(complexity(Dialect::Python, python), 8);
        let cases = "def f():\n  match x:\n    case 1: pass\n    case _: pass\n  case = 2\n";
        assert_eq!(complexity(Dialect::Python, cases), 3);
    }
}
