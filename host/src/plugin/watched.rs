//! Bodies on their way: those of requests counted, those of answers scanned and counted.
//!
//! Invariant: no byte of an answer gets to a guest before the scan let it through, and nothing
//! follows a failure.
//! Not here: how a body is written, read and decoded (`egress`).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;

use super::outbox::{Passage, Sent, SentEnd};
use super::send::{SendError, end_of};
use crate::egress::error::EgressError;
use crate::egress::{AnswerBody, BodyError, OutgoingBody};
use crate::secret::leak::{LeakScan, LeakStream};

/// Counts the body of a request: at once, or as it goes.
pub(super) fn posted(body: OutgoingBody, sent: Arc<Sent>, passage: Arc<Passage>) -> OutgoingBody {
    match body {
        OutgoingBody::Bytes(bytes) => {
            count(bytes.len() as u64, &sent.bytes_out, &passage);
            OutgoingBody::Bytes(bytes)
        }
        OutgoingBody::Stream(inner) => {
            OutgoingBody::Stream(UnsyncBoxBody::new(Posted { inner, sent, passage }))
        }
    }
}

fn count(bytes: u64, of_request: &AtomicU64, of_call: &Passage) {
    of_request.fetch_add(bytes, Ordering::Relaxed);
    of_call.count(bytes);
}

/// The call ended while the body of a request was open.
#[derive(Debug, thiserror::Error)]
#[error("the call ended before the body did")]
struct CallEnded;

/// The body of a request, counted as it goes.
struct Posted {
    inner: UnsyncBoxBody<Bytes, BodyError>,
    sent: Arc<Sent>,
    passage: Arc<Passage>,
}

impl Body for Posted {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            count(data.len() as u64, &self.sent.bytes_out, &self.passage);
        }
        // A writer that is torn down with its guest leaves an end that looks like any other.
        if frame.is_none() && self.passage.is_closed() {
            return Poll::Ready(Some(Err(CallEnded.into())));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The body of an answer, scanned as it comes. Trailers are dropped: they would come after the scan.
pub(super) struct Watched {
    inner: AnswerBody,
    /// None when the call may use no secret.
    scan: Option<LeakStream>,
    sent: Arc<Sent>,
    passage: Arc<Passage>,
    is_done: bool,
}

impl Watched {
    pub(super) fn new(
        inner: AnswerBody,
        scan: &LeakScan,
        sent: Arc<Sent>,
        passage: Arc<Passage>,
    ) -> Self {
        let scan = (!scan.is_empty()).then(|| scan.stream());
        Self { inner, scan, sent, passage, is_done: false }
    }

    /// Reads the whole body, at most `bytes_max`.
    pub(super) async fn collect(mut self, bytes_max: u64) -> Result<Bytes, SendError> {
        let mut whole = BytesMut::new();
        while let Some(frame) = self.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if (whole.len() + data.len()) as u64 > bytes_max {
                let error = EgressError::BodyTooLarge {
                    host: self.inner.host().to_owned(),
                    max: bytes_max,
                };
                self.sent.ended(end_of(&error));
                return Err(error.into());
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    /// Lets bytes through the scan; at the end, what it held back.
    fn let_through(&mut self, chunk: Option<Bytes>) -> Result<Bytes, SendError> {
        let Some(scan) = &mut self.scan else { return Ok(chunk.unwrap_or_default()) };
        let passed = match chunk {
            Some(chunk) => scan.push(chunk),
            None => scan.finish(),
        };
        passed.map_err(|leak| {
            self.sent.ended(SentEnd::Leaked(Arc::clone(&leak.secret)));
            SendError::Leak { secret: leak.secret }
        })
    }

    /// Reads the next piece; none at the end, of which the scan is told.
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, SendError>> {
        loop {
            match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                None => return Poll::Ready(Ok(None)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Ok(Some(data)));
                    }
                }
                Some(Err(error)) => {
                    self.sent.ended(end_of(&error));
                    return Poll::Ready(Err(error.into()));
                }
            }
        }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let this = &mut *self;
        while !this.is_done {
            let chunk = ready!(this.poll_chunk(context));
            this.is_done = !matches!(chunk, Ok(Some(_)));
            let passed = match chunk.and_then(|chunk| this.let_through(chunk)) {
                Ok(passed) => passed,
                Err(error) => {
                    this.is_done = true;
                    return Poll::Ready(Some(Err(error)));
                }
            };
            if !passed.is_empty() {
                count(passed.len() as u64, &this.sent.bytes_in, &this.passage);
                return Poll::Ready(Some(Ok(Frame::data(passed))));
            }
        }
        Poll::Ready(None)
    }
}
