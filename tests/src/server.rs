//! Servers on loopback that answer as a test tells them to, honest or not.
//!
//! ```text
//! Server::new(|heard| Answer)     one answer for each request, on connections that stay open
//! Server::raw(|stream, seen| …)   whatever a test does with a connection
//! ```
//!
//! Invariant: nothing sleeps, and nothing waits longer than [`PATIENCE`].
//! Not here: certificates (`authority`).

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

/// How long a test waits for what must happen; then it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection, in the clear or not.
pub trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// Makes a connection of a plain one, as TLS does.
pub type Wrap = dyn Fn(TcpStream) -> io::Result<Box<dyn Stream>> + Send + Sync;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, its chunks still marked.
    pub body: Vec<u8>,
    /// Bytes of all before the body.
    pub head_bytes: usize,
}

impl Heard {
    /// Returns the value of a header; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// What is sent back.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These bytes; the connection stays open.
    Keep(Vec<u8>),
    /// These bytes, and the connection ends.
    Close(Vec<u8>),
    /// These bytes, and no more until the other side closes.
    Hold(Vec<u8>),
}

/// What a server has seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    now: Mutex<Counts>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Counts {
    connections: usize,
    ended: usize,
    heard: Vec<Heard>,
}

impl Seen {
    fn now(&self) -> MutexGuard<'_, Counts> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.now());
        self.changed.notify_all();
    }

    /// Waits until what was seen is enough.
    ///
    /// # Panics
    ///
    /// When it takes too long.
    #[track_caller]
    fn wait(&self, is_enough: impl Fn(&Counts) -> bool, what: &str) {
        let wait = self.changed.wait_timeout_while(self.now(), PATIENCE, |now| !is_enough(now));
        let (now, waited) = wait.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "waited in vain for {what}: {now:?}");
    }

    /// Reads one request and notes it.
    ///
    /// # Errors
    ///
    /// When the connection ends before.
    pub fn hear(&self, stream: &mut dyn Stream) -> io::Result<Heard> {
        let heard = read_request(stream)?;
        self.note(|now| now.heard.push(heard.clone()));
        Ok(heard)
    }

    /// Waits until so many requests were heard, over all connections.
    #[track_caller]
    pub fn heard(&self, requests: usize) {
        self.wait(|now| now.heard.len() >= requests, "requests");
    }
}

/// A server on loopback; it goes on until the test's process ends.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
}

impl Server {
    /// Answers each request.
    #[must_use]
    pub fn new(answer: impl Fn(&Heard) -> Answer + Send + Sync + 'static) -> Self {
        Self::at(Ipv4Addr::LOCALHOST, answer)
    }

    /// Answers each request, on another address of this machine.
    #[must_use]
    pub fn at(
        address: Ipv4Addr,
        answer: impl Fn(&Heard) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let plain = |stream| Ok(Box::new(stream) as Box<dyn Stream>);
        Self::start((address, 0).into(), Arc::new(plain), converse(answer))
    }

    /// Answers each request, on an address and port that a test chose.
    #[must_use]
    pub fn on(
        address: SocketAddr,
        answer: impl Fn(&Heard) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let plain = |stream| Ok(Box::new(stream) as Box<dyn Stream>);
        Self::start(address, Arc::new(plain), converse(answer))
    }

    /// Answers each request over a connection that is made of the plain one.
    #[must_use]
    pub fn over(
        address: Ipv4Addr,
        wrap: Arc<Wrap>,
        answer: impl Fn(&Heard) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start((address, 0).into(), wrap, converse(answer))
    }

    /// Does with each connection what a test says. An error means that the other side is gone.
    #[must_use]
    pub fn raw(
        play: impl Fn(&mut dyn Stream, &Seen) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let plain = |stream| Ok(Box::new(stream) as Box<dyn Stream>);
        Self::start((Ipv4Addr::LOCALHOST, 0).into(), Arc::new(plain), play)
    }

    fn start(
        address: SocketAddr,
        wrap: Arc<Wrap>,
        play: impl Fn(&mut dyn Stream, &Seen) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("it has an address");
        let seen = Arc::new(Seen::default());
        let (notes, play) = (Arc::clone(&seen), Arc::new(play));
        #[expect(clippy::disallowed_methods, reason = "a server ends with the test's process")]
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                notes.note(|now| now.connections += 1);
                let (notes, play, wrap) =
                    (Arc::clone(&notes), Arc::clone(&play), Arc::clone(&wrap));
                #[expect(clippy::disallowed_methods, reason = "it ends with its connection")]
                std::thread::spawn(move || {
                    let played = wrap(stream).and_then(|mut stream| play(&mut *stream, &notes));
                    drop(played);
                    notes.note(|now| now.ended += 1);
                });
            }
        });
        Self { address, seen }
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns its origin, as `http://127.0.0.1:4711`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns a URL on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Counts the connections it took.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.seen.now().connections
    }

    /// Returns the requests it heard.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.seen.now().heard.clone()
    }

    /// Waits until so many requests were heard.
    #[track_caller]
    pub fn await_heard(&self, requests: usize) {
        self.seen.heard(requests);
    }

    /// Waits until every connection it took is over.
    #[track_caller]
    pub fn await_all_ended(&self) {
        self.seen.wait(|now| now.ended == now.connections, "connections to end");
    }
}

/// One answer after the other on one connection.
fn converse(
    answer: impl Fn(&Heard) -> Answer + Send + Sync + 'static,
) -> impl Fn(&mut dyn Stream, &Seen) -> io::Result<()> + Send + Sync + 'static {
    move |stream, seen| loop {
        let heard = seen.hear(stream)?;
        match answer(&heard) {
            Answer::Keep(bytes) => {
                stream.write_all(&bytes)?;
                stream.flush()?;
            }
            Answer::Close(bytes) => {
                stream.write_all(&bytes)?;
                return stream.flush();
            }
            Answer::Hold(bytes) => {
                stream.write_all(&bytes)?;
                stream.flush()?;
                return await_end(stream);
            }
        }
    }
}

/// Waits until the other side closes.
///
/// # Errors
///
/// When it breaks off instead.
pub fn await_end(stream: &mut dyn Stream) -> io::Result<()> {
    let mut rest = [0; 1024];
    while stream.read(&mut rest)? > 0 {}
    Ok(())
}

fn read_request(stream: &mut dyn Stream) -> io::Result<Heard> {
    let mut all = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        if let Some(heard) = whole_request(&all) {
            return Ok(heard);
        }
        match stream.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => all.extend_from_slice(&piece[..read]),
        }
    }
}

/// Reads a request if all of it is there.
fn whole_request(bytes: &[u8]) -> Option<Heard> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let body = bytes[end + 4..].to_vec();
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers = lines.filter_map(header).collect();
    let heard = Heard { method, target, headers, body, head_bytes: end + 4 };
    let is_whole = match heard.header("content-length").parse::<usize>() {
        Ok(length) => heard.body.len() >= length,
        Err(_) => {
            heard.header("transfer-encoding").is_empty() || heard.body.ends_with(b"0\r\n\r\n")
        }
    };
    is_whole.then_some(heard)
}

/// Writes an answer with its length.
#[must_use]
pub fn answer(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// An answer of status 200.
#[must_use]
pub fn ok(body: impl AsRef<[u8]>) -> Answer {
    Answer::Keep(answer(200, &[], body))
}

/// A redirect.
#[must_use]
pub fn redirect(status: u16, location: &str) -> Answer {
    Answer::Keep(answer(status, &[("location", location)], ""))
}
