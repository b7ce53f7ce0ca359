//! The texts that are looked for, all at once.
//!
//! Invariant: only a whole text gives an answer; of the beginning of one nothing is told.
//!
//! Not here: which bytes are looked through (`view`, `LeakScan`); what may be unfinished at their end
//! (`LeakScan`, which must not ask the needles).

use aho_corasick::AhoCorasick;
use aho_corasick::AhoCorasickKind;
use zeroize::Zeroizing;

use crate::secret::leak::form::FORMS;
use crate::secret::leak::form::Form;
use crate::secret::value::SecretValue;

/// Bytes of all texts up to which the fastest automaton is built, of about 512 bytes for each:
/// eight megabytes, for thirty secrets of 40 bytes. More are looked for at under half the speed.
const FAST_BYTES_MAX: usize = 16_384;

/// One text, and whose it is.
pub(super) struct Needle {
    text: Zeroizing<Vec<u8>>,
    /// The secret, by its place in the list.
    pub(super) secret: usize,
    pub(super) form: Form,
}

/// Where a text was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The text, by its place among the needles.
    pub(super) needle: usize,
}

/// All texts of some values, each once.
pub(super) struct Needles {
    automaton: AhoCorasick,
    /// Sorted by text.
    needles: Vec<Needle>,
}

impl Needles {
    /// Prepares the texts of all forms of `values`, each changed by `fold`.
    pub(super) fn new<'a>(
        values: impl Iterator<Item = &'a SecretValue>,
        fold: fn(&mut [u8]),
    ) -> Self {
        let mut needles = Vec::new();
        for (secret, value) in values.enumerate() {
            needles.extend(FORMS.map(|form| {
                let mut text = form.tail(value.expose());
                fold(&mut text);
                Needle { text, secret, form }
            }));
        }
        // Stable, so that of equal texts the first secret's stays.
        needles.sort_by(|one, other| one.text.cmp(&other.text));
        needles.dedup_by(|later, first| later.text == first.text);
        let bytes: usize = needles.iter().map(|needle| needle.text.len()).sum();
        let kind = match bytes {
            0..=FAST_BYTES_MAX => AhoCorasickKind::DFA,
            _ => AhoCorasickKind::ContiguousNFA,
        };
        // What skips ahead to rare bytes costs more than it saves, since texts of base64 begin with
        // any; and the time would tell which bytes those are.
        let automaton = AhoCorasick::builder()
            .kind(Some(kind))
            .prefilter(false)
            .build(needles.iter().map(|needle| needle.text.as_slice()))
            .expect("a thousand secrets are far from two thousand million states");
        Self { automaton, needles }
    }

    /// Returns the needle at a place.
    pub(super) fn get(&self, needle: usize) -> &Needle {
        &self.needles[needle]
    }

    /// Finds the text that ends first.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<Found> {
        self.automaton.find(bytes).map(|found| Found {
            start: found.start(),
            end: found.end(),
            needle: found.pattern().as_usize(),
        })
    }

    /// Finds every text, also where one overlaps another.
    pub(super) fn find_all(&self, bytes: &[u8]) -> impl Iterator<Item = Found> {
        self.automaton.find_overlapping_iter(bytes).map(|found| Found {
            start: found.start(),
            end: found.end(),
            needle: found.pattern().as_usize(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needles(values: &[&str]) -> Needles {
        let values: Vec<_> = values
            .iter()
            .map(|value| SecretValue::new(value.as_bytes()).expect("a value"))
            .collect();
        Needles::new(values.iter(), |_| {})
    }

    #[test]
    fn of_two_secrets_with_one_value_the_first_is_named() {
        let needles = needles(&["password", "password"]);
        let found = needles.find(b"a password").expect("it is there");
        assert_eq!((found.start, found.end), (2, 10));
        assert_eq!(needles.get(found.needle).secret, 0);
    }

    #[test]
    fn a_text_inside_another_is_found_too() {
        let needles = needles(&["the password", "password"]);
        let found: Vec<_> = needles
            .find_all(b"the password")
            .map(|found| (found.start, needles.get(found.needle).secret))
            .collect();
        assert_eq!(found, [(0, 0), (4, 1)]);
    }
}
