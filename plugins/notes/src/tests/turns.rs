//! Lets threads use a store in an order that is given, so that what happens can happen again.

use std::sync::Condvar;
use std::sync::Mutex;

use ax_sdk::Result;

use super::memory::Memory;
use crate::store::Change;
use crate::store::Entry;
use crate::store::Page;
use crate::store::Store;

/// Whose turn it is.
#[derive(Debug)]
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Who is next, over and over; those who are done are passed over.
    schedule: Vec<usize>,
    at: usize,
    done: Vec<bool>,
}

impl State {
    fn is_turn_of(&self, who: usize) -> bool {
        let rest = self.schedule.iter().cycle().skip(self.at % self.schedule.len());
        let next = rest.take(self.schedule.len()).find(|who| !self.done[**who]);
        next.is_none_or(|next| *next == who)
    }

    fn advance(&mut self) {
        while self.done[self.schedule[self.at % self.schedule.len()]] {
            self.at += 1;
        }
        self.at += 1;
    }
}

impl Turns {
    /// Begins with the first of `schedule`, which names each of `threads` threads by its index.
    pub(super) fn new(mut schedule: Vec<usize>, threads: usize) -> Self {
        schedule.extend(0..threads);
        let state = State { schedule, at: 0, done: vec![false; threads] };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn take<T>(&self, who: usize, act: impl FnOnce() -> T) -> T {
        let state = self.state.lock().unwrap();
        let mut state = self.changed.wait_while(state, |state| !state.is_turn_of(who)).unwrap();
        let result = act();
        state.advance();
        self.changed.notify_all();
        result
    }
}

/// A store as one thread sees it. Dropping it leaves the turns to the others.
pub(super) struct Seat<'a> {
    pub(super) memory: &'a Memory,
    pub(super) turns: &'a Turns,
    pub(super) who: usize,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Ok(mut state) = self.turns.state.lock() {
            state.done[self.who] = true;
        }
        self.turns.changed.notify_all();
    }
}

impl Store for Seat<'_> {
    fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.turns.take(self.who, || self.memory.get(key))
    }

    fn scan(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page> {
        self.turns.take(self.who, || self.memory.scan(prefix, limit, cursor))
    }

    fn write(&self, changes: Vec<Change>) -> Result<()> {
        self.turns.take(self.who, || self.memory.write(changes))
    }
}
