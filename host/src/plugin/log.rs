//! What a guest says while it runs: lines from `ax:log`, standard output and standard error.
//!
//! Bounded per call in lines and bytes; what goes beyond is counted, not kept. Text is scrubbed
//! here and secrets are taken out, so whoever prints a line need think of neither.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::limits::{self, Limits};
use super::text;
use crate::secret::leak::LeakScan;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Every step.
    Trace,
    /// For the plugin's author.
    Debug,
    /// For the operator; standard output counts as this.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed; standard error counts as this.
    Error,
}

impl Level {
    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The text, scrubbed and cut.
    pub message: String,
    /// Names and values that go with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(String, String)>,
}

/// The lines of one call.
#[derive(Debug, Clone)]
pub(super) struct Log(Arc<Mutex<Buffer>>);

#[derive(Debug)]
struct Buffer {
    lines: Vec<Line>,
    lines_max: usize,
    bytes: u64,
    bytes_max: u64,
    dropped: u64,
    secrets: LeakScan,
}

impl Buffer {
    fn is_full(&self) -> bool {
        self.lines.len() >= self.lines_max || self.bytes >= self.bytes_max
    }
}

impl Log {
    pub(super) fn new(limits: &Limits, secrets: LeakScan) -> Self {
        Self(Arc::new(Mutex::new(Buffer {
            lines: Vec::new(),
            lines_max: limits.log_lines as usize,
            bytes: 0,
            bytes_max: limits.log_bytes,
            dropped: 0,
            secrets,
        })))
    }

    /// Starts anew for the next call of a warm instance, whose streams keep writing here.
    pub(super) fn restart(&self, secrets: LeakScan) {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.lines.clear();
        (buffer.bytes, buffer.dropped, buffer.secrets) = (0, 0, secrets);
    }

    /// Keeps a line, or counts it as dropped.
    pub(super) fn push(&self, level: Level, message: &str, fields: &[(String, String)]) {
        // A poisoned lock only means that a panic unwound while a line was added.
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.is_full() {
            // Cleaning it would be work for nothing, as much as a guest cares to ask for.
            buffer.dropped += 1;
            return;
        }
        // Secrets first: what is cut or replaced afterwards could hide a part of one.
        let clean = |text: &str| text::scrub(&buffer.secrets.redact(text), limits::LOG_LINE_BYTES);
        let line = Line {
            level,
            message: clean(message),
            fields: fields.iter().map(|(name, value)| (clean(name), clean(value))).collect(),
        };
        // Measured as kept: what replaces a control character is longer than it.
        let fields = line.fields.iter().map(|(name, value)| name.len() + value.len());
        let bytes = (line.message.len() + fields.sum::<usize>()) as u64;
        if buffer.bytes + bytes > buffer.bytes_max {
            buffer.dropped += 1;
            return;
        }
        buffer.bytes += bytes;
        buffer.lines.push(line);
    }

    /// Keeps a text as lines of at most [`limits::LOG_LINE_BYTES`]. Secrets are taken out of the whole,
    /// so that none lies across two of them.
    pub(super) fn push_long(&self, level: Level, text: &str) {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.is_full() {
            buffer.dropped += 1;
            return;
        }
        let clean = buffer.secrets.redact(text).into_owned();
        drop(buffer);
        let mut rest = clean.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.floor_char_boundary(limits::LOG_LINE_BYTES));
            self.push(level, line, &[]);
            rest = after;
        }
    }

    /// Counts the lines so far.
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lines.len()
    }

    /// Takes the lines and the number of dropped ones.
    pub(super) fn take(&self) -> (Vec<Line>, u64) {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut buffer.lines), buffer.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(log_lines: u32, log_bytes: u64) -> Log {
        Log::new(&Limits { log_lines, log_bytes, ..Limits::default() }, LeakScan::none())
    }

    #[test]
    fn lines_beyond_either_bound_are_counted_not_kept() {
        let by_lines = log(2, 1_000);
        (0..3).for_each(|_| by_lines.push(Level::Info, "x", &[]));
        let (lines, dropped) = by_lines.take();
        assert_eq!((lines.len(), dropped), (2, 1));

        let by_bytes = log(10, 4);
        by_bytes.push(Level::Info, "four", &[]);
        by_bytes.push(Level::Info, "x", &[]);
        assert_eq!(by_bytes.take().1, 1);
    }

    #[test]
    fn a_line_is_scrubbed_and_cut() {
        let log = log(10, 1 << 20);
        log.push(Level::Warn, &format!("\u{1b}{}", "y".repeat(limits::LOG_LINE_BYTES)), &[]);
        let (lines, _) = log.take();
        assert!(lines[0].message.starts_with('\u{fffd}'));
        assert!(lines[0].message.ends_with('…'));
    }
}
