//! `ax test --stdio`: cases that a program sends, a JSON object on each line, each answered by one.
//!
//! Invariant: each line has an answer, whatever stands on it; only the end of the input, or somebody who
//! asks to stop, ends it.

use std::io::{BufRead, ErrorKind, Read as _};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use serde_json::json;

use super::fault::{CliError, Fault};
use super::input_lines;
use super::output::Output;
use super::stop::asked_to_stop;
use crate::app::{App, BuiltPlugin, CaseError, TestError};

/// Bytes of a case that a program sends.
const LINE_BYTES_MAX: u64 = 4 << 20;

/// Lines that are read ahead of the case that is played.
const LINES_AHEAD: usize = 1;

/// What happens to whoever waits for a case.
enum Event {
    /// A line, or why it is none.
    Line(Result<String, CaseError>),
    /// The input cannot be read any more.
    Broken(std::io::Error),
    /// There are no more lines.
    End,
    /// Somebody asked to stop.
    Stop,
}

/// Plays the cases until the input ends.
pub(super) fn run(
    app: &App,
    output: Output,
    path: &Path,
    built: Option<BuiltPlugin>,
) -> Result<(), CliError> {
    let (sender, events) = sync_channel(LINES_AHEAD);
    let to_stop = sender.clone();
    // Nobody is there to be told when the input ended first.
    let stop = asked_to_stop(move || drop(to_stop.send(Event::Stop)))?;
    let tested = app.tested(path, built, Some(stop))?;
    // It ends with the input; a process that is to stop does not wait for that.
    let reading = thread::Builder::new().name("ax-cases".to_owned());
    reading.spawn(move || send_lines(&mut input_lines(), &sender)).map_err(CliError::Start)?;
    for event in events {
        let played = match event {
            Event::Line(Ok(line)) if line.trim().is_empty() => continue,
            Event::Line(Ok(line)) => tested.play(&line),
            Event::Line(Err(error)) => Err(TestError::Line(error)),
            Event::Broken(source) => {
                return Err(CliError::File { path: "standard input".to_owned(), source });
            }
            Event::End => return Ok(()),
            Event::Stop => return Err(TestError::Stopped.into()),
        };
        match played {
            Ok(played) => output.json_line(&json!({ "played": played })),
            Err(TestError::Stopped) => return Err(TestError::Stopped.into()),
            Err(error) => {
                let fault = Fault::from(&CliError::from(error));
                output.json_line(&json!({ "refused": fault }));
            }
        }
    }
    Ok(())
}

/// Sends each line of the input, and its end.
fn send_lines(input: &mut impl BufRead, to: &SyncSender<Event>) {
    loop {
        let event = match read_line(input) {
            Ok(Some(line)) => Event::Line(line),
            Ok(None) => Event::End,
            Err(error) => Event::Broken(error),
        };
        let is_last = !matches!(event, Event::Line(_));
        // Whoever does not listen any more has ended.
        if to.send(event).is_err() || is_last {
            return;
        }
    }
}

/// Reads a line of at most [`LINE_BYTES_MAX`]; a longer one is read past, so that the next one is whole.
fn read_line(input: &mut impl BufRead) -> std::io::Result<Option<Result<String, CaseError>>> {
    let mut line = Vec::new();
    let read = input.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if read as u64 > LINE_BYTES_MAX && line.last() != Some(&b'\n') {
        skip_line(input)?;
    }
    if read as u64 > LINE_BYTES_MAX {
        return Ok(Some(Err(CaseError::TooLong { bytes_max: LINE_BYTES_MAX })));
    }
    let not_text = |_| CaseError::Syntax("it is not UTF-8 text".to_owned());
    Ok(Some(String::from_utf8(line).map_err(not_text)))
}

fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let (used, is_over) = match input.fill_buf() {
            Ok(held) => match held.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (held.len(), held.is_empty()),
            },
            Err(error) if error.kind() == ErrorKind::Interrupted => (0, false),
            Err(error) => return Err(error),
        };
        input.consume(used);
        if is_over {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_none_spoils_no_other() {
        let max = usize::try_from(LINE_BYTES_MAX).unwrap();
        let mut input = Vec::new();
        for line in ["a".repeat(max - 1), "b".repeat(max), "c".repeat(3 * max), "d".to_owned()] {
            input.extend([line.as_bytes(), b"\n"].concat());
        }
        input.extend(b"\xff\ne");
        let mut input = input.as_slice();
        let mut told = Vec::new();
        while let Some(line) = read_line(&mut input).unwrap() {
            told.push(match line {
                Ok(line) => format!("{} {}", line.len(), line.chars().next().unwrap()),
                Err(error) => error.to_string(),
            });
        }
        let long = "it has more than 4 MiB";
        assert_eq!(told, ["4194304 a", long, long, "2 d", "it is not UTF-8 text", "1 e"]);
    }
}
