//! Resident memory of a process that routes: idle, and with a thousand streams open.
//!
//! It is a process of its own, and the upstream another.

use std::process::{Command, ExitCode};
use std::sync::Arc;

use ax_tests::row::{Bar, Row};
use futures_util::StreamExt as _;

use crate::ask::{self, Shape};
use crate::upstream::Listening;

/// Streams that are open.
const STREAMS: usize = 1_000;

/// Starts the process and reads what it says.
pub(crate) fn run(upstream: &Listening) -> Vec<Row> {
    let own = std::env::current_exe().expect("this program has a path");
    let told = Command::new(own).args(["streams", &upstream.address]).output().expect("it starts");
    let text = String::from_utf8(told.stdout).expect("text");
    let mut numbers = text.split_whitespace().filter_map(|it| it.parse::<f64>().ok());
    let mut next = || numbers.next().expect("two numbers");
    vec![
        Row::memory("resident, idle", next(), Bar::Kib(40.0 * 1024.0)),
        Row::memory("resident, 1,000 streams", next(), Bar::Kib(140.0 * 1024.0)),
    ]
}

/// Opens the streams, and says what the process holds before and then.
pub(crate) fn streams(address: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("threads").block_on(async {
        let shape = Shape { dialect: 0, is_stream: true };
        let request = ask::request(shape);
        // A request each way, so that what is made once is there.
        let kept = ask::Kept::new();
        let router = ask::router(address, "/", Arc::new(kept.ledger.clone()));
        ask::ours(&router, &request).await;
        let idle = resident_kib();
        let held = ask::router(address, Shape::HELD, Arc::new(kept.ledger.clone()));
        let mut open = Vec::new();
        for _ in 0..STREAMS {
            let routed = held.route(ask::named(&request)).await;
            let mut chunks = routed.map_err(|it| it.error).expect("a stream").answer.chunks;
            let first = chunks.next().await.expect("it has begun").expect("it goes on");
            open.push((first, chunks));
        }
        println!("{idle} {}", resident_kib());
        drop(open);
    });
    ExitCode::SUCCESS
}

fn resident_kib() -> u64 {
    let text = fs_err::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).expect("its line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
