//! Bodies in an encoding.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use flate2::write::ZlibEncoder;
use http_body_util::BodyExt as _;

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn answer(encoding: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Text that compresses to about half.
fn text() -> Vec<u8> {
    (0..40_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_string().into_bytes()).collect()
}

#[tokio::test]
async fn what_is_known_is_decoded() {
    let text = text();
    for (encoding, body) in [
        ("gzip", gzip(&text)),
        ("GZIP", gzip(&text)),
        ("x-gzip", gzip(&text)),
        ("identity, gzip", gzip(&text)),
        ("deflate", zlib(&text)),
        ("gzip", [gzip(&text[..1000]), gzip(&text[1000..])].concat()),
        ("identity", text.clone()),
    ] {
        let (_, decoded) = answer_to_get(answer(encoding, &body)).await.unwrap();
        assert!(decoded == text, "{encoding}");
    }
}

#[tokio::test]
async fn a_decoded_body_says_nothing_about_its_former_self() {
    let server = Server::saying(answer("gzip", &gzip(b"hello"))).await;
    let answer = egress().send(get(&server.url("/"))).await.unwrap();
    assert_eq!(answer.headers.len(), 0, "{:?}", answer.headers);
    assert_eq!(answer.body.collect(5).await.unwrap(), "hello");
}

#[tokio::test]
async fn what_comes_byte_by_byte_is_decoded_as_it_comes() {
    for (encoding, body) in [("gzip", gzip(b"hello world")), ("deflate", zlib(b"hello world"))] {
        let mut script = vec![
            Act::Hear,
            say(format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\n\r\n")),
        ];
        for byte in body {
            script.extend([say([byte]), Act::Wait(Duration::from_millis(1))]);
        }
        let server = Server::new(vec![script]).await;
        let (_, decoded) = fetch(&egress(), get(&server.url("/"))).await.unwrap();
        assert_eq!(decoded, "hello world");
    }
}

#[tokio::test]
async fn what_was_flushed_is_passed_on_before_more_comes() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"event").unwrap();
    encoder.flush().unwrap();
    let head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
    let first = [&head[..], encoder.get_ref()].concat();
    let server = Server::new(vec![vec![Act::Hear, say(first), Act::AwaitEnd]]).await;
    let mut answer = egress().send(get(&server.url("/"))).await.unwrap();
    let frame = answer.body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "event");
}

#[tokio::test]
async fn what_cannot_be_looked_into_is_refused() {
    for encoding in [
        "br",
        "zstd",
        "gzip, gzip",
        "gzip, br",
        "compress",
        "gzip\r\ncontent-encoding: br",
        "x\x1b[31m",
    ] {
        let answer = answer(encoding, b"x");
        let error = match answer_to_get(answer).await {
            Err(error) => error,
            Ok(_) => panic!("{encoding}"),
        };
        // A terminal escape is no header value at all.
        let is_refused =
            matches!(error, EgressError::Encoding { .. } | EgressError::Protocol { .. });
        assert!(is_refused && !format!("{error}").contains('\x1b'), "{encoding}: {error:?}");
    }
    // An error is not searched for secrets, so it repeats no text of a server.
    for (encoding, named) in
        [("br", "br"), ("ZSTD", "zstd"), ("s3cret-echoed", "unknown"), ("gzip, s3cret", "several")]
    {
        let error = refused_answer(answer(encoding, b"x")).await;
        let text = format!("{error} {error:?}");
        assert!(text.contains(named) && !text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn what_is_not_what_it_says_is_refused() {
    let mut wrong_sum = gzip(b"hello");
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    let mut wrong_zlib_sum = zlib(b"hello");
    *wrong_zlib_sum.last_mut().unwrap() ^= 1;
    for (encoding, body) in [
        ("gzip", b"hello world, this is no gzip".to_vec()),
        ("gzip", wrong_sum),
        ("gzip", [gzip(b"hello"), b"and more".to_vec()].concat()),
        ("gzip", zlib(b"hello")),
        ("gzip", [&[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0][..], &[b'n'; 100_000]].concat()),
        ("deflate", gzip(b"hello")),
        ("deflate", zlib(b"hello")[2..].to_vec()),
        ("deflate", wrong_zlib_sum),
        ("deflate", [zlib(b"hello"), b"and more".to_vec()].concat()),
    ] {
        let error = refused_answer(answer(encoding, &body)).await;
        assert!(matches!(error, EgressError::Decode { .. }), "{encoding} {body:?}: {error:?}");
    }
}

#[tokio::test]
async fn every_early_end_is_seen_though_the_length_agrees() {
    for (encoding, body) in [("gzip", gzip(&text()[..3000])), ("deflate", zlib(&text()[..3000]))] {
        for end in (1..body.len()).step_by(body.len() / 64).chain([body.len() - 1]) {
            let error = refused_answer(answer(encoding, &body[..end])).await;
            assert!(matches!(error, EgressError::Decode { .. }), "{encoding} {end}: {error:?}");
        }
    }
}

#[tokio::test]
async fn an_encoded_body_of_no_bytes_is_empty_when_the_server_says_so() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        assert_eq!(answer_to_get(answer).await.unwrap().1, "");
    }
    let error = refused_answer("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n").await;
    assert!(matches!(error, EgressError::Decode { .. }), "{error:?}");
}

#[tokio::test]
async fn a_bomb_ends_with_the_budget_long_before_it_has_grown() {
    let zeros = vec![0; 64 << 20];
    for (encoding, body) in [("gzip", gzip(&zeros)), ("deflate", zlib(&zeros))] {
        let server = Server::saying(answer(encoding, &body)).await;
        let max = 1 << 20;
        let outgoing = Outgoing { budget: budget(1 << 20, max), ..get(&server.url("/")) };
        let mut answer = egress().send(outgoing).await.unwrap();
        let mut read = 0;
        let error = loop {
            match answer.body.frame().await.expect("an error comes first") {
                Ok(frame) => {
                    let piece = frame.into_data().unwrap().len();
                    assert!(piece <= 64 * 1024, "{piece} bytes at once");
                    read += piece as u64;
                }
                Err(error) => break error,
            }
        };
        assert!(matches!(error, EgressError::TooMuchIn { .. }), "{encoding}: {error:?}");
        assert!(read <= max, "{read}");
        assert!(answer.body.frame().await.is_none(), "nothing follows an error");
    }
}

#[tokio::test]
async fn decoding_is_charged_to_the_byte() {
    let text = text();
    let body = answer("gzip", &gzip(&text));
    let head = body.len() - gzip(&text).len();
    let bytes = (head + text.len()) as u64;
    let server = Server::keeping(&body).await;
    let egress = egress();
    let outgoing = |max| Outgoing { budget: budget(1 << 20, max), ..get(&server.url("/")) };
    fetch(&egress, outgoing(bytes)).await.unwrap();
    let error = refused(&egress, outgoing(bytes - 1)).await;
    assert!(matches!(error, EgressError::TooMuchIn { .. }), "{error:?}");
}
