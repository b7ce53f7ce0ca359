//! Runs other programs and says what was run when one fails.
//!
//! Not here: what they are run for.

use std::env;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::process::ExitCode;
use std::process::ExitStatus;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::anyhow;

use crate::checkout::Checkout;
use crate::failure::Failure;

/// Lines of a failed program's output that are repeated; the reason is at the end.
const TAIL_LINES: usize = 25;

/// What a program printed, in the order in which it did so, and how it ended.
pub(crate) struct Printed {
    /// Standard output and standard error together.
    pub(crate) text: String,
    /// How it ended.
    pub(crate) status: ExitStatus,
}

/// Makes a command for the cargo that runs this program, in the checkout.
pub(crate) fn cargo(checkout: &Checkout) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(checkout.root());
    command
}

/// Runs a program on our own output.
///
/// # Errors
///
/// When it cannot be started, or ends with anything but success.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    match status.success() {
        true => Ok(()),
        false => Err(ended(command, status)),
    }
}

/// Runs a program on our own output and gives how it ended.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().with_context(|| cannot_start(command))
}

/// Runs a program and keeps what it prints on both streams, interleaved as it was printed.
pub(crate) fn capture(command: &mut Command) -> Result<Printed> {
    let (mut reader, writer) = io::pipe().context("cannot make a pipe")?;
    let second = writer.try_clone().context("cannot make a pipe")?;
    let mut child = command
        .stdin(std::process::Stdio::null())
        .stdout(writer)
        .stderr(second)
        .spawn()
        .with_context(|| cannot_start(command))?;
    // The command keeps its ends of the pipe; reading would never end.
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).with_context(|| format!("cannot hear `{}`", shown(command)))?;
    let status = child.wait().with_context(|| format!("cannot await `{}`", shown(command)))?;
    Ok(Printed { text: String::from_utf8_lossy(&bytes).into_owned(), status })
}

/// Runs a program silently; on failure the error repeats the end of what it printed.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    let printed = capture(command)?;
    if printed.status.success() {
        return Ok(());
    }
    let lines: Vec<&str> = printed.text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    Err(anyhow!("{}", tail.join("\n")).context(failure(command, printed.status)))
}

/// Says that a program failed.
pub(crate) fn ended(command: &Command, status: ExitStatus) -> anyhow::Error {
    anyhow::Error::new(failure(command, status))
}

fn failure(command: &Command, status: ExitStatus) -> Failure {
    let directory = command.get_current_dir().unwrap_or(Path::new("."));
    Failure::context(
        format!("`{}` failed: {status}", shown(command)),
        format!("to repeat it alone: cd {} && {}", word(directory), shown(command)),
    )
}

/// Gives our exit code for that of another program; 1 if a signal ended it.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    match status.code() {
        Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        None => ExitCode::FAILURE,
    }
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().map_or(program, Path::new);
    let words = command.get_args().map(|argument| word(Path::new(argument)));
    std::iter::once(word(name)).chain(words).collect::<Vec<_>>().join(" ")
}

/// Quotes a word for a shell if it needs it.
fn word(word: &Path) -> String {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.into_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

fn cannot_start(command: &Command) -> Failure {
    let program = Path::new(command.get_program()).display().to_string();
    Failure::context(
        format!("cannot start `{program}`"),
        format!("install `{program}` or put it on PATH"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_spaces_and_quotes_are_quoted() {
        let mut command = Command::new("/usr/bin/ax");
        command.args(["tool", "call", "ax:a.b", r#"{"it's": 1}"#, ""]);
        assert_eq!(shown(&command), r#"ax tool call ax:a.b '{"it'\''s": 1}' ''"#);
    }

    #[cfg(unix)]
    #[test]
    fn both_streams_arrive_in_the_order_they_were_printed() -> Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; echo three; exit 5"]);
        let printed = capture(&mut command)?;
        assert_eq!(printed.text, "one\ntwo\nthree\n");
        assert_eq!(printed.status.code(), Some(5));
        Ok(())
    }

    #[test]
    fn a_program_that_is_not_there_is_named_with_a_hint() {
        let error = run(&mut Command::new("ax-no-such-program")).expect_err("it is not there");
        let failure = error.downcast_ref::<Failure>().expect("it has a hint");
        assert_eq!(failure.what, "cannot start `ax-no-such-program`");
        assert!(failure.hint.contains("PATH"));
    }
}
