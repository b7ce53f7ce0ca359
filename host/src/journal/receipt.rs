//! What whoever writes holds until it is on record.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::error::JournalError;

/// Comes true when it is on record, or says why it never will be. Letting go of it changes nothing.
#[derive(Debug)]
#[must_use = "it may fail"]
pub struct Receipt<T>(oneshot::Receiver<Result<T, JournalError>>);

/// The other end.
#[derive(Debug)]
pub(super) struct Told<T>(oneshot::Sender<Result<T, JournalError>>);

impl<T> Receipt<T> {
    pub(super) fn new() -> (Told<T>, Self) {
        let (sender, receiver) = oneshot::channel();
        (Told(sender), Self(receiver))
    }

    /// One that is known at once.
    pub(super) fn of(result: Result<T, JournalError>) -> Self {
        let (told, receipt) = Self::new();
        told.tell(result);
        receipt
    }

    /// Waits on this thread.
    ///
    /// # Errors
    ///
    /// It is not on record.
    ///
    /// # Panics
    ///
    /// On a thread that runs futures.
    pub fn wait(self) -> Result<T, JournalError> {
        self.0.blocking_recv().unwrap_or(Err(JournalError::Closed))
    }
}

impl<T> Future for Receipt<T> {
    type Output = Result<T, JournalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|told| told.unwrap_or(Err(JournalError::Closed)))
    }
}

impl<T> Told<T> {
    /// Tells. Whoever waited may have gone.
    pub(super) fn tell(self, result: Result<T, JournalError>) {
        self.0.send(result).ok();
    }
}
