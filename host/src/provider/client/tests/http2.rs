//! Several answers over one connection.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::trust::{TRUSTED, accept, trusting};
use super::*;

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicUsize,
    requests: AtomicUsize,
    dropped: AtomicUsize,
}

/// Counts when a body is dropped, be it at its end or before.
struct Body(Arc<Counts>);

impl Drop for Body {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// Serves answers that say `a`, and end if they are not the first.
async fn serve() -> (String, Arc<Counts>) {
    let (listener, acceptor) = accept("127.0.0.1", &TRUSTED, 4_000, b"h2").await;
    let place = format!("https://{}", listener.local_addr().unwrap());
    let counts = Arc::new(Counts::default());
    let seen = Arc::clone(&counts);
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = acceptor.accept(stream).await.unwrap();
            seen.connections.fetch_add(1, Ordering::SeqCst);
            let seen = Arc::clone(&seen);
            let service = service_fn(move |_: http::Request<hyper::body::Incoming>| {
                let seen = Arc::clone(&seen);
                async move {
                    let is_first = seen.requests.fetch_add(1, Ordering::SeqCst) == 0;
                    let body = Body(seen);
                    let said = [begun(), text_event("a"), finished()];
                    let count = if is_first { 2 } else { 3 };
                    let said = said.into_iter().take(count);
                    let frame = |text: String| Ok::<_, Infallible>(Frame::data(Bytes::from(text)));
                    let rest = futures_util::stream::once(async move {
                        if is_first {
                            std::future::pending::<()>().await;
                        }
                        drop(body);
                        frame(String::new())
                    });
                    let frames = futures_util::stream::iter(said.map(frame)).chain(rest);
                    let answer = http::Response::builder().header("request-id", "req_h2");
                    Ok::<_, Infallible>(answer.body(StreamBody::new(frames)).unwrap())
                }
            });
            spawn(async move {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                drop(server.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    (place, counts)
}

#[tokio::test]
async fn answers_share_a_connection_and_one_that_is_dropped_ends_alone() {
    let (place, counts) = serve().await;
    let client = trusting(&place);
    let mut first = client.ask(streamed()).await.unwrap();
    assert!(matches!(first.chunks.next().await, Some(Ok(Chunk::Usage(_)))));
    for _ in 0..3 {
        let (text, done) = told(&client, streamed()).await;
        assert_eq!(text, "a");
        assert_eq!(done.unwrap().provider_request_id.as_deref(), Some("req_h2"));
    }
    while counts.dropped.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    drop(first);
    while counts.dropped.load(Ordering::SeqCst) < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(told(&client, streamed()).await.0, "a");
    assert_eq!(counts.connections.load(Ordering::SeqCst), 1);
}
