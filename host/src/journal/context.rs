//! Conversations: lists of messages of which many share their beginning.
//!
//! ```text
//! a ←─ b ←─ c        the list `a b c` is named by the digest of its last message and all before it,
//!      ↑             so a question to a model stores one digest, and a message is stored once however
//!      └─── d        many questions repeat it
//! ```
//!
//! Invariant: a message that is kept has all before it kept.

use ax_manifest::Digest;

/// What distinguishes these digests from others.
const TAG: &[u8] = b"ax context\0";

/// A message and what came before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The name of the list that ends with it.
    pub node: Digest,
    /// The name of the list before it.
    pub parent: Option<Digest>,
    /// What was said: bytes that only the caller understands.
    pub body: Vec<u8>,
}

impl Message {
    /// Puts a message after a list.
    #[must_use]
    pub fn after(parent: Option<Digest>, body: Vec<u8>) -> Self {
        Self { node: name(parent, &body), parent, body }
    }

    /// Puts messages after a list, in their order. The last one's `node` names the whole.
    #[must_use]
    pub fn list(
        mut parent: Option<Digest>,
        bodies: impl IntoIterator<Item = Vec<u8>>,
    ) -> Vec<Self> {
        let put = |body| {
            let message = Self::after(parent, body);
            parent = Some(message.node);
            message
        };
        bodies.into_iter().map(put).collect()
    }

    /// Answers whether it is what its name says.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        name(self.parent, &self.body) == self.node
    }
}

fn name(parent: Option<Digest>, body: &[u8]) -> Digest {
    let mut hasher = Digest::hasher();
    hasher.update(TAG);
    hasher.update(&[u8::from(parent.is_some())]);
    if let Some(parent) = parent {
        hasher.update(parent.as_bytes());
    }
    hasher.update(body);
    hasher.finish()
}
