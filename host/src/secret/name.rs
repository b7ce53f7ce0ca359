//! What a secret is called.
//!
//! Invariant: a name follows the rule that `secret:NAME@…` follows in a permission, so whatever can
//! be stored can be granted, and it means the same to a shell, a file and a JSON document.
//!
//! Not here: `*`, which names many and is for permissions alone.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use crate::secret::error::SecretError;

/// Characters of a name: the bound of names in permissions.
pub const SECRET_NAME_CHARS_MAX: usize = 64;

/// The name of one secret: `[a-z][a-z0-9]*(-[a-z0-9]+)*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

impl SecretName {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for SecretName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match flaw(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(SecretError::Name { text: text.to_owned(), why }),
        }
    }
}

/// Says what is wrong with a name.
pub(super) fn flaw(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > SECRET_NAME_CHARS_MAX {
        return Some("it is longer than 64 characters");
    }
    if text.bytes().any(|byte| !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
        return Some("only a-z, 0-9 and single hyphens are allowed");
    }
    if !text.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Some("it starts with a letter");
    }
    if text.ends_with('-') || text.contains("--") {
        return Some("hyphens stand alone, between other characters");
    }
    None
}

#[cfg(test)]
mod tests {
    use ax_manifest::Permission;
    use proptest::prelude::proptest;

    use super::SECRET_NAME_CHARS_MAX;
    use super::SecretName;

    #[test]
    fn a_name_may_have_64_characters_and_not_65() {
        let longest = "a".repeat(SECRET_NAME_CHARS_MAX);
        assert!(longest.parse::<SecretName>().is_ok());
        assert!(format!("{longest}a").parse::<SecretName>().is_err());
    }

    #[test]
    fn a_wrong_name_says_why_on_one_line() {
        let why = |text: &str| text.parse::<SecretName>().expect_err(text).to_string();
        assert_eq!(why(""), "`` is not the name of a secret: it is empty");
        assert!(why("A").ends_with("only a-z, 0-9 and single hyphens are allowed"));
        assert!(why("1a").ends_with("it starts with a letter"));
        assert!(why("a--b").ends_with("hyphens stand alone, between other characters"));
        assert!(why("a-").ends_with("hyphens stand alone, between other characters"));
        assert_eq!(
            why("a\u{202e}\n"),
            "`a\\u{202e}\\u{a}` is not the name of a secret: only a-z, 0-9 and single hyphens are \
             allowed"
        );
    }

    proptest! {
        #[test]
        fn what_can_be_stored_is_what_can_be_granted(text in "[a-c0-1A*_-]{0,6}|[a-z-]{60,70}") {
            let permission = format!("secret:{text}@https://api.example.com").parse::<Permission>();
            let grantable = permission.is_ok() && text != "*";
            assert_eq!(text.parse::<SecretName>().is_ok(), grantable, "{text}");
        }
    }
}
