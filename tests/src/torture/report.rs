//! The table of what came of it: one line for each class and place.

use std::collections::BTreeMap;
use std::fmt;

use super::class::Class;
use super::place::Place;
use super::verdict::Verdict;

/// Trials that did not end as they must: so many are told of.
const TOLD_MAX: usize = 12;

/// What came of the trials of one class at one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    ends: BTreeMap<Verdict, usize>,
    /// Those that were not killed, since they did not come to the place.
    missed: usize,
}

/// What came of all of them.
#[derive(Debug, Default)]
pub struct Report {
    /// By class and place.
    pub cells: BTreeMap<(Class, Place), Counts>,
    /// What was looked at besides: its name, and what was wrong.
    pub checks: Vec<(String, Result<String, String>)>,
    told: Vec<String>,
}

impl Report {
    pub(super) fn add(
        &mut self,
        class: Class,
        place: Place,
        verdict: Verdict,
        kills: usize,
        story: impl FnOnce() -> String,
    ) {
        let counts = self.cells.entry((class, place)).or_default();
        *counts.ends.entry(verdict).or_default() += 1;
        counts.missed += usize::from(kills == 0);
        if verdict.is_wrong() && self.told.len() < TOLD_MAX {
            let (class, place, word) = (class.word(), place.word(), verdict.word());
            self.told.push(format!("{word} {class} {place}\n{}", story()));
        }
    }

    /// Counts the trials that ended in a way.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cells.values().filter_map(|it| it.ends.get(&verdict)).sum()
    }

    /// Counts what the contract forbids, in some classes.
    pub fn wrong_in(&self, is_meant: impl Fn(Class) -> bool) -> usize {
        let cells = self.cells.iter().filter(|((class, _), _)| is_meant(*class));
        let wrong = |counts: &Counts| -> usize {
            counts.ends.iter().filter(|(end, _)| end.is_wrong()).map(|(_, count)| count).sum()
        };
        let checks = self.checks.iter().filter(|(_, came)| came.is_err()).count();
        cells.map(|(_, counts)| wrong(counts)).sum::<usize>() + checks
    }

    /// Counts what the contract forbids.
    #[must_use]
    pub fn wrong(&self) -> usize {
        self.wrong_in(|_| true)
    }

    /// Counts the trials.
    #[must_use]
    pub fn trials(&self) -> usize {
        Verdict::ALL.into_iter().map(|verdict| self.count(verdict)).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12} {:<14}", "class", "killed at")?;
        for verdict in Verdict::ALL {
            write!(f, " {:>8}", verdict.word())?;
        }
        writeln!(f, " {:>8}", "missed")?;
        for ((class, place), counts) in &self.cells {
            write!(f, "{:<12} {:<14}", class.word(), place.word())?;
            for verdict in Verdict::ALL {
                write!(f, " {:>8}", counts.ends.get(&verdict).copied().unwrap_or(0))?;
            }
            writeln!(f, " {:>8}", counts.missed)?;
        }
        writeln!(
            f,
            "ONCE: on record and in the ledger, once, the same; what only asks may ask again. IN_DOUBT: a \
             person was asked, then the same. missed: did not come there, so was not killed"
        )?;
        for (name, came) in &self.checks {
            match came {
                Ok(seen) => writeln!(f, "PASS {name}: {seen}")?,
                Err(wrong) => writeln!(f, "FAIL {name}: {wrong}")?,
            }
        }
        for told in &self.told {
            writeln!(f, "\n{told}")?;
        }
        let (trials, wrong) = (self.trials(), self.wrong());
        write!(f, "{trials} trials, {} checks: {wrong} wrong", self.checks.len())
    }
}
