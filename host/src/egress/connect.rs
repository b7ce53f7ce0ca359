//! From a checked origin to a connection with an address that was checked.
//!
//! ```text
//! origin ──→ addresses (one lookup) ──→ every one checked ──→ TCP to the first that answers ──→ TLS
//! ```
//!
//! Invariant: what is connected to is an address that passed [`Leave::check`], not a name; nothing
//! looks the name up a second time.

use std::io;
use std::io::IoSlice;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use ax_manifest::HostPattern;
use ax_manifest::Origin;
use ax_manifest::Scheme;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::DuplexStream;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_rustls::client::TlsStream;

use crate::egress::address::Leave;
use crate::egress::error::EgressError;
use crate::egress::error::Phase;
use crate::egress::network::Network;
use crate::egress::resolve::Resolve;
use crate::egress::script::SCRIPTED;
use crate::egress::script::Script;
use crate::egress::tls::Tls;

/// Addresses of one name that are tried. More would get less than a second each.
const ADDRESSES_MAX: usize = 16;

/// Finds and opens connections.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) tls: Tls,
    pub(super) opened: Vec<Network>,
    /// In a rehearsal, who is connected to instead of anybody else.
    pub(super) served: Option<Served>,
}

/// A script, and what serves its connections.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) script: Arc<Script>,
    pub(super) runtime: Handle,
}

impl Connector {
    /// Returns what decides about addresses for a request to `origin`.
    pub(super) fn leave<'a>(&'a self, origin: &'a Origin, is_named: bool) -> Leave<'a> {
        Leave { host: origin.host(), is_named, opened: &self.opened }
    }

    /// Opens a connection for `owner`. The caller bounds the time; `within` is what it gives, to be shared
    /// among the addresses.
    pub(super) async fn connect(
        &self,
        owner: &str,
        origin: &Origin,
        is_named: bool,
        within: Duration,
    ) -> Result<(Stream, SocketAddr), EgressError> {
        if let Some(Served { script, runtime }) = &self.served {
            return Ok((Stream::Script(script.open(origin, runtime)), SCRIPTED));
        }
        let host = origin.host();
        let addresses = self.addresses(owner, host).await?;
        let leave = self.leave(origin, is_named);
        // One refused address refuses them all: a name with a public and a private one is how DNS
        // rebinding works, where the browser or host is made to fall back from one to the other.
        for address in &addresses {
            leave.check(*address).map_err(|why| EgressError::AddressRefused {
                host: host.to_string(),
                address: *address,
                why,
            })?;
        }
        let port = origin.port().unwrap_or(origin.scheme().default_port());
        let (stream, remote) = open(host, port, &addresses, within).await?;
        let stream = match origin.scheme() {
            Scheme::Http => Stream::Plain(stream),
            Scheme::Https => Stream::Tls(Box::new(self.tls.connect(stream, host).await?)),
        };
        Ok((stream, remote))
    }

    /// Returns the addresses of a host, at least one.
    async fn addresses(&self, owner: &str, host: &HostPattern) -> Result<Vec<IpAddr>, EgressError> {
        let failed = |source| EgressError::NotResolved { host: host.to_string(), source };
        let name = match host {
            HostPattern::V4(address) => return Ok(vec![(*address).into()]),
            HostPattern::V6(address) => return Ok(vec![(*address).into()]),
            HostPattern::Name(name) => name,
            HostPattern::Any | HostPattern::Under(_) => {
                return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not one host")));
            }
        };
        let mut addresses = Vec::new();
        for address in self.resolver.resolve(owner, name).await.map_err(failed)? {
            // What the system would connect to: an IPv4 address in IPv6 form is that one.
            let address = address.to_canonical();
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(failed(io::Error::new(io::ErrorKind::NotFound, "it has no address")));
        }
        Ok(addresses)
    }
}

/// Connects to the first address that answers; each gets an equal share of the time, so that a dead
/// one does not use up what the next one needs.
async fn open(
    host: &HostPattern,
    port: u16,
    addresses: &[IpAddr],
    within: Duration,
) -> Result<(TcpStream, SocketAddr), EgressError> {
    let tried = &addresses[..addresses.len().min(ADDRESSES_MAX)];
    let share = within / u32::try_from(tried.len()).unwrap_or(u32::MAX).max(1);
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for address in tried {
        let remote = SocketAddr::new(*address, port);
        let connected = tokio::time::timeout(share, connect_to(remote)).await;
        match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => return Ok((stream, remote)),
            Err(error) => last = error,
        }
    }
    let host = host.to_string();
    if last.kind() == io::ErrorKind::TimedOut {
        return Err(EgressError::Timeout { host, phase: Phase::Connect, after: within });
    }
    Err(EgressError::Connect { host, port, source: last })
}

async fn connect_to(remote: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(remote).await?;
    // Requests are written whole; waiting for more to send would only cost time.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection, in the clear or not, or with a script.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Script(DuplexStream),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Script(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Script(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Script(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Script(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
            Self::Script(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Script(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }
}
