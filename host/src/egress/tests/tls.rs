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
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::*;
use crate::egress::error::EgressStartError;
use crate::egress::error::TlsProblem;

/// An authority that the tests trust, and one that they do not.
static TRUSTED: LazyLock<CertifiedIssuer<'static, KeyPair>> =
    LazyLock::new(|| authority("trusted"));
static FOREIGN: LazyLock<CertifiedIssuer<'static, KeyPair>> =
    LazyLock::new(|| authority("foreign"));

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Serves TLS on loopback with a certificate for `name`.
async fn serve(
    name: &str,
    issuer: &CertifiedIssuer<'static, KeyPair>,
    last_year: i32,
    script: Vec<Act>,
) -> (SocketAddr, Arc<Mutex<Seen>>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_after = date_time_ymd(last_year, 1, 1);
    let certificate = params.signed_by(&key, issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let notes = Arc::clone(&seen);
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                notes.lock().unwrap().connections += 1;
                play(stream, script.clone(), Arc::clone(&notes)).await;
            }
        }
    });
    (address, seen)
}

fn trusting(roots: &[&CertifiedIssuer<'static, KeyPair>]) -> Arc<Egress> {
    let config = EgressConfig {
        resolver: Script::new(&[&["127.0.0.1"]]),
        extra_roots: roots.iter().map(|root| root.der().clone()).collect(),
        opened: vec!["127.0.0.0/8".parse().unwrap()],
        script: None,
    };
    Egress::new(config, Handle::current()).unwrap()
}

fn problem(error: &EgressError) -> TlsProblem {
    match error {
        EgressError::Tls { why, .. } => *why,
        other => panic!("{other:?}"),
    }
}

const FAR: i32 = 4000;

fn answering() -> Vec<Act> {
    vec![Act::Hear, say(OK)]
}

#[tokio::test]
async fn a_server_that_proves_its_name_or_address_is_asked() {
    for name in ["server.test", "127.0.0.1"] {
        let (address, seen) = serve(name, &TRUSTED, FAR, answering()).await;
        let egress = trusting(&[&TRUSTED]);
        let url = format!("https://{name}:{}/", address.port());
        assert_eq!(fetch(&egress, get(&url)).await.unwrap(), (200, "ok".into()));
        let heard = String::from_utf8(seen.lock().unwrap().heard[0].clone()).unwrap();
        assert!(heard.contains(&format!("host: {name}:{}\r\n", address.port())), "{heard}");
    }
}

#[tokio::test]
async fn a_tls_connection_serves_one_request_after_the_other() {
    let turns = (0..3).flat_map(|_| answering()).collect();
    let (address, seen) = serve("server.test", &TRUSTED, FAR, turns).await;
    let egress = trusting(&[&TRUSTED]);
    let url = format!("https://server.test:{}/", address.port());
    for turn in 0..3 {
        let answer = egress.send(get(&url)).await.unwrap();
        assert_eq!(answer.is_reused, turn > 0);
        answer.body.collect(2).await.unwrap();
    }
    assert_eq!(seen.lock().unwrap().connections, 1);
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_gets_no_request() {
    for (name, issuer, last_year, wanted) in [
        ("other.test", &*TRUSTED, FAR, TlsProblem::WrongName),
        ("127.0.0.1", &*TRUSTED, FAR, TlsProblem::WrongName),
        ("server.test", &*FOREIGN, FAR, TlsProblem::UnknownIssuer),
        ("server.test", &*TRUSTED, 2000, TlsProblem::Expired),
    ] {
        let (address, seen) = serve(name, issuer, last_year, answering()).await;
        let url = format!("https://server.test:{}/", address.port());
        let error = refused(&trusting(&[&TRUSTED]), get(&url)).await;
        assert_eq!(problem(&error), wanted, "{error:?}");
        assert!(!error.is_transient());
        assert!(seen.lock().unwrap().heard.is_empty());
    }
}

#[tokio::test]
async fn what_speaks_no_tls_is_told_apart() {
    let server =
        Server::new(vec![vec![say("HTTP/1.1 400 Bad Request\r\n\r\n"), Act::AwaitEnd]]).await;
    let url = format!("https://{}/", server.address);
    let error = refused(&trusting(&[&TRUSTED]), get(&url)).await;
    assert_eq!(problem(&error), TlsProblem::NotTls, "{error:?}");
    let server = Server::new(vec![vec![]]).await;
    let url = format!("https://{}/", server.address);
    let error = refused(&trusting(&[&TRUSTED]), get(&url)).await;
    assert_eq!(problem(&error), TlsProblem::Handshake, "{error:?}");
}

#[tokio::test]
async fn a_cut_is_seen_over_tls_even_without_a_length() {
    // The whole answer, but the end of TLS is missing: the connection is reset under it.
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["server.test".to_owned()])
        .unwrap()
        .signed_by(&key, &*TRUSTED)
        .unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
        hear(&mut stream, true, &Mutex::default()).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await.unwrap();
        stream.flush().await.unwrap();
        let (mut raw, _) = stream.into_inner();
        raw.shutdown().await.unwrap();
    });
    let url = format!("https://server.test:{port}/");
    let error = refused(&trusting(&[&TRUSTED]), get(&url)).await;
    assert!(matches!(error, EgressError::Cut { .. }), "{error:?}");
}

#[tokio::test]
async fn an_extra_root_that_is_none_is_refused_at_once() {
    let config = EgressConfig {
        resolver: Script::new(&[]),
        extra_roots: vec![TRUSTED.der().clone(), CertificateDer::from(vec![1, 2, 3])],
        opened: Vec::new(),
        script: None,
    };
    let error = Egress::new(config, Handle::current()).unwrap_err();
    let EgressStartError::Root { number, .. } = &error;
    assert_eq!(*number, 2);
    assert!(error.hint().is_some());
}
