//! Answers that a script gives instead of the network, for rehearsals.
//!
//! ```text
//! connect ──→ a pipe in memory ──→ HTTP/1.1 ──→ the first line that is meant and not used up
//! ```
//!
//! Everything above the connection is as ever: headers, bounds, decoding, what an answer that is cut
//! off means. There is no name to resolve, no address to check and no certificate.
//!
//! Invariant: with a script nothing leaves this process.
//! Not here: whether a request is permitted, which is decided before (`plugin`).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use ax_manifest::Origin;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::io::DuplexStream;
use tokio::runtime::Handle;

use crate::egress::wire::Wire;

/// Bytes that wait in the pipe of a connection.
const PIPE_BYTES: usize = 64 * 1024;

/// Bytes of a request's body that a script looks at; a call may not send more.
const REQUEST_BODY_BYTES_MAX: usize = 8 << 20;

/// Requests without an answer that are told apart; more are one too many all the same.
const STRAYS_MAX: usize = 32;

/// Who answers: an address that is set aside for documentation (RFC 5737).
pub(super) const SCRIPTED: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 80);

/// A request that is expected, and what it gets.
#[derive(Debug, Clone)]
pub struct Line {
    /// In capital letters.
    pub method: String,
    /// The whole URL, with its query.
    pub url: String,
    /// Headers it must carry, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body it must have, if that matters.
    pub body: Option<Bytes>,
    /// What it gets.
    pub answer: Scripted,
    /// How often it may come.
    pub times: u32,
}

/// What a request gets.
#[derive(Debug, Clone)]
pub enum Scripted {
    /// An answer.
    Answer {
        /// 200 to 599.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// The connection ends before a byte of an answer.
    Cut,
}

/// What was not as the script says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Departures {
    /// Requests that no line is about: method and URL.
    pub strays: Vec<String>,
    /// Lines that nobody asked for, or not as often as they say: method and URL.
    pub unused: Vec<String>,
}

/// The lines that are left.
#[derive(Debug, Default)]
pub struct Script {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<Line>,
    strays: Vec<String>,
}

impl Script {
    /// Makes a script; without lines every request is a stray one.
    #[must_use]
    pub fn new(lines: Vec<Line>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { lines, strays: Vec::new() }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what was not as the script says.
    #[must_use]
    pub fn departures(&self) -> Departures {
        let state = self.state();
        let unused = state.lines.iter().filter(|line| line.times > 0);
        Departures {
            strays: state.strays.clone(),
            unused: unused.map(|line| format!("{} {}", line.method, line.url)).collect(),
        }
    }

    /// Opens a connection to `origin`, served by a task on `runtime` until either side ends it.
    pub(super) fn open(self: &Arc<Self>, origin: &Origin, runtime: &Handle) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let (script, origin) = (Arc::clone(self), origin.to_string());
        let service = service_fn(move |request| {
            let (script, origin) = (Arc::clone(&script), origin.clone());
            async move { script.answer(&origin, request).await }
        });
        let served =
            http1::Builder::new().serve_connection(Wire::new(theirs, Arc::default()), service);
        #[expect(clippy::disallowed_methods, reason = "it ends with the other end of its pipe")]
        runtime.spawn(served);
        ours
    }

    async fn answer(
        &self,
        origin: &str,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, CutHere> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, REQUEST_BODY_BYTES_MAX).collect().await;
        let body = body.map_err(|_| CutHere)?.to_bytes();
        let url = format!("{origin}{}", head.uri);
        match self.take(head.method.as_str(), &url, &head.headers, &body) {
            Some(Scripted::Answer { status, headers, body }) => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                response.body(Full::new(body)).map_err(|_| CutHere)
            }
            Some(Scripted::Cut) | None => Err(CutHere),
        }
    }

    /// Finds the line about a request and uses it up once.
    fn take(
        &self,
        method: &str,
        url: &str,
        headers: &http::HeaderMap,
        body: &Bytes,
    ) -> Option<Scripted> {
        let mut state = self.state();
        let is_meant = |line: &Line| {
            let carries = |(name, value): (&String, &String)| {
                headers.get(name).is_some_and(|held| held.as_bytes() == value.as_bytes())
            };
            line.times > 0
                && line.method == method
                && line.url == url
                && line.body.as_ref().is_none_or(|wanted| wanted == body)
                && line.headers.iter().all(carries)
        };
        if let Some(line) = state.lines.iter_mut().find(|line| is_meant(line)) {
            line.times -= 1;
            return Some(line.answer.clone());
        }
        if state.strays.len() < STRAYS_MAX {
            state.strays.push(format!("{method} {url}"));
        }
        None
    }
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the script ends the connection here")]
struct CutHere;
