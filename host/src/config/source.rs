//! A value and who decided it.
//!
//! Not here: which source wins (`load`).

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use crate::config::shown::shown_path;

/// A value together with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Who decided it.
    pub source: Source,
}

impl<T> Setting<T> {
    /// Makes a setting that nobody decided.
    pub(super) fn default_of(value: T) -> Self {
        Self { value, source: Source::Default }
    }

    /// Makes a setting out of a flag, if it was given.
    pub(super) fn of_flag(flag: &'static str, value: Option<T>) -> Option<Self> {
        value.map(|value| Self { value, source: Source::Flag(flag) })
    }

    /// Makes a setting out of a variable, if it is set.
    pub(super) fn of_variable(name: &'static str, value: Option<T>) -> Option<Self> {
        value.map(|value| Self { value, source: Source::Environment(name) })
    }

    /// Makes a setting out of the user's file, if it says something.
    pub(super) fn of_user(path: &Path, value: Option<T>) -> Option<Self> {
        value.map(|value| Self { value, source: Source::User(path.to_owned()) })
    }
}

/// Where a value came from, the weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// The user's `config.toml`, by its path.
    User(PathBuf),
    /// The project's `ax.toml`, by its path.
    Project(PathBuf),
    /// An environment variable, by its name.
    Environment(&'static str),
    /// A command-line flag, as it is typed.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::User(path) => write!(f, "user file {}", shown_path(path)),
            Self::Project(path) => write!(f, "project file {}", shown_path(path)),
            Self::Environment(name) => write!(f, "variable {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}
