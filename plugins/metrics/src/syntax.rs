//! What comments and strings look like, per language: data for `scan`.
//!
//! Not here: grammar beyond that (`token`).

use crate::language::Language;

/// A pair of delimiters.
pub type Pair = (&'static str, &'static str);

/// The comments and strings of one language.
#[derive(Debug)]
pub struct Syntax {
    /// Name for the report.
    pub name: &'static str,
    /// What begins a comment that lasts to the end of its line.
    pub line_comments: &'static [&'static str],
    /// What begins a comment that lasts to the end of its line and whose text is Markdown.
    pub doc_comments: &'static [&'static str],
    /// What begins and ends a comment that may span lines.
    pub block_comments: &'static [Pair],
    /// Whether block comments nest.
    pub nested: bool,
    /// What begins and ends a string in which a backslash escapes the next byte.
    pub quotes: &'static [Pair],
    /// What begins and ends a string without escapes.
    pub verbatim_quotes: &'static [Pair],
    /// Whether the whole text is prose, which counts as comment.
    pub prose: bool,
}

const PLAIN: Syntax = Syntax {
    name: "",
    line_comments: &[],
    doc_comments: &[],
    block_comments: &[],
    nested: false,
    quotes: &[],
    verbatim_quotes: &[],
    prose: false,
};

const SLASHES: &[&str] = &["//"];
const STARS: &[Pair] = &[("/*", "*/")];

const ANGLES: &[Pair] = &[("<!--", "-->")];
const DOUBLE_QUOTES: &[Pair] = &[("\"", "\"")];
const BOTH_QUOTES: &[Pair] = &[("\"", "\""), ("'", "'")];
const LONG_QUOTES: &[Pair] = &[("\"\"\"", "\"\"\""), ("'''", "'''"), ("\"", "\""), ("'", "'")];

/// Languages with comments as in C.
const STARRED: Syntax = Syntax { line_comments: SLASHES, block_comments: STARS, ..PLAIN };
/// Languages with comments as in the shell.
const SCRIPT: Syntax = Syntax { line_comments: &["#"], quotes: BOTH_QUOTES, ..PLAIN };

const C: Syntax = Syntax { name: "C", quotes: DOUBLE_QUOTES, ..STARRED };
const C_HEADER: Syntax = Syntax { name: "C Header", ..C };
const JAVASCRIPT: Syntax =
    Syntax { name: "JavaScript", quotes: &[("\"", "\""), ("'", "'"), ("`", "`")], ..STARRED };
const JSX: Syntax = Syntax { name: "JSX", ..JAVASCRIPT };
const TYPESCRIPT: Syntax = Syntax { name: "TypeScript", ..JAVASCRIPT };
const TSX: Syntax = Syntax { name: "TSX", ..JAVASCRIPT };
const PYTHON: Syntax =
    Syntax { name: "Python", line_comments: &["#"], quotes: LONG_QUOTES, ..PLAIN };
const RUST: Syntax = Syntax {
    name: "Rust",
    doc_comments: &["///", "//!"],
    nested: true,
    quotes: &[("\"", "\""), ("#\"", "\"#")],
    verbatim_quotes: &[("r##\"", "\"##"), ("r#\"", "\"#")],
    ..STARRED
};
const TOML: Syntax = Syntax { name: "TOML", line_comments: &["#"], quotes: LONG_QUOTES, ..PLAIN };
/// Markdown, for doc comments.
pub static MARKDOWN: Syntax = Syntax { name: "Markdown", prose: true, ..PLAIN };

/// Returns the comments and strings of `language`.
pub fn syntax_of(language: Language) -> &'static Syntax {
    match language {
        Language::C => &C,
        Language::CHeader => &C_HEADER,
        Language::Jsx => &JSX,
        Language::JavaScript => &JAVASCRIPT,
        Language::Markdown => &MARKDOWN,
        Language::Python => &PYTHON,
        Language::Rust => &RUST,
        Language::Toml => &TOML,
        Language::Tsx => &TSX,
        Language::TypeScript => &TYPESCRIPT,
    }
}

/// Languages that are read only inside others, in the code blocks of Markdown. Those that occur in
/// practice: a block in any other language counts as text of the Markdown.
static EMBEDDED: [Syntax; 19] = [
    Syntax { name: "ABNF", line_comments: &[";"], ..PLAIN },
    Syntax { name: "BASH", ..SCRIPT },
    Syntax { name: "C++", quotes: DOUBLE_QUOTES, verbatim_quotes: &[("R\"(", ")\"")], ..C },
    Syntax { name: "CSS", quotes: BOTH_QUOTES, ..C },
    Syntax { name: "Dockerfile", ..SCRIPT },
    Syntax { name: "Go", ..C },
    Syntax { name: "HTML", block_comments: ANGLES, quotes: BOTH_QUOTES, ..PLAIN },
    Syntax { name: "INI", line_comments: &[";", "#"], ..PLAIN },
    Syntax { name: "JSON", ..PLAIN },
    Syntax { name: "Java", ..C },
    Syntax { name: "Makefile", line_comments: &["#"], ..PLAIN },
    Syntax { name: "Pest", line_comments: SLASHES, ..PLAIN },
    Syntax { name: "PowerShell", block_comments: &[("<#", "#>")], ..SCRIPT },
    Syntax { name: "Ruby", block_comments: &[("=begin", "=end")], ..SCRIPT },
    Syntax { name: "SQL", line_comments: &["--"], quotes: &[("'", "'")], ..STARRED },
    Syntax { name: "Shell", ..SCRIPT },
    Syntax { name: "Stylus", quotes: BOTH_QUOTES, ..C },
    Syntax { name: "XML", block_comments: ANGLES, quotes: BOTH_QUOTES, ..PLAIN },
    Syntax { name: "YAML", ..SCRIPT },
];

/// Returns the comments and strings of the language that a code block names, in any case.
pub fn syntax_named(name: &str) -> Option<&'static Syntax> {
    let measured = Language::ALL.iter().map(|language| syntax_of(*language));
    measured.chain(&EMBEDDED).find(|syntax| syntax.name.eq_ignore_ascii_case(name))
}
