//! Connections that end anywhere.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// Cuts `answer` at every byte and returns the cuts that looked like a whole answer.
async fn cuts_not_seen(answer: &[u8]) -> Vec<usize> {
    let scripts = (0..answer.len()).map(|end| vec![Act::Hear, say(&answer[..end])]);
    let server = Server::new(scripts.chain([vec![]]).collect()).await;
    let egress = egress();
    let mut unseen = Vec::new();
    for end in 0..answer.len() {
        match fetch(&egress, get(&server.url("/"))).await {
            Ok(_) => unseen.push(end),
            Err(EgressError::Cut { .. } | EgressError::Decode { .. }) => {}
            Err(error) => panic!("cut after {end} bytes: {error:?}"),
        }
        assert_eq!(egress.idle_connections(), 0, "cut after {end} bytes");
    }
    assert_eq!(server.connections(), answer.len(), "a first request is never repeated");
    unseen
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn joined(head: &str, body: &[u8]) -> Vec<u8> {
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn every_cut_of_an_answer_with_a_length_is_seen() {
    let answer = b"HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 11\r\n\r\nhello world";
    assert_eq!(cuts_not_seen(answer).await, [0_usize; 0]);
}

#[tokio::test]
async fn every_cut_of_a_chunked_answer_is_seen() {
    let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                   5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nx-t: 1\r\n\r\n";
    assert_eq!(cuts_not_seen(answer).await, [0_usize; 0]);
}

#[tokio::test]
async fn every_cut_of_an_encoded_answer_is_seen_even_without_a_length() {
    let body = gzip(b"hello hello hello world");
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n".to_owned(),
        format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            body.len()
        ),
    ] {
        assert_eq!(cuts_not_seen(&joined(&head, &body)).await, [0_usize; 0], "{head}");
    }
}

#[tokio::test]
async fn without_length_or_encoding_only_cuts_in_the_head_are_seen() {
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    let unseen = cuts_not_seen(&joined(head, b"hello")).await;
    assert_eq!(unseen, (head.len()..head.len() + 5).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_length_that_promises_more_than_comes_is_a_cut() {
    let error = refused_answer("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello").await;
    assert!(matches!(error, EgressError::Cut { .. }), "{error:?}");
    assert!(error.is_transient());
}
