//! Where the next page of a scan begins.
//!
//! ```text
//! base64url( format (1 byte) | length of the prefix (2, big endian) | last key of the page )
//! ```
//!
//! A cursor names a key rather than a position, so that entries written between two pages neither
//! repeat nor hide others. It is no secret and no right: whoever makes one up can only begin a
//! scan of the own keys elsewhere.
//!
//! Invariant: what [`decode`] returns is a key, and begins with the prefix it was asked for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::kv::entry::KEY_BYTES_MAX;
use crate::kv::entry::check_key;
use crate::kv::error::KvError;

/// The layout above; another one takes another number.
const FORMAT: u8 = 1;

/// Bytes before the key.
const HEAD_BYTES: usize = 3;

/// Characters of the longest cursor.
const CURSOR_BYTES_MAX: usize = ((HEAD_BYTES + KEY_BYTES_MAX) * 4).div_ceil(3);

/// Makes the cursor that continues a scan of `prefix` after `last`.
pub(super) fn encode(prefix: &str, last: &str) -> String {
    let prefix_bytes = u16::try_from(prefix.len()).expect("a prefix has at most 512 bytes");
    let mut bytes = Vec::with_capacity(HEAD_BYTES + last.len());
    bytes.push(FORMAT);
    bytes.extend(prefix_bytes.to_be_bytes());
    bytes.extend(last.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns the key after which a scan of `prefix` continues.
///
/// # Errors
///
/// [`KvError::Cursor`] if no scan of `prefix` can have made it.
pub(super) fn decode(prefix: &str, cursor: &str) -> Result<String, KvError> {
    if cursor.len() > CURSOR_BYTES_MAX {
        return Err(KvError::Cursor);
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| KvError::Cursor)?;
    let Some(([FORMAT, high, low], key)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
        return Err(KvError::Cursor);
    };
    let key = std::str::from_utf8(key).map_err(|_| KvError::Cursor)?;
    check_key(key).map_err(|_| KvError::Cursor)?;
    let is_of_prefix = usize::from(u16::from_be_bytes([*high, *low])) == prefix.len();
    if !is_of_prefix || !key.starts_with(prefix) {
        return Err(KvError::Cursor);
    }
    Ok(key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_key() {
        let longest = "ü".repeat(KEY_BYTES_MAX / 2);
        for (prefix, key) in
            [("", "a"), ("a", "a"), ("a/", "a/b"), ("ü", &longest), (&longest, &longest)]
        {
            let cursor = encode(prefix, key);
            assert!(cursor.len() <= CURSOR_BYTES_MAX, "{cursor}");
            assert_eq!(decode(prefix, &cursor).unwrap(), key);
        }
        assert_eq!(encode("", &longest).len(), CURSOR_BYTES_MAX, "exactly the limit");
    }

    #[test]
    fn a_cursor_holds_for_its_prefix_alone() {
        let cursor = encode("a/", "a/b");
        for other in ["", "a", "a/b", "b/", "a/b/c"] {
            assert!(matches!(decode(other, &cursor), Err(KvError::Cursor)), "{other}");
        }
    }

    #[test]
    fn whatever_is_no_cursor_is_refused() {
        let of = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let refused = [
            String::new(),
            "a".to_owned(),
            "a/b".to_owned(),
            "AAAA=".to_owned(),
            of(&[FORMAT, 0]),
            of(&[FORMAT, 0, 0]),
            of(&[FORMAT + 1, 0, 0, b'a']),
            of(&[FORMAT, 0, 1, b'a']),
            of(&[FORMAT, 0, 0, 0xff]),
            of(&[FORMAT, 0, 0, b'\n']),
            of(&[&[FORMAT, 0, 0][..], &[b'a'; KEY_BYTES_MAX + 1][..]].concat()),
            encode("", "a") + "A",
            "A".repeat(10_000_000),
        ];
        for cursor in refused {
            let start: String = cursor.chars().take(40).collect();
            assert!(matches!(decode("", &cursor), Err(KvError::Cursor)), "{start}");
        }
    }
}
