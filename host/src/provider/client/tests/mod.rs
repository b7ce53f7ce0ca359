//! Against servers on loopback, most of them hostile.
//!
//! A server is a script for each connection. Nothing sleeps: where time matters, tokio's clock is paused and
//! moves by itself.

mod bounds;
mod failures;
mod http2;
mod time;
mod trust;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::chat::{Message, RequestId, Role};
use crate::clock::SimClock;
use crate::provider::claude::Claude;
use crate::provider::config::Kind;

/// 2026-11-22T05:00:00Z.
const NOW_MS: u64 = 1_795_323_600_000;

const KEY: &str = "sk-ant-very-secret";

/// One thing a server does.
#[derive(Debug, Clone)]
enum Act {
    /// Reads a request.
    Hear,
    /// Writes bytes.
    Say(Vec<u8>),
    /// Writes bytes again and again until the other side is gone.
    SayForEver(Vec<u8>),
    /// The same, with a pause before each.
    SayEvery(Duration, Vec<u8>),
    /// Waits until the other side closes, and notes it.
    AwaitEnd,
}

fn say(text: impl AsRef<[u8]>) -> Act {
    Act::Say(text.as_ref().to_vec())
}

#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    heard: Vec<String>,
    ended: usize,
}

/// A server with a script for each connection; further connections get the last one.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[expect(clippy::disallowed_methods, reason = "a test's runtime ends with the test")]
fn spawn<F: Future<Output = ()> + Send + 'static>(future: F) {
    drop(tokio::spawn(future));
}

impl Server {
    async fn new(scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let notes = Arc::clone(&seen);
        spawn(async move {
            let mut scripts = VecDeque::from(scripts);
            while let Ok((stream, _)) = listener.accept().await {
                notes.lock().unwrap().connections += 1;
                let script = match scripts.len() {
                    1 => scripts[0].clone(),
                    _ => scripts.pop_front().unwrap(),
                };
                spawn(play(stream, script, Arc::clone(&notes)));
            }
        });
        Self { address, seen }
    }

    /// Hears a request and does something.
    async fn doing(acts: Vec<Act>) -> Self {
        Self::new(vec![[vec![Act::Hear], acts].concat()]).await
    }

    async fn saying(answer: impl AsRef<[u8]>) -> Self {
        Self::doing(vec![say(answer)]).await
    }

    fn place(&self) -> String {
        format!("http://{}", self.address)
    }

    fn client(&self) -> Client {
        client(&self.place(), |_, _| {})
    }

    fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    fn heard(&self) -> Vec<String> {
        self.seen.lock().unwrap().heard.clone()
    }

    async fn ended(&self, count: usize) {
        while self.seen.lock().unwrap().ended < count {
            tokio::task::yield_now().await;
        }
    }
}

async fn play<S>(mut stream: S, script: Vec<Act>, seen: Arc<Mutex<Seen>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for act in script {
        let done = match act {
            Act::Hear => hear(&mut stream, &seen).await,
            Act::Say(bytes) => stream.write_all(&bytes).await,
            Act::SayForEver(bytes) => loop {
                if let Err(error) = stream.write_all(&bytes).await {
                    break Err(error);
                }
            },
            Act::SayEvery(pause, bytes) => loop {
                tokio::time::sleep(pause).await;
                if let Err(error) = stream.write_all(&bytes).await {
                    break Err(error);
                }
            },
            Act::AwaitEnd => {
                let mut rest = [0; 1024];
                while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                Err(std::io::ErrorKind::UnexpectedEof.into())
            }
        };
        if done.is_err() {
            seen.lock().unwrap().ended += 1;
            return;
        }
    }
    drop(stream.shutdown().await);
}

async fn hear<S: AsyncRead + Unpin>(stream: &mut S, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut request = Vec::new();
    loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
            let length = head
                .split("content-length: ")
                .nth(1)
                .map_or(0, |rest| rest.lines().next().unwrap().parse::<usize>().unwrap());
            if request.len() - end - 4 >= length {
                seen.lock().unwrap().heard.push(String::from_utf8(request).unwrap());
                return Ok(());
            }
        }
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&piece[..read]);
    }
}

fn client(place: &str, change: impl FnOnce(&mut ProviderConfig, &mut Settings)) -> Client {
    let mut config = ProviderConfig {
        base_url: Some(place.to_owned()),
        keys: vec!["claude-key".to_owned()],
        ..ProviderConfig::new("claude", Kind::Claude)
    };
    let mut settings = Settings::of(&config);
    change(&mut config, &mut settings);
    let clock = Arc::new(SimClock::at_ms(NOW_MS));
    let upstream = Upstream::new(config, Box::new(Claude), settings, clock).unwrap();
    let value = SecretValue::new(KEY.as_bytes()).unwrap();
    upstream.client(Some(Key { name: "claude-key".to_owned(), value }))
}

fn asking(change: impl FnOnce(&mut Request)) -> Arc<Request> {
    let messages = vec![Message::text(Role::User, "hello")];
    let mut request = Request::new(RequestId(uuid::Uuid::nil()), messages);
    request.model = Some("claude-sonnet-5-5".to_owned());
    request.stream = true;
    change(&mut request);
    Arc::new(request)
}

fn streamed() -> Arc<Request> {
    asking(|_| {})
}

fn whole() -> Arc<Request> {
    asking(|request| request.stream = false)
}

/// Reads an answer as far as it goes: its texts, and how it ends.
async fn told(client: &Client, request: Arc<Request>) -> (String, Result<Done, Error>) {
    let mut answer = match client.ask(request).await {
        Ok(answer) => answer,
        Err(error) => return (String::new(), Err(error)),
    };
    assert_eq!(answer.provider, "claude");
    let mut text = String::new();
    while let Some(chunk) = answer.chunks.next().await {
        match chunk {
            Ok(Chunk::Text(more)) => text.push_str(&more),
            Ok(Chunk::Done(done)) => {
                assert!(answer.chunks.next().await.is_none(), "nothing follows the end");
                return (text, Ok(done));
            }
            Ok(_) => {}
            Err(error) => {
                assert!(answer.chunks.next().await.is_none(), "nothing follows an error");
                return (text, Err(error));
            }
        }
    }
    panic!("an answer ends with its end or an error");
}

async fn refused(client: &Client, request: Arc<Request>) -> Error {
    let error = told(client, request).await.1.unwrap_err();
    assert_eq!(error.provider.as_deref(), Some("claude"));
    assert!(!format!("{error:?}").contains(KEY));
    error
}

const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_1\r\n\
    transfer-encoding: chunked\r\n";

fn chunked(text: impl AsRef<[u8]>) -> Vec<u8> {
    let text = text.as_ref();
    [format!("{:x}\r\n", text.len()).as_bytes(), text, b"\r\n"].concat()
}

fn begun() -> String {
    let message = json!({ "model": "claude-sonnet-5-5", "usage": { "input_tokens": 3 } });
    let events = [
        json!({ "type": "message_start", "message": message }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text" } }),
    ];
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

fn text_event(text: &str) -> String {
    let delta = json!({ "type": "text_delta", "text": text });
    let event = json!({ "type": "content_block_delta", "index": 0, "delta": delta });
    format!("data: {event}\n\n")
}

fn finished() -> String {
    let delta = json!({ "stop_reason": "end_turn" });
    let events = [
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": delta, "usage": { "output_tokens": 2 } }),
        json!({ "type": "message_stop" }),
    ];
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

/// A head and a stream's pieces, without the end of the body.
fn stream_of(head: &str, pieces: &[String]) -> Vec<u8> {
    let mut answer = format!("{STREAM_HEAD}{head}\r\n").into_bytes();
    for piece in pieces {
        answer.extend(chunked(piece));
    }
    answer
}

/// A whole stream that says `text`.
fn stream(head: &str, text: &str) -> Vec<u8> {
    [stream_of(head, &[begun(), text_event(text), finished()]), b"0\r\n\r\n".to_vec()].concat()
}

fn with_body(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A whole answer that says `text`.
fn answer(text: &str) -> String {
    let body = json!({
        "model": "claude-sonnet-5-5", "stop_reason": "end_turn",
        "content": [{ "type": "text", "text": text }],
        "usage": { "input_tokens": 3, "output_tokens": 2 },
    });
    with_body("200 OK\r\ncontent-type: application/json\r\nrequest-id: req_2", &body.to_string())
}

#[tokio::test]
async fn a_streamed_answer_comes_as_it_is_written() {
    let limits = "anthropic-ratelimit-requests-remaining: 41\r\n";
    let server = Server::saying(stream(limits, "hi – ho")).await;
    let client = server.client();
    let (text, done) = told(&client, streamed()).await;
    assert_eq!(text, "hi – ho");
    assert_eq!(done.unwrap().provider_request_id.as_deref(), Some("req_1"));
    assert_eq!(client.rate_limits().rows[0].remaining, Some(41));
    let heard = &server.heard()[0];
    assert!(heard.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{heard}");
    for wanted in [
        "authorization: Bearer sk-ant-very-secret\r\n",
        "anthropic-version: 2026-10-21\r\n",
        "content-type: application/json\r\n",
        "user-agent: ax/",
        "\"stream\":true",
    ] {
        assert!(heard.contains(wanted), "{wanted}: {heard}");
    }
    assert!(!format!("{client:?}").contains(KEY));
}

#[tokio::test]
async fn a_whole_answer_comes_at_once() {
    let server = Server::saying(answer("hi")).await;
    let (text, done) = told(&server.client(), whole()).await;
    assert_eq!(text, "hi");
    assert_eq!(done.unwrap().provider_request_id.as_deref(), Some("req_2"));
    assert!(!server.heard()[0].contains("\"stream\""));
}

#[tokio::test]
async fn who_does_not_stream_is_read_all_the_same() {
    let server = Server::saying(answer("hi")).await;
    assert_eq!(told(&server.client(), streamed()).await.0, "hi");
}

#[tokio::test]
async fn a_connection_serves_one_answer_after_the_other() {
    let turns = (0..2).flat_map(|_| [Act::Hear, say(stream("", "a")), Act::Hear, say(answer("b"))]);
    let server = Server::new(vec![turns.collect()]).await;
    let client = server.client();
    for _ in 0..2 {
        assert_eq!(told(&client, streamed()).await.0, "a");
        assert_eq!(told(&client, whole()).await.0, "b");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn who_stops_listening_is_told_to_the_provider() {
    let answer = stream_of("", &[begun(), text_event("a")]);
    let server = Server::doing(vec![say(answer), Act::AwaitEnd]).await;
    let client = server.client();
    let mut answer = client.ask(streamed()).await.unwrap();
    assert!(matches!(answer.chunks.next().await, Some(Ok(Chunk::Usage(_)))));
    drop(answer);
    server.ended(1).await;

    let server = Server::doing(vec![Act::AwaitEnd]).await;
    let client = server.client();
    let ask = client.ask(streamed());
    tokio::select! {
        _ = ask => panic!("nobody answers"),
        () = async { while server.heard().is_empty() { tokio::task::yield_now().await; } } => {}
    }
    server.ended(1).await;
}

#[tokio::test]
async fn models_are_listed_and_looked_for() {
    let page = |body: serde_json::Value| {
        say(with_body("200 OK\r\ncontent-type: application/json", &body.to_string()))
    };
    let first = json!({ "data": [{ "id": "a" }], "has_more": true, "last_id": "a" });
    let last = json!({ "data": [{ "id": "b" }], "has_more": false });
    let server = Server::new(vec![vec![Act::Hear, page(first), Act::Hear, page(last)]]).await;
    let client = client(&server.place(), |config, _| {
        config.models = vec!["a".to_owned(), "gone".to_owned()];
        config.default_model = Some("gone".to_owned());
    });
    let health = client.check().await.unwrap();
    assert_eq!(health.models.len(), 2);
    assert_eq!(health.missing, ["gone"]);
    assert!(server.heard()[1].starts_with("GET /v1/models?limit=1000&after_id=a "));
}

#[tokio::test]
async fn tokens_are_counted_by_the_provider() {
    let head = "200 OK\r\ncontent-type: application/json";
    let server = Server::saying(with_body(head, "{\"input_tokens\": 14}")).await;
    assert_eq!(server.client().count_tokens(streamed()).await.unwrap(), 14);
    assert!(server.heard()[0].starts_with("POST /v1/messages/count_tokens "));
}

#[tokio::test]
async fn what_is_invalid_is_never_sent() {
    let server = Server::saying(answer("hi")).await;
    let limited = client(&server.place(), |config, _| config.models = vec!["a".to_owned()]);
    let keyless = limited.upstream.client(None);
    let fine = server.client();
    for (client, request, wanted) in [
        (&fine, asking(|it| it.messages.clear()), "invalid"),
        (&fine, asking(|it| it.temperature = Some(2.5)), "invalid"),
        (&fine, asking(|it| it.temperature = Some(0.5)), "invalid"),
        (&fine, asking(|it| it.model = None), "invalid"),
        (&limited, streamed(), "unknown-model"),
        (&keyless, asking(|it| it.model = Some("a".to_owned())), "missing-key"),
    ] {
        let error = client.ask(request).await.err().unwrap();
        assert_eq!(error.code, wanted);
        assert_eq!(error.provider.as_deref(), Some("claude"));
        if wanted == "missing-key" {
            let hint = crate::provider::hint::hint(&error, client.upstream.config()).unwrap();
            assert_eq!(hint, "type `ax secret set claude-key` to set the key");
        }
    }
    assert_eq!(server.connections(), 0);
}
