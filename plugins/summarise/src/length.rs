//! How long a summary is, and how it is made to keep to its length.
//!
//! A model that was told so mostly keeps to it; what it writes beyond is cut, at the end of a sentence if
//! one ends in the second half.

/// Counts words: what stands between blanks and holds a letter or a digit.
#[must_use]
pub fn words(text: &str) -> usize {
    text.split_whitespace().filter(|word| is_word(word)).count()
}

fn is_word(word: &str) -> bool {
    word.chars().any(char::is_alphanumeric)
}

/// Cuts a text to `most` words; says whether something was cut.
#[must_use]
pub fn cut(text: &str, most: usize) -> (String, bool) {
    let text = text.trim();
    if words(text) <= most {
        return (text.to_owned(), false);
    }
    let front = front(text, most);
    let least = words(front) / 2;
    let whole = sentence_ends(front).filter(|end| words(&front[..*end]) >= least.max(1)).last();
    match whole {
        Some(end) => (front[..end].trim_end().to_owned(), true),
        None => (format!("{} …", front.trim_end()), true),
    }
}

/// Returns the front of a text that has so many words.
fn front(text: &str, most: usize) -> &str {
    let (mut count, mut from) = (0, 0);
    for word in text.split_inclusive(char::is_whitespace) {
        count += usize::from(is_word(word));
        if count > most {
            break;
        }
        from += word.len();
    }
    &text[..from]
}

/// Lists where sentences and lines end.
fn sentence_ends(text: &str) -> impl Iterator<Item = usize> {
    let ends = text.char_indices().filter(move |(at, letter)| {
        let rest = &text[at + letter.len_utf8()..];
        let is_followed_by_blank = rest.is_empty() || rest.starts_with(char::is_whitespace);
        *letter == '\n' || (".!?…".contains(*letter) && is_followed_by_blank)
    });
    ends.map(|(at, letter)| at + letter.len_utf8())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_are_no_words() {
        assert_eq!(words("- one, two – three."), 3);
        assert_eq!(words(" \n "), 0);
    }

    #[test]
    fn what_is_short_enough_stays() {
        assert_eq!(cut(" One two. ", 2), ("One two.".to_owned(), false));
    }

    #[test]
    fn what_is_too_long_ends_with_a_sentence_if_one_ends_late_enough() {
        assert_eq!(cut("One two. Three four.", 3).0, "One two.");
        assert_eq!(cut("One. Two three four five six.", 5).0, "One. Two three four five …");
        assert_eq!(cut("- one two\n- three four", 3).0, "- one two");
        assert_eq!(cut("It costs 1.5 million now and more.", 3).0, "It costs 1.5 …");
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_wanted(text in "[a-zé.\n -]{0,200}", most in 1_usize..20) {
            let (text, is_cut) = cut(&text, most);
            prop_assert!(words(&text) <= most);
            prop_assert_eq!(&cut(&text, most).0, &text, "{}", is_cut);
        }
    }
}
