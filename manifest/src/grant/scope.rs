//! Where a grant counts: one run, one project, everywhere.
//!
//! Invariant: a project is an absolute path, in the one spelling that [`super::Source`] has too.
//! Not here: how long a grant lasts (`Grant::expires_at_ms`); which folder is the project (host).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::grant::source::{SourceError, absolute};

/// Where a grant counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantScope {
    /// `once`: in the run that asked.
    Once,
    /// `project:/abs/path`: while this folder is the workspace.
    Project(PathBuf),
    /// `always`: wherever the plugin runs.
    Always,
}

impl FromStr for GrantScope {
    type Err = SourceError;

    /// # Errors
    ///
    /// [`SourceError`] for another word, or a project path that is not absolute and plain.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why| SourceError { text: text.to_owned(), what: "the scope of a grant", why };
        match (text, text.split_once(':')) {
            ("once", _) => Ok(Self::Once),
            ("always", _) => Ok(Self::Always),
            (_, Some(("project", path))) => absolute(path).map(Self::Project).map_err(wrong),
            _ => Err(wrong("it is none of `once`, `project:<folder>`, `always`")),
        }
    }
}

impl fmt::Display for GrantScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once => f.write_str("once"),
            Self::Project(path) => write!(f, "project:{}", path.display()),
            Self::Always => f.write_str("always"),
        }
    }
}

impl serde::Serialize for GrantScope {
    /// Fails for a path that is not UTF-8: a text that only resembles it would be another project.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Project(path) if path.to_str().is_none() => {
                Err(serde::ser::Error::custom(format_args!("the path in `{self}` is not UTF-8")))
            }
            Self::Once | Self::Project(_) | Self::Always => serializer.collect_str(self),
        }
    }
}

impl<'de> serde::Deserialize<'de> for GrantScope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::GrantScope;

    #[test]
    fn a_scope_has_one_text() {
        for text in ["once", "always", "project:/home/me/app"] {
            assert_eq!(text.parse::<GrantScope>().expect(text).to_string(), text);
        }
        let slashes: GrantScope = "project:/home//me/".parse().expect("a scope");
        assert_eq!(slashes.to_string(), "project:/home/me");
    }

    #[test]
    fn every_refusal_says_what_to_type() {
        for text in ["", "twice", "Once", "project", "project:", "project:app", "project:/a/.."] {
            let error = text.parse::<GrantScope>().expect_err(text);
            assert!(error.to_string().contains("is not the scope of a grant"), "{error}");
            assert_eq!(error.hint(), "write `once`, `always` or `project:/home/me/app`");
        }
    }
}
