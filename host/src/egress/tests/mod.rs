//! Against servers on loopback, most of them hostile.
//!
//! A server is a script for each connection: `Say` and `Hear` what it does, in order. Nothing
//! sleeps; where time matters, tokio's clock is paused and moves by itself.

mod answer;
mod bounds;
mod cut;
mod encoded;
mod places;
mod request;
mod reuse;
mod time;
mod tls;

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use ax_manifest::Method;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::egress::Answer;
use crate::egress::ByteBounds;
use crate::egress::ByteBudget;
use crate::egress::Egress;
use crate::egress::EgressConfig;
use crate::egress::Outgoing;
use crate::egress::OutgoingBody;
use crate::egress::Resolve;
use crate::egress::Timeouts;
use crate::egress::error::EgressError;

/// One thing a server does.
#[derive(Debug, Clone)]
enum Act {
    /// Reads a request with its body.
    Hear,
    /// Reads a request's head only.
    HearHead,
    /// Writes bytes.
    Say(Vec<u8>),
    /// Writes bytes again and again until the other side is gone.
    SayForEver(Vec<u8>),
    /// Waits on tokio's clock.
    Wait(Duration),
    /// Waits until the other side closes, and notes it.
    AwaitEnd,
}

fn say(text: impl AsRef<[u8]>) -> Act {
    Act::Say(text.as_ref().to_vec())
}

/// The answer that most tests get.
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server with a script for each connection; further connections get the last script.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _task: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    /// Requests, as they came.
    heard: Vec<Vec<u8>>,
    /// Connections whose other side closed.
    ended: usize,
}

#[expect(clippy::disallowed_methods, reason = "a test's runtime ends with the test")]
fn spawn<F: Future<Output = ()> + Send + 'static>(future: F) -> tokio::task::JoinHandle<()> {
    tokio::spawn(future)
}

impl Server {
    async fn new(scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let notes = Arc::clone(&seen);
        let task = spawn(async move {
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
        Self { address, seen, _task: task }
    }

    /// Answers one request on each connection and closes it.
    async fn saying(answer: impl AsRef<[u8]>) -> Self {
        Self::new(vec![vec![Act::Hear, say(answer)]]).await
    }

    /// Answers every request on a connection that stays open.
    async fn keeping(answer: impl AsRef<[u8]>) -> Self {
        let turns = (0..64).flat_map(|_| [Act::Hear, say(&answer)]).collect();
        Self::new(vec![turns]).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    fn heard(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.heard.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    /// Waits until `count` connections were closed by the other side.
    async fn ended(&self, count: usize) {
        while self.seen.lock().unwrap().ended < count {
            tokio::task::yield_now().await;
        }
    }
}

/// Plays a script. A failure means that the other side is gone, which ends it.
async fn play<S>(mut stream: S, script: Vec<Act>, seen: Arc<Mutex<Seen>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for act in script {
        let done = match act {
            Act::Hear => hear(&mut stream, true, &seen).await,
            Act::HearHead => hear(&mut stream, false, &seen).await,
            Act::Say(bytes) => stream.write_all(&bytes).await,
            Act::SayForEver(bytes) => loop {
                if let Err(error) = stream.write_all(&bytes).await {
                    break Err(error);
                }
            },
            Act::Wait(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Act::AwaitEnd => {
                let mut rest = [0; 1024];
                while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                seen.lock().unwrap().ended += 1;
                Ok(())
            }
        };
        if done.is_err() {
            seen.lock().unwrap().ended += 1;
            return;
        }
    }
    if stream.shutdown().await.is_err() {
        seen.lock().unwrap().ended += 1;
    }
}

async fn hear<S>(stream: &mut S, with_body: bool, seen: &Mutex<Seen>) -> io::Result<()>
where
    S: AsyncRead + Unpin,
{
    let mut request = Vec::new();
    loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
            let body = &request[end + 4..];
            let length = head
                .split("content-length: ")
                .nth(1)
                .map(|rest| rest.lines().next().unwrap().parse::<usize>().unwrap());
            let is_whole = match length {
                Some(length) => body.len() >= length,
                None => !head.contains("chunked") || body.ends_with(b"0\r\n\r\n"),
            };
            if is_whole || !with_body {
                seen.lock().unwrap().heard.push(request);
                return Ok(());
            }
        }
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&piece[..read]);
    }
}

/// Gives the n-th list at the n-th lookup, then the last one.
#[derive(Debug, Default)]
struct Script {
    lists: Vec<Vec<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    fn new(lists: &[&[&str]]) -> Arc<Self> {
        let parse = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self { lists: lists.iter().map(parse).collect(), asked: Mutex::default() })
    }

    fn lookups(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Resolve for Script {
    fn resolve<'a>(&'a self, _: &'a str, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(host.to_owned());
        let list = self.lists.get(asked.len() - 1).or(self.lists.last()).cloned();
        Box::pin(async move { Ok(list.unwrap_or_default()) })
    }
}

/// Makes an egress that knows no names.
fn egress() -> Arc<Egress> {
    egress_with(Script::new(&[]), &[])
}

fn egress_with(resolver: Arc<dyn Resolve>, opened: &[&str]) -> Arc<Egress> {
    let opened = opened.iter().map(|text| text.parse().unwrap()).collect();
    let runtime = Handle::current();
    let config = EgressConfig { resolver, extra_roots: Vec::new(), opened, script: None };
    Egress::new(config, runtime).unwrap()
}

fn budget(sent_bytes_max: u64, received_bytes_max: u64) -> Arc<ByteBudget> {
    ByteBudget::new(ByteBounds { sent_bytes_max, received_bytes_max })
}

/// A GET of a literal address that a rule names.
fn get(url: &str) -> Outgoing {
    Outgoing {
        owner: "a:plugin".into(),
        method: Method::Get,
        url: url.parse().unwrap_or_else(|error| panic!("{url}: {error}")),
        headers: HeaderMap::new(),
        body: OutgoingBody::Bytes(Bytes::new()),
        is_named: true,
        timeouts: Timeouts::default(),
        budget: budget(8 << 20, 32 << 20),
    }
}

fn with_body(method: Method, url: &str, body: impl Into<Bytes>) -> Outgoing {
    Outgoing { method, body: OutgoingBody::Bytes(body.into()), ..get(url) }
}

/// Sends a request and reads the whole answer.
async fn fetch(egress: &Egress, outgoing: Outgoing) -> Result<(u16, Bytes), EgressError> {
    let Answer { status, body, .. } = egress.send(outgoing).await?;
    Ok((status, body.collect(u64::MAX).await?))
}

/// Gets what a fresh server answers with `answer`.
async fn answer_to_get(answer: impl AsRef<[u8]>) -> Result<(u16, Bytes), EgressError> {
    let server = Server::saying(answer).await;
    fetch(&egress(), get(&server.url("/"))).await
}

/// Returns the error of an exchange that must fail.
async fn refused(egress: &Egress, outgoing: Outgoing) -> EgressError {
    match fetch(egress, outgoing).await {
        Ok((status, body)) => panic!("answered {status} with {} bytes", body.len()),
        Err(error) => error,
    }
}

async fn refused_answer(answer: impl AsRef<[u8]>) -> EgressError {
    let server = Server::saying(answer).await;
    refused(&egress(), get(&server.url("/"))).await
}
