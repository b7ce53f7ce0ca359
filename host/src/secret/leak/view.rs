//! A text as whoever decodes it would read it, with the way back to where each byte stood.
//!
//! ```text
//! text    a % 2 F b \ u 0 0 4 1 c
//! percent a   /   b \ u 0 0 4 1 c
//! JSON    a % 2 F b      A      c
//! ```
//!
//! Nothing is refused here: what is not a whole escape stands for itself, since a server may echo
//! half a text. An escape that the end of the bytes cuts off stays *open* unless it is the last end.
//!
//! Invariant: an escape that begins in a text is seen wherever decoding begins, if not inside of
//! another: after an escape both decodings agree.
//!
//! Not here: what is looked for in a view (`needles`).

/// What JSON writes for characters outside ASCII, which no value holds.
const OUTSIDE_ASCII: u8 = 0xff;

/// A decoded text.
pub(super) struct View {
    /// What the text says, up to an open escape.
    pub(super) bytes: Vec<u8>,
    /// Behind each escape: its place here and in the text. Between two, both go in step.
    steps: Vec<(usize, usize)>,
}

/// What an escape's beginning turned out to be.
enum Escape {
    /// So many bytes that stand for one.
    Byte(u8, usize),
    /// No escape.
    Literal,
    /// More bytes are needed to tell.
    Open,
}

impl View {
    /// Decodes percent-encoding; every `+` becomes a space, also one that was encoded, so whatever
    /// is looked for here is folded by [`fold_plus`].
    pub(super) fn percent(text: &[u8], is_last: bool) -> Self {
        let mut view = Self::decode(text, b'%', is_last, percent_escape);
        fold_plus(&mut view.bytes);
        view
    }

    /// Decodes the escapes of JSON's strings.
    pub(super) fn json(text: &[u8], is_last: bool) -> Self {
        Self::decode(text, b'\\', is_last, json_escape)
    }

    fn decode(text: &[u8], marker: u8, is_last: bool, escape: fn(&[u8]) -> Escape) -> Self {
        let mut view = Self { bytes: Vec::with_capacity(text.len()), steps: Vec::new() };
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let plain = rest.iter().position(|byte| *byte == marker).unwrap_or(rest.len());
            view.bytes.extend_from_slice(&rest[..plain]);
            at += plain;
            if at == text.len() {
                break;
            }
            match escape(&text[at + 1..]) {
                Escape::Byte(byte, taken) => {
                    at += 1 + taken;
                    view.bytes.push(byte);
                    view.steps.push((view.bytes.len(), at));
                }
                Escape::Open if !is_last => break,
                Escape::Open | Escape::Literal => {
                    view.bytes.push(marker);
                    at += 1;
                }
            }
        }
        view
    }

    /// Returns where in the text the byte at `at` begins; for the end, where an open escape begins
    /// or the text ends.
    pub(super) fn place(&self, at: usize) -> usize {
        match self.steps.partition_point(|(here, _)| *here <= at) {
            0 => at,
            step => {
                let (here, there) = self.steps[step - 1];
                there + (at - here)
            }
        }
    }

    /// Returns the byte here that holds `place`, a place in the text; the end if none does.
    pub(super) fn holder(&self, place: usize) -> usize {
        let step = self.steps.partition_point(|(_, there)| *there <= place);
        let (here, there) = step.checked_sub(1).map_or((0, 0), |before| self.steps[before]);
        let in_step = here + (place - there);
        // The escape that ends at the next step is one byte here.
        let last = self.steps.get(step).map_or(self.bytes.len(), |(next, _)| next - 1);
        in_step.min(last)
    }
}

/// Makes every `+` a space, which it stands for in forms and queries.
pub(super) fn fold_plus(bytes: &mut [u8]) {
    for byte in bytes {
        if *byte == b'+' {
            *byte = b' ';
        }
    }
}

/// Reads what follows `%`.
fn percent_escape(rest: &[u8]) -> Escape {
    match hex_number(rest, 2) {
        Escaped::Number(number) => Escape::Byte(number as u8, 2),
        Escaped::No => Escape::Literal,
        Escaped::Short => Escape::Open,
    }
}

/// Reads what follows `\`.
fn json_escape(rest: &[u8]) -> Escape {
    match rest.first() {
        None => Escape::Open,
        Some(byte @ (b'"' | b'\\' | b'/')) => Escape::Byte(*byte, 1),
        Some(b'b') => Escape::Byte(0x08, 1),
        Some(b'f') => Escape::Byte(0x0c, 1),
        Some(b'n') => Escape::Byte(b'\n', 1),
        Some(b'r') => Escape::Byte(b'\r', 1),
        Some(b't') => Escape::Byte(b'\t', 1),
        Some(b'u') => match hex_number(&rest[1..], 4) {
            Escaped::Number(number) => {
                let byte = u8::try_from(number).ok().filter(u8::is_ascii);
                Escape::Byte(byte.unwrap_or(OUTSIDE_ASCII), 5)
            }
            Escaped::No => Escape::Literal,
            Escaped::Short => Escape::Open,
        },
        Some(_) => Escape::Literal,
    }
}

enum Escaped {
    Number(u16),
    No,
    Short,
}

/// Reads `digits` hex digits, of either case, at most four.
fn hex_number(rest: &[u8], digits: usize) -> Escaped {
    let mut number = 0u16;
    for at in 0..digits {
        let Some(byte) = rest.get(at) else { return Escaped::Short };
        let Some(digit) = char::from(*byte).to_digit(16) else { return Escaped::No };
        number = number << 4 | digit as u16;
    }
    Escaped::Number(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::prelude::proptest;

    use super::View;

    fn percent(text: &str, is_last: bool) -> String {
        String::from_utf8_lossy(&View::percent(text.as_bytes(), is_last).bytes).into_owned()
    }

    fn json(text: &str, is_last: bool) -> String {
        String::from_utf8_lossy(&View::json(text.as_bytes(), is_last).bytes).into_owned()
    }

    #[test]
    fn percent_encoding_is_read_in_any_mix() {
        assert_eq!(percent("a%2Fb%2fc+d%2Be", true), "a/b/c d e");
        assert_eq!(percent("%%41%4%zz%4", true), "%A%4%zz%4");
        assert_eq!(percent("%2541", true), "%41");
        for open in ["ab%", "ab%4"] {
            assert_eq!(percent(open, false), "ab");
        }
        assert_eq!(percent("ab%z", false), "ab%z");
    }

    #[test]
    fn json_escapes_are_read_in_any_mix() {
        assert_eq!(json(r#"a\u0041\/\"\\b\n"#, true), "aA/\"\\b\n");
        assert_eq!(json(r"\\u0041\x\u00g1\", true), r"\u0041\x\u00g1\");
        assert_eq!(json(r"\u00e9\ud83d", true), "\u{fffd}\u{fffd}");
        for open in [r"ab\", r"ab\u", r"ab\u004"] {
            assert_eq!(json(open, false), "ab");
        }
        assert_eq!(json(r"ab\u0g", false), r"ab\u0g");
    }

    #[test]
    fn every_byte_knows_where_it_stood() {
        let view = View::percent(b"a%2F%2Fb%2", false);
        let places: Vec<_> = (0..=view.bytes.len()).map(|at| view.place(at)).collect();
        assert_eq!(places, [0, 1, 4, 7, 8]);
        let holders: Vec<_> = (0..=10).map(|place| view.holder(place)).collect();
        assert_eq!(holders, [0, 1, 1, 1, 2, 2, 2, 3, 4, 4, 4]);
    }

    proptest! {
        #[test]
        fn place_and_holder_agree(text in "[%\\\\u0-2a\"]{0,40}", is_last in any::<bool>()) {
            for view in [
                View::percent(text.as_bytes(), is_last),
                View::json(text.as_bytes(), is_last),
            ] {
                for at in 0..=view.bytes.len() {
                    let place = view.place(at);
                    assert_eq!(view.holder(place), at);
                    let next = if at < view.bytes.len() { view.place(at + 1) } else { text.len() };
                    for inside in place..next {
                        assert_eq!(view.holder(inside), at);
                    }
                }
                if is_last {
                    assert_eq!(view.place(view.bytes.len()), text.len());
                }
            }
        }

        #[test]
        fn decoding_may_begin_at_any_whole_character(
            text in "[%\\\\u0-2a\"]{0,40}",
            cut in any::<proptest::sample::Index>(),
        ) {
            for decode in [View::percent, View::json] {
                let whole = decode(text.as_bytes(), true);
                let at = cut.index(whole.bytes.len() + 1);
                let (front, rest) = text.split_at(whole.place(at));
                let mut joined = decode(front.as_bytes(), true).bytes;
                joined.extend(decode(rest.as_bytes(), true).bytes);
                assert_eq!(joined, whole.bytes);
            }
        }
    }
}
