//! Where and how a task is killed.

use std::time::Duration;

use super::class::Class;
use super::dice::Dice;

/// How long a command of a test takes at most that is killed from outside: what comes later finds it ended.
const OUTSIDE_MS: u64 = 300;

/// What happens to one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Blow {
    /// Nothing.
    None,
    /// It kills itself at a failpoint, the so-many-th time.
    At(&'static str, u64),
    /// The disk fails it there, the so-many-th time: how.
    Fails(&'static str, u64, &'static str),
    /// It is killed once an effect has crossed, before the answer is there.
    Crossing,
    /// It is killed after a while.
    Outside(Duration),
}

impl Blow {
    /// Returns what arms it, if it is a failpoint.
    pub(super) fn armed(&self) -> Option<String> {
        match self {
            Self::At(name, count) => Some(format!("{name}:{count}")),
            Self::Fails(name, count, how) => Some(format!("{name}:{count}:{how}")),
            Self::None | Self::Crossing | Self::Outside(_) => None,
        }
    }
}

/// Where a task is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Before the intent of an effect is written.
    BeforeIntent,
    /// When it is on disk.
    AfterIntent,
    /// When the effect has crossed, and no answer is there.
    Crossing,
    /// When the answer is there, and not written.
    AfterPerform,
    /// When it was handed to the journal.
    AfterResult,
    /// Before the end is written.
    BeforeEnd,
    /// After the end was written.
    AfterEnd,
    /// Before a commit.
    BeforeCommit,
    /// After a commit, and nobody was told.
    AfterCommit,
    /// While it is recovered, when that is on record.
    TakenOver,
    /// While it is recovered, before an effect is performed again.
    Resent,
    /// When a person was asked.
    AfterAsked,
    /// When an answer of a person is on record.
    AfterLetter,
    /// When a task of its own is begun.
    ChildBegun,
    /// Several times, at any of these.
    Often,
    /// At any time, from outside.
    Outside,
}

impl Place {
    /// Every one.
    pub const ALL: [Self; 16] = [
        Self::BeforeIntent,
        Self::AfterIntent,
        Self::Crossing,
        Self::AfterPerform,
        Self::AfterResult,
        Self::BeforeEnd,
        Self::AfterEnd,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::TakenOver,
        Self::Resent,
        Self::AfterAsked,
        Self::AfterLetter,
        Self::ChildBegun,
        Self::Often,
        Self::Outside,
    ];

    /// Returns its word: that of the failpoint, where it is one.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BeforeIntent => "before-intent",
            Self::AfterIntent => "after-intent",
            Self::Crossing => "crossing",
            Self::AfterPerform => "after-perform",
            Self::AfterResult => "after-result",
            Self::BeforeEnd => "before-end",
            Self::AfterEnd => "after-end",
            Self::BeforeCommit => "before-commit",
            Self::AfterCommit => "after-commit",
            Self::TakenOver => "taken-over",
            Self::Resent => "resent",
            Self::AfterAsked => "after-asked",
            Self::AfterLetter => "after-letter",
            Self::ChildBegun => "child-begun",
            Self::Often => "often",
            Self::Outside => "outside",
        }
    }

    /// Answers whether a task of a class comes there.
    #[must_use]
    pub fn is_in(self, class: Class) -> bool {
        match self {
            Self::AfterAsked => class == Class::Approved,
            Self::AfterLetter => class.is_doubtful(),
            Self::ChildBegun => class == Class::Child,
            // Nothing of it goes to the ledger.
            Self::Crossing => class != Class::KeyedKv,
            _ => true,
        }
    }

    /// Says what happens to the commands of a trial, one after the other.
    pub(super) fn blows(self, class: Class, dice: &mut Dice) -> Vec<Blow> {
        // One that asks a person goes on in another command.
        let effects = if class == Class::Approved { 1 } else { class.steps().len() as u64 };
        let some = dice.upto(effects);
        let here = |count: u64| vec![Blow::At(self.word(), count)];
        match self {
            Self::BeforeIntent | Self::AfterIntent | Self::AfterPerform | Self::AfterResult => {
                here(some)
            }
            Self::BeforeEnd | Self::AfterEnd => match class {
                Class::Child => here(dice.upto(2)),
                Class::Approved => vec![Blow::None, Blow::None, Blow::At(self.word(), 1)],
                _ => here(1),
            },
            Self::BeforeCommit | Self::AfterCommit => here(dice.upto(3 + effects)),
            Self::Crossing => vec![Blow::Crossing],
            Self::TakenOver => vec![Blow::At("after-perform", some), Blow::At(self.word(), 1)],
            Self::Resent => {
                let again = Blow::At(self.word(), 1);
                // The one that crossed is sent again if nobody has to say so; of the others one that did not.
                match class {
                    Class::Pure | Class::Keyed | Class::KeyedKv | Class::Model => {
                        vec![Blow::At("after-perform", some), again]
                    }
                    Class::Readable | Class::Compensable => {
                        vec![Blow::At("after-intent", some), again]
                    }
                    _ => vec![Blow::At("after-intent", some), Blow::None, again],
                }
            }
            Self::AfterAsked | Self::ChildBegun => here(1),
            Self::AfterLetter => match class {
                Class::Approved => vec![Blow::None, Blow::At(self.word(), 1)],
                _ => vec![Blow::At("after-perform", some), Blow::None, Blow::At(self.word(), 1)],
            },
            Self::Often => {
                let places: [&'static str; 5] =
                    ["after-intent", "after-perform", "after-result", "after-commit", "taken-over"];
                let mut blow = |_| match dice.upto(6) {
                    1 => Blow::Crossing,
                    _ => {
                        let (place, count) = (*dice.of(&places), dice.upto(2));
                        Blow::At(place, count)
                    }
                };
                (0..4).map(&mut blow).collect()
            }
            Self::Outside => {
                let wait =
                    |dice: &mut Dice| Blow::Outside(Duration::from_millis(dice.upto(OUTSIDE_MS)));
                vec![wait(dice), wait(dice)]
            }
        }
    }
}
