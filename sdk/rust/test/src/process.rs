//! The `ax` behind a sandbox: a line goes in, a line comes out.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running `ax test --stdio`.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(project: &Path) -> Self {
        #[allow(clippy::disallowed_methods, reason = "a test is told by cargo and by its author")]
        let program = std::env::var_os("AX").unwrap_or_else(|| "ax".into());
        let mut command = Command::new(&program);
        command.args(["test", "--stdio", "--json"]).arg(project);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                panic!("cannot start `{}`: {error}; AX names another one", program.display())
            }
        };
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it was made with a pipe"));
        Self { child, input, output }
    }

    /// Sends a line and waits for the one that answers it.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        let sent = self.input.as_mut().map(|input| writeln!(input, "{line}"));
        let mut answer = String::new();
        let heard = self.output.read_line(&mut answer);
        match (sent, heard) {
            (Some(Ok(())), Ok(bytes)) if bytes > 0 => answer,
            // What it has against the project stands on standard error.
            _ => panic!("`ax test` ended: {:?}; see above", self.child.wait()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
