//! Certificates for servers of tests: an authority that the tests trust, and one that they do not.
//!
//! Not here: the servers (`server`).

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::LazyLock;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::IsCa;
use rcgen::KeyPair;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::ServerConnection;
use tokio_rustls::rustls::StreamOwned;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::server::Stream;
use crate::server::Wrap;

/// Who signs a server's certificate.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

static TRUSTED: LazyLock<Authority> = LazyLock::new(|| Authority::new("trusted"));
static FOREIGN: LazyLock<Authority> = LazyLock::new(|| Authority::new("foreign"));

impl Authority {
    /// The one that tests add to the roots.
    #[must_use]
    pub fn trusted() -> &'static Self {
        &TRUSTED
    }

    /// One that nobody trusts.
    #[must_use]
    pub fn foreign() -> &'static Self {
        &FOREIGN
    }

    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// Returns its own certificate.
    #[must_use]
    pub fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// Makes connections of a server that can prove to be `name`.
    ///
    /// # Panics
    ///
    /// When `name` is no host.
    #[must_use]
    pub fn proving(&self, name: &str) -> Arc<Wrap> {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .expect("they fit");
        let config = Arc::new(config);
        Arc::new(move |stream: TcpStream| {
            let server =
                ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
            Ok(Box::new(StreamOwned::new(server, stream)) as Box<dyn Stream>)
        })
    }
}
