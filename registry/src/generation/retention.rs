//! Which generations stay, and why.
//!
//! ```text
//! 000003   000011  000012  000013  000014 = current      last: 2, in use until an hour ago
//!   │         ✗       │       └───────┴── among the last
//!   │                 └── gave way to 000013 half an hour ago: an `ax` may still run it
//!   └── the last one that names the data of a plugin that was removed since
//! ```
//!
//! A generation is in use from its commit to the next one, and longer in a process that has read it;
//! so its age counts from the commit of the next one.
//!
//! Invariant: only a generation that could be read goes: what cannot be read may name anything.
//! Not here: removing them (`sweep`), and what they name (`store`, the host).

use std::collections::BTreeSet;
use std::time::SystemTime;

use ax_manifest::Identity;
use fs_err as fs;

use super::Damage;
use super::EARLIER_KEPT;
use super::Generation;
use super::GenerationError;
use super::Generations;
use super::RECENT_KEPT;
use super::read::Fault;
use crate::lock::Lockfile;

/// What is to stay.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// How many of the last generations, the current one among them. The current one stays even
    /// with 0.
    pub last: u64,
    /// Whoever was current at this time, or since, stays.
    pub in_use_since: SystemTime,
    /// Whether the last generation that names a plugin's data stays.
    pub data: bool,
}

/// Why a generation stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptFor {
    /// It is the current one.
    Current,
    /// It is among the last.
    Last,
    /// It was current so recently that a process may still run it.
    Recent,
    /// No later one names the data of this plugin.
    Data(Identity),
}

/// The generations of a home, sorted.
#[derive(Debug)]
pub struct Sorted {
    /// Those that stay, newest first.
    pub kept: Vec<(Generation, KeptFor)>,
    /// Those that may go, newest first.
    pub outlived: Vec<u64>,
    /// Those that cannot be read, newest first. They stay.
    pub damaged: Vec<(u64, Damage)>,
}

impl Generations {
    /// Sorts the generations into those that stay and those that may go. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Generations::current`]: without a whole current generation nothing is known to be unused.
    /// [`GenerationError::Read`].
    pub fn sorted(&self, retention: &Retention) -> Result<Sorted, GenerationError> {
        let current = self.current()?;
        let number = current.number;
        let mut named = DataNames::default();
        named.note(&current.lock);
        let mut sorted = Sorted { kept: Vec::new(), outlived: Vec::new(), damaged: Vec::new() };
        if number > 0 {
            sorted.kept.push((current, KeptFor::Current));
        }
        let mut next = number;
        for earlier in self.earlier(number)? {
            // Judged before it is read, since it may be damaged and still be the one in use.
            let is_recent = self.made_at(next).is_none_or(|made| made >= retention.in_use_since);
            next = earlier;
            let generation = match self.load(earlier) {
                Ok(generation) => generation,
                // Whoever lists takes no lock: another process may have removed it meanwhile.
                Err(_) if !self.path_of(earlier).is_dir() => continue,
                Err(Fault::Damage(damage)) => {
                    sorted.damaged.push((earlier, damage));
                    continue;
                }
                Err(Fault::System(source)) => {
                    return Err(GenerationError::Read { path: self.path_of(earlier), source });
                }
            };
            let first = named.note(&generation.lock);
            let kept_for = if earlier.saturating_add(retention.last) > number {
                Some(KeptFor::Last)
            } else if is_recent {
                Some(KeptFor::Recent)
            } else {
                first.filter(|_| retention.data).map(KeptFor::Data)
            };
            match kept_for {
                Some(kept_for) => sorted.kept.push((generation, kept_for)),
                None => sorted.outlived.push(earlier),
            }
        }
        Ok(sorted)
    }

    /// Picks those that a commit of `coming` on top of `last` may remove: all but the last ones,
    /// those that may still be in use, those that cannot be read, and those that alone name a state
    /// of a plugin's data.
    pub(super) fn outlived(
        &self,
        last: u64,
        coming: &Lockfile,
        in_use_since: SystemTime,
    ) -> Result<BTreeSet<u64>, GenerationError> {
        let mut outlived = BTreeSet::new();
        let end = last.saturating_sub(EARLIER_KEPT);
        if self.earlier(end.saturating_add(1))?.is_empty() {
            return Ok(outlived);
        }
        let mut named = DataNames { each_state: true, ..DataNames::default() };
        named.note(coming);
        let mut next = None;
        for number in self.earlier(last.saturating_add(1))? {
            let replaced = next.replace(number).and_then(|next| self.made_at(next));
            let is_recent = replaced.is_none_or(|made| made >= in_use_since);
            let Ok(generation) = self.load(number) else { continue };
            let first = named.note(&generation.lock);
            let is_last = number > end || (is_recent && number.saturating_add(RECENT_KEPT) > last);
            if !is_last && first.is_none() {
                outlived.insert(number);
            }
        }
        Ok(outlived)
    }

    /// Lists the generations below a number, newest first.
    fn earlier(&self, below: u64) -> Result<Vec<u64>, GenerationError> {
        let mut numbers = self.numbers()?;
        numbers.retain(|number| *number < below);
        numbers.reverse();
        Ok(numbers)
    }

    /// Tells when a generation was committed, as far as the filesystem knows.
    fn made_at(&self, number: u64) -> Option<SystemTime> {
        fs::metadata(self.path_of(number)).and_then(|found| found.modified()).ok()
    }
}

/// The plugins whose data some generation looked at so far names.
#[derive(Default)]
struct DataNames {
    /// Whether each state of a plugin's data counts, or all of them as one.
    each_state: bool,
    seen: BTreeSet<(String, u64)>,
}

impl DataNames {
    /// Takes note of a lock; gives a plugin whose data no lock before it named.
    fn note(&mut self, lock: &Lockfile) -> Option<Identity> {
        let mut first = None;
        for (name, locked) in lock.plugins.iter().filter(|(_, locked)| locked.state > 0) {
            let identity = Identity { name: name.clone(), source: locked.source.clone() };
            let state = if self.each_state { locked.state } else { 0 };
            if self.seen.insert((identity.to_string(), state)) {
                first.get_or_insert(identity);
            }
        }
        first
    }
}
