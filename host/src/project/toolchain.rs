//! Toolchains that this program installs: each once, at a pinned version, for all projects.
//!
//! ```text
//! <toolchains>/typescript-7.0.2/        what its installer made
//!                              /installed written last, with the pins
//!             /typescript-7.0.2.lock   held while it is made, by its installer too
//! ```
//!
//! Invariant: a toolchain is used only when its installation came to its end with the pins that are
//! wanted; one that was broken off is made anew. Nothing is installed into a project.
//! Not here: what the toolchains do (`python`, `typescript`), cargo, which is the author's own.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use fs_err as fs;

use super::build::BuildError;
use super::hold::Hold;

/// The file that says what was installed.
const NOTE: &str = "installed";

/// Lines of an installer's words that are repeated when it fails; the reason is at the end.
const SAID_LINES: usize = 12;

/// Where toolchains are, and whom to tell that one is being installed.
pub struct Toolchains<'a> {
    /// The folder they share.
    pub folder: &'a Path,
    /// The variables that they see. What they run may be a stranger's, so none of them is a secret.
    pub environment: &'a [(OsString, OsString)],
    /// Told what takes its time.
    pub note: &'a dyn Fn(&str),
}

/// A toolchain that can be installed.
pub(super) struct Toolchain {
    /// Its name.
    pub(super) name: &'static str,
    /// Its version.
    pub(super) version: &'static str,
    /// All that is pinned, as one text: other pins are another installation.
    pub(super) pins: &'static str,
    /// How much is downloaded, for a person who waits.
    pub(super) size: &'static str,
    /// Makes it in a folder that is there and empty. What it starts holds what is given too.
    pub(super) install: fn(&Path, &Hold) -> Result<(), BuildError>,
}

impl Toolchains<'_> {
    /// Returns the folder of a toolchain, installing it first where that was not done.
    ///
    /// # Errors
    ///
    /// [`BuildError`] of its installer, or when the folder cannot be used.
    pub(super) fn folder_of(&self, wanted: &Toolchain) -> Result<PathBuf, BuildError> {
        let Toolchain { name, version, pins, size, install } = wanted;
        let folder = self.folder.join(format!("{name}-{version}"));
        let is_whole = || fs::read_to_string(folder.join(NOTE)).is_ok_and(|held| held == *pins);
        if is_whole() {
            return Ok(folder);
        }
        // Whoever comes second finds it made.
        let hold = Hold::of(&self.folder.join(format!("{name}-{version}.lock")), || {
            (self.note)(&format!("waiting for {name} {version}, which is being installed"));
        })?;
        if is_whole() {
            return Ok(folder);
        }
        (self.note)(&format!(
            "installing {name} {version} ({size}) into {}, once for all projects",
            self.folder.display()
        ));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        install(&folder, &hold)?;
        fs::write(folder.join(NOTE), pins)?;
        Ok(folder)
    }

    /// Prepares a program that runs what lies in a project.
    pub(super) fn command(&self, program: impl AsRef<OsStr>, input: Stdio) -> Command {
        let mut command = Command::new(program);
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command.env_clear().envs(environment).stdin(input);
        command
    }
}

/// Prepares a program that downloads what is pinned, and runs nothing of a project: it may need what
/// this person has set for it.
pub(super) fn installer(program: impl AsRef<OsStr>, input: Stdio) -> Command {
    let mut command = Command::new(program);
    command.stdin(input);
    command
}

/// Runs a program for at most so long; none if it was ended then. What runs when a plugin is loaded
/// is the author's, and may never end.
///
/// # Errors
///
/// When it cannot be started.
pub(super) fn status_within(
    command: &mut Command,
    most: Duration,
) -> std::io::Result<Option<ExitStatus>> {
    const TICK: Duration = Duration::from_millis(20);
    let mut child = command.spawn()?;
    let mut waited = Duration::ZERO;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if waited >= most {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(TICK);
        waited += TICK;
    }
}

/// Runs one step of an installation. What it says is kept for the error.
///
/// `program` is what a person would install to have it, by typing `get`.
///
/// # Errors
///
/// [`BuildError::Program`] when it cannot be started, [`BuildError::Install`] when it fails.
pub(super) fn run(
    step: &mut Command,
    program: &'static str,
    get: &'static str,
) -> Result<(), BuildError> {
    let output =
        step.output().map_err(|source| BuildError::Program { program, install: get, source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let said = lines[lines.len().saturating_sub(SAID_LINES)..].join("\n");
    Err(BuildError::Install { program, said })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    const WHOLE: Toolchain = Toolchain {
        name: "tool",
        version: "1.0",
        pins: "tool 1.0",
        size: "1 KiB",
        install: |folder, _| Ok(fs::write(folder.join("program"), "x")?),
    };

    fn told(folder: &Path, wanted: &Toolchain) -> (Result<PathBuf, BuildError>, Vec<String>) {
        let said = RefCell::new(Vec::new());
        let note = |line: &str| said.borrow_mut().push(line.to_owned());
        let found = Toolchains { folder, environment: &[], note: &note }.folder_of(wanted);
        (found, said.into_inner())
    }

    #[test]
    fn a_toolchain_is_installed_once_and_that_is_said() {
        let home = tempfile::tempdir().unwrap();
        let (first, said) = told(home.path(), &WHOLE);
        assert!(first.unwrap().join("program").is_file());
        assert!(said[0].starts_with("installing tool 1.0 (1 KiB) into "), "{said:?}");
        let (second, said) = told(home.path(), &WHOLE);
        assert_eq!((second.unwrap(), said), (home.path().join("tool-1.0"), Vec::new()));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let mut sleeper = Command::new("sleep");
        sleeper.arg("600");
        assert!(status_within(&mut sleeper, Duration::from_millis(20)).unwrap().is_none());
        let ended = status_within(&mut Command::new("true"), Duration::from_secs(60)).unwrap();
        assert!(ended.is_some_and(|status| status.success()));
    }

    #[test]
    fn what_was_broken_off_or_pinned_otherwise_is_made_anew() {
        let home = tempfile::tempdir().unwrap();
        let broken = Toolchain {
            install: |folder, _| {
                fs::write(folder.join("half"), "x")?;
                Err(BuildError::Install { program: "tool", said: "no network".to_owned() })
            },
            ..WHOLE
        };
        told(home.path(), &broken).0.unwrap_err();
        let folder = told(home.path(), &WHOLE).0.unwrap();
        assert!(folder.join("program").is_file() && !folder.join("half").exists());
        let other = Toolchain { pins: "tool 1.0, part 2", ..WHOLE };
        assert_eq!(told(home.path(), &other).1.len(), 1);
    }
}
