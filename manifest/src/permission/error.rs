//! Why a text is not a permission.
//!
//! Invariant: every error names the text, safe to show, and its hint is a line that parses.
//! Not here: where in a file the text stands (`manifest::error`).

use crate::permission::PermissionKind;
use crate::permission::net::Method;
use crate::permission::origin::Origin;
use crate::text::Quoted;

/// A text that is no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    /// The text is longer than any permission may be.
    #[error("a permission of {bytes} bytes is too long; {max} is the most")]
    TooLong {
        /// Bytes of the text.
        bytes: usize,
        /// Bytes that are allowed.
        max: usize,
    },
    /// What stands before the first colon is no kind of permission.
    #[error("unknown permission kind {}", Quoted(.kind))]
    UnknownKind {
        /// What was given as the kind.
        kind: String,
        /// The kind that was probably meant.
        nearest: Option<PermissionKind>,
    },
    /// The kind is known and what follows it is wrong.
    #[error("{} is not a permission: {flaw}", Quoted(.text))]
    Wrong {
        /// The whole text.
        text: String,
        /// Its kind.
        kind: PermissionKind,
        /// What is wrong.
        flaw: Flaw,
    },
}

impl PermissionError {
    /// Makes the error for `text`, which may hold a password that must not be repeated.
    pub(crate) fn wrong(text: &str, kind: PermissionKind, flaw: Flaw) -> Self {
        Self::Wrong { text: without_userinfo(text), kind, flaw }
    }

    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> String {
        match self {
            Self::TooLong { .. } => "split it into several permissions".to_owned(),
            Self::UnknownKind { kind, .. } if kind == "sockets" || kind == "socket" => {
                "sockets are never granted; ask for hosts, like `net:https://api.github.com`"
                    .to_owned()
            }
            Self::UnknownKind { nearest: Some(kind), .. } => {
                format!("did you mean `{}`, as in `{}`?", kind.word(), kind.example())
            }
            Self::UnknownKind { nearest: None, .. } => {
                let words: Vec<&str> = PermissionKind::ALL.iter().map(|kind| kind.word()).collect();
                format!("the kinds are {}", words.join(", "))
            }
            Self::Wrong { kind, flaw, .. } => {
                flaw.hint().unwrap_or_else(|| format!("write it like `{}`", kind.example()))
            }
        }
    }
}

/// Replaces a user name and password between `://` and the host.
pub(crate) fn without_userinfo(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://…{}", &rest[at..]),
        None => text.to_owned(),
    }
}

/// What is wrong with one part of a permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A part that this kind needs is not there.
    #[error("{} lacks {what}", Quoted(.text))]
    Missing {
        /// What was given.
        text: String,
        /// The part, with its article.
        what: &'static str,
    },
    /// Something follows where this kind ends.
    #[error("{} is too much", Quoted(.text))]
    Extra {
        /// What follows.
        text: String,
    },
    /// A name breaks the rules for names of its sort.
    #[error("{} is not {what}: {why}", Quoted(.text))]
    Name {
        /// What was given.
        text: String,
        /// What it should be, with its article.
        what: &'static str,
        /// The rule it breaks.
        why: &'static str,
    },
    /// A word is none of the few that fit.
    #[error("{} is not one of {choices}", Quoted(.text))]
    Choice {
        /// What was given.
        text: String,
        /// The words that fit.
        choices: &'static str,
    },
    /// There is no `scheme://`.
    #[error("{} does not start with `https://` or `http://`", Quoted(.text))]
    NoScheme {
        /// What was given as the origin.
        text: String,
    },
    /// The scheme cannot be granted.
    #[error("{} is not a scheme that can be granted", Quoted(.text))]
    Scheme {
        /// What was given.
        text: String,
    },
    /// A user name or password stands before the host.
    #[error("{} holds a user name before the host", Quoted(.text))]
    Userinfo {
        /// What was given, without the user name and password.
        text: String,
    },
    /// A `#` cannot reach a server.
    #[error("{} holds a fragment (`#`)", Quoted(.text))]
    Fragment {
        /// What was given.
        text: String,
    },
    /// The host is no name, pattern or address.
    #[error("{} is not a host: {why}", Quoted(.text))]
    Host {
        /// What was given.
        text: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// The host has letters that look like others.
    #[error("{} is not a host in ASCII", Quoted(.text))]
    NonAsciiHost {
        /// What was given.
        text: String,
    },
    /// The port is no number from 1 to 65535.
    #[error("{} is not a port", Quoted(.text))]
    Port {
        /// What was given.
        text: String,
    },
    /// Something follows the origin without a colon, or where an origin must stand alone.
    #[error("{} does not belong to an origin", Quoted(.text))]
    AfterOrigin {
        /// What follows.
        text: String,
    },
    /// The method is unknown, in lower case or never granted.
    #[error("{} is not a method that can be granted", Quoted(.text))]
    Method {
        /// What was given.
        text: String,
    },
    /// `idempotency-key` stands where nothing needs it.
    #[error("`idempotency-key` is for POST and PATCH, and neither stands beside it")]
    NothingToKey,
    /// A path pattern has a part that is refused.
    #[error("{} is not a path pattern: {why}", Quoted(.text))]
    Path {
        /// What was given.
        text: String,
        /// The rule it breaks.
        why: &'static str,
    },
}

impl Flaw {
    /// Says what to type, where that is more than an example of the kind.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. }
            | Self::Extra { .. }
            | Self::Name { .. }
            | Self::Choice { .. }
            | Self::Scheme { .. }
            | Self::Host { .. } => None,
            Self::NoScheme { text } => {
                let guess = format!("https://{text}");
                guess.parse::<Origin>().is_ok().then(|| format!("write `{guess}`"))
            }
            Self::Userinfo { .. } => Some(
                "leave it out; a secret is added with `secret:<name>@https://<host>`".to_owned(),
            ),
            Self::Fragment { .. } => Some("leave out the `#` and what follows".to_owned()),
            Self::NonAsciiHost { .. } => Some(
                "write the punycode form, like `xn--bcher-kva.example` for `bücher.example`"
                    .to_owned(),
            ),
            Self::Port { .. } => Some("a port is a number from 1 to 65535".to_owned()),
            Self::AfterOrigin { .. } => Some(
                "end the origin after the host or port; a path follows the methods, as in \
                 `net:https://api.github.com:GET:/repos/**`"
                    .to_owned(),
            ),
            Self::Method { text } if text.to_ascii_uppercase().parse::<Method>().is_ok() => {
                Some(format!("write `{}`", text.to_ascii_uppercase()))
            }
            Self::Method { .. } => Some(
                "the methods are GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE, or `*`".to_owned(),
            ),
            Self::NothingToKey => Some(
                "leave it out; GET, HEAD, OPTIONS, PUT and DELETE may be sent again without it"
                    .to_owned(),
            ),
            Self::Path { .. } => Some(
                "a path looks like `/repos/**` (any depth) or `/users/*/keys` (one segment)"
                    .to_owned(),
            ),
        }
    }
}
