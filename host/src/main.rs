//! The program `ax`: parse, run, exit code. Everything else is in the library.

use std::process::ExitCode;

use ax_host::cli;
use ax_host::plugin::jail;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    // The compile jail's child: no settings, no plugins, nothing of the command line.
    if arguments.nth(1).is_some_and(|argument| argument == jail::COMMAND) {
        return ExitCode::from(jail::run_child());
    }
    ExitCode::from(cli::run(std::env::args_os()))
}
