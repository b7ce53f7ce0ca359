//! A text in pieces that each fit one question.
//!
//! Invariant: the pieces are the text, in order, and none is longer than wanted.

/// Cuts a text into pieces of at most `most` bytes: between paragraphs if one ends in the second half of a
/// piece, else between lines, sentences, words or letters.
#[must_use]
pub fn of(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > most {
        let (piece, left) = rest.split_at(end_of_piece(rest, most));
        pieces.push(piece);
        rest = left;
    }
    pieces.push(rest);
    pieces
}

fn end_of_piece(text: &str, most: usize) -> usize {
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // A letter is at most four bytes.
    let end = if end == 0 { text.chars().next().map_or(1, char::len_utf8) } else { end };
    let front = &text[..end];
    let at = |mark: &str| front.rfind(mark).map(|at| at + mark.len()).filter(|at| *at * 2 >= end);
    ["\n\n", "\n", ". ", " "].into_iter().find_map(at).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paragraphs_stay_together_where_they_can() {
        assert_eq!(of("one\n\ntwo\n\nthree", 12), ["one\n\ntwo\n\n", "three"]);
        assert_eq!(of("one two three", 8), ["one two ", "three"]);
        assert_eq!(of("abcdefgh", 4), ["abcd", "efgh"]);
        assert_eq!(of("", 4), [""]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[a-zäß .\n]{0,300}", most in 2_usize..50) {
            let pieces = of(&text, most);
            prop_assert_eq!(&pieces.concat(), &text);
            prop_assert!(pieces.iter().all(|piece| piece.len() <= most));
        }
    }
}
