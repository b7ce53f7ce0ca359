//! What to look for, and how well a note fits.
//!
//! A note's score is the sum over the words of the query that it holds, by BM25: a word counts more
//! the fewer notes have it, and the more often it occurs in a note of that length.
//!
//! Not here: going through the index (`search`).

use crate::error::NotesError;
use crate::error::invalid;
use crate::word::words;

/// Bytes of a query: a few sentences.
const QUERY_BYTES_MAX: usize = 1_024;
/// Different words of a query: each is compared with each word of the index.
const QUERY_WORDS_MAX: usize = 16;
/// How much a word counts that occurs over and over: at most 1 + this times what it counts once. The
/// usual value.
const SATURATION: f64 = 1.2;
/// How much a note's length counts, from 0 (nothing) to 1 (in full). The usual value.
const LENGTH_SHARE: f64 = 0.75;

/// The words to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The different words, the last one last.
    words: Vec<String>,
}

impl Query {
    /// Reads what somebody typed.
    ///
    /// # Errors
    ///
    /// [`NotesError::Invalid`] if there is no word in it, or too much.
    pub fn parse(text: &str) -> Result<Self, NotesError> {
        if text.len() > QUERY_BYTES_MAX {
            let why = format!("has {} bytes; {QUERY_BYTES_MAX} are allowed", text.len());
            return Err(invalid("query", why));
        }
        let mut found: Vec<String> = Vec::new();
        for word in words(text) {
            // The last occurrence stays, since the last word is special.
            found.retain(|other| *other != word.text);
            found.push(word.text);
        }
        match found.len() {
            0 => Err(invalid("query", "has no word; letters and digits make words")),
            1..=QUERY_WORDS_MAX => Ok(Self { words: found }),
            count => Err(invalid(
                "query",
                format!("has {count} different words; {QUERY_WORDS_MAX} are allowed"),
            )),
        }
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Always false: a query has a word.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Tells which words of the query a word of a note is: one, or also the last as its beginning.
    pub fn matches(&self, word: &str) -> impl Iterator<Item = usize> {
        let last = self.words.len() - 1;
        self.words.iter().enumerate().filter_map(move |(index, sought)| {
            let fits =
                if index == last { word.starts_with(sought.as_str()) } else { word == sought };
            fits.then_some(index)
        })
    }
}

/// How often each word of a query occurs in a note, with weights.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weights([u32; QUERY_WORDS_MAX]);

impl Weights {
    /// Counts an occurrence of word number `word`.
    pub fn add(&mut self, word: usize, weight: u32) {
        self.0[word] = self.0[word].saturating_add(weight);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|weight| *weight == 0)
    }
}

/// What all notes together say about the words of a query.
#[derive(Debug, Clone, Copy, Default)]
pub struct Statistics {
    notes: u32,
    length: u64,
    /// Notes that hold each word.
    holding: [u32; QUERY_WORDS_MAX],
}

impl Statistics {
    /// Takes a note into account, whether it fits or not.
    pub fn add(&mut self, length: u32, weights: &Weights) {
        self.notes = self.notes.saturating_add(1);
        self.length = self.length.saturating_add(u64::from(length));
        for (holding, weight) in self.holding.iter_mut().zip(weights.0) {
            *holding += u32::from(weight > 0);
        }
    }

    /// Says how well a note of that length fits: 0 or more.
    pub fn score(&self, length: u32, weights: &Weights) -> f64 {
        let mean = self.length as f64 / f64::from(self.notes.max(1));
        let relative = if mean > 0.0 { f64::from(length) / mean } else { 1.0 };
        let damping = SATURATION * (1.0 - LENGTH_SHARE + LENGTH_SHARE * relative);
        let of = |(weight, holding): (&u32, &u32)| {
            let (weight, holding) = (f64::from(*weight), f64::from(*holding));
            let rarity =
                (1.0 + (f64::from(self.notes) - holding + 0.5) / (holding + 0.5)).max(1.0).ln();
            rarity * weight * (SATURATION + 1.0) / (weight + damping)
        };
        let words = weights.0.iter().zip(&self.holding).filter(|(weight, _)| **weight > 0);
        words.map(of).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(query: &str, word: &str) -> Vec<usize> {
        Query::parse(query).unwrap().matches(word).collect()
    }

    fn weights(counts: &[u32]) -> Weights {
        let mut weights = Weights::default();
        counts.iter().enumerate().for_each(|(word, count)| weights.add(word, *count));
        weights
    }

    #[test]
    fn only_the_last_word_may_be_a_beginning() {
        assert_eq!(matches("bread but", "butter"), [1]);
        assert_eq!(matches("but bread", "butter"), [] as [usize; 0]);
        assert_eq!(matches("Bread", "bread"), [0]);
        assert_eq!(matches("butter but", "butter"), [0, 1]);
        assert_eq!(matches("but bread but", "butter"), [1]);
        assert_eq!(matches("bread", "brea"), [] as [usize; 0]);
    }

    #[test]
    fn a_query_has_1_to_16_words_and_1_kib() {
        let words: Vec<String> = (0..17).map(|number| format!("w{number}")).collect();
        assert_eq!(Query::parse(&words[..16].join(" ")).unwrap().len(), 16);
        for text in ["", " -!\n", &words.join(" "), &"a".repeat(1_025)] {
            let error = Query::parse(text).unwrap_err();
            assert!(matches!(error, NotesError::Invalid { member: "query", .. }));
        }
        assert!(Query::parse(&"a ".repeat(512)).is_ok());
    }

    #[test]
    fn rare_words_frequent_words_and_short_notes_count_more() {
        let mut statistics = Statistics::default();
        for counts in [[1, 1], [1, 0], [1, 0], [0, 0]] {
            statistics.add(10, &weights(&counts));
        }
        let score = |length, counts: &[u32]| statistics.score(length, &weights(counts));
        assert!(score(10, &[0, 1]) > score(10, &[1, 0]), "rare");
        assert!(score(10, &[2, 0]) > score(10, &[1, 0]), "frequent");
        assert!(score(5, &[1, 0]) > score(10, &[1, 0]), "short");
        assert!(score(10, &[1, 1]) > score(10, &[0, 1]), "both");
        assert!(score(10, &[u32::MAX, 0]) < score(10, &[1, 0]) * 2.2, "saturated");
        assert_eq!(score(10, &[0, 0]), 0.0);
    }

    #[test]
    fn a_word_that_all_notes_have_still_counts() {
        let mut statistics = Statistics::default();
        statistics.add(1, &weights(&[1]));
        assert!(statistics.score(1, &weights(&[1])) > 0.0);
        assert_eq!(Statistics::default().score(0, &weights(&[])), 0.0);
    }
}
