//! A client over HTTP that says what it is told to, byte by byte.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Stdio;
use std::time::Duration;

use ax_tests::home::Home;
use serde_json::Value;
use serde_json::json;

use crate::client::SESSIONS;
use crate::client::STATELESS;

/// How long a test waits for what must come; then it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server, and who talks to it.
pub(crate) struct Web {
    pub(crate) server: Child,
    /// Host and port.
    pub(crate) address: String,
    pub(crate) token: Option<String>,
    _output: BufReader<ChildStdout>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Drop for Web {
    fn drop(&mut self) {
        // Its folder must not go before it does.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl Web {
    /// Makes a token of this name and starts a server.
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Self {
        let made = home.ax(&["mcp", "token", "add", "laptop", "--json"]).ok().json();
        let token = made["token"].as_str().expect("a token").to_owned();
        let mut web = Self::open(home, arguments);
        web.token = Some(token);
        web
    }

    /// Starts a server.
    pub(crate) fn open(home: &Home, arguments: &[&str]) -> Self {
        let whole = [&["mcp", "serve", "--http", "127.0.0.1:0", "--json"], arguments].concat();
        let mut command = home.command(&whole);
        let command = command.env("LANG", "en").stdin(Stdio::null());
        let mut server =
            command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("it starts");
        let mut output = BufReader::new(server.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("it says where it is");
        let told: Value = serde_json::from_str(&line).expect("a line of JSON");
        let url = told["url"].as_str().expect("an address");
        let address = url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
        Self { server, address, token: None, _output: output }
    }

    /// Connects.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends a request of exactly these header lines; the body's length is added.
    pub(crate) fn raw(&self, request: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
        let mut stream = self.connect();
        let mut head = format!("{request} HTTP/1.1\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("Connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("it reads");
        // A refusal may come before all of it was read.
        drop(stream.write_all(body));
        stream
    }

    /// Sends a body as clients do, with more headers, or others.
    pub(crate) fn begin(&self, method: &str, more: &[(&str, &str)], body: &[u8]) -> TcpStream {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![
            ("Host", self.address.as_str()),
            ("Accept", "application/json, text/event-stream"),
            ("Content-Type", "application/json"),
        ];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        headers.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        headers.extend(more);
        self.raw(&format!("{method} /mcp"), &headers, body)
    }

    /// Sends a body, and waits for the answer.
    pub(crate) fn send(&self, more: &[(&str, &str)], body: &[u8]) -> Reply {
        Reply::read(self.begin("POST", more, body))
    }

    /// Begins a request as clients without sessions do.
    pub(crate) fn begin_stateless(&self, method: &str, params: Value) -> TcpStream {
        self.begin_able(json!({}), method, params)
    }

    /// The same for a client that can do so much.
    pub(crate) fn begin_able(&self, able: Value, method: &str, mut params: Value) -> TcpStream {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": STATELESS,
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": able,
        });
        let name = params["name"].as_str().or(params["taskId"].as_str());
        let name = name.unwrap_or_default().to_owned();
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut headers = vec![("MCP-Protocol-Version", STATELESS), ("Mcp-Method", method)];
        if !name.is_empty() {
            headers.push(("Mcp-Name", &name));
        }
        self.begin("POST", &headers, body.to_string().as_bytes())
    }

    /// Asks as clients without sessions do.
    pub(crate) fn ask(&self, method: &str, params: Value) -> Value {
        Reply::read(self.begin_stateless(method, params)).message()
    }

    /// Opens a session; returns its id.
    pub(crate) fn session(&self) -> String {
        let hello = json!({
            "protocolVersion": SESSIONS, "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        });
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello });
        let opened = self.send(&[], hello.to_string().as_bytes());
        let id = opened.header("mcp-session-id").unwrap_or_else(|| panic!("{opened:?}")).to_owned();
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let ready = self.send(&[("Mcp-Session-Id", &id)], ready.to_string().as_bytes());
        assert_eq!(ready.status, 202, "{ready:?}");
        id
    }

    /// Begins a request within a session.
    pub(crate) fn begin_in(
        &self,
        session: &str,
        id: u64,
        method: &str,
        params: Value,
    ) -> TcpStream {
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let headers = [("Mcp-Session-Id", session), ("MCP-Protocol-Version", SESSIONS)];
        self.begin("POST", &headers, body.to_string().as_bytes())
    }
}

impl Reply {
    /// Reads to the end.
    pub(crate) fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        // What was not read of our body makes the end a reset one.
        if let Err(error) = stream.read_to_end(&mut bytes) {
            assert!(!bytes.is_empty(), "no answer: {error}");
        }
        let text = String::from_utf8(bytes).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.unwrap_or_else(|| panic!("{head}")),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The message that it is, or the last one of its events.
    pub(crate) fn message(&self) -> Value {
        let mut lines = self.body.lines().rev();
        let message = lines.find_map(|line| {
            let line = line.strip_prefix("data: ").unwrap_or(line);
            serde_json::from_str::<Value>(line).ok().filter(Value::is_object)
        });
        message.unwrap_or_else(|| panic!("no message: {self:?}"))
    }
}
