//! An `AX_HOME` of its own for each test, and `ax` run in it.
//!
//! ```text
//! <folder>/home   AX_HOME, not made before `ax` makes it
//! <folder>/work   where commands run, and where a test puts its files
//! ```
//!
//! Invariant: a command sees no variable of the person who runs the tests but `PATH`, no terminal
//! and nothing on standard input, unless the test gives it.
//! Not here: what is installed (`components`), what is compared (`told`).

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::program;
use crate::told;

/// A home and a folder to work in; both go when it is dropped.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    work: PathBuf,
    _folder: tempfile::TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Run {
    /// The exit code; -1 for a process that a signal ended.
    pub code: i32,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
    line: String,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// Makes an empty one.
    ///
    /// # Panics
    ///
    /// When there is no room for temporary files.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("ax-").tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("the folder is there");
        let (path, work) = (real.join("home"), real.join("work"));
        fs_err::create_dir(&work).expect("a folder to work in");
        Self { path, work, _folder: folder }
    }

    /// Makes another with the same content, for tests that start from one state many times.
    ///
    /// # Panics
    ///
    /// When a file cannot be copied.
    #[must_use]
    pub fn copied(&self) -> Self {
        let copy = Self::new();
        copy_folder(&self.work, &copy.work);
        if self.path.exists() {
            fs_err::create_dir(&copy.path).expect("its home");
            copy_folder(&self.path, &copy.path);
        }
        copy
    }

    /// Returns `AX_HOME`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the folder that commands run in.
    #[must_use]
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// Writes a file below the folder that commands run in.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work.join(name);
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder).expect("its folder");
        }
        fs_err::write(&path, content).expect("the file");
        path
    }

    /// Writes a plugin's folder: its manifest and its component.
    pub fn write_plugin(&self, folder: &str, manifest: &str, component: &[u8]) -> PathBuf {
        self.write(&format!("{folder}/plugin.toml"), manifest);
        self.write(&format!("{folder}/plugin.wasm"), component);
        self.work.join(folder)
    }

    /// Prepares a command, for what [`Home::ax`] does not give it.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::ax());
        command
            .args(arguments)
            .current_dir(&self.work)
            .env_clear()
            .envs(search_path().map(|path| ("PATH", path)))
            .env("AX_HOME", &self.path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `ax` to its end.
    #[must_use]
    pub fn ax(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments), b"")
    }

    /// Runs `ax` with the toolchain of whoever runs the tests. What it compiles is kept for the next
    /// time.
    #[must_use]
    pub fn author(&self, arguments: &[&str]) -> Run {
        with_toolchain(self.command(arguments))
    }

    /// Runs `cargo` in a project, as its author does. What it compiles is kept for the next time.
    #[must_use]
    pub fn cargo(&self, project: &str, arguments: &[&str]) -> Run {
        self.in_project("cargo", project, arguments)
    }

    /// Runs a program in a project, as its author does.
    #[must_use]
    pub fn in_project(&self, program: &str, project: &str, arguments: &[&str]) -> Run {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.work.join(project));
        command.env_clear().envs(search_path().map(|path| ("PATH", path)));
        command.env("AX", program::ax()).env("AX_HOME", &self.path);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        with_toolchain(command)
    }

    /// Runs a line of shell as an author types it: in a folder, with `ax` in `PATH` and the toolchain
    /// of whoever runs the tests. Both streams become one, as on a terminal. Tells too which folder
    /// the line leads into.
    ///
    /// # Panics
    ///
    /// When there is no shell.
    #[must_use]
    pub fn shell(&self, folder: &Path, line: &str) -> (Run, PathBuf) {
        let place = self.path.with_file_name("place");
        fs_err::write(&place, "").expect("a file");
        let own = program::ax().parent().expect("a program lies in a folder").to_owned();
        let others = search_path().unwrap_or_default();
        let all = std::iter::once(own).chain(std::env::split_paths(&others));
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("exec 2>&1\n{line}\ncode=$?\npwd -P >\"$1\"\nexit $code"));
        command.arg("sh").arg(&place).current_dir(folder);
        command.env_clear().env("PATH", std::env::join_paths(all).expect("folders without colons"));
        command.env("AX_HOME", &self.path);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let run = with_toolchain(command);
        let place = fs_err::read_to_string(&place).expect("the file is there");
        let led = if place.is_empty() { folder.to_owned() } else { place.trim_end().into() };
        (run, led)
    }

    /// Runs `ax` with a variable set.
    #[must_use]
    pub fn ax_with(&self, variable: (&str, &str), arguments: &[&str]) -> Run {
        let mut command = self.command(arguments);
        command.env(variable.0, variable.1);
        finish(command, b"")
    }

    /// Runs `ax` with something on standard input.
    #[must_use]
    pub fn ax_reading(&self, input: &[u8], arguments: &[&str]) -> Run {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        finish(command, input)
    }

    /// Runs `ax` and gives its exit code and all it said, fit to be compared.
    #[must_use]
    pub fn told(&self, arguments: &[&str]) -> String {
        self.tell(&self.ax(arguments))
    }

    /// Gives an exit code and all that was said, fit to be compared: what differs from run to run
    /// is replaced.
    #[must_use]
    pub fn tell(&self, run: &Run) -> String {
        let mut text = format!("exit {}\n", run.code);
        for (name, said) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            if !said.is_empty() {
                text.push_str(&format!("--- {name}\n{said}"));
            }
        }
        self.tell_text(&text)
    }

    /// Gives a text, fit to be compared.
    #[must_use]
    pub fn tell_text(&self, text: &str) -> String {
        told::redacted(text, &[(&self.work, "WORK"), (&self.path, "HOME")])
    }

    /// Makes everything in `AX_HOME` look as if it had been changed so much earlier. What vanishes
    /// meanwhile is left out.
    ///
    /// # Panics
    ///
    /// When a time cannot be set.
    pub fn age(&self, by: Duration) {
        let mut next = vec![self.path.clone()];
        while let Some(path) = next.pop() {
            if let Ok(entries) = fs_err::read_dir(&path) {
                next.extend(entries.flatten().map(|entry| entry.path()));
            }
            let Ok(file) = fs_err::File::open(&path) else { continue };
            let changed = file.metadata().and_then(|data| data.modified()).expect("a time");
            file.file().set_modified(changed - by).expect("the owner may set it");
        }
    }

    /// Lists the names in `AX_HOME`, sorted; none when it was never made.
    #[must_use]
    pub fn entries(&self) -> Vec<String> {
        let Ok(entries) = fs_err::read_dir(&self.path) else { return Vec::new() };
        let name = |entry: std::io::Result<fs_err::DirEntry>| {
            entry.expect("an entry").file_name().to_string_lossy().into_owned()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    /// Names the plugins that `ax plugin list` lists.
    #[must_use]
    pub fn installed(&self) -> Vec<String> {
        let listed = self.ax(&["plugin", "list", "--json"]).ok().json();
        let rows = listed.as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["plugin"].as_str().unwrap_or("?").to_owned()).collect()
    }

    /// Lists what a plugin was granted.
    #[must_use]
    pub fn granted(&self, plugin: &str) -> Vec<String> {
        let shown = self.ax(&["permission", "show", plugin, "--json"]).ok().json();
        let grants = shown[0]["grants"].as_array().cloned().unwrap_or_default();
        grants.iter().map(|row| row["permission"].as_str().unwrap_or("?").to_owned()).collect()
    }
}

impl Run {
    /// Insists that the command succeeded.
    ///
    /// # Panics
    ///
    /// When it did not.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Insists on an exit code.
    ///
    /// # Panics
    ///
    /// When it was another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}{}", self.line, self.stdout, self.stderr);
        self
    }

    /// Reads the one JSON document on standard output.
    ///
    /// # Panics
    ///
    /// When there is something else.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("{}: {error}\n{}{}", self.line, self.stdout, self.stderr)
        })
    }

    /// Returns the data that a tool answered with, whichever way its component tells it.
    ///
    /// # Panics
    ///
    /// When the command failed.
    #[track_caller]
    #[must_use]
    pub fn answer(self) -> Value {
        let output = self.ok().json()["output"].clone();
        output.get("structuredContent").cloned().unwrap_or(output)
    }

    /// Returns the line of the hint that says what to type.
    ///
    /// # Panics
    ///
    /// When there is no hint.
    #[track_caller]
    #[must_use]
    pub fn hint(&self) -> &str {
        let hint = self.stderr.lines().find_map(|line| line.strip_prefix("hint: "));
        hint.unwrap_or_else(|| panic!("{}: no hint\n{}", self.line, self.stderr))
    }
}

/// Runs a command that may compile.
fn with_toolchain(mut command: Command) -> Run {
    command.env("CARGO_TARGET_DIR", program::repository().join("target/authors"));
    command.envs(toolchain());
    command.env("AX_TOOLCHAINS", toolchains());
    finish(command, b"")
}

/// Where what `ax` installs for authors is: where `cargo xtask test` says, or below `target`.
#[expect(clippy::disallowed_methods, reason = "a test decides what its commands see")]
fn toolchains() -> OsString {
    let below = || program::repository().join("target/toolchains").into_os_string();
    std::env::var_os("AX_TOOLCHAINS").unwrap_or_else(below)
}

/// The variables by which rustup and cargo find what they need.
#[expect(clippy::disallowed_methods, reason = "a test decides what its commands see")]
fn toolchain() -> impl Iterator<Item = (&'static str, OsString)> {
    let names = ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];
    names.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}

#[expect(clippy::disallowed_methods, reason = "a test decides what its commands see")]
fn search_path() -> Option<OsString> {
    std::env::var_os("PATH")
}

/// Copies what is in a folder, permissions included.
fn copy_folder(from: &Path, to: &Path) {
    for entry in fs_err::read_dir(from).expect("a folder") {
        let source = entry.expect("an entry").path();
        let target = to.join(source.file_name().expect("an entry has a name"));
        if source.is_dir() {
            fs_err::create_dir(&target).expect("a folder");
            copy_folder(&source, &target);
        } else {
            fs_err::copy(&source, &target).expect("a file");
        }
        let permissions = fs_err::metadata(&source).expect("it is there").permissions();
        fs_err::set_permissions(&target, permissions).expect("its permissions");
    }
}

/// Runs a command to its end, one of [`Home::command`] or of what `ax` printed.
///
/// # Panics
///
/// When it cannot be started.
#[must_use]
pub fn run(mut command: Command) -> Run {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command, b"")
}

/// Gives a command its input and waits for it to end.
fn finish(mut command: Command, input: &[u8]) -> Run {
    let line = format!("{command:?}");
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{line}: {error}"));
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read to the end closes the pipe; what it says is looked at.
        stdin.write_all(input).ok();
    }
    let output = child.wait_with_output().unwrap_or_else(|error| panic!("{line}: {error}"));
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("standard output is text"),
        stderr: String::from_utf8(output.stderr).expect("standard error is text"),
        line,
    }
}
