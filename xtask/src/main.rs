//! Drives builds and everything that changes files of the checkout: `cargo xtask …`.
//!
//! Invariant: every command may be run twice, leaves the same result, and ends no process
//! that it did not start.
//! Not here: anything that ships. The product is `host/`; what tests claim is in `tests/`.

mod accept;
mod ax;
mod bench;
mod chaos;
mod checkout;
mod cpu;
mod demo;
mod docs;
mod evaluate;
mod failure;
mod fuzz;
mod hostile;
mod lint;
mod once;
mod plugins;
mod process;
mod product;
mod test;
mod torture;
mod wasm_target;

use std::env;
use std::process::ExitCode;

use anyhow::Result;

use checkout::Checkout;
use failure::Failure;

/// One command, as `help` lists it.
struct Task {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&Checkout, &[String]) -> Result<ExitCode>,
}

const TASKS: &[Task] = &[
    Task {
        name: "demo",
        arguments: "[models [--real PROVIDER]]",
        about: "set up what is needed, build, and run the main job on this repository",
        run: demo::run,
    },
    Task {
        name: "test",
        arguments: "[--nextest] [-- ARGS]",
        about: "set up what is needed and run every test; ARGS go to cargo test",
        run: test::run,
    },
    Task {
        name: "lint",
        arguments: "",
        about: "check formatting, lints, licences, and that no file names a machine's paths",
        run: lint::run,
    },
    Task {
        name: "plugins",
        arguments: "",
        about: "compile plugins and the guests of tests to WebAssembly",
        run: plugins::run,
    },
    Task {
        name: "hostile",
        arguments: "",
        about: "run the hostile guests: one line each, `guest expected got PASS|FAIL`",
        run: hostile::run,
    },
    Task {
        name: "chaos",
        arguments: "[--requests N] [--seed S]",
        about: "route requests to an upstream that fails in every way: what was done, what came of it",
        run: chaos::run,
    },
    Task {
        name: "torture",
        arguments: "[--minutes N] [--seed S]",
        about: "kill tasks everywhere and resume them: what became of their effects, and whether it may",
        run: torture::run,
    },
    Task {
        name: "fuzz",
        arguments: "[TARGET…] [--seconds N]",
        about: "look for inputs that break a parser: one line each target",
        run: fuzz::run,
    },
    Task {
        name: "bench",
        arguments: "sandbox|mcp|router|runtime [--quick]",
        about: "measure a part against its bars, in release",
        run: bench::run,
    },
    Task {
        name: "docs",
        arguments: "",
        about: "build the documentation as a book, with mdBook at a pinned version",
        run: docs::run,
    },
    Task {
        name: "evaluate",
        arguments: "summarise [--model NAME]",
        about: "score a plugin's answers by a model of yours, with your settings and at your cost",
        run: evaluate::run,
    },
    Task {
        name: "accept",
        arguments: "[languages|mcp|llm|all]",
        about: "check the product with tools that others wrote, at pinned versions",
        run: accept::run,
    },
];

fn main() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("caused by: {cause}");
            }
            if let Some(failure) = error.downcast_ref::<Failure>() {
                eprintln!("\nhint: {}", failure.hint);
            }
            ExitCode::FAILURE
        }
    }
}

/// Finds the task that was asked for and runs it.
fn start() -> Result<ExitCode> {
    let words = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let mut arguments: Vec<String> = words.collect();
    if let Some(ended) = fuzz::instrument::instead_of_rustc(&arguments) {
        return ended;
    }
    let name = match arguments.is_empty() {
        true => "help".to_owned(),
        false => arguments.remove(0),
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", help());
        return Ok(ExitCode::SUCCESS);
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        let names: Vec<&str> = TASKS.iter().map(|task| task.name).collect();
        return Err(Failure::new(
            format!("there is no task `{name}`"),
            format!("cargo xtask [{}]", names.join("|")),
        ));
    };
    (task.run)(&Checkout::find()?, &arguments)
}

/// Lists the tasks, one line each and one for what it does.
fn help() -> String {
    let mut text = String::from("cargo xtask TASK\n\n");
    for Task { name, arguments, about, .. } in TASKS {
        text.push_str(format!("  {name} {arguments}").trim_end());
        text.push_str(&format!("\n      {about}\n"));
    }
    text
}

/// Refuses arguments that a task does not take.
fn refuse(task: &str, arguments: &[String]) -> Result<()> {
    match arguments {
        [] => Ok(()),
        [first, ..] => {
            Err(Failure::new(format!("`{task}` takes no `{first}`"), format!("cargo xtask {task}")))
        }
    }
}
