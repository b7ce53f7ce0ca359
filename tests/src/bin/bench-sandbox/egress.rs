//! What a checked exchange costs, against a bare HTTP client with pooled connections.
//!
//! Both sides talk to the same server on loopback, one request at a time over a connection that
//! stays open, and read the whole answer. Ours is what a guest's request goes through outside the
//! guest: budget, address check, idle connections, bounds of headers and body.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ax_host::egress::{
    ByteBounds, ByteBudget, Egress, EgressConfig, Outgoing, OutgoingBody, Timeouts,
};
use ax_manifest::{Method, RequestUrl};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};

use crate::Effort;
use ax_tests::row::{Bar, Row, percentile};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nHello, world!";

pub(crate) fn run(effort: Effort) -> Vec<Row> {
    let address = serve();
    // As guests have it: several threads, and timers and sockets looked at after every poll.
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .event_interval(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let (mut ours, mut bare) = runtime.block_on(async {
        let rounds = effort.rounds(50_000);
        // The client wants one even where nothing is encrypted.
        drop(tokio_rustls::rustls::crypto::ring::default_provider().install_default());
        let (egress, client) = (egress(), reqwest::Client::builder().no_proxy().build());
        let client = client.expect("a client");
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..10 {
            ours.extend(time_ours(&egress, address, rounds / 10).await);
            bare.extend(time_bare(&client, address, rounds / 10).await);
        }
        (ours, bare)
    });
    let p50 = Row::time(
        "egress exchange p50",
        percentile(&mut ours, 50),
        Some(percentile(&mut bare, 50)),
        Bar::Ratio(1.5),
    );
    let p99 = Row::time(
        "egress exchange p99",
        percentile(&mut ours, 99),
        Some(percentile(&mut bare, 99)),
        Bar::None,
    );
    vec![p50, p99]
}

fn egress() -> Arc<Egress> {
    Egress::new(EgressConfig::default(), Handle::current()).expect("no extra roots")
}

async fn time_ours(egress: &Egress, address: SocketAddr, rounds: usize) -> Vec<Duration> {
    let url: RequestUrl = format!("http://{address}/hello").parse().expect("a URL");
    let owner: Arc<str> = "bench:guest".into();
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let began = Instant::now();
        let bounds = ByteBounds { sent_bytes_max: 8 << 20, received_bytes_max: 32 << 20 };
        let answer = egress
            .send(Outgoing {
                owner: Arc::clone(&owner),
                method: Method::Get,
                url: url.clone(),
                headers: http::HeaderMap::new(),
                body: OutgoingBody::Bytes(bytes::Bytes::new()),
                is_named: true,
                timeouts: Timeouts::default(),
                budget: ByteBudget::new(bounds),
            })
            .await
            .expect("an answer");
        let body = answer.body.collect(1 << 20).await.expect("a body");
        times.push(began.elapsed());
        assert_eq!(body.len(), 13);
    }
    times
}

async fn time_bare(client: &reqwest::Client, address: SocketAddr, rounds: usize) -> Vec<Duration> {
    let url = format!("http://{address}/hello");
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let began = Instant::now();
        let answer = client.get(&url).send().await.expect("an answer");
        let body = answer.bytes().await.expect("a body");
        times.push(began.elapsed());
        assert_eq!(body.len(), 13);
    }
    times
}

/// Serves on a thread of its own until the process ends.
fn serve() -> SocketAddr {
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
            tell.send(listener.local_addr().expect("its address")).expect("somebody waits");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer_all(stream));
            }
        });
    });
    told.recv().expect("the server starts")
}

/// Answers every request on a connection; each comes in one piece.
async fn answer_all(mut stream: TcpStream) {
    stream.set_nodelay(true).expect("a socket option");
    let mut piece = [0; 4096];
    while let Ok(read) = stream.read(&mut piece).await {
        if read == 0 || stream.write_all(ANSWER).await.is_err() {
            return;
        }
    }
}
