//! TLS with the checked host's name, against the authorities that this machine trusts.
//!
//! Loading them takes tens of milliseconds, so it happens with the first `https` request and not
//! before: most commands never make one.
//!
//! Invariant: no certificate is skipped. Sessions are not resumed, since tickets would tie together
//! plugins that must not know of each other, and would pass over the certificate.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use ax_manifest::HostPattern;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls;
use tokio_rustls::rustls::CertificateError;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::egress::error::EgressError;
use crate::egress::error::EgressStartError;
use crate::egress::error::TlsProblem;

/// Makes TLS connections.
#[derive(Debug)]
pub(super) struct Tls {
    extra_roots: Vec<CertificateDer<'static>>,
    config: OnceCell<Arc<ClientConfig>>,
}

impl Tls {
    /// Checks the extra roots; everything else waits for the first connection.
    pub(super) fn new(extra_roots: Vec<CertificateDer<'static>>) -> Result<Self, EgressStartError> {
        let mut store = RootCertStore::empty();
        for (index, root) in extra_roots.iter().enumerate() {
            store
                .add(root.clone())
                .map_err(|source| EgressStartError::Root { number: index + 1, source })?;
        }
        Ok(Self { extra_roots, config: OnceCell::new() })
    }

    /// Agrees on TLS over `stream` with whoever can prove to be `host`.
    pub(super) async fn connect(
        &self,
        stream: TcpStream,
        host: &HostPattern,
    ) -> Result<TlsStream<TcpStream>, EgressError> {
        let config = self.config.get_or_try_init(|| self.configure(host)).await?;
        let failed = |source: io::Error| EgressError::Tls {
            host: host.to_string(),
            why: problem(&source),
            source,
        };
        let name = server_name(host).map_err(failed)?;
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await.map_err(failed)
    }

    async fn configure(&self, host: &HostPattern) -> Result<Arc<ClientConfig>, EgressError> {
        let roots = self.extra_roots.clone();
        // Reads some hundred files.
        let made = tokio::task::spawn_blocking(move || client_config(roots)).await;
        let host = || host.to_string();
        made.map_err(|_| EgressError::Stopped { host: host() })?
            .map_err(|source| EgressError::NoRoots { host: host(), source })
    }
}

fn client_config(
    extra_roots: Vec<CertificateDer<'static>>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(
        extra_roots,
        Arc::clone(&provider),
    )?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn server_name(host: &HostPattern) -> io::Result<ServerName<'static>> {
    match host {
        HostPattern::Name(name) => ServerName::try_from(name.clone()).map_err(io::Error::other),
        HostPattern::V4(address) => Ok(ServerName::from(IpAddr::V4(*address))),
        HostPattern::V6(address) => Ok(ServerName::from(IpAddr::V6(*address))),
        HostPattern::Any | HostPattern::Under(_) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "a pattern is no host"))
        }
    }
}

/// Says in words of ours what rustls found.
fn problem(error: &io::Error) -> TlsProblem {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsProblem::WrongName
            }
            CertificateError::UnknownIssuer => TlsProblem::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                TlsProblem::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TlsProblem::NotYetValid
            }
            CertificateError::Revoked => TlsProblem::Revoked,
            _ => TlsProblem::BadCertificate,
        },
        Some(rustls::Error::InvalidMessage(_)) => TlsProblem::NotTls,
        Some(_) | None => TlsProblem::Handshake,
    }
}
