//! Cuts a piece out of a text, so that a reader can go on where it stopped.

/// A piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The piece.
    pub text: String,
    /// Characters of the whole text.
    pub chars: usize,
    /// Where the next piece begins, in characters; none at the end.
    pub next_offset: Option<usize>,
}

/// Returns at most `chars_max` characters from `offset` on, or how long the text is when it ends
/// before that. Where it goes, the piece ends with a line, or else with a word.
pub fn excerpt(text: &str, offset: usize, chars_max: usize) -> Result<Excerpt, usize> {
    let start = match text.char_indices().nth(offset) {
        Some((start, _)) => start,
        None => {
            let chars = text.chars().count();
            if offset > chars {
                return Err(chars);
            }
            return Ok(Excerpt { text: String::new(), chars, next_offset: None });
        }
    };
    let rest = &text[start..];
    let piece = match rest.char_indices().nth(chars_max) {
        None => rest,
        Some((end, _)) => {
            let piece = &rest[..end];
            // A nicer end may cost a quarter of the piece and no more.
            let least = piece.floor_char_boundary(piece.len() / 4 * 3);
            let nicer = |mark| piece[least..].rfind(mark).map(|at| &piece[..=least + at]);
            nicer('\n').or_else(|| nicer(' ')).unwrap_or(piece)
        }
    };
    let taken = piece.chars().count();
    let rest_chars = rest[piece.len()..].chars().count();
    Ok(Excerpt {
        text: piece.to_owned(),
        chars: offset + taken + rest_chars,
        next_offset: (rest_chars > 0).then_some(offset + taken),
    })
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn pieces_make_up_the_whole() {
        let text = "äöü one\ntwo three four\n\nfive six seven eight nine ten";
        let mut whole = String::new();
        let mut offset = Some(0);
        while let Some(at) = offset {
            let piece = excerpt(text, at, 10).expect("inside the text");
            assert!(piece.text.chars().count() <= 10);
            assert_eq!(piece.chars, text.chars().count());
            whole.push_str(&piece.text);
            offset = piece.next_offset;
        }
        assert_eq!(whole, text);
    }

    #[test]
    fn a_piece_ends_with_a_line_or_a_word() {
        assert_eq!(excerpt("aaaa bb\ncc d", 0, 9).expect("a piece").text, "aaaa bb\n");
        assert_eq!(excerpt("aaaa bbb cc", 0, 10).expect("a piece").text, "aaaa bbb ");
        assert_eq!(excerpt("aaaaaaaaaaaa", 0, 5).expect("a piece").text, "aaaaa");
    }

    #[test]
    fn the_end_is_a_place_and_beyond_is_not() {
        let end = excerpt("abc", 3, 5).expect("the end");
        assert_eq!((end.text.as_str(), end.chars, end.next_offset), ("", 3, None));
        assert_eq!(excerpt("abc", 4, 5), Err(3));
        assert_eq!(excerpt("", 0, 5).expect("nothing").chars, 0);
        assert_eq!(excerpt("abc", 0, 3).expect("all").next_offset, None);
    }
}
