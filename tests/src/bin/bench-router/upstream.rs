//! The static upstream: a process that answers at once, with bytes that were made before.
//!
//! ```text
//! /claude/…  /chat/…     the answer, whole or as a stream, as the path and the body ask for it
//! /held/claude/…         a stream that says two words and stays open
//! ```

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;

use ax_host::provider::Kind;
use ax_tests::answer::{Pieces, Said};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;

use crate::ask::{MODELS, Shape};

/// Words of an answer, one in each piece: a short answer, as agents ask for many.
const WORDS: usize = 24;

/// The first process's end of it, until it is dropped.
pub(crate) struct Listening {
    server: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Listening {
    /// Starts the process.
    pub(crate) fn start() -> Self {
        let own = std::env::current_exe().expect("this program has a path");
        let mut command = Command::new(own);
        let mut server = command
            .arg("upstream")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let output = server.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("it says where it is");
        Self { server, address: line.trim().to_owned() }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// What is sent for one dialect.
struct Prepared {
    whole: Bytes,
    pieces: Vec<Bytes>,
}

impl Prepared {
    fn of(kind: Kind, model: &str) -> Self {
        let words = (0..WORDS).map(|at| format!("word {at}, ")).collect();
        let said = Said { kind, model: model.to_owned(), words, input: 12, output: 48 };
        let Pieces { begin, words, end } = said.pieces();
        let mut pieces: Vec<Bytes> = words.into_iter().map(Bytes::from).collect();
        pieces[0] = Bytes::from([begin.as_bytes(), &pieces[0]].concat());
        pieces.push(Bytes::from(end));
        Self { whole: Bytes::from(said.whole()), pieces }
    }
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Serves until it is killed.
#[expect(clippy::disallowed_methods, reason = "the process is ended from outside")]
pub(crate) fn serve() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("threads").block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("bound"));
        let prepared = Arc::new(MODELS.map(|(_, kind, model)| Prepared::of(kind, model)));
        loop {
            let (stream, _) = listener.accept().await.expect("a client");
            stream.set_nodelay(true).expect("a socket");
            let prepared = Arc::clone(&prepared);
            let answer = service_fn(move |request| {
                let prepared = Arc::clone(&prepared);
                async move { Ok::<_, Infallible>(answer(&prepared, request).await) }
            });
            let stream = hyper_util::rt::TokioIo::new(stream);
            let connection = hyper::server::conn::http1::Builder::new();
            drop(tokio::spawn(connection.serve_connection(stream, answer)));
        }
    })
}

async fn answer(prepared: &[Prepared; MODELS.len()], request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let at = MODELS.iter().position(|(name, ..)| path.contains(name)).expect("a known path");
    let prepared = &prepared[at];
    let body = body.collect().await.expect("a request").to_bytes();
    let is_stream = body.windows(STREAM.len()).any(|window| window == STREAM);
    let response = Response::builder();
    if !is_stream {
        let body = Full::new(prepared.whole.clone()).boxed_unsync();
        return response.header("content-type", "application/json").body(body).expect("sound");
    }
    let pieces = stream::iter(prepared.pieces.clone());
    let pieces = match path.starts_with(Shape::HELD) {
        true => pieces.take(2).chain(stream::pending()).boxed(),
        false => pieces.boxed(),
    };
    let frames = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    let body = BodyExt::boxed_unsync(StreamBody::new(frames));
    response.header("content-type", "text/event-stream").body(body).expect("sound")
}

/// What asks for a stream in both dialects.
const STREAM: &[u8] = b"\"stream\":true";
