//! One HTTP exchange with an address that was checked.
//!
//! ```text
//! Outgoing ──→ headers ──→ idle? ──→ connect (resolve, check, TCP, TLS) ──→ exchange ──→ Answer
//!                                                                              │
//!                                       budget ◄── wire, decode ◄── body ◄─────┘
//! ```
//!
//! | file       | answers                                                        |
//! |------------|----------------------------------------------------------------|
//! | `address`  | what is this address, and may the request go there?            |
//! | `network`  | what has the operator opened?                                  |
//! | `resolve`  | which addresses has a name?                                    |
//! | `connect`  | how is it reached?                                             |
//! | `tls`      | who is it?                                                     |
//! | `link`     | who drives a connection, and when does it end?                 |
//! | `idle`     | which connections wait for the next request?                   |
//! | `headers`  | which headers go out, and which come in?                       |
//! | `payload`  | what is sent as a body?                                        |
//! | `exchange` | how does one request become one answer?                        |
//! | `body`     | how is the answer read?                                        |
//! | `decode`   | what is in an encoded one?                                     |
//! | `wire`     | how many bytes passed?                                         |
//! | `budget`   | how many may the call still exchange?                          |
//! | `blame`    | why did it fail?                                               |
//! | `script`   | what is answered in a rehearsal, without any network?          |
//!
//! HTTP/1.1 alone, without proxies, cookies, upgrades or redirects: a redirect is an answer like any
//! other, and following it is a new request that must be allowed anew.
//!
//! Invariant: no byte goes to an address that was not checked for this very request, and nothing a
//! server sends grows without a bound. Dropping a future or a body closes what it held.
//!
//! Not here: whether a request is permitted, secrets, and the scan for them (`plugin`).

mod address;
mod blame;
mod body;
mod budget;
mod connect;
mod decode;
pub mod error;
mod exchange;
mod headers;
mod idle;
mod link;
mod network;
mod payload;
mod resolve;
pub mod script;
mod tls;
mod wire;

#[cfg(test)]
mod tests;

pub use address::AddressKind;
pub use address::is_closed;
pub use body::AnswerBody;
pub use budget::ByteBounds;
pub use budget::ByteBudget;
pub use headers::ANSWER_HEAD_BYTES_MAX;
pub use headers::HEADERS_MAX;
pub use headers::REQUEST_HEADER_BYTES_MAX;
pub use headers::is_refused;
pub use network::Network;
pub use network::NetworkError;
pub use payload::BodyError;
pub use payload::OutgoingBody;
pub use resolve::Resolve;
pub use resolve::SystemResolver;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ax_manifest::Method;
use ax_manifest::RequestUrl;
use http::HeaderMap;
use tokio::runtime::Handle;
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::egress::connect::Connector;
use crate::egress::connect::Served;
use crate::egress::error::EgressError;
use crate::egress::error::EgressStartError;
use crate::egress::idle::Idle;
use crate::egress::script::Script;
use crate::egress::tls::Tls;

/// How requests find their way.
#[derive(Debug)]
pub struct EgressConfig {
    /// Finds addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Certificate authorities that are trusted besides the system's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Networks that the operator opened although they are not public.
    pub opened: Vec<Network>,
    /// What answers instead of the network, in a rehearsal.
    pub script: Option<Arc<Script>>,
}

impl Default for EgressConfig {
    /// The system's resolver and its certificate authorities, and nothing opened.
    fn default() -> Self {
        let resolver = Arc::new(SystemResolver::new());
        Self { resolver, extra_roots: Vec::new(), opened: Vec::new(), script: None }
    }
}

/// Makes HTTP exchanges.
pub struct Egress {
    runtime: Handle,
    connector: Arc<Connector>,
    idle: Arc<Idle>,
}

/// How long to wait for a server. The request as a whole has no time of its own: that is the call's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For resolving, connecting and TLS together.
    pub connect: Duration,
    /// From the request to the end of the answer's headers; sending the body is in it.
    pub first_byte: Duration,
    /// From one piece of the answer's body to the next.
    pub between_bytes: Duration,
}

impl Default for Timeouts {
    /// A slow connection to the other side of the world takes two seconds, a slow model thirty to
    /// begin its answer.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            between_bytes: Duration::from_secs(30),
        }
    }
}

/// A request that somebody has permitted.
pub struct Outgoing {
    /// Whose request it is. Connections are never shared between owners.
    pub owner: Arc<str>,
    /// What to do.
    pub method: Method,
    /// Where.
    pub url: RequestUrl,
    /// The caller's headers; see [`is_refused`].
    pub headers: HeaderMap,
    /// What to send.
    pub body: OutgoingBody,
    /// Whether a rule names the very host of `url`, rather than a pattern that includes it. Only
    /// then are private addresses reached, and only those that are named by the URL too.
    pub is_named: bool,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// What the call may still exchange.
    pub budget: Arc<ByteBudget>,
}

impl fmt::Debug for Outgoing {
    /// Leaves out headers and body, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("owner", &self.owner)
            .field("method", &self.method)
            .field("url", &self.url)
            .field("body", &self.body)
            .field("is_named", &self.is_named)
            .finish_non_exhaustive()
    }
}

/// The answer to a request; its body is still to be read.
pub struct Answer {
    /// The status, 200 to 999; redirects among them.
    pub status: u16,
    /// The headers, without those of the connection.
    pub headers: HeaderMap,
    /// The body, decoded.
    pub body: AnswerBody,
    /// Who answered.
    pub remote: SocketAddr,
    /// Whether an earlier request opened the connection.
    pub is_reused: bool,
}

impl fmt::Debug for Answer {
    /// Leaves out headers and body, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("remote", &self.remote)
            .field("is_reused", &self.is_reused)
            .finish_non_exhaustive()
    }
}

impl Egress {
    /// Gets ready to send; connects to nothing and loads no certificates yet. `runtime` serves
    /// sockets and timers; requests may be made from any runtime with timers.
    ///
    /// # Errors
    ///
    /// [`EgressStartError::Root`] for an extra root that is none.
    pub fn new(config: EgressConfig, runtime: Handle) -> Result<Arc<Self>, EgressStartError> {
        let EgressConfig { resolver, extra_roots, opened, script } = config;
        let tls = Tls::new(extra_roots)?;
        let served = script.map(|script| Served { script, runtime: runtime.clone() });
        let connector = Arc::new(Connector { resolver, tls, opened, served });
        Ok(Arc::new(Self { runtime, connector, idle: Arc::default() }))
    }

    /// Sends a request and waits for the head of its answer. Dropping the future takes the request
    /// back as far as that is possible.
    ///
    /// # Errors
    ///
    /// [`EgressError`]; an answer of any status from 200 on is no error.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, EgressError> {
        Box::pin(exchange::send(self, outgoing)).await
    }

    /// Returns how many connections wait for their next request.
    #[must_use]
    pub fn idle_connections(&self) -> usize {
        self.idle.len()
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("connector", &self.connector).finish_non_exhaustive()
    }
}
