//! What is wrong with a manifest, and where.
//!
//! Invariant: every error names the place, repeats no character that would not show, and has a hint
//! with what to type.
//! Not here: what is wrong inside a name, permission or amount; those errors are carried along.

use crate::manifest::asks::example_of;
use crate::manifest::plugin::HOST_REQUIREMENT;
use crate::name::{NameError, PluginName};
use crate::permission::{Flaw, Permission, PermissionError, PermissionKind};
use crate::quantity::QuantityError;
use crate::text::Quoted;

/// What is wrong with a `plugin.toml`, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin.toml:{line}:{column}: {kind}")]
pub struct ManifestError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: ManifestErrorKind,
}

impl ManifestError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> String {
        self.kind.hint()
    }
}

/// What is wrong, and the byte offset where.
#[derive(Debug)]
pub struct Located {
    /// Byte offset in the text.
    pub at: usize,
    /// What is wrong.
    pub kind: ManifestErrorKind,
}

impl Located {
    /// Converts the byte offset into line and column of `text`.
    pub(super) fn in_text(self, text: &str) -> ManifestError {
        let (line, column) = place(self.at, text);
        ManifestError { line, column, kind: self.kind }
    }
}

/// Returns line and column, both from 1, of the byte offset `at` in `text`.
pub fn place(at: usize, text: &str) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestErrorKind {
    /// The file is larger than any manifest.
    #[error("a manifest of {bytes} bytes is too large; {max} is the most")]
    TooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// Bytes that are allowed.
        max: usize,
    },
    /// It is not TOML.
    #[error("not TOML: {message}")]
    Syntax {
        /// What the parser says, on one line.
        message: String,
    },
    /// Tables and lists are nested too deeply.
    #[error("values are nested more than {max} deep")]
    TooDeep {
        /// Levels that are allowed.
        max: usize,
    },
    /// A number is outside what can be held.
    #[error("the number {} is too large", Quoted(.text))]
    Number {
        /// The number as written.
        text: String,
    },
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
    /// A key under `[permissions]` is no kind of permission.
    #[error("unknown permission kind {}", Quoted(.key))]
    UnknownPermission {
        /// The key.
        key: String,
        /// The kind that was probably meant.
        nearest: Option<&'static str>,
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
    /// A plugin's name is wrong.
    #[error(transparent)]
    Name(NameError),
    /// A tool's name is wrong.
    #[error(transparent)]
    ToolName(NameError),
    /// The version is not semver, or has a build part.
    #[error("{} is not a version: {why}", Quoted(.text))]
    Version {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A version requirement is wrong.
    #[error("{} is not a version requirement: {why}", Quoted(.text))]
    Requirement {
        /// The way from the root.
        key: String,
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// The plugin depends on itself.
    #[error("`{name}` depends on itself")]
    OwnDependency {
        /// The plugin.
        name: PluginName,
    },
    /// There are too many entries.
    #[error("{count} {what} are too many; {max} is the most")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A text that people see is empty.
    #[error("{} is empty", Quoted(.key))]
    EmptyText {
        /// The way from the root.
        key: String,
    },
    /// A text that people see is too long.
    #[error("{} has {chars} characters; {max} is the most", Quoted(.key))]
    LongText {
        /// The way from the root.
        key: String,
        /// Characters of the text.
        chars: usize,
        /// Characters that are allowed.
        max: usize,
    },
    /// A text that people see holds a control, invisible or direction-changing character.
    #[error("{} holds the hidden character U+{:04X}", Quoted(.key), u32::from(*.character))]
    HiddenCharacter {
        /// The way from the root.
        key: String,
        /// The character.
        character: char,
    },
    /// The home page is no address of one.
    #[error("{} is not a home page: {why}", Quoted(.text))]
    Homepage {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The component's path leads out of the folder or is no plain path.
    #[error("{} is not a path inside the plugin's folder: {why}", Quoted(.text))]
    ComponentPath {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The lifetime of an instance is none that there is.
    #[error("{} is not how long an instance can live", Quoted(.text))]
    Reuse {
        /// What was given.
        text: String,
    },
    /// The header for a secret is wrong.
    #[error("{} is not a header for a secret: {why}", Quoted(.text))]
    Header {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A list is empty where leaving it out means something else.
    #[error("{} is an empty list", Quoted(.key))]
    EmptyList {
        /// The way from the root.
        key: String,
    },
    /// An amount is wrong.
    #[error(transparent)]
    Quantity(QuantityError),
    /// An amount lies outside what can be asked.
    #[error("{} is {given}, outside {min} to {max}", Quoted(.key))]
    Range {
        /// The way from the root.
        key: String,
        /// What was given.
        given: String,
        /// The least that can be asked.
        min: String,
        /// The most that can be asked.
        max: String,
    },
    /// A permission is wrong.
    #[error("{}", permission_text(.error))]
    Permission {
        /// Its kind.
        kind: PermissionKind,
        /// What is wrong with it.
        error: PermissionError,
    },
    /// A value under `[config]` cannot be part of a JSON Schema.
    #[error("{found} has no form in JSON")]
    NotJson {
        /// The value's type, with its article.
        found: &'static str,
    },
    /// What stands under `[config]` is no schema.
    #[error("`config` is no JSON Schema of settings: {why}")]
    Schema {
        /// What is wrong with it.
        why: &'static str,
    },
    /// One permission is asked twice.
    #[error("`{permission}` is asked twice")]
    DuplicatePermission {
        /// The permission.
        permission: Box<Permission>,
    },
    /// A permission asks for everything of its kind, which is for policies.
    #[error("`{permission}` is too wide for a plugin to ask")]
    Everything {
        /// The permission.
        permission: Box<Permission>,
    },
    /// A tool claims to change nothing and to destroy.
    #[error("the tool `{tool}` is both read-only and destructive")]
    Contradiction {
        /// The tool.
        tool: String,
    },
}

fn section_name(section: &str) -> String {
    match section {
        "" => "the manifest".to_owned(),
        entry if entry.ends_with(']') => format!("`{entry}`"),
        table => format!("`[{table}]`"),
    }
}

impl ManifestErrorKind {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> String {
        match self {
            Self::TooLarge { .. } => "move long texts into README.md".to_owned(),
            Self::Syntax { message } if message.contains("duplicate") => {
                "delete one of the two lines".to_owned()
            }
            Self::Syntax { .. } => {
                "strings stand in quotes, lists in `[ ]`; see https://toml.io".to_owned()
            }
            Self::TooDeep { .. } => "make the schema under `[config]` flatter".to_owned(),
            Self::Number { .. } => "write a number below 9223372036854775807".to_owned(),
            Self::UnknownKey { nearest: Some(key), .. } => format!("did you mean `{key}`?"),
            Self::UnknownKey { nearest: None, known, .. } => {
                format!("the keys here are {}", known.join(", "))
            }
            Self::UnknownPermission { key, .. } if key == "sockets" => {
                format!("sockets are never granted; write `{}`", example_of(PermissionKind::Net))
            }
            Self::UnknownPermission { nearest: Some(key), .. } => format!("did you mean `{key}`?"),
            Self::UnknownPermission { nearest: None, .. } => {
                "the kinds are fs, net, secrets, models, tools, services, events, kv, memory, \
                 agents, env"
                    .to_owned()
            }
            Self::Missing { key, section } => missing_hint(key, section),
            Self::WrongType { key, .. } => type_hint(key),
            Self::Name(error) => error.hint(),
            Self::ToolName(_) => "write it like `[tools.count-lines]`".to_owned(),
            Self::Version { .. } => "write three numbers, like `version = \"0.3.1\"`".to_owned(),
            Self::Requirement { key, .. } => {
                let key = key.rsplit_once('.').map_or(key.as_str(), |_| last_key(key));
                let wanted = if key == "host" { HOST_REQUIREMENT } else { "^0.1" };
                format!("write it like `{key} = \"{wanted}\"`")
            }
            Self::OwnDependency { .. } => "delete the line".to_owned(),
            Self::TooMany { what: "permissions", .. } => {
                "ask for less; `*` and `**` in a path or topic stand for many".to_owned()
            }
            Self::TooMany { what, max, .. } => format!("keep at most {max} {what}"),
            Self::EmptyText { key } => {
                format!("write a sentence after `{} =`, or delete the line", last_key(key))
            }
            Self::LongText { max, .. } => format!("shorten it to {max} characters"),
            Self::HiddenCharacter { .. } => {
                "type the text anew, on one line; copied text often brings such characters"
                    .to_owned()
            }
            Self::Homepage { .. } => {
                "write it like `homepage = \"https://example.org/metrics\"`".to_owned()
            }
            Self::ComponentPath { .. } => {
                "write it like `component = \"build/plugin.wasm\"`".to_owned()
            }
            Self::Reuse { .. } => {
                "write `reuse = \"call\"`, or `reuse = \"task\"` to keep instances warm".to_owned()
            }
            Self::Header { .. } => {
                "write it like `header = \"Authorization: Bearer {}\"`".to_owned()
            }
            Self::EmptyList { key } => {
                format!("delete `{} = []`, or name at least one", last_key(key))
            }
            Self::Quantity(error) => error.hint(),
            Self::Range { key, min, max, .. } => {
                format!("write an amount from {min} to {max} after `{} =`", last_key(key))
            }
            Self::Permission { kind, error } => permission_hint(*kind, error),
            Self::Schema { .. } => "write it like `[config]`, `type = \"object\"` and \
                                    `properties.strict = { type = \"boolean\" }`"
                .to_owned(),
            Self::NotJson { .. } => "write it as a string, or delete it".to_owned(),
            Self::DuplicatePermission { .. } => "delete one of the two".to_owned(),
            Self::Everything { permission } => {
                format!("name each one, like `{}`", example_of(permission.kind()))
            }
            Self::Contradiction { tool } => {
                format!("delete one of the two lines under `[tools.{tool}]`")
            }
        }
    }
}

/// Returns what follows the last full stop that is outside quotes.
fn last_key(path: &str) -> &str {
    match path.find('"') {
        Some(quote) => &path[quote..],
        None => path.rsplit('.').next().unwrap_or(path),
    }
}

/// Says the line to add for a key that is missing.
fn missing_hint(key: &str, section: &str) -> String {
    let line = match (section, key) {
        ("", _) => {
            return "start the file with `[plugin]`, then `name`, `version`, `description`, `host`"
                .to_owned();
        }
        ("plugin", "name") => "name = \"ax:metrics\"",
        ("plugin", "version") => "version = \"0.1.0\"",
        ("plugin", "description") => "description = \"Counts lines\"",
        ("plugin", _) => return format!("add `host = \"{HOST_REQUIREMENT}\"`"),
        (section, _) => match kind_of(section) {
            Some(kind) => return format!("write it like `{}`", example_of(kind)),
            None => return format!("add `{key} = …`"),
        },
    };
    format!("add `{line}`")
}

/// Says the line to type for a value of the wrong type.
fn type_hint(key: &str) -> String {
    match (kind_of(key), key) {
        (Some(kind), _) => format!("write it like `{}`", example_of(kind)),
        (None, "limits.fuel") => "write it like `fuel = 10_000_000_000`".to_owned(),
        (None, "limits.deadline") => "write it like `deadline = \"10 s\"`".to_owned(),
        (None, "limits.log-lines" | "limits.concurrency") => {
            format!("write it like `{} = 16`", last_key(key))
        }
        (None, _) if key.starts_with("limits.") => {
            format!("write it like `{} = \"32 MiB\"`", last_key(key))
        }
        (None, _) if key.starts_with("tools.") => {
            "write it like `read-only = true` or `description = \"…\"`".to_owned()
        }
        (None, _) if key == "config" || key.starts_with("config.") => {
            "write a JSON Schema, like `[config]` and `type = \"object\"`".to_owned()
        }
        (None, "plugin" | "permissions" | "limits" | "tools" | "dependencies") => {
            format!("write `[{key}]` on a line of its own and the keys below it")
        }
        (None, _) => format!("write it like `{} = \"…\"`", last_key(key)),
    }
}

/// Finds the kind of permission that a way like `permissions.fs.path` belongs to.
fn kind_of(path: &str) -> Option<PermissionKind> {
    let key = path.strip_prefix("permissions.")?.split(['.', '[']).next()?;
    PermissionKind::ALL.into_iter().find(|kind| crate::manifest::asks::key_of(*kind) == key)
}

/// Says what is wrong without the text form of the whole, which does not stand in a manifest.
fn permission_text(error: &PermissionError) -> String {
    match error {
        PermissionError::Wrong { flaw, .. } => flaw.to_string(),
        PermissionError::TooLong { .. } | PermissionError::UnknownKind { .. } => error.to_string(),
    }
}

/// Says the line to type; hints in the text form of permissions would not fit a manifest.
fn permission_hint(kind: PermissionKind, error: &PermissionError) -> String {
    let example = || format!("write it like `{}`", example_of(kind));
    match error {
        PermissionError::TooLong { .. } | PermissionError::UnknownKind { .. } => error.hint(),
        PermissionError::Wrong { flaw: Flaw::AfterOrigin { .. }, .. } => example(),
        PermissionError::Wrong { flaw: Flaw::Userinfo { .. }, .. } => {
            format!("leave it out; to add a secret write `{}`", example_of(PermissionKind::Secret))
        }
        PermissionError::Wrong { flaw, .. } => flaw.hint().unwrap_or_else(example),
    }
}
