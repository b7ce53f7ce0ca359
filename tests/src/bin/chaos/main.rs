//! Runs chaos for as many requests as one likes: `cargo xtask chaos [--requests N] [--seed S]`.
//!
//! Prints how often what was done, what came of it and what does not fit; it fails if anything does not.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its report is its output")]

use std::process::ExitCode;

use ax_tests::chaos;
use ax_tests::chaos::Plan;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(plan) = read(&arguments) else {
        eprintln!("error: `{}` is nothing that chaos knows", arguments.join(" "));
        eprintln!("hint: [--requests N] [--seed S]");
        return ExitCode::from(2);
    };
    let report = chaos::run(plan);
    println!("{report}");
    // One at a time and twice: what is decided follows from the seed alone.
    let alone = Plan { requests: plan.requests / 10, at_once: 1, ..plan };
    let (one, other) = (chaos::run(alone), chaos::run(alone));
    let differs = one.decisions.iter().zip(&other.decisions).find(|(one, other)| one != other);
    if let Some((one, other)) = differs {
        println!("WRONG the same seed decided otherwise:\n{one}\n{other}");
    }
    println!("{} requests one by one, twice: {} wrong", alone.requests, one.wrong_count);
    let is_clean = [&report, &one, &other].iter().all(|it| it.wrong_count == 0);
    if is_clean && differs.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(arguments: &[String]) -> Option<Plan> {
    let mut plan = Plan { requests: 10_000, seed: 1, at_once: 16 };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let number = words.next()?.parse().ok()?;
        match word.as_str() {
            "--requests" => plan.requests = number,
            "--seed" => plan.seed = number,
            _ => return None,
        }
    }
    Some(plan)
}
