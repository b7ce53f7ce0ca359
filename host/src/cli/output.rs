//! The only printer. Data goes to standard output, all else to standard error.
//!
//! Invariant: what standard output refused is remembered, so that no answer is lost in silence. A
//! reader that went away (`ax … | head`) is not an error, nor is anything about standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use ax_manifest::is_hidden;
use serde::Serialize;

use super::fault::Fault;
use crate::config::{Color, Config, Mode};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// What lines after the first begin with.
const MARGIN: &str = "    ";

/// The first thing that standard output refused. A process has one standard output, so it has one
/// of these.
static REFUSED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Whether the reader of standard output went away.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// How and where to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    verbose: u8,
    color: ColorChoice,
}

impl Output {
    /// Before the configuration is read: errors in it must be printed too.
    pub(crate) fn early(json: bool) -> Self {
        Self { json, quiet: false, verbose: 0, color: ColorChoice::Auto }
    }

    pub(crate) fn new(config: &Config) -> Self {
        Self {
            json: matches!(config.output.value, Mode::Json),
            quiet: config.quiet.value,
            verbose: config.verbose.value,
            color: match config.color.value {
                Color::Auto => ColorChoice::Auto,
                Color::Always => ColorChoice::Always,
                Color::Never => ColorChoice::Never,
            },
        }
    }

    /// Prints for people from now on, and so on standard error where it can.
    pub(crate) fn for_people(self) -> Self {
        Self { json: false, ..self }
    }

    /// Answers whether only JSON may be printed.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Answers whether only data and errors were asked for.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Answers whether more was asked for.
    pub(crate) fn is_verbose(self) -> bool {
        self.verbose > 0
    }

    /// Answers whether a person watches standard error.
    pub(crate) fn is_watched(self) -> bool {
        !self.json && !self.quiet && io::stderr().is_terminal()
    }

    /// Prints a value: as JSON, or as the text made from it.
    pub(crate) fn data<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) {
        if self.json {
            self.json_line(value);
        } else {
            self.text(&text());
        }
    }

    /// Prints one JSON document on a line of its own.
    pub(crate) fn json_line<T: Serialize>(self, value: &T) {
        // A value of our own that does not serialise has no text form either.
        let line = serde_json::to_string(value).unwrap_or_else(|error| format!("\"{error}\""));
        self.out(&format!("{}\n", escaped(&line)));
    }

    /// Prints a JSON document over several lines, to be pasted somewhere.
    pub(crate) fn pasteable(self, value: &serde_json::Value) {
        let document = format!("{value:#}");
        let lines = document.lines().map(|line| format!("{}\n", escaped(line)));
        self.out(&lines.collect::<String>());
    }

    /// Prints text as data.
    pub(crate) fn text(self, text: &str) {
        self.out(text);
        if !text.is_empty() && !text.ends_with('\n') {
            self.out("\n");
        }
    }

    /// Prints a piece of a text that goes on, without what would move a cursor or turn the order of what
    /// follows.
    pub(crate) fn piece(self, text: &str) {
        self.out(&harmless(text));
        remember(io::stdout().lock().flush());
    }

    /// Shows a piece of what a model thinks.
    pub(crate) fn thought(self, text: &str) {
        self.err(&format!("{FAINT}{}{FAINT:#}", harmless(text)));
    }

    /// Prints bytes as they are: completions, exports.
    pub(crate) fn raw(self, bytes: &[u8]) {
        remember(io::stdout().lock().write_all(bytes));
    }

    /// Says what was done; silent with `--quiet`.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet && !self.json {
            self.err(&format!("{text}\n"));
        }
    }

    /// Shows something to a person on standard error, whatever the mode.
    pub(crate) fn show(self, text: &str) {
        self.err(text);
    }

    /// Says what is odd.
    pub(crate) fn warn(self, text: &str) {
        self.err(&format!("{WARNING}warning{WARNING:#}: {text}\n"));
    }

    /// Repeats what a guest said.
    pub(crate) fn guest(self, level: &str, text: &str) {
        self.err(&format!("{FAINT}{level:>5} |{FAINT:#} {}\n", indented(text)));
    }

    /// Prints an error: what, why, what to type.
    pub(crate) fn fault(self, fault: &Fault) {
        if self.json {
            self.json_line(fault);
            return;
        }
        let message = indented(&fault.message);
        let mut text = format!("{ERROR}error[{}]{ERROR:#}: {message}\n", fault.code);
        for cause in &fault.causes {
            text.push_str(&format!("caused by: {}\n", indented(cause)));
        }
        if let Some(hint) = &fault.hint {
            text.push_str(&format!("\n{HINT}hint{HINT:#}: {hint}\n"));
        }
        self.err(&text);
    }

    fn out(self, text: &str) {
        remember(AutoStream::new(io::stdout(), self.color).lock().write_all(text.as_bytes()));
    }

    fn err(self, text: &str) {
        forgive(AutoStream::new(io::stderr(), self.color).lock().write_all(text.as_bytes()));
    }
}

/// Sets the lines after the first in, so that a message from elsewhere cannot pass for two of ours.
fn indented(text: &str) -> String {
    let mut lines = text.trim_end().split('\n');
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let margin = if line.starts_with(MARGIN) { "" } else { MARGIN };
        out.push_str(&format!("\n{margin}{line}"));
    }
    out
}

/// Leaves out of a stranger's text what would move a cursor or turn the order of what follows. What only hides
/// stays: signs of many languages and small pictures are joined by it.
fn harmless(text: &str) -> String {
    let turns = |it: char| matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_harmless = |it: &char| matches!(it, '\n' | '\t') || !(it.is_control() || turns(*it));
    text.chars().filter(is_harmless).collect()
}

/// Escapes what a terminal or a reader could be fooled by; it is the same JSON still, since such
/// characters stand only inside its strings.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// Keeps the first error of standard output for [`finish`].
pub(super) fn remember(result: io::Result<()>) {
    let Err(error) = result else { return };
    if error.kind() == ErrorKind::BrokenPipe {
        CLOSED.store(true, Ordering::Relaxed);
    } else {
        REFUSED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// Answers whether the reader of standard output went away, as far as was noticed: what ends by itself
/// need not ask.
pub(super) fn is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

/// Writes what is still held back of the data.
///
/// # Errors
///
/// The first error since the start: not all of the data reached standard output.
pub(super) fn finish() -> io::Result<()> {
    remember(io::stdout().lock().flush());
    REFUSED.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
}

/// Nothing can be done about a terminal that is gone, and there is nobody to tell.
fn forgive(result: io::Result<()>) {
    drop(result);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_an_answer_moves_no_cursor() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\r\u{9b}c\u{202e}d\n\te\u{1f469}\u{200d}\u{1f52c}"),
            "a[2Jbcd\n\te\u{1f469}\u{200d}\u{1f52c}"
        );
    }

    #[test]
    fn a_message_of_several_lines_does_not_pass_for_several_messages() {
        let message = "it failed\nerror[AX-P012]: not so\n\nhint: not so either\n     in\n";
        let expected =
            "it failed\n    error[AX-P012]: not so\n    \n    hint: not so either\n     in";
        assert_eq!(indented(message), expected);
        assert_eq!(indented("one line"), "one line");
    }
}
