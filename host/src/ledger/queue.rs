//! The queue between those who ask and the writer's thread.
//!
//! ```text
//! jobs that wait:   0 ... 1,024 ......... 4,096 ............... 65,536
//!                    all      no pieces        no bodies, checks       no intents
//! ```
//!
//! Under pressure what is kept only if it is wanted goes first, then nothing is sent any more; the end of
//! what was sent is always taken. There is at most one for each intent, and each intent was waited for, so
//! the queue is bounded by the requests on their way.
//!
//! Invariant: a job is in the queue, with the writer, or whoever waits for it was told.
//! Not here: what the writer does with a batch (`writer`).

use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::chat::Error;
use crate::ledger::entry::Ended;
use crate::ledger::entry::Intended;
use crate::ledger::entry::Piece;
use crate::ledger::health::Check;

/// Jobs that may wait before pieces of streams are left out: about a millisecond of writing.
const QUIET_JOBS_MAX: usize = 1_024;

/// Jobs that may wait before bodies and checks are left out: some milliseconds of writing.
const CALM_JOBS_MAX: usize = 4_096;

/// Jobs that may wait before nothing is sent any more: half a KiB each, 32 MiB.
const JOBS_MAX: usize = 65_536;

/// Tells whoever waits whether it is on record.
#[derive(Debug)]
pub(super) struct Kept(oneshot::Sender<Result<(), Error>>);

impl Kept {
    pub(super) fn new() -> (Self, oneshot::Receiver<Result<(), Error>>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Tells. Whoever waited may have gone.
    pub(super) fn tell(self, result: Result<(), Error>) {
        self.0.send(result).ok();
    }
}

/// One thing to write.
#[derive(Debug)]
pub(super) enum Job {
    Intend(Intended, Kept),
    End(Box<Ended>, Kept),
    Piece(Piece),
    Check(Check),
    /// Everything before it is done.
    Flush(Kept),
}

/// What those who ask and the writer share.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: Vec<Job>,
    is_closed: bool,
    /// The writer must be woken.
    is_asleep: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a job, however many wait; false once it is closed.
    pub(super) fn push(&self, job: Job) -> bool {
        self.take_in(job, usize::MAX)
    }

    /// Takes a job if there is room for one of its kind.
    pub(super) fn offer(&self, job: Job) -> bool {
        let most = match &job {
            Job::Intend(..) => JOBS_MAX,
            Job::Piece(_) => QUIET_JOBS_MAX,
            Job::End(..) | Job::Check(_) => CALM_JOBS_MAX,
            Job::Flush(_) => usize::MAX,
        };
        self.take_in(job, most)
    }

    fn take_in(&self, job: Job, most: usize) -> bool {
        let mut state = self.state();
        if state.is_closed || state.jobs.len() >= most {
            return false;
        }
        state.jobs.push(job);
        let must_wake = std::mem::take(&mut state.is_asleep);
        drop(state);
        if must_wake {
            self.work.notify_one();
        }
        true
    }

    /// Answers whether pieces of streams are kept.
    pub(super) fn is_quiet(&self) -> bool {
        self.state().jobs.len() < QUIET_JOBS_MAX
    }

    /// Answers whether bodies are kept.
    pub(super) fn is_calm(&self) -> bool {
        self.state().jobs.len() < CALM_JOBS_MAX
    }

    /// Lets the writer finish; nothing is taken any more.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.work.notify_one();
    }

    /// Moves all jobs into `batch`, which is empty; waits for one, `patience` at most where it is given.
    /// False once it is closed and empty.
    pub(super) fn take(&self, batch: &mut Vec<Job>, patience: Option<Duration>) -> bool {
        let mut state = self.state();
        while state.jobs.is_empty() && !state.is_closed {
            state.is_asleep = true;
            state = match patience {
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.work.wait_timeout(state, patience);
                    let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                    state.is_asleep = false;
                    if timeout.timed_out() {
                        return true;
                    }
                    state
                }
            };
        }
        std::mem::swap(&mut state.jobs, batch);
        !(state.is_closed && batch.is_empty())
    }

    /// Refuses everything from now on, and lets go of what waits, which tells those who do.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        drop(jobs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece() -> Job {
        let (id, chunk) = (String::new(), String::new());
        Job::Piece(Piece { id, index: 0, at_ms: 0, chunk })
    }

    fn check() -> Job {
        Job::Check(Check::default())
    }

    fn fill(queue: &Queue, jobs: usize) {
        while queue.state().jobs.len() < jobs {
            assert!(queue.push(piece()));
        }
    }

    #[test]
    fn pieces_go_first_then_bodies_and_ends_are_always_taken() {
        let queue = Queue::default();
        let flush = || Job::Flush(Kept::new().0);
        fill(&queue, QUIET_JOBS_MAX - 1);
        assert!(queue.is_quiet() && queue.offer(piece()));
        assert!(!queue.is_quiet() && !queue.offer(piece()), "one more");
        fill(&queue, CALM_JOBS_MAX - 1);
        assert!(queue.is_calm() && queue.offer(check()));
        assert!(!queue.is_calm() && !queue.offer(check()), "one more");
        fill(&queue, JOBS_MAX);
        assert!(queue.push(flush()), "whatever waits");
    }

    #[test]
    fn who_waits_for_a_writer_that_is_gone_is_told() {
        let queue = Queue::default();
        let (kept, mut told) = Kept::new();
        queue.push(Job::Flush(kept));
        queue.abandon();
        assert!(matches!(told.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
        assert!(!queue.push(piece()) && !queue.take(&mut Vec::new(), None));
    }
}
