//! `ax:http/client`: requests for every language.
//!
//! Permission `net:<origin>:<method>:<path>`, for each request and each redirect. Bounds: those of
//! `limits`, and what the request itself sets. Redirects are followed here, each as a new request
//! through [`super::super::send`]; requests of one `send-all` run at the same time.
//! Not here: checks, secrets and connections (`send`, `egress`).

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use ax_manifest::{Capability, Method, RequestUrl};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::time::Instant;

use super::super::gate::Needs;
use super::super::guest::Guest;
use super::super::limits::{self, Limit};
use super::super::rights::DenialReason;
use super::super::send::{Hop, Prepared, SendError};
use super::bindings::ax::http::client;
use super::bindings::ax::types::types::{Error, ErrorKind};
use super::failure;
use crate::egress::{EgressError, OutgoingBody, Phase, Timeouts};

/// Headers that speak for the guest at one origin and are not carried to another.
const CREDENTIALS: [HeaderName; 3] =
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];
/// Headers about a body, dropped with it.
const ABOUT_BODY: [HeaderName; 3] =
    [header::CONTENT_TYPE, header::CONTENT_LANGUAGE, header::CONTENT_ENCODING];

/// A request on its way, redirects included.
struct Errand {
    /// Its place among the requests of one call.
    index: usize,
    method: Method,
    url: RequestUrl,
    headers: HeaderMap,
    body: Option<Bytes>,
    redirects_left: u8,
    follows: bool,
    body_bytes_max: u64,
    ends_at: Option<Instant>,
}

/// What one hop of an errand came to.
enum Step {
    Done(client::Response),
    Redirected(Box<Errand>),
}

type Running = Pin<Box<dyn Future<Output = (usize, Result<Step, Failed>)> + Send>>;

/// A failure, and what is needed to judge it.
struct Failed {
    method: Method,
    error: SendError,
}

impl client::Host for Guest {
    async fn send(
        &mut self,
        request: client::Request,
    ) -> wasmtime::Result<Result<client::Response, Error>> {
        let mut answers = self.send_together(vec![request]).await?;
        answers.pop().ok_or_else(|| wasmtime::Error::msg("one request has one answer"))
    }

    async fn send_all(
        &mut self,
        requests: Vec<client::Request>,
    ) -> wasmtime::Result<Vec<Result<client::Response, Error>>> {
        self.send_together(requests).await
    }
}

impl Guest {
    /// Sends requests at the same time and answers them in order. `Err` ends the call.
    async fn send_together(
        &mut self,
        requests: Vec<client::Request>,
    ) -> wasmtime::Result<Vec<Result<client::Response, Error>>> {
        let mut answers: Vec<Option<Result<client::Response, Error>>> = Vec::new();
        let mut running: FuturesUnordered<Running> = FuturesUnordered::new();
        for (index, request) in requests.into_iter().enumerate() {
            answers.push(None);
            match errand(index, request) {
                Ok(errand) => self.begin_hop(errand, &running, &mut answers)?,
                Err(error) => answers[index] = Some(Err(error)),
            }
        }
        while let Some((index, step)) = running.next().await {
            match step {
                Ok(Step::Redirected(errand)) => self.begin_hop(*errand, &running, &mut answers)?,
                Ok(Step::Done(response)) => {
                    self.gate.pass(
                        Capability::AxHttpClient,
                        Needs::Nothing,
                        response.body.len() as u64,
                    )?;
                    answers[index] = Some(Ok(response));
                }
                Err(Failed { error: SendError::Ended(refusal), .. }) => return Err(refusal.into()),
                Err(failed) => answers[index] = Some(Err(told(&failed))),
            }
        }
        let lost = || failure::of(ErrorKind::Failed, "", "the request was given up");
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(lost()))).collect())
    }

    /// Checks the next hop of an errand and sets it going.
    fn begin_hop(
        &mut self,
        errand: Errand,
        running: &FuturesUnordered<Running>,
        answers: &mut [Option<Result<client::Response, Error>>],
    ) -> wasmtime::Result<()> {
        let hop = Hop {
            capability: Capability::AxHttpClient,
            method: errand.method,
            url: errand.url.clone(),
            headers: errand.headers.clone(),
            body: OutgoingBody::from(errand.body.clone().unwrap_or_default()),
            body_bytes: errand.body.as_ref().map_or(0, |body| body.len() as u64),
            timeouts: Timeouts::default(),
        };
        match self.prepare(hop) {
            Ok(prepared) => running.push(Box::pin(travel(errand, prepared))),
            Err(SendError::Ended(refusal)) => return Err(refusal.into()),
            Err(error) => {
                let failed = Failed { method: errand.method, error };
                answers[errand.index] = Some(Err(told(&failed)));
            }
        }
        Ok(())
    }
}

/// Sends one hop; returns the answer or the next hop.
async fn travel(errand: Errand, prepared: Prepared) -> (usize, Result<Step, Failed>) {
    let (index, method, ends_at) = (errand.index, errand.method, errand.ends_at);
    let host = errand.url.origin().host().to_string();
    let hop = answer(errand, prepared);
    let step = match ends_at {
        None => hop.await,
        Some(ends_at) => tokio::time::timeout_at(ends_at, hop).await.unwrap_or_else(|_| {
            let (phase, after) = (Phase::FirstByte, Duration::ZERO);
            Err(EgressError::Timeout { host, phase, after }.into())
        }),
    };
    (index, step.map_err(|error| Failed { method, error }))
}

async fn answer(errand: Errand, prepared: Prepared) -> Result<Step, SendError> {
    let received = prepared.send().await?;
    let location = match received.status {
        301 | 302 | 303 | 307 | 308 if errand.follows => received.headers.get(header::LOCATION),
        _ => None,
    };
    if let Some(location) = location.and_then(|location| location.to_str().ok())
        && let Ok(url) = errand.url.join(location)
    {
        return next(errand, url, received.status).map(|errand| Step::Redirected(Box::new(errand)));
    }
    let headers = received.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let (status, headers) = (received.status, headers.collect());
    let body = received.body.collect(errand.body_bytes_max).await?;
    let url = errand.url.to_string();
    Ok(Step::Done(client::Response { status, url, headers, body: body.into() }))
}

/// Makes the hop that a redirect asks for.
fn next(mut errand: Errand, url: RequestUrl, status: u16) -> Result<Errand, SendError> {
    let Some(left) = errand.redirects_left.checked_sub(1) else {
        return Err(SendError::Redirects);
    };
    errand.redirects_left = left;
    if url.origin() != errand.url.origin() {
        for name in &CREDENTIALS {
            errand.headers.remove(name);
        }
    }
    // As browsers and RFC 9110 §15.4 have it; 307 and 308 repeat the request as it was.
    if matches!(status, 301..=303) && errand.method != Method::Head {
        errand.method = Method::Get;
        errand.body = None;
        for name in &ABOUT_BODY {
            errand.headers.remove(name);
        }
    }
    errand.url = url;
    Ok(errand)
}

/// Reads what the guest asks for.
fn errand(index: usize, request: client::Request) -> Result<Errand, Error> {
    let invalid = |member: &str, why: &str| failure::of(ErrorKind::Invalid, member, why);
    let method: Method = request.method.parse().map_err(|_| {
        invalid("method", "the method is none of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE")
    })?;
    let url: RequestUrl =
        request.url.parse().map_err(|error: ax_manifest::UrlError| invalid("url", &error.to_string()))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let wrong = |_| ();
        let name = HeaderName::try_from(name.as_str()).map_err(wrong);
        let value = HeaderValue::try_from(value.as_str()).map_err(|_| ());
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(invalid("headers", "a name or value holds a character that no header may"));
        };
        // Bounded before the map grows: `egress` checks the exact numbers.
        if headers.try_append(name, value).is_err() {
            return Err(invalid("headers", "there are too many headers"));
        }
    }
    if request.redirects > limits::REDIRECTS {
        return Err(invalid("redirects", "at most 10 redirects are followed"));
    }
    let timeout = request.timeout_ms.map(|ms| Duration::from_millis(u64::from(ms)));
    Ok(Errand {
        index,
        method,
        url,
        headers,
        body: request.body.map(Bytes::from),
        redirects_left: request.redirects,
        follows: request.redirects > 0,
        body_bytes_max: u64::from(request.body_bytes_max),
        ends_at: timeout.map(|timeout| Instant::now() + timeout),
    })
}

/// Says a failure in the words of `ax:types`.
fn told(failed: &Failed) -> Error {
    let message = failed.error.to_string();
    let with = |kind, code: &str| failure::of(kind, code, &message);
    match &failed.error {
        SendError::Denied { permission, reason } => failure::denied(permission, *reason),
        SendError::Exhausted(limit) => with(ErrorKind::Exhausted, limit.word()),
        SendError::Redirects => with(ErrorKind::Exhausted, "redirects"),
        SendError::Leak { secret } => with(ErrorKind::Denied, &format!("secret:{secret}")),
        // Never reaches a guest: the call ends.
        SendError::Ended(_) => with(ErrorKind::Failed, ""),
        SendError::Egress(error) => told_exchange(error, failed.method, &message),
    }
}

fn told_exchange(error: &EgressError, method: Method, message: &str) -> Error {
    let with = |kind, code: &str| failure::of(kind, code, message);
    match error {
        EgressError::AddressRefused { .. } => {
            let mut error = failure::denied("address", DenialReason::Address);
            error.message = failure::of(ErrorKind::Denied, "", message).message;
            error
        }
        EgressError::TooMuchOut { .. } => with(ErrorKind::Exhausted, Limit::BytesOut.word()),
        EgressError::TooMuchIn { .. } => with(ErrorKind::Exhausted, Limit::BytesIn.word()),
        EgressError::BodyTooLarge { .. } => with(ErrorKind::Exhausted, "body"),
        EgressError::Header { .. } | EgressError::RequestHeaders { .. } => {
            with(ErrorKind::Invalid, "headers")
        }
        EgressError::Target { .. } => with(ErrorKind::Invalid, "url"),
        EgressError::RequestBody { .. } => with(ErrorKind::Invalid, "body"),
        // The request was sent whole, and nobody knows what became of it.
        EgressError::Timeout { phase: Phase::FirstByte | Phase::BetweenBytes, .. }
        | EgressError::Cut { .. }
        | EgressError::Protocol { .. }
        | EgressError::AnswerHeaders { .. }
            if matches!(method, Method::Post | Method::Patch) =>
        {
            with(ErrorKind::InDoubt, "")
        }
        error if error.is_transient() => with(ErrorKind::Unavailable, ""),
        _ => with(ErrorKind::Failed, ""),
    }
}
