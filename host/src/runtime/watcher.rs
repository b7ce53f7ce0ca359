//! Who is told while a task goes on.

use crate::workflow::{Event, Run};

/// Is told of each fact, after it was handed to the journal. It must not wait for long: the task does.
pub trait Watcher: Send + Sync {
    /// Hears of a fact, with the task as it is after it.
    fn saw(&self, run: &Run, seq: u64, event: &Event);
}

/// Nobody is told.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Watcher for Nobody {
    fn saw(&self, _run: &Run, _seq: u64, _event: &Event) {}
}
