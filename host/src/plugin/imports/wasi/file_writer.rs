//! A stream of bytes into a file, held to the plugin's quota.
//!
//! ```text
//! write ─→ Writing: turn of the account ─→ measure ─→ grow ─→ write ─→ Ready
//!                                             └─ no room ─→ Failed ─→ Closed, once it was told
//! ```
//!
//! Writing over what is there costs nothing, only growth does. The file is measured for every write:
//! it may have been cut since the stream was made.
//!
//! Invariant: the file grows by no more than its account did.

use std::fs::File;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};

use super::super::super::written::Account;
use super::lease::Lease;

/// A stream into a file.
pub(super) struct FileWriter {
    file: Arc<File>,
    account: Arc<Account>,
    /// Where the next byte goes; none when it goes to the end, wherever that is.
    at: Option<u64>,
    lease: Lease,
    state: State,
}

enum State {
    Ready(DynOutputStream),
    Writing(AbortOnDropJoinHandle<(DynOutputStream, StreamResult<()>)>),
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

    fn end(&mut self, (inner, done): (DynOutputStream, StreamResult<()>)) {
        self.state = match done {
            Ok(()) => State::Ready(inner),
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

/// Writes in a turn of the account.
async fn write(
    mut inner: DynOutputStream,
    file: Arc<File>,
    account: Arc<Account>,
    at: Option<u64>,
    bytes: Bytes,
) -> (DynOutputStream, StreamResult<()>) {
    let _turn = account.turn().await;
    let (held, len) = (size(&file), bytes.len() as u64);
    let end = at.unwrap_or(held).saturating_add(len);
    let growth = end.saturating_sub(held);
    if account.grow(growth).is_err() {
        let full = std::io::Error::from(rustix::io::Errno::DQUOT);
        return (inner, Err(StreamError::LastOperationFailed(full.into())));
    }
    let mut done = inner.write(bytes);
    if done.is_ok() {
        inner.ready().await;
        // The stream tells a failure with the next question.
        done = inner.check_write().map(drop);
    }
    if done.is_err() {
        account.shrink(growth.saturating_sub(size(&file).saturating_sub(held)));
    }
    (inner, done)
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
            State::Ready(inner) => {
                let len = bytes.len() as u64;
                let (file, account) = (Arc::clone(&self.file), Arc::clone(&self.account));
                self.state = State::Writing(spawn(write(inner, file, account, self.at, bytes)));
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
