//! Why a text is not a URL that can be requested.
//!
//! Invariant: no error repeats a query, a user name or a password, however wrong the text is.
//! Not here: why a right URL may not be requested (permissions), why it does not answer (egress).

use crate::permission::Flaw;
use crate::permission::error::without_userinfo;
use crate::text::Quoted;

/// A text that is no URL to request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The URL is longer than servers accept, as given or once escaped.
    #[error("a URL of {bytes} bytes is too long; {max} is the most")]
    TooLong {
        /// Bytes of the URL.
        bytes: usize,
        /// Bytes that are allowed.
        max: usize,
    },
    /// Host and path are longer than a permission for them could be.
    #[error("a URL of {bytes} bytes before the query is too long; {max} is the most")]
    PathTooLong {
        /// Bytes before the query.
        bytes: usize,
        /// Bytes that are allowed.
        max: usize,
    },
    /// A control character, a line break or a blank, anywhere.
    #[error("{} is not a URL: it holds the character U+{:04X}", Quoted(.text), u32::from(*.character))]
    Character {
        /// What stands before the query.
        text: String,
        /// The character.
        character: char,
    },
    /// A backslash, which some parsers read as `/`.
    #[error("{} is not a URL: it holds a backslash", Quoted(.text))]
    Backslash {
        /// What stands before the query.
        text: String,
    },
    /// Scheme, host or port are wrong.
    #[error(transparent)]
    Origin(Flaw),
    /// The host is a pattern, which is for permissions.
    #[error("{} is a pattern of hosts, not a host", Quoted(.text))]
    Pattern {
        /// What was given as the host.
        text: String,
    },
    /// The path is wrong, or a server could read it as another one.
    #[error("{} is not a path: {why}", Quoted(.text))]
    Path {
        /// What was given as the path.
        text: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// The query is wrong.
    #[error("the query of {} is wrong: {why}", Quoted(.text))]
    Query {
        /// What stands before the query.
        text: String,
        /// The rule it breaks.
        why: &'static str,
    },
}

impl UrlError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLong { .. } => Some("send the data in the body of a request".to_owned()),
            Self::PathTooLong { .. } => {
                Some("shorten the path, or move data into the query or the body".to_owned())
            }
            Self::Character { character: ' ', .. } => Some("write a blank as `%20`".to_owned()),
            Self::Character { .. } => Some("leave it out, or escape it with `%`".to_owned()),
            Self::Backslash { .. } => {
                Some("write `/` between segments, `%5C` in a query".to_owned())
            }
            Self::Origin(Flaw::AfterOrigin { .. }) => Some(
                "a port is a number from 1 to 65535, like `https://example.org:8443`".to_owned(),
            ),
            Self::Origin(Flaw::Scheme { .. }) => {
                Some("only `https` and `http` can be requested".to_owned())
            }
            Self::Origin(Flaw::NoScheme { .. }) => {
                Some("write the whole URL, like `https://api.github.com/repos`".to_owned())
            }
            Self::Origin(Flaw::Host { .. }) => {
                Some("write one host, like `api.github.com`, `10.0.0.1` or `[::1]`".to_owned())
            }
            Self::Origin(flaw) => flaw.hint(),
            Self::Pattern { .. } => Some("name the one host that is to answer".to_owned()),
            Self::Path { .. } => Some(
                "write the path that the server is to read, with `%` escapes only for characters \
                 that need them"
                    .to_owned(),
            ),
            Self::Query { .. } => {
                Some("escape each byte of the character with `%`, like `%25` for `%`".to_owned())
            }
        }
    }
}

/// Returns what can be repeated of the text before a query: all but a user name and password.
pub(super) fn shown(front: &str) -> String {
    if front.contains("://") {
        return without_userinfo(front);
    }
    match front.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => front.to_owned(),
    }
}
