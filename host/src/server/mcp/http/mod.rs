//! Streamable HTTP: one server for all programs of a person, or of a machine.
//!
//! ```text
//! listener ──→ connection ──→ front: path, token, size, is it a message, whose session ──→ rmcp ──→ handler
//!     │             │           └─ whatever is refused is answered here
//!     └─ full: 503  └─ too slow: closed
//! ```
//!
//! To stop: nobody is accepted and nothing is told unasked any more; calls go on for the grace period; what
//! runs then is ended and recorded; what is open then is closed.
//!
//! Invariants: everything that a client can have many of has a bound; a call that nobody waits for ends.
//! Not here: encryption. What is no loopback address is for a proxy that does it.

mod front;
mod keys;
mod patient;
mod sessions;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use tokio::io::{Interest, Ready};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::handler::{Handler, Offering};
use super::serving::{self, ServeError};
use crate::secret::tokens::TokenFile;
use front::Front;
use keys::Keys;
use patient::Patient;

/// Threads for messages; calls have their own. One more made each call slower by a fifth: it is woken for
/// what is done before it is awake.
const WORKERS: usize = 1;

/// Connections at the same time.
const CONNECTIONS_MAX: usize = 512;

/// How long a connection may be open without a request, or the head of a request take to come.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);

/// Header lines of a request.
const HEADERS_MAX: usize = 64;

/// Bytes of what is read ahead of a connection, the head of a request among them.
const READ_BYTES_MAX: usize = 64 << 10;

/// How often it is looked whether a client is gone that sent more than was asked for.
const GONE_LOOK: Duration = Duration::from_millis(20);

/// How long a client may take nothing of what it is sent.
const WRITE_TIME_MAX: Duration = Duration::from_secs(30);

/// How long it is waited after a connection could not be accepted: the system has none to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long connections may take to close when everything was answered.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// What this machine calls itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What is said to one connection too many.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\
    Connection: close\r\n\r\n";

/// Who is let in.
pub struct Door {
    /// The tokens that open; without them everybody comes in.
    pub tokens: Option<TokenFile>,
    /// Names that the server is called by besides those of the loopback, as `tools.example.com`.
    pub hosts: Vec<String>,
    /// How long calls may go on when the server is to stop.
    pub grace: Duration,
}

/// Begins to listen.
///
/// # Errors
///
/// [`ServeError::Listen`].
pub fn listen(address: SocketAddr) -> Result<std::net::TcpListener, ServeError> {
    std::net::TcpListener::bind(address).map_err(|source| ServeError::Listen { address, source })
}

/// Serves whoever comes to `listener`, until `stop` turns true.
///
/// # Errors
///
/// [`ServeError`].
pub fn serve<O: Offering>(
    offering: Arc<O>,
    listener: std::net::TcpListener,
    door: Door,
    stop: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    serving::run(WORKERS, async {
        listener.set_nonblocking(true).map_err(ServeError::Start)?;
        let listener = TcpListener::from_std(listener).map_err(ServeError::Start)?;
        attend(offering, listener, door, stop).await;
        Ok(())
    })
}

async fn attend<O: Offering>(
    offering: Arc<O>,
    listener: TcpListener,
    door: Door,
    mut stop: watch::Receiver<bool>,
) {
    let handler = Handler::new(offering, "mcp:http");
    let (closing, closed) = (CancellationToken::new(), CancellationToken::new());
    let config = config(&door.hosts, closed.clone());
    let front = Front::new(handler.clone(), Keys::new(door.tokens), config, closing.clone());
    let front = Arc::new(front);
    let mut connections = JoinSet::new();
    let mut watching = std::pin::pin!(serving::watch(&handler));
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            () = &mut watching => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) if connections.len() < CONNECTIONS_MAX => {
                connections.spawn(converse(stream, Arc::clone(&front), closing.clone()));
            }
            // As much as goes out at once: nobody waits for who is one too many.
            Ok((stream, _)) => drop(stream.try_write(FULL)),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(listener);
    closing.cancel();
    handler.close();
    let idle = async {
        handler.idle().await;
        front.idle().await;
    };
    drop(tokio::time::timeout(door.grace, idle).await);
    handler.end().await;
    drop(tokio::time::timeout(CLOSE_MAX, front.idle()).await);
    closed.cancel();
    let done = async { while connections.join_next().await.is_some() {} };
    drop(tokio::time::timeout(CLOSE_MAX, done).await);
}

fn config(hosts: &[String], closed: CancellationToken) -> StreamableHttpServerConfig {
    let names = LOOPBACK.into_iter().chain(hosts.iter().map(String::as_str));
    let origins = names.clone().flat_map(|name| {
        let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
        ["http", "https"].map(|scheme| format!("{scheme}://{name}:*"))
    });
    StreamableHttpServerConfig::default()
        .with_allowed_hosts(names.clone())
        .enforce_origin_validation()
        .with_allowed_origins(origins)
        // One write instead of an event and an end; who is told how far it is still gets events.
        .with_json_response(true)
        .with_max_request_body_bytes(super::message::MESSAGE_BYTES_MAX)
        .with_cancellation_token(closed)
}

/// Answers the requests of one connection, one after another.
async fn converse<O: Offering>(
    stream: TcpStream,
    front: Arc<Front<O>>,
    closing: CancellationToken,
) {
    // Small answers go out at once; where that cannot be said, they come a little later.
    drop(stream.set_nodelay(true));
    let has_come = Arc::new(Notify::new());
    let gone = gone(&stream, Arc::clone(&has_come));
    let answering = service_fn(move |request| {
        let (front, has_come) = (Arc::clone(&front), Arc::clone(&has_come));
        async move { Ok::<_, Infallible>(front.answer(request, &has_come).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME_MAX);
    builder.max_headers(HEADERS_MAX).max_buf_size(READ_BYTES_MAX);
    let mut connection =
        std::pin::pin!(builder.serve_connection(Patient::new(stream, WRITE_TIME_MAX), answering));
    tokio::select! {
        // Whoever broke it off knows why.
        _ = &mut connection => return,
        () = gone => return,
        () = closing.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    drop(connection.await);
}

/// Ends when the client is gone while it is answered. hyper sees that by itself, but not of a request that
/// asks for the connection to be closed after it, as those of some proxies do.
fn gone(stream: &TcpStream, has_come: Arc<Notify>) -> impl Future<Output = ()> + use<> {
    let handle = stream.as_fd().try_clone_to_owned();
    let watched = handle.and_then(|it| TcpStream::from_std(std::net::TcpStream::from(it)));
    async move {
        // Where there is no handle for it, the call ends by its limits.
        let Ok(watched) = watched else { return std::future::pending().await };
        has_come.notified().await;
        loop {
            match watched.peek(&mut [0]).await {
                Ok(0) | Err(_) => return,
                // More than was asked for: then its end does not show, and is looked for now and then.
                Ok(_) => tokio::select! {
                    () = has_come.notified() => {}
                    () = closed(&watched) => return,
                },
            }
        }
    }
}

/// Ends when the other side has closed a connection of which not all was read.
async fn closed(stream: &TcpStream) {
    loop {
        tokio::time::sleep(GONE_LOOK).await;
        let ready = stream.ready(Interest::READABLE).await;
        if ready.is_err() || ready.is_ok_and(Ready::is_read_closed) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{Read as _, Write as _};

    use rmcp::ErrorData;
    use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, Tool};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::server::mcp::handler::ToolCall;

    /// One tool, whose calls say that they began and wait until they may end.
    struct Gated {
        began: Arc<Semaphore>,
        may_end: Arc<Semaphore>,
    }

    impl Offering for Gated {
        fn edition(&self) -> u64 {
            0
        }

        fn tools(&self) -> Arc<BTreeMap<String, Tool>> {
            Arc::default()
        }

        async fn call(&self, call: ToolCall) -> Result<CallToolResponse, ErrorData> {
            self.began.add_permits(1);
            let ended = tokio::select! {
                _ = self.may_end.acquire() => "in time",
                () = call.stop.cancelled() => "too late",
            };
            Ok(CallToolResult::success(vec![ContentBlock::text(ended)]).into())
        }
    }

    /// Stops a server while one call runs, lets that end, and returns what its client read.
    fn stopped_during_a_call(grace: Duration, ends: bool) -> String {
        let (began, may_end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let gated = Gated { began: Arc::clone(&began), may_end: Arc::clone(&may_end) };
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let door = Door { tokens: None, hosts: Vec::new(), grace };
        let (asked, stop) = watch::channel(false);
        let server = std::thread::Builder::new();
        let server = server.spawn(move || serve(Arc::new(gated), listener, door, stop)).unwrap();
        let mut client = std::net::TcpStream::connect(address).unwrap();
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wait","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: application/json, text/event-stream\r\n\
             Content-Type: application/json\r\nMCP-Protocol-Version: 2026-07-28\r\n\
             Mcp-Method: tools/call\r\nMcp-Name: wait\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        client.write_all(request.as_bytes()).unwrap();
        let waiting = tokio::runtime::Builder::new_current_thread().build().unwrap();
        drop(waiting.block_on(began.acquire()).unwrap());
        asked.send_replace(true);
        // It listens no more before it waits for calls.
        while std::net::TcpStream::connect(address).is_ok() {
            std::thread::yield_now();
        }
        if ends {
            may_end.add_permits(1);
        }
        let mut read = String::new();
        client.read_to_string(&mut read).unwrap();
        server.join().unwrap().unwrap();
        read
    }

    #[test]
    fn calls_that_end_within_the_grace_period_are_answered() {
        let read = stopped_during_a_call(Duration::from_secs(60), true);
        assert!(read.starts_with("HTTP/1.1 200 OK") && read.contains("in time"), "{read}");
    }

    #[test]
    fn calls_that_outlive_it_are_ended() {
        let read = stopped_during_a_call(Duration::ZERO, false);
        assert!(!read.contains("in time"), "{read}");
    }
}
