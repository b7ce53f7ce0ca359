//! What ties a call to what its client was doing: a `traceparent` of W3C Trace Context, version 00.
//!
//! Invariant: it has exactly the form that the standard gives, so it holds nothing that a client made up
//! beyond two numbers.

use std::sync::Arc;

/// Bytes of one: `00-` 32 digits `-` 16 digits `-` 2 digits.
const BYTES: usize = 55;

/// Where a call belongs in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent(Arc<str>);

impl TraceParent {
    /// Reads one; nothing if it has another form, which the standard wants ignored.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() != BYTES {
            return None;
        }
        let mut parts = text.split('-');
        let is_hex = |part: &str| part.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        let mut next = |digits: usize| {
            parts.next().filter(|part| part.len() == digits && is_hex(part)).map(str::to_owned)
        };
        let (version, trace, parent) = (next(2)?, next(32)?, next(16)?);
        next(2)?;
        let is_something = |digits: &str| digits.bytes().any(|digit| digit != b'0');
        let is_known = version == "00" && is_something(&trace) && is_something(&parent);
        (is_known && parts.next().is_none()).then(|| Self(Arc::from(text)))
    }

    /// Returns it as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::TraceParent;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn one_is_read_as_it_is_written() {
        assert_eq!(TraceParent::read(GOOD).expect("it has the form").as_str(), GOOD);
    }

    #[test]
    fn whatever_has_another_form_is_none() {
        for bad in [
            "",
            &GOOD[..54],
            &format!("{GOOD}0"),
            &format!("{GOOD}-00"),
            &GOOD.to_uppercase(),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.replacen("00", "01", 1),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GOOD.replace("4bf9", "4bg9"),
            &GOOD.replace("-01", "-0 "),
            &GOOD.replace("6-00", "-600"),
            &GOOD.replace('-', "0"),
            &GOOD.replace("4b", "é"),
        ] {
            assert_eq!(TraceParent::read(bad), None, "{bad}");
        }
    }
}
