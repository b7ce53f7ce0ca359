//! The threads guests run on, with the timers and connections of guests; nothing else is served
//! there.
//!
//! A spinning guest holds its thread for up to one tick at a time. On threads of its own it can
//! delay other guests by that much, and a gateway request by nothing.
//!
//! What blocks has threads apart, of two kinds: what a guest can make wait for ever (files, names)
//! takes none from what every call may need at its beginning or end (data, secrets, accounts).

use std::future::Future;
use std::io;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinError;

/// Threads for files of guests and for look-ups of names, of which `egress` has at most half as many
/// in flight. A dead network mount can hold at most this many, a dead name server the other half.
const BLOCKING_THREADS: usize = 64;

/// Threads for what the host keeps itself: data, secrets, accounts. One writer writes at a time.
const KEEPING_THREADS: usize = 16;

/// A runtime of its own for guests.
#[derive(Clone)]
pub(super) struct Executor {
    handle: Handle,
    keeping: Handle,
    /// Shut down in the background with the last clone: a guest that waits in a file call must
    /// not hold up the end of the process.
    _runtimes: Arc<Owned>,
}

struct Owned(Vec<Runtime>);

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.drain(..).for_each(Runtime::shutdown_background);
    }
}

impl Executor {
    /// Starts one thread per core.
    ///
    /// # Errors
    ///
    /// When the operating system refuses threads.
    pub(super) fn new(threads: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("ax-guest")
            // By default timers and sockets are looked at every 61 polls; a guest's poll lasts a
            // whole tick, which made kills half a second late.
            .event_interval(1)
            // The same for what was woken from other threads, as by a file that was read: by default
            // it waits for as many polls.
            .global_queue_interval(2)
            .enable_time()
            .enable_io()
            .build()?;
        // Nothing is ever polled there: it is a pool of threads.
        let keeping = Builder::new_current_thread()
            .max_blocking_threads(KEEPING_THREADS)
            .thread_name("ax-keep")
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            keeping: keeping.handle().clone(),
            _runtimes: Arc::new(Owned(vec![runtime, keeping])),
        })
    }

    /// Returns what runs blocking work on data, secrets and accounts.
    pub(super) fn keeping(&self) -> Handle {
        self.keeping.clone()
    }

    /// Returns what spawns on these threads.
    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs a future on the guest threads. When the returned future is dropped it goes on there, so
    /// that it can record its own end: it must learn by other means that nobody waits.
    ///
    /// # Errors
    ///
    /// When the task panicked, which is a defect of the host.
    pub(super) async fn run<F>(&self, future: F) -> Result<F::Output, JoinError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        #[expect(clippy::disallowed_methods, reason = "awaited here; it ends by itself if dropped")]
        let task = self.handle.spawn(future);
        task.await
    }

    /// Runs a future on the guest threads and waits for it on this one.
    ///
    /// # Panics
    ///
    /// When called from a thread of a runtime.
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }
}
