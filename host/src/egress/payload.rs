//! The body of a request, on its way out.
//!
//! Invariant: a stream sends exactly what was promised or nothing that looks complete; each piece
//! is taken from the budget before it is passed on.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::combinators::UnsyncBoxBody;

use crate::egress::budget::ByteBudget;
use crate::egress::headers::Framing;
use crate::egress::wire::Fault;
use crate::egress::wire::Tap;

/// What a stream may fail with.
pub type BodyError = Box<dyn Error + Send + Sync>;

/// The body of a request.
pub enum OutgoingBody {
    /// Bytes at hand; they can be sent again. Empty is no body.
    Bytes(Bytes),
    /// Bytes to come, once. Trailers are dropped.
    Stream(UnsyncBoxBody<Bytes, BodyError>),
}

impl OutgoingBody {
    /// Returns how many bytes it has, if that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Stream(stream) if stream.is_end_stream() => Some(0),
            Self::Stream(stream) => stream.size_hint().exact(),
        }
    }
}

impl fmt::Debug for OutgoingBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// Why a stream was not sent to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum PayloadError {
    #[error("the call may not send more")]
    Spent,
    #[error("{given} bytes came where {promised} were promised")]
    Length { promised: u64, given: u64 },
    #[error("the stream failed")]
    Stream(#[source] BodyError),
}

/// A body with its promise and its budget.
pub(super) struct Payload {
    source: Source,
    tap: Option<Arc<Tap>>,
}

enum Source {
    Done,
    Bytes(Bytes),
    Stream(Stream),
}

struct Stream {
    body: UnsyncBoxBody<Bytes, BodyError>,
    framing: Framing,
    given: u64,
    budget: Arc<ByteBudget>,
}

impl Payload {
    pub(super) fn new(body: OutgoingBody, framing: Framing, budget: &Arc<ByteBudget>) -> Self {
        let source = match (body, framing) {
            (_, Framing::Empty | Framing::Length(0)) => Source::Done,
            (OutgoingBody::Bytes(bytes), _) => Source::Bytes(bytes),
            (OutgoingBody::Stream(body), framing) => {
                Source::Stream(Stream { body, framing, given: 0, budget: Arc::clone(budget) })
            }
        };
        Self { source, tap: None }
    }

    /// Says which connection it goes out on.
    pub(super) fn attach(&mut self, tap: &Arc<Tap>) {
        if matches!(self.source, Source::Done) {
            tap.sent();
        }
        self.tap = Some(Arc::clone(tap));
    }

    /// Returns a second one to send, if that is possible. Asked before the first one is sent.
    pub(super) fn again(&self) -> Option<Self> {
        let source = match &self.source {
            Source::Done => Source::Done,
            Source::Bytes(bytes) => Source::Bytes(bytes.clone()),
            Source::Stream(_) => return None,
        };
        Some(Self { source, tap: None })
    }

    fn finish(&mut self) {
        self.source = Source::Done;
        if let Some(tap) = &self.tap {
            tap.sent();
        }
    }

    fn fail(&self, fault: Fault) {
        if let Some(tap) = &self.tap {
            tap.fail(fault);
        }
    }
}

impl Stream {
    /// Takes one piece from the budget and from the promise.
    fn account(&mut self, bytes: u64) -> Result<(), PayloadError> {
        self.given = self.given.saturating_add(bytes);
        let on_the_wire = match self.framing {
            Framing::Chunked => bytes.saturating_add(chunk_overhead(bytes)),
            Framing::Length(promised) if self.given > promised => {
                return Err(PayloadError::Length { promised, given: self.given });
            }
            Framing::Length(_) | Framing::Empty => bytes,
        };
        self.budget.take_sent(on_the_wire).map_err(|_| PayloadError::Spent)
    }

    fn check_end(&self) -> Result<(), PayloadError> {
        match self.framing {
            Framing::Length(promised) if self.given != promised => {
                Err(PayloadError::Length { promised, given: self.given })
            }
            Framing::Length(_) | Framing::Empty | Framing::Chunked => Ok(()),
        }
    }
}

/// Returns the bytes around a chunk: its length in hexadecimal digits and two line ends.
fn chunk_overhead(bytes: u64) -> u64 {
    u64::from(bytes.max(1).ilog2() / 4 + 1) + 4
}

impl Body for Payload {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        let this = self.get_mut();
        let stream = match &mut this.source {
            Source::Done => return Poll::Ready(None),
            Source::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                this.finish();
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            Source::Stream(stream) => stream,
        };
        loop {
            let accounted = match ready!(Pin::new(&mut stream.body).poll_frame(cx)) {
                None => match stream.check_end() {
                    Ok(()) => {
                        this.finish();
                        return Poll::Ready(None);
                    }
                    Err(error) => Err(error),
                },
                Some(Err(error)) => Err(PayloadError::Stream(error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => continue,
                    Ok(data) => stream.account(data.len() as u64).map(|()| data),
                    Err(_trailers) => continue,
                },
            };
            if matches!(accounted, Err(PayloadError::Spent)) {
                this.fail(Fault::TooMuchOut);
            }
            return Poll::Ready(Some(accounted.map(Frame::data)));
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Done)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Done => SizeHint::with_exact(0),
            Source::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Stream(stream) => match stream.framing {
                Framing::Length(promised) => {
                    SizeHint::with_exact(promised.saturating_sub(stream.given))
                }
                Framing::Empty | Framing::Chunked => SizeHint::default(),
            },
        }
    }
}
