//! The key pair that signs checkpoints.
//!
//! Invariant: the signing key never leaves its file and this module, and is refused when other
//! users can read it. A missing key is made only for a log that has no checkpoint yet.
//!
//! What it proves: someone who holds `audit.pub` from before can tell whether rows up to a
//! checkpoint are the ones this installation wrote. It does not stop a process of the same user,
//! which can read the key; keep a copy of `audit.pub` and of exports elsewhere against that.
//!
//! Not here: what is signed (`checkpoint`).

use std::fmt;
use std::io::Read as _;
use std::str::FromStr;

use ax_manifest::Digest;
use ed25519_dalek::Signature;
use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use fs_err as fs;

use crate::audit::error::AuditError;
use crate::audit::files::Files;

/// Where key bytes come from: the kernel's generator, on every Unix.
const RANDOM_SOURCE: &str = "/dev/urandom";

/// What a public key's text begins with.
const PUBLIC_KEY_PREFIX: &str = "ed25519:";

/// Hex digits of a key's digest that name it. 64 bits tell apart the few keys anyone will meet.
const KEY_ID_DIGITS: usize = 16;

/// Signs checkpoints. Its `Debug` shows only the public half.
pub(super) struct Signer {
    key: SigningKey,
    public: PublicKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("public", &self.public).finish_non_exhaustive()
    }
}

impl Signer {
    /// Loads the key pair, or makes it when `may_create`. The caller holds the files' lock.
    ///
    /// # Errors
    ///
    /// Refuses a key that is missing, malformed, readable by others, or at odds with `audit.pub`.
    pub(super) fn open(files: &Files, may_create: bool) -> Result<Self, AuditError> {
        let secret = match files.read_small(&files.key)? {
            Some(text) => {
                refuse_exposed(files)?;
                unhex::<32>(text.trim_end())
                    .ok_or_else(|| AuditError::KeyInvalid { path: files.key.clone() })?
            }
            None if may_create => create(files)?,
            None => return Err(AuditError::KeyMissing { path: files.key.clone() }),
        };
        let key = SigningKey::from_bytes(&secret);
        let signer = Self { public: PublicKey(key.verifying_key()), key };
        match PublicKey::load(files)? {
            Some(public) if public != signer.public => {
                Err(AuditError::KeyMismatch { path: files.public_key.clone() })
            }
            Some(_) => Ok(signer),
            None => {
                files.replace(&files.public_key, &format!("{}\n", signer.public))?;
                Ok(signer)
            }
        }
    }

    /// The public half.
    pub(super) fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs `message`.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

fn create(files: &Files) -> Result<[u8; 32], AuditError> {
    let mut secret = [0; 32];
    fs::File::open(RANDOM_SOURCE)
        .and_then(|mut source| source.read_exact(&mut secret))
        .map_err(|source| AuditError::File { path: RANDOM_SOURCE.into(), doing: "read", source })?;
    files.replace(&files.key, &format!("{}\n", hex(&secret)))?;
    Ok(secret)
}

#[cfg(unix)]
fn refuse_exposed(files: &Files) -> Result<(), AuditError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::metadata(&files.key).map_err(|source| AuditError::File {
        path: files.key.clone(),
        doing: "inspect",
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(AuditError::KeyExposed { path: files.key.clone(), mode })
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Files) -> Result<(), AuditError> {
    Ok(())
}

/// The public half of the signing key; text form `ed25519:<64 hex digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads `audit.pub`; none if it does not exist.
    pub(super) fn load(files: &Files) -> Result<Option<Self>, AuditError> {
        let Some(text) = files.read_small(&files.public_key)? else { return Ok(None) };
        let key = text.trim_end().parse();
        key.map(Some).map_err(|_| AuditError::KeyInvalid { path: files.public_key.clone() })
    }

    /// Names the key: the first 16 hex digits of the SHA-256 digest of its 32 bytes.
    pub fn id(&self) -> String {
        let mut id = Digest::of(self.0.as_bytes()).hex();
        id.truncate(KEY_ID_DIGITS);
        id
    }

    /// Whether `signature` was made over `message` with this key's secret half.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC_KEY_PREFIX}{}", hex(self.0.as_bytes()))
    }
}

/// Why a text is not a public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a public key")]
pub struct PublicKeyError {
    /// The text, cut at 100 characters.
    pub text: String,
}

impl PublicKeyError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        Some("give the one line of `audit.pub`: `ed25519:` and 64 hex digits".to_owned())
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix(PUBLIC_KEY_PREFIX)
            .and_then(unhex::<32>)
            .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok())
            // A weak key verifies forged signatures.
            .filter(|key| !key.is_weak())
            .map(Self)
            .ok_or_else(|| PublicKeyError { text: text.chars().take(100).collect() })
    }
}

/// Writes bytes as lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Reads exactly `N` bytes of lower-case hex digits, so that a value has one text form.
pub(super) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = nibble(digits[0])? << 4 | nibble(digits[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Files) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let files = Files::of(dir.path());
        (dir, files)
    }

    #[test]
    fn a_key_is_made_once_and_only_when_it_may_be() {
        let (_dir, files) = home();
        assert!(matches!(Signer::open(&files, false), Err(AuditError::KeyMissing { .. })));
        let made = Signer::open(&files, true).expect("a key is made").public();
        let again = Signer::open(&files, true).expect("the key is loaded").public();
        assert_eq!(made, again);
    }

    #[test]
    fn two_homes_have_different_keys() {
        let (_first_dir, first) = home();
        let (_second_dir, second) = home();
        let of = |files| Signer::open(files, true).expect("a key is made").public();
        assert_ne!(of(&first), of(&second));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, files) = home();
        Signer::open(&files, true).expect("a key is made");
        let set = |mode| fs::set_permissions(&files.key, PermissionsExt::from_mode(mode));
        set(0o640).expect("the mode changes");
        let refused = Signer::open(&files, true).expect_err("others can read the key");
        assert!(matches!(refused, AuditError::KeyExposed { mode: 0o640, .. }), "{refused}");
        assert!(refused.hint().is_some_and(|hint| hint.starts_with("chmod 600 ")));
        set(0o600).expect("the mode changes");
        assert!(Signer::open(&files, true).is_ok());
    }

    #[test]
    fn a_malformed_or_foreign_key_is_refused_and_kept() {
        let (_dir, files) = home();
        let mine = Signer::open(&files, true).expect("a key is made");
        files.replace(&files.key, &"0".repeat(63)).expect("the key is damaged");
        assert!(matches!(Signer::open(&files, true), Err(AuditError::KeyInvalid { .. })));
        files.replace(&files.key, &"7".repeat(64)).expect("the key is another");
        assert!(matches!(Signer::open(&files, true), Err(AuditError::KeyMismatch { .. })));
        assert_eq!(fs::read_to_string(&files.key).expect("the key is there"), "7".repeat(64));
        assert_eq!(PublicKey::load(&files).expect("the public key is there"), Some(mine.public()));
    }

    #[test]
    fn a_lost_public_key_is_written_again() {
        let (_dir, files) = home();
        let public = Signer::open(&files, true).expect("a key is made").public();
        fs::remove_file(&files.public_key).expect("it was there");
        Signer::open(&files, false).expect("the key is loaded");
        assert_eq!(PublicKey::load(&files).expect("it is back"), Some(public));
    }

    #[test]
    fn a_public_key_has_one_text_form() {
        let public = PublicKey(SigningKey::from_bytes(&[7; 32]).verifying_key());
        let text = public.to_string();
        assert_eq!(text.parse(), Ok(public));
        let zero = format!("ed25519:{}", "0".repeat(64));
        for wrong in ["", &text[8..], &text.to_uppercase(), &format!("{text} "), &zero] {
            assert!(wrong.parse::<PublicKey>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_signer_shows_no_secret() {
        let (_dir, files) = home();
        let signer = Signer::open(&files, true).expect("a key is made");
        let secret = fs::read_to_string(&files.key).expect("the key is there");
        assert!(!format!("{signer:?}").contains(secret.trim()));
    }
}
