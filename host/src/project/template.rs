//! What a new project begins with: the files of its language and of its kind, filled in.

use std::path::PathBuf;

use ax_manifest::{HOST_REQUIREMENT, PluginName};

use super::lock;

/// The language a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `cargo build --target wasm32-wasip2`.
    Rust,
    /// Bundled, and made into a component on QuickJS.
    TypeScript,
    /// `componentize-py`.
    Python,
}

/// What a plugin begins as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A tool that computes.
    Tools,
    /// Tools that keep data between calls.
    State,
    /// A tool that asks a server.
    Http,
}

/// What is to be made.
#[derive(Debug, Clone)]
pub struct NewPlugin {
    /// Its name.
    pub name: PluginName,
    /// What it is written in.
    pub language: Language,
    /// What it begins as.
    pub kind: Kind,
}

/// Files of a template: where, and the text with `{{name}}` and the like in it.
type Files = &'static [(&'static str, &'static str)];

/// What a plugin of each kind has in every language.
struct Common {
    manifest: &'static str,
    /// Its cases, which hold in every language.
    cases: &'static str,
    /// What to type after `ax tool call PLUGIN.` to see it work.
    example: &'static str,
}

/// What a project of each language has, whatever its kind.
struct Toolchain {
    files: Files,
    /// Where the tools are written.
    source: &'static str,
    /// What runs the tests that need no sandbox.
    unit_tests: &'static str,
    /// Memory that suffices for a small plugin.
    memory: &'static str,
}

const RUST: Toolchain = Toolchain {
    files: &[
        (".gitignore", include_str!("templates/rust/gitignore")),
        ("Cargo.toml", include_str!("templates/rust/Cargo.toml.txt")),
    ],
    source: "src/lib.rs",
    unit_tests: "cargo test",
    memory: "16 MiB",
};

const TYPESCRIPT: Toolchain = Toolchain {
    files: &[
        (".gitignore", include_str!("templates/ts/gitignore")),
        ("package.json", include_str!("templates/ts/package.json")),
        ("tsconfig.json", include_str!("templates/ts/tsconfig.json")),
    ],
    source: "src/plugin.ts",
    unit_tests: "npm test",
    memory: "16 MiB",
};

const PYTHON: Toolchain = Toolchain {
    files: &[
        ("tests/__init__.py", include_str!("templates/python/tests_init.py.txt")),
        ("pyproject.toml", include_str!("templates/python/pyproject.toml.txt")),
        (".gitignore", include_str!("templates/python/gitignore")),
    ],
    source: "tools.py",
    unit_tests: "python3 -m unittest",
    // The interpreter takes 13 MiB of it.
    memory: "32 MiB",
};

/// The namespace of a plugin that is given none: nobody else's.
pub const NAMESPACE: &str = "my";

/// Names that no crate can have, or that hide what each crate uses.
const TAKEN: [&str; 47] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "type",
    "use",
    "while",
];

/// Answers whether a toolchain takes a project's name for something else.
fn is_taken(name: &str) -> bool {
    TAKEN.contains(&name) || lock::holds(name)
}

impl Kind {
    fn common(self) -> Common {
        match self {
            Self::Tools => Common {
                manifest: include_str!("templates/tools/plugin.toml"),
                cases: include_str!("templates/tools/cases.toml"),
                example: "greet --arg name=Ada",
            },
            Self::State => Common {
                manifest: include_str!("templates/state/plugin.toml"),
                cases: include_str!("templates/state/cases.toml"),
                example: "remember --arg key=milk --arg text='2 litres' --allow kv",
            },
            Self::Http => Common {
                manifest: include_str!("templates/http/plugin.toml"),
                cases: include_str!("templates/http/cases.toml"),
                example: "latest-release --arg repository=rust-lang/rust \
                          --allow 'net:https://api.github.com:GET:/repos/**'",
            },
        }
    }
}

impl NewPlugin {
    /// What to type after `ax tool call` to see the new plugin work.
    #[must_use]
    pub fn example(&self) -> String {
        format!("{}.{}", self.name.name(), self.kind.common().example)
    }

    /// Returns every file of the project but those under `.ax/`, in the order to read them.
    pub(super) fn files(&self) -> Vec<(PathBuf, String)> {
        let toolchain = self.toolchain();
        let common = self.kind.common();
        let manifest = [("plugin.toml", common.manifest)];
        let rest = [
            ("tests/cases.toml", common.cases),
            ("README.md", include_str!("templates/README.md")),
        ];
        let fill = |text: &str| {
            text.replace("{{name}}", &self.name.to_string())
                .replace("{{plugin}}", self.name.name())
                .replace("{{package}}", &self.package())
                .replace("{{host}}", HOST_REQUIREMENT)
                .replace("{{memory}}", toolchain.memory)
                .replace("{{source}}", toolchain.source)
                .replace("{{unit-tests}}", toolchain.unit_tests)
                .replace("{{try}}", common.example)
        };
        let all = manifest.iter().chain(self.sources()).chain(&rest).chain(toolchain.files);
        let mut files: Vec<(PathBuf, String)> =
            all.map(|(path, text)| (PathBuf::from(path), fill(text))).collect();
        if self.language == Language::Rust {
            files.push(("Cargo.lock".into(), lock::for_project(&self.package())));
        }
        files
    }

    /// What the project is called where names have no colon. With its namespace, if that is its own or
    /// the name alone means something else to the toolchain.
    fn package(&self) -> String {
        let (namespace, name) = (self.name.namespace(), self.name.name());
        match namespace {
            NAMESPACE if !is_taken(name) => name.to_owned(),
            namespace => format!("{namespace}-{name}"),
        }
    }

    fn toolchain(&self) -> Toolchain {
        match self.language {
            Language::Rust => RUST,
            Language::TypeScript => TYPESCRIPT,
            Language::Python => PYTHON,
        }
    }

    /// The tools and the tests of their functions; [`Toolchain::source`] comes first.
    fn sources(&self) -> Files {
        match (self.language, self.kind) {
            (Language::Rust, Kind::Tools) => {
                &[("src/lib.rs", include_str!("templates/tools/lib.rs.txt"))]
            }
            (Language::Rust, Kind::State) => {
                &[("src/lib.rs", include_str!("templates/state/lib.rs.txt"))]
            }
            (Language::Rust, Kind::Http) => {
                &[("src/lib.rs", include_str!("templates/http/lib.rs.txt"))]
            }
            (Language::TypeScript, Kind::Tools) => &[
                ("src/plugin.ts", include_str!("templates/tools/plugin.ts")),
                ("tests/plugin.test.ts", include_str!("templates/tools/plugin.test.ts")),
            ],
            (Language::TypeScript, Kind::State) => &[
                ("src/plugin.ts", include_str!("templates/state/plugin.ts")),
                ("tests/plugin.test.ts", include_str!("templates/state/plugin.test.ts")),
            ],
            (Language::TypeScript, Kind::Http) => &[
                ("src/plugin.ts", include_str!("templates/http/plugin.ts")),
                ("tests/plugin.test.ts", include_str!("templates/http/plugin.test.ts")),
            ],
            (Language::Python, Kind::Tools) => &[
                ("tools.py", include_str!("templates/tools/tools.py.txt")),
                ("tests/test_tools.py", include_str!("templates/tools/test_tools.py.txt")),
            ],
            (Language::Python, Kind::State) => &[
                ("tools.py", include_str!("templates/state/tools.py.txt")),
                ("tests/test_tools.py", include_str!("templates/state/test_tools.py.txt")),
            ],
            (Language::Python, Kind::Http) => &[
                ("tools.py", include_str!("templates/http/tools.py.txt")),
                ("tests/test_tools.py", include_str!("templates/http/test_tools.py.txt")),
            ],
        }
    }
}
