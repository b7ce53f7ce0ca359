//! The bytes of one connection, counted as they pass.
//!
//! ```text
//! hyper ←── Wire ←── TCP or TLS
//!             │
//!            Tap ──→ the budget of the exchange that is under way
//! ```
//!
//! Invariant: a byte is charged to one exchange before hyper sees it. When the [`Tap`] has noted a
//! fault, nothing is read any more, and the fault explains every error that follows.
//! Not here: what the bytes mean (hyper), and time (`exchange`, `body`).

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use hyper::rt::ReadBufCursor;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

use crate::egress::budget::ByteBudget;

/// Bytes of one read: one TLS record. hyper lends only memory that safe code cannot fill, so they
/// are copied once, which costs less than the system call.
const READ_BYTES: usize = 16 * 1024;

/// Bytes that may come before an answer's headers are complete. One head and what is read ahead
/// with it are far less; the rest is for interim answers, which would otherwise never end.
const BEFORE_ANSWER_BYTES_MAX: u64 = 512 * 1024;

/// Why the host itself stopped an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The budget has no more to receive.
    TooMuchIn,
    /// The budget has no more to send.
    TooMuchOut,
    /// Interim answers without end.
    NoAnswer,
}

/// What is known about the exchange on one connection.
#[derive(Debug, Default)]
pub(super) struct Tap(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// `None` between exchanges.
    budget: Option<Arc<ByteBudget>>,
    /// Received in this exchange.
    received_bytes: u64,
    is_answered: bool,
    is_sent: bool,
    fault: Option<Fault>,
    /// How many exchanges there were.
    exchanges: u64,
}

impl Tap {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic; if it did, the numbers are still numbers.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts an exchange, whose request is not sent yet.
    pub(super) fn begin(&self, budget: Arc<ByteBudget>) {
        let mut state = self.state();
        let exchanges = state.exchanges + 1;
        *state = State { budget: Some(budget), exchanges, ..State::default() };
    }

    /// Notes that the answer's headers are complete.
    pub(super) fn answered(&self) {
        self.state().is_answered = true;
    }

    /// Notes that the whole request was handed over.
    pub(super) fn sent(&self) {
        self.state().is_sent = true;
    }

    /// Ends the exchange: the connection is idle now.
    pub(super) fn end(&self) {
        self.state().budget = None;
    }

    /// Stops the exchange.
    pub(super) fn fail(&self, fault: Fault) {
        self.state().fault.get_or_insert(fault);
    }

    /// Returns why the exchange was stopped, if it was.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.state().fault
    }

    /// Tells whether the whole request was handed over.
    pub(super) fn is_sent(&self) -> bool {
        self.state().is_sent
    }

    /// Returns what was received in this exchange.
    pub(super) fn received_bytes(&self) -> u64 {
        self.state().received_bytes
    }

    /// Returns the number of the last exchange if none is under way.
    pub(super) fn idle_since_exchange(&self) -> Option<u64> {
        let state = self.state();
        state.budget.is_none().then_some(state.exchanges)
    }

    fn check(&self) -> io::Result<()> {
        let mut state = self.state();
        if !state.is_answered && state.received_bytes >= BEFORE_ANSWER_BYTES_MAX {
            state.fault.get_or_insert(Fault::NoAnswer);
        }
        stop(state.fault)
    }

    fn received(&self, bytes: usize) -> io::Result<()> {
        let mut state = self.state();
        let bytes = bytes as u64;
        state.received_bytes = state.received_bytes.saturating_add(bytes);
        if let Some(budget) = &state.budget
            && budget.take_received(bytes).is_err()
        {
            state.fault.get_or_insert(Fault::TooMuchIn);
        }
        stop(state.fault)
    }
}

fn stop(fault: Option<Fault>) -> io::Result<()> {
    match fault {
        None => Ok(()),
        // The text is never shown: whoever gets this error asks the tap.
        Some(_) => Err(io::Error::other("the exchange was stopped")),
    }
}

/// A connection as hyper wants it.
pub(super) struct Wire<T> {
    inner: T,
    tap: Arc<Tap>,
    buffer: Box<[u8]>,
}

impl<T> Wire<T> {
    pub(super) fn new(inner: T, tap: Arc<Tap>) -> Self {
        Self { inner, tap, buffer: vec![0; READ_BYTES].into() }
    }
}

impl<T: AsyncRead + Unpin> hyper::rt::Read for Wire<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.tap.check()?;
        let room = buf.remaining().min(this.buffer.len());
        let mut read = ReadBuf::new(&mut this.buffer[..room]);
        ready!(Pin::new(&mut this.inner).poll_read(cx, &mut read))?;
        this.tap.received(read.filled().len())?;
        buf.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> hyper::rt::Write for Wire<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bufs)
    }
}
