//! TALK: commands and what they print. Each file is one noun; each command parses, calls one
//! function of `app`, and prints.
//!
//! Not here: what a command does (`app`), what an error means (`fault`, `codes`).

mod agent;
mod approve;
mod args;
mod attendant;
mod audit;
mod author;
mod backtrace;
mod carry;
mod cause;
mod chat;
mod codes;
mod compiling;
mod config;
mod dev;
mod doctor;
mod explain;
mod fault;
mod firefox;
mod interrupts;
mod mcp;
mod media;
mod model;
mod output;
mod permission;
mod played;
mod plugin;
mod policy;
mod profile;
mod prompt;
mod provider;
mod prune;
mod render;
mod request;
mod route;
mod secret;
mod stats;
mod stop;
mod task;
mod test;
mod timeline;
mod token;
mod tool;
mod trace;
mod unanswered;
mod unfinished;
mod usage;
mod verdict;
mod workflow;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use zeroize::Zeroizing;

use crate::app::App;
use crate::clock::SystemClock;
use crate::config::{Overrides, environment_variable, load};
use args::{Cli, Command, Globals, McpCommand, When};
use compiling::Spinner;
use fault::{CliError, Fault, exit};
use output::Output;

/// Runs a command line; returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Told before anything is read, so that whatever is wrong is said as JSON too.
    let json = arguments.iter().any(|argument| argument == "--json")
        || environment_variable("AX_JSON")
            .is_some_and(|set| ["1", "true", "yes", "on"].contains(&set.to_lowercase().as_str()));
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return ended(Output::early(json), refuse_usage(&error, json)),
    };
    let mut output = Output::early(json);
    let code = match dispatch(cli, &mut output) {
        Ok(()) => 0,
        Err(error) => {
            let fault = Fault::from(&error);
            // With `--json` the report of a check is the one document there is.
            if !(output.is_json() && error.was_reported()) {
                output.fault(&fault);
            }
            fault.exit
        }
    };
    ended(output, code)
}

/// Returns the exit code: an answer that could not be written is no success.
fn ended(output: Output, code: u8) -> u8 {
    let Err(source) = output::finish() else { return code };
    let fault = Fault::from(&CliError::Unwritten(source));
    output.for_people().fault(&fault);
    if code == 0 { fault.exit } else { code }
}

/// Help and version are data; a wrong command line is an error, in JSON if that was asked for.
fn refuse_usage(error: &clap::Error, json: bool) -> u8 {
    if !error.use_stderr() {
        output::remember(error.print());
        return 0;
    }
    if !json && error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        drop(error.print());
    } else {
        Output::early(json).fault(&usage::fault(error));
    }
    exit::USAGE
}

fn dispatch(cli: Cli, output: &mut Output) -> Result<(), CliError> {
    // What needs no settings works even when they are wrong.
    match &cli.command {
        Command::Explain { code } => return explain::run(*output, code.as_deref()),
        Command::Completions { shell } => {
            output.raw(&explain::completions(*shell));
            return Ok(());
        }
        Command::Man => {
            output.raw(&explain::manual());
            return Ok(());
        }
        _ => {}
    }
    let current = std::env::current_dir()
        .map_err(|source| CliError::File { path: ".".to_owned(), source })?;
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let cores = u32::try_from(cores).unwrap_or(u32::MAX);
    let settings = load(&overrides(cli.globals), environment_variable, &current, cores)?;
    *output = Output::new(&settings);
    #[cfg(feature = "failpoints")]
    crate::config::arm_failpoint();
    // `-C` is as if started there: every path on the command line counts from it.
    let directory = &settings.directory.value;
    std::env::set_current_dir(directory)
        .map_err(|source| CliError::File { path: directory.display().to_string(), source })?;
    let app = App::new(settings, Arc::new(SystemClock::new()))
        .watched_by(Arc::new(Spinner::new(*output)));
    let is_server = matches!(cli.command, Command::Mcp(McpCommand::Serve(_)));
    let app = Arc::new(if is_server { app.serving() } else { app });
    let ran = match cli.command {
        Command::New(arguments) => author::new(*output, arguments),
        Command::Build(arguments) => author::build(&app, *output, &arguments),
        Command::Dev(arguments) => dev::run(&app, *output, &arguments),
        Command::Test(arguments) => test::run(&app, *output, &arguments),
        Command::Check(arguments) => author::check(&app, *output, &arguments),
        Command::Pack(arguments) => author::pack(&app, *output, &arguments),
        Command::Plugin(command) => plugin::run(&app, *output, command),
        Command::Permission(command) => permission::run(&app, *output, command),
        Command::Policy(command) => policy::run(&app, *output, command),
        Command::Workflow(command) => workflow::run(&app, *output, *command),
        Command::Secret(command) => secret::run(&app, *output, command),
        Command::Tool(command) => tool::run(&app, *output, command),
        Command::Mcp(command) => mcp::run(&app, *output, command),
        Command::Agent(command) => agent::run(&app, *output, *command),
        Command::Task(command) => task::run(&app, *output, *command),
        Command::Approve(command) => approve::run(&app, *output, command),
        Command::Chat(arguments) => chat::run(&app, *output, *arguments),
        Command::Provider(command) => provider::run(&app, *output, command),
        Command::Request(command) => request::run(&app, *output, command),
        Command::Usage(arguments) => request::usage(&app, *output, &arguments),
        Command::Route(command) => route::run(&app, *output, &command),
        Command::Model(command) => model::run(&app, *output, &command),
        Command::Audit(command) => audit::run(&app, *output, command),
        Command::Config(command) => config::run(&app, *output, &command),
        Command::Doctor => doctor::run(&app, *output),
        Command::Explain { .. } | Command::Completions { .. } | Command::Man => Ok(()),
    };
    // What was recorded is written before the process ends, also after a failure.
    let closed = app.close().map_err(CliError::from);
    ran.and(closed)
}

fn overrides(globals: Globals) -> Overrides {
    Overrides {
        home: globals.home,
        config_file: globals.config,
        workspace: globals.workspace,
        folders: globals.folder,
        color: globals.color.map(|when| match when {
            When::Auto => crate::config::Color::Auto,
            When::Always => crate::config::Color::Always,
            When::Never => crate::config::Color::Never,
        }),
        json: globals.json,
        quiet: globals.quiet,
        verbose: globals.verbose,
        no_input: globals.no_input,
        yes: globals.yes,
        directory: globals.directory,
    }
}

/// Builds the command description; help, completions and the manual come from it.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Reads a file or standard input named on the command line, at most `bytes_max` of it.
fn read_named(path: &str, bytes_max: u64) -> Result<String, CliError> {
    use std::io::Read;
    let named = if path == "-" { "standard input" } else { path };
    let failed = |source| CliError::File { path: named.to_owned(), source };
    let mut text = String::new();
    // One byte more than allowed is read, so that the one who checks sees that it is too long.
    let read = match path {
        "-" => std::io::stdin().lock().take(bytes_max + 1).read_to_string(&mut text),
        path => std::fs::File::open(PathBuf::from(path))
            .map_err(failed)?
            .take(bytes_max + 1)
            .read_to_string(&mut text),
    };
    read.map_err(failed)?;
    Ok(text)
}

/// Returns standard input, to be read line by line.
fn input_lines() -> impl std::io::BufRead {
    std::io::stdin().lock()
}

/// Reads standard input to its end, or to `bytes_max` bytes and one more, so that the one who checks
/// sees that it is too long. Leaves no copy of what was read, since it may be a secret.
fn read_secretly(bytes_max: usize) -> std::io::Result<Zeroizing<Vec<u8>>> {
    use std::io::Read;
    use std::os::fd::AsFd;
    // Through a handle of its own: the standard one keeps what it reads in a buffer.
    let mut input = std::fs::File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut bytes = Zeroizing::new(vec![0; bytes_max + 1]);
    let mut filled = 0;
    while filled < bytes.len() {
        match input.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
