//! What happens to a request before the protocol's library sees it, and to its answer after.
//!
//! | What comes | What is answered |
//! |---|---|
//! | another path than [`PATH`] | 404 |
//! | no token, or none that opens | 401, `WWW-Authenticate: Bearer` |
//! | a foreign `Host` or `Origin` | 403 (rmcp); 400 if there are two |
//! | a session of somebody else, or none | 404 |
//! | no JSON; JSON that is no message, or a batch | 400 with -32700 or -32600, and its id if there is one |
//! | an id that still waits for its answer in the session | 400 with -32600 |
//! | a body beyond [`MESSAGE_BYTES_MAX`], or one that does not come | 413, 408 |
//! | more requests or sessions than there is room for | 503 with -32000, `Retry-After` |
//!
//! Invariant: nothing of a body is read before it is known whose it is.
//! Not here: headers that disagree with the body, revisions (rmcp); connections (`mod`).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderName, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use rmcp::model::{ClientRequest, JsonRpcMessage};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::keys::{Closed, Guest, Keys};
use super::sessions::{OpenRequest, Sessions};
use crate::server::mcp::handler::{Handler, Offering, Visitor};
use crate::server::mcp::message::{self, MESSAGE_BYTES_MAX, Refusal};
use crate::server::mcp::tasks::Owner;

/// Where the protocol is spoken.
pub(super) const PATH: &str = "/mcp";

/// Requests whose answers are not at their end, those that listen among them.
const REQUESTS_MAX: usize = 512;

/// KiB of bodies that are held while they come.
const BODIES_KIB_MAX: usize = 64 << 10;

/// How long a body may take to come.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);

/// Which session a request is of.
const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// Seconds after which it may be tried again.
const RETRY_S: HeaderValue = HeaderValue::from_static("1");

/// Stands before the protocol's library.
pub(super) struct Front<O> {
    service: StreamableHttpService<Handler<O>, Sessions>,
    sessions: Arc<Sessions>,
    keys: Keys,
    requests: Arc<Semaphore>,
    bodies: Semaphore,
    /// Cancelled when nothing new is begun.
    closing: CancellationToken,
}

/// The body of an answer, and what is free again when it was sent or nobody wants it.
pub(super) struct Answer {
    body: BoxBody<Bytes, Infallible>,
    _place: Option<OwnedSemaphorePermit>,
    _open: Option<OpenRequest>,
}

/// What is known of a request by its head.
struct Admitted {
    who: Guest,
    session: Option<String>,
    /// Cancelled when the session ends.
    ended: CancellationToken,
    place: Option<OwnedSemaphorePermit>,
}

/// Why a request goes no further.
type Refused = Response<BoxBody<Bytes, Infallible>>;

impl<O: Offering> Front<O> {
    pub(super) fn new(
        handler: Handler<O>,
        keys: Keys,
        config: StreamableHttpServerConfig,
        closing: CancellationToken,
    ) -> Self {
        let sessions = Arc::new(Sessions::new());
        let each = move || Ok(handler.clone());
        let service = StreamableHttpService::new(each, Arc::clone(&sessions), config);
        let requests = Arc::new(Semaphore::new(REQUESTS_MAX));
        let bodies = Semaphore::new(BODIES_KIB_MAX);
        Self { service, sessions, keys, requests, bodies, closing }
    }

    /// Waits until every answer that was begun is sent.
    pub(super) async fn idle(&self) {
        let all = u32::try_from(REQUESTS_MAX).unwrap_or(u32::MAX);
        drop(self.requests.acquire_many(all).await);
    }

    /// Answers one request; tells `has_come` when all of it was read.
    pub(super) async fn answer<B>(&self, request: Request<B>, has_come: &Notify) -> Response<Answer>
    where
        B: Body<Data = Bytes, Error = hyper::Error> + Send + 'static,
    {
        match self.admitted(request, has_come).await {
            Ok(answer) => answer,
            Err(refused) => refused.map(|body| Answer { body, _place: None, _open: None }),
        }
    }

    async fn admitted<B>(
        &self,
        request: Request<B>,
        has_come: &Notify,
    ) -> Result<Response<Answer>, Refused>
    where
        B: Body<Data = Bytes, Error = hyper::Error> + Send + 'static,
    {
        let (mut parts, body) = request.into_parts();
        let Admitted { who, session, ended, place } = self.admit(&parts)?;
        let owner = Owner::new(Arc::clone(&who.name), who.key);
        parts.extensions.insert(Visitor { owner, ended });
        let (mut open, mut bytes) = (None, Bytes::new());
        if parts.method == Method::POST {
            bytes = self.body(body).await?;
            open = self.read(&bytes, &who, session.as_deref())?;
        }
        has_come.notify_one();
        let ends_session = parts.method == Method::DELETE;
        let mut answer = self.service.handle(Request::from_parts(parts, Full::new(bytes))).await;
        if ends_session && answer.status() == StatusCode::ACCEPTED {
            // It has ended, and the SDK for Python takes "accepted" for a failure.
            *answer.status_mut() = StatusCode::NO_CONTENT;
        }
        if let Some(id) = answer.headers().get(&SESSION_ID).and_then(|id| id.to_str().ok()) {
            self.sessions.own(id, &who);
        }
        Ok(answer.map(|body| Answer { body, _place: place, _open: open }))
    }

    /// Decides by the head of a request.
    fn admit(&self, parts: &Parts) -> Result<Admitted, Refused> {
        if parts.uri.path() != PATH {
            return Err(text(StatusCode::NOT_FOUND, &format!("tools are at {PATH}")));
        }
        // What comes twice is read one way here and another way by whatever stands before.
        let is_twice = |name| parts.headers.get_all(name).iter().count() > 1;
        if is_twice(HOST) || is_twice(ORIGIN) || parts.uri.authority().is_some() {
            return Err(text(StatusCode::BAD_REQUEST, "it is not one host that is asked for"));
        }
        let who = self.keys.who(&parts.headers).map_err(closed)?;
        // What has an answer of its own has a place; the news of a session are one stream without end.
        let place = match parts.method {
            Method::GET => None,
            _ => Some(Arc::clone(&self.requests).try_acquire_owned().map_err(|_| full())?),
        };
        let (session, ended) = match parts.headers.get(&SESSION_ID) {
            None => (None, CancellationToken::new()),
            Some(id) => {
                let id = id.to_str().ok();
                let held = id.and_then(|id| Some((id, self.sessions.of(id, &who)?)));
                let none = || text(StatusCode::NOT_FOUND, "there is no such session");
                let (id, ended) = held.ok_or_else(none)?;
                (Some(id.to_owned()), ended)
            }
        };
        Ok(Admitted { who, session, ended, place })
    }

    /// Reads what was sent; returns what keeps its id from being used twice.
    fn read(
        &self,
        bytes: &[u8],
        who: &Guest,
        session: Option<&str>,
    ) -> Result<Option<OpenRequest>, Refused> {
        let message = message::read(bytes).map_err(|no| refuse(StatusCode::BAD_REQUEST, &no))?;
        let JsonRpcMessage::Request(request) = &message else { return Ok(None) };
        let is_first = matches!(request.request, ClientRequest::InitializeRequest(_));
        if is_first && !self.sessions.has_room(who) {
            return Err(full());
        }
        let Some(session) = session else { return Ok(None) };
        let twice = || {
            let why = "a request with this id waits for its answer";
            refuse(StatusCode::BAD_REQUEST, &Refusal::invalid(json!(request.id), why))
        };
        self.sessions.open(session, &request.id).ok_or_else(twice).map(Some)
    }

    async fn body<B>(&self, body: B) -> Result<Bytes, Refused>
    where
        B: Body<Data = Bytes, Error = hyper::Error> + Send + 'static,
    {
        tokio::select! {
            read = tokio::time::timeout(BODY_TIME_MAX, self.collected(body)) => match read {
                Ok(read) => read,
                Err(_) => {
                    Err(text(StatusCode::REQUEST_TIMEOUT, "the body of the request did not come"))
                }
            },
            () = self.closing.cancelled() => Err(full()),
        }
    }

    async fn collected<B>(&self, body: B) -> Result<Bytes, Refused>
    where
        B: Body<Data = Bytes, Error = hyper::Error> + Send + 'static,
    {
        let too_long = || refuse(StatusCode::PAYLOAD_TOO_LARGE, &Refusal::too_long(Value::Null));
        if body.size_hint().lower() > MESSAGE_BYTES_MAX as u64 {
            return Err(too_long());
        }
        let mut body = std::pin::pin!(body);
        let (mut bytes, mut held) = (BytesMut::new(), None::<SemaphorePermit<'_>>);
        while let Some(frame) = body.frame().await {
            let broken = |_| text(StatusCode::BAD_REQUEST, "the body of the request broke off");
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            if bytes.len() + data.len() > MESSAGE_BYTES_MAX {
                return Err(too_long());
            }
            // What came is held against the bound, not what was promised: that costs nobody anything.
            let kib = u32::try_from(data.len().div_ceil(1 << 10)).unwrap_or(u32::MAX);
            let more = self.bodies.try_acquire_many(kib).map_err(|_| full())?;
            match &mut held {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.freeze())
    }
}

fn closed(why: Closed) -> Refused {
    match why {
        Closed::NoToken => {
            let why = "a bearer token is needed: a person makes one with `ax mcp token add NAME`";
            let mut refused = text(StatusCode::UNAUTHORIZED, why);
            let challenge = HeaderValue::from_static("Bearer realm=\"ax\"");
            refused.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            refused
        }
        Closed::Unreadable => {
            let why = "the tokens cannot be read: a person looks with `ax mcp token list`";
            text(StatusCode::INTERNAL_SERVER_ERROR, why)
        }
    }
}

fn full() -> Refused {
    let why = Refusal::unavailable(Value::Null, "there is no room for more now; try again");
    let mut refused = refuse(StatusCode::SERVICE_UNAVAILABLE, &why);
    refused.headers_mut().insert(RETRY_AFTER, RETRY_S);
    refused
}

fn refuse(status: StatusCode, why: &Refusal) -> Refused {
    with(status, "application/json", why.to_json().to_string())
}

fn text(status: StatusCode, why: &str) -> Refused {
    with(status, "text/plain; charset=utf-8", format!("{why}\n"))
}

fn with(status: StatusCode, content_type: &'static str, text: String) -> Refused {
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // Who was refused does not keep a connection.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
