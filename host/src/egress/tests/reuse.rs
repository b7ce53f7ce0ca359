//! Which connections are used again.

use super::*;
use crate::egress::idle::LINKS_EACH_MAX;
use crate::egress::idle::LINKS_MAX;

fn of(owner: &str, outgoing: Outgoing) -> Outgoing {
    Outgoing { owner: owner.into(), ..outgoing }
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let server = Server::keeping(OK).await;
    let egress = egress();
    for turn in 0..20 {
        let answer = egress.send(get(&server.url("/"))).await.unwrap();
        assert_eq!(answer.is_reused, turn > 0);
        answer.body.collect(2).await.unwrap();
    }
    assert_eq!((server.connections(), egress.idle_connections()), (1, 1));
}

#[tokio::test]
async fn a_connection_is_never_shared_between_owners() {
    let server = Server::keeping(OK).await;
    let egress = egress();
    for owner in ["a:one", "a:two", "a:one", "a:two"] {
        fetch(&egress, of(owner, get(&server.url("/")))).await.unwrap();
    }
    assert_eq!((server.connections(), egress.idle_connections()), (2, 2));
}

#[tokio::test]
async fn a_name_is_not_another_name_at_the_same_address() {
    let server = Server::keeping(OK).await;
    let egress = egress_with(Script::new(&[&["127.0.0.1"]]), &["127.0.0.1"]);
    let port = server.address.port();
    for name in ["a.test", "b.test", "a.test"] {
        fetch(&egress, get(&format!("http://{name}:{port}/"))).await.unwrap();
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn idle_connections_are_bounded_for_one_owner_and_in_all() {
    let server = Server::keeping(OK).await;
    let egress = egress();
    let mut answers = Vec::new();
    for _ in 0..LINKS_EACH_MAX + 2 {
        answers.push(egress.send(get(&server.url("/"))).await.unwrap());
    }
    for answer in answers {
        answer.body.collect(2).await.unwrap();
    }
    assert_eq!(egress.idle_connections(), LINKS_EACH_MAX);
    for owner in 0..LINKS_MAX + 5 {
        fetch(&egress, of(&owner.to_string(), get(&server.url("/")))).await.unwrap();
    }
    assert_eq!(egress.idle_connections(), LINKS_MAX);
}

#[tokio::test]
async fn a_server_that_closes_is_not_asked_again_on_that_connection() {
    for answer in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\n\r\nok",
    ] {
        let server = Server::saying(answer).await;
        let egress = egress();
        for _ in 0..3 {
            let answer = egress.send(get(&server.url("/"))).await.unwrap();
            assert!(!answer.is_reused);
            answer.body.collect(2).await.unwrap();
        }
        assert_eq!(server.connections(), 3, "{answer}");
    }
}

#[tokio::test]
async fn what_follows_an_answer_is_not_the_next_answer() {
    let smuggled = format!("{OK}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
    for first in [
        smuggled.as_str(),
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more",
        "HTTP/1.1 204 No Content\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nX",
    ] {
        let turns = vec![Act::Hear, say(first), Act::Hear, say(OK)];
        let server = Server::new(vec![turns, vec![Act::Hear, say(OK)]]).await;
        let egress = egress();
        fetch(&egress, get(&server.url("/1"))).await.unwrap();
        let answer = egress.send(get(&server.url("/2"))).await.unwrap();
        assert!(!answer.is_reused, "{first}");
        assert_eq!(answer.body.collect(2).await.unwrap(), "ok");
        assert_eq!(server.connections(), 2, "{first}");
    }
}

/// The server reads the second request on the first connection and closes without a word.
async fn stale(outgoing: impl Fn(&str) -> Outgoing) -> (Result<Bytes, EgressError>, Server) {
    let turns = vec![Act::Hear, say(OK), Act::Hear];
    let server = Server::new(vec![turns, vec![Act::Hear, say(OK)]]).await;
    let egress = egress();
    fetch(&egress, get(&server.url("/"))).await.unwrap();
    let answer = fetch(&egress, outgoing(&server.url("/again"))).await;
    (answer.map(|(_, body)| body), server)
}

#[tokio::test]
async fn a_harmless_request_is_repeated_once_when_its_connection_was_stale() {
    for method in [Method::Get, Method::Head, Method::Options, Method::Put, Method::Delete] {
        let (answer, server) = stale(|url| with_body(method, url, "body")).await;
        assert!(answer.is_ok(), "{method:?}");
        let heard = server.heard();
        assert_eq!((server.connections(), heard.len()), (2, 3), "{method:?}");
        assert_eq!(heard[1], heard[2], "the same request again");
    }
}

#[tokio::test]
async fn a_request_that_could_do_its_work_twice_is_not_repeated() {
    for method in [Method::Post, Method::Patch] {
        let (answer, server) = stale(|url| with_body(method, url, "body")).await;
        assert!(matches!(answer, Err(EgressError::Cut { .. })), "{method:?}: {answer:?}");
        assert_eq!((server.connections(), server.heard().len()), (1, 2));
    }
}

/// The server closes while the thread that would notice is held up: the request finds the
/// connection closed before a byte of it is written.
#[tokio::test]
async fn a_request_that_was_never_written_is_sent_whatever_it_is() {
    use std::io::Read as _;
    use std::io::Write as _;
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (close, may_close) = std::sync::mpsc::sync_channel(2);
    let (closed, is_closed) = std::sync::mpsc::sync_channel(2);
    let server = std::thread::Builder::new().spawn(move || {
        let mut heard = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap();
            heard.push(String::from_utf8_lossy(&request[..read]).into_owned());
            stream.write_all(OK.as_bytes()).unwrap();
            may_close.recv().unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
        heard
    });
    let egress = egress();
    fetch(&egress, get(&url)).await.unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    close.send(()).unwrap();
    is_closed.recv().unwrap();
    close.send(()).unwrap();
    // Lets the runtime hear of it, but not yet the task that drives the connection.
    tokio::task::yield_now().await;
    let post = with_body(Method::Post, &url, "once");
    assert_eq!(fetch(&egress, post).await.unwrap().1, "ok");
    let heard = server.unwrap().join().unwrap();
    assert!(heard[1].starts_with("POST ") && heard[1].ends_with("once"), "{heard:?}");
}

#[tokio::test]
async fn a_request_is_not_repeated_once_a_byte_of_an_answer_came() {
    let turns = vec![Act::Hear, say(OK), Act::Hear, say("H")];
    let server = Server::new(vec![turns, vec![Act::Hear, say(OK)]]).await;
    let egress = egress();
    fetch(&egress, get(&server.url("/"))).await.unwrap();
    let error = refused(&egress, get(&server.url("/"))).await;
    assert!(matches!(error, EgressError::Cut { .. }), "{error:?}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_second_stale_connection_is_an_error() {
    let turns = vec![Act::Hear, say(OK), Act::Hear];
    let server = Server::new(vec![turns, vec![Act::Hear]]).await;
    let egress = egress();
    fetch(&egress, get(&server.url("/"))).await.unwrap();
    let error = refused(&egress, get(&server.url("/"))).await;
    assert!(matches!(error, EgressError::Cut { .. }), "{error:?}");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_whose_request_was_not_read_is_not_kept() {
    let early = vec![Act::HearHead, say(OK), Act::AwaitEnd];
    let server = Server::new(vec![early]).await;
    let egress = egress();
    let body = futures_util::stream::pending::<
        Result<http_body::Frame<Bytes>, crate::egress::BodyError>,
    >();
    let body = http_body_util::BodyExt::boxed_unsync(http_body_util::StreamBody::new(body));
    let outgoing = Outgoing {
        method: Method::Post,
        body: OutgoingBody::Stream(body),
        ..get(&server.url("/"))
    };
    assert_eq!(fetch(&egress, outgoing).await.unwrap().1, "ok");
    assert_eq!(egress.idle_connections(), 0);
    server.ended(1).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_within_half_a_minute() {
    let server = Server::new(vec![vec![Act::Hear, say(OK), Act::AwaitEnd]]).await;
    let egress = egress();
    fetch(&egress, get(&server.url("/"))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(14)).await;
    assert_eq!(egress.idle_connections(), 1);
    tokio::time::sleep(Duration::from_secs(17)).await;
    assert_eq!(egress.idle_connections(), 0);
    server.ended(1).await;
}

#[tokio::test]
async fn connections_end_with_the_egress() {
    let server = Server::new(vec![vec![Act::Hear, say(OK), Act::AwaitEnd]]).await;
    let egress = egress();
    fetch(&egress, get(&server.url("/"))).await.unwrap();
    assert_eq!(egress.idle_connections(), 1);
    drop(egress);
    server.ended(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_each_get_their_own_answer() {
    let turns = (0..64).flat_map(|_| [Act::Hear, say(OK)]).collect();
    let server = Arc::new(Server::new(vec![turns]).await);
    let egress = egress();
    let requests = (0..50).map(|_| fetch(&egress, get(&server.url("/"))));
    for answer in futures_util::future::join_all(requests).await {
        assert_eq!(answer.unwrap().1, "ok");
    }
    assert!(egress.idle_connections() <= LINKS_EACH_MAX);
}

#[test]
fn requests_may_come_from_a_runtime_that_serves_no_sockets() {
    let io =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let guests = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let (server, egress) = io.block_on(async { (Server::keeping(OK).await, egress()) });
    guests.block_on(async {
        for turn in 0..3 {
            let answer = egress.send(get(&server.url("/"))).await.unwrap();
            assert_eq!(answer.is_reused, turn > 0);
            assert_eq!(answer.body.collect(2).await.unwrap(), "ok");
        }
    });
}
