//! Where the time of a guest goes: its functions, looked at once a millisecond while it runs.
//!
//! The engine's ticker interrupts a guest at loops and calls; a profiled call notes there what is on
//! the stack. Time in functions of the host is not seen, nor time a guest waits.
//!
//! Invariant: a call that is not profiled knows nothing of this: the profiled one gets another
//! callback. What is kept is bounded by [`SAMPLES_MAX`], [`STACKS_MAX`] and [`BYTES_MAX`].
//! Not here: lines of source, and what is made of the samples (`app`, `cli`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmtime::Store;

use super::backtrace::{self, Frame};
use super::guest::Guest;
use super::store;
use crate::clock::Clock;

/// Samples of one profile: a hundred seconds of a busy guest.
const SAMPLES_MAX: usize = 100_000;

/// Different stacks of one profile; each may have 64 functions.
const STACKS_MAX: usize = 20_000;

/// Bytes of all different stacks, names included: those of a plugin that recurses through generic
/// functions in each way it can; a usual profile has less than one of a hundred.
const BYTES_MAX: usize = 64 << 20;

/// Collects the samples of one call or of several.
#[derive(Clone)]
pub struct Profiler {
    clock: Arc<dyn Clock>,
    began: Duration,
    kept: Arc<Mutex<Profile>>,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Profile {
    /// The stacks, each with the innermost function first.
    pub stacks: Vec<Vec<Frame>>,
    /// When something was seen, in microseconds since the start, and which stack it was.
    pub samples: Vec<(u64, usize)>,
    /// Samples beyond the bounds.
    pub dropped: u64,
    known: HashMap<Vec<Frame>, usize>,
    /// Bytes of the stacks, in both places.
    bytes: usize,
}

impl std::fmt::Debug for Profiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profiler").finish_non_exhaustive()
    }
}

impl Profiler {
    /// Starts with nothing seen.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { began: clock.monotonic(), clock, kept: Arc::default() }
    }

    /// Counts the samples so far.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.hold().samples.len()
    }

    /// Takes what was seen.
    #[must_use]
    pub fn take(&self) -> Profile {
        std::mem::take(&mut self.hold())
    }

    /// Looks at the guest of a store from now on, whenever the ticker interrupts it.
    pub(super) fn attach(&self, store: &mut Store<Guest>) {
        let profiler = self.clone();
        store.epoch_deadline_callback(move |context| {
            profiler.note(backtrace::now(&context));
            store::go_on(context.data())
        });
    }

    fn note(&self, stack: Vec<Frame>) {
        let passed = self.clock.monotonic().saturating_sub(self.began);
        let at_us = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
        self.hold().add(at_us, stack);
    }

    /// A lock that a panic poisoned guards samples that are whole after each line.
    fn hold(&self) -> MutexGuard<'_, Profile> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Profile {
    fn add(&mut self, at_us: u64, stack: Vec<Frame>) {
        // The ticker came while nothing of the guest ran yet.
        if stack.is_empty() {
            return;
        }
        let found = self.known.get(&stack).copied();
        let bytes = 2 * stack.iter().map(bytes_of).sum::<usize>();
        let is_room = self.stacks.len() < STACKS_MAX && self.bytes + bytes <= BYTES_MAX;
        let has_room = found.is_some() || is_room;
        if !has_room || self.samples.len() >= SAMPLES_MAX {
            self.dropped += 1;
            return;
        }
        let index = found.unwrap_or_else(|| {
            self.bytes += bytes;
            self.stacks.push(stack.clone());
            self.known.insert(stack, self.stacks.len() - 1);
            self.stacks.len() - 1
        });
        self.samples.push((at_us, index));
    }
}

/// Counts what a function on a stack takes.
fn bytes_of(frame: &Frame) -> usize {
    size_of::<Frame>() + frame.function.as_ref().map_or(0, String::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(name: String) -> Vec<Frame> {
        vec![Frame { function: Some(name), offset: None }]
    }

    #[test]
    fn stacks_are_kept_once_and_samples_up_to_a_bound() {
        let mut profile = Profile::default();
        for at_us in 0..SAMPLES_MAX as u64 + 3 {
            profile.add(at_us, stack(format!("f{}", at_us % 2)));
        }
        assert_eq!((profile.stacks.len(), profile.samples.len()), (2, SAMPLES_MAX));
        assert_eq!(profile.dropped, 3);
        let mut profile = Profile::default();
        for number in 0..=STACKS_MAX {
            profile.add(0, stack(number.to_string()));
        }
        assert_eq!((profile.stacks.len(), profile.dropped), (STACKS_MAX, 1));
        let mut profile = Profile::default();
        let long = |number: usize| stack(format!("{number:04096}"));
        let fit = BYTES_MAX / (2 * bytes_of(&long(0)[0]));
        for number in 0..=fit {
            profile.add(0, long(number));
        }
        assert_eq!((profile.stacks.len(), profile.dropped), (fit, 1));
        profile.add(0, long(0));
        assert_eq!((profile.samples.len(), profile.dropped), (fit + 1, 1), "it is known");
    }
}
