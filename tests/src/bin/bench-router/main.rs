//! Measures the router against a bare client that sends the same bytes to the same place, in one run.
//!
//! Ours is measured with the ledger on and without it. All sides take turns, and the median of the turns
//! counts: whatever else the machine does shifts all. The upstream is a process of its own that
//! answers at once, with bytes that were made before.
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

use ax_host::chat::Request;
use ax_host::router::Router;
use ax_host::router::keeper::Forgetful;
use ax_tests::row::{Bar, Row, percentile};
use tokio::runtime::Runtime;

use ask::{Direct, Kept, Shape, Took};
use upstream::Listening;

/// Turns of each side, after one that warms up.
const TURNS: usize = 5;

/// Requests at the same time, where there are several.
const AT_ONCE: usize = 16;

/// One side.
#[derive(Clone)]
enum Side {
    Ours(Router, Arc<Request>),
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
        [] => 3_000,
        ["--quick"] => 300,
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

/// The bars are for what is kept on record; without that it is told for who wants to know what is left.
fn rows(runtime: &Runtime, upstream: &Listening, shape: Shape, requests: usize) -> Vec<Row> {
    let (kept, request) = (Kept::new(), Arc::new(ask::request(shape)));
    let router = ask::router(&upstream.address, "/", Arc::new(kept.ledger.clone()));
    let forgetful = ask::router(&upstream.address, "/", Arc::new(Forgetful));
    let sides = [
        Side::Ours(router, Arc::clone(&request)),
        Side::Ours(forgetful, request),
        Side::Direct(Arc::new(Direct::new(&upstream.address, shape))),
    ];
    let [ours, bare, direct] = by_turns(&sides, |side| runtime.block_on(turn(side, 1, requests)));
    let name = shape.name();
    let added = |ours: Duration, direct: Duration| ours.saturating_sub(direct);
    let time = |what: &str, ours, direct, bar| {
        Row::time(&format!("{name}: {what}"), added(ours, direct), Some(direct), bar)
    };
    let mut rows = vec![
        time("added p50", ours.p50, direct.p50, Bar::Ratio(1.0)),
        time("added p50, unkept", bare.p50, direct.p50, Bar::None),
        time("added p99", ours.p99, direct.p99, Bar::Ratio(4.0)),
    ];
    if shape.is_stream {
        let (ours, direct) = (ours.first_p50, direct.first_p50);
        rows.push(time("added first token", ours, direct, Bar::Ratio(1.0)));
    }
    let [ours, bare, direct] =
        by_turns(&sides, |side| runtime.block_on(turn(side, AT_ONCE, requests)));
    let rate = |what: &str, turn: Turn, bar| {
        Row::rate(&format!("{name}: {what}"), turn.per_second, Some(direct.per_second), bar)
    };
    rows.push(rate("16 at once", ours, Bar::Share(0.6)));
    rows.push(rate("16 at once, unkept", bare, Bar::None));
    rows
}

/// Lets all sides take their turns; returns the median of each figure.
fn by_turns(sides: &[Side; 3], turn: impl Fn(&Side) -> Turn) -> [Turn; 3] {
    let mut turns = [const { Vec::new() }; 3];
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
