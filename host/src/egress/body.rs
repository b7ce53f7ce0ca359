//! The body of an answer, as its reader gets it: decoded, bounded in bytes and in time.
//!
//! Invariant: it ends without an error only when the whole answer was received and decoded.
//! After an error it has ended. Its connection is kept only after the whole answer and the whole
//! request have passed; dropped before, it is closed.
//!
//! Where the protocol cannot tell (an answer in the clear that ends with its connection and says
//! no length) a cut is an end; `gzip` and TLS tell even then.

use std::fmt;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::Sleep;

use crate::egress::blame::blame;
use crate::egress::budget::ByteBudget;
use crate::egress::decode::Decoder;
use crate::egress::error::EgressError;
use crate::egress::error::Phase;
use crate::egress::idle::Idle;
use crate::egress::link::Link;

/// Bytes that are set aside for a body whose length was only promised.
const PROMISED_BYTES_MAX: u64 = 64 * 1024;

/// The body of an answer.
pub struct AnswerBody {
    incoming: Incoming,
    host: String,
    decoding: Option<Decoding>,
    between_bytes: Duration,
    /// Runs while the server is waited for.
    waiting: Option<Pin<Box<Sleep>>>,
    is_done: bool,
    /// Until the answer is complete.
    link: Option<Link>,
    idle: Arc<Idle>,
}

/// What the exchange knows when the headers of an answer are complete.
pub(super) struct Opened {
    pub(super) incoming: Incoming,
    pub(super) link: Link,
    pub(super) idle: Arc<Idle>,
    pub(super) host: String,
    pub(super) between_bytes: Duration,
}

/// How a body is decoded.
pub(super) struct Decoding {
    pub(super) decoder: Decoder,
    pub(super) budget: Arc<ByteBudget>,
    /// Whether the server said where the body ends; then no bytes at all are an empty body.
    pub(super) is_framed: bool,
    input: Bytes,
    input_bytes: u64,
    output_bytes: u64,
    /// What decoding added to the bytes received, as far as it is charged.
    charged_bytes: u64,
}

impl Decoding {
    pub(super) fn new(decoder: Decoder, budget: Arc<ByteBudget>, is_framed: bool) -> Self {
        Self {
            decoder,
            budget,
            is_framed,
            input: Bytes::new(),
            input_bytes: 0,
            output_bytes: 0,
            charged_bytes: 0,
        }
    }

    fn feed(&mut self, input: Bytes) {
        self.input_bytes += input.len() as u64;
        self.input = input;
    }

    /// Returns the next piece, which is not empty, if the input so far yields one.
    fn next(&mut self, host: &str) -> Result<Option<Bytes>, EgressError> {
        while !self.input.is_empty() || self.decoder.has_more() {
            let output = self.decoder.step(&mut self.input);
            let output = self.charge(output, host)?;
            if !output.is_empty() {
                return Ok(Some(output));
            }
        }
        Ok(None)
    }

    fn finish(&mut self, host: &str) -> Result<Option<Bytes>, EgressError> {
        if self.input_bytes == 0 && self.is_framed {
            return Ok(None);
        }
        let output = self.decoder.finish();
        let output = self.charge(output, host)?;
        Ok(Some(output).filter(|output| !output.is_empty()))
    }

    /// Charges what came out beyond what came in, which the wire has charged.
    fn charge(&mut self, output: io::Result<Bytes>, host: &str) -> Result<Bytes, EgressError> {
        let output = output.map_err(|source| EgressError::Decode {
            host: host.to_owned(),
            encoding: self.decoder.encoding().word(),
            source,
        })?;
        self.output_bytes += output.len() as u64;
        let due = self.output_bytes.saturating_sub(self.input_bytes);
        if due > self.charged_bytes {
            self.budget
                .take_received(due - self.charged_bytes)
                .map_err(|_| EgressError::TooMuchIn { host: host.to_owned() })?;
            self.charged_bytes = due;
        }
        Ok(output)
    }
}

impl AnswerBody {
    pub(super) fn new(opened: Opened, decoding: Option<Decoding>) -> Self {
        let Opened { incoming, link, idle, host, between_bytes } = opened;
        let mut body = Self {
            incoming,
            host,
            decoding,
            between_bytes,
            waiting: None,
            is_done: false,
            link: Some(link),
            idle,
        };
        if body.incoming.is_end_stream() {
            body.is_done = true;
            body.release();
        }
        body
    }

    /// Returns who answers, for messages.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Reads the whole body.
    ///
    /// # Errors
    ///
    /// [`EgressError::BodyTooLarge`] when it has more than `bytes_max` bytes, and whatever ends it
    /// early.
    pub async fn collect(mut self, bytes_max: u64) -> Result<Bytes, EgressError> {
        let expected = self.size_hint().lower().min(bytes_max).min(PROMISED_BYTES_MAX);
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(frame) = self.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            let held = first.len() + rest.len();
            if (held as u64).saturating_add(data.len() as u64) > bytes_max {
                return Err(EgressError::BodyTooLarge { host: self.host, max: bytes_max });
            }
            if held == 0 {
                // Most answers come in one piece, which needs no copy.
                first = data;
                continue;
            }
            if rest.is_empty() {
                rest.reserve(usize::try_from(expected).unwrap_or(0).max(held + data.len()));
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
        Ok(if rest.is_empty() { first } else { rest.freeze() })
    }

    /// Gives the connection back, if it can be used again.
    fn release(&mut self) {
        let Some(link) = self.link.take() else { return };
        // A server that answers without reading may still be sent the rest of the request; what
        // would follow on this connection is anyone's guess.
        if link.tap.is_sent() && link.tap.fault().is_none() {
            self.idle.put(link);
        }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, EgressError>> {
        if self.is_done {
            return Poll::Ready(Ok(None));
        }
        loop {
            if let Some(decoding) = &mut self.decoding
                && let Some(output) = decoding.next(&self.host)?
            {
                return Poll::Ready(Ok(Some(output)));
            }
            let Some(data) = ready!(self.poll_wire(cx))? else {
                self.is_done = true;
                let rest = match &mut self.decoding {
                    Some(decoding) => decoding.finish(&self.host)?,
                    None => None,
                };
                return Poll::Ready(Ok(rest));
            };
            match &mut self.decoding {
                Some(decoding) => decoding.feed(data),
                None => {
                    self.is_done = self.link.is_none();
                    return Poll::Ready(Ok(Some(data)));
                }
            }
        }
    }

    /// Returns the next piece as it was received, `None` at the end of the answer.
    fn poll_wire(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, EgressError>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
                return self.poll_waiting(cx);
            };
            self.waiting = None;
            match frame {
                None => {
                    self.release();
                    return Poll::Ready(Ok(None));
                }
                Some(Err(error)) => {
                    let error = match &self.link {
                        Some(link) => blame(error, &link.tap, &self.host),
                        None => EgressError::Cut { host: self.host.clone() },
                    };
                    return Poll::Ready(Err(error));
                }
                // Trailers were not asked for; whatever they say is not passed on.
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    if self.incoming.is_end_stream() {
                        self.release();
                    }
                    return Poll::Ready(Ok(Some(data)));
                }
            }
        }
    }

    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, EgressError>> {
        let between_bytes = self.between_bytes;
        let waiting =
            self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(between_bytes)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Err(EgressError::Timeout {
            host: self.host.clone(),
            phase: Phase::BetweenBytes,
            after: between_bytes,
        }))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = EgressError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        let this = self.get_mut();
        let data = ready!(this.poll_data(cx));
        if data.is_err() {
            this.is_done = true;
            this.link = None;
        }
        Poll::Ready(data.map(|data| data.map(Frame::data)).transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.is_done
    }

    fn size_hint(&self) -> SizeHint {
        match &self.decoding {
            _ if self.is_done => SizeHint::with_exact(0),
            Some(_) => SizeHint::default(),
            None => self.incoming.size_hint(),
        }
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").field("is_done", &self.is_done).finish_non_exhaustive()
    }
}
