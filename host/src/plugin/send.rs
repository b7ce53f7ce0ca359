//! The one way out: every HTTP request of a guest, from `ax:http` and `wasi:http` alike.
//!
//! ```text
//! Hop ──→ prepare ───────────────────────────────→ send ───────────────────→ Watched body
//!          count · gate (permission, policy)        egress (address,          leak scan,
//!          secrets toward their origin              connection, bounds)       bytes, end
//! ```
//!
//! A redirect is a new hop: it comes through `prepare` again, so it is counted, checked and given its
//! own secrets, or none.
//!
//! Invariant: nothing is sent that `prepare` did not pass, and no byte of an answer reaches a guest
//! before the scan let it through.
//! Not here: addresses and connections (`egress`), following redirects (`imports/http`).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ax_manifest::{Capability, Method, RequestUrl};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};

use super::gate::{Needs, Refusal};
use super::guest::Guest;
use super::limits::Limit;
use super::log::Level;
use super::outbox::{Sent, SentEnd};
use super::rights::DenialReason;
use crate::egress::{AnswerBody, Egress, EgressError, Outgoing, OutgoingBody, Timeouts};
use crate::secret::leak::{LeakScan, LeakStream};

/// One request that is wanted, before anything was checked.
pub(super) struct Hop {
    /// The interface it came through.
    pub(super) capability: Capability,
    pub(super) method: Method,
    pub(super) url: RequestUrl,
    pub(super) headers: HeaderMap,
    pub(super) body: OutgoingBody,
    /// Bytes of the body, as far as they are known.
    pub(super) body_bytes: u64,
    pub(super) timeouts: Timeouts,
}

/// Why there is no answer for the guest.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// Not permitted; `permission` is what was missing.
    #[error("`{permission}` is not permitted: {}", reason.word())]
    Denied { permission: String, reason: DenialReason },
    /// A limit of the call is used up; the guest goes on without the answer.
    #[error("the limit `{}` is used up", .0.word())]
    Exhausted(Limit),
    /// A limit is used up that ends the call.
    #[error(transparent)]
    Ended(Refusal),
    /// The exchange failed.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// There were more redirects than the guest wanted to follow.
    #[error("there are more redirects than were to be followed")]
    Redirects,
    /// The answer held a secret.
    #[error("the answer held the secret `{secret}` and was withheld")]
    Leak { secret: Arc<str> },
}

/// A request that may be sent.
pub(super) struct Prepared {
    egress: Arc<Egress>,
    outgoing: Outgoing,
    sent: Arc<Sent>,
    scan: LeakScan,
    clock: Arc<dyn crate::clock::Clock>,
}

/// The head of an answer, and its body still to come.
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Watched,
}

impl Guest {
    /// Counts and checks a request, and puts in the secrets that are granted for its origin.
    pub(super) fn prepare(&mut self, hop: Hop) -> Result<Prepared, SendError> {
        if !self.outbox.has_room() {
            self.gate.exhaust(Limit::Requests);
            return Err(SendError::Exhausted(Limit::Requests));
        }
        let wanted = hop.url.permission(hop.method);
        let headers = hop.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let bytes = hop.body_bytes + (hop.url.with_query().len() + headers.sum::<usize>()) as u64;
        self.gate.pass(hop.capability, Needs::Permission(&wanted), bytes).map_err(
            |refusal| match refusal {
                Refusal::Denied(reason) => {
                    SendError::Denied { permission: wanted.to_string(), reason }
                }
                Refusal::Exhausted(_) => SendError::Ended(refusal),
            },
        )?;
        let rights = Arc::clone(self.gate.rights());
        let mut headers = hop.headers;
        let url = hop.url.to_string();
        let rule = rights.rule_for(&wanted).unwrap_or_else(|| Arc::from(""));
        let mut sent = Sent::new(hop.method, url, wanted.to_string(), rule, hop.body_bytes);
        sent.secrets = self.inject(hop.capability, &hop.url, &mut headers)?;
        let sent = Arc::new(sent);
        self.outbox.push(Arc::clone(&sent));
        Ok(Prepared {
            egress: Arc::clone(&self.call.outside.egress),
            outgoing: Outgoing {
                owner: Arc::clone(&self.call.holdings.owner),
                method: hop.method,
                is_named: rights.names_host(&wanted),
                url: hop.url,
                headers,
                body: hop.body,
                timeouts: hop.timeouts,
                budget: self.outbox.budget(),
            },
            sent,
            scan: self.call.secrets.scan().clone(),
            clock: Arc::clone(&self.call.clock),
        })
    }

    /// Puts secrets into the headers; returns their names. One that is not granted is left out and
    /// the denial kept, one that is not set is left out and said in the log.
    fn inject(
        &mut self,
        capability: Capability,
        url: &RequestUrl,
        headers: &mut HeaderMap,
    ) -> Result<Vec<String>, SendError> {
        let holdings = Arc::clone(&self.call.holdings);
        let mut names = Vec::new();
        for injection in holdings.injections.iter().filter(|it| it.is_for(url.origin())) {
            let wanted = injection.permission(url.origin());
            match self.gate.pass(capability, Needs::Permission(&wanted), 0) {
                Ok(()) => {}
                Err(Refusal::Denied(_)) => continue,
                Err(refusal @ Refusal::Exhausted(_)) => return Err(SendError::Ended(refusal)),
            }
            let value = self.call.secrets.value(injection.name());
            match value.and_then(|value| injection.filled(value)) {
                Some(value) => {
                    headers.insert(injection.header(), value);
                    names.push(injection.name().to_owned());
                }
                None => {
                    let name = injection.name();
                    let line = format!("the secret `{name}` is not set: ax secret set {name}");
                    self.log.push(Level::Warn, &line, &[]);
                }
            }
        }
        Ok(names)
    }
}

impl Prepared {
    /// Sends the request and waits for the head of the answer.
    pub(super) async fn send(self) -> Result<Received, SendError> {
        let began = self.clock.monotonic();
        let answer = self.egress.send(self.outgoing).await;
        self.sent.took(self.clock.monotonic().saturating_sub(began));
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.sent.ended(end_of(&error));
                return Err(error.into());
            }
        };
        if let Some(secret) = leak_in(&answer.headers, &self.scan) {
            self.sent.ended(SentEnd::Leaked(Arc::clone(&secret)));
            return Err(SendError::Leak { secret });
        }
        self.sent.ended(SentEnd::Answered(answer.status));
        let body = Watched {
            inner: answer.body,
            scan: (!self.scan.is_empty()).then(|| self.scan.stream()),
            sent: self.sent,
            is_done: false,
        };
        Ok(Received { status: answer.status, headers: answer.headers, body })
    }
}

fn leak_in(headers: &HeaderMap, scan: &LeakScan) -> Option<Arc<str>> {
    if scan.is_empty() {
        return None;
    }
    headers
        .iter()
        .find_map(|(name, value)| scan.find(name.as_str().as_bytes()).or_else(|| scan.find(value.as_bytes())))
}

/// Says a failure as the audit keeps it.
fn end_of(error: &EgressError) -> SentEnd {
    match error {
        EgressError::AddressRefused { address, .. } => SentEnd::Refused(address.to_string()),
        EgressError::NotResolved { .. } => SentEnd::Failed("not-resolved"),
        EgressError::Connect { .. } => SentEnd::Failed("connect"),
        EgressError::Tls { .. } | EgressError::NoRoots { .. } => SentEnd::Failed("tls"),
        EgressError::Timeout { .. } => SentEnd::Failed("time"),
        EgressError::TooMuchOut { .. } => SentEnd::Failed(Limit::BytesOut.word()),
        EgressError::TooMuchIn { .. } => SentEnd::Failed(Limit::BytesIn.word()),
        EgressError::BodyTooLarge { .. } => SentEnd::Failed("body"),
        EgressError::Header { .. }
        | EgressError::RequestHeaders { .. }
        | EgressError::Target { .. }
        | EgressError::RequestBody { .. } => SentEnd::Failed("request"),
        EgressError::AnswerHeaders { .. }
        | EgressError::Protocol { .. }
        | EgressError::Encoding { .. }
        | EgressError::Decode { .. } => SentEnd::Failed("answer"),
        EgressError::Cut { .. } => SentEnd::Failed("cut"),
        EgressError::Stopped { .. } => SentEnd::Failed("stopped"),
    }
}

/// The body of an answer, scanned as it comes.
pub(super) struct Watched {
    inner: AnswerBody,
    /// None when the call may use no secret.
    scan: Option<LeakStream>,
    sent: Arc<Sent>,
    is_done: bool,
}

impl Watched {
    /// Reads the whole body, at most `bytes_max`.
    pub(super) async fn collect(mut self, bytes_max: u64) -> Result<Bytes, SendError> {
        use http_body_util::BodyExt;
        let mut whole = bytes::BytesMut::new();
        while let Some(frame) = self.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if (whole.len() + data.len()) as u64 > bytes_max {
                self.sent.ended(SentEnd::Failed("body"));
                let host = self.sent.host();
                return Err(EgressError::BodyTooLarge { host, max: bytes_max }.into());
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
            let chunk = match std::task::ready!(Pin::new(&mut this.inner).poll_frame(context)) {
                // Trailers reach no guest: they would come after the scan.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Some(data),
                    Err(_) => continue,
                },
                Some(Err(error)) => {
                    this.is_done = true;
                    this.sent.ended(end_of(&error));
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    this.is_done = true;
                    None
                }
            };
            match this.let_through(chunk) {
                Ok(passed) if passed.is_empty() => {}
                Ok(passed) => {
                    this.sent.received(passed.len());
                    return Poll::Ready(Some(Ok(Frame::data(passed))));
                }
                Err(leak) => {
                    this.is_done = true;
                    return Poll::Ready(Some(Err(leak)));
                }
            }
        }
        Poll::Ready(None)
    }
}
