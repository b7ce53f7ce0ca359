//! Which state a coming release starts from, and what that leaves out of sight.
//!
//! ```text
//! the data in use are of its version ──→ the same state
//! of a later one, and it brings nothing back ──→ a copy of what its version left, or a refusal
//! of any other version ──→ a copy, brought to its form by the component itself
//! `--own-data` ──→ a copy of what its version left
//! none yet ──→ a new, empty state
//! ```
//!
//! So data go along with whoever can read them; what does not go along is told, and stays where
//! `--own-data` finds it ([decision 8](../../../docs/decisions/0008-data-never-go-out-of-sight-unsaid.md)).
//!
//! Invariant: pure; whose a state is is known or the release is refused.
//! Not here: copies and migrations (`state`), what may be removed (`unused`).

use std::collections::BTreeMap;

use semver::Version;
use serde::Serialize;

use crate::kv::{Lineage, Writer};

/// What decides, of a release that keeps data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) version: &'a Version,
    /// Whether the component brings data to its form.
    pub(super) migrates: bool,
    /// Whether a person asked for what this version itself left.
    pub(super) own_data: bool,
    /// Whether it came from elsewhere, and a person said whose data are its own.
    pub(super) is_newcomer: bool,
}

/// What a release starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// Nothing.
    Empty,
    /// This state, as it is.
    Same(u64),
    /// A copy of this state.
    Copy(u64),
    /// A copy of this state, brought from the form of this version to its own.
    Migrated(u64, Version),
}

/// Why there is nothing to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A later version wrote the data, and this one cannot read them.
    Newer(Version),
    /// It is not known which version wrote the data.
    Unknown,
    /// This version left nothing but what is in use.
    NothingOwn,
}

/// Changes that are not in the data a release goes on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftBehind {
    /// The version whose releases made them.
    pub version: Version,
    /// How many writes.
    pub changes: u64,
}

impl Start {
    /// Chooses what a release starts from, where the state `held` is in use or was last.
    pub(super) fn choose(
        states: &Lineage,
        held: Option<u64>,
        asking: Asking<'_>,
    ) -> Result<Self, Obstacle> {
        if asking.own_data {
            return own(states, held, asking.version).map(Self::Copy).ok_or(Obstacle::NothingOwn);
        }
        let Some(held) = held else { return Ok(Self::Empty) };
        let wrote = match states.0.get(&held).map(|kept| &kept.writer) {
            Some(Writer::Release(wrote)) => wrote,
            Some(Writer::Unknown | Writer::Unfinished) | None => return Err(Obstacle::Unknown),
        };
        if wrote == asking.version {
            // Of a newcomer nobody knows whether it writes as the one before did: that keeps its own.
            return Ok(if asking.is_newcomer { Self::Copy(held) } else { Self::Same(held) });
        }
        if asking.version < wrote && !asking.migrates {
            let left = own(states, None, asking.version);
            return left.map(Self::Copy).ok_or_else(|| Obstacle::Newer(wrote.clone()));
        }
        Ok(Self::Migrated(held, wrote.clone()))
    }

    /// Lists what the release will not see of what is in use now, or of what its own version did
    /// here before.
    pub(super) fn leaves(
        &self,
        states: &Lineage,
        held: Option<u64>,
        version: &Version,
    ) -> Vec<LeftBehind> {
        let from = match self {
            Self::Empty => None,
            // Nothing goes out of sight that was not so before.
            Self::Same(_) => return Vec::new(),
            Self::Copy(from) | Self::Migrated(from, _) => Some(*from),
        };
        let mut left: BTreeMap<&Version, u64> = BTreeMap::new();
        for (state, kept) in &states.0 {
            let Writer::Release(by) = &kept.writer else { continue };
            let changes = states.missing(*state, from);
            let is_news = changes > states.missing(*state, held) || by == version;
            if changes > 0 && is_news {
                *left.entry(by).or_default() += changes;
            }
        }
        let say =
            |(version, changes): (&Version, u64)| LeftBehind { version: version.clone(), changes };
        left.into_iter().map(say).collect()
    }
}

/// Finds what a version left, other than `held`: the newest with changes that `held` does not have,
/// or else the newest.
fn own(states: &Lineage, held: Option<u64>, version: &Version) -> Option<u64> {
    let others = || states.of(version).rev().filter(|state| Some(*state) != held);
    let is_more = |state: &u64| held.is_some() && states.missing(*state, held) > 0;
    others().find(is_more).or_else(|| others().next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::Kept;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn kept(by: &str, revision: u64, begun: u64, origin: Option<(u64, u64)>) -> Kept {
        Kept { writer: Writer::Release(version(by)), revision, begun, origin }
    }

    /// Three notes by 0.1, one more by 0.2 on its copy.
    fn updated() -> Lineage {
        Lineage(BTreeMap::from([
            (1, kept("0.1.0", 3, 0, None)),
            (2, kept("0.2.0", 6, 5, Some((1, 3)))),
        ]))
    }

    /// The same, and back to 0.1, which made one note.
    fn gone_back() -> Lineage {
        let mut states = updated();
        states.0.insert(3, kept("0.1.0", 4, 3, Some((1, 3))));
        states
    }

    fn choose(
        states: &Lineage,
        held: Option<u64>,
        text: &str,
        (migrates, own_data): (bool, bool),
    ) -> (Result<Start, Obstacle>, String) {
        let version = version(text);
        let asking = Asking { version: &version, migrates, own_data, is_newcomer: false };
        let start = Start::choose(states, held, asking);
        let left = start.as_ref().map(|start| start.leaves(states, held, &version));
        let say = |left: &LeftBehind| format!("{} of {}", left.changes, left.version);
        let left: Vec<_> = left.unwrap_or_default().iter().map(say).collect();
        (start, left.join(", "))
    }

    #[test]
    fn data_go_along_with_a_later_release() {
        let states = Lineage(BTreeMap::from([(1, kept("0.1.0", 3, 0, None))]));
        let migrated = Ok(Start::Migrated(1, version("0.1.0")));
        let nothing = String::new();
        assert_eq!(choose(&states, Some(1), "0.2.0", (true, false)), (migrated, nothing.clone()));
        let same = Ok(Start::Same(1));
        assert_eq!(choose(&states, Some(1), "0.1.0", (false, false)), (same, nothing.clone()));
        let none = Lineage::default();
        assert_eq!(choose(&none, None, "0.1.0", (true, false)), (Ok(Start::Empty), nothing));
        // A newcomer of the same version works on a copy.
        let version = version("0.1.0");
        let asking =
            Asking { version: &version, migrates: false, own_data: false, is_newcomer: true };
        assert_eq!(Start::choose(&states, Some(1), asking), Ok(Start::Copy(1)));
    }

    #[test]
    fn a_step_back_finds_what_was_left_and_tells_what_it_leaves() {
        let back = choose(&updated(), Some(2), "0.1.0", (false, false));
        assert_eq!(back, (Ok(Start::Copy(1)), "1 of 0.2.0".to_owned()));
        // One that can read them takes them along.
        let back = choose(&updated(), Some(2), "0.1.5", (true, false));
        assert_eq!(back, (Ok(Start::Migrated(2, version("0.2.0"))), String::new()));
        let refused = choose(&updated(), Some(2), "0.1.5", (false, false)).0;
        assert_eq!(refused, Err(Obstacle::Newer(version("0.2.0"))));
    }

    #[test]
    fn forward_again_the_data_in_use_go_along_and_what_the_version_did_before_is_told() {
        let again = choose(&gone_back(), Some(3), "0.2.0", (true, false));
        assert_eq!(again, (Ok(Start::Migrated(3, version("0.1.0"))), "1 of 0.2.0".to_owned()));
        let own = choose(&gone_back(), Some(3), "0.2.0", (true, true));
        assert_eq!(own, (Ok(Start::Copy(2)), "1 of 0.1.0".to_owned()));
    }

    #[test]
    fn what_was_left_long_ago_is_not_told_again_by_others() {
        let other = choose(&gone_back(), Some(3), "0.3.0", (true, false));
        assert_eq!(other, (Ok(Start::Migrated(3, version("0.1.0"))), String::new()));
    }

    #[test]
    fn own_data_are_those_with_changes_of_their_own_and_never_those_in_use() {
        let mut states = gone_back();
        states.0.insert(4, kept("0.2.0", 5, 5, Some((3, 4))));
        assert_eq!(choose(&states, Some(4), "0.2.0", (true, true)).0, Ok(Start::Copy(2)));
        assert_eq!(choose(&states, Some(3), "0.2.0", (true, true)).0, Ok(Start::Copy(2)));
        let refused = choose(&updated(), Some(2), "0.2.0", (true, true)).0;
        assert_eq!(refused, Err(Obstacle::NothingOwn));
    }

    #[test]
    fn whose_the_data_are_is_never_guessed() {
        let mut states = updated();
        states.0.get_mut(&2).unwrap().writer = Writer::Unknown;
        for text in ["0.1.0", "0.2.0", "0.3.0"] {
            let refused = choose(&states, Some(2), text, (true, false)).0;
            assert_eq!(refused, Err(Obstacle::Unknown), "{text}");
        }
    }
}
