//! What is wrong with a policy, and where.
//!
//! Invariant: every error names the place, repeats no character that would not show, and has a hint
//! with what to type.
//! Not here: what is wrong inside a name, permission or amount; those errors are carried along.

use super::trial::TestResult;
use crate::manifest::ManifestErrorKind;
use crate::manifest::error::{Located, place};
use crate::manifest::tree::Node;
use crate::name::NameError;
use crate::nearest::nearest;
use crate::permission::PermissionError;
use crate::text::Quoted;

/// Keys that a policy may want and this host cannot keep; no hint proposes them.
const NOT_ENFORCED: [&str; 2] = ["min-age", "task-cost-max-usd"];

/// What is wrong with a `policy.toml`, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy.toml:{line}:{column}: {kind}")]
pub struct PolicyError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: PolicyErrorKind,
}

impl PolicyError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        Some(self.kind.hint())
    }
}

/// What is wrong, and the byte offset where.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) kind: PolicyErrorKind,
}

impl Wrong {
    /// Makes an error that points at a value.
    pub(super) fn at(node: &Node, kind: PolicyErrorKind) -> Self {
        Self { at: node.at, kind }
    }

    /// Makes the error for a word that is none of the few that fit.
    pub(super) fn choice(
        node: &Node,
        key: &str,
        text: &str,
        choices: &'static [&'static str],
    ) -> Self {
        let (key, text) = (key.to_owned(), text.to_owned());
        Self::at(node, PolicyErrorKind::Choice { key, text, choices })
    }

    /// Converts the byte offset into line and column of `text`.
    pub(super) fn in_text(self, text: &str) -> PolicyError {
        let (line, column) = place(self.at, text);
        PolicyError { line, column, kind: self.kind }
    }
}

impl From<Located> for Wrong {
    fn from(located: Located) -> Self {
        use ManifestErrorKind as M;
        use PolicyErrorKind as P;
        let kind = match located.kind {
            M::UnknownKey { key, section, nearest, known } => {
                P::UnknownKey { key, section, nearest, known }
            }
            M::Missing { key, section } => P::Missing { key, section },
            M::WrongType { key, wanted, found } => P::WrongType { key, wanted, found },
            other => P::Shape(Box::new(other)),
        };
        Self { at: located.at, kind }
    }
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyErrorKind {
    /// The file is larger than any policy.
    #[error("a policy of {bytes} bytes is too large; {max} is the most")]
    TooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// Bytes that are allowed.
        max: usize,
    },
    /// The file has a shape that this host does not know.
    #[error("version {given} of policies is unknown to this host")]
    Version {
        /// What was given.
        given: i64,
    },
    /// It is not TOML, or a value breaks the rules that all files share.
    #[error(transparent)]
    Shape(Box<ManifestErrorKind>),
    /// A key is unknown.
    #[error("unknown key {} in {}", Quoted(.key), section_name(.section))]
    UnknownKey {
        /// The key.
        key: String,
        /// The table, as the way from the root.
        section: String,
        /// The key that was probably meant.
        nearest: Option<&'static str>,
        /// Every key of this table.
        known: &'static [&'static str],
    },
    /// A key that must be there is not.
    #[error("{} has no `{key}`", section_name(.section))]
    Missing {
        /// The key.
        key: &'static str,
        /// The table, as the way from the root.
        section: String,
    },
    /// A value has another type.
    #[error("{} is {found}; it must be {wanted}", Quoted(.key))]
    WrongType {
        /// The way from the root.
        key: String,
        /// The type that is wanted, with its article.
        wanted: &'static str,
        /// The type that was found, with its article.
        found: &'static str,
    },
    /// A word is none of the few that fit.
    #[error("`{key}` is {}, which is not one of {}", Quoted(.text), .choices.join(", "))]
    Choice {
        /// The way from the root.
        key: String,
        /// What was given.
        text: String,
        /// The words that fit.
        choices: &'static [&'static str],
    },
    /// A list has too many entries.
    #[error("{count} entries of `{what}` are too many; {max} is the most")]
    TooMany {
        /// The list, as the way from the root.
        what: String,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A permission is wrong.
    #[error(transparent)]
    Permission(PermissionError),
    /// A plugin's name is wrong.
    #[error(transparent)]
    Name(NameError),
    /// A pattern of plugins' names is wrong.
    #[error("{} is not a pattern of names: {}", Quoted(&.0.text), .0.why)]
    NamePattern(NameError),
    /// The key is right, and this host cannot keep what it promises.
    #[error("`{key}` cannot be enforced by this host yet")]
    NotEnforced {
        /// The way from the root.
        key: String,
    },
    /// A test of the file does not hold.
    #[error("the test {} expects `{}` and finds `{}`",
        Quoted(&.0.name), .0.expected.word(), .0.found.word())]
    TestFailed(Box<TestResult>),
}

fn section_name(section: &str) -> String {
    match section {
        "" => "the policy".to_owned(),
        entry if entry.ends_with(']') => format!("`{entry}`"),
        table => format!("`[{table}]`"),
    }
}

impl PolicyErrorKind {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> String {
        match self {
            Self::TooLarge { .. } => "use `*` for many names, hosts or segments".to_owned(),
            Self::Version { given } if *given > 1 => {
                "update `ax`, or write the policy for `version = 1`".to_owned()
            }
            Self::Version { .. } => "write `version = 1`, or delete the line".to_owned(),
            Self::Shape(kind) => match kind.as_ref() {
                ManifestErrorKind::TooDeep { .. } => {
                    "a policy has tables with lists of strings, nothing deeper".to_owned()
                }
                kind => kind.hint(),
            },
            Self::UnknownKey { key, nearest, known, .. } => {
                let known = known.iter().copied().filter(|key| !NOT_ENFORCED.contains(key));
                // In a manifest the limits have the same names without `-max`.
                let limit = known.clone().find(|known| known.strip_suffix("-max") == Some(key));
                match limit.or(nearest.filter(|key| !NOT_ENFORCED.contains(key))) {
                    Some(key) => format!("did you mean `{key}`?"),
                    None => format!("the keys here are {}", known.collect::<Vec<_>>().join(", ")),
                }
            }
            Self::Missing { key, .. } => format!("add `{}`", example_of(key)),
            Self::WrongType { key, .. } => match last_key(key) {
                table @ ("plugins" | "permissions" | "limits" | "approvals") => {
                    format!("write `[{table}]` on a line of its own and the keys below it")
                }
                "test" => "write `[[test]]` on a line of its own and the keys below it".to_owned(),
                _ => format!("write it like `{}`", example_of(key)),
            },
            Self::Choice { text, choices, .. } => match nearest(text, choices.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("write `{}`", choices.join("` or `")),
            },
            Self::TooMany { max, .. } => {
                format!("keep at most {max}; `*` stands for many names, hosts or segments")
            }
            Self::Permission(error) => error.hint(),
            Self::Name(error) => error.hint(),
            Self::NamePattern(_) => "write `acme:notes`, `acme:*` or `*`".to_owned(),
            Self::NotEnforced { .. } => {
                "delete the line; a limit that is written and not kept would be a lie".to_owned()
            }
            Self::TestFailed(result) => match &result.rule {
                Some(rule) => {
                    format!("`{rule}` decides this; change that rule, or what the test expects")
                }
                None => {
                    "no rule takes it away; add one, or change what the test expects".to_owned()
                }
            },
        }
    }
}

/// Returns the key at the end of a way like `permissions.deny[3]`.
fn last_key(path: &str) -> &str {
    let key = path.rsplit('.').next().unwrap_or(path);
    key.split('[').next().unwrap_or(key)
}

/// Returns a line that is right for the key at the end of `path`.
fn example_of(path: &str) -> String {
    let key = last_key(path);
    let value = match key {
        "version" => "1",
        "allow" => "[\"ax:*\"]",
        "deny" if path.starts_with("plugins.") => "[\"evil:*\"]",
        "deny" => "[\"fs:*:write\"]",
        "ask" => "[\"net:*\"]",
        "trust-min" => "\"none\"",
        "mcp" => "\"person\"",
        "name" => "\"no writes\"",
        "plugin" => "\"acme:notes\"",
        "permission" => "\"fs:out:write\"",
        "expect" => "\"deny\"",
        "fuel-max" => "10_000_000_000",
        "deadline-max" => "\"30 s\"",
        "log-lines-max" | "concurrency-max" => "16",
        // The other limits are sizes.
        _ => "\"32 MiB\"",
    };
    format!("{key} = {value}")
}
