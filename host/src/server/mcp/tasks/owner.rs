//! Whose a task is: the client that began it, and for all others it is not there.
//!
//! Clients on standard input are one owner, for whoever starts `ax` is the person whose home it is. Over HTTP
//! the holder of a token is one, and another token of the same name is another; without tokens all programs
//! of the machine are one.

use std::sync::Arc;

use ax_manifest::Digest;

use crate::journal::About;

/// The label that tells tokens of one name from each other.
pub(super) const LABEL: &str = "mcp-owner";

/// Characters of that label: nobody makes two tokens that share them.
const LABEL_CHARS: usize = 32;

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    who: Arc<str>,
    key: Option<Digest>,
}

impl Owner {
    /// Names a client as the audit does, and by the digest of its token, if it has one.
    #[must_use]
    pub fn new(who: Arc<str>, key: Option<Digest>) -> Self {
        Self { who, key }
    }

    /// Returns who it is in the audit.
    #[must_use]
    pub fn who(&self) -> &Arc<str> {
        &self.who
    }

    /// Returns what is written on its tasks, beside who it is. Nobody learns the token's digest from it.
    pub(super) fn label(&self) -> Option<String> {
        let key = self.key?;
        let mut hasher = Digest::hasher();
        hasher.update(b"ax mcp owner\0");
        hasher.update(key.as_bytes());
        Some(hasher.finish().hex().chars().take(LABEL_CHARS).collect())
    }

    /// Answers whether it began a task.
    pub(super) fn owns(&self, about: &About) -> bool {
        *about.by == *self.who && about.labels.get(LABEL) == self.label().as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::journal::Kind;
    use crate::workflow::TaskId;

    fn owner(who: &str, token: Option<&str>) -> Owner {
        Owner::new(Arc::from(who), token.map(|it| Digest::of(it.as_bytes())))
    }

    fn begun_by(owner: &Owner) -> About {
        let label = owner.label().map(|label| (LABEL.to_owned(), label));
        About {
            run: TaskId::new(0, [0; 10]),
            parent: None,
            title: String::new(),
            work: Kind::Agent,
            name: String::new(),
            spec: None,
            by: owner.who().to_string(),
            labels: BTreeMap::from_iter(label),
            created_at_ms: 0,
        }
    }

    #[test]
    fn a_task_is_its_clients_alone() {
        let all = [
            owner("mcp:stdio", None),
            owner("mcp:http", None),
            owner("mcp:http:laptop", Some("axmcp_a")),
            owner("mcp:http:laptop", Some("axmcp_b")),
            owner("mcp:http:phone", Some("axmcp_c")),
            owner("person", None),
        ];
        for (one, of) in all.iter().enumerate() {
            for (other, by) in all.iter().enumerate() {
                assert_eq!(of.owns(&begun_by(by)), one == other, "{of:?} {by:?}");
            }
        }
    }

    #[test]
    fn what_is_written_on_a_task_opens_nothing() {
        let token = "axmcp_secret";
        let label = owner("mcp:http:laptop", Some(token)).label().unwrap();
        assert_eq!(label.len(), LABEL_CHARS);
        assert!(!Digest::of(token.as_bytes()).hex().contains(&label));
    }
}
