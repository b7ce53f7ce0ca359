//! The queue between those who ask and the writer's thread, and the log that says what was in it.
//!
//! ```text
//! jobs that wait:   0 ... 1,024 ......... 4,096 ............... 65,536
//!                    all      no pieces        no bodies, checks       no intents
//! ```
//!
//! An intent or an end is appended to the log and queued at once, and nobody waits for the database: it can
//! be read from the log should this process be gone before the writer is done. When all of the log is in
//! the database, it is emptied. An intent for which the log has no room waits until the database has it,
//! which it has once the log was emptied; so does an end that cannot be appended.
//!
//! Under pressure what is kept only if it is wanted goes first, then nothing is sent any more; the end of
//! what was sent is always taken. There is at most one for each intent, so the queue is bounded by the log
//! and the requests on their way.
//!
//! Invariants: a job is in the queue, with the writer, or whoever waits for it was told; a record of the log
//! is a job in the queue or with the writer, or it is in the database.
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
use crate::ledger::log;
use crate::ledger::log::Log;
use crate::ledger::log::Record;
use crate::router::keeper;

/// Jobs that may wait before pieces of streams are left out: about a millisecond of writing.
const QUIET_JOBS_MAX: usize = 1_024;

/// Jobs that may wait before bodies and checks are left out: some milliseconds of writing.
const CALM_JOBS_MAX: usize = 4_096;

/// Jobs that may wait before nothing is sent any more: half a KiB each, 32 MiB.
const JOBS_MAX: usize = 65_536;

/// How long the writer lets jobs gather that nobody waits for: a person who looks does not notice, and at a
/// thousand requests in a second it wakes for forty jobs, not for each.
const LINGER: Duration = Duration::from_millis(20);

/// Jobs for which it lingers no more, so that pieces are not left out for that.
const LINGER_JOBS_MAX: usize = QUIET_JOBS_MAX / 2;

/// Tells whoever waits whether it is on record.
#[derive(Debug)]
pub(super) struct Kept(oneshot::Sender<Result<(), Error>>);

/// Hears whether it is on record.
pub(super) type Told = oneshot::Receiver<Result<(), Error>>;

impl Kept {
    pub(super) fn new() -> (Self, Told) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Tells. Whoever waited may have gone.
    pub(super) fn tell(self, result: Result<(), Error>) {
        self.0.send(result).ok();
    }

    fn is_forsaken(&self) -> bool {
        self.0.is_closed()
    }
}

/// One thing to write. Nobody waits for an intent or an end that is in the log.
#[derive(Debug)]
pub(super) enum Job {
    Intend(Intended, Option<Kept>),
    End(Box<Ended>, Option<Kept>),
    Piece(Piece),
    Check(Check),
    /// Everything before it is done.
    Flush(Kept),
}

impl Job {
    /// Answers whether the log has it.
    pub(super) fn is_logged(&self) -> bool {
        matches!(self, Self::Intend(_, None) | Self::End(_, None))
    }

    /// Answers whether it need not wait until the log has room: the log has it, or nobody waits any more.
    fn is_ready(&self) -> bool {
        match self {
            Self::Intend(_, kept) | Self::End(_, kept) => {
                kept.as_ref().is_none_or(Kept::is_forsaken)
            }
            Self::Piece(_) | Self::Check(_) | Self::Flush(_) => false,
        }
    }

    fn is_waited_for(&self) -> bool {
        matches!(self, Self::Intend(_, Some(_)) | Self::End(_, Some(_)) | Self::Flush(_))
    }

    /// Returns whoever waits for it.
    pub(super) fn kept(self) -> Option<Kept> {
        match self {
            Self::Intend(_, kept) | Self::End(_, kept) => kept,
            Self::Flush(kept) => Some(kept),
            Self::Piece(_) | Self::Check(_) => None,
        }
    }
}

/// What those who ask and the writer share.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug)]
struct State {
    jobs: Vec<Job>,
    /// Nothing once it is abandoned.
    log: Option<Log>,
    is_closed: bool,
    /// Somebody waits for one of the jobs.
    is_urgent: bool,
    /// The writer must be woken.
    is_asleep: bool,
}

impl State {
    /// Answers whether the writer lingers no more.
    fn is_pressed(&self) -> bool {
        self.is_closed || self.is_urgent || self.jobs.len() >= LINGER_JOBS_MAX
    }

    /// Moves jobs into `batch`. While the log is full, those who wait for room do so, so that there comes a
    /// moment in which the writer is done with all that it has. Who waits no more is followed by an end.
    fn hand_out(&mut self, batch: &mut Vec<Job>) {
        let is_full = self.log.as_ref().is_some_and(Log::is_full);
        if is_full && self.jobs.iter().any(Job::is_logged) {
            let jobs = std::mem::take(&mut self.jobs);
            (*batch, self.jobs) = jobs.into_iter().partition(Job::is_ready);
            return;
        }
        std::mem::swap(&mut self.jobs, batch);
        self.is_urgent = false;
    }
}

impl Queue {
    pub(super) fn new(log: Log) -> Self {
        let (jobs, log) = (Vec::new(), Some(log));
        let state = State { jobs, log, is_closed: false, is_urgent: false, is_asleep: false };
        Self { state: Mutex::new(state), work: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an intent. It is on record when this returns, unless there is somebody to wait for.
    ///
    /// # Errors
    ///
    /// It cannot be put on record, or too much waits for that.
    pub(super) fn intend(&self, it: Intended) -> Result<Option<Told>, Error> {
        let line = log::line(&Record::Intend(&it));
        self.record(JOBS_MAX, |log| {
            let has_room = !log.is_full();
            match line.filter(|_| has_room) {
                None => {
                    let (kept, told) = Kept::new();
                    Ok((Job::Intend(it, Some(kept)), Some(told)))
                }
                Some(line) => match log.append(&line) {
                    Ok(()) => Ok((Job::Intend(it, None), None)),
                    Err(error) => Err(keeper::unkept(&format!("the ledger's log: {error}"))),
                },
            }
        })
    }

    /// Takes an end, however many wait if somebody was asked.
    ///
    /// # Errors
    ///
    /// The ledger is closed.
    pub(super) fn end(&self, it: Box<Ended>) -> Result<Option<Told>, Error> {
        let line = log::line(&Record::End(&it));
        let most = if it.intents > 0 { usize::MAX } else { CALM_JOBS_MAX };
        self.record(most, |log| {
            let is_logged = line.is_some_and(|line| log.append(&line).is_ok());
            if is_logged {
                return Ok((Job::End(it, None), None));
            }
            let (kept, told) = Kept::new();
            Ok((Job::End(it, Some(kept)), Some(told)))
        })
    }

    fn record(
        &self,
        most: usize,
        append: impl FnOnce(&mut Log) -> Result<(Job, Option<Told>), Error>,
    ) -> Result<Option<Told>, Error> {
        let mut state = self.state();
        let has_room = !state.is_closed && state.jobs.len() < most;
        let Some(log) = state.log.as_mut().filter(|_| has_room) else {
            let why = "the ledger is closed, or more requests wait for it than may";
            return Err(keeper::unkept(why));
        };
        let (job, told) = append(log)?;
        self.put(state, job);
        Ok(told)
    }

    /// Takes what is only wanted, if there is room for it.
    pub(super) fn offer(&self, job: Job) {
        let most = if matches!(job, Job::Piece(_)) { QUIET_JOBS_MAX } else { CALM_JOBS_MAX };
        let state = self.state();
        if !state.is_closed && state.jobs.len() < most {
            self.put(state, job);
        }
    }

    /// Takes somebody who waits until everything before is done. Once it is closed, they are told at once.
    pub(super) fn flush(&self) -> Told {
        let (kept, told) = Kept::new();
        let state = self.state();
        if !state.is_closed {
            self.put(state, Job::Flush(kept));
        }
        told
    }

    fn put(&self, mut state: MutexGuard<'_, State>, job: Job) {
        state.is_urgent |= job.is_waited_for();
        state.jobs.push(job);
        // One that lingers is woken by what is urgent, one that sleeps by the first.
        let must_wake = state.is_asleep && (state.jobs.len() == 1 || state.is_pressed());
        if must_wake {
            state.is_asleep = false;
            drop(state);
            self.work.notify_one();
        }
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

    /// Moves jobs into `batch`, which is empty; waits for one, `patience` at most where it is given. The
    /// log is emptied if everything of it was taken before and the writer is done with that, which it is
    /// without `patience`. False once it is closed and empty.
    pub(super) fn take(&self, batch: &mut Vec<Job>, patience: Option<Duration>) -> bool {
        let mut state = self.state();
        if patience.is_none() && !state.jobs.iter().any(Job::is_logged) {
            state.log.iter_mut().for_each(Log::empty);
        }
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
        state.is_asleep = true;
        let lingered = self.work.wait_timeout_while(state, LINGER, |state| !state.is_pressed());
        let (mut state, _) = lingered.unwrap_or_else(PoisonError::into_inner);
        state.is_asleep = false;
        state.hand_out(batch);
        !(state.is_closed && batch.is_empty())
    }

    /// Empties the log: the writer is done with everything.
    pub(super) fn empty_log(&self) {
        self.state().log.iter_mut().for_each(Log::empty);
    }

    /// Refuses everything from now on, and lets go of the log and of what waits, which tells those who do.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let left = (std::mem::take(&mut state.jobs), state.log.take());
        drop(state);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::ledger::tests::ended;
    use crate::ledger::tests::intended;

    /// A file to append to, and another handle to look at it.
    fn file() -> (File, File) {
        let file = tempfile::Builder::new().append(true).tempfile().unwrap();
        let looked_at = file.reopen().unwrap();
        (file.into_file(), looked_at)
    }

    fn piece() -> Job {
        let (id, chunk) = (String::new(), String::new());
        Job::Piece(Piece { id, index: 0, at_ms: 0, chunk })
    }

    fn fill(queue: &Queue, jobs: usize) {
        queue.state().jobs.resize_with(jobs, piece);
    }

    /// Takes a batch; says what is in it: `i` and `e` of the log, `I` and `E` of those who wait.
    fn taken(queue: &Queue) -> String {
        let mut batch = Vec::new();
        queue.take(&mut batch, None);
        let letter = |job: &Job| match job {
            Job::Intend(_, kept) => ['i', 'I'][usize::from(kept.is_some())],
            Job::End(_, kept) => ['e', 'E'][usize::from(kept.is_some())],
            Job::Flush(_) => 'F',
            Job::Piece(_) | Job::Check(_) => '.',
        };
        batch.iter().map(letter).collect()
    }

    #[test]
    fn pieces_go_first_then_bodies_then_intents_and_ends_are_always_taken() {
        let queue = Queue::new(Log::new(file().0));
        let is_taken = |job| {
            let before = queue.state().jobs.len();
            queue.offer(job);
            queue.state().jobs.len() > before
        };
        let check = || Job::Check(Check::default());
        fill(&queue, QUIET_JOBS_MAX - 1);
        assert!(queue.is_quiet() && is_taken(piece()));
        assert!(!queue.is_quiet() && !is_taken(piece()), "one more");
        fill(&queue, CALM_JOBS_MAX - 1);
        assert!(queue.is_calm() && is_taken(check()));
        assert!(!queue.is_calm() && !is_taken(check()), "one more");
        assert!(queue.end(Box::new(ended(1, 0))).is_err(), "nobody was asked");
        fill(&queue, JOBS_MAX - 1);
        assert!(queue.intend(intended(1, 1)).is_ok());
        assert!(queue.intend(intended(2, 1)).is_err(), "one more");
        assert!(queue.end(Box::new(ended(1, 1))).is_ok(), "whatever waits");
    }

    #[test]
    fn who_waits_for_a_writer_that_is_gone_is_told() {
        let queue = Queue::new(Log::new(file().0));
        let mut before = queue.flush();
        queue.abandon();
        let mut after = queue.flush();
        for told in [&mut before, &mut after] {
            assert!(matches!(told.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
        }
        assert!(queue.intend(intended(1, 1)).is_err());
        assert!(queue.end(Box::new(ended(1, 1))).is_err());
        assert!(!queue.take(&mut Vec::new(), None));
    }

    #[test]
    fn what_is_in_the_log_waits_for_nobody_and_the_log_is_emptied_when_it_is_written() {
        let (file, looked_at) = file();
        let queue = Queue::new(Log::new(file));
        let bytes = || looked_at.metadata().unwrap().len();
        assert!(queue.intend(intended(1, 1)).unwrap().is_none());
        assert!(queue.end(Box::new(ended(1, 1))).unwrap().is_none());
        assert_eq!(taken(&queue), "ie");
        assert!(bytes() > 0, "the writer has it");
        assert!(queue.intend(intended(2, 1)).unwrap().is_none());
        let before = bytes();
        let _told = queue.flush();
        assert_eq!(taken(&queue), "iF");
        assert_eq!(bytes(), before, "there was something new in it");
        let _told = queue.flush();
        queue.take(&mut Vec::new(), Some(Duration::ZERO));
        assert_eq!(bytes(), before, "something could not be written");
        let _told = queue.flush();
        assert_eq!(taken(&queue), "F");
        assert_eq!(bytes(), 0);
    }

    #[test]
    fn what_cannot_be_appended_is_not_sent_and_ends_the_slow_way() {
        let only_read = tempfile::NamedTempFile::new().unwrap();
        let queue = Queue::new(Log::new(File::open(only_read.path()).unwrap()));
        let refused = queue.intend(intended(1, 1)).unwrap_err();
        assert_eq!(refused.code, keeper::UNKEPT);
        assert!(queue.end(Box::new(ended(1, 1))).unwrap().is_some());
        assert_eq!(taken(&queue), "E");
    }

    #[test]
    fn intents_wait_while_the_log_is_full_and_ends_do_not() {
        let (file, looked_at) = file();
        let queue = Queue::new(Log::with_room(file, 1));
        let bytes = || looked_at.metadata().unwrap().len();
        assert!(queue.intend(intended(1, 1)).unwrap().is_none());
        let _told = queue.intend(intended(2, 1)).unwrap().expect("it waits");
        drop(queue.intend(intended(3, 1)).unwrap().expect("it waited"));
        assert!(queue.end(Box::new(ended(3, 1))).unwrap().is_none());
        assert_eq!(taken(&queue), "iIe", "whoever waits no more is before its end");
        assert_ne!(bytes(), 0);
        assert_eq!(taken(&queue), "I");
        assert_eq!(bytes(), 0);
        assert!(queue.intend(intended(4, 1)).unwrap().is_none(), "there is room again");
    }
}
