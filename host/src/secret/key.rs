//! The key that opens the vault: an ordinary age identity file, so that the `age` tool opens it too.
//!
//! ```text
//! age -d -i secrets.key secrets.age                          reads the document
//! age -d -i OLD.key secrets.age | age -e -i NEW.key -o …     changes the key
//! ```
//!
//! Invariant: a key file is made once and never written again. The text of a key is wiped once it
//! is parsed.
//!
//! Not here: whether a key may be made (`vault`); what the opened bytes say (`document`).

use std::fmt;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use zeroize::Zeroizing;

use crate::secret::error::SecretError;
use crate::secret::files;
use crate::secret::files::Links;

/// Bytes of a key file: some identities, each with remarks.
const KEY_FILE_BYTES_MAX: u64 = 65_536;

/// Identities of a key file. While keys are changed there are two; each is tried.
const IDENTITIES_MAX: usize = 16;

/// Bytes of an age header: some eighty recipients. Reading one costs the square of its lines.
const HEADER_BYTES_MAX: usize = 8_192;

/// Bytes that encryption adds to 16 MiB: 16 for each 64 KiB, and a header for [`IDENTITIES_MAX`].
pub(super) const SEAL_BYTES_MAX: u64 = 16_384;

/// What the last line of an age header begins with.
const HEADER_END: &[u8] = b"\n---";

/// The identities of one key file.
pub(super) struct Key {
    identities: Vec<Identity>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

/// Why encrypted bytes were not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenFlaw {
    /// They were encrypted to other keys.
    OtherKey,
    /// They are not what was encrypted; the text says how that showed.
    Damaged(&'static str),
}

impl Key {
    /// Reads the key at `path`; none if nothing is there.
    pub(super) fn load(path: &Path) -> Result<Option<Self>, SecretError> {
        let Some(text) = files::read(path, KEY_FILE_BYTES_MAX, Links::Follow)? else {
            return Ok(None);
        };
        let identities =
            parse(&text).map_err(|why| SecretError::KeyInvalid { path: path.to_owned(), why })?;
        Ok(Some(Self { identities }))
    }

    /// Makes a fresh key at `path`; fails if anything is there.
    pub(super) fn make(path: &Path) -> Result<Self, SecretError> {
        let identity = Identity::generate();
        let public = identity.to_public();
        let secret = identity.to_string();
        let text = Zeroizing::new(format!(
            "# Opens the secrets of ax: age -d -i secrets.key secrets.age\n\
             # public key: {public}\n{}\n",
            secret.expose_secret()
        ));
        files::create(path, text.as_bytes())?;
        Ok(Self { identities: vec![identity] })
    }

    /// Encrypts `plain` so that every identity of the file opens it; none if that failed.
    pub(super) fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let recipients: Vec<_> = self.identities.iter().map(Identity::to_public).collect();
        let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
        let mut sealed = Vec::new();
        let mut writer =
            age::Encryptor::with_recipients(recipients).ok()?.wrap_output(&mut sealed).ok()?;
        writer.write_all(plain).ok()?;
        writer.finish().ok()?;
        Some(sealed)
    }

    /// Decrypts `sealed`, all of it or nothing.
    pub(super) fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenFlaw> {
        let head = &sealed[..sealed.len().min(HEADER_BYTES_MAX)];
        if !head.windows(HEADER_END.len()).any(|bytes| bytes == HEADER_END) {
            return Err(OpenFlaw::Damaged("it has no age header"));
        }
        let identities = self.identities.iter().map(|identity| identity as &dyn age::Identity);
        let mut reader = age::Decryptor::new_buffered(sealed)
            .and_then(|decryptor| decryptor.decrypt(identities))
            .map_err(|error| flaw(&error))?;
        // Plain bytes are fewer than encrypted ones, so the buffer never moves and leaves no copy.
        let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
        match reader.read_to_end(&mut plain) {
            Ok(_) => Ok(plain),
            Err(_) => Err(OpenFlaw::Damaged("its bytes are not those that were encrypted")),
        }
    }
}

fn flaw(error: &age::DecryptError) -> OpenFlaw {
    match error {
        age::DecryptError::NoMatchingKeys | age::DecryptError::ExcessiveWork { .. } => {
            OpenFlaw::OtherKey
        }
        age::DecryptError::UnknownFormat => OpenFlaw::Damaged("its age version is unknown"),
        age::DecryptError::InvalidMac => OpenFlaw::Damaged("its age header was changed"),
        age::DecryptError::DecryptionFailed
        | age::DecryptError::InvalidHeader
        | age::DecryptError::Io(_)
        | age::DecryptError::KeyDecryptionFailed => {
            OpenFlaw::Damaged("its age header is malformed")
        }
    }
}

/// Reads an identity file: one identity a line; empty lines and `#` remarks are passed over.
fn parse(text: &[u8]) -> Result<Vec<Identity>, &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
    let mut identities = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with('#') {
            continue;
        }
        if identities.len() == IDENTITIES_MAX {
            return Err("it holds more than 16");
        }
        identities.push(line.parse::<Identity>().map_err(|_| "a line is not an X25519 identity")?);
    }
    if identities.is_empty() {
        return Err("it holds none");
    }
    Ok(identities)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::prelude::proptest;
    use proptest::prop_assert;
    use proptest::prop_assert_eq;

    use super::*;

    fn key() -> Key {
        Key { identities: vec![Identity::generate()] }
    }

    #[test]
    fn any_identity_of_a_file_opens_what_the_file_sealed() {
        let both = Key { identities: vec![Identity::generate(), Identity::generate()] };
        let sealed = both.seal(b"plain").expect("sealed");
        for identity in &both.identities {
            let one = Key { identities: vec![identity.clone()] };
            assert_eq!(one.open(&sealed).expect("opened").as_slice(), b"plain");
        }
        assert_eq!(key().open(&sealed), Err(OpenFlaw::OtherKey));
    }

    #[test]
    fn a_key_file_may_hold_remarks_and_16_identities_and_not_17() {
        let line = || Identity::generate().to_string().expose_secret().to_owned();
        let lines = |count| (0..count).map(|_| line() + "\r\n").collect::<String>();
        let parsed = |text: &str| parse(text.as_bytes()).map(|identities| identities.len());
        assert_eq!(parsed(&format!("# made\n\n  {}", lines(1))), Ok(1));
        assert_eq!(parsed(&lines(16)), Ok(16));
        assert_eq!(parsed(&lines(17)), Err("it holds more than 16"));
        assert_eq!(parsed("# made\n"), Err("it holds none"));
        assert_eq!(parsed("age1abc"), Err("a line is not an X25519 identity"));
        assert_eq!(parse(b"\xff").map(|_| ()), Err("it is not text"));
    }

    #[test]
    fn sealing_adds_less_than_is_kept_free() {
        let key = Key { identities: (0..IDENTITIES_MAX).map(|_| Identity::generate()).collect() };
        let chunks_max = 16 * 1024 * 1024 / 65_536 + 1;
        for bytes in [0, 65_536, 65_537] {
            let sealed = key.seal(&vec![0; bytes]).expect("sealed");
            let header_bytes = sealed.len() - bytes;
            assert!(header_bytes + 16 * chunks_max < SEAL_BYTES_MAX as usize, "{header_bytes}");
            assert!(header_bytes < HEADER_BYTES_MAX);
            assert!(key.open(&sealed).is_ok());
        }
    }

    #[test]
    fn a_header_ends_within_8_kib_or_is_not_read() {
        let key = key();
        let ending_at = |bytes: usize| {
            let mut header = b"age-encryption.org/v1\n".to_vec();
            header.extend(b"-> x\n\n".iter().copied().cycle().take(bytes - header.len() - 4));
            header.extend(HEADER_END);
            key.open(&header)
        };
        let unread = Err(OpenFlaw::Damaged("it has no age header"));
        assert_ne!(ending_at(HEADER_BYTES_MAX), unread);
        assert_eq!(ending_at(HEADER_BYTES_MAX + 1), unread);
        assert_eq!(key.open(b"age-encryption.org/v1\n"), unread);
    }

    #[test]
    fn a_key_shows_nothing_of_itself() {
        let key = key();
        let secret = key.identities[0].to_string();
        assert!(!format!("{key:?}").contains(&secret.expose_secret()[15..]));
    }

    proptest! {
        #[test]
        fn one_changed_byte_is_noticed(
            plain in proptest::collection::vec(any::<u8>(), 0..300),
            at in any::<proptest::sample::Index>(),
            change in 1..=255u8,
        ) {
            let key = key();
            let mut sealed = key.seal(&plain).expect("sealed");
            let opened = key.open(&sealed).expect("opened");
            prop_assert_eq!(opened.as_slice(), plain.as_slice());
            let at = at.index(sealed.len());
            sealed[at] ^= change;
            prop_assert!(key.open(&sealed).is_err());
            sealed[at] ^= change;
            prop_assert!(key.open(&sealed[..at]).is_err());
        }

        #[test]
        fn any_bytes_are_opened_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            body in "(-> (X25519|scrypt|grease|)( [!-~]{0,50}){0,3}\n([A-Za-z0-9+/]{0,64}\n){0,3}){0,4}--- ?[A-Za-z0-9+/]{0,44}\n?",
        ) {
            let key = key();
            prop_assert!(key.open(&bytes).is_err());
            let mut shaped = b"age-encryption.org/v1\n".to_vec();
            shaped.extend_from_slice(body.as_bytes());
            shaped.extend_from_slice(&bytes);
            prop_assert!(key.open(&shaped).is_err());
            drop(parse(&bytes));
        }
    }
}
