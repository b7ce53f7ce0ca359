//! Calls over HTTP, by a client that does as little as can be.

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
    /// Everything that is sent to call the tool.
    call: Vec<u8>,
}

impl Client {
    fn connect(address: &str, is_ours: bool) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        let name = Servers::tool(is_ours);
        let headers = format!(
            "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {name}\r\n"
        );
        let call = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {
                "name": name, "arguments": { "text": "hello" },
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
            },
        });
        Self { stream, call: request(&headers, &call) }
    }

    fn read(&mut self) -> String {
        let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
        while !is_whole(&bytes) {
            let read = self.stream.read(&mut part).expect("it answers");
            assert!(read > 0, "{}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&part[..read]);
        }
        String::from_utf8(bytes).expect("text")
    }

    fn call(&mut self) {
        self.stream.write_all(&self.call).expect("it reads");
        let answer = self.read();
        assert!(answer.contains("\"result\""), "{answer}");
    }
}

/// Answers whether an answer is at its end: ours have a length, those of the library come in chunks.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    match length.and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => body.len() >= length,
        None => bytes.ends_with(LAST_CHUNK),
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
pub(crate) fn turn(servers: &Servers, is_ours: bool, calls: usize, clients: usize) -> Turn {
    let server = servers.over_http(is_ours);
    let each = calls / clients;
    let work = || {
        let mut client = Client::connect(&server.address, is_ours);
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
