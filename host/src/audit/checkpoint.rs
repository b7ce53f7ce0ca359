//! A signed statement that the chain had a certain hash at a certain row.
//!
//! ```text
//! signature = Ed25519( "ax.audit.checkpoint.v1" 00 | seq (8 bytes, big endian)
//!                    | at_ms (8 bytes, big endian) | hash of row seq (32 bytes) )
//! ```
//!
//! Invariant: `audit.head` never runs ahead of what the database has on disk and never goes back,
//! so a head the database cannot show means that rows were cut off.
//!
//! Not here: when checkpoints are made (`writer`), and the table of them (`store`).

use ax_manifest::Digest;
use serde::Deserialize;
use serde::Serialize;

use crate::audit::error::AuditError;
use crate::audit::files::Files;
use crate::audit::key::PublicKey;
use crate::audit::key::Signer;
use crate::audit::key::hex;
use crate::audit::key::unhex;

/// Keeps checkpoint signatures apart from everything else a key could sign.
const CHECKPOINT_TAG: &[u8; 23] = b"ax.audit.checkpoint.v1\0";

/// Bytes that are signed: tag, seq, time, hash.
const MESSAGE_BYTES: usize = 23 + 8 + 8 + 32;

/// The state of the chain after row `seq`; `seq` 0 is the empty chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChainHead {
    pub(super) seq: i64,
    pub(super) hash: [u8; 32],
}

/// A signed [`ChainHead`], as in the table `checkpoint`, in `audit.head` and in an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    /// The last row covered; 0 before the first row.
    pub(super) seq: i64,
    /// The hash of that row; zeros before the first row.
    pub(super) hash: Digest,
    /// When it was signed, in milliseconds since 1970 UTC.
    pub(super) at_ms: i64,
    /// The key that signed, see [`PublicKey::id`].
    pub(super) key_id: String,
    /// 128 hex digits.
    pub(super) signature: String,
}

impl Checkpoint {
    /// Signs `head` at `at_ms`.
    pub(super) fn sign(head: ChainHead, at_ms: i64, signer: &Signer) -> Self {
        let signature = signer.sign(&message(head, at_ms));
        Self {
            seq: head.seq,
            hash: Digest::from_bytes(head.hash),
            at_ms,
            key_id: signer.public().id(),
            signature: hex(&signature),
        }
    }

    /// Whether `key` signed exactly this.
    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let head = ChainHead { seq: self.seq, hash: *self.hash.as_bytes() };
        unhex(&self.signature).is_some_and(|signature| {
            self.key_id == key.id() && key.has_signed(&message(head, self.at_ms), &signature)
        })
    }

    /// Reads `audit.head`; none if it does not exist.
    ///
    /// # Errors
    ///
    /// [`AuditError::HeadInvalid`] if it is malformed or not signed by `key`.
    pub(super) fn load_head(files: &Files, key: &PublicKey) -> Result<Option<Self>, AuditError> {
        let Some(text) = files.read_small(&files.head)? else { return Ok(None) };
        let invalid = |why| AuditError::HeadInvalid { path: files.head.clone(), why };
        let head: Self = serde_json::from_str(&text).map_err(|_| invalid("it is malformed"))?;
        if !head.is_signed_by(key) {
            return Err(invalid("the signature is wrong"));
        }
        Ok(Some(head))
    }

    /// Mirrors this checkpoint in `audit.head`, unless that is as new already.
    ///
    /// The caller holds the files' lock, and the checkpoint is on disk in the database.
    pub(super) fn mirror(&self, files: &Files, key: &PublicKey) -> Result<(), AuditError> {
        if Self::load_head(files, key)?.is_some_and(|head| head.seq >= self.seq) {
            return Ok(());
        }
        let text = serde_json::json!(self).to_string();
        files.replace(&files.head, &format!("{text}\n"))
    }
}

fn message(head: ChainHead, at_ms: i64) -> [u8; MESSAGE_BYTES] {
    let mut message = [0; MESSAGE_BYTES];
    message[..23].copy_from_slice(CHECKPOINT_TAG);
    message[23..31].copy_from_slice(&head.seq.to_be_bytes());
    message[31..39].copy_from_slice(&at_ms.to_be_bytes());
    message[39..].copy_from_slice(&head.hash);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Files, Signer) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let files = Files::of(dir.path());
        let signer = Signer::open(&files, true).expect("a key is made");
        (dir, files, signer)
    }

    fn checkpoint(seq: i64, signer: &Signer) -> Checkpoint {
        Checkpoint::sign(ChainHead { seq, hash: [9; 32] }, 1_000, signer)
    }

    #[test]
    fn a_signature_covers_every_field() {
        let (_dir, _files, signer) = home();
        let key = signer.public();
        let signed = checkpoint(5, &signer);
        assert!(signed.is_signed_by(&key));
        let forged = [
            Checkpoint { seq: 6, ..signed.clone() },
            Checkpoint { hash: Digest::of(b"other"), ..signed.clone() },
            Checkpoint { at_ms: 1_001, ..signed.clone() },
            Checkpoint { key_id: "0000000000000000".to_owned(), ..signed.clone() },
            Checkpoint { signature: "0".repeat(128), ..signed.clone() },
            Checkpoint { signature: String::new(), ..signed.clone() },
        ];
        for checkpoint in forged {
            assert!(!checkpoint.is_signed_by(&key), "{checkpoint:?}");
        }
    }

    #[test]
    fn another_homes_signature_is_refused() {
        let (_dir, _files, signer) = home();
        let (_other_dir, _other_files, other) = home();
        assert!(!checkpoint(5, &other).is_signed_by(&signer.public()));
    }

    #[test]
    fn the_head_never_goes_back() {
        let (_dir, files, signer) = home();
        let key = signer.public();
        for seq in [0, 7, 3] {
            checkpoint(seq, &signer).mirror(&files, &key).expect("the head is written");
        }
        let head = Checkpoint::load_head(&files, &key).expect("the head is valid");
        assert_eq!(head.map(|head| head.seq), Some(7));
    }

    #[test]
    fn a_forged_head_is_neither_believed_nor_overwritten() {
        let (_dir, files, signer) = home();
        let key = signer.public();
        let forged = Checkpoint { seq: 9, ..checkpoint(2, &signer) };
        let texts = [serde_json::json!(forged).to_string(), "{}".to_owned(), "\u{0}".to_owned()];
        for text in texts {
            files.replace(&files.head, &text).expect("the head is forged");
            let refused = checkpoint(3, &signer).mirror(&files, &key);
            assert!(matches!(refused, Err(AuditError::HeadInvalid { .. })), "{text}");
            assert_eq!(files.read_small(&files.head).expect("it is there"), Some(text));
        }
    }
}
