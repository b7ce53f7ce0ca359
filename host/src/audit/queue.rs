//! The bounded queue between those who record and the writer's thread, and what they wait for.
//!
//! ```text
//! record ──► queue (bounded) ──► writer: [linger] take all, one transaction, report
//!   ▲ waits when full                         │
//!   └──────────── progress ◄──────────────────┘
//! ```
//!
//! Each entry gets a *ticket*, counting from one. Waiting for durability is waiting until `synced`
//! reaches the ticket; nothing else is shared.
//!
//! Invariant: an entry is in the queue, with the writer, or in the database, or the log has failed;
//! and a log that has failed refuses everything after.
//!
//! Not here: what the writer does with a batch (`writer`), and the handle that callers hold
//! (`audit::Audit`).

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Notify;

use crate::audit::error::AuditError;
use crate::audit::store::Stamped;

/// Entries that may wait for the writer; as many again may be with it. At half a KiB each that is
/// 8 MiB, and 40 ms of writing.
pub(super) const QUEUE_ENTRIES_MAX: usize = 8_192;

/// How long the writer gathers entries after the first, so that a burst is one transaction. What
/// `kill -9` can lose of records that were not asked to be durable.
const LINGER: Duration = Duration::from_millis(5);

/// How long rows may stay unsigned when nothing else happens.
const UNSIGNED_MAX: Duration = Duration::from_secs(1);

/// Rows after which a checkpoint is due: some 2 MiB of log, a few milliseconds of signing and
/// syncing.
pub(super) const CHECKPOINT_ROWS: i64 = 10_000;

/// The times and bounds of one writer; tests choose others than [`Pace::NORMAL`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) queue_entries_max: usize,
    pub(super) linger: Duration,
    pub(super) unsigned_max: Duration,
    pub(super) checkpoint_rows: i64,
}

impl Pace {
    pub(super) const NORMAL: Self = Self {
        queue_entries_max: QUEUE_ENTRIES_MAX,
        linger: LINGER,
        unsigned_max: UNSIGNED_MAX,
        checkpoint_rows: CHECKPOINT_ROWS,
    };
}

/// What a caller waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    /// It is in the queue.
    Queued,
    /// It is on disk.
    Synced,
    /// It is on disk and covered by a checkpoint.
    Signed,
}

/// What became of a push.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would cost each full queue an allocation")]
pub(super) enum Pushed {
    /// It is in the queue under this ticket.
    Ticket(u64),
    /// The queue is full; here it is again.
    Full(Stamped),
}

/// What handles and writer share.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Wakes the writer.
    work: Condvar,
    /// Wakes threads that wait for room or for a promise.
    progress: Condvar,
    /// Wakes tasks that wait for the same.
    progress_async: Notify,
    pub(super) pace: Pace,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Stamped>,
    pushed: u64,
    synced: u64,
    signed: u64,
    want_synced: u64,
    want_signed: u64,
    /// The writer waits without a time limit and must be woken by the first entry.
    writer_sleeps: bool,
    is_closing: bool,
    failure: Option<Arc<AuditError>>,
}

impl State {
    fn is_urgent(&self) -> bool {
        self.is_closing || self.want_synced > self.synced || self.want_signed > self.signed
    }

    fn refusal(&self) -> Option<AuditError> {
        self.failure.as_ref().map(|source| AuditError::Stopped { source: Arc::clone(source) })
    }
}

impl Queue {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            state: Mutex::new(State::default()),
            work: Condvar::new(),
            progress: Condvar::new(),
            progress_async: Notify::new(),
            pace,
        }
    }

    /// A panic elsewhere leaves the counters consistent, since each is set in one assignment.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `entry` into the queue if there is room.
    pub(super) fn push(&self, entry: Stamped, promise: Promise) -> Result<Pushed, AuditError> {
        let mut state = self.state();
        if let Some(refusal) = state.refusal() {
            return Err(refusal);
        }
        if state.is_closing {
            return Err(AuditError::Closed);
        }
        if state.entries.len() >= self.pace.queue_entries_max {
            return Ok(Pushed::Full(entry));
        }
        state.entries.push(entry);
        state.pushed += 1;
        let ticket = state.pushed;
        let is_wanted = self.want(&mut state, ticket, promise);
        let is_crowded = state.entries.len() == self.pace.queue_entries_max.div_ceil(2);
        let must_wake = is_wanted || is_crowded || state.writer_sleeps;
        // One wake-up is enough; those that follow would cost a system call each.
        state.writer_sleeps = false;
        drop(state);
        if must_wake {
            self.work.notify_one();
        }
        Ok(Pushed::Ticket(ticket))
    }

    /// Asks for `promise` on everything pushed so far and returns the newest ticket.
    pub(super) fn ask(&self, promise: Promise) -> u64 {
        let mut state = self.state();
        let ticket = state.pushed;
        if self.want(&mut state, ticket, promise) {
            self.work.notify_one();
        }
        ticket
    }

    fn want(&self, state: &mut State, ticket: u64, promise: Promise) -> bool {
        match promise {
            Promise::Queued => false,
            Promise::Synced => {
                state.want_synced = state.want_synced.max(ticket);
                true
            }
            Promise::Signed => {
                state.want_signed = state.want_signed.max(ticket);
                true
            }
        }
    }

    /// Whether `promise` is kept for `ticket`.
    fn kept(state: &State, ticket: u64, promise: Promise) -> Result<bool, AuditError> {
        let is_kept = match promise {
            Promise::Queued => true,
            Promise::Synced => state.synced >= ticket,
            Promise::Signed => state.signed >= ticket,
        };
        match state.refusal() {
            Some(refusal) if !is_kept => Err(refusal),
            Some(_) | None => Ok(is_kept),
        }
    }

    /// Waits until `promise` is kept for `ticket`.
    pub(super) async fn wait(&self, ticket: u64, promise: Promise) -> Result<(), AuditError> {
        loop {
            // Made before looking, so that progress made in between is not missed.
            let progress = self.progress_async.notified();
            if Self::kept(&self.state(), ticket, promise)? {
                return Ok(());
            }
            progress.await;
        }
    }

    /// Blocking twin of [`Self::wait`].
    pub(super) fn wait_blocking(&self, ticket: u64, promise: Promise) -> Result<(), AuditError> {
        let mut state = self.state();
        while !Self::kept(&state, ticket, promise)? {
            state = self.progress.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Pushes `entry`, waiting for room; returns its ticket. Dropped early, it pushes nothing.
    pub(super) async fn admit(
        &self,
        mut entry: Stamped,
        promise: Promise,
    ) -> Result<u64, AuditError> {
        loop {
            let progress = self.progress_async.notified();
            match self.push(entry, promise)? {
                Pushed::Ticket(ticket) => return Ok(ticket),
                Pushed::Full(back) => entry = back,
            }
            progress.await;
        }
    }

    /// Blocking twin of [`Self::admit`].
    pub(super) fn admit_blocking(
        &self,
        mut entry: Stamped,
        promise: Promise,
    ) -> Result<u64, AuditError> {
        loop {
            match self.push(entry, promise)? {
                Pushed::Ticket(ticket) => return Ok(ticket),
                Pushed::Full(back) => entry = back,
            }
            let mut state = self.state();
            while state.entries.len() >= self.pace.queue_entries_max && state.failure.is_none() {
                state = self.progress.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Lets the writer finish; nothing is accepted any more.
    pub(super) fn close(&self) {
        self.state().is_closing = true;
        self.work.notify_one();
    }

    /// Why the writer stopped, if it failed.
    pub(super) fn failure(&self) -> Result<(), AuditError> {
        self.state().refusal().map_or(Ok(()), Err)
    }

    /// Refuses everything from now on because of `error`.
    pub(super) fn fail(&self, error: AuditError) {
        let mut state = self.state();
        state.failure.get_or_insert_with(|| Arc::new(error));
        state.entries = Vec::new();
        drop(state);
        self.announce();
    }

    fn announce(&self) {
        self.progress.notify_all();
        self.progress_async.notify_waiters();
    }

    /// Waits for something to do and moves all waiting entries into `batch`, which is empty.
    pub(super) fn take(&self, batch: &mut Vec<Stamped>, has_unsigned: bool) -> Order {
        let mut state = self.state();
        let mut is_idle = false;
        while state.entries.is_empty() && !state.is_urgent() && !is_idle {
            state.writer_sleeps = true;
            (state, is_idle) = if has_unsigned {
                let (state, timeout) = self
                    .work
                    .wait_timeout(state, self.pace.unsigned_max)
                    .unwrap_or_else(PoisonError::into_inner);
                (state, timeout.timed_out())
            } else {
                (self.work.wait(state).unwrap_or_else(PoisonError::into_inner), false)
            };
            state.writer_sleeps = false;
        }
        let is_burst = state.entries.len() >= self.pace.queue_entries_max.div_ceil(2);
        if !state.entries.is_empty() && !state.is_urgent() && !is_burst {
            // Waking early does no harm: the batch is only smaller.
            (state, _) = self
                .work
                .wait_timeout(state, self.pace.linger)
                .unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut state.entries, batch);
        let order = Order {
            newest: state.pushed,
            sync: state.want_synced > state.synced,
            // Without rows there is no commit to sync, but a checkpoint syncs what came before.
            sign: is_idle
                || state.is_closing
                || state.want_signed > state.signed
                || (batch.is_empty() && state.want_synced > state.synced),
            is_last: state.is_closing,
        };
        drop(state);
        // There is room now, even before the batch is written.
        self.announce();
        order
    }

    /// Tells those who wait that everything up to ticket `newest` is written.
    pub(super) fn report(&self, newest: u64, is_synced: bool, is_signed: bool) {
        let mut state = self.state();
        if is_synced {
            state.synced = newest;
        }
        if is_signed {
            state.signed = newest;
        }
        drop(state);
        self.announce();
    }
}

/// What the writer shall do with a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// The newest ticket in the batch or before it.
    pub(super) newest: u64,
    /// Someone waits until it is on disk.
    pub(super) sync: bool,
    /// A checkpoint is due.
    pub(super) sign: bool,
    /// Nothing follows.
    pub(super) is_last: bool,
}
