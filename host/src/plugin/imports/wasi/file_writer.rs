//! A stream of bytes into a file, held to the plugin's quota.
//!
//! ```text
//! write ─→ Writing: turn of the account ─→ measure ─→ grow ─→ write ─→ Ready
//!                          │                  └─ no room ─→ Failed ─→ Closed, once it was told
//!                          └─ the call is over ─→ Failed
//! ```
//!
//! Writing over what is there costs nothing, only growth does. The file is measured for every write:
//! it may have been cut since the stream was made.
//!
//! Invariant: the file grows by no more than its account did, and not after the end of the call. A
//! turn ends with the write that was begun in it, even if nobody waits for that any more.

use std::fs::File;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};

use super::super::super::written::{Account, Turn};
use super::lease::{Lease, Term};

/// A stream into a file.
pub(super) struct FileWriter {
    file: Arc<File>,
    account: Arc<Account>,
    /// Where the next byte goes; none when it goes to the end, wherever that is.
    at: Option<u64>,
    lease: Lease,
    state: State,
}

/// The stream that can go on, or why it cannot.
type Written = StreamResult<DynOutputStream>;

/// Says to a guest that its quota is used up ([`super::files`] gives it its code).
#[derive(Debug, thiserror::Error)]
#[error("the quota of the folder is used up")]
pub(super) struct QuotaUsedUp;

enum State {
    Ready(DynOutputStream),
    Writing(AbortOnDropJoinHandle<Written>),
    Failed(StreamError),
    Closed,
}

impl FileWriter {
    /// `inner` writes into `file`, from `at` on.
    pub(super) fn new(
        inner: DynOutputStream,
        file: Arc<File>,
        account: Arc<Account>,
        at: Option<u64>,
        lease: Lease,
    ) -> Self {
        Self { file, account, at, lease, state: State::Ready(inner) }
    }

    fn end(&mut self, written: Written) {
        self.state = match written {
            Ok(inner) => State::Ready(inner),
            Err(error) => State::Failed(error),
        };
    }

    /// Tells a failure once; the stream is closed then.
    fn failure(&mut self) -> StreamResult<()> {
        match mem::replace(&mut self.state, State::Closed) {
            State::Failed(error) => Err(error),
            State::Closed => Err(StreamError::Closed),
            going_on => {
                self.state = going_on;
                Ok(())
            }
        }
    }
}

/// One write.
struct Write {
    inner: DynOutputStream,
    file: Arc<File>,
    account: Arc<Account>,
    at: Option<u64>,
    term: Arc<Term>,
    bytes: Bytes,
}

impl Write {
    /// Waits for a turn of the account and writes in it.
    async fn in_turn(self) -> Written {
        let turn = self.account.turn().await;
        #[expect(clippy::disallowed_methods, reason = "one for each turn; it ends with its write")]
        let begun = tokio::task::spawn(self.perform(turn));
        begun.await.unwrap_or_else(|lost| Err(StreamError::LastOperationFailed(lost.into())))
    }

    async fn perform(mut self, _turn: Turn) -> Written {
        self.term.check()?;
        let (held, len) = (size(&self.file), self.bytes.len() as u64);
        let end = self.at.unwrap_or(held).saturating_add(len);
        let growth = end.saturating_sub(held);
        if self.account.grow(growth).is_err() {
            self.term.note_full();
            return Err(StreamError::LastOperationFailed(QuotaUsedUp.into()));
        }
        let mut done = self.inner.write(self.bytes);
        if done.is_ok() {
            self.inner.ready().await;
            // The stream tells a failure with the next question.
            done = self.inner.check_write().map(drop);
        }
        if done.is_err() {
            self.account.shrink(growth.saturating_sub(size(&self.file).saturating_sub(held)));
        }
        done.map(|()| self.inner)
    }
}

/// Returns the length of an open file.
fn size(file: &File) -> u64 {
    rustix::fs::fstat(file).ok().and_then(|stat| u64::try_from(stat.st_size).ok()).unwrap_or(0)
}

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl OutputStream for FileWriter {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.lease.check()?;
        self.failure()?;
        match mem::replace(&mut self.state, State::Closed) {
            State::Ready(mut inner) => {
                // The engine does not compare it with what `check_write` said.
                if bytes.len() > inner.check_write()? {
                    return Err(StreamError::Trap(wasmtime::Error::msg(
                        "more was written than may be",
                    )));
                }
                let len = bytes.len() as u64;
                let (file, account) = (Arc::clone(&self.file), Arc::clone(&self.account));
                let (at, term) = (self.at, Arc::clone(self.lease.term()));
                let write = Write { inner, file, account, at, term, bytes };
                self.state = State::Writing(spawn(write.in_turn()));
                self.at = self.at.map(|at| at.saturating_add(len));
                self.lease.note(len);
                Ok(())
            }
            pending => {
                self.state = pending;
                Err(StreamError::Trap(wasmtime::Error::msg("a write is pending")))
            }
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.failure()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.lease.check()?;
        self.failure()?;
        match &mut self.state {
            State::Ready(inner) => inner.check_write(),
            State::Writing(_) | State::Failed(_) | State::Closed => Ok(0),
        }
    }

    /// Waits for what was begun: an answer that was given is kept.
    fn cancel<'a, 'b>(&'a mut self) -> Later<'b, ()>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            self.ready().await;
            self.state = State::Closed;
        })
    }
}

impl Pollable for FileWriter {
    fn ready<'a, 'b>(&'a mut self) -> Later<'b, ()>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            if let State::Writing(writing) = &mut self.state {
                let ended = writing.await;
                self.end(ended);
            }
        })
    }
}
