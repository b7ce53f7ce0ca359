//! What goes out.

use std::task::Poll;

use futures_util::stream;
use http::HeaderName;
use http::HeaderValue;
use http_body::Frame;
use http_body_util::BodyExt as _;
use http_body_util::StreamBody;

use super::*;
use crate::egress::BodyError;
use crate::egress::HEADERS_MAX;
use crate::egress::REQUEST_HEADER_BYTES_MAX;

fn with_headers(mut outgoing: Outgoing, headers: &[(&str, &str)]) -> Outgoing {
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        outgoing.headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    outgoing
}

fn streamed(pieces: Vec<Result<&'static str, &'static str>>) -> OutgoingBody {
    let frames = pieces.into_iter().map(|piece| match piece {
        Ok(text) => Ok(Frame::data(Bytes::from(text))),
        Err(text) => Err(BodyError::from(text)),
    });
    OutgoingBody::Stream(StreamBody::new(stream::iter(frames)).boxed_unsync())
}

/// Sends a request and returns what arrived, with address and version taken out.
async fn sent(outgoing: impl FnOnce(&str) -> Outgoing) -> String {
    let server = Server::saying(OK).await;
    fetch(&egress(), outgoing(&server.url("/a?b=c"))).await.unwrap();
    server.heard()[0]
        .replace(&server.address.to_string(), "HOST")
        .replace("\r\n", "\n")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[tokio::test]
async fn the_host_sets_what_is_the_connections() {
    insta::assert_snapshot!(sent(get).await, @"
    GET /a?b=c HTTP/1.1
    accept-encoding: gzip
    user-agent: ax/VERSION
    host: HOST
    ");
    let given =
        &[("user-agent", "mine"), ("accept-encoding", "br, zstd"), ("x-a", "1"), ("x-a", "2")];
    insta::assert_snapshot!(sent(|url| with_headers(get(url), given)).await, @"
    GET /a?b=c HTTP/1.1
    user-agent: mine
    accept-encoding: gzip
    x-a: 1
    x-a: 2
    host: HOST
    ");
}

#[tokio::test]
async fn every_body_is_framed_once() {
    insta::assert_snapshot!(sent(|url| with_body(Method::Post, url, "hi")).await, @"
    POST /a?b=c HTTP/1.1
    content-length: 2
    accept-encoding: gzip
    user-agent: ax/VERSION
    host: HOST

    hi
    ");
    insta::assert_snapshot!(sent(|url| with_body(Method::Post, url, "")).await, @"
    POST /a?b=c HTTP/1.1
    content-length: 0
    accept-encoding: gzip
    user-agent: ax/VERSION
    host: HOST
    ");
    let pieces = || streamed(vec![Ok("hel"), Ok(""), Ok("lo")]);
    insta::assert_snapshot!(
        sent(|url| Outgoing { method: Method::Put, body: pieces(), ..get(url) }).await, @"
    PUT /a?b=c HTTP/1.1
    transfer-encoding: chunked
    accept-encoding: gzip
    user-agent: ax/VERSION
    host: HOST

    3
    hel
    2
    lo
    0
    ");
    let promised = |url: &str| {
        let outgoing = Outgoing { method: Method::Put, body: pieces(), ..get(url) };
        with_headers(outgoing, &[("content-length", "5")])
    };
    insta::assert_snapshot!(sent(promised).await, @"
    PUT /a?b=c HTTP/1.1
    content-length: 5
    accept-encoding: gzip
    user-agent: ax/VERSION
    host: HOST

    hello
    ");
}

#[tokio::test]
async fn a_get_with_a_stream_of_unknown_length_has_no_body() {
    let request = sent(|url| Outgoing { body: streamed(vec![]), ..get(url) }).await;
    assert!(request.ends_with("\n\n") && !request.contains("chunked"), "{request}");
}

#[tokio::test]
async fn a_header_that_concerns_the_connection_is_refused_before_anything_is_sent() {
    let server = Server::saying(OK).await;
    let egress = egress();
    for name in [
        "host",
        "connection",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "proxy-anything",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        "http2-settings",
    ] {
        let error = refused(&egress, with_headers(get(&server.url("/")), &[(name, "x")])).await;
        assert!(matches!(&error, EgressError::Header { name: told } if told == name), "{error}");
        assert!(error.hint().unwrap().contains(name));
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_length_that_is_not_the_bodys_is_refused() {
    let server = Server::saying(OK).await;
    let egress = egress();
    for headers in [
        &[("content-length", "3")][..],
        &[("content-length", "1")],
        &[("content-length", "+2")],
        &[("content-length", "2, 2")],
        &[("content-length", "")],
        &[("content-length", "2"), ("content-length", "2")],
        &[("content-length", "18446744073709551616")],
    ] {
        let outgoing = with_body(Method::Post, &server.url("/"), "hi");
        let error = refused(&egress, with_headers(outgoing, headers)).await;
        assert!(matches!(error, EgressError::Header { .. }), "{headers:?}: {error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn headers_are_bounded_in_number_and_in_bytes() {
    let server = Server::saying(OK).await;
    let egress = egress();
    let many = |count: usize| with_headers(get(&server.url("/")), &vec![("x-a", "1"); count]);
    fetch(&egress, many(HEADERS_MAX)).await.unwrap();
    let error = refused(&egress, many(HEADERS_MAX + 1)).await;
    assert!(matches!(error, EgressError::RequestHeaders { .. }), "{error}");
    let long = |bytes: usize| {
        with_headers(get(&server.url("/")), &[("x-a", &"v".repeat(bytes - "x-a: \r\n".len()))])
    };
    fetch(&egress, long(REQUEST_HEADER_BYTES_MAX)).await.unwrap();
    let error = refused(&egress, long(REQUEST_HEADER_BYTES_MAX + 1)).await;
    assert!(matches!(error, EgressError::RequestHeaders { .. }), "{error}");
}

#[tokio::test]
async fn a_stream_that_breaks_its_promise_is_cut_off() {
    for pieces in [vec![Ok("four")], vec![Ok("sixsix")], vec![Ok("fiv"), Err("no more")]] {
        let server = Server::new(vec![vec![Act::Hear, say(OK)]]).await;
        let outgoing = Outgoing {
            method: Method::Post,
            body: streamed(pieces.clone()),
            ..get(&server.url("/"))
        };
        let error = refused(&egress(), with_headers(outgoing, &[("content-length", "5")])).await;
        assert!(matches!(error, EgressError::RequestBody { .. }), "{pieces:?}: {error}");
        assert_eq!(server.heard(), Vec::<String>::new(), "no whole request arrived");
    }
}

#[tokio::test]
async fn exactly_the_budget_may_be_sent_and_one_byte_more_is_never_sent() {
    let server = Server::keeping(OK).await;
    let egress = egress();
    let used = {
        let budget = budget(1 << 20, 1 << 20);
        let outgoing = with_body(Method::Post, &server.url("/"), "body");
        fetch(&egress, Outgoing { budget: Arc::clone(&budget), ..outgoing }).await.unwrap();
        (1 << 20) - budget.sent_left()
    };
    assert_eq!(used as usize, server.heard()[0].len(), "every byte on the wire counts");
    let outgoing = || with_body(Method::Post, &server.url("/"), "body");
    fetch(&egress, Outgoing { budget: budget(used, 1 << 20), ..outgoing() }).await.unwrap();
    let short = Outgoing { budget: budget(used - 1, 1 << 20), ..outgoing() };
    let error = refused(&egress, short).await;
    assert!(matches!(error, EgressError::TooMuchOut { .. }), "{error}");
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test]
async fn a_stream_is_charged_as_it_goes_with_its_framing() {
    let server = Server::keeping(OK).await;
    let egress = egress();
    let outgoing = |sent_max: u64| Outgoing {
        method: Method::Post,
        body: streamed(vec![Ok("a"), Ok("sixteen bytes...")]),
        budget: budget(sent_max, 1 << 20),
        ..get(&server.url("/"))
    };
    let (first, left) = {
        let first = outgoing(1 << 20);
        let budget = Arc::clone(&first.budget);
        (fetch(&egress, first).await, budget.sent_left())
    };
    first.unwrap();
    let used = (1 << 20) - left;
    assert_eq!(used as usize, server.heard()[0].len(), "every byte on the wire counts");
    fetch(&egress, outgoing(used)).await.unwrap();
    let error = refused(&egress, outgoing(used - 1)).await;
    assert!(matches!(error, EgressError::TooMuchOut { .. }), "{error}");
}

#[tokio::test]
async fn nothing_secret_is_in_debug_or_errors() {
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\nx").await;
    let url = server.url("/path?key=s3cret");
    let mut outgoing =
        with_headers(with_body(Method::Post, &url, "s3cret"), &[("x-key", "s3cret")]);
    let debug = format!("{outgoing:?}");
    outgoing.budget = budget(8 << 20, 8 << 20);
    let egress = egress();
    let error = refused(&egress, outgoing).await;
    for text in [debug, format!("{error:?} {error} {:?}", error.hint()), format!("{egress:?}")] {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn a_request_taken_back_closes_its_connection() {
    let server = Server::new(vec![vec![Act::Hear, Act::AwaitEnd]]).await;
    let egress = egress();
    let mut sending = Box::pin(egress.send(get(&server.url("/"))));
    // Polled until the server has it all, then dropped.
    std::future::poll_fn(|cx| {
        assert!(sending.as_mut().poll(cx).is_pending());
        if server.heard().is_empty() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
    drop(sending);
    server.ended(1).await;
    assert_eq!(egress.idle_connections(), 0);
}

#[tokio::test]
async fn an_exchange_dropped_at_any_moment_leaks_nothing() {
    let script = vec![
        Act::Hear,
        say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab"),
        Act::Hear,
        Act::AwaitEnd,
    ];
    for moment in 0..24 {
        let server = Server::new(vec![script.clone()]).await;
        let egress = egress();
        let mut fetching = Box::pin(fetch(&egress, get(&server.url("/"))));
        for _ in 0..moment {
            assert!(futures_util::FutureExt::now_or_never(fetching.as_mut()).is_none());
            tokio::task::yield_now().await;
        }
        drop(fetching);
        // Whoever was connected to is let go; whoever was not never is.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let seen = server.seen.lock().unwrap();
        assert_eq!(seen.ended, seen.connections, "after {moment} polls");
        assert_eq!(egress.idle_connections(), 0);
    }
}
