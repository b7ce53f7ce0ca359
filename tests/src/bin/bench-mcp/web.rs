//! Calls over HTTP, on connections that stay open.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use ax_tests::row::percentile;
use serde_json::{Value, json};

use crate::Turn;
use crate::servers::Servers;

/// What ends an answer that comes in chunks.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

struct Client {
    stream: TcpStream,
    session: Option<String>,
    /// Everything that is sent to call the tool.
    call: Vec<u8>,
}

impl Client {
    fn connect(address: &str, is_ours: bool, in_session: bool) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        let mut client = Self { stream, session: None, call: Vec::new() };
        if in_session {
            client.open();
        }
        let mut params =
            json!({ "name": Servers::tool(is_ours), "arguments": { "text": "hello" } });
        let mut headers = String::from("Mcp-Method: tools/call\r\n");
        headers.push_str(&format!("Mcp-Name: {}\r\n", Servers::tool(is_ours)));
        match &client.session {
            Some(id) => headers
                .push_str(&format!("MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: {id}\r\n")),
            None => {
                headers.push_str("MCP-Protocol-Version: 2026-07-28\r\n");
                params["_meta"] = json!({
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
            }
        }
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        client.call = request(&headers, &call);
        client
    }

    fn open(&mut self) {
        let hello = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": { "name": "bench", "version": "1" },
            },
        });
        self.stream.write_all(&request("", &hello)).expect("it reads");
        let answer = self.read(LAST_CHUNK);
        let lines = answer.lines().filter_map(|line| line.split_once(": "));
        let mut ids = lines.filter(|(name, _)| name.eq_ignore_ascii_case("mcp-session-id"));
        let id = ids.next().expect("a session").1.to_owned();
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let header = format!("Mcp-Session-Id: {id}\r\n");
        self.stream.write_all(&request(&header, &ready)).expect("it reads");
        self.read(b"\r\n\r\n");
        self.session = Some(id);
    }

    fn read(&mut self, end: &[u8]) -> String {
        let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
        while !bytes.ends_with(end) {
            let read = self.stream.read(&mut part).expect("it answers");
            assert!(read > 0, "{}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&part[..read]);
        }
        String::from_utf8(bytes).expect("text")
    }

    fn call(&mut self) {
        self.stream.write_all(&self.call).expect("it reads");
        let answer = self.read(LAST_CHUNK);
        assert!(answer.contains("\"result\""), "{answer}");
    }
}

fn request(headers: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: application/json, text/event-stream\r\n\
         Content-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Makes that many calls, by so many clients at the same time.
pub(crate) fn turn(
    servers: &Servers,
    is_ours: bool,
    in_session: bool,
    calls: usize,
    clients: usize,
) -> Turn {
    let server = servers.over_http(is_ours);
    let each = calls / clients;
    let work = || {
        let mut client = Client::connect(&server.address, is_ours, in_session);
        // The first calls make the plugin ready.
        (0..200 / clients).for_each(|_| client.call());
        let times = (0..each).map(|_| {
            let began = Instant::now();
            client.call();
            began.elapsed()
        });
        times.collect::<Vec<_>>()
    };
    let started = Instant::now();
    let mut times: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..clients).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|it| it.join().expect("a client")).collect()
    });
    let per_second = (calls + 200) as f64 / started.elapsed().as_secs_f64();
    Turn { p50: percentile(&mut times, 50), p99: percentile(&mut times, 99), per_second }
}
