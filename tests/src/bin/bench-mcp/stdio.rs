//! Calls over standard input and output.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use ax_tests::row::percentile;
use serde_json::{Value, json};

use crate::Turn;
use crate::servers::Servers;

struct Client {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Client {
    fn start(servers: &Servers, is_ours: bool) -> Self {
        let mut server = servers.over_stdio(is_ours).spawn().expect("it starts");
        let input = server.stdin.take().expect("its input");
        let output = BufReader::new(server.stdout.take().expect("its output"));
        let mut client = Self { server, input, output };
        client.send(&json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": { "name": "bench", "version": "1" },
            },
        }));
        client.read();
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    fn send(&mut self, message: &Value) {
        let mut line = message.to_string();
        line.push('\n');
        self.input.write_all(line.as_bytes()).expect("it reads");
    }

    fn read(&mut self) -> u64 {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it writes");
        let answer: Value = serde_json::from_str(&line).expect("a message");
        assert!(answer.get("result").is_some(), "{answer}");
        answer["id"].as_u64().expect("the id of a request")
    }

    fn call(&mut self, id: u64, is_ours: bool) {
        self.send(&json!({
            "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": Servers::tool(is_ours), "arguments": { "text": "hello" } },
        }));
    }

    fn end(mut self) {
        drop(self.input);
        drop(self.server.wait());
    }
}

/// Makes that many calls, so many of them at the same time.
pub(crate) fn turn(servers: &Servers, is_ours: bool, calls: usize, in_flight: usize) -> Turn {
    let mut client = Client::start(servers, is_ours);
    // The first calls make the plugin ready.
    measure(&mut client, is_ours, 200, in_flight);
    let turn = measure(&mut client, is_ours, calls, in_flight);
    client.end();
    turn
}

fn measure(client: &mut Client, is_ours: bool, calls: usize, in_flight: usize) -> Turn {
    let mut begun = HashMap::new();
    let mut times = Vec::with_capacity(calls);
    let started = Instant::now();
    let mut next = 0;
    while times.len() < calls {
        while next < calls && begun.len() < in_flight {
            next += 1;
            let id = next as u64;
            begun.insert(id, Instant::now());
            client.call(id, is_ours);
        }
        let id = client.read();
        times.push(begun.remove(&id).expect("an answer to a request").elapsed());
    }
    let per_second = calls as f64 / started.elapsed().as_secs_f64();
    Turn { p50: percentile(&mut times, 50), p99: percentile(&mut times, 99), per_second }
}

/// Starts ours, and asks it for its tools.
pub(crate) fn first_list(servers: &Servers) -> Duration {
    let began = Instant::now();
    let mut client = Client::start(servers, true);
    client.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }));
    client.read();
    let took = began.elapsed();
    client.end();
    took
}
