//! Guesses which known key a misspelled one was meant to be.
//!
//! Invariant: the cost is bounded by the length of the known keys, whatever the wrong key is.
//! Not here: the sentence around the guess (`error`).

/// Edits (insert, delete, replace) between a slip and the key that was meant; with three, short
/// keys begin to match everything.
const EDITS_MAX: usize = 2;

/// Returns the one of `known` that differs from `word` by the fewest edits, at most [`EDITS_MAX`]
/// and fewer than half of its letters; the first one of equals.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= EDITS_MAX)
        .map(|candidate| (edits(word.as_bytes(), candidate.as_bytes()), *candidate))
        .filter(|&(edits, candidate)| edits <= EDITS_MAX && edits * 2 < candidate.len())
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

/// Counts the edits between two byte strings, row by row.
fn edits(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for &left in from {
        let mut diagonal = row[0];
        row[0] += 1;
        for (column, &right) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const KNOWN: [&str; 5] = ["folders", "sandbox", "plugins", "color", "memory-percent"];

    #[test]
    fn a_slip_finds_the_key_that_was_meant() {
        for (slip, meant) in [
            ("folder", "folders"),
            ("Sandbox", "sandbox"),
            ("plugin", "plugins"),
            ("colour", "color"),
            ("cloor", "color"),
            ("memory_percent", "memory-percent"),
        ] {
            assert_eq!(nearest(slip, &KNOWN), Some(meant), "{slip}");
        }
    }

    #[test]
    fn another_word_finds_nothing() {
        for word in ["", "x", "home", "policy", "memory"] {
            assert_eq!(nearest(word, &KNOWN), None, "{word}");
        }
        assert_eq!(nearest(&"c".repeat(1_000_000), &KNOWN), None);
    }
}
