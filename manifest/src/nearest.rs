//! Guesses which known word a misspelled one was meant to be.
//!
//! Invariant: the cost is bounded by the length of the known words, whatever the wrong word is.
//! Not here: the sentence around the guess.

/// Edits (insert, delete, replace, swap of neighbours) between a slip and the word that was meant;
/// with three, short words begin to match everything.
const EDITS_MAX: usize = 2;

/// Returns the one of `known` that differs from `word` by the fewest edits, at most [`EDITS_MAX`]
/// and fewer than half of its letters; the first one of equals.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= EDITS_MAX)
        .map(|candidate| (edits(word.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|&(edits, candidate)| edits <= EDITS_MAX && edits * 2 < candidate.len().max(3))
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

/// Counts the edits between two byte strings (optimal string alignment, three rows).
fn edits(from: &[u8], to: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, &left) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &right) in to.iter().enumerate() {
            let replaced = last[column] + usize::from(left != right);
            let mut best = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && left == to[column - 1] && right == from[row - 1];
            if swapped {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{edits, nearest};

    const KNOWN: [&str; 6] = ["permissions", "plugin", "limits", "fs", "env", "net"];

    #[test]
    fn a_slip_finds_the_word_that_was_meant() {
        for (slip, meant) in [
            ("permisions", "permissions"),
            ("permission", "permissions"),
            ("plguin", "plugin"),
            ("Limits", "limits"),
            ("nett", "net"),
            ("nte", "net"),
            ("evn", "env"),
        ] {
            assert_eq!(nearest(slip, KNOWN), Some(meant), "{slip}");
        }
    }

    #[test]
    fn another_word_finds_nothing() {
        for word in ["", "x", "xy", "colour", "permissive-thing"] {
            assert_eq!(nearest(word, KNOWN), None, "{word}");
        }
        assert_eq!(nearest(&"n".repeat(1_000_000), KNOWN), None);
    }

    #[test]
    fn a_swap_of_neighbours_is_one_edit() {
        assert_eq!(edits(b"abcd", b"abdc"), 1);
        assert_eq!(edits(b"", b"abc"), 3);
        assert_eq!(edits(b"kitten", b"sitting"), 3);
    }
}
