//! A stream of a file's bytes, counted.
//!
//! A stream keeps its file open when the descriptor is gone, so it counts as one; what it reads or
//! skips is charged to the call, and it ends with the call: the engine's own streams know nothing of
//! either.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use wasmtime_wasi::p2::{DynInputStream, InputStream, Pollable, StreamResult};

use super::lease::Lease;

/// A stream of a file.
pub(super) struct FileStream {
    inner: DynInputStream,
    lease: Lease,
}

impl FileStream {
    pub(super) fn new(inner: DynInputStream, lease: Lease) -> Self {
        Self { inner, lease }
    }

    fn counted(&self, read: StreamResult<Bytes>) -> StreamResult<Bytes> {
        if let Ok(bytes) = &read {
            self.lease.note(bytes.len() as u64);
        }
        read
    }

    /// What is skipped was read too.
    fn counted_skip(&self, skipped: StreamResult<usize>) -> StreamResult<usize> {
        if let Ok(bytes) = &skipped {
            self.lease.note(*bytes as u64);
        }
        skipped
    }
}

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl InputStream for FileStream {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.lease.check()?;
        let read = self.inner.read(size);
        self.counted(read)
    }

    fn blocking_read<'a, 'b>(&'a mut self, size: usize) -> Later<'b, StreamResult<Bytes>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            self.lease.check()?;
            let read = self.inner.blocking_read(size).await;
            self.counted(read)
        })
    }

    fn skip(&mut self, bytes: usize) -> StreamResult<usize> {
        self.lease.check()?;
        let skipped = self.inner.skip(bytes);
        self.counted_skip(skipped)
    }

    fn blocking_skip<'a, 'b>(&'a mut self, bytes: usize) -> Later<'b, StreamResult<usize>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            self.lease.check()?;
            let skipped = self.inner.blocking_skip(bytes).await;
            self.counted_skip(skipped)
        })
    }

    fn cancel<'a, 'b>(&'a mut self) -> Later<'b, ()>
    where
        'a: 'b,
        Self: 'b,
    {
        self.inner.cancel()
    }
}

impl Pollable for FileStream {
    fn ready<'a, 'b>(&'a mut self) -> Later<'b, ()>
    where
        'a: 'b,
        Self: 'b,
    {
        self.inner.ready()
    }
}
