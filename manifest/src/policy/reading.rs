//! One reading of a `policy.toml`, which finds every mistake and not the first alone.
//!
//! Invariant: whoever reads on after a mistake has noted it, and a policy with a noted mistake is
//! given to nobody ([`super::Policy::parse`]).
//! Not here: what the keys mean; mistakes inside of one `[[test]]`, of which the first is noted.

use super::ENTRIES_MAX;
use super::error::{PolicyErrorKind, Wrong};
use crate::manifest::error::place;
use crate::manifest::section::Section;
use crate::manifest::tree::Node;

/// What is being read, and what was wrong so far.
pub(super) struct Reading<'t> {
    text: &'t str,
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

    /// Reads each text of a list; `None` if the list is not there or is none.
    pub(super) fn each<'a, T>(
        &mut self,
        section: &Section<'a, '_>,
        key: &str,
        read: impl Fn(&Self, &'a Node, &'a str) -> Result<T, Wrong>,
    ) -> Option<Vec<T>> {
        let node = section.get(key)?;
        let path = section.path(key);
        let items = self.keep(node.items(&path))?;
        if items.len() > ENTRIES_MAX {
            let (what, count, max) = (path, items.len(), ENTRIES_MAX);
            self.note(Wrong::at(node, PolicyErrorKind::TooMany { what, count, max }));
            return None;
        }
        let mut entries = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let text = self.keep(item.text(&format!("{path}[{index}]")));
            let entry = text.and_then(|text| {
                let entry = read(self, item, text);
                self.keep(entry)
            });
            entries.extend(entry);
        }
        Some(entries)
    }

    /// Returns the line of a value, from 1.
    pub(super) fn line(&self, node: &Node) -> usize {
        place(node.at, self.text).0
    }

    /// Ends the reading: every mistake, in the order of the text.
    pub(super) fn into_wrongs(mut self) -> Vec<Wrong> {
        self.wrongs.sort_by_key(|wrong| wrong.at);
        self.wrongs
    }
}
