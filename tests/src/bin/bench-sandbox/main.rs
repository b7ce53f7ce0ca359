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
//! `--quick` runs a tenth of the rounds; names of subjects measure those alone. Run it in release: `cargo xtask bench sandbox`.

#![expect(clippy::disallowed_methods, reason = "a bench reads the clock and links raw WASI")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its report is its output")]

mod density;
mod egress;
mod fresh;
mod kill;
mod memory;
mod permission;
mod process;
mod sandbox;
mod warm;

use std::process::ExitCode;

use ax_tests::row::Row;

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

/// What can be measured by itself, by the name it is asked for with.
type Subject = (&'static str, fn(Effort) -> Vec<Row>);

const SUBJECTS: [Subject; 8] = [
    ("fresh", fresh::run),
    ("warm", warm::run),
    ("permission", permission::run),
    ("density", density::run),
    ("memory", memory::run),
    ("egress", egress::run),
    ("kill", kill::run),
    ("process", process::run),
];

fn main() -> ExitCode {
    let mut effort = Effort { quick: false };
    let mut wanted = Vec::new();
    for argument in std::env::args().skip(1) {
        match SUBJECTS.iter().find(|(name, _)| *name == argument) {
            Some(subject) => wanted.push(*subject),
            None if argument == "--quick" => effort.quick = true,
            None => {
                let names = SUBJECTS.map(|(name, _)| name).join(" | ");
                eprintln!("error: `{argument}` is nothing this bench knows");
                eprintln!("hint: [--quick] [{names}]…");
                return ExitCode::from(2);
            }
        }
    }
    if wanted.is_empty() {
        wanted.extend(SUBJECTS);
    }
    println!("{}", Row::HEADER);
    let mut failed = 0;
    for (_, bench) in wanted {
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
