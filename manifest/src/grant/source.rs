//! Whose plugin it is: its name and where it comes from.
//!
//! Invariant: a path in a source is absolute, without `.` and `..`, and shows what it is. Links are
//! resolved by whoever makes the source, since nothing here touches the disk.
//! Not here: fetching from a source; what a publisher's key signs.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::name::PluginName;
use crate::text::{Quoted, hidden_character};

/// Characters of a publisher's key in text: an Ed25519 key has 44 in base64, larger ones a few
/// hundred.
const KEY_CHARS_MAX: usize = 512;

/// Who a plugin is, as far as trust goes.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// What it calls itself.
    pub name: PluginName,
    /// Where it comes from.
    pub source: Source,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.name, self.source)
    }
}

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// `folder:/abs/path`: a folder with a `plugin.toml`.
    Folder(PathBuf),
    /// `file:/abs/path`: a package or a bare component.
    File(PathBuf),
    /// `publisher:<key>`: whoever signs with this key.
    Publisher(String),
}

impl Source {
    /// Returns the text form, or `None` for a path that is not UTF-8 and so has none.
    fn text(&self) -> Option<String> {
        match self {
            Self::Folder(path) => path.to_str().map(|path| format!("folder:{path}")),
            Self::File(path) => path.to_str().map(|path| format!("file:{path}")),
            Self::Publisher(key) => Some(format!("publisher:{key}")),
        }
    }
}

impl FromStr for Source {
    type Err = SourceError;

    /// # Errors
    ///
    /// [`SourceError`] for an unknown kind, a path that is relative, holds `..` or hidden
    /// characters, or a key that is not one word of printable ASCII.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why| SourceError { text: text.to_owned(), what: "a source", why };
        match text.split_once(':') {
            Some(("folder", path)) => absolute(path).map(Self::Folder).map_err(wrong),
            Some(("file", path)) => absolute(path).map(Self::File).map_err(wrong),
            Some(("publisher", key)) => {
                let is_word = key.bytes().all(|byte| byte.is_ascii_graphic());
                if key.is_empty() || key.len() > KEY_CHARS_MAX || !is_word {
                    return Err(wrong("a key is one word of at most 512 printable characters"));
                }
                Ok(Self::Publisher(key.to_owned()))
            }
            Some(_) | None => Err(wrong("it starts with none of `folder:`, `file:`, `publisher:`")),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "folder:{}", path.display()),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Publisher(key) => write!(f, "publisher:{key}"),
        }
    }
}

impl serde::Serialize for Source {
    /// Fails for a path that is not UTF-8: a text that only resembles it would be another identity.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text().ok_or_else(|| {
            serde::ser::Error::custom(format_args!("the path in `{self}` is not UTF-8"))
        })?;
        serializer.serialize_str(&text)
    }
}

impl<'de> serde::Deserialize<'de> for Source {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Parses an absolute path and drops doubled and trailing slashes.
///
/// # Errors
///
/// The sentence that says what is wrong with it.
pub(super) fn absolute(text: &str) -> Result<PathBuf, &'static str> {
    if hidden_character(text).is_some() {
        return Err("the path holds a control or invisible character");
    }
    let path = Path::new(text);
    if !path.is_absolute() {
        return Err("the path is not absolute");
    }
    // `components` forgets about inner `.`, which would make two texts of one path.
    let dots = text.split('/').any(|part| part == ".");
    if dots || path.components().any(|part| part == Component::ParentDir) {
        return Err("the path holds `.` or `..`");
    }
    Ok(path.components().collect())
}

/// Why a text is not a source or a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not {what}: {why}", Quoted(.text))]
pub struct SourceError {
    /// What was given.
    pub text: String,
    /// What it should be, with its article.
    pub what: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

impl SourceError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> String {
        if self.what == "a source" {
            "write it like `folder:/home/me/plugin`, `file:/home/me/plugin.axp` or \
             `publisher:<key>`"
                .to_owned()
        } else {
            "write `once`, `always` or `project:/home/me/app`".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, Source};

    #[test]
    fn a_source_has_one_text() {
        for (given, wanted) in [
            ("folder:/home/me/plugin", "folder:/home/me/plugin"),
            ("folder:/home//me/plugin/", "folder:/home/me/plugin"),
            ("folder:/", "folder:/"),
            ("file:/p/x.axp", "file:/p/x.axp"),
            ("file:/p/with: colon", "file:/p/with: colon"),
            ("publisher:ed25519:abc/+=", "publisher:ed25519:abc/+="),
        ] {
            let source: Source = given.parse().expect(given);
            assert_eq!(source.to_string(), wanted);
            assert_eq!(wanted.parse::<Source>(), Ok(source));
        }
    }

    #[test]
    fn every_refusal_says_why() {
        let lines = [
            "",
            "folder",
            "url:https://h",
            "folder:",
            "folder:plugins/echo",
            "folder:/a/../b",
            "folder:/a/./b",
            "file:/a/..",
            "file:/a\nb",
            "folder:/a\u{202e}b",
            "publisher:",
            "publisher:a b",
            "publisher:é",
        ]
        .map(|text| text.parse::<Source>().expect_err(text).to_string());
        insta::assert_snapshot!(lines.join("\n"), @r"
        `` is not a source: it starts with none of `folder:`, `file:`, `publisher:`
        `folder` is not a source: it starts with none of `folder:`, `file:`, `publisher:`
        `url:https://h` is not a source: it starts with none of `folder:`, `file:`, `publisher:`
        `folder:` is not a source: the path is not absolute
        `folder:plugins/echo` is not a source: the path is not absolute
        `folder:/a/../b` is not a source: the path holds `.` or `..`
        `folder:/a/./b` is not a source: the path holds `.` or `..`
        `file:/a/..` is not a source: the path holds `.` or `..`
        `file:/a\u{a}b` is not a source: the path holds a control or invisible character
        `folder:/a\u{202e}b` is not a source: the path holds a control or invisible character
        `publisher:` is not a source: a key is one word of at most 512 printable characters
        `publisher:a b` is not a source: a key is one word of at most 512 printable characters
        `publisher:é` is not a source: a key is one word of at most 512 printable characters
        ");
        assert!(format!("publisher:{}", "k".repeat(512)).parse::<Source>().is_ok());
        assert!(format!("publisher:{}", "k".repeat(513)).parse::<Source>().is_err());
    }

    #[test]
    fn an_identity_is_a_name_and_a_source() {
        let json = r#"{"name":"ax:metrics","source":"folder:/abs/path"}"#;
        let identity: Identity = serde_json::from_str(json).expect("an identity");
        assert_eq!(identity.to_string(), "ax:metrics from folder:/abs/path");
        assert_eq!(serde_json::to_string(&identity).expect("text"), json);
        let extra = r#"{"name":"ax:metrics","source":"folder:/abs","digest":""}"#;
        assert!(serde_json::from_str::<Identity>(extra).is_err());
        let relative = r#"{"name":"ax:metrics","source":"folder:abs"}"#;
        assert!(serde_json::from_str::<Identity>(relative).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_is_not_written() {
        use std::os::unix::ffi::OsStrExt as _;
        let path = std::ffi::OsStr::from_bytes(b"/a\xff");
        assert!(serde_json::to_string(&Source::Folder(path.into())).is_err());
    }
}
