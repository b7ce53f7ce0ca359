//! `ax:http/client`: requests for every language.
//!
//! Permission `net:<origin>:<method>:<path>`, for each request and each redirect. Bounds: those of
//! `limits`, and what the request itself sets. Redirects are followed here, each as a new request
//! through [`super::super::send`]; requests of one `send-all` run at the same time.
//! Not here: checks, secrets and connections (`send`, `egress`), what a failure is called
//! (`http_failure`).

use std::pin::Pin;
use std::time::Duration;

use ax_manifest::{Capability, Method, RequestUrl, UrlError};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::super::guest::Guest;
use super::super::limits::{self, Limit};
use super::super::send::{Hop, Prepared, SendError};
use super::bindings::ax::http::client;
use super::bindings::ax::types::types::{Error, ErrorKind};
use super::failure;
use super::http_failure::told;
use crate::egress::{OutgoingBody, Timeouts};

/// Headers that speak for the guest at one origin and are not carried to another.
const CREDENTIALS: [HeaderName; 3] =
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];
/// Headers about a body, dropped with it.
const ABOUT_BODY: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::CONTENT_LANGUAGE,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
];

type Answer = Result<client::Response, Error>;

/// A request on its way, redirects included.
struct Errand {
    /// Its place among the requests of one call.
    index: usize,
    method: Method,
    url: RequestUrl,
    headers: HeaderMap,
    body: Bytes,
    follows: bool,
    redirects_left: u8,
    body_bytes_max: u64,
    patience: Option<Patience>,
    /// See [`Hop::number`].
    number: Option<u32>,
}

/// How long the guest waits for an errand.
#[derive(Clone, Copy)]
struct Patience {
    whole: Duration,
    /// On the clock's monotonic time.
    ends_at: Duration,
}

/// What one hop of an errand came to.
enum Step {
    Done(client::Response),
    Redirected(Box<Errand>),
}

/// A hop that came to an end.
struct Hopped {
    index: usize,
    method: Method,
    came_to: Result<Step, SendError>,
}

type Running = FuturesUnordered<Pin<Box<dyn Future<Output = Hopped> + Send>>>;

impl client::Host for Guest {
    async fn send(&mut self, request: client::Request) -> wasmtime::Result<Answer> {
        self.gate.called("send", "");
        let mut answers = self.send_together(vec![request]).await?;
        answers.pop().ok_or_else(|| wasmtime::Error::msg("one request has one answer"))
    }

    async fn send_all(&mut self, requests: Vec<client::Request>) -> wasmtime::Result<Vec<Answer>> {
        self.gate.called("send-all", "");
        self.send_together(requests).await
    }
}

impl Guest {
    /// Sends requests at the same time and answers them in order. `Err` ends the call.
    async fn send_together(
        &mut self,
        requests: Vec<client::Request>,
    ) -> wasmtime::Result<Vec<Answer>> {
        let mut answers: Vec<Option<Answer>> = Vec::new();
        let running = Running::new();
        for (index, request) in requests.into_iter().enumerate() {
            // Not even looked at: looking costs, and nothing of the guest is charged meanwhile.
            if index >= limits::REQUESTS as usize {
                self.gate.exhaust(Limit::Requests);
                answers.push(Some(Err(told(&SendError::Exhausted(Limit::Requests), Method::Get))));
                continue;
            }
            answers.push(match errand(index, request, self.call.clock.monotonic()) {
                Ok(errand) => self.begin_hop(errand, &running)?,
                Err(error) => Some(Err(error)),
            });
        }
        let mut running = running;
        while let Some(Hopped { index, method, came_to }) = running.next().await {
            answers[index] = match came_to {
                Ok(Step::Redirected(errand)) => self.begin_hop(*errand, &running)?,
                Ok(Step::Done(response)) => Some(Ok(response)),
                Err(SendError::Ended(refusal)) => return Err(refusal.into()),
                Err(error) => Some(Err(told(&error, method))),
            };
        }
        let lost = || Err(failure::of(ErrorKind::Failed, "", "the request was given up"));
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect())
    }

    /// Checks the next hop of an errand and sets it going; returns its answer if there is one at
    /// once, which is a refusal.
    fn begin_hop(
        &mut self,
        mut errand: Errand,
        running: &Running,
    ) -> wasmtime::Result<Option<Answer>> {
        let hop = Hop {
            capability: Capability::AxHttpClient,
            method: errand.method,
            url: errand.url.clone(),
            headers: errand.headers.clone(),
            timeouts: Timeouts::default(),
            number: errand.number,
        };
        match self.prepare(hop) {
            Ok(prepared) => {
                errand.number = prepared.number();
                running.push(Box::pin(travel(errand, prepared)));
                Ok(None)
            }
            Err(SendError::Ended(refusal)) => Err(refusal.into()),
            Err(error) => Ok(Some(Err(told(&error, errand.method)))),
        }
    }
}

/// Goes one hop, for as long as the guest waits.
async fn travel(errand: Errand, prepared: Prepared) -> Hopped {
    let (index, method, patience) = (errand.index, errand.method, errand.patience);
    let host = errand.url.origin().host().to_string();
    let now = prepared.now();
    let hop = hop(errand, prepared);
    let came_to = match patience {
        None => hop.await,
        Some(Patience { whole, ends_at }) => {
            let ended = tokio::time::timeout(ends_at.saturating_sub(now), hop).await;
            ended.unwrap_or(Err(SendError::Late { host, after: whole }))
        }
    };
    Hopped { index, method, came_to }
}

/// Sends a request; returns the answer or the next hop.
async fn hop(errand: Errand, prepared: Prepared) -> Result<Step, SendError> {
    let body = OutgoingBody::Bytes(errand.body.clone());
    let received = prepared.send(body).await?;
    let status = received.status.as_u16();
    let location = match status {
        301 | 302 | 303 | 307 | 308 if errand.follows => received.headers.get(header::LOCATION),
        _ => None,
    };
    // A place that cannot be gone to makes the redirect the answer, as with `redirects: 0`.
    let next_url = location
        .and_then(|location| location.to_str().ok())
        .and_then(|location| errand.url.join(location).ok());
    if let Some(url) = next_url {
        let next = next(errand, url, status)?;
        return Ok(Step::Redirected(Box::new(next)));
    }
    let headers = received.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let headers = headers.collect();
    let body = received.body.collect(errand.body_bytes_max).await?;
    let url = errand.url.with_query();
    Ok(Step::Done(client::Response { status, url, headers, body: body.into() }))
}

/// Makes the hop that a redirect asks for.
fn next(mut errand: Errand, url: RequestUrl, status: u16) -> Result<Errand, SendError> {
    errand.redirects_left = errand.redirects_left.checked_sub(1).ok_or(SendError::Redirects)?;
    if url.origin() != errand.url.origin() {
        CREDENTIALS.iter().for_each(|name| drop(errand.headers.remove(name)));
    }
    // RFC 9110 §15.4 allows it for POST and asks for it after 303; `ax:http` does it for all, so that
    // a change is never repeated by itself. 307 and 308 repeat the request as it was.
    if matches!(status, 301..=303) && errand.method != Method::Head {
        errand.method = Method::Get;
        errand.body = Bytes::new();
        ABOUT_BODY.iter().for_each(|name| drop(errand.headers.remove(name)));
    }
    errand.url = url;
    Ok(errand)
}

/// Reads what the guest asks for.
fn errand(index: usize, request: client::Request, now: Duration) -> Result<Errand, Error> {
    let invalid = |member: &str, why: &str| failure::of(ErrorKind::Invalid, member, why);
    let method: Method = request.method.parse().map_err(|_| {
        invalid("method", "the method is none of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE")
    })?;
    let url = request.url.parse();
    let url: RequestUrl = url.map_err(|error: UrlError| invalid("url", &error.to_string()))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let name = HeaderName::try_from(name.as_str()).ok();
        let Some((name, value)) = name.zip(HeaderValue::try_from(value.as_str()).ok()) else {
            return Err(invalid("headers", "a name or value holds what no header may hold"));
        };
        // The map has a bound of its own; `egress` has the one that counts.
        if headers.try_append(name, value).is_err() {
            return Err(invalid("headers", "there are too many headers"));
        }
    }
    if request.redirects > limits::REDIRECTS {
        let why = format!("at most {} redirects are followed", limits::REDIRECTS);
        return Err(invalid("redirects", &why));
    }
    let patience = request.timeout_ms.map(|ms| {
        let whole = Duration::from_millis(u64::from(ms));
        Patience { whole, ends_at: now + whole }
    });
    Ok(Errand {
        index,
        method,
        url,
        headers,
        body: request.body.map(Bytes::from).unwrap_or_default(),
        follows: request.redirects > 0,
        redirects_left: request.redirects,
        body_bytes_max: u64::from(request.body_bytes_max),
        patience,
        number: None,
    })
}
