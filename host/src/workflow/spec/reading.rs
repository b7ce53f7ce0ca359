//! One reading of a workflow file, which finds every mistake and not the first alone.
//!
//! Invariant: whoever reads on after a mistake has noted it, and a spec with a noted mistake is given to
//! nobody ([`super::Spec::parse`]).

use ax_manifest::Span;
use ax_manifest::reading::{Node, Section, Value};

use super::error::{SpecFlaw, Wrong};
use super::{MISTAKES_MAX, TIME_MAX_MS};

/// What is being read, and what was wrong so far.
pub(super) struct Reading<'t> {
    pub(super) text: &'t str,
    wrongs: Vec<Wrong>,
}

impl<'t> Reading<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, wrongs: Vec::new() }
    }

    /// Notes a mistake.
    pub(super) fn note(&mut self, wrong: impl Into<Wrong>) {
        self.wrongs.push(wrong.into());
    }

    /// Notes a mistake at a place.
    pub(super) fn note_at(&mut self, at: usize, flaw: SpecFlaw) {
        self.wrongs.push(Wrong { at, offset: None, flaw });
    }

    /// Notes a mistake inside of the text that begins at a place.
    pub(super) fn note_inside(&mut self, at: usize, offset: usize, flaw: SpecFlaw) {
        self.wrongs.push(Wrong { at, offset: Some(offset), flaw });
    }

    /// Answers whether more is wrong than will be told.
    pub(super) fn is_full(&self) -> bool {
        self.wrongs.len() >= MISTAKES_MAX
    }

    /// Returns what was read, or notes why it could not be.
    pub(super) fn keep<T>(&mut self, read: Result<T, impl Into<Wrong>>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(wrong) => {
                self.note(wrong);
                None
            }
        }
    }

    /// Opens a table and notes its unknown keys.
    pub(super) fn open<'a, 'n>(
        &mut self,
        node: &'a Node,
        name: &'n str,
        known: &'static [&'static str],
    ) -> Option<Section<'a, 'n>> {
        let (section, unknown) = self.keep(Section::open_noting(node, name, known))?;
        unknown.into_iter().for_each(|unknown| self.note(unknown));
        Some(section)
    }

    /// Reads a length of time in milliseconds, at least one and at most [`TIME_MAX_MS`].
    pub(super) fn time_ms(&mut self, section: &Section<'_, '_>, key: &str) -> Option<u64> {
        let node = section.get(key)?;
        let path = section.path(key);
        let Value::String(text) = &node.value else {
            self.note(node.wrong_type(&path, "a time like \"2 min\""));
            return None;
        };
        // `2 m` is what people write; with nothing shorter than an hour it can mean nothing else.
        let text = match text.strip_suffix('m') {
            Some(number) => format!("{number}min"),
            None => text.clone(),
        };
        let span: Span = match text.parse() {
            Ok(span) => span,
            Err(error) => {
                self.note_at(node.at, SpecFlaw::Quantity(error));
                return None;
            }
        };
        match u64::try_from(span.0.as_millis()) {
            Ok(ms) if (1..=TIME_MAX_MS).contains(&ms) => Some(ms),
            _ => {
                let given = span.to_string();
                self.note_at(node.at, SpecFlaw::Time { key: path, given });
                None
            }
        }
    }

    /// Reads one of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        section: &Section<'_, '_>,
        key: &str,
        words: &'static [&'static str],
        choices: &[T],
    ) -> Option<T> {
        let node = section.get(key)?;
        let path = section.path(key);
        let text = self.keep(node.text(&path))?;
        let found = words.iter().position(|word| *word == text);
        if found.is_none() {
            let text = text.to_owned();
            self.note_at(node.at, SpecFlaw::Choice { key: path, text, choices: words });
        }
        choices.get(found?).copied()
    }

    /// Ends the reading: every mistake.
    pub(super) fn into_wrongs(self) -> Vec<Wrong> {
        self.wrongs
    }
}
