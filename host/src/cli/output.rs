//! The only printer. Data goes to standard output, all else to standard error.
//!
//! A reader that went away (`ax … | head`) is not an error.

use std::io::{self, IsTerminal, Write};

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

    /// Prints text as data.
    pub(crate) fn text(self, text: &str) {
        self.out(text);
        if !text.is_empty() && !text.ends_with('\n') {
            self.out("\n");
        }
    }

    /// Prints bytes as they are: completions, exports.
    pub(crate) fn raw(self, bytes: &[u8]) {
        forgive(io::stdout().lock().write_all(bytes));
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
        self.err(&format!("{FAINT}{level:>5} |{FAINT:#} {text}\n"));
    }

    /// Prints an error: what, why, what to type.
    pub(crate) fn fault(self, fault: &Fault) {
        if self.json {
            self.json_line(fault);
            return;
        }
        let mut text = format!("{ERROR}error[{}]{ERROR:#}: {}\n", fault.code, fault.message);
        for cause in &fault.causes {
            text.push_str(&format!("caused by: {cause}\n"));
        }
        if let Some(hint) = &fault.hint {
            text.push_str(&format!("\n{HINT}hint{HINT:#}: {hint}\n"));
        }
        self.err(&text);
    }

    fn out(self, text: &str) {
        forgive(AutoStream::new(io::stdout(), self.color).lock().write_all(text.as_bytes()));
    }

    fn err(self, text: &str) {
        forgive(AutoStream::new(io::stderr(), self.color).lock().write_all(text.as_bytes()));
    }
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

/// Nothing can be done about a terminal that is gone, and there is nobody to tell.
fn forgive(result: io::Result<()>) {
    drop(result);
}
