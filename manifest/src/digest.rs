//! SHA-256 digests, the names of bytes.
//!
//! Invariant: one digest has one text, `sha256:` and 64 lower-case hex digits.
//! Not here: where the bytes are kept (`ax-registry`), signatures over them.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::text::{Quoted, serde_as_text};

/// Names the one algorithm in use; a second one would be a second prefix.
const PREFIX: &str = "sha256:";

/// Hex digits that tell two packages apart in a table a person reads: 48 bits.
const SHORT_HEX: usize = 12;

/// The SHA-256 of some bytes, written `sha256:<64 hex>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Takes a digest that was computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the 64 lower-case hex digits, without the prefix.
    pub fn hex(&self) -> String {
        let mut hex = String::with_capacity(64);
        for byte in self.0 {
            // Writing to a string cannot fail.
            let _written = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// Returns the first 12 hex digits, for people; never compare by it.
    pub fn short(&self) -> String {
        let mut hex = self.hex();
        hex.truncate(SHORT_HEX);
        hex
    }

    /// Starts a digest of bytes that arrive in pieces.
    pub fn hasher() -> DigestHasher {
        DigestHasher(Sha256::new())
    }
}

/// A digest in the making; see [`Digest::hasher`].
#[derive(Clone)]
pub struct DigestHasher(Sha256);

impl DigestHasher {
    /// Adds the next `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all bytes added so far, in order.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Debug for DigestHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestHasher")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{PREFIX}{}", self.hex()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a digest: {why}", Quoted(.text))]
pub struct DigestError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl DigestError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> String {
        "a digest is `sha256:` and 64 lower-case hex digits; copy it whole".to_owned()
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    /// # Errors
    ///
    /// [`DigestError`] for anything but the canonical text: upper-case digits are refused, so that
    /// equal digests have equal texts.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why| DigestError { text: text.chars().take(100).collect(), why };
        let hex =
            text.strip_prefix(PREFIX).ok_or_else(|| wrong("it does not start with `sha256:`"))?;
        if hex.len() != 64 {
            return Err(wrong("it needs 64 hex digits after `sha256:`"));
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let (Some(high), Some(low)) = (nibble(pair[0]), nibble(pair[1])) else {
                return Err(wrong("it holds something that is not a lower-case hex digit"));
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

/// Converts one lower-case hex digit into its value.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

serde_as_text!(Digest);

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::Digest;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_empty_input_has_the_known_digest() {
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
        assert_eq!(format!("{:?}", Digest::of(b"")), EMPTY);
        assert_eq!(Digest::of(b"").short(), "e3b0c44298fc");
    }

    #[test]
    fn pieces_hash_like_the_whole() {
        let mut hasher = Digest::hasher();
        hasher.update(b"ab");
        hasher.update(b"");
        hasher.update(b"c");
        assert_eq!(hasher.finish(), Digest::of(b"abc"));
    }

    #[test]
    fn a_wrong_digest_says_why() {
        let refused = |text: &str| text.parse::<Digest>().expect_err(text).why;
        assert_eq!(refused(""), "it does not start with `sha256:`");
        assert_eq!(refused(&EMPTY[7..]), "it does not start with `sha256:`");
        assert_eq!(refused(&EMPTY[..70]), "it needs 64 hex digits after `sha256:`");
        assert_eq!(refused(&format!("{EMPTY}0")), "it needs 64 hex digits after `sha256:`");
        let upper = format!("sha256:{}", EMPTY[7..].to_uppercase());
        assert_eq!(refused(&upper), "it holds something that is not a lower-case hex digit");
        // Two bytes per character: the length fits, the digits do not.
        assert_eq!(
            refused(&format!("sha256:{}", "é".repeat(32))),
            "it holds something that is not a lower-case hex digit"
        );
    }

    #[test]
    fn json_is_as_strict_as_the_text() {
        let json = format!("\"{EMPTY}\"");
        assert_eq!(serde_json::from_str::<Digest>(&json).expect("a digest"), Digest::of(b""));
        assert_eq!(serde_json::to_string(&Digest::of(b"")).expect("text"), json);
        assert!(serde_json::from_str::<Digest>("\"sha256:00\"").is_err());
    }

    proptest! {
        #[test]
        fn every_digest_survives_its_text(bytes in proptest::array::uniform32(0_u8..)) {
            let digest = Digest::from_bytes(bytes);
            assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC*") {
            drop(text.parse::<Digest>());
        }
    }
}
