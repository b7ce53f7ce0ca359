//! Which release wrote each state of a plugin, and what of it other states hold.
//!
//! ```text
//! 1  by 0.1.0 ●──●──●─────────────● later
//!                   └── copy ──► 2  by 0.2.0 ●──●
//! ```
//!
//! A copy holds what was written until it was made: here 2 holds three changes of 1 and misses the
//! last; 1 misses the two changes that 0.2.0 made itself. A change is one write, made wholly or not.
//!
//! Invariant: what is not known (a state from before hosts wrote this down) is taken to be held
//! nowhere else.
//! Not here: which state a release starts from, and what may go (`app`); the table (`state`).

use std::collections::BTreeMap;

use semver::Version;

/// Who writes into a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writer {
    /// Releases of this version, and no others.
    Release(Version),
    /// Nobody yet: it is being made, or whoever made it died.
    Unfinished,
    /// Not known: an earlier host did not write it down.
    Unknown,
}

/// One state, as far as others depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Who writes into it.
    pub writer: Writer,
    /// The number of the last write, those before the copy included.
    pub revision: u64,
    /// The last write before its own release took over.
    pub begun: u64,
    /// Which state it was made from, and the last write of that one which it holds.
    pub origin: Option<(u64, u64)>,
}

/// All states of one plugin, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage(pub BTreeMap<u64, Kept>);

impl Lineage {
    /// Returns the newest state of a version.
    #[must_use]
    pub fn newest_of(&self, version: &Version) -> Option<u64> {
        self.of(version).next_back()
    }

    /// Answers whether anything was ever written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.0.values().any(|kept| kept.revision > 0)
    }

    /// Lists the states of a version, oldest first.
    pub fn of(&self, version: &Version) -> impl DoubleEndedIterator<Item = u64> {
        let is_of = move |kept: &Kept| matches!(&kept.writer, Writer::Release(by) if by == version);
        self.0.iter().filter(move |(_, kept)| is_of(kept)).map(|(number, _)| *number)
    }

    /// Returns the newest state that somebody writes into, or wrote.
    #[must_use]
    pub fn newest(&self) -> Option<u64> {
        let is_whole = |kept: &Kept| kept.writer != Writer::Unfinished;
        self.0.iter().rev().find(|(_, kept)| is_whole(kept)).map(|(number, _)| *number)
    }

    /// Counts the changes that the release of `state` made there and that `within`, or a copy of it
    /// made now, does not hold. With no `within` nothing is held.
    #[must_use]
    pub fn missing(&self, state: u64, within: Option<u64>) -> u64 {
        let Some(kept) = self.0.get(&state) else { return 0 };
        let held = within.map_or(0, |within| self.held(state, within));
        kept.revision.saturating_sub(kept.begun.max(held))
    }

    /// Returns the last write of `state` that `within` holds; zero if it holds none of them.
    fn held(&self, state: u64, within: u64) -> u64 {
        let mut at = within;
        if at == state {
            return u64::MAX;
        }
        // Origins have lower numbers, so that this ends even where the table was tampered with.
        while let Some((origin, revision)) = self.0.get(&at).and_then(|kept| kept.origin)
            && origin < at
        {
            if origin == state {
                return revision;
            }
            at = origin;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(by: &str, revision: u64, begun: u64, origin: Option<(u64, u64)>) -> Kept {
        Kept { writer: Writer::Release(by.parse().unwrap()), revision, begun, origin }
    }

    /// Three changes of 0.1, two more of 0.2 on a copy; back to 0.1 and one change; 0.2 again.
    fn back_and_forth() -> Lineage {
        Lineage(BTreeMap::from([
            (1, kept("0.1.0", 3, 0, None)),
            (2, kept("0.2.0", 6, 4, Some((1, 3)))),
            (3, kept("0.1.0", 4, 3, Some((1, 3)))),
            (4, kept("0.2.0", 5, 5, Some((3, 4)))),
        ]))
    }

    #[test]
    fn a_copy_holds_what_was_written_until_it_was_made() {
        let states = back_and_forth();
        let missing = |within| [1, 2, 3, 4].map(|state| states.missing(state, Some(within)));
        assert_eq!(missing(1), [0, 2, 1, 0]);
        assert_eq!(missing(2), [0, 0, 1, 0]);
        assert_eq!(missing(3), [0, 2, 0, 0]);
        assert_eq!(missing(4), [0, 2, 0, 0], "through 3 it holds what 1 had");
        assert_eq!([1, 2, 3, 4].map(|state| states.missing(state, None)), [3, 2, 1, 0]);
    }

    #[test]
    fn what_was_written_after_the_copy_is_missing_from_it() {
        let mut states = back_and_forth();
        states.0.get_mut(&1).unwrap().revision = 5;
        assert_eq!((states.missing(1, Some(2)), states.missing(1, Some(4))), (2, 2));
    }

    #[test]
    fn a_version_has_a_newest_state_and_what_is_unfinished_is_nobodys() {
        let mut states = back_and_forth();
        let unfinished = Kept { writer: Writer::Unfinished, ..kept("0.0.0", 9, 0, Some((4, 5))) };
        states.0.insert(5, unfinished);
        let newest = |version: &str| states.newest_of(&version.parse().unwrap());
        assert_eq!((newest("0.1.0"), newest("0.2.0"), newest("0.3.0")), (Some(3), Some(4), None));
        assert_eq!(states.newest(), Some(4));
    }

    #[test]
    fn origins_that_go_round_in_circles_end() {
        let states = Lineage(BTreeMap::from([
            (1, kept("0.1.0", 3, 0, Some((2, 3)))),
            (2, kept("0.2.0", 3, 0, Some((1, 3)))),
        ]));
        assert_eq!((states.missing(3, Some(2)), states.missing(1, Some(2))), (0, 0));
        assert_eq!(states.missing(2, Some(1)), 3);
    }
}
