//! The value of a secret, which shows itself to nobody who does not ask by [`SecretValue::expose`].
//!
//! Invariant: 8 to 65,536 bytes of visible ASCII, with spaces only inside. It goes into a header,
//! where a line break would begin another header, other bytes are read differently from server to
//! server, and spaces at the ends are cut off on the way, so that the scan would miss it.
//!
//! Not here: serialisation, on purpose; only `document` writes values, and only to be encrypted.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::secret::error::SecretError;

/// Bytes of the shortest value. Fewer would occur by chance: the scan would refuse innocent answers.
pub const SECRET_BYTES_MIN: usize = 8;

/// Bytes of the longest value. Few servers take a header of more than 16 KiB.
pub const SECRET_BYTES_MAX: usize = 65_536;

/// One value. Clones share the bytes, which are overwritten with zeros when the last one goes.
#[derive(Clone)]
pub struct SecretValue(Arc<Zeroizing<Box<[u8]>>>);

impl SecretValue {
    /// Copies `bytes`, which stay the caller's to wipe.
    ///
    /// # Errors
    ///
    /// [`SecretError::ValueLength`], and [`SecretError::ValueCharacter`] for what no header carries
    /// unchanged.
    pub fn new(bytes: &[u8]) -> Result<Self, SecretError> {
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len()) {
            return Err(SecretError::ValueLength { bytes: bytes.len() });
        }
        let last = bytes.len() - 1;
        let is_wrong = |at: usize, byte: u8| match byte {
            b' ' => at == 0 || at == last,
            _ => !byte.is_ascii_graphic(),
        };
        match bytes.iter().enumerate().position(|(at, &byte)| is_wrong(at, byte)) {
            Some(at) => Err(SecretError::ValueCharacter { at }),
            None => Ok(Self(Arc::new(Zeroizing::new(bytes.into())))),
        }
    }

    /// Returns the bytes. Whoever calls this keeps them out of logs, errors and guests.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::SECRET_BYTES_MAX;
    use super::SECRET_BYTES_MIN;
    use super::SecretValue;
    use crate::secret::error::SecretError;

    #[test]
    fn a_value_may_have_8_to_65536_bytes() {
        for (bytes, is_allowed) in [
            (0, false),
            (SECRET_BYTES_MIN - 1, false),
            (SECRET_BYTES_MIN, true),
            (SECRET_BYTES_MAX, true),
            (SECRET_BYTES_MAX + 1, false),
        ] {
            assert_eq!(SecretValue::new(&vec![b'a'; bytes]).is_ok(), is_allowed, "{bytes}");
        }
    }

    #[test]
    fn what_a_header_would_not_carry_unchanged_is_refused() {
        for wrong in
            ["pass\nword", "pass\rword", "pass\tword", "pass\0word", "passwörd", "password\x7f"]
        {
            let error = SecretValue::new(wrong.as_bytes()).expect_err(wrong);
            assert!(matches!(error, SecretError::ValueCharacter { .. }), "{error}");
        }
        let at = |text: &str| match SecretValue::new(text.as_bytes()) {
            Err(SecretError::ValueCharacter { at }) => Some(at),
            Err(_) | Ok(_) => None,
        };
        assert_eq!(at(" password"), Some(0));
        assert_eq!(at("password "), Some(8));
        assert_eq!(at("pass word"), None);
    }

    #[test]
    fn a_value_and_its_errors_show_no_byte_of_it() {
        let value = SecretValue::new(b"correct horse").expect("a value");
        assert_eq!(format!("{value:?}"), "SecretValue(…)");
        let error = SecretValue::new(b"correct horse\n").expect_err("a line break");
        let shown = format!("{error:?} {error} {:?}", error.hint());
        assert!(!shown.contains("horse"), "{shown}");
    }
}
