//! Files that guests of this process have open in folders they may write in.
//!
//! A file without a name takes its space for as long as somebody has it open. Were it given back
//! when the name goes, a guest that keeps what it removes could fill the disk within its quota.
//!
//! Invariant: an object is held for as long as anything of this process has it open, streams
//! included. Objects are known by what the file system says they are, whatever their names.
//! Not here: files that other processes have open.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Objects after which the ones that were closed are forgotten for the first time.
const SWEEP_FIRST: usize = 1_024;

/// What an object is, whatever it is called.
pub(super) type Object = (u64, u64);

/// The files that are open.
#[derive(Default)]
pub(super) struct HeldFiles(Mutex<Held>);

#[derive(Default)]
struct Held {
    files: HashMap<Object, Vec<Weak<File>>>,
    /// How many objects there may be before closed ones are looked for.
    sweep_at: usize,
}

impl HeldFiles {
    /// Notes that a file was opened.
    pub(super) fn add(&self, object: Object, file: &Arc<File>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.files.len() >= held.sweep_at.max(SWEEP_FIRST) {
            held.files.retain(|_, files| files.iter().any(is_open));
            // Each object is looked at twice for every time it was added, at most.
            held.sweep_at = held.files.len() * 2;
        }
        let files = held.files.entry(object).or_default();
        files.retain(is_open);
        files.push(Arc::downgrade(file));
    }

    /// Answers whether anybody has it open.
    pub(super) fn has(&self, object: Object) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.files.get(&object).is_some_and(|files| files.iter().any(is_open))
    }
}

fn is_open(file: &Weak<File>) -> bool {
    file.strong_count() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_held_until_the_last_closes_it() {
        let held = HeldFiles::default();
        let open = || Arc::new(tempfile::tempfile().unwrap());
        let (first, second) = (open(), open());
        held.add((1, 1), &first);
        held.add((1, 1), &second);
        let stream = Arc::clone(&second);
        drop((first, second));
        assert!(held.has((1, 1)) && !held.has((1, 2)));
        drop(stream);
        assert!(!held.has((1, 1)));
    }

    #[test]
    fn closed_files_are_forgotten() {
        let held = HeldFiles::default();
        let kept = Arc::new(tempfile::tempfile().unwrap());
        held.add((0, 0), &kept);
        for number in 1..=3 * SWEEP_FIRST as u64 {
            held.add((number, 0), &Arc::new(kept.try_clone().unwrap()));
        }
        assert!(held.has((0, 0)));
        let left = held.0.lock().unwrap().files.len();
        assert!(left <= SWEEP_FIRST, "{left}");
    }
}
