//! Runs the built `ax` on a home folder of its own, as `demo` and `accept` do.

use std::env;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::checkout::make_empty;
use crate::process;
use crate::process::Printed;

/// The product with a fresh `AX_HOME` and this checkout as its workspace.
pub(crate) struct Ax {
    program: PathBuf,
    home: PathBuf,
    workspace: PathBuf,
}

impl Ax {
    /// Makes the home folder `<target>/<home>` empty. `ax` itself must be built.
    pub(crate) fn with_fresh_home(checkout: &Checkout, home: &str) -> Result<Self> {
        let home = checkout.scratch(home);
        make_empty(&home)?;
        Ok(Self { program: checkout.ax(), home, workspace: checkout.root().to_path_buf() })
    }

    /// The program itself.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Its home folder.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Makes the command `ax <arguments>`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        without_settings(&mut command);
        command
            .args(arguments)
            .current_dir(&self.workspace)
            .env("AX_HOME", &self.home)
            .env("AX_WORKSPACE", &self.workspace)
            .env("AX_NO_INPUT", "1")
            .env("NO_COLOR", "1")
            .env_remove("CLICOLOR_FORCE");
        command
    }

    /// Runs `ax <arguments>` and keeps what it prints on both streams.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Printed> {
        process::capture(&mut self.command(arguments))
    }
}

/// Takes what the person at this terminal has set from a command: it must not change the outcome.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AX_")) {
        command.env_remove(name);
    }
}
