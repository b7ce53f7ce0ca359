//! One request and the head of its answer.
//!
//! ```text
//! prepared ──→ idle connection? ──→ sent ──→ head checked ──→ Answer
//!                  │ none             │ closed before a byte came, and harmless to repeat
//!                  └──→ connect ◄─────┘ (once)
//! ```
//!
//! Invariant: a request is written at most twice, and twice only when it may be repeated and the
//! server said nothing; one that was never written is written once more whatever it is.
//! Not here: the rest of the answer (`body`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ax_manifest::Method;
use ax_manifest::Origin;
use http::Request;
use http::Uri;
use http::header;
use http::uri::PathAndQuery;
use http_body::Body as _;
use hyper::body::Incoming;

use crate::egress::Answer;
use crate::egress::Egress;
use crate::egress::Outgoing;
use crate::egress::Timeouts;
use crate::egress::blame::blame;
use crate::egress::body::AnswerBody;
use crate::egress::body::Decoding;
use crate::egress::body::Opened;
use crate::egress::budget::ByteBudget;
use crate::egress::decode::Decoder;
use crate::egress::error::EgressError;
use crate::egress::error::Phase;
use crate::egress::headers;
use crate::egress::headers::Framing;
use crate::egress::link::Key;
use crate::egress::link::Link;
use crate::egress::link::Task;
use crate::egress::payload::OutgoingBody;
use crate::egress::payload::Payload;

/// Bytes of a request line besides method and target: two blanks, the version, the line end, and
/// the empty line after the headers.
const REQUEST_LINE_BYTES: usize = 2 + "HTTP/1.1".len() + 2 + 2;

/// What stays the same over the attempts of one exchange.
struct Exchange<'a> {
    egress: &'a Egress,
    origin: &'a Origin,
    host: String,
    method: Method,
    is_named: bool,
    timeouts: Timeouts,
    budget: Arc<ByteBudget>,
}

/// Why an attempt brought no answer.
struct Failed {
    error: EgressError,
    /// The request, if no byte of it was written.
    unsent: Option<Request<Payload>>,
    /// The connection ended before a byte of an answer.
    is_stale: bool,
}

/// Sends a request and waits for the head of its answer.
pub(super) async fn send(egress: &Egress, outgoing: Outgoing) -> Result<Answer, EgressError> {
    let Outgoing { owner, method, url, headers, body, is_named, timeouts, budget } = outgoing;
    let origin = url.origin();
    let host = origin.host().to_string();
    let request = prepare(method, origin, url.path_and_query(), headers, body, &budget)?;
    let exchange = Exchange { egress, origin, host, method, is_named, timeouts, budget };
    let Some(link) = exchange.idle_link(&owner).await else {
        return exchange.fresh(owner, request).await;
    };
    let again = exchange.again(&request);
    match exchange.attempt(link, request, true).await {
        Ok(answer) => Ok(answer),
        Err(Failed { unsent: Some(request), .. }) => exchange.fresh(owner, request).await,
        Err(Failed { is_stale: true, error, .. }) => match again {
            Some(request) => exchange.fresh(owner, request).await,
            None => Err(error),
        },
        Err(Failed { error, .. }) => Err(error),
    }
}

/// Builds the request and takes it from the budget, as far as its length is known.
fn prepare(
    method: Method,
    origin: &Origin,
    target: String,
    headers: http::HeaderMap,
    body: OutgoingBody,
    budget: &Arc<ByteBudget>,
) -> Result<Request<Payload>, EgressError> {
    let host = || origin.host().to_string();
    let (headers, framing) = headers::prepare(headers, method, origin, &body)?;
    let head_bytes =
        method.word().len() + target.len() + headers::header_bytes(&headers) + REQUEST_LINE_BYTES;
    let body_bytes = match &body {
        OutgoingBody::Bytes(bytes) => bytes.len(),
        // Taken as they come; the end of the last chunk is known.
        OutgoingBody::Stream(_) if framing == Framing::Chunked => b"0\r\n\r\n".len(),
        OutgoingBody::Stream(_) => 0,
    };
    budget
        .take_sent((head_bytes + body_bytes) as u64)
        .map_err(|_| EgressError::TooMuchOut { host: host() })?;
    let target = PathAndQuery::try_from(target)
        .map_err(|source| EgressError::Target { host: host(), source })?;
    let mut request = Request::new(Payload::new(body, framing, budget));
    *request.method_mut() = as_sent(method);
    *request.uri_mut() = Uri::from(target);
    *request.headers_mut() = headers;
    Ok(request)
}

fn as_sent(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Options => http::Method::OPTIONS,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    }
}

impl Exchange<'_> {
    /// Returns an idle connection whose address this very request may reach.
    async fn idle_link(&self, owner: &str) -> Option<Link> {
        let leave = self.egress.connector.leave(self.origin, self.is_named);
        loop {
            let is_allowed = |address| leave.check(address).is_ok();
            let mut link = self.egress.idle.take(owner, self.origin, is_allowed)?;
            if link.settle().await {
                return Some(link);
            }
        }
    }

    /// Returns a copy of a request that does no harm when the server gets it twice.
    fn again(&self, request: &Request<Payload>) -> Option<Request<Payload>> {
        match self.method {
            Method::Get | Method::Head | Method::Options | Method::Put | Method::Delete => {}
            Method::Post | Method::Patch => return None,
        }
        let mut copy = Request::new(request.body().again()?);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        Some(copy)
    }

    /// Sends over a new connection.
    async fn fresh(
        &self,
        owner: Arc<str>,
        request: Request<Payload>,
    ) -> Result<Answer, EgressError> {
        let link = self.connect(owner).await?;
        self.attempt(link, request, false).await.map_err(|failed| failed.error)
    }

    async fn connect(&self, owner: Arc<str>) -> Result<Link, EgressError> {
        let within = self.timeouts.connect;
        let connector = Arc::clone(&self.egress.connector);
        let (origin, is_named) = (self.origin.clone(), self.is_named);
        let asks = Arc::clone(&owner);
        // Where guests run there is no I/O: sockets belong to the runtime that serves it.
        #[expect(clippy::disallowed_methods, reason = "awaited here, and ended if that is dropped")]
        let connecting = self.egress.runtime.spawn(async move {
            let connected = connector.connect(&asks, &origin, is_named, within).await;
            connected.map(|(stream, remote)| (stream, remote, origin))
        });
        let _ends_with_us = Task::new(connecting.abort_handle());
        let connected = tokio::time::timeout(within, connecting)
            .await
            .map_err(|_| self.timeout(Phase::Connect, within))?
            .map_err(|_| EgressError::Stopped { host: self.host.clone() })?;
        let (stream, remote, origin) = connected?;
        let key = Key { owner, origin };
        Link::new(key, remote, stream, &self.egress.runtime)
            .await
            .map_err(|_| EgressError::Cut { host: self.host.clone() })
    }

    /// Sends over `link` and judges the head of the answer.
    async fn attempt(
        &self,
        mut link: Link,
        request: Request<Payload>,
        is_reused: bool,
    ) -> Result<Answer, Failed> {
        link.tap.begin(Arc::clone(&self.budget));
        let within = self.timeouts.first_byte;
        let sent = tokio::time::timeout(within, link.send(request)).await;
        let failed = |error| Failed { error, unsent: None, is_stale: false };
        let response = match sent {
            Err(_) => return Err(failed(self.timeout(Phase::FirstByte, within))),
            Ok(Ok(response)) => response,
            Ok(Err(mut error)) => {
                let unsent = error.take_message();
                let error = blame(error.into_error(), &link.tap, &self.host);
                let is_stale =
                    matches!(error, EgressError::Cut { .. }) && link.tap.received_bytes() == 0;
                return Err(Failed { error, unsent, is_stale });
            }
        };
        link.tap.answered();
        self.open(link, response, is_reused).map_err(failed)
    }

    fn open(
        &self,
        link: Link,
        response: http::Response<Incoming>,
        is_reused: bool,
    ) -> Result<Answer, EgressError> {
        let (mut head, incoming) = response.into_parts();
        if head.status == http::StatusCode::SWITCHING_PROTOCOLS {
            let why = "it switched protocols without being asked";
            return Err(EgressError::Protocol { host: self.host.clone(), why });
        }
        let is_framed = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
            .iter()
            .any(|name| head.headers.contains_key(name));
        let has_body = !incoming.is_end_stream();
        let encoding = headers::clean_answer(&mut head.headers, has_body, &self.host)?;
        let decoding = encoding.map(|encoding| {
            Decoding::new(Decoder::new(encoding), Arc::clone(&self.budget), is_framed)
        });
        let remote: SocketAddr = link.remote;
        let opened = Opened {
            incoming,
            link,
            idle: Arc::clone(&self.egress.idle),
            host: self.host.clone(),
            between_bytes: self.timeouts.between_bytes,
        };
        let body = AnswerBody::new(opened, decoding);
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body, remote, is_reused })
    }

    fn timeout(&self, phase: Phase, after: Duration) -> EgressError {
        EgressError::Timeout { host: self.host.clone(), phase, after }
    }
}
