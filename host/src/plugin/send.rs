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

use std::sync::Arc;
use std::time::Duration;

use ax_manifest::{Capability, Method, RequestUrl};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::gate::{Needs, Refusal};
use super::guest::Guest;
use super::limits::Limit;
use super::log::Level;
use super::outbox::{Passage, Posting, Sent, SentEnd};
use super::rights::DenialReason;
use super::watched::{Watched, posted};
use crate::clock::Clock;
use crate::egress::error::EgressError;
use crate::egress::{Egress, Outgoing, OutgoingBody, Timeouts};
use crate::secret::leak::LeakScan;

/// One request that is wanted, before anything was checked.
pub(super) struct Hop {
    /// The interface it came through.
    pub(super) capability: Capability,
    pub(super) method: Method,
    pub(super) url: RequestUrl,
    pub(super) headers: HeaderMap,
    pub(super) timeouts: Timeouts,
    /// Its number among the requests of the call that carry the call's key, if the request it goes on from
    /// has one.
    pub(super) number: Option<u32>,
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
    /// The guest gave it less time than it took.
    #[error("`{host}` took longer than {} ms in all", after.as_millis())]
    Late { host: String, after: Duration },
    /// The answer held a secret.
    #[error("the answer held the secret `{secret}` and was withheld")]
    Leak { secret: Arc<str> },
}

/// A request that may be sent, once it has its body.
pub(super) struct Prepared {
    egress: Arc<Egress>,
    outgoing: Outgoing,
    sent: Arc<Sent>,
    scan: LeakScan,
    passage: Arc<Passage>,
    clock: Arc<dyn Clock>,
    number: Option<u32>,
}

/// The head of an answer, and its body still to come.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Watched,
}

impl Guest {
    /// Counts and checks a request, and puts in the secrets that are granted for its origin.
    pub(super) fn prepare(&mut self, hop: Hop) -> Result<Prepared, SendError> {
        let Hop { capability, method, url, mut headers, timeouts, number } = hop;
        if !self.outbox.has_room() {
            self.gate.exhaust(Limit::Requests);
            return Err(SendError::Exhausted(Limit::Requests));
        }
        let wanted = url.permission(method);
        let head_bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let head_bytes = url.with_query().len() + head_bytes.sum::<usize>();
        let refused = |refusal| match refusal {
            Refusal::Denied(reason) => SendError::Denied { permission: wanted.to_string(), reason },
            Refusal::Exhausted(_) => SendError::Ended(refusal),
        };
        let needs = Needs::Permission(&wanted);
        self.gate.pass(capability, needs, head_bytes as u64).map_err(refused)?;
        let index = self.outbox.count();
        if let Some(recorder) = self.gate.recorder() {
            recorder.request(index);
        }
        let rights = Arc::clone(self.gate.rights());
        self.inject(capability, &url, &mut headers)?;
        let number = match &mut self.call.once {
            Some(once) => once.mark(&rights, method, &wanted, &mut headers, number),
            None => None,
        };
        // A guest that was told a secret in pieces may write it into a path.
        let shown = |text: String| self.call.secrets.scan().redact(&text).into_owned();
        let sent = Arc::new(Sent::new(Posting {
            method,
            url: shown(url.to_string()),
            permission: shown(wanted.to_string()),
            rule: rights.rule_for(&wanted).unwrap_or_else(|| Arc::from("")),
            interface: capability.row().interface,
        }));
        self.outbox.keep(Arc::clone(&sent));
        Ok(Prepared {
            egress: Arc::clone(&self.call.outside.egress),
            outgoing: Outgoing {
                owner: Arc::clone(&self.call.holdings.owner),
                method,
                is_named: rights.names_host(&wanted),
                url,
                headers,
                body: OutgoingBody::Bytes(Bytes::new()),
                timeouts,
                budget: self.outbox.budget(),
            },
            sent,
            scan: self.call.secrets.scan().clone(),
            passage: self.outbox.passage(),
            clock: Arc::clone(&self.call.clock),
            number,
        })
    }

    /// Puts secrets into the headers. One that is not granted is left out and the denial kept, one
    /// that is not set is left out and said in the log.
    fn inject(
        &mut self,
        capability: Capability,
        url: &RequestUrl,
        headers: &mut HeaderMap,
    ) -> Result<(), SendError> {
        let holdings = Arc::clone(&self.call.holdings);
        for injection in holdings.injections.iter().filter(|it| it.is_for(url.origin())) {
            let wanted = injection.permission(url.origin());
            match self.gate.pass(capability, Needs::Permission(&wanted), 0) {
                Ok(()) => {}
                Err(Refusal::Denied(_)) => continue,
                Err(refusal @ Refusal::Exhausted(_)) => return Err(SendError::Ended(refusal)),
            }
            let name = injection.name();
            let line = match self.call.secrets.value(name).map(|value| injection.filled(value)) {
                Some(Some(value)) => {
                    headers.insert(injection.header(), value);
                    continue;
                }
                Some(None) => format!("the secret `{name}` holds what no header may hold"),
                None => format!("the secret `{name}` is not set: ax secret set {name}"),
            };
            self.log.push(Level::Warn, &line, &[]);
        }
        Ok(())
    }
}

impl Prepared {
    /// Returns the clock's monotonic time.
    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Returns its number among the requests that carry the call's key.
    pub(super) fn number(&self) -> Option<u32> {
        self.number
    }

    /// Sends the request and waits for the head of the answer.
    pub(super) async fn send(self, body: OutgoingBody) -> Result<Received, SendError> {
        let body = posted(body, Arc::clone(&self.sent), Arc::clone(&self.passage));
        let began = self.clock.monotonic();
        let answer = self.egress.send(Outgoing { body, ..self.outgoing }).await;
        self.sent.took(self.clock.monotonic().saturating_sub(began));
        let answer = answer.inspect_err(|error| self.sent.ended(end_of(error)))?;
        if let Some(secret) = leak_in(&answer.headers, &self.scan) {
            self.sent.ended(SentEnd::Leaked(Arc::clone(&secret)));
            return Err(SendError::Leak { secret });
        }
        let Ok(status) = StatusCode::from_u16(answer.status) else {
            let host = answer.body.host().to_owned();
            return Err(EgressError::Protocol { host, why: "its status is none" }.into());
        };
        self.sent.ended(SentEnd::Answered(answer.status));
        let body = Watched::new(answer.body, &self.scan, self.sent, self.passage);
        Ok(Received { status, headers: answer.headers, body })
    }
}

fn leak_in(headers: &HeaderMap, scan: &LeakScan) -> Option<Arc<str>> {
    if scan.is_empty() {
        return None;
    }
    let found = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        scan.find(name.as_str().as_bytes()).or_else(|| scan.find(value.as_bytes()))
    };
    headers.iter().find_map(found)
}

/// Says a failure as the audit keeps it.
pub(super) fn end_of(error: &EgressError) -> SentEnd {
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
