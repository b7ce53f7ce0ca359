//! Measures `ax mcp serve` against a plain rmcp server whose tool does the same, in one run.
//!
//! The plain side is what an author gets from the library alone: no sandbox, no permissions, no audit. Both
//! speak to the same client, by turns, and the best of three turns counts: whatever else the machine does
//! shifts both.
//!
//! `--quick` makes a tenth of the calls. Run it in release: `cargo xtask bench mcp`.

#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its report is its output")]

mod library;
mod plain;
mod servers;
mod stdio;
mod web;

use std::process::ExitCode;
use std::time::Duration;

use ax_tests::row::{Bar, Row};

use library::Lifecycle;
use servers::Servers;

/// Turns of each side; the best counts.
const TURNS: usize = 3;

/// What was measured in a turn.
#[derive(Debug, Clone, Copy)]
struct Turn {
    p50: Duration,
    p99: Duration,
    per_second: f64,
}

impl Turn {
    const WORST: Self = Self { p50: Duration::MAX, p99: Duration::MAX, per_second: 0.0 };

    fn best(self, other: Self) -> Self {
        Self {
            p50: self.p50.min(other.p50),
            p99: self.p99.min(other.p99),
            per_second: self.per_second.max(other.per_second),
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let calls = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 5_000,
        ["--quick"] => 500,
        ["plain-stdio"] => return plain::over_stdio(),
        ["plain-http"] => return plain::over_http(),
        _ => {
            eprintln!("error: `{}` is nothing this bench knows", arguments.join(" "));
            eprintln!("hint: [--quick]");
            return ExitCode::from(2);
        }
    };
    let servers = Servers::new();
    println!("{}", Row::HEADER.replace("raw  ", "plain"));
    let mut failed = 0;
    for row in rows(&servers, calls) {
        println!("{row}");
        failed += usize::from(row.failed());
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn rows(servers: &Servers, calls: usize) -> Vec<Row> {
    let added = Bar::Added(Duration::from_micros(150));
    let added_p99 = Bar::Added(Duration::from_millis(1));
    let [ours, plain] = by_turns(|is_ours| stdio::turn(servers, is_ours, calls, 1));
    let mut rows = vec![
        Row::time("stdio, a call p50", ours.p50, Some(plain.p50), added),
        Row::time("stdio, a call p99", ours.p99, Some(plain.p99), added_p99),
    ];
    let [ours, plain] = by_turns(|is_ours| stdio::turn(servers, is_ours, calls, 16));
    let (per_second, raw) = (ours.per_second, Some(plain.per_second));
    rows.push(Row::rate("stdio, 16 in flight", per_second, raw, Bar::PerSecond(5_000.0)));
    for (name, lifecycle) in
        [("2026-07-28", Lifecycle::Stateless), ("2025-11-25", Lifecycle::Session)]
    {
        let [ours, plain] = by_turns(|is_ours| library::turn(servers, is_ours, lifecycle, calls));
        let name = format!("http {name}, a call p50");
        rows.push(Row::time(&name, ours.p50, Some(plain.p50), Bar::Ratio(1.5)));
    }
    // The same without what a client does, for who wants to know what is left.
    let [ours, plain] = by_turns(|is_ours| web::turn(servers, is_ours, calls, 1));
    rows.push(Row::time("http, bare socket p50", ours.p50, Some(plain.p50), Bar::None));
    let [ours, plain] = by_turns(|is_ours| web::turn(servers, is_ours, calls, 16));
    let (per_second, raw) = (ours.per_second, Some(plain.per_second));
    rows.push(Row::rate("http, 16 bare sockets", per_second, raw, Bar::None));
    let first = (0..10).map(|_| stdio::first_list(servers)).min().unwrap_or_default();
    rows.push(Row::time("stdio, start to the list of tools", first, None, Bar::None));
    rows
}

/// Lets both sides take their turns; returns ours, and plain.
fn by_turns(mut turn: impl FnMut(bool) -> Turn) -> [Turn; 2] {
    let mut best = [Turn::WORST; 2];
    for _ in 0..TURNS {
        best = [best[0].best(turn(true)), best[1].best(turn(false))];
    }
    best
}
