//! An MCP server for the conformance suite: our transports and our handler, over tools with the names that
//! the suite calls.
//!
//! ```text
//! serve (the product's) ──→ Fixtures ──┬─→ test:conformance, installed   content, errors, progress, schemas
//!                                      └─→ native                        what is a host's to do: asking, news
//! ```
//!
//! What is a plugin's to do goes through the sandbox and the audit as any call does. No part of the product:
//! nothing here is compiled into `ax`.

mod asking;
mod fixtures;
mod native;
mod states;
mod words;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use ax_host::app::App;
use ax_host::clock::SystemClock;
use ax_host::config::{Overrides, environment_variable, load};
use ax_host::plugin::jail;
use ax_host::server::mcp::{Installed, serve_stdio};

use fixtures::Fixtures;
use words::Words;

/// Threads that run guests; the suite calls one tool after the other.
const CORES: u32 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Components are compiled by this very program, as `ax` does it.
    if arguments.first().is_some_and(|argument| argument == jail::COMMAND) {
        return ExitCode::from(jail::run_child());
    }
    match serve(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "standard output is for messages")]
            {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let here = std::env::current_dir()?;
    let config = load(&Overrides::default(), environment_variable, &here, CORES)?;
    let app = Arc::new(App::new(config, Arc::new(SystemClock::new())));
    let installed = Installed::new(Arc::clone(&app), Arc::new(Words))?;
    let fixtures = Arc::new(Fixtures::new(installed));
    match arguments {
        [flag] if flag == "--stdio" => serve_stdio(fixtures)?,
        _ => return Err("how it is served: --stdio".into()),
    }
    app.close()?;
    Ok(())
}
