//! A JSON document inside of an event: its text, or the digest under which the text is kept.

use std::sync::Arc;

use ax_manifest::Digest;
use serde::{Deserialize, Serialize};

/// Bytes from which a document is kept by its digest, once for all that hold it. Below, a row of its own
/// would cost more than the repetition.
pub const KEPT_FROM: usize = 1_024;

/// A JSON document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Text {
    /// The document.
    #[serde(with = "shared")]
    Here(Arc<str>),
    /// The digest of the document, which is kept beside the journal.
    Kept(Digest),
}

impl Text {
    /// Takes a document as text.
    #[must_use]
    pub fn new(json: impl Into<Arc<str>>) -> Self {
        Self::Here(json.into())
    }

    /// Returns the document, if it is here.
    #[must_use]
    pub fn here(&self) -> Option<&Arc<str>> {
        match self {
            Self::Here(text) => Some(text),
            Self::Kept(_) => None,
        }
    }

    /// Returns the digest of the document, wherever it is.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::Here(text) => Digest::of(text.as_bytes()),
            Self::Kept(digest) => *digest,
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::new("null")
    }
}

/// Reads and writes shared text as text.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(text)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(from).map(Arc::from)
    }
}
