//! A server on loopback that is four providers at once and fails as it is told to.
//!
//! The first segment of a path names the provider, and a number in the question names the request. What is
//! done with it follows from both ([`Fault::of`]).
//!
//! Invariant: it waits for nobody but the other side's end.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ax_host::provider::Kind;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::fault::Fault;
use super::fault::number;
use super::motion::Motion;
use crate::answer::Said;

/// What stands before the number of a request in its question.
pub(super) const MARK: &str = "chaos request ";

/// The pause of [`Fault::Slow`].
const PAUSE: Duration = Duration::from_secs(1);

/// The providers, their dialects and models.
pub(super) const PROVIDERS: [(&str, Kind, &str); 4] = [
    ("claude", Kind::Claude, "claude-haiku-4-5"),
    ("chat", Kind::Openai, "gpt-5.4-mini"),
    ("responses", Kind::Responses, "gpt-5.4-nano"),
    ("gemini", Kind::Gemini, "gemini-2.5-flash"),
];

/// One that was asked.
#[derive(Debug, Clone)]
pub(super) struct Played {
    /// What it did.
    pub(super) fault: Fault,
    /// Whether as a stream.
    pub(super) is_streamed: bool,
    /// What it said, or would have said.
    pub(super) said: Said,
}

/// The server.
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    seed: u64,
    is_calm: AtomicBool,
    motion: Arc<Motion>,
    plays: Mutex<BTreeMap<u64, Vec<Played>>>,
    connections: Mutex<u64>,
}

impl Upstream {
    /// Listens until the handle is aborted.
    #[expect(clippy::disallowed_methods, reason = "connections end with their other side")]
    pub(super) async fn listen(
        seed: u64,
        motion: Arc<Motion>,
    ) -> io::Result<(Arc<Self>, JoinHandle<()>)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let upstream = Arc::new(Self {
            address: listener.local_addr()?,
            seed,
            is_calm: AtomicBool::new(false),
            motion,
            plays: Mutex::default(),
            connections: Mutex::default(),
        });
        let own = Arc::clone(&upstream);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *own.connections.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                let own = Arc::clone(&own);
                drop(tokio::spawn(async move {
                    // However a connection ends, that is what was to happen.
                    drop(own.converse(stream).await);
                }));
            }
        });
        Ok((upstream, accepting))
    }

    /// Lets nothing go wrong any more.
    pub(super) fn calm(&self) {
        self.is_calm.store(true, Ordering::Relaxed);
    }

    /// Forgets a request; returns what was done with it, attempt by attempt.
    pub(super) fn take(&self, request: u64) -> Vec<Played> {
        self.plays().remove(&request).unwrap_or_default()
    }

    /// Counts the connections that were made.
    pub(super) fn connections(&self) -> u64 {
        *self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plays(&self) -> MutexGuard<'_, BTreeMap<u64, Vec<Played>>> {
        self.plays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        loop {
            let heard = hear(&mut stream).await?;
            let play = self.choose(&heard);
            let mut scene = Scene {
                stream: &mut stream,
                motion: &self.motion,
                request: heard.request,
                is_streamed: heard.is_streamed,
                said: play.said,
            };
            scene.play(play.fault).await?;
        }
    }

    /// Chooses what is done, and notes it.
    fn choose(&self, heard: &Heard) -> Played {
        let mut plays = self.plays();
        let plays = plays.entry(heard.request).or_default();
        let attempt = u32::try_from(plays.len()).expect("attempts are few") + 1;
        let is_calm = self.is_calm.load(Ordering::Relaxed);
        let fault =
            if is_calm { Fault::None } else { Fault::of(self.seed, heard.request, attempt) };
        let (_, kind, model) = PROVIDERS[heard.provider];
        let drawn = number(self.seed, heard.request, 2_000 + u64::from(attempt));
        let word = |word: &str| format!("{word} {}.{attempt} of {kind:?}; ", heard.request);
        let said = Said {
            kind,
            model: model.to_owned(),
            words: ["this", "is", "the", "answer"].map(word).to_vec(),
            input: 20 + drawn % 100,
            output: 5 + (drawn >> 8) % 50,
        };
        let played = Played { fault, is_streamed: heard.is_streamed, said };
        plays.push(played.clone());
        played
    }
}

/// One exchange.
struct Scene<'a> {
    stream: &'a mut TcpStream,
    motion: &'a Motion,
    request: u64,
    is_streamed: bool,
    said: Said,
}

/// Every connection that is not to be used again ends with this.
fn over() -> io::Result<()> {
    Err(io::ErrorKind::ConnectionAborted.into())
}

impl Scene<'_> {
    async fn play(&mut self, fault: Fault) -> io::Result<()> {
        use Fault as F;
        let pieces = self.said.pieces();
        let content = if self.is_streamed { "text/event-stream" } else { "application/json" };
        match fault {
            F::None => self.answer(content).await,
            F::WrongType => self.answer("text/plain").await,
            F::Slow => self.answer_slowly(content).await,
            F::LimitedNow => self.refuse(429, "rate_limit_error", "retry-after: 0\r\n").await,
            F::LimitedSoon => self.refuse(429, "rate_limit_error", "retry-after: 2\r\n").await,
            F::LimitedLong => self.refuse(429, "rate_limit_error", "retry-after: 30\r\n").await,
            F::Broken => self.refuse(500, "api_error", "").await,
            F::Unavailable => self.refuse(503, "server_error", "").await,
            F::Overloaded => self.refuse(529, "overloaded_error", "").await,
            F::Refused => self.refuse(400, "invalid_request_error", "").await,
            F::Redirect => {
                self.say("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
                    .await
            }
            F::Page => self.fixed("text/html", "<html><body>Sign in</body></html>", 0).await,
            F::Reset => {
                self.stream.set_zero_linger()?;
                over()
            }
            F::CutHead => {
                self.say("HTTP/1.1 200 OK\r\ncontent-ty").await?;
                self.close().await
            }
            F::CutEarly => self.begin(content, &pieces.begin, F::CutEarly).await,
            F::CutLate => {
                let some = pieces.begin + &pieces.words[..2].concat();
                self.begin(content, &some, F::CutLate).await
            }
            F::Silent => self.stand_still().await,
            F::Mute => self.begin(content, &pieces.begin, F::Mute).await,
            F::Still => {
                let some = pieces.begin + &pieces.words[..2].concat();
                self.begin(content, &some, F::Still).await
            }
            F::NotJson => self.broken(content, b"{\"it\": oops}").await,
            F::NotUtf8 => self.broken(content, b"{\"it\": \"\xff\xfe\"}").await,
            F::EndlessLine => self.endless(content, "x".repeat(16 << 10)).await,
            F::EndlessStream => {
                let some = pieces.begin + &pieces.words.concat();
                self.endless(content, some.repeat(16)).await
            }
            F::Promises => self.fixed(content, &self.body(), 100).await,
            F::Understates => self.fixed(content, &self.body(), -100).await,
            F::Empty => self.fixed(content, "", 0).await,
        }
    }

    fn body(&self) -> String {
        if self.is_streamed { self.said.pieces().joined() } else { self.said.whole() }
    }

    async fn say(&mut self, text: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(text.as_ref()).await
    }

    async fn head(&mut self, content: &str) -> io::Result<()> {
        self.say(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content}\r\nrequest-id: r-{}\r\n\
             transfer-encoding: chunked\r\n\r\n",
            self.request
        ))
        .await
    }

    async fn chunk(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let bytes = bytes.as_ref();
        if bytes.is_empty() {
            return Ok(());
        }
        let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.say(chunk).await
    }

    async fn answer(&mut self, content: &str) -> io::Result<()> {
        if !self.is_streamed {
            return self.fixed(content, &self.body(), 0).await;
        }
        let pieces = self.said.pieces();
        self.head(content).await?;
        for piece in std::iter::once(&pieces.begin).chain(&pieces.words).chain([&pieces.end]) {
            self.chunk(piece).await?;
        }
        self.say("0\r\n\r\n").await
    }

    async fn answer_slowly(&mut self, content: &str) -> io::Result<()> {
        self.motion.rest(self.request);
        tokio::time::sleep(PAUSE).await;
        let own = u64::MAX - self.request;
        self.motion.stir(own);
        let answered = self.answer(content).await;
        Motion::settle().await;
        self.motion.rest(own);
        answered
    }

    async fn refuse(&mut self, status: u16, word: &str, headers: &str) -> io::Result<()> {
        let message = "the provider says so";
        let error = match self.said.kind {
            Kind::Gemini => {
                let word = match status {
                    429 => "RESOURCE_EXHAUSTED",
                    400 => "INVALID_ARGUMENT",
                    500 => "INTERNAL",
                    _ => "UNAVAILABLE",
                };
                serde_json::json!({ "code": status, "message": message, "status": word })
            }
            _ => serde_json::json!({ "type": word, "message": message, "code": null }),
        };
        let body = serde_json::json!({ "type": "error", "error": error }).to_string();
        let length = body.len();
        self.say(format!(
            "HTTP/1.1 {status} No\r\ncontent-type: application/json\r\n{headers}\
             content-length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    /// Sends a body with a length that is wrong by so much.
    async fn fixed(&mut self, content: &str, body: &str, wrong: isize) -> io::Result<()> {
        let length = body.len().saturating_add_signed(wrong);
        self.say(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content}\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await?;
        if wrong == 0 { Ok(()) } else { self.close().await }
    }

    /// Sends the beginning of an answer, and no more.
    async fn begin(&mut self, content: &str, stream: &str, fault: Fault) -> io::Result<()> {
        self.head(content).await?;
        if self.is_streamed {
            self.chunk(stream).await?;
        } else if fault != Fault::Mute {
            let body = self.said.whole();
            self.chunk(&body[..body.len() / 2]).await?;
        }
        match fault {
            Fault::Mute | Fault::Still => self.stand_still().await,
            _ => self.close().await,
        }
    }

    async fn broken(&mut self, content: &str, body: &[u8]) -> io::Result<()> {
        self.head(content).await?;
        let bytes = match self.is_streamed {
            true => [b"data: ", body, b"\n\n"].concat(),
            false => body.to_vec(),
        };
        self.chunk(bytes).await?;
        self.say("0\r\n\r\n").await
    }

    /// Writes until nobody reads any more.
    async fn endless(&mut self, content: &str, bytes: String) -> io::Result<()> {
        self.head(content).await?;
        loop {
            self.chunk(&bytes).await?;
        }
    }

    /// Says no more until the other side goes.
    async fn stand_still(&mut self) -> io::Result<()> {
        Motion::settle().await;
        self.motion.rest(self.request);
        let mut rest = [0; 256];
        while self.stream.read(&mut rest).await? > 0 {}
        over()
    }

    async fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        over()
    }
}

/// What was asked.
struct Heard {
    request: u64,
    /// Its place among [`PROVIDERS`].
    provider: usize,
    is_streamed: bool,
}

/// Reads one request.
async fn hear(stream: &mut TcpStream) -> io::Result<Heard> {
    let mut bytes = Vec::new();
    loop {
        if let Some(heard) = read(&bytes) {
            return Ok(heard);
        }
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&piece[..read]);
    }
}

/// Understands a request, if it is whole.
fn read(bytes: &[u8]) -> Option<Heard> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    if body.len() < length.and_then(|length| length.parse().ok()).unwrap_or(0) {
        return None;
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    let name = path.split('/').nth(1).unwrap_or_default();
    let provider = PROVIDERS.iter().position(|(known, ..)| *known == name)?;
    let (_, rest) = body.split_once(MARK)?;
    let digits = rest.split(|it: char| !it.is_ascii_digit()).next().unwrap_or_default();
    let is_streamed = path.contains("streamGenerateContent") || body.contains("\"stream\":true");
    Some(Heard { request: digits.parse().ok()?, provider, is_streamed })
}
