//! The two servers: ours, with one plugin installed, and the plain one, which is this program.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// An installation with the echo plugin.
pub(crate) struct Servers {
    home: tempfile::TempDir,
    ax: PathBuf,
    plain: PathBuf,
}

/// A server that listens, until it is dropped.
pub(crate) struct Listening {
    server: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl Servers {
    pub(crate) fn new() -> Self {
        let plain = std::env::current_exe().expect("this program has a path");
        let ax = plain.with_file_name("ax");
        let servers = Self { home: tempfile::tempdir().expect("a temporary folder"), ax, plain };
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout");
        let echo = root.join("plugins/echo");
        let echo = echo.to_str().expect("a path of text");
        let added = servers.ours(&["plugin", "add", echo]).stdout(Stdio::null()).status();
        assert!(added.expect("ax can be started").success(), "the plugin can be added");
        servers
    }

    /// The name of the tool that says back.
    pub(crate) fn tool(is_ours: bool) -> &'static str {
        if is_ours { "ax_echo_say" } else { "echo" }
    }

    fn ours(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.ax);
        command.args(arguments).env_clear().env("AX_HOME", self.home.path());
        command.stdin(Stdio::null());
        command
    }

    /// One that speaks on standard input and output.
    pub(crate) fn over_stdio(&self, is_ours: bool) -> Command {
        let mut command = match is_ours {
            true => self.ours(&["mcp", "serve", "--stdio"]),
            false => {
                let mut plain = Command::new(&self.plain);
                plain.arg("plain-stdio");
                plain
            }
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    /// Starts one that speaks HTTP.
    pub(crate) fn over_http(&self, is_ours: bool) -> Listening {
        let mut command = match is_ours {
            true => self.ours(&[
                "mcp",
                "serve",
                "--http",
                "127.0.0.1:0",
                "--without-token",
                "--json",
                "--quiet",
            ]),
            false => {
                let mut plain = Command::new(&self.plain);
                plain.arg("plain-http");
                plain
            }
        };
        let mut server = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let output = server.stdout.take().expect("its output");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("it says where it is");
        let told: Value = serde_json::from_str(&line).expect("a line of JSON");
        let url = told["url"].as_str().expect("an address");
        let address = url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
        Listening { server, address }
    }
}
