//! A server of fixtures, or of the product, on loopback, for as long as it is needed.

use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use super::Ground;
use crate::ax;

/// How a server is told to end.
enum End {
    /// It does so with its standard input.
    ByInput,
    /// It is asked to, as a service manager would.
    ByQuestion,
}

/// A server that runs. It has written its audit when this is dropped.
pub(super) struct Served {
    server: Child,
    end: End,
    /// Where it is.
    pub(super) url: String,
}

impl Served {
    /// Serves the fixtures, to everybody on this machine or to those who have a token.
    pub(super) fn fixtures(ground: &Ground, has_token: bool) -> Result<Self> {
        let mut command = Command::new(&ground.fixtures);
        ax::without_settings(&mut command);
        command.arg(ground.ax.home()).arg(if has_token { "http-token" } else { "http" });
        Self::start(command, End::ByInput)
    }

    /// Serves the product, to those who have a token.
    pub(super) fn product(ground: &Ground) -> Result<Self> {
        let command = ground.ax.command(&["mcp", "serve", "--http", "127.0.0.1:0", "--json"]);
        Self::start(command, End::ByQuestion)
    }

    fn start(mut command: Command, end: End) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().context("the server cannot be started")?;
        let output = server.stdout.take().context("the server has no output")?;
        let mut served = Self { server, end, url: String::new() };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("the server cannot be heard")?;
        // As JSON or alone: the first line says where it is.
        match line.split('"').map(str::trim).find(|part| part.starts_with("http://")) {
            Some(url) => served.url = url.to_owned(),
            None => bail!("the server says `{}` instead of where it is", line.trim()),
        }
        Ok(served)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        if matches!(self.end, End::ByQuestion) {
            let process = self.server.id().to_string();
            // Should it not be there any more, then it has ended.
            drop(Command::new("kill").args(["-s", "TERM", &process]).status());
        }
        drop(self.server.wait());
    }
}
