//! A stream of a file's bytes, counted.
//!
//! A stream keeps its file open when the descriptor is gone, so it counts as one; and what it reads
//! is charged to the call, which the engine's own streams know nothing of.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use wasmtime_wasi::p2::{DynInputStream, InputStream, Pollable, StreamResult};

/// A stream of a file.
pub(super) struct FileStream {
    inner: DynInputStream,
    streamed: Arc<AtomicU64>,
}

impl FileStream {
    /// `streamed` collects the bytes read; holding it is what counts the stream as open.
    pub(super) fn new(inner: DynInputStream, streamed: Arc<AtomicU64>) -> Self {
        Self { inner, streamed }
    }

    fn counted(&self, read: StreamResult<Bytes>) -> StreamResult<Bytes> {
        if let Ok(bytes) = &read {
            self.streamed.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        read
    }
}

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl InputStream for FileStream {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let read = self.inner.read(size);
        self.counted(read)
    }

    fn blocking_read<'a, 'b>(&'a mut self, size: usize) -> Later<'b, StreamResult<Bytes>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let read = self.inner.blocking_read(size).await;
            self.counted(read)
        })
    }

    fn skip(&mut self, bytes: usize) -> StreamResult<usize> {
        self.inner.skip(bytes)
    }

    fn blocking_skip<'a, 'b>(&'a mut self, bytes: usize) -> Later<'b, StreamResult<usize>>
    where
        'a: 'b,
        Self: 'b,
    {
        self.inner.blocking_skip(bytes)
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
