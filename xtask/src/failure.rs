//! What went wrong and what to type; the cause, if any, is the error it is the context of.

use std::fmt;

/// A failure with a hint; `main` prints both.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What failed, naming its subject.
    pub(crate) what: String,
    /// What to type or do.
    pub(crate) hint: String,
}

impl Failure {
    /// Makes an error that has no cause.
    // A constructor of the error that callers return, not of `Self`.
    #[expect(clippy::new_ret_no_self, reason = "every caller wants the `anyhow::Error`")]
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self::context(what, hint))
    }

    /// Makes a context, for `error.context(Failure::context(…))`.
    pub(crate) fn context(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}
