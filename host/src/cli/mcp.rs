//! `ax mcp`: the server that programs start or connect to.
//!
//! Not here: the protocol (`server::mcp`).

use std::sync::Arc;

use ax_manifest::ToolId;

use super::args::{McpCommand, ServeArgs};
use super::cause::Cause;
use super::fault::{CliError, Fault};
use crate::app::{App, ToolsError};
use crate::plugin::{CallError, Report};
use crate::server::mcp::{Explain, Explained, Installed, serve_stdio};

pub(super) fn run(app: &Arc<App>, command: McpCommand) -> Result<(), CliError> {
    match command {
        McpCommand::Serve(ServeArgs { stdio: _ }) => serve(app),
    }
}

fn serve(app: &Arc<App>) -> Result<(), CliError> {
    let words = Words(Arc::clone(app));
    let installed = Installed::new(Arc::clone(app), Arc::new(words))?;
    serve_stdio(Arc::new(installed)).map_err(CliError::Serve)
}

/// The words of this command line for what went wrong.
struct Words(Arc<App>);

impl Explain for Words {
    fn unready(&self, error: ToolsError) -> Explained {
        explained(&CliError::from(error), "failed")
    }

    fn failed(&self, id: &ToolId, mut report: Report) -> Explained {
        let cause = Cause::of(&self.0, id, None, &mut report);
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
}

fn explained(error: &CliError, kind: &'static str) -> Explained {
    let Fault { code, message, hint, causes, .. } = Fault::from(error);
    let message = std::iter::once(message).chain(causes).collect::<Vec<_>>().join(": ");
    Explained { code: code.to_owned(), message, hint, kind }
}
