//! `ax mcp`: the server that programs start or connect to, and what they need for it.
//!
//! Not here: the protocol (`server::mcp`), who is let in over HTTP (`token`).

pub(super) mod config;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ax_manifest::ToolId;
use serde_json::json;

use super::args::{McpCommand, ServeArgs};
use super::cause::Cause;
use super::fault::{CliError, Fault};
use super::output::Output;
use super::stop::asked_to_stop;
use super::token;
use super::unfinished::Unfinished;
use crate::app::{App, Misfit, TaskError, ToolsError};
use crate::plugin::{CallError, Report};
use crate::server::mcp::{
    Door, Explain, Explained, Installed, Stop, listen, serve_http, serve_stdio,
};
use crate::workflow::TaskId;

pub(super) fn run(app: &Arc<App>, output: Output, command: McpCommand) -> Result<(), CliError> {
    match command {
        McpCommand::Serve(ServeArgs {
            http: Some(address),
            allow_host,
            without_token,
            grace,
            ..
        }) => {
            let door = door(app, address, allow_host, without_token, grace)?;
            over_http(app, output, address, door)
        }
        McpCommand::Serve(_) => serve_stdio(installed(app, output)?).map_err(CliError::Serve),
        McpCommand::Token(command) => token::run(app, output, command),
        McpCommand::Config(arguments) => config::run(app.config(), output, &arguments),
    }
}

fn installed(app: &Arc<App>, output: Output) -> Result<Arc<Installed>, CliError> {
    let words = Words { app: Arc::clone(app), output };
    Ok(Arc::new(Installed::new(Arc::clone(app), Arc::new(words))?))
}

fn over_http(
    app: &Arc<App>,
    output: Output,
    address: SocketAddr,
    door: Door,
) -> Result<(), CliError> {
    let installed = installed(app, output)?;
    let is_open = door.tokens.is_none();
    let stop = asked_to_stop(move || output.note("stopping when running calls have ended"))?;
    let listener = listen(address)?;
    let address = listener.local_addr().map_err(CliError::Start)?;
    let url = format!("http://{address}/mcp");
    output.json_line(&json!({ "url": url }));
    output.note(&format!("tools are at {url}, until Ctrl-C"));
    if is_open {
        output.note("every program on this machine may call them: no token is asked for");
    }
    if !address.ip().is_loopback() {
        output.note("what is said is not encrypted: put a proxy before it that speaks https");
    }
    serve_http(installed, listener, door, stop).map_err(CliError::Serve)
}

/// Finds who is let in, and refuses what would let in nobody, or anybody from anywhere.
fn door(
    app: &App,
    address: SocketAddr,
    hosts: Vec<String>,
    without_token: bool,
    grace_s: u16,
) -> Result<Door, CliError> {
    let refuse = |what: String, hint: &str| {
        let hint = hint.to_owned();
        Err(CliError::Usage { what, hint })
    };
    let is_from_afar = !address.ip().is_loopback();
    if is_from_afar && without_token {
        let what = format!("whoever reaches `{address}` from elsewhere could call every tool");
        return refuse(what, "leave out --without-token, or listen on 127.0.0.1");
    }
    if !hosts.is_empty() && without_token {
        let what = "whoever comes through a proxy of that name could call every tool".to_owned();
        return refuse(what, "leave out --without-token, or --allow-host");
    }
    if is_from_afar && hosts.is_empty() {
        let what = format!("clients reach `{address}` under a name that is not told");
        return refuse(what, "--allow-host NAME, as it stands in the address that clients use");
    }
    if let Some(host) = hosts.iter().find(|host| !is_host(host)) {
        let what = format!("`{host}` is not the name of a host");
        return refuse(what, "give a name or an address alone, as `tools.example.com`");
    }
    if !without_token && app.tokens()?.is_empty() {
        let what = "nobody could come in: there is no token".to_owned();
        return refuse(
            what,
            "ax mcp token add NAME; or --without-token, for every program on this machine",
        );
    }
    let tokens = (!without_token).then(|| app.token_file());
    Ok(Door { tokens, hosts, grace: Duration::from_secs(grace_s.into()) })
}

/// Answers whether it is a name or an address, without a port.
fn is_host(text: &str) -> bool {
    let is_of_names = |it: u8| it.is_ascii_alphanumeric() || b"-._".contains(&it);
    let is_name = (1..=253).contains(&text.len()) && text.bytes().all(is_of_names);
    is_name || text.parse::<std::net::Ipv6Addr>().is_ok()
}

/// The words of this command line for what went wrong.
struct Words {
    app: Arc<App>,
    output: Output,
}

impl Explain for Words {
    fn unready(&self, error: ToolsError) -> Explained {
        explained(&CliError::from(error), "failed")
    }

    fn failed(&self, id: &ToolId, mut report: Report) -> Explained {
        let cause = Cause::of(&self.app, id, None, &mut report);
        let source = report.result.err().unwrap_or(CallError::Lost);
        let kind = match report.denials.is_empty() {
            true => source.kind().word(),
            false => "denied",
        };
        let error = CliError::Call {
            plugin: id.plugin.to_string(),
            denials: report.denials,
            cause: cause.map(Box::new),
            trace: serde_json::Value::Null,
            backtrace: Vec::new(),
            source,
        };
        explained(&error, kind)
    }

    fn unbegun(&self, error: TaskError) -> Explained {
        explained(&CliError::from(error), "failed")
    }

    fn stopped(&self, task: TaskId, how: Stop) -> Explained {
        let (error, kind) = match how {
            Stop::Failed { reason, failure } => {
                let kind = failure.kind.word();
                (Unfinished::Failed { task, reason, source: failure }, kind)
            }
            Stop::Rests { why } => {
                (Unfinished::Paused { task, why, was_stopped: false }, "unavailable")
            }
        };
        explained(&CliError::from(error), kind)
    }

    fn unfit(&self, misfit: &Misfit) {
        let Misfit { path, why } = misfit;
        self.output.warn(&format!("`{}` is not offered: {why}", path.display()));
    }
}

fn explained(error: &CliError, kind: &'static str) -> Explained {
    let Fault { code, message, hint, causes, .. } = Fault::from(error);
    let message = std::iter::once(message).chain(causes).collect::<Vec<_>>().join(": ");
    Explained { code: code.to_owned(), message, hint, kind }
}
