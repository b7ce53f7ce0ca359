//! Kills tasks for as long as one likes: `cargo xtask torture [--minutes N] [--seed S]`.
//!
//! Prints what came of it for each class of effects at each place; it fails if anything was lost, doubled or
//! guessed. `--trials`, `--class` and `--place` do part of it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its report is its output")]

use std::process::ExitCode;
use std::time::Duration;

use ax_tests::torture;
use ax_tests::torture::{Checks, Class, Place, Plan};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(plan) = read(&arguments) else {
        eprintln!("error: `{}` is nothing that torture knows", arguments.join(" "));
        eprintln!("hint: [--minutes N] [--seed S] [--trials N] [--class NAME]… [--place NAME]…");
        return ExitCode::from(2);
    };
    let report = torture::run(&plan);
    println!("{report}");
    if report.wrong() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(arguments: &[String]) -> Option<Plan> {
    let (mut trials, mut minutes, mut seed) = (50, 60, 1);
    let (mut classes, mut places) = (Vec::new(), Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--minutes" => minutes = value.parse().ok()?,
            "--seed" => seed = value.parse().ok()?,
            "--trials" => trials = value.parse().ok()?,
            "--class" => classes.push(Class::ALL.into_iter().find(|it| it.word() == value)?),
            "--place" => places.push(Place::ALL.into_iter().find(|it| it.word() == value)?),
            _ => return None,
        }
    }
    let is_part = !classes.is_empty() || !places.is_empty();
    let checks = if is_part { Checks::None } else { Checks::All };
    if classes.is_empty() {
        classes.extend(Class::ALL);
    }
    if places.is_empty() {
        places.extend(Place::ALL);
    }
    let at_most = Duration::from_secs(minutes * 60);
    Some(Plan { trials, at_most, seed, classes, places, checks })
}
