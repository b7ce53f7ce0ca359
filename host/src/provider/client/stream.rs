//! An answer while it comes over a connection.
//!
//! Invariant: it ends. Every wait has a time, the first and the last of which no ping prolongs; every
//! answer has a bound; after [`Chunk::Done`] or an error nothing more is read but the end of the body.
//! Dropping it closes the connection, or resets the stream of HTTP/2.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Sleep;

use super::fault::{self, Late};
use super::settings::Settings;
use super::veil::Veil;
use crate::chat::{Chunk, Class, Error};
use crate::provider::dialect::{Reader, cut, garbled};
use crate::provider::sse::{Event, Parser, SseError};

/// Time for the end of a body whose answer is at its end: the connection is used again if it comes.
const END_WAIT: Duration = Duration::from_millis(100);

/// Bytes after the end of an answer that are read for it.
const END_BYTES_MAX: usize = 64 << 10;

/// The times that run from the beginning of a request.
pub(super) struct Times {
    total: Pin<Box<Sleep>>,
    first_content: Pin<Box<Sleep>>,
    /// Begins anew with each read: one timer for all of them.
    between: Pin<Box<Sleep>>,
    pause: Duration,
}

/// An answer while it comes.
pub(super) struct Streaming {
    response: reqwest::Response,
    parser: Parser,
    reader: Box<dyn Reader>,
    veil: Veil,
    times: Times,
    bytes_left: usize,
    ready: VecDeque<Result<Chunk, Error>>,
    has_content: bool,
    is_over: bool,
    /// The rest of the body is nobody's any more.
    is_left: bool,
}

impl Times {
    /// Begins to count.
    pub(super) fn start(settings: &Settings, first_content: Duration) -> Self {
        Self {
            total: Box::pin(tokio::time::sleep(settings.total)),
            first_content: Box::pin(tokio::time::sleep(first_content)),
            between: Box::pin(tokio::time::sleep(settings.between)),
            pause: settings.between,
        }
    }
}

impl Streaming {
    pub(super) fn new(
        response: reqwest::Response,
        reader: Box<dyn Reader>,
        veil: Veil,
        times: Times,
        bytes_max: usize,
    ) -> Self {
        Self {
            response,
            parser: Parser::default(),
            reader,
            veil,
            times,
            bytes_left: bytes_max,
            ready: VecDeque::new(),
            has_content: false,
            is_over: false,
            is_left: false,
        }
    }

    /// Waits for the next piece; none at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            if self.is_over {
                self.await_end().await;
                return None;
            }
            if let Err(error) = self.read().await {
                (self.is_over, self.is_left) = (true, true);
                self.ready.push_back(Err(error));
            }
        }
    }

    /// Reads what comes next into `ready`.
    async fn read(&mut self) -> Result<(), Error> {
        let Times { total, first_content, between, pause } = &mut self.times;
        // What is not waited for costs no timer; it only says when the pause is over.
        between.as_mut().reset(tokio::time::sleep(*pause).deadline());
        let read = tokio::select! {
            // The times come first, or a stream that never pauses would never be late.
            biased;
            () = total => return Err(Late::Total.error()),
            () = first_content, if !self.has_content => return Err(Late::FirstContent.error()),
            read = self.response.chunk() => read,
            () = between => return Err(Late::Between.error()),
        };
        let bytes = match read {
            Err(error) => return Err(fault::of_reading(&error)),
            Ok(None) => return self.finish(),
            Ok(Some(bytes)) => bytes,
        };
        let left = self.bytes_left.checked_sub(bytes.len());
        self.bytes_left = left.ok_or_else(too_large)?;
        let mut events = Vec::new();
        let parsed = self.parser.push(&bytes, &mut events);
        for event in events {
            self.take(event)?;
        }
        if self.is_over { Ok(()) } else { parsed.map_err(unreadable) }
    }

    fn take(&mut self, mut event: Event) -> Result<(), Error> {
        if !self.is_over {
            self.veil.event(&mut event);
            let chunks = self.reader.event(&event)?;
            self.keep(chunks);
            self.has_content |= self.reader.is_speaking();
        }
        Ok(())
    }

    /// Keeps what is to be handed on, up to the end of the answer.
    fn keep(&mut self, chunks: Vec<Chunk>) {
        for chunk in chunks {
            self.has_content |= chunk.is_content();
            self.is_over |= matches!(chunk, Chunk::Done(_));
            self.ready.push_back(Ok(chunk));
            if self.is_over {
                break;
            }
        }
    }

    fn finish(&mut self) -> Result<(), Error> {
        if let Some(event) = self.parser.finish().map_err(unreadable)? {
            self.take(event)?;
        }
        if !self.is_over {
            let chunks = self.reader.end()?;
            self.keep(chunks);
        }
        if self.is_over { Ok(()) } else { Err(cut()) }
    }

    /// Reads the end of the body, once, so that the connection is used again.
    async fn await_end(&mut self) {
        if std::mem::replace(&mut self.is_left, true) {
            return;
        }
        let mut left = END_BYTES_MAX;
        let end = async {
            while let Ok(Some(more)) = self.response.chunk().await {
                left = left.saturating_sub(more.len());
                if left == 0 {
                    break;
                }
            }
        };
        // Late is as good as never: then another connection is made.
        drop(tokio::time::timeout(END_WAIT, end).await);
    }
}

fn unreadable(error: SseError) -> Error {
    garbled(&error.to_string())
}

/// Says that an answer is longer than anybody reads.
pub(super) fn too_large() -> Error {
    let why = "the answer is longer than is read";
    Error { may_cost: true, ..Error::new(Class::Transient, "too-large", why) }
}
