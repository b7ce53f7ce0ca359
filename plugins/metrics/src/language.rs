//! The languages that are measured, and how a file's name tells its language.
//!
//! Not here: how a language is read (`syntax`, `token`).

/// A language that is measured as such. The order is by name, and so is the report's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// C sources: `.c`, and with SQL inside `.ec`, `.pgc`.
    C,
    /// C headers: `.h`.
    CHeader,
    /// JavaScript with elements: `.jsx`.
    Jsx,
    /// JavaScript: `.js`, `.mjs`, `.cjs`.
    JavaScript,
    /// Markdown: `.md`, `.markdown`.
    Markdown,
    /// Python: `.py`, `.pyw`, `.pyi`.
    Python,
    /// Rust: `.rs`.
    Rust,
    /// TOML: `.toml`.
    Toml,
    /// TypeScript with elements: `.tsx`.
    Tsx,
    /// TypeScript: `.ts`, `.mts`, `.cts`.
    TypeScript,
}

impl Language {
    /// Every language, in the order of the report.
    pub const ALL: [Self; 10] = [
        Self::C,
        Self::CHeader,
        Self::Jsx,
        Self::JavaScript,
        Self::Markdown,
        Self::Python,
        Self::Rust,
        Self::Toml,
        Self::Tsx,
        Self::TypeScript,
    ];

    /// The name people use.
    pub fn name(self) -> &'static str {
        match self {
            Self::C => "C",
            Self::CHeader => "C Header",
            Self::Jsx => "JSX",
            Self::JavaScript => "JavaScript",
            Self::Markdown => "Markdown",
            Self::Python => "Python",
            Self::Rust => "Rust",
            Self::Toml => "TOML",
            Self::Tsx => "TSX",
            Self::TypeScript => "TypeScript",
        }
    }

    /// Returns the language of a file called `name`, by its extension in any case.
    pub fn of_file(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "c" | "ec" | "pgc" => Self::C,
            "h" => Self::CHeader,
            "jsx" => Self::Jsx,
            "js" | "mjs" | "cjs" => Self::JavaScript,
            "md" | "markdown" => Self::Markdown,
            "py" | "pyw" | "pyi" => Self::Python,
            "rs" => Self::Rust,
            "toml" => Self::Toml,
            "tsx" => Self::Tsx,
            "ts" | "mts" | "cts" => Self::TypeScript,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn a_name_tells_the_language() {
        let cases = [
            ("a.rs", Some(Language::Rust)),
            ("a.test.TS", Some(Language::TypeScript)),
            ("a.tsx", Some(Language::Tsx)),
            ("a.mjs", Some(Language::JavaScript)),
            ("a.h", Some(Language::CHeader)),
            ("a.pyi", Some(Language::Python)),
            ("Cargo.toml", Some(Language::Toml)),
            ("Cargo.lock", None),
            ("rs", None),
            ("a.", None),
        ];
        for (name, expected) in cases {
            assert_eq!(Language::of_file(name), expected, "{name}");
        }
    }

    #[test]
    fn all_are_sorted_by_name() {
        assert!(Language::ALL.is_sorted());
        assert!(Language::ALL.is_sorted_by_key(|language| language.name()));
    }
}
