//! Standard output and standard error of a guest, as log lines.
//!
//! This is what keeps Python tracebacks, JavaScript stacks and Rust panics. Bounded like every log
//! line; a longer one becomes several, and of one without an end the rest is dropped.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::super::super::limits;
use super::super::super::log::{Level, Log};
use crate::secret::value::SECRET_BYTES_MAX;

/// Bytes of a line that are held; the rest of it is dropped. More than a line of the log may have, so
/// that a secret of any length is whole when it is looked for, also in hex, before the line is cut.
const LINE_BYTES: usize = limits::LOG_LINE_BYTES + 2 * SECRET_BYTES_MAX;
/// Bytes a guest may write at a time; what it asks the host to hold at once.
const WRITE_BYTES: usize = 64 << 10;

/// A stream whose lines go to the log. All handles of one stream share a line.
#[derive(Clone)]
pub(super) struct LogStream(Arc<Shared>);

struct Shared {
    log: Log,
    level: Level,
    line: Mutex<Vec<u8>>,
    /// Bytes written since they were last charged.
    moved: AtomicU64,
}

impl LogStream {
    pub(super) fn new(log: Log, level: Level) -> Self {
        let line = Mutex::new(Vec::new());
        Self(Arc::new(Shared { log, level, line, moved: AtomicU64::new(0) }))
    }

    /// Takes the bytes that were written since the last time.
    pub(super) fn take_moved_bytes(&self) -> u64 {
        self.0.moved.swap(0, Ordering::Relaxed)
    }

    /// Makes a line of what has no end yet.
    pub(super) fn end_line(&self) {
        let mut line = self.0.line.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.emit(&mut line);
    }

    fn push(&self, bytes: &[u8]) {
        self.0.moved.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let mut line = self.0.line.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_BYTES.saturating_sub(line.len()).min(piece.len());
            line.extend_from_slice(&piece[..room]);
            if piece.ends_with(b"\n") {
                self.0.emit(&mut line);
            }
        }
    }
}

impl Shared {
    fn emit(&self, line: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\n', '\r']);
        if !text.is_empty() {
            self.log.push_long(self.level, text);
        }
        line.clear();
    }
}

/// A last line without an end still counts.
impl Drop for Shared {
    fn drop(&mut self) {
        let mut line =
            std::mem::take(&mut *self.line.lock().unwrap_or_else(PoisonError::into_inner));
        self.emit(&mut line);
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        // The engine does not compare it with what `check_write` said.
        if bytes.len() > WRITE_BYTES {
            return Err(StreamError::Trap(wasmtime::Error::msg("more was written than may be")));
        }
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

impl Pollable for LogStream {
    fn ready<'a, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(std::future::ready(()))
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = &bytes[..bytes.len().min(WRITE_BYTES)];
        self.push(taken);
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::limits::Limits;

    fn lines(writes: &[&[u8]]) -> Vec<String> {
        let log = Log::new(&Limits::default(), crate::secret::leak::LeakScan::none());
        let stream = LogStream::new(log.clone(), Level::Error);
        writes.iter().for_each(|bytes| stream.push(bytes));
        drop(stream);
        log.take().0.into_iter().map(|line| line.message).collect()
    }

    #[test]
    fn pieces_become_lines_and_the_last_needs_no_end() {
        assert_eq!(lines(&[b"a", b"b\nc\r\n", b"\nd"]), ["ab", "c", "d"]);
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_is_not() {
        let endless = vec![b'x'; LINE_BYTES * 2 + 1];
        let lines = lines(&[&endless, b"\nnext\n"]);
        let (next, endless) = lines.split_last().unwrap();
        assert_eq!(next, "next");
        assert!(endless.iter().all(|line| line.len() <= limits::LOG_LINE_BYTES));
        assert_eq!(endless.iter().map(String::len).sum::<usize>(), LINE_BYTES);
    }

    #[test]
    fn bytes_that_are_not_text_are_shown_as_such() {
        assert_eq!(lines(&[b"\xff\n"]), ["\u{fffd}"]);
    }
}
