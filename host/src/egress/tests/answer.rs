//! What honest and less honest answers become.

use http_body_util::BodyExt as _;

use super::*;

#[tokio::test]
async fn an_answer_is_passed_on_without_what_is_the_connections() {
    let server = Server::saying(
        "HTTP/1.1 203 Fine\r\nConnection: x-hop, close, content-type\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\
         Trailer: x-t\r\nUpgrade: h2c\r\nProxy-Authenticate: Basic\r\nX-End: 2\r\nset-cookie: a\r\n\
         set-cookie: b\r\nContent-Length: 2\r\n\r\nhi",
    )
    .await;
    let answer = egress().send(get(&server.url("/"))).await.unwrap();
    assert_eq!((answer.status, answer.remote, answer.is_reused), (203, server.address, false));
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    assert_eq!(headers, ["content-length: 2", "set-cookie: a", "set-cookie: b", "x-end: 2"]);
    assert_eq!(answer.body.collect(2).await.unwrap(), "hi");
}

#[tokio::test]
async fn every_framing_is_read() {
    for (answer, wanted) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "hello"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
            "hello",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n",
            "hello",
        ),
        ("HTTP/1.1 200 OK\r\n\r\nhello", "hello"),
        ("HTTP/1.0 200 OK\r\n\r\nhello", "hello"),
        ("HTTP/1.1 200\r\ncontent-length: 5, 5\r\n\r\nhello", "hello"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-encoding: identity\r\n\r\nhello",
            "hello",
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nx: y\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            "hello",
        ),
    ] {
        let (status, body) =
            answer_to_get(answer).await.unwrap_or_else(|e| panic!("{answer}: {e}"));
        assert_eq!((status, &*body), (200, wanted.as_bytes()), "{answer}");
    }
}

#[tokio::test]
async fn some_answers_have_no_body_whatever_they_say() {
    let server =
        Server::keeping("HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncontent-encoding: br\r\n\r\n")
            .await;
    let egress = egress();
    for _ in 0..2 {
        let head = Outgoing { method: Method::Head, ..get(&server.url("/")) };
        let answer = egress.send(head).await.unwrap();
        assert_eq!(answer.headers["content-length"], "10");
        assert_eq!(answer.headers["content-encoding"], "br");
        assert!(http_body::Body::is_end_stream(&answer.body));
        assert_eq!(answer.body.collect(0).await.unwrap(), "");
    }
    assert_eq!(server.connections(), 1);
    for status in ["204 No Content", "304 Not Modified"] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 10\r\n\r\n");
        assert_eq!(answer_to_get(answer).await.unwrap().1, "");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let target = Server::saying(OK).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        target.url("/x")
    );
    let server = Server::saying(redirect).await;
    let answer = egress().send(get(&server.url("/"))).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(answer.headers["location"], target.url("/x"));
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn broken_http_is_refused() {
    for answer in [
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\ncontent-length: 5, 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\nh\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nh",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\nhello",
        "HTTP/1.1 20 OK\r\n\r\nhello",
        "HTTP/1.1 2000 OK\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nx: a\r\n folded\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nx : a\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\nhello",
        "<html>no http at all</html>",
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
    ] {
        let error = refused_answer(answer).await;
        assert!(matches!(error, EgressError::Protocol { .. }), "{answer:?}: {error:?}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_passed_on() {
    let mut answer =
        b"HTTP/1.1 200 \xff\xfe\r\nx-raw: a\xffb\r\ncontent-length: 3\r\n\r\n".to_vec();
    answer.extend([0xff, 0, 0xc3]);
    let server = Server::saying(answer).await;
    let answer = egress().send(get(&server.url("/"))).await.unwrap();
    assert_eq!(answer.headers["x-raw"].as_bytes(), b"a\xffb");
    assert_eq!(&answer.body.collect(3).await.unwrap()[..], [0xff, 0, 0xc3]);
}

#[tokio::test]
async fn a_body_of_exactly_the_readers_bound_is_read_and_one_byte_more_is_not() {
    let server = Server::keeping("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let egress = egress();
    let body = || async { egress.send(get(&server.url("/"))).await.unwrap().body };
    assert_eq!(body().await.collect(5).await.unwrap(), "hello");
    let error = body().await.collect(4).await.unwrap_err();
    assert!(matches!(error, EgressError::BodyTooLarge { max: 4, .. }), "{error}");
}

#[tokio::test]
async fn a_body_dropped_before_its_end_closes_the_connection() {
    let endless =
        vec![Act::Hear, say("HTTP/1.1 200 OK\r\n\r\n"), Act::SayForEver(vec![b'x'; 4096])];
    let server = Server::new(vec![endless]).await;
    let egress = egress();
    let answer = egress.send(get(&server.url("/"))).await.unwrap();
    drop(answer);
    server.ended(1).await;
    assert_eq!(egress.idle_connections(), 0);
}

#[tokio::test]
async fn an_error_closes_the_connection_though_the_body_is_kept() {
    let script = vec![
        Act::Hear,
        say("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nthis is no gzip"),
        Act::AwaitEnd,
    ];
    let server = Server::new(vec![script]).await;
    let mut answer = egress().send(get(&server.url("/"))).await.unwrap();
    assert!(answer.body.frame().await.unwrap().is_err());
    server.ended(1).await;
    assert!(answer.body.frame().await.is_none());
}

#[tokio::test]
async fn a_server_may_answer_before_it_has_read_the_body() {
    let early = vec![
        Act::HearHead,
        say("HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno"),
        Act::AwaitEnd,
    ];
    let server = Server::new(vec![early]).await;
    let egress = egress();
    // More than the sockets between them hold.
    let body = vec![b'x'; 7 << 20];
    let outgoing = with_body(Method::Post, &server.url("/"), body);
    assert_eq!(fetch(&egress, outgoing).await.unwrap(), (413, "no".into()));
}
