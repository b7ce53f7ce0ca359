//! A stream of bytes into a file, held to the plugin's quota.
//!
//! Where the stream stands and how long the file is are followed here, so that writing over what is
//! there costs nothing and only growth does. Two streams into one file each count their own growth:
//! too much rather than too little.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};

use super::super::super::written::Account;

/// A stream into a file.
pub(super) struct FileWriter {
    inner: DynOutputStream,
    account: Arc<Account>,
    /// Where the next byte goes; none when it goes to the end, wherever that is.
    at: Option<u64>,
    file_bytes: u64,
    streamed: Arc<AtomicU64>,
}

impl FileWriter {
    /// `streamed` collects the bytes written; holding it is what counts the stream as open.
    pub(super) fn new(
        inner: DynOutputStream,
        account: Arc<Account>,
        at: Option<u64>,
        file_bytes: u64,
        streamed: Arc<AtomicU64>,
    ) -> Self {
        Self { inner, account, at, file_bytes, streamed }
    }

    fn take(&mut self, bytes: u64) -> StreamResult<()> {
        let growth = match self.at {
            None => bytes,
            Some(at) => at.saturating_add(bytes).saturating_sub(self.file_bytes),
        };
        self.account.grow(growth).map_err(|_| {
            let full = std::io::Error::from(rustix::io::Errno::DQUOT);
            StreamError::LastOperationFailed(full.into())
        })?;
        self.file_bytes = self.file_bytes.saturating_add(growth);
        self.at = self.at.map(|at| at.saturating_add(bytes));
        self.streamed.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl OutputStream for FileWriter {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(bytes.len() as u64)?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }

    fn cancel<'a, 'b>(&'a mut self) -> Later<'b, ()>
    where
        'a: 'b,
        Self: 'b,
    {
        self.inner.cancel()
    }
}

impl Pollable for FileWriter {
    fn ready<'a, 'b>(&'a mut self) -> Later<'b, ()>
    where
        'a: 'b,
        Self: 'b,
    {
        self.inner.ready()
    }
}
