//! What never ends, or is too large.

use super::*;
use crate::egress::ANSWER_HEAD_BYTES_MAX;
use crate::egress::HEADERS_MAX;

async fn refused_endless(first: &str, then: &str) -> EgressError {
    let script =
        vec![Act::Hear, say(first), Act::SayForEver(then.repeat(64).into_bytes()), Act::AwaitEnd];
    let server = Server::new(vec![script]).await;
    let egress = egress();
    let outgoing = Outgoing { budget: budget(1 << 20, 1 << 20), ..get(&server.url("/")) };
    let error = refused(&egress, outgoing).await;
    server.ended(1).await;
    assert_eq!(egress.idle_connections(), 0);
    error
}

#[tokio::test]
async fn endless_heads_are_refused() {
    for (first, then) in [
        ("HTTP/1.1 200 OK\r\n", "x-a: b\r\n"),
        ("HTTP/1.1 200 OK\r\nx-a: ", "bbbbbbbb"),
        ("HTTP/1.1 200 OK\r\n", "aaaaaaaa"),
        ("HTTP/1.1 200 ", "OKOKOKOK"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("", "HTTP/1.1 102 Processing\r\nx-a: bbbbbbbbbbbbbbbb\r\n\r\n"),
    ] {
        let error = refused_endless(first, then).await;
        assert!(matches!(error, EgressError::AnswerHeaders { .. }), "{first}{then}: {error:?}");
    }
}

#[tokio::test]
async fn endless_bodies_end_with_the_budget() {
    for (first, then) in [
        ("HTTP/1.1 200 OK\r\n\r\n", "xxxxxxxx"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551600\r\n\r\n", "xxxxxxxx"),
    ] {
        let error = refused_endless(first, then).await;
        assert!(matches!(error, EgressError::TooMuchIn { .. }), "{first}{then}: {error:?}");
    }
}

#[tokio::test]
async fn endless_chunk_extensions_and_trailers_are_refused() {
    for (first, then) in [
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", "xxxxxxxx"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "x-t: b\r\n"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-t: ", "bbbbbbbb"),
    ] {
        let error = refused_endless(first, then).await;
        assert!(matches!(error, EgressError::Protocol { .. }), "{first}{then}: {error:?}");
    }
}

#[tokio::test]
async fn a_head_of_the_largest_size_is_read_and_one_byte_more_is_not() {
    let answer = |bytes: usize| {
        let (start, end) = ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-a: ", "\r\n\r\n");
        format!("{start}{}{end}", "v".repeat(bytes - start.len() - end.len()))
    };
    assert_eq!(answer_to_get(answer(ANSWER_HEAD_BYTES_MAX)).await.unwrap().0, 200);
    let error = refused_answer(answer(ANSWER_HEAD_BYTES_MAX + 1)).await;
    assert!(matches!(error, EgressError::AnswerHeaders { .. }), "{error:?}");
}

#[tokio::test]
async fn as_many_headers_as_allowed_are_read_and_one_more_is_not() {
    let answer = |count: usize| {
        format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{}\r\n", "x: y\r\n".repeat(count - 1))
    };
    assert_eq!(answer_to_get(answer(HEADERS_MAX)).await.unwrap().0, 200);
    let error = refused_answer(answer(HEADERS_MAX + 1)).await;
    assert!(matches!(error, EgressError::AnswerHeaders { .. }), "{error:?}");
}

#[tokio::test]
async fn exactly_the_budget_may_be_received_and_one_byte_more_may_not() {
    let server = Server::keeping(OK).await;
    let egress = egress();
    let bytes = OK.len() as u64;
    let outgoing = |max| Outgoing { budget: budget(1 << 20, max), ..get(&server.url("/")) };
    for _ in 0..2 {
        assert_eq!(fetch(&egress, outgoing(bytes)).await.unwrap().1, "ok");
    }
    let error = refused(&egress, outgoing(bytes - 1)).await;
    assert!(matches!(error, EgressError::TooMuchIn { .. }), "{error:?}");
}

#[tokio::test]
async fn one_budget_holds_over_many_requests() {
    let server = Server::keeping(OK).await;
    let egress = egress();
    let shared = budget(1 << 20, 3 * OK.len() as u64);
    let outgoing = || Outgoing { budget: Arc::clone(&shared), ..get(&server.url("/")) };
    for _ in 0..3 {
        fetch(&egress, outgoing()).await.unwrap();
    }
    assert_eq!(shared.received_left(), 0);
    let error = refused(&egress, outgoing()).await;
    assert!(matches!(error, EgressError::TooMuchIn { .. }), "{error:?}");
}
