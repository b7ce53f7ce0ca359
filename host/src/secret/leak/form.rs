//! The encodings in which a value is looked for, as texts that stand in what is scanned.
//!
//! ```text
//! value                        p a s s w o r d
//! base64, it begins a group    cGFzc3dvcm (Q=)      in brackets: what the bytes behind it change
//! base64, one byte before it   (xx) Bhc3N3b3Jk
//! base64, two bytes before it  (xxx) wYXNzd29yZ (A)
//! ```
//!
//! Invariant: a text is the longest part that does not depend on what stands before or behind the
//! value, so whoever encodes the value inside something longer is found too.
//!
//! Not here: percent and JSON encodings, which leave each character its choice (`view`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// Bytes of a value that are looked for: its last ones, which in tokens with a common beginning are
/// the signature. Enough to never occur by chance, and it bounds what a stream holds back.
pub(super) const TAIL_BYTES_MAX: usize = 64;

/// Bytes of the longest text of a tail: in hex.
pub(super) const TEXT_BYTES_MAX: usize = 2 * TAIL_BYTES_MAX;

/// The characters of base64 that are changed by zero, one or two bytes before the value.
const CHANGED_BEFORE: [usize; 3] = [0, 2, 3];

/// One encoding of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Raw,
    /// Base64, in either alphabet, with so many bytes (0, 1, 2) of a group before the value.
    Base64 { url_safe: bool, before: usize },
    /// Two hex digits a byte, in either case.
    Hex { upper: bool },
}

/// Every form that is looked for.
pub(super) const FORMS: [Form; 9] = [
    Form::Raw,
    Form::Base64 { url_safe: false, before: 0 },
    Form::Base64 { url_safe: false, before: 1 },
    Form::Base64 { url_safe: false, before: 2 },
    Form::Base64 { url_safe: true, before: 0 },
    Form::Base64 { url_safe: true, before: 1 },
    Form::Base64 { url_safe: true, before: 2 },
    Form::Hex { upper: false },
    Form::Hex { upper: true },
];

impl Form {
    /// Returns the text of a value's tail in this form.
    pub(super) fn tail(self, value: &[u8]) -> Zeroizing<Vec<u8>> {
        self.encode(&value[value.len().saturating_sub(TAIL_BYTES_MAX)..])
    }

    /// Returns the text of the whole value, which ends as the text of its tail does.
    pub(super) fn whole(self, value: &[u8]) -> Zeroizing<Vec<u8>> {
        let front = value.len().saturating_sub(TAIL_BYTES_MAX);
        match self {
            Self::Base64 { url_safe, before } => {
                // So that the tail stands in its group as it does alone.
                Self::Base64 { url_safe, before: (before + 3 - front % 3) % 3 }.encode(value)
            }
            Self::Raw | Self::Hex { .. } => self.encode(value),
        }
    }

    fn encode(self, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Raw => bytes.to_vec(),
            Self::Hex { upper } => hex(bytes, upper),
            Self::Base64 { url_safe, before } => {
                let engine = if url_safe { URL_SAFE_NO_PAD } else { STANDARD_NO_PAD };
                let padded = Zeroizing::new([&[0; 2][..before], bytes].concat());
                let encoded = Zeroizing::new(engine.encode(padded.as_slice()));
                let certain = padded.len() * 8 / 6;
                encoded.as_bytes()[CHANGED_BEFORE[before]..certain].to_vec()
            }
        })
    }
}

fn hex(bytes: &[u8], upper: bool) -> Vec<u8> {
    let digits = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let digit = |nibble: u8| digits[usize::from(nibble & 15)];
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::prelude::proptest;

    use super::*;

    fn text(form: Form, value: &[u8]) -> String {
        String::from_utf8(form.encode(value).to_vec()).expect("it is ASCII")
    }

    #[test]
    fn the_texts_of_a_value_are_these() {
        let texts = FORMS.map(|form| text(form, b"pass?ord"));
        assert_eq!(
            texts,
            [
                "pass?ord",
                "cGFzcz9vcm",
                "Bhc3M/b3Jk",
                "wYXNzP29yZ",
                "cGFzcz9vcm",
                "Bhc3M_b3Jk",
                "wYXNzP29yZ",
                "706173733f6f7264",
                "706173733F6F7264",
            ]
        );
    }

    proptest! {
        #[test]
        fn base64_of_a_longer_text_holds_one_of_the_alignments(
            value in proptest::collection::vec(any::<u8>(), 8..200),
            before in proptest::collection::vec(any::<u8>(), 0..10),
            behind in proptest::collection::vec(any::<u8>(), 0..10),
        ) {
            let longer = [before.as_slice(), &value, &behind].concat();
            for (url_safe, engine) in [(false, STANDARD_NO_PAD), (true, URL_SAFE_NO_PAD)] {
                let encoded = engine.encode(&longer);
                let form = Form::Base64 { url_safe, before: before.len() % 3 };
                assert!(encoded.contains(&text(form, &value)));
            }
        }

        #[test]
        fn a_whole_ends_as_its_tail_does(value in proptest::collection::vec(any::<u8>(), 8..300)) {
            for form in FORMS {
                let (whole, tail) = (form.whole(&value), form.tail(&value));
                assert!(whole.ends_with(&tail), "{form:?}");
                assert!(tail.len() <= TEXT_BYTES_MAX);
            }
        }
    }
}
