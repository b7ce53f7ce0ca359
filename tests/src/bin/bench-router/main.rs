//! Measures the router against a bare client that sends the same bytes to the same place, in one run.
//!
//! Both sides take turns, and the median of the turns counts: whatever else the machine does shifts both.
//! The upstream is a process of its own that answers at once, with bytes that were made before.
//!
//! `--quick` makes a tenth of the requests. Run it in release: `cargo xtask bench router`.

#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its report is its output")]

mod ask;
mod decision;
mod memory;
mod upstream;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ax_host::router::{Options, Router};
use ax_tests::row::{Bar, Row, percentile};
use tokio::runtime::Runtime;

use ask::{Direct, Shape, Took};
use upstream::Listening;

/// Turns of each side, after one that warms up.
const TURNS: usize = 5;

/// Requests at the same time, where there are several.
const AT_ONCE: usize = 16;

/// One side.
#[derive(Clone)]
enum Side {
    Ours(Router, Arc<ax_host::chat::Request>),
    Direct(Arc<Direct>),
}

impl Side {
    async fn ask(&self) -> Took {
        match self {
            Self::Ours(router, request) => ask::ours(router, request).await,
            Self::Direct(direct) => direct.ask().await,
        }
    }
}

/// What was measured in a turn.
#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    p50: Duration,
    p99: Duration,
    first_p50: Duration,
    per_second: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let requests = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 5_000,
        ["--quick"] => 500,
        ["upstream"] => return upstream::serve(),
        ["streams", address] => return memory::streams(address),
        _ => {
            eprintln!("error: `{}` is nothing this bench knows", arguments.join(" "));
            eprintln!("hint: [--quick]");
            return ExitCode::from(2);
        }
    };
    let upstream = Listening::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("threads");
    println!("{}", Row::HEADER.replace("raw   ", "direct"));
    let mut failed = 0;
    let mut show = |row: Row| {
        println!("{row}");
        failed += usize::from(row.failed());
    };
    for shape in Shape::ALL {
        rows(&runtime, &upstream, shape, requests).into_iter().for_each(&mut show);
    }
    decision::run(TURNS, requests).into_iter().for_each(&mut show);
    memory::run(&upstream).into_iter().for_each(&mut show);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn rows(runtime: &Runtime, upstream: &Listening, shape: Shape, requests: usize) -> Vec<Row> {
    let router = ask::router(&upstream.address, "/", Options::default());
    let ours = Side::Ours(router, ask::request(shape));
    let direct = Side::Direct(Arc::new(Direct::new(&upstream.address, shape)));
    let sides = [ours, direct];
    let [ours, direct] = by_turns(&sides, |side| runtime.block_on(turn(side, 1, requests)));
    let name = shape.name();
    let added = |ours: Duration, direct: Duration| ours.saturating_sub(direct);
    let p50 = added(ours.p50, direct.p50);
    let p99 = added(ours.p99, direct.p99);
    let mut rows = vec![
        Row::time(&format!("{name}: added p50"), p50, Some(direct.p50), Bar::Ratio(1.0)),
        Row::time(&format!("{name}: added p99"), p99, Some(direct.p99), Bar::Ratio(4.0)),
    ];
    if shape.is_stream {
        let first = added(ours.first_p50, direct.first_p50);
        let name = format!("{name}: added first token");
        rows.push(Row::time(&name, first, Some(direct.first_p50), Bar::Ratio(1.0)));
    }
    let [ours, direct] = by_turns(&sides, |side| runtime.block_on(turn(side, AT_ONCE, requests)));
    let (per_second, raw) = (ours.per_second, Some(direct.per_second));
    rows.push(Row::rate(&format!("{name}: 16 at once"), per_second, raw, Bar::Share(0.6)));
    rows
}

/// Lets both sides take their turns; returns the median of each figure.
fn by_turns(sides: &[Side; 2], turn: impl Fn(&Side) -> Turn) -> [Turn; 2] {
    let mut turns = [Vec::new(), Vec::new()];
    for number in 0..=TURNS {
        for (side, turns) in sides.iter().zip(&mut turns) {
            let turn = turn(side);
            // The first warms up.
            if number > 0 {
                turns.push(turn);
            }
        }
    }
    turns.map(|turns| {
        let time = |of: fn(&Turn) -> Duration| {
            percentile(&mut turns.iter().map(of).collect::<Vec<_>>(), 50)
        };
        let mut rates: Vec<f64> = turns.iter().map(|turn| turn.per_second).collect();
        rates.sort_by(f64::total_cmp);
        Turn {
            p50: time(|turn| turn.p50),
            p99: time(|turn| turn.p99),
            first_p50: time(|turn| turn.first_p50),
            per_second: rates[rates.len() / 2],
        }
    })
}

/// Makes that many requests, so many at the same time.
async fn turn(side: &Side, at_once: usize, requests: usize) -> Turn {
    let began = Instant::now();
    let each = requests / at_once;
    let asking: Vec<_> = (0..at_once)
        .map(|_| {
            let side = side.clone();
            tokio::spawn(async move {
                let mut took = Vec::with_capacity(each);
                for _ in 0..each {
                    took.push(side.ask().await);
                }
                took
            })
        })
        .collect();
    let mut took = Vec::new();
    for asking in asking {
        took.extend(asking.await.expect("every request was answered"));
    }
    let per_second = took.len() as f64 / began.elapsed().as_secs_f64();
    let mut all: Vec<_> = took.iter().map(|it| it.all).collect();
    let mut first: Vec<_> = took.iter().map(|it| it.first).collect();
    Turn {
        p50: percentile(&mut all, 50),
        p99: percentile(&mut all, 99),
        first_p50: percentile(&mut first, 50),
        per_second,
    }
}
