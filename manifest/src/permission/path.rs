//! Patterns of request paths: `/repos/**`, `/users/*/keys`.
//!
//! ```text
//! /repos      that path alone
//! /repos/     that path alone: to a server it may be another one
//! /repos/*    one more, non-empty segment
//! /repos/**   everything that starts with `/repos/`; only allowed at the end
//! ```
//!
//! Invariant: a pattern is canonical and names no path that a server could read as another one:
//! no `..`, no empty inner segment, no encoded full stop or slash, no backslash.
//! Not here: matching a request, which is [`PathPattern::covers`] of the request's own path.

use std::fmt;
use std::str::FromStr;

use crate::permission::error::Flaw;

/// A canonical path pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern(String);

impl PathPattern {
    /// Returns `/`, the path of a URL that names none.
    pub(crate) fn root() -> Self {
        Self("/".to_owned())
    }

    /// Parses the path of one request, where `*` and `,` are characters like others. The result
    /// matches that path alone.
    ///
    /// # Errors
    ///
    /// The rule that the path breaks.
    pub(crate) fn literal(text: &str) -> Result<Self, &'static str> {
        Self::canonical(&text.replace('*', "%2A").replace(',', "%2C"))
    }

    /// Tells whether this matches every path.
    pub fn is_everything(&self) -> bool {
        self.0 == "/**"
    }

    /// Returns the canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether every path that `other` matches is matched by `self`. Never allocates.
    pub fn covers(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.segments(), other.segments());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some("**"), Some(_)) => return true,
                (Some("*"), Some(segment)) if !segment.is_empty() && segment != "**" => {}
                (Some(ours), Some(theirs)) if ours == theirs => {}
                _ => return false,
            }
        }
    }

    /// Goes through what stands between the slashes; the last one may be empty.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }

    fn canonical(text: &str) -> Result<Self, &'static str> {
        let inner = text.strip_prefix('/').ok_or("it does not start with `/`")?;
        let mut canonical = String::with_capacity(text.len());
        let mut segments = inner.split('/').peekable();
        while let Some(segment) = segments.next() {
            let is_last = segments.peek().is_none();
            if segment.is_empty() && !is_last {
                return Err("it holds `//`");
            }
            if segment == "**" && !is_last {
                return Err("`**` stands only at the end");
            }
            canonical.push('/');
            push_segment(&mut canonical, segment)?;
        }
        Ok(Self(canonical))
    }
}

impl FromStr for PathPattern {
    type Err = Flaw;

    /// # Errors
    ///
    /// [`Flaw::Path`] with the reason.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::canonical(text).map_err(|why| Flaw::Path { text: text.to_owned(), why })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Appends the canonical form of one segment: escapes of plain characters are undone, the others
/// are written with upper-case digits.
fn push_segment(canonical: &mut String, segment: &str) -> Result<(), &'static str> {
    if matches!(segment, "*" | "**") {
        canonical.push_str(segment);
        return Ok(());
    }
    // Some servers cut `;…` off a segment before they read it, which turns `..;x` into `..`.
    if matches!(segment.split(';').next(), Some("." | "..")) {
        return Err("it holds a `.` or `..` segment");
    }
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let escape = (bytes.next().and_then(hex_value), bytes.next().and_then(hex_value));
                let (Some(high), Some(low)) = escape else {
                    return Err("a `%` is not followed by two hex digits");
                };
                push_escaped(canonical, high << 4 | low)?;
            }
            b'\\' => return Err("it holds a backslash, which some servers read as `/`"),
            b'*' => return Err("`*` and `**` stand for whole segments"),
            b'?' => return Err("a query cannot be granted; it is always part of the request"),
            b',' => return Err("a comma separates paths; write `%2C` for the character"),
            _ if is_plain(byte) || b"!$&'()+;=:@".contains(&byte) => {
                canonical.push(char::from(byte));
            }
            _ => return Err("it holds a character that needs a `%` escape"),
        }
    }
    Ok(())
}

fn push_escaped(canonical: &mut String, byte: u8) -> Result<(), &'static str> {
    match byte {
        b'.' | b'/' | b'\\' => Err("it hides `.`, `/` or a backslash behind a `%` escape"),
        0..=0x1f | 0x7f => Err("it holds an escaped control character"),
        _ if is_plain(byte) => {
            canonical.push(char::from(byte));
            Ok(())
        }
        _ => {
            canonical.push_str(&format!("%{byte:02X}"));
            Ok(())
        }
    }
}

/// Tells whether a character never needs an escape (RFC 3986, unreserved).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Returns the value of a hex digit.
pub(crate) fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::PathPattern;

    fn path(text: &str) -> PathPattern {
        text.parse().unwrap_or_else(|flaw| panic!("{text}: {flaw}"))
    }

    #[test]
    fn escapes_have_one_spelling() {
        for (given, wanted) in [
            ("/", "/"),
            ("/repos/**", "/repos/**"),
            ("/%7euser/%41", "/~user/A"),
            ("/a%2cb%2a", "/a%2Cb%2A"),
            ("/a:b@c;v=1", "/a:b@c;v=1"),
            ("/%c3%a9", "/%C3%A9"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
        ] {
            assert_eq!(path(given).as_str(), wanted);
        }
    }

    #[test]
    fn every_refusal_says_why() {
        let refusals = [
            "",
            "repos",
            "//",
            "/a//b",
            "/..",
            "/a/../b",
            "/.",
            "/a/.;x/b",
            "/..;/b",
            "/%2e%2e/b",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/**/a",
            "/a*",
            "/***",
            "/a?b",
            "/a,b",
            "/a b",
            "/é",
            "/%",
            "/%4",
            "/%zz",
            "/%00",
            "/%0a",
            "/\u{202e}",
            "/%4é",
        ]
        .map(|text| {
            let flaw = text.parse::<PathPattern>().expect_err(text);
            format!("{flaw}")
        });
        insta::assert_snapshot!(refusals.join("\n"), @r"
        `` is not a path pattern: it does not start with `/`
        `repos` is not a path pattern: it does not start with `/`
        `//` is not a path pattern: it holds `//`
        `/a//b` is not a path pattern: it holds `//`
        `/..` is not a path pattern: it holds a `.` or `..` segment
        `/a/../b` is not a path pattern: it holds a `.` or `..` segment
        `/.` is not a path pattern: it holds a `.` or `..` segment
        `/a/.;x/b` is not a path pattern: it holds a `.` or `..` segment
        `/..;/b` is not a path pattern: it holds a `.` or `..` segment
        `/%2e%2e/b` is not a path pattern: it hides `.`, `/` or a backslash behind a `%` escape
        `/a%2Fb` is not a path pattern: it hides `.`, `/` or a backslash behind a `%` escape
        `/a%5cb` is not a path pattern: it hides `.`, `/` or a backslash behind a `%` escape
        `/a\b` is not a path pattern: it holds a backslash, which some servers read as `/`
        `/**/a` is not a path pattern: `**` stands only at the end
        `/a*` is not a path pattern: `*` and `**` stand for whole segments
        `/***` is not a path pattern: `*` and `**` stand for whole segments
        `/a?b` is not a path pattern: a query cannot be granted; it is always part of the request
        `/a,b` is not a path pattern: a comma separates paths; write `%2C` for the character
        `/a b` is not a path pattern: it holds a character that needs a `%` escape
        `/é` is not a path pattern: it holds a character that needs a `%` escape
        `/%` is not a path pattern: a `%` is not followed by two hex digits
        `/%4` is not a path pattern: a `%` is not followed by two hex digits
        `/%zz` is not a path pattern: a `%` is not followed by two hex digits
        `/%00` is not a path pattern: it holds an escaped control character
        `/%0a` is not a path pattern: it holds an escaped control character
        `/\u{202e}` is not a path pattern: it holds a character that needs a `%` escape
        `/%4é` is not a path pattern: a `%` is not followed by two hex digits
        ");
    }

    #[test]
    fn wildcards_cover_what_they_say() {
        let covers = |a: &str, b: &str| path(a).covers(&path(b));
        assert!(covers("/**", "/"));
        assert!(covers("/**", "/a/b/"));
        assert!(covers("/repos/**", "/repos/"));
        assert!(covers("/repos/**", "/repos/a/b"));
        assert!(covers("/repos/**", "/repos/*/issues"));
        assert!(covers("/repos/**", "/repos/a/**"));
        assert!(!covers("/repos/**", "/repos"));
        assert!(!covers("/repos/**", "/reposx/a"));
        assert!(covers("/repos/*", "/repos/a"));
        assert!(!covers("/repos/*", "/repos/"));
        assert!(!covers("/repos/*", "/repos/a/"));
        assert!(!covers("/repos/*", "/repos/a/b"));
        assert!(!covers("/repos/*", "/repos/**"));
        assert!(!covers("/repos/*/**", "/repos/**"));
        assert!(covers("/repos/**", "/repos/*/**"));
        assert!(!covers("/repos/a", "/repos/*"));
        assert!(!covers("/repos/A", "/repos/a"));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "/?[a-z%2efF./*\\\\;é]{0,12}") {
            if let Ok(path) = text.parse::<PathPattern>() {
                assert_eq!(path.as_str().parse::<PathPattern>().as_ref(), Ok(&path));
                assert!(path.covers(&path));
                assert!(!path.segments().any(|segment| segment == ".."));
            }
        }
    }
}
