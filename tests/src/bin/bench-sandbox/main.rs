//! Measures the sandbox against raw wasmtime doing the same work, in one run.
//!
//! ```text
//! name                        ours        raw         ratio   bar               verdict
//! ```
//!
//! Each bar is a difference or a ratio of two figures of this very run, so a slow or busy machine
//! shifts both. The raw side uses the same engine settings, the same pool and the same guest, and
//! leaves out what this host adds: admission, limits, gate, audit.
//!
//! `--quick` runs a tenth of the rounds. Run it in release: `cargo xtask bench sandbox`.

#![expect(clippy::disallowed_methods, reason = "a bench reads the clock and links raw WASI")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its report is its output")]

mod density;
mod egress;
mod fresh;
mod kill;
mod memory;
mod permission;
mod process;
mod row;
mod sandbox;
mod warm;

use std::process::ExitCode;

use row::Row;

#[global_allocator]
static ALLOCATOR: permission::Counting = permission::Counting;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Effort {
    quick: bool,
}

impl Effort {
    fn rounds(self, full: usize) -> usize {
        if self.quick { (full / 10).max(1) } else { full }
    }
}

fn main() -> ExitCode {
    let quick = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--quick") => true,
        Some(other) => {
            eprintln!("error: `{other}` is no option of this bench\n\nhint: --quick");
            return ExitCode::from(2);
        }
    };
    let effort = Effort { quick };
    println!("{}", Row::HEADER);
    let benches: [fn(Effort) -> Vec<Row>; 8] = [
        fresh::run,
        warm::run,
        permission::run,
        density::run,
        memory::run,
        egress::run,
        kill::run,
        process::run,
    ];
    let mut failed = 0;
    for bench in benches {
        for row in bench(effort) {
            println!("{row}");
            failed += usize::from(row.failed());
        }
    }
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
