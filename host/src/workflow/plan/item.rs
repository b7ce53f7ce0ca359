//! One thing that a step is done for: its tries, from pending to over.

use ax_manifest::Digest;
use serde_json::Value;

use super::super::failure::{Failure, FailureKind};
use super::super::spec::Step;

/// The longest pause between two tries, in milliseconds: an hour. Doubling would go on to weeks.
const BACKOFF_MS_MAX: u64 = 60 * 60 * 1_000;

/// One thing a step is done for.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Which try this is, from 1.
    pub attempt: u32,
    /// How far it is.
    pub progress: Progress,
}

/// How far an item is.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// It has no permit yet.
    Pending,
    /// It is ordered, and nothing of it is on record yet.
    Ordered,
    /// Its effect or question is on record.
    Begun {
        /// The entry.
        entry: u64,
    },
    /// It waits for a time, in milliseconds since the Unix epoch.
    Until {
        /// When.
        at_ms: u64,
    },
    /// It waits for a signal.
    Listening,
    /// It is done.
    Done(Value),
    /// It failed.
    Failed(Failure),
}

impl Item {
    pub(super) fn new() -> Self {
        Self { attempt: 1, progress: Progress::Pending }
    }

    /// Answers whether it holds a permit.
    pub(super) fn is_at_work(&self) -> bool {
        matches!(self.progress, Progress::Ordered | Progress::Begun { .. })
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.progress, Progress::Done(_) | Progress::Failed(_))
    }

    pub(super) fn failure(&self) -> Option<&Failure> {
        match &self.progress {
            Progress::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    pub(super) fn value(&self) -> Option<Value> {
        match &self.progress {
            Progress::Done(value) => Some(value.clone()),
            _ => None,
        }
    }

    /// Ends a try.
    pub(super) fn end(
        &mut self,
        outcome: Result<Value, Failure>,
        step: &Step,
        may_retry: bool,
        at_ms: u64,
        jitter: impl FnOnce(u32) -> u64,
    ) {
        let failure = match outcome {
            Ok(value) => {
                self.progress = Progress::Done(value);
                return;
            }
            Err(failure) => failure,
        };
        let is_left = self.attempt <= step.retry.max;
        match is_left && may_retry && is_worth_retrying(&failure) {
            false => self.progress = Progress::Failed(failure),
            true => {
                let doublings = (self.attempt - 1).min(32);
                let base = step.retry.backoff_ms.saturating_mul(1 << doublings).min(BACKOFF_MS_MAX);
                // Between half of it and all of it, so that many that failed together do not come together.
                let pause = base / 2 + jitter(self.attempt) % (base / 2 + 1);
                let asked = failure.retry_after_ms.unwrap_or(0).min(BACKOFF_MS_MAX);
                self.attempt += 1;
                self.progress = Progress::Until { at_ms: at_ms.saturating_add(pause.max(asked)) };
            }
        }
    }

    /// Begins anew, unless it is done, or its effect is on record without an end.
    pub(super) fn retry(&mut self) {
        match self.progress {
            Progress::Done(_) | Progress::Begun { .. } | Progress::Pending => {}
            Progress::Failed(_) => {
                self.attempt += 1;
                self.progress = Progress::Pending;
            }
            Progress::Ordered | Progress::Until { .. } | Progress::Listening => {
                self.progress = Progress::Pending;
            }
        }
    }
}

/// Answers whether asking the same again could succeed.
fn is_worth_retrying(failure: &Failure) -> bool {
    match failure.kind {
        FailureKind::Unavailable | FailureKind::Failed | FailureKind::Conflict => true,
        FailureKind::Exhausted => failure.code == "time",
        FailureKind::Invalid
        | FailureKind::Denied
        | FailureKind::NotFound
        | FailureKind::InDoubt
        | FailureKind::Cancelled
        | FailureKind::Other => false,
    }
}

/// Draws a number from what is on record: the same for the same try, whenever it is asked.
pub(super) fn jitter(seed: u64, step: usize, index: usize, attempt: u32) -> u64 {
    let mut hasher = Digest::hasher();
    hasher.update(b"ax jitter\0");
    hasher.update(&seed.to_be_bytes());
    hasher.update(&(step as u64).to_be_bytes());
    hasher.update(&(index as u64).to_be_bytes());
    hasher.update(&attempt.to_be_bytes());
    let digest = hasher.finish();
    let mut number = [0; 8];
    number.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_be_bytes(number)
}
