//! What a word is: runs of letters and digits, without regard to case.
//!
//! In scripts that are written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) each
//! character is a word, since there is nothing else to go by.
//!
//! Invariant: a word holds no white space and no control character, and has at most
//! [`WORD_BYTES_MAX`] bytes. The words of a text depend on the text alone.
//! Not here: Unicode normalisation (`é` in one character and in two are different words), word stems.

/// Bytes of a word; what follows is left out, in texts and in queries alike. Longer ones are
/// addresses and encoded data, of which people type the beginning at most.
pub const WORD_BYTES_MAX: usize = 64;

/// The first character of the scripts without spaces; most text is below.
const FIRST_UNSPACED: char = '\u{e00}';

/// A word in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Where it begins, in bytes.
    pub at: usize,
    /// The word in lower case.
    pub text: String,
}

/// Returns the words of a text, in order.
pub fn words(text: &str) -> Words<'_> {
    Words { text, at: 0 }
}

/// The words of a text that are still to come.
#[derive(Debug)]
pub struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl Words<'_> {
    /// Appends the next word to `buffer` and returns where it begins in the text; nothing at the end.
    /// Memory for each word by itself would cost more than all else there is to do with it.
    pub fn append_next(&mut self, buffer: &mut String) -> Option<usize> {
        let room = buffer.len() + WORD_BYTES_MAX;
        let mut begin = None;
        for c in self.text[self.at..].chars() {
            let is_whole = stands_alone(c);
            if begin.is_some() && (is_whole || !is_part(c)) {
                break;
            }
            let at = self.at;
            self.at += c.len_utf8();
            if begin.is_none() && !c.is_alphanumeric() {
                continue;
            }
            begin.get_or_insert(at);
            append_folded(buffer, room, c);
            if is_whole {
                break;
            }
        }
        begin
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        let mut text = String::new();
        let at = self.append_next(&mut text)?;
        Some(Word { at, text })
    }
}

/// Whether a character belongs to the word before it. Marks that are written over a letter do,
/// although they are no letters.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}')
}

/// Whether a character is a word by itself.
fn stands_alone(c: char) -> bool {
    c >= FIRST_UNSPACED
        && matches!(c,
        '\u{e00}'..='\u{eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' // Japanese
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' // Chinese
        | '\u{20000}'..='\u{3ffff}')
        && c.is_alphanumeric()
}

/// Appends a character in lower case, if there is room.
fn append_folded(buffer: &mut String, room: usize, c: char) {
    let mut append = |lower: char| {
        // Room for any character, lest a short one follows a long one that was left out.
        if buffer.len() + char::MAX_LEN_UTF8 <= room {
            buffer.push(lower);
        }
    };
    if c.is_ascii() {
        append(c.to_ascii_lowercase());
    } else {
        // The sigma at the end of a word is the same letter.
        c.to_lowercase().for_each(|lower| append(if lower == 'ς' { 'σ' } else { lower }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).map(|word| word.text).collect()
    }

    #[test]
    fn words_are_letters_and_digits_in_lower_case() {
        let cases: [(&str, &[&str]); 9] = [
            ("", &[]),
            (" ,.-\n", &[]),
            ("Bread & Butter-2", &["bread", "butter", "2"]),
            ("don't", &["don", "t"]),
            ("ΟΔΟΣ οδος", &["οδοσ", "οδοσ"]),
            ("Größe", &["größe"]),
            ("e\u{301}t \u{301}a", &["e\u{301}t", "a"]),
            ("北京 is東京", &["北", "京", "is", "東", "京"]),
            ("note/word_x", &["note", "word", "x"]),
        ];
        for (text, expected) in cases {
            assert_eq!(texts(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_word_knows_where_it_begins() {
        let found: Vec<_> = words("ä, bc京d").map(|word| (word.at, word.text)).collect();
        let expected = [(0, "ä"), (4, "bc"), (6, "京"), (9, "d")];
        assert_eq!(found, expected.map(|(at, text)| (at, text.to_owned())));
    }

    #[test]
    fn a_long_word_is_cut() {
        assert_eq!(texts(&"a".repeat(61)), ["a".repeat(61)]);
        assert_eq!(texts(&format!("{} b", "a".repeat(62))), ["a".repeat(61), "b".to_owned()]);
        assert_eq!(texts(&"ä".repeat(40)), ["ä".repeat(31)]);
    }

    proptest::proptest! {
        #[test]
        fn words_are_what_they_promise(text in "[\\PC\\n\\t ]{0,60}|.{0,60}") {
            let mut last = 0;
            for word in words(&text) {
                assert!(word.at >= last && text.is_char_boundary(word.at));
                assert!(!word.text.is_empty() && word.text.len() <= WORD_BYTES_MAX);
                assert!(!word.text.contains(|c: char| c.is_whitespace() || c.is_control()));
                // A word is a word of itself: what an index holds can be asked for.
                assert_eq!(texts(&word.text), std::slice::from_ref(&word.text));
                last = word.at + 1;
            }
        }
    }
}
