//! Bytes that do not end or make no sense.

use super::*;

#[tokio::test]
async fn what_makes_no_sense_is_an_error() {
    let bomb = format!("data: {}\n\n", "[".repeat(1 << 16));
    for piece in ["data: \u{1}\n\n".to_owned(), bomb, "data: 5\n\n".to_owned()] {
        let server = Server::saying(stream_of("", &[begun(), piece])).await;
        assert_eq!(refused(&server.client(), streamed()).await.code, "garbled");
    }
    let mut odd = stream_of("", &[begun()]);
    odd.extend(chunked(b"data: \xff\xfe\n\n"));
    let server = Server::saying(odd).await;
    assert_eq!(refused(&server.client(), streamed()).await.code, "garbled");
    for body in ["", "{", "[]", &"[".repeat(1 << 16)] {
        let server = Server::saying(with_body("200 OK", body)).await;
        assert_eq!(refused(&server.client(), whole()).await.code, "garbled");
    }
    for answer in ["HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "\0\0\0\0", "SSH-2.0-x\r\n\r\n"]
    {
        let server = Server::saying(answer).await;
        assert_eq!(refused(&server.client(), streamed()).await.code, "cut");
    }
}

#[tokio::test]
async fn an_endless_line_ends() {
    let endless = chunked("x".repeat(1 << 20));
    let acts = vec![say(stream_of("", &[begun()])), Act::SayForEver(endless)];
    let server = Server::doing(acts).await;
    let error = refused(&server.client(), streamed()).await;
    assert_eq!(error.code, "garbled");
    server.ended(1).await;
}

#[tokio::test]
async fn an_endless_stream_ends() {
    let text = chunked(text_event(&"x".repeat(1 << 10)));
    let acts = vec![say(stream_of("", &[begun()])), Act::SayForEver(text)];
    let server = Server::doing(acts).await;
    let client = client(&server.place(), |_, settings| settings.stream_bytes_max = 1 << 20);
    let (text, error) = told(&client, streamed()).await;
    assert_eq!(error.unwrap_err().code, "too-large");
    assert!(text.len() < 1 << 20);
    server.ended(1).await;
}

#[tokio::test]
async fn an_endless_body_ends() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    let acts = vec![say(head), Act::SayForEver(vec![b' '; 1 << 16])];
    for request in [streamed(), whole()] {
        let server = Server::doing(acts.clone()).await;
        let client = client(&server.place(), |_, settings| settings.answer_bytes_max = 1 << 20);
        assert_eq!(refused(&client, request).await.code, "too-large");
        server.ended(1).await;
    }
}

#[tokio::test]
async fn a_body_of_the_longest_length_is_read() {
    let bytes = answer("hi").split("\r\n\r\n").nth(1).unwrap().len();
    for (answer_bytes_max, wanted) in [(bytes, "hi"), (bytes - 1, "")] {
        let server = Server::saying(answer("hi")).await;
        let change =
            |_: &mut ProviderConfig, it: &mut Settings| it.answer_bytes_max = answer_bytes_max;
        let client = client(&server.place(), change);
        assert_eq!(told(&client, whole()).await.0, wanted);
    }
}

#[tokio::test]
async fn an_endless_failure_is_told_by_its_status() {
    let head = "HTTP/1.1 503 Busy\r\nretry-after: 7\r\n\r\n";
    let server = Server::doing(vec![say(head), Act::SayForEver(vec![b'x'; 1 << 16])]).await;
    let error = refused(&server.client(), streamed()).await;
    assert_eq!((error.status, error.class), (Some(503), Class::Transient));
    assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
    server.ended(1).await;
}

#[tokio::test]
async fn endless_headers_end() {
    let acts = vec![say("HTTP/1.1 200 OK\r\n"), Act::SayForEver(b"x-more: 1\r\n".repeat(1_000))];
    let server = Server::doing(acts).await;
    assert_eq!(refused(&server.client(), streamed()).await.code, "cut");
    server.ended(1).await;
}
