//! `demo models`: an answer that streams, from the second provider, since the first fails.
//!
//! The providers are played here, on loopback: the first says that it is overloaded, as Anthropic does, the
//! second streams as OpenAI does. With `--real PROVIDER` the second is a real one, asked with the key in its
//! usual variable; that costs money, so it is never done unasked.
//!
//! Not here: what the providers of other tests do (`tests`).

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::ax::Ax;
use crate::checkout::Checkout;
use crate::failure::Failure;
use crate::{process, product};

/// The home folder of this demo, below the target folder.
const HOME: &str = "demo/models";

/// What is asked.
const QUESTION: &str = "Say in two sentences why a plugin should run in a sandbox.";

/// What the second provider says, word by word.
const ANSWER: &str = "A plugin is code that somebody else wrote, and it runs with everything that its host \
                      holds. A sandbox hands it only what a person granted, so that a mistake in it, or a \
                      lie, stays its own.";

/// Between two words.
const PACE: Duration = Duration::from_millis(30);

/// A provider that can be asked for real.
struct Real {
    name: &'static str,
    variable: &'static str,
    model: &'static str,
}

const REAL: &[Real] = &[
    Real { name: "claude", variable: "ANTHROPIC_API_KEY", model: "claude-haiku-4-5" },
    Real { name: "gemini", variable: "GEMINI_API_KEY", model: "gemini-3.5-flash" },
    Real { name: "openai", variable: "OPENAI_API_KEY", model: "gpt-5.4-mini" },
];

/// Runs the demo.
pub(super) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    let real = real(arguments)?;
    product::prepare(checkout)?;
    let ax = Ax::with_fresh_home(checkout, HOME)?;
    let first = serve(overloaded)?;
    add(&ax, &["first", "--kind", "claude", "--url", &first, "--model", "claude-sonnet-5-5"])?;
    let second = match real {
        None => {
            let url = format!("{}/v1", serve(streaming)?);
            add(&ax, &["second", "--kind", "compatible", "--url", &url, "--model", "words-1"])?;
            "words-1"
        }
        Some(real) => {
            let (kind, model) = (real.name, real.model);
            add(&ax, &["second", "--kind", kind, "--key", "demo-key", "--model", model])?;
            keep(&ax, real)?;
            model
        }
    };
    let settings = ax.home().join("config.toml");
    let text = std::fs::read_to_string(&settings)?;
    let text = text.replacen("kind = \"claude\"\n", "kind = \"claude\"\nmax-retries = 1\n", 1);
    let routes = format!(
        "\n[router]\nprimary = \"first/claude-sonnet-5-5\"\nfallbacks = [\"second/{second}\"]\n"
    );
    std::fs::write(&settings, text + &routes)?;
    show(&ax, &["route", "explain", QUESTION], &["first/claude-sonnet-5-5", "second/"])?;
    let pieces = stream(&ax)?;
    println!("the answer came in {} pieces over {} ms", pieces.count, pieces.took.as_millis());
    if pieces.count < 2 {
        return Err(defect("the answer did not stream"));
    }
    show(&ax, &["request", "list"], &["completed", "second"])?;
    show(&ax, &["usage", "--by", "provider"], &["second"])?;
    Ok(ExitCode::SUCCESS)
}

fn real(arguments: &[String]) -> Result<Option<&'static Real>> {
    let names = || REAL.iter().map(|real| real.name).collect::<Vec<_>>().join(", ");
    match arguments {
        [] => Ok(None),
        [flag, name] if flag == "--real" => {
            let found = REAL.iter().find(|real| real.name == name);
            let found = found.ok_or_else(|| {
                Failure::new(format!("`{name}` is none of {}", names()), "cargo xtask demo models")
            })?;
            Ok(Some(found))
        }
        _ => Err(Failure::new(
            format!("`demo models` takes --real and one of {}", names()),
            "cargo xtask demo models",
        )),
    }
}

fn add(ax: &Ax, arguments: &[&str]) -> Result<()> {
    show(ax, &[&["provider", "add"], arguments].concat(), &["added"])
}

/// Keeps the key of a real provider; it is on no command line and in no output.
fn keep(ax: &Ax, real: &Real) -> Result<()> {
    let key = env::var(real.variable).map_err(|_| {
        Failure::new(
            format!("{} is not set", real.variable),
            format!("export {}=…, or leave --real out", real.variable),
        )
    })?;
    let mut command = ax.command(&["secret", "set", "demo-key"]);
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    child.stdin.take().expect("it is a pipe").write_all(key.trim().as_bytes())?;
    match child.wait()?.success() {
        true => Ok(()),
        false => Err(defect("the key could not be kept")),
    }
}

/// Runs one command, prints it as a terminal would show it, and checks what it says.
fn show(ax: &Ax, arguments: &[&str], holds: &[&str]) -> Result<()> {
    println!("$ {}", process::shown(&ax.command(arguments)));
    let printed = ax.run(arguments)?;
    println!("{}", printed.text);
    match holds.iter().find(|text| !printed.text.contains(**text)) {
        None if printed.status.success() => Ok(()),
        None => Err(defect(&format!("it ended with {}", printed.status))),
        Some(missing) => Err(defect(&format!("it should print `{missing}`"))),
    }
}

/// How an answer came.
struct Pieces {
    count: usize,
    took: Duration,
}

/// Asks, and prints the answer while it comes.
fn stream(ax: &Ax) -> Result<Pieces> {
    let mut command = ax.command(&["chat", QUESTION]);
    println!("$ {}", process::shown(&command));
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut output = child.stdout.take().expect("it is a pipe");
    let (mut buffer, mut count, mut first) = ([0; 4096], 0, None);
    loop {
        let read = output.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        first.get_or_insert_with(Instant::now);
        count += 1;
        std::io::stdout().write_all(&buffer[..read])?;
        std::io::stdout().flush()?;
    }
    if !child.wait()?.success() {
        return Err(defect("nobody answered"));
    }
    Ok(Pieces { count, took: first.map(|at| at.elapsed()).unwrap_or_default() })
}

/// Answers every connection as `answer` does, for as long as the demo runs; returns where.
fn serve(answer: fn(&mut TcpStream) -> std::io::Result<()>) -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let place = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            thread::spawn(move || {
                // Whoever goes early has no answer to read.
                drop(hear(&stream).and_then(|()| answer(&mut stream)));
            });
        }
    });
    Ok(place)
}

/// Reads one request to its end.
fn hear(stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).map(drop)
}

/// Fails as Anthropic does when too many ask.
fn overloaded(stream: &mut TcpStream) -> std::io::Result<()> {
    let body = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    write!(
        stream,
        "HTTP/1.1 529 Overloaded\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Streams as OpenAI does.
fn streaming(stream: &mut TcpStream) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    )?;
    let mut event = |body: &str| {
        write!(stream, "data: {body}\n\n")?;
        stream.flush()
    };
    for word in ANSWER.split_inclusive(' ') {
        let choice =
            format!(r#"{{"index":0,"delta":{{"content":"{word}"}},"finish_reason":null}}"#);
        event(&format!(r#"{{"id":"1","model":"words-1","choices":[{choice}]}}"#))?;
        thread::sleep(PACE);
    }
    event(
        r#"{"id":"1","model":"words-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    )?;
    let usage = r#"{"prompt_tokens":17,"completion_tokens":42,"total_tokens":59}"#;
    event(&format!(r#"{{"id":"1","model":"words-1","choices":[],"usage":{usage}}}"#))?;
    event("[DONE]")
}

fn defect(what: &str) -> anyhow::Error {
    Failure::new(
        format!("the demo went wrong: {what}"),
        "this is a defect of AX: cargo xtask test says more",
    )
}
