//! Finds runs of lines that occur more than once.
//!
//! A line is kept as a hash of its text with white space normalised; a run is found by sorting the
//! starts of all runs by what follows them. That takes 12 bytes a line, whatever the lines hold.
//!
//! Invariant: a run lies within one file, and two runs that overlap do not make each other repeated.
//! Not here: which lines take part (`report`).

/// Most lines of one tree: their hashes take 12 MiB of the 64 MiB that a guest has, and twice that
/// while the list grows.
pub const LINES_MAX: usize = 1_500_000;

/// The lines of one language.
#[derive(Debug, Default)]
pub struct Lines {
    hashes: Vec<u64>,
    /// Where each file ends.
    ends: Vec<u32>,
}

impl Lines {
    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Adds a line of the current file; a blank one is left out.
    pub fn push(&mut self, line: &str) {
        if let Some(hash) = normalised_hash(line) {
            self.hashes.push(hash);
        }
    }

    /// Ends the current file.
    pub fn end_file(&mut self) {
        self.ends.push(u32::try_from(self.hashes.len()).unwrap_or(u32::MAX));
    }

    /// Counts the lines that are part of a run of `length` lines that occurs at least twice.
    pub fn duplicated(&self, length: usize) -> u64 {
        let mut starts = self.run_starts(length);
        let run = |start: u32| &self.hashes[start as usize..start as usize + length];
        starts.sort_unstable_by(|a, b| run(*a).cmp(run(*b)).then(a.cmp(b)));
        let mut repeated = vec![false; self.hashes.len()];
        for equal in starts.chunk_by(|a, b| run(*a) == run(*b)) {
            let (Some(first), Some(last)) = (equal.first(), equal.last()) else { continue };
            for start in equal {
                let is_apart =
                    (start - first) as usize >= length || (last - start) as usize >= length;
                if is_apart {
                    repeated[*start as usize..*start as usize + length].fill(true);
                }
            }
        }
        repeated.iter().filter(|repeated| **repeated).count() as u64
    }

    /// Lists the places where `length` lines of one file begin.
    fn run_starts(&self, length: usize) -> Vec<u32> {
        let mut starts = Vec::with_capacity(self.hashes.len());
        let mut begin = 0;
        for end in &self.ends {
            let last = (*end as usize + 1).saturating_sub(length);
            starts.extend(begin..u32::try_from(last).unwrap_or(u32::MAX).max(begin));
            begin = *end;
        }
        starts
    }
}

/// Hashes a line (FNV-1a, 64 bit), white space at its ends left out and any inside read as one
/// space. Nothing for a blank line.
fn normalised_hash(line: &str) -> Option<u64> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut is_blank = true;
    let mut gap = false;
    for byte in line.bytes() {
        if byte.is_ascii_whitespace() {
            gap = !is_blank;
            continue;
        }
        if gap {
            hash = (hash ^ u64::from(b' ')).wrapping_mul(0x0100_0000_01b3);
        }
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        (is_blank, gap) = (false, false);
    }
    (!is_blank).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::Lines;

    fn duplicated(files: &[&str], length: usize) -> u64 {
        let mut lines = Lines::default();
        for file in files {
            file.lines().for_each(|line| lines.push(line));
            lines.end_file();
        }
        lines.duplicated(length)
    }

    #[test]
    fn every_occurrence_counts() {
        assert_eq!(duplicated(&["a\nb\nc", "x\na\nb\nc\ny"], 3), 6);
        assert_eq!(duplicated(&["a\nb\nc\nq\na\nb\nc"], 3), 6);
    }

    #[test]
    fn one_line_less_than_the_minimum_is_no_run() {
        assert_eq!(duplicated(&["a\nb\nc", "a\nb\nc"], 4), 0);
        assert_eq!(duplicated(&["a\nb\nc\nd", "a\nb\nc\nd"], 4), 8);
    }

    #[test]
    fn white_space_and_blank_lines_make_no_difference() {
        assert_eq!(duplicated(&["a  b\n\n\tc\nd", "  a b  \nc\n\n\nd"], 3), 6);
        assert_eq!(duplicated(&["ab\nc\nd", "a b\nc\nd"], 3), 0);
    }

    #[test]
    fn a_run_does_not_cross_files() {
        assert_eq!(duplicated(&["a\nb", "c", "a\nb\nc"], 3), 0);
    }

    #[test]
    fn a_run_does_not_repeat_itself_by_overlapping() {
        assert_eq!(duplicated(&["a\na\na\na\na"], 3), 0);
        assert_eq!(duplicated(&["a\na\na\na\na\na"], 3), 6);
    }

    #[test]
    fn files_shorter_than_a_run_are_no_trouble() {
        assert_eq!(duplicated(&[], 6), 0);
        assert_eq!(duplicated(&["", "a", ""], 6), 0);
    }
}
