//! A block: what is in eight notes, for lists and for searching.
//!
//! ```text
//! [{"id":9,"version":2,"title":"Bread","tags":["food"],"words":41},{"id":12,…}]
//! bread 13 4           word, then place and weight for each note that has it; no weight is 1
//! butter 42            a place is the last three bits of the number: 9 is 1, 12 is 4
//! ```
//!
//! The first line is JSON, the others are sorted by their words. A weight is how often the word
//! occurs, where one in the title counts for three and one among the tags for two; `words` is the
//! sum of a note's weights.
//!
//! Invariant: each note in the first line belongs to this block, newest first; every place in the
//! other lines is that of a note in the first.
//! Not here: where blocks are kept (`layout`), which notes fit a question (`search`).

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use serde::Serialize;

use crate::layout::ID_MAX;
use crate::layout::NOTES_PER_BLOCK;
use crate::layout::block_of;
use crate::note::Note;
use crate::word::words;

/// What a word in the title counts for: people name a note by what it is about.
const TITLE_WEIGHT: u32 = 3;
/// What a word in a tag counts for.
const TAG_WEIGHT: u32 = 2;
/// What a word in the body counts for.
const BODY_WEIGHT: u32 = 1;

/// The weights of a word in the notes of a block, by place.
type Weights = [u32; NOTES_PER_BLOCK as usize];

/// What a block says about a note, beside its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its number.
    pub id: u64,
    /// Its version.
    pub version: u64,
    /// Its title.
    pub title: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// How long it is: the weights of its words together.
    pub words: u32,
}

/// A block to read: the cards, and the words as they are kept.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The notes, newest first.
    pub cards: Vec<Card>,
    lines: &'a str,
}

/// A block to change.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The notes by number.
    cards: BTreeMap<u64, Card>,
    /// The words, sorted, each once.
    lines: Vec<Line>,
}

/// A word and its weight at each place; 0 where it does not occur.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    word: String,
    weights: Weights,
}

/// What is wrong with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not one of the index")]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
}

impl<'a> Reading<'a> {
    /// Reads block number `block`. The lines of words are read when they are asked for.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the first line is not one this module writes.
    pub fn new(block: u64, value: &'a [u8]) -> Result<Self, Malformed> {
        let malformed = Malformed { line: 1 };
        let text = str::from_utf8(value).map_err(|_| malformed)?;
        let (head, lines) = text.split_once('\n').ok_or(malformed)?;
        let cards: Vec<Card> = serde_json::from_str(head).map_err(|_| malformed)?;
        let ours = cards.iter().all(|card| card.id <= ID_MAX && block_of(card.id) == block);
        let sorted = cards.is_sorted_by(|newer, older| newer.id > older.id);
        if cards.is_empty() || !ours || !sorted {
            return Err(malformed);
        }
        Ok(Self { cards, lines })
    }

    /// Goes through the words in order, each with what follows it; [`weights`](Self::weights) reads
    /// that.
    pub fn words(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.lines.lines().map(|line| line.split_once(' ').unwrap_or((line, "")))
    }

    /// Reads the places and weights of a word: an index into `cards` and a weight for each note.
    /// Those that cannot be read are left out; [`Block::decode`] is the one to complain.
    pub fn weights(&self, rest: &str) -> impl Iterator<Item = (usize, u32)> {
        rest.split(' ').filter_map(posting).filter_map(|(place, weight)| {
            let card = self.cards.iter().position(|card| place_of(card.id) == place)?;
            Some((card, weight))
        })
    }
}

impl Block {
    /// Reads block number `block`.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with the first line that this module does not write.
    pub fn decode(block: u64, value: &[u8]) -> Result<Self, Malformed> {
        let reading = Reading::new(block, value)?;
        let mut lines: Vec<Line> = Vec::new();
        for (index, (word, rest)) in reading.words().enumerate() {
            let malformed = Malformed { line: index + 2 };
            let mut weights = Weights::default();
            for text in rest.split(' ') {
                let (place, weight) = posting(text).ok_or(malformed)?;
                let is_known = reading.cards.iter().any(|card| place_of(card.id) == place);
                if !is_known || std::mem::replace(&mut weights[place], weight) > 0 {
                    return Err(malformed);
                }
            }
            // No word is empty.
            if lines.last().map_or("", |line| line.word.as_str()) >= word {
                return Err(malformed);
            }
            lines.push(Line { word: word.to_owned(), weights });
        }
        let cards = reading.cards.into_iter().map(|card| (card.id, card)).collect();
        Ok(Self { cards, lines })
    }

    /// Returns the bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        let cards: Vec<&Card> = self.cards.values().rev().collect();
        let mut text = serde_json::to_string(&cards).expect("texts and numbers have a JSON form");
        text.push('\n');
        for line in &self.lines {
            text.push_str(&line.word);
            for (place, weight) in ('0'..).zip(line.weights) {
                if weight > 0 {
                    text.extend([' ', place]);
                }
                if weight > 1 {
                    text.push_str(&weight.to_string());
                }
            }
            text.push('\n');
        }
        text.into_bytes()
    }

    /// Whether there is no note in it.
    pub fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    /// Enters a note, in place of what was there under its number. The note belongs to this block.
    pub fn put(&mut self, id: u64, note: &Note) {
        self.remove(id);
        let counts = count(note);
        let card = Card {
            id,
            version: note.version,
            title: note.title.clone(),
            tags: note.tags.clone(),
            words: counts.iter().map(|(_, weight)| weight).sum(),
        };
        self.cards.insert(id, card);
        let mut old = std::mem::take(&mut self.lines).into_iter().peekable();
        for (word, weight) in counts {
            while let Some(line) = old.next_if(|line| line.word < word) {
                self.lines.push(line);
            }
            let known = old.next_if(|line| line.word == word);
            let mut line = known.unwrap_or(Line { word, weights: Weights::default() });
            line.weights[place_of(id)] = weight;
            self.lines.push(line);
        }
        self.lines.extend(old);
    }

    /// Takes a note out.
    pub fn remove(&mut self, id: u64) {
        if self.cards.remove(&id).is_some() {
            self.lines.retain_mut(|line| {
                line.weights[place_of(id)] = 0;
                line.weights.iter().any(|weight| *weight > 0)
            });
        }
    }
}

/// Where a note is in its block: 0 to 7.
fn place_of(id: u64) -> usize {
    (id % NOTES_PER_BLOCK) as usize
}

/// Reads a place, which may be that of no note, and a weight, which is not 0.
fn posting(text: &str) -> Option<(usize, u32)> {
    let (place, weight) = text.split_at_checked(1)?;
    let place = place.parse().ok().filter(|place| *place < Weights::default().len())?;
    // Most words occur once.
    let weight = if weight.is_empty() { 1 } else { weight.parse().ok()? };
    (weight > 0).then_some((place, weight))
}

/// A word of a note while it is counted.
#[derive(Debug)]
struct Counted {
    /// Its first eight bytes as a number, by which words sort as by their bytes, only faster.
    head: u64,
    /// Where it is in the buffer.
    range: Range<usize>,
    weight: u32,
}

/// Counts the words of a note; sorted, each once.
fn count(note: &Note) -> Vec<(String, u32)> {
    let tags = note.tags.iter().map(|tag| (tag.as_str(), TAG_WEIGHT));
    let texts = [(note.title.as_str(), TITLE_WEIGHT), (note.body.as_str(), BODY_WEIGHT)];
    let mut buffer = String::new();
    let mut found: Vec<Counted> = Vec::new();
    for (text, weight) in texts.into_iter().chain(tags) {
        let mut rest = words(text);
        let mut start = buffer.len();
        while rest.append_next(&mut buffer).is_some() {
            let range = start..buffer.len();
            found.push(Counted { head: head(&buffer[range.clone()]), range, weight });
            start = buffer.len();
        }
    }
    // A word of less than eight bytes has a zero byte at the end of its head, so it is all there.
    let text = |word: &Counted| match word.head & 0xff {
        0 => "",
        _ => &buffer[word.range.clone()],
    };
    found.sort_unstable_by(|a, b| a.head.cmp(&b.head).then_with(|| text(a).cmp(text(b))));
    let same = found.chunk_by(|a, b| a.head == b.head && text(a) == text(b));
    same.map(|words| {
        let word = buffer[words[0].range.clone()].to_owned();
        (word, words.iter().map(|word| word.weight).sum())
    })
    .collect()
}

/// Returns the first eight bytes of a word as a number. No word holds a zero byte.
fn head(word: &str) -> u64 {
    let mut bytes = [0; size_of::<u64>()];
    bytes.iter_mut().zip(word.bytes()).for_each(|(to, byte)| *to = byte);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use ax_sdk::kv::VALUE_BYTES_MAX;

    use super::*;
    use crate::note::BODY_BYTES_MAX;
    use crate::note::TITLE_BYTES_MAX;
    use crate::tag::TAG_BYTES_MAX;
    use crate::tag::TAGS_MAX;

    fn note(title: &str, body: &str, tags: &[&str]) -> Note {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Note { version: 1, title: title.to_owned(), body: body.to_owned(), tags }
    }

    fn text(block: &Block) -> String {
        String::from_utf8(block.encode()).unwrap()
    }

    #[test]
    fn a_block_is_kept_as_described() {
        let mut block = Block::default();
        block.put(12, &note("Toast", "bread, butter; Butter", &[]));
        block.put(9, &note("Bread", "", &["food"]));
        let expected = "[{\"id\":12,\"version\":1,\"title\":\"Toast\",\"tags\":[],\"words\":6},\
            {\"id\":9,\"version\":1,\"title\":\"Bread\",\"tags\":[\"food\"],\"words\":5}]\n\
            bread 13 4\nbutter 42\nfood 12\ntoast 43\n";
        assert_eq!(text(&block), expected);
        assert_eq!(Block::decode(1, expected.as_bytes()).unwrap(), block);
    }

    #[test]
    fn nothing_stays_of_a_note_that_is_taken_out() {
        let mut block = Block::default();
        block.put(9, &note("Bread", "flour", &["food"]));
        let before = text(&block);
        block.put(10, &note("Butter", "bread", &["food"]));
        block.put(10, &note("Milk", "cow", &[]));
        assert!(!text(&block).contains("butter"));
        block.remove(10);
        assert_eq!(text(&block), before);
        block.remove(9);
        assert!(block.is_empty());
        assert_eq!(text(&block), "[]\n");
    }

    #[test]
    fn what_this_module_does_not_write_is_refused() {
        let head = r#"[{"id":9,"version":1,"title":"a","tags":[],"words":3}]"#;
        let cases = [
            ("", 1),
            ("[]", 1),
            ("[]\n", 1),
            ("{}\n", 1),
            (&head.replace(":9", ":16"), 1),
            (&format!("{head}\nword"), 2),
            (&format!("{head}\nword \n"), 2),
            (&format!("{head}\na 11\nword 1x\n"), 3),
            (&format!("{head}\nword 21\n"), 2),
            (&format!("{head}\nword 81\n"), 2),
            (&format!("{head}\nword 10\n"), 2),
            (&format!("{head}\nword 11 12\n"), 2),
            (&format!("{head}\nword ä1\n"), 2),
            (&format!("{head}\na 11\na 11\n"), 3),
            (&format!("{head}\n 11\n"), 2),
        ];
        for (text, line) in cases {
            assert_eq!(Block::decode(1, text.as_bytes()), Err(Malformed { line }), "{text:?}");
            if let Ok(reading) = Reading::new(1, text.as_bytes()) {
                for (_, rest) in reading.words() {
                    assert!(reading.weights(rest).all(|(card, _)| card == 0));
                }
            }
        }
        assert_eq!(Block::decode(1, b"\xff\n"), Err(Malformed { line: 1 }));
    }

    #[test]
    fn a_block_of_the_largest_notes_fits_a_value() {
        // The most bytes of index for a byte of text: short words that are all different.
        let ideographs = ('\u{4e00}'..='\u{9fff}').chain('\u{3400}'..='\u{4dbf}').collect();
        let letters = || "abcdefghijklmnopqrstuvwxyz0123456789".chars();
        let short = letters().flat_map(|a| {
            letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c} ")))
        });
        let growing: String = (0..1 << 12)
            .map(|bits| {
                let word = (0..12).map(|bit| if bits >> bit & 1 == 0 { 'Ⱥ' } else { 'Ⱦ' });
                word.chain([' ']).collect::<String>()
            })
            .collect();
        for body in [ideographs, short.collect(), growing] {
            let mut end = BODY_BYTES_MAX;
            while !body.is_char_boundary(end) {
                end -= 1;
            }
            // Worse than any that can be added: control characters take six bytes of JSON each.
            let title = "\u{1}".repeat(TITLE_BYTES_MAX);
            let tag = "\u{1}".repeat(TAG_BYTES_MAX);
            let note = note(&title, &body[..end], &[tag.as_str(); TAGS_MAX]);
            let mut block = Block::default();
            block.put(ID_MAX, &Note { version: u64::MAX, ..note });
            // Words that notes have in common only make it smaller.
            let bytes = NOTES_PER_BLOCK as usize * block.encode().len();
            assert!(bytes < VALUE_BYTES_MAX, "{bytes}");
        }
    }

    #[test]
    fn a_reading_gives_the_weights_of_each_word() {
        let mut block = Block::default();
        block.put(12, &note("Toast", "bread", &[]));
        block.put(9, &note("Bread", "", &["food"]));
        let value = block.encode();
        let reading = Reading::new(1, &value).unwrap();
        let found: Vec<_> = reading
            .words()
            .map(|(word, rest)| (word, reading.weights(rest).collect::<Vec<_>>()))
            .collect();
        let expected =
            [("bread", vec![(1, 3), (0, 1)]), ("food", vec![(1, 2)]), ("toast", vec![(0, 3)])];
        assert_eq!(found, expected);
    }

    proptest::proptest! {
        #[test]
        fn a_block_survives_being_kept(texts in proptest::collection::vec((0..8_u64, "\\PC{0,12}", ".{0,20}"), 1..12)) {
            let mut block = Block::default();
            for (place, title, body) in &texts {
                block.put(16 + place, &note(title, body, &["t"]));
            }
            assert_eq!(Block::decode(2, &block.encode()), Ok(block));
        }

        #[test]
        fn no_bytes_are_too_strange(value in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            drop(Block::decode(0, &value));
        }
    }
}
