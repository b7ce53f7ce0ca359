//! Servers that take their time. The clock is paused: it moves when everyone waits.

use super::*;
use crate::egress::error::Phase;

fn timed_out(error: &EgressError) -> Phase {
    match error {
        EgressError::Timeout { phase, .. } => *phase,
        other => panic!("{other:?}"),
    }
}

fn hurried(url: &str) -> Outgoing {
    let timeouts = Timeouts {
        connect: Duration::from_secs(1),
        first_byte: Duration::from_secs(2),
        between_bytes: Duration::from_secs(3),
    };
    Outgoing { timeouts, ..get(url) }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_begins_is_given_up() {
    let server = Server::new(vec![vec![Act::Hear, Act::AwaitEnd]]).await;
    let start = tokio::time::Instant::now();
    let error = refused(&egress(), hurried(&server.url("/"))).await;
    assert_eq!(timed_out(&error), Phase::FirstByte);
    assert!(error.is_transient());
    assert_eq!(start.elapsed().as_secs(), 2);
    server.ended(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_given_up() {
    let drip = "HTTP/1.1 200 OK\r\nx-a: bbbbbbbbbbbbbbbbbbbbbbbb\r\n\r\n"
        .bytes()
        .flat_map(|byte| [say([byte]), Act::Wait(Duration::from_millis(100))]);
    let server = Server::new(vec![[Act::Hear].into_iter().chain(drip).collect()]).await;
    let error = refused(&egress(), hurried(&server.url("/"))).await;
    assert_eq!(timed_out(&error), Phase::FirstByte);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_is_given_up() {
    let script =
        vec![Act::Hear, say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel"), Act::AwaitEnd];
    let server = Server::new(vec![script]).await;
    let egress = egress();
    let error = refused(&egress, hurried(&server.url("/"))).await;
    assert_eq!(timed_out(&error), Phase::BetweenBytes);
    server.ended(1).await;
    assert_eq!(egress.idle_connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_goes_on_slowly_is_read() {
    let mut script = vec![Act::Hear, say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")];
    for byte in "hello".bytes() {
        script.extend([Act::Wait(Duration::from_millis(2_900)), say([byte])]);
    }
    let server = Server::new(vec![script]).await;
    assert_eq!(fetch(&egress(), hurried(&server.url("/"))).await.unwrap().1, "hello");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_is_given_up() {
    let server = Server::new(vec![vec![Act::Wait(Duration::from_secs(60))]]).await;
    let outgoing = hurried(&server.url("/"));
    let body = OutgoingBody::Bytes(vec![0; 7 << 20].into());
    let error = refused(&egress(), Outgoing { method: Method::Post, body, ..outgoing }).await;
    assert_eq!(timed_out(&error), Phase::FirstByte);
}

/// Never answers.
#[derive(Debug)]
struct Silent;

impl Resolve for Silent {
    fn resolve<'a>(&'a self, _: &'a str, _host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_never_answers_is_given_up() {
    let egress = egress_with(Arc::new(Silent), &[]);
    let start = tokio::time::Instant::now();
    let error = refused(&egress, hurried("http://silent.test/")).await;
    assert_eq!(timed_out(&error), Phase::Connect);
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn tls_that_is_never_answered_is_given_up() {
    let server = Server::new(vec![vec![Act::AwaitEnd]]).await;
    let url = format!("https://{}/", server.address);
    let start = tokio::time::Instant::now();
    let error = refused(&egress(), hurried(&url)).await;
    // Where no certificates are installed it ends sooner.
    if !matches!(error, EgressError::NoRoots { .. }) {
        assert_eq!(timed_out(&error), Phase::Connect);
        assert_eq!(start.elapsed().as_secs(), 1);
    }
}
