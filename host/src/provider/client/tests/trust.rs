//! Who proves to be whom.

use std::sync::LazyLock;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::date_time_ymd;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

use super::*;
use crate::provider::hint::hint;

/// An authority that the tests trust, and one that they do not.
pub(super) static TRUSTED: LazyLock<CertifiedIssuer<'static, KeyPair>> =
    LazyLock::new(|| authority("trusted"));
static FOREIGN: LazyLock<CertifiedIssuer<'static, KeyPair>> =
    LazyLock::new(|| authority("foreign"));

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Listens on loopback, with a certificate for `name` and one protocol.
pub(super) async fn accept(
    name: &str,
    issuer: &CertifiedIssuer<'static, KeyPair>,
    last_year: i32,
    protocol: &[u8],
) -> (TcpListener, TlsAcceptor) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_after = date_time_ymd(last_year, 1, 1);
    let certificate = params.signed_by(&key, issuer).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = vec![protocol.to_vec()];
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    (listener, TlsAcceptor::from(Arc::new(config)))
}

/// Serves answers over TLS.
async fn serve(
    name: &str,
    issuer: &CertifiedIssuer<'static, KeyPair>,
    last_year: i32,
) -> (String, Arc<Mutex<Seen>>) {
    let (listener, acceptor) = accept(name, issuer, last_year, b"http/1.1").await;
    let place = format!("https://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Seen::default()));
    let notes = Arc::clone(&seen);
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                play(stream, vec![Act::Hear, say(answer("hi"))], Arc::clone(&notes)).await;
            }
        }
    });
    (place, seen)
}

pub(super) fn trusting(place: &str) -> Client {
    client(place, |_, settings| settings.roots = vec![TRUSTED.der().clone()])
}

#[tokio::test]
async fn a_server_that_proves_its_name_is_asked() {
    let (place, seen) = serve("127.0.0.1", &TRUSTED, 4_000).await;
    assert_eq!(told(&trusting(&place), whole()).await.0, "hi");
    assert_eq!(seen.lock().unwrap().heard.len(), 1);
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_gets_no_key() {
    for (name, issuer, last_year, wanted) in [
        ("other.test", &*TRUSTED, 4_000, "tls-name"),
        ("127.0.0.1", &*FOREIGN, 4_000, "tls-issuer"),
        ("127.0.0.1", &*TRUSTED, 2_000, "tls-expired"),
    ] {
        let (place, seen) = serve(name, issuer, last_year).await;
        let client = trusting(&place);
        let error = refused(&client, streamed()).await;
        assert_eq!((error.class, error.code.as_str()), (Class::Transient, wanted), "{error:?}");
        assert!(error.message.contains(&place), "{}", error.message);
        assert!(hint(&error, client.upstream.config()).is_some());
        assert!(seen.lock().unwrap().heard.is_empty());
    }
}

#[tokio::test]
async fn what_speaks_no_tls_is_told_apart() {
    let server = Server::new(vec![vec![say("HTTP/1.1 400 Bad Request\r\n\r\n"), Act::AwaitEnd]]);
    let place = server.await.place().replace("http:", "https:");
    let error = refused(&trusting(&place), streamed()).await;
    assert_eq!(error.code, "tls", "{error:?}");
}
