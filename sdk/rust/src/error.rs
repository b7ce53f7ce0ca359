//! What goes wrong in a tool, as far as the caller can act on it.

use std::fmt;

use serde_json::Value;

/// What a tool gives back, or why it does not.
///
/// In a tool, `?` works on any error:
///
/// ```
/// use ax_sdk::prelude::*;
///
/// /// Doubles a number that is written down.
/// #[tool(read_only, idempotent)]
/// fn double(number: String) -> Result<String> {
///     let number: u32 = number.trim().parse()?;
///     Ok((2 * number).to_string())
/// }
/// # fn main() {
/// # assert_eq!(double("21".into()).unwrap(), "42");
/// let error = double("many".to_owned()).unwrap_err();
/// assert_eq!(error.kind, ErrorKind::Failed);
/// assert_eq!(error.message, "invalid digit found in string");
/// # }
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What to do about an error. The kind decides what a caller tries next, so choose it with care: an
/// agent asks again after `Unavailable`, mends its input after `Invalid` and gives up after `Failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorKind {
    /// The request is wrong and stays wrong; the code names the member, as `folder` or `items[3].id`.
    Invalid,
    /// Not granted; the code is the missing permission, as `net:https://example.org:GET:/`.
    Denied,
    /// Granted, but a limit is used up; the code is its name, as `kv-bytes` or `requests`.
    Exhausted,
    /// There is no such thing; the code is the name that was looked for.
    NotFound,
    /// Something changed in between: read again, then try again.
    Conflict,
    /// The other side failed; trying again later may succeed. See [`Error::retry_after_ms`].
    Unavailable,
    /// It failed, and fails again if nothing changes.
    #[default]
    Failed,
    /// It may have happened or not, and nobody can tell: look before asking again.
    InDoubt,
    /// Somebody asked to stop, and it stopped.
    Cancelled,
    /// Newer than this SDK; the code says what it is.
    Other,
}

/// Why a tool gives no answer.
///
/// ```
/// use ax_sdk::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Unavailable, "the shop is closed").retry_after_ms(60_000);
/// assert_eq!(error.to_string(), "the shop is closed");
/// ```
///
/// Any `std::error::Error` becomes one of the kind [`ErrorKind::Failed`] by `?`, its causes appended to
/// the message. It implements `Display` and not `std::error::Error`, which is what makes that possible;
/// an error type of your own that shall become another kind is turned with `map_err`.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    /// What to do about it.
    pub kind: ErrorKind,
    /// One sentence for a person, without secrets; at most 4 KiB are shown.
    pub message: String,
    /// A word for programs, as the kind says; empty when there is none. At most 256 bytes.
    pub code: String,
    /// Details for programs, an object.
    pub data: Option<Value>,
    /// Milliseconds to wait before asking again, a day at most; none when waiting does not help.
    pub retry_after_ms: Option<u32>,
}

impl Error {
    /// Makes an error of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message, code: String::new(), data: None, retry_after_ms: None }
    }

    /// The request is wrong and stays wrong. `member` names what is, as `folder` or `items[3].id`.
    ///
    /// ```
    /// # use ax_sdk::{Error, Result};
    /// # fn check(limit: u32) -> Result<()> {
    /// if !(1..=100).contains(&limit) {
    ///     return Err(Error::invalid("limit", format!("`limit` is {limit}; it may be 1 to 100")));
    /// }
    /// # Ok(()) }
    /// # assert_eq!(check(0).unwrap_err().code, "limit");
    /// ```
    pub fn invalid(member: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message).code(member)
    }

    /// There is nothing of this name.
    pub fn not_found(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message).code(name)
    }

    /// It failed, and there is no better word for it.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// Adds a word for programs, of at most 256 bytes.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    /// Says how many milliseconds to wait before asking again.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: u32) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// Adds details for programs, an object.
    ///
    /// ```
    /// use ax_sdk::serde_json::json;
    /// # use ax_sdk::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Conflict, "it has version 3").data(json!({ "version": 3 }));
    /// # assert_eq!(error.data.unwrap()["version"], 3);
    /// ```
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// As `Display`, with kind and code: a test that unwraps shows them.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)?;
        if !self.code.is_empty() {
            write!(f, " ({})", self.code)?;
        }
        Ok(())
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            message.push_str(": ");
            message.push_str(&next.to_string());
            cause = next.source();
        }
        Self::failed(message)
    }
}
