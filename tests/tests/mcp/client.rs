//! A client that says what it is told to, word by word.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Stdio;

use ax_tests::home::Home;
use serde_json::Value;
use serde_json::json;

/// The revision that needs no session.
pub(crate) const STATELESS: &str = "2026-07-28";

/// The one with sessions.
pub(crate) const SESSIONS: &str = "2025-11-25";

/// A client, and the server that it started.
pub(crate) struct Client {
    server: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// What came before the answer that was waited for.
    pub(crate) news: Vec<Value>,
    next: u64,
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends by itself; the folder it works in must not go before.
        drop(self.server.wait());
    }
}

impl Client {
    /// Starts a server.
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_with(home, &[])
    }

    /// Starts a server, with flags before what it is to do.
    pub(crate) fn start_with(home: &Home, flags: &[&str]) -> Self {
        let mut command = home.command(&[flags, &["mcp", "serve", "--stdio"]].concat());
        command
            .env("LANG", "en")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut server = command.spawn().expect("it starts");
        let input = server.stdin.take();
        let output = BufReader::new(server.stdout.take().expect("its output"));
        Self { server, input, output, news: Vec::new(), next: 1_000 }
    }

    /// Starts a server and opens a session.
    pub(crate) fn in_session(home: &Home) -> Self {
        Self::start(home).open(json!({}))
    }

    /// Opens a session of a client that can do so much.
    pub(crate) fn open(self, capabilities: Value) -> Self {
        let mut client = self;
        let hello = json!({
            "protocolVersion": SESSIONS, "capabilities": capabilities,
            "clientInfo": { "name": "test", "version": "1" },
        });
        let opened = client.ask("initialize", hello);
        assert_eq!(opened["result"]["protocolVersion"], SESSIONS, "{opened}");
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    /// Writes one message.
    pub(crate) fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string());
    }

    /// Writes one line.
    pub(crate) fn send_text(&mut self, line: &str) {
        let input = self.input.as_mut().expect("its input is open");
        input.write_all(line.as_bytes()).expect("it reads");
        input.write_all(b"\n").expect("it reads");
    }

    /// Sends a request; returns its id.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> u64 {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        self.answer(&json!(id))
    }

    /// Sends a request as clients without sessions do, and waits for its answer.
    pub(crate) fn ask_stateless(&mut self, method: &str, params: Value) -> Value {
        self.ask_able(json!({}), method, params)
    }

    /// The same for a client that can do so much.
    pub(crate) fn ask_able(&mut self, able: Value, method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": STATELESS,
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": able,
        });
        self.ask(method, params)
    }

    /// Kills the server in the middle of whatever it does.
    pub(crate) fn kill(mut self) {
        self.server.kill().expect("it runs");
    }

    /// Reads the next message.
    pub(crate) fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it writes text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Reads until the answer to a request comes.
    pub(crate) fn answer(&mut self, id: &Value) -> Value {
        loop {
            let message = self.read();
            if message["id"] == *id && message.get("method").is_none() {
                return message;
            }
            self.news.push(message);
        }
    }

    /// Ends the input; returns the exit code and what was still said.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<Value>) {
        drop(self.input.take());
        let rest = std::io::read_to_string(&mut self.output).expect("it writes text");
        let rest = rest.lines().map(|line| serde_json::from_str(line).expect("a message"));
        let rest = rest.collect();
        (self.server.wait().expect("it ends").code(), rest)
    }
}
