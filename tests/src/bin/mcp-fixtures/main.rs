//! An MCP server for the conformance suite: our transports and our handler, over tools with the names that
//! the suite calls.
//!
//! ```text
//! serve (the product's) ──→ Fixtures ──┬─→ test:conformance, installed   content, errors, progress, schemas
//!                                      ├─→ test:jobs, workflows          tasks: those that sleep, fail, ask
//!                                      └─→ native, jobs                  what is a host's to do: asking, news
//! ```
//!
//! ```text
//! mcp-fixtures HOME stdio          one client, on standard input and output
//! mcp-fixtures HOME http           prints where it is; serves until its standard input ends
//! mcp-fixtures HOME http-token     the same, for those who have a token
//! ```
//!
//! What is a plugin's to do goes through the sandbox and the audit as any call does. No part of the product:
//! nothing here is compiled into `ax`.

mod asking;
mod fixtures;
mod jobs;
mod native;
mod states;
mod words;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ax_host::app::App;
use ax_host::clock::SystemClock;
use ax_host::config::{Overrides, environment_variable, load};
use ax_host::plugin::jail;
use ax_host::server::mcp::{Door, Installed, listen, serve_http, serve_stdio};
use tokio::sync::watch;

use fixtures::Fixtures;
use words::Words;

/// Threads that run guests; the suite calls one tool after the other.
const CORES: u32 = 2;

/// How long calls may go on when the server is to stop.
const GRACE: Duration = Duration::from_secs(2);

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
    let [home, way] = arguments else { return Err("wanted: HOME stdio|http|http-token".into()) };
    let overrides = Overrides { home: Some(PathBuf::from(home)), ..Overrides::default() };
    let here = std::env::current_dir()?;
    let config = load(&overrides, environment_variable, &here, CORES)?;
    let app = Arc::new(App::new(config, Arc::new(SystemClock::new())));
    let installed = Installed::new(Arc::clone(&app), Arc::new(Words))?;
    let fixtures = Arc::new(Fixtures::new(installed));
    match way.as_str() {
        "stdio" => serve_stdio(fixtures)?,
        "http" => over_http(&app, fixtures, false)?,
        "http-token" => over_http(&app, fixtures, true)?,
        other => return Err(format!("there is no way `{other}`").into()),
    }
    app.close()?;
    Ok(())
}

fn over_http(app: &App, fixtures: Arc<Fixtures>, has_token: bool) -> Result<(), Box<dyn Error>> {
    let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = listener.local_addr()?;
    #[expect(clippy::print_stdout, reason = "whoever started it reads where it is")]
    {
        println!("http://{address}/mcp");
    }
    let (stop, stopped) = watch::channel(false);
    let until_input_ends = move || {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        stop.send_replace(true);
    };
    #[expect(clippy::disallowed_methods, reason = "it waits as long as the process lives")]
    std::thread::spawn(until_input_ends);
    let tokens = has_token.then(|| app.token_file());
    let door = Door { tokens, hosts: Vec::new(), grace: GRACE };
    Ok(serve_http(fixtures, listener, door, stopped)?)
}
